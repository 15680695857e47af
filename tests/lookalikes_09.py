"""Wrong answers to the exercises of chapter 09 that look like a known mistake: what each is called, or None."""

from collections import Counter

import numpy as np


def same(concepts):
    return concepts[:, None] == concepts[None, :]


def sizes(concepts):
    return same(concepts).sum(1)


def shared(concepts):
    return same(concepts) / sizes(concepts)[:, None]


def spared_the_other_way(image_concepts, text_concepts, labels):
    mask = np.equal.outer(image_concepts, text_concepts)
    for text, image in enumerate(labels):
        mask[image, text] = False
    return mask


def sigma(z):
    return 1 / (1 + np.exp(-np.clip(z, -700, 700)))


def price(z):
    return np.logaddexp(0, -z)


def signs(Y):
    return 2 * Y - 1


LOOKALIKES = {
    "false_negatives": [
        (lambda c: int(same(c).sum()), "the diagonal is counted too"),
        (lambda c: int(np.triu(same(c), 1).sum()), "each two pairs once"),
        (lambda c: sum(n for n in Counter(c.tolist()).values() if n > 1), "pairs that have a twin"),
        (lambda c: sum(n - 1 for n in Counter(c.tolist()).values()), "the repetitions only"),
        (lambda c: len(set(c.tolist())), "concepts, not cells"),
        (lambda c: len(c) ** 2 - int(same(c).sum()), "the true negatives"),
        (lambda c: int(same(c).sum() - len(c)) / len(c) ** 2, "a share, not a number"),
        (lambda c: int(np.triu(same(c)).sum()), None),
        (lambda c: len(c) * (len(c) - 1), None),
        (lambda c: max(Counter(c.tolist()).values()), None),
        (lambda c: 0, None),
    ],
    "loss_floor": [
        (lambda c: 0.0, "the floor is 0"),
        (lambda c: np.log(len(c)), "a model that knows nothing"),
        (lambda c: np.log(len(set(c.tolist()))), "the concepts counted, not the twins"),
        (lambda c: np.log(max(1, len(set(c.tolist())) - 1)), None),
        (lambda c: np.mean([np.log(n) for n in Counter(c.tolist()).values()]),
         "a mean over concepts, not over pairs"),
        (lambda c: np.log(sizes(c)).sum(), "the sum in place of the mean"),
        (lambda c: np.log(np.mean(sizes(c))), "the logarithm of the mean"),
        (lambda c: np.mean(1 / sizes(c)), "the probability, not its price"),
        (lambda c: -np.log(np.mean(1 / sizes(c))), "the logarithm of the mean"),
        (lambda c: np.log(sizes(c)).max(), None),
        (lambda c: np.log2(sizes(c)).mean(), "another logarithm"),
        (lambda c: np.log(sizes(c) + 1).mean(), None),
    ],
    "false_negative_mask": [
        (lambda a, b, labels: np.equal.outer(a, b), "the matches are masked too"),
        (lambda a, b, labels: np.not_equal.outer(a, b), "all true negatives are masked"),
        (lambda a, b, labels: np.equal.outer(a, b) & ~np.eye(len(a), len(b), dtype=bool),
         "the diagonal is spared, not the matches"),
        (lambda a, b, labels: labels[:, None] == np.arange(len(b)), "the matches alone are masked"),
        (lambda a, b, labels: labels[:, None] != np.arange(len(b)), None),
        (lambda a, b, labels: np.equal.outer(a, a) & ~np.eye(len(a), dtype=bool), "images with images"),
        (lambda a, b, labels: np.equal.outer(a, b) | np.eye(len(a), len(b), dtype=bool), None),
        (lambda a, b, labels: (np.equal.outer(a, b) & (labels[:, None] != np.arange(len(b)))) + 0,
         "numbers in place of True and False"),
        (lambda a, b, labels: np.equal.outer(b, a), None),
        (lambda a, b, labels: np.zeros((len(a), len(b)), dtype=bool), None),
        (spared_the_other_way, "the labels read the other way"),
        (lambda a, b, labels: np.equal.outer(a, b) & ~np.isin(np.arange(len(b)), labels), "the columns of all matches"),
        (lambda a, b, labels: np.equal.outer(a, b[labels]) & ~np.eye(len(a), dtype=bool), "images with images"),
        (lambda a, b, labels: np.equal.outer(a, b) & (np.arange(len(a))[:, None] != labels[labels.argsort()][0]), None),
        (lambda a, b, labels: ~np.equal.outer(a, b) & (labels[:, None] != np.arange(len(b))),
         "all true negatives are masked"),
    ],
    "soft_targets": [
        (lambda c, s: same(c) * 1.0, "the rows do not add up to 1"),
        (lambda c, s: s * same(c) + (1 - s) * np.eye(len(c)), "the rows do not add up to 1"),
        (lambda c, s: shared(c), "shared in full, whatever the share"),
        (lambda c, s: (1 - s) * shared(c) + s * np.eye(len(c)), "the share turned round"),
        (lambda c, s: (1 - s) * np.eye(len(c)) + s / len(c), "the share is dealt among all texts"),
        (lambda c, s: np.eye(len(c)), "the identity again"),
        (lambda c, s: s * shared(c), None),
        (lambda c, s: np.where(np.eye(len(c)) > 0, 1 - s, s * shared(c)),
         "the own text gets nothing of the shared part"),
        (lambda c, s: np.where(np.eye(len(c)) > 0, 1, s * shared(c)), None),
        (lambda c, s: shared(c) + np.eye(len(c)), None),
        (lambda c, s: same(c) / sizes(c).max(), None),
        (lambda c, s: ((1 - s) * np.eye(len(c)) + s * same(c)) / (1 - s + s * sizes(c))[:, None], None),
        (lambda c, s: np.full((len(c), len(c)), 1 / len(c)), None),
    ],
    "sigmoid_cross_entropy": [
        (lambda S, Y, a, b: price(signs(Y) * (a * S + b)).mean(), "a mean over N×N cells"),
        (lambda S, Y, a, b: price(signs(Y) * (a * S + b)).sum(), "the sum of all"),
        (lambda S, Y, a, b: price(-signs(Y) * (a * S + b)).sum() / len(S), "yes and no exchanged"),
        (lambda S, Y, a, b: price((a * S + b)[Y > 0]).sum() / len(S), "the negatives pay nothing"),
        (lambda S, Y, a, b: price(-(a * S + b)[Y == 0]).sum() / len(S), None),
        (lambda S, Y, a, b: price(Y * (a * S + b)).sum() / len(S), "0 in place of −1"),
        (lambda S, Y, a, b: price(signs(Y) * a * S).sum() / len(S), "the bias is missing"),
        (lambda S, Y, a, b: price(signs(Y) * a * (S + b)).sum() / len(S), "the bias before the scale"),
        (lambda S, Y, a, b: price(signs(Y) * (S / a + b)).sum() / len(S), None),
        (lambda S, Y, a, b: price(signs(Y) * a * S + b).sum() / len(S), "the sign without the bias"),
        (lambda S, Y, a, b: price(signs(Y) * a * S - b).sum() / len(S), None),
        (lambda S, Y, a, b: -(Y * np.log(sigma(a * S + b) + 1e-12)
                              + (1 - Y) * np.log(1 - sigma(a * S + b) + 1e-12)).sum() / len(S),
         "a price with a ceiling"),
        (lambda S, Y, a, b: -np.log(np.clip(sigma(signs(Y) * (a * S + b)), 1e-7, 1)).sum() / len(S),
         "a price with a ceiling"),
        (lambda S, Y, a, b: price(np.clip(signs(Y) * (a * S + b), -30, 30)).sum() / len(S), "a price with a ceiling"),
        (lambda S, Y, a, b: price(np.clip(signs(Y) * (a * S + b), -2, 2)).sum() / len(S), None),
        (lambda S, Y, a, b: price(signs(Y) * (a * S + b)).sum() / len(S) / 2, None),
    ],
}  # fmt: skip

"""Wrong answers to the exercises of chapter 08 that look like a known mistake: what each is called, or None."""

import numpy as np


def split(concepts, share):
    different = np.unique(concepts)
    return np.isin(concepts, different[len(different) - int(share * len(different)):])


def mean(vectors, numbers):
    known = (numbers > 0)[..., None]
    return (vectors[numbers] * known).sum(1) / np.maximum(1, known.sum(1))


def above(S):
    return (np.diag(S)[:, None] < S).sum(1)


def level(S):
    return (np.diag(S)[:, None] == S).sum(1)


def fair(S, k):
    return np.clip((k - above(S)) / level(S), 0, 1).mean()


def strict(S, k):
    """The own text must be within the sorted k best, by score."""
    return (np.diag(S)[:, None] > np.sort(S, axis=1)[:, ::-1][:, k:k + 1]).any(1).mean()


def within_kth(S, k):
    return (np.diag(S) >= np.sort(S, axis=1)[:, -k]).mean()


LOOKALIKES = {
    "split_by_concept": [
        (lambda c, share: np.arange(len(c)) >= len(c) - int(share * len(c)), "rows are split, not concepts"),
        (lambda c, share: np.isin(c, np.unique(c)[-int(share * len(np.unique(c))):]), "a slice from −0"),
        (lambda c, share: np.isin(c, np.unique(c)[:int(share * len(np.unique(c)))]), "the first concepts are hidden"),
        (lambda c, share: np.isin(c, np.unique(c)[int(share * len(np.unique(c))):]), None),
        (lambda c, share: np.isin(c, np.unique(c)[:len(np.unique(c)) - int(share * len(np.unique(c)))]),
         "the part that stays"),
        (lambda c, share: c >= c.max() * (1 - share), "numbers taken for a count"),
        (lambda c, share: c > np.quantile(c, 1 - share), None),
        (lambda c, share: c > np.quantile(np.unique(c), 1 - share), "never none"),
        (lambda c, share: np.isin(c, np.unique(c)[::-1][:int(share * len(np.unique(c))) or 1]), "never none"),
        (lambda c, share: c > np.unique(c)[int((1 - share) * len(np.unique(c))) - 1], "rounded up"),
        (lambda c, share: split(c, share).nonzero()[0], "positions or names in place of True and False"),
        (lambda c, share: np.isin(c, np.unique(c)[::-1][:round(share * len(np.unique(c)))]), "rounded up"),
        (lambda c, share: np.ones(len(c), dtype=bool), None),
        (lambda c, share: split(c, 1 - share), None),
    ],
    "mean_of_words": [
        (lambda v, n: v[n].mean(axis=1), "padding is averaged too"),
        (lambda v, n: (v[n] * (n > 0)[..., None]).mean(axis=1), "divided by the places, not by the words"),
        (lambda v, n: np.array([v[row].sum(0) / max(1, (row > 0).sum()) for row in n]),
         "padding is added, though not counted"),
        (lambda v, n: np.array([v[row[row > 0]].sum(0) for row in n]), "the sum in place of the mean"),
        (lambda v, n: np.array([v[row[row > 0]].sum(0) / (1 + np.count_nonzero(row)) for row in n]),
         "one word too many below the line"),
        (lambda v, n: np.array([v[row].sum(0) / (1 + np.count_nonzero(row)) for row in n]), None),
        (lambda v, n: np.array([v[row[row > 0]].sum(0) / np.float64((row > 0).sum()) for row in n]),
         "a text without words gives NaN"),
        (lambda v, n: np.array([v[np.unique(row[row > 0])].mean(0) if row.any() else 0 * v[0] for row in n]),
         "each word once"),
        (lambda v, n: (v[n] * (n > 1)[..., None]).sum(1) / np.maximum(1, (n > 1).sum(1))[:, None], None),
        (lambda v, n: mean(v, n).sum(axis=0), None),
        (lambda v, n: np.median(v[n], axis=1), None),
        (lambda v, n: mean(v, n).T, None),
        (lambda v, n: np.where((n > 0).any(1)[:, None], mean(v, n), v[0]), None),
    ],
    "scale_step": [
        (lambda s, g, r, m: min(m, s - r * g), "a step of the scale itself"),
        (lambda s, g, r, m: min(m, s - r * g * s), None),
        (lambda s, g, r, m: min(m, np.exp(np.log(s) - r * g)), "the chain rule is missing"),
        (lambda s, g, r, m: np.exp(np.log(s) - r * g * s), "no limit"),
        (lambda s, g, r, m: max(m, np.exp(np.log(s) - r * g * s)), "at least, not at most"),
        (lambda s, g, r, m: min(m, np.exp(np.log(s) + r * g * s)), "uphill"),
        (lambda s, g, r, m: np.log(min(m, s * np.exp(-r * g * s))), "the logarithm is given back"),
        (lambda s, g, r, m: min(m, np.exp(s - r * g * s)), None),
        (lambda s, g, r, m: min(m, 10 ** (np.log10(s) - r * g * s)), None),
        (lambda s, g, r, m: min(100, np.exp(np.log(s) - r * g * s)), "a limit of 100, whatever is asked"),
        (lambda s, g, r, m: np.clip(np.exp(np.log(s) - r * g * s), 1, m), None),
        (lambda s, g, r, m: min(m, np.exp(np.log(s) - r * g * s * s)), None),
        (lambda s, g, r, m: s, None),
        (lambda s, g, r, m: m, None),
    ],
    "fair_recall": [
        (lambda S, k: (above(S) < k).mean(), "ties are won"),
        (lambda S, k: (above(S) + 1 <= k).mean(), "ties are won"),
        (within_kth, "ties are won"),
        (lambda S, k: ((np.diag(S)[:, None] <= S).sum(1) <= k).mean(), "ties are lost"),
        (lambda S, k: np.mean([i in np.argsort(-row, kind="stable")[:k] for i, row in enumerate(S)]),
         "the order of the columns decides"),
        (lambda S, k: ((above(S) < k).mean() + (above(S) + level(S) <= k).mean()) / 2, None),
        (lambda S, k: (above(S) + (level(S) - 1) / 2 + 1 <= k).mean(), "the middle place"),
        (lambda S, k: fair(S.T, k), "columns, not rows"),
        (lambda S, k: round(100 * fair(S, k), 6), "a number of pairs, not a share"),
        (lambda S, k: 1 - fair(S, k), None),
        (lambda S, k: (fair(S, k) + fair(S.T, k)) / 2, None),
        (lambda S, k: (above(S) == k).mean(), None),
        (lambda S, k: fair(S, 1), "k is not used"),
        (lambda S, k: (S.argmax(1) == np.arange(len(S))).mean(), "k is not used"),
        (lambda S, k: (np.diag(S) >= S.max(1)).mean(), "k is not used"),
        (lambda S, k: np.mean([i in (-row).argsort(kind="stable")[:1] for i, row in enumerate(S)]), "k is not used"),
        (lambda S, k: np.mean(np.where(above(S) < k, 1 / level(S), 0)), "one place of the equals"),
        (lambda S, k: np.where(above(S) == 0, np.clip(k / level(S), 0, 1), 0).mean(), None),
        (lambda S, k: ((np.diag(S) < S).sum(axis=1) < k).mean(), "each score against the match of its column"),
        (lambda S, k: ((np.diag(S) <= S).sum(axis=1) <= k).mean(), None),
        (lambda S, k: np.clip((k - (np.diag(S) < S).sum(0)) / (np.diag(S) == S).sum(0), 0, 1).mean(),
         "columns, not rows"),
        (lambda S, k: k / len(S), None),
    ],
    "held_out_recall": [
        (lambda S, split: (np.diag(S) == S.max(1)).mean(), "measured on all pairs"),
        (lambda S, split: (np.diag(S) == S.max(1))[split == 2].mean(), "the gallery holds the trained texts too"),
        (lambda S, split: (np.diag(S) == S.max(1))[split == 0].mean(), None),
        (lambda S, split: (np.diag(S) == S.max(1))[split == 2].sum() / len(S), "divided by all pairs"),
        (lambda S, split: (S[split != 0][:, split != 0].argmax(1) == np.arange((split != 0).sum())).mean(),
         "everything that was not trained on"),
        (lambda S, split: (S[split == 2][:, split == 2].argmax(0) == np.arange((split == 2).sum())).mean(),
         "columns, not rows"),
        (lambda S, split: (S[split == 2][:, split == 2].argmax(1) == np.arange((split == 2).sum())).sum(),
         "a number of pairs, not a share"),
        (lambda S, split: (S[split == 2][:, split == 2].argmax(1) == np.arange((split == 2).sum())).sum() / len(split),
         "divided by all pairs"),
        (lambda S, split: (S[split == 1][:, split == 1].argmax(1) == np.arange((split == 1).sum())).mean(),
         "measured on the validation pairs"),
        (lambda S, split: (S[split == 2][:, split == 2].argmin(1) == np.arange((split == 2).sum())).mean(), None),
        (lambda S, split: np.isin(S[split == 2].argmax(1), np.flatnonzero(split == 2)).mean(), None),
        (lambda S, split: ((S * (split == 2)).argmax(1) == np.arange(len(S)))[split == 2].mean(), "0 in place of −∞"),
        (lambda S, split: ((S * np.outer(split == 2, split == 2)).argmax(1) == np.arange(len(S)))[split == 2].mean(),
         "0 in place of −∞"),
        (lambda S, split: (np.diag(S)[split == 2] == S[split == 2].max(1)).mean(),
         "the gallery holds the trained texts too"),
        (lambda S, split: (np.where(split == 0, -np.inf, S).argmax(1) == np.arange(len(S)))[split == 2].mean(), None),
        (lambda S, split: (S[:, split == 2].argmax(0) == np.flatnonzero(split == 2)).mean(), None),
        (lambda S, split: 1.0, None),
    ],
}  # fmt: skip

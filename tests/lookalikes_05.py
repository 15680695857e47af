"""Wrong answers to the exercises of chapter 05 that look like a known mistake: what each is called, or None where no
name would be true."""

import numpy as np
import torch


def softmax(x, axis=-1):
    positive = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return positive / positive.sum(axis=axis, keepdims=True)


def plain(x, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def cosine(a, b):
    return (unit(a) * unit(b)).sum(axis=-1)


def soft_maximum(c, g):
    return np.log(np.exp(g * c).sum()) / g


def look(s, g):
    return softmax(g * softmax(s, 0), 1)


def pairs(regions, words, lengths, g1, g2, own=None, see=None):
    """Loops; own(i, j, lengths): how many words; see(α, i): what they see in image i."""
    R = np.zeros((len(regions), len(words)))
    for i in range(len(regions)):
        for j in range(len(words)):
            text = words[j, : own(i, j, lengths) if own else lengths[j]]
            a = look(text @ regions[i].T, g1)
            R[i, j] = soft_maximum(cosine(see(a, i) if see else a @ regions[i], text), g2)
    return R


def four_axes(regions, words, lengths, g1, g2, first=2, second=3, mask=-np.inf, end=True):
    """The whole in one go, each softmax along an axis of one's choice."""
    real = np.arange(words.shape[1]) < lengths[:, None]
    s = np.where(real[None, :, :, None], np.einsum("mtd,nrd->nmtr", words, regions), mask)
    c = np.einsum("nmtr,nrd->nmtd", softmax(g1 * softmax(s, first), second), regions)
    x = g2 * cosine(c, words)
    return np.log(np.exp(np.where(real, x, -np.inf) if end else x).sum(axis=2)) / g2


def last_axis_first(regions, words, lengths, g1, g2):
    """Words and regions on each other's axis: right but for the mask, which hits regions."""
    s = np.einsum("mtd,nrd->nmrt", words, regions)
    c = np.einsum("nmrt,nrd->nmtd", softmax(g1 * softmax(s, 2), 3), regions)
    return np.log(np.exp(g2 * cosine(c, words)).sum(axis=2)) / g2


def in_torch(regions, words, lengths, g1, g2):
    s = torch.einsum("mtd,nrd->nmtr", torch.tensor(words), torch.tensor(regions))
    c = torch.einsum("nmtr,nrd->nmtd", (g1 * s.softmax(2)).softmax(3), torch.tensor(regions))
    return (g2 * torch.cosine_similarity(c, torch.tensor(words)[None], dim=-1)).logsumexp(2) / g2


def forgets_a_text(*arguments):
    R = pairs(*arguments)
    R[:, -1] = 0
    return R


LOOKALIKES = {
    "word_similarities": [
        (lambda r, w: np.inner(r, w), "regions down, words across"),
        (lambda r, w: np.einsum("rd,td->rt", r, w), "regions down, words across"),
        (lambda r, w: w @ r.T / np.outer(np.linalg.norm(w, axis=1), np.linalg.norm(r, axis=1)), "divided by a length"),
        (lambda r, w: np.array([x @ w.T for x in r]).reshape(len(w), -1), "reshape in place of a transpose"),
        (lambda r, w: np.exp(w @ r.T), None),
        (lambda r, w: -(w @ r.T), None),
        (lambda r, w: np.abs(w @ r.T), None),
        (lambda r, w: np.maximum(w @ r.T, 0), None),
        (lambda r, w: w @ r.T / len(w), None),
        (lambda r, w: w @ r.T - (w @ r.T).mean(), None),
        (lambda r, w: (w[:, None] * r[None]).mean(axis=-1), "the mean over the features"),
        (lambda r, w: (w[:, None] * r[None]).sum(axis=1), "the sum runs over another axis than the features"),
        (lambda r, w: (w[:, None] - r[None]).sum(axis=-1), None),
        (lambda r, w: np.einsum("td,re->tr", w, r), "each side summed by itself"),
    ],
    "where_words_look": [
        (lambda s, g: plain(g * plain(s, 1), 0), "the two softmaxes changed places"),
        (lambda s, g: (s - s.min(0)) / (s - s.min(0)).sum(0), None),
        (lambda s, g: softmax(g * s / s.sum(axis=0), 1), "the first exp is missing"),
        (lambda s, g: softmax(g + softmax(s, 0), 1), "γ1 has no effect"),
        (lambda s, g: softmax(softmax(s, 0), 1) ** g, None),
        (lambda s, g: softmax(g * softmax(s, 0), 0).T, None),
        (lambda s, g: softmax(softmax(g * softmax(s, 0), 1), 1), None),
        (lambda s, g: softmax(g * softmax(s, 0) * s, 1), None),
        (lambda s, g: softmax(g * np.exp(s - s.max(0)), 1), None),
        (lambda s, g: np.eye(s.shape[1])[softmax(s, 0).argmax(1)], None),
        (lambda s, g: softmax(g * np.nan_to_num(plain(s, 0)), 1), None),
        (lambda s, g: softmax(g * plain(np.clip(s, -500, 500), 0), 1), None),
        (
            lambda s, g: softmax(g * plain(s - s.mean(0), 0), 1),
            "another number than the column's largest taken off",
        ),
        (lambda s, g: softmax(g * plain(s.astype(np.longdouble), 0), 0), "both softmaxes over the words"),
        (lambda s, g: g * plain(s, 1), None),
        (lambda s, g: 1 - look(s, g), None),
    ],
    "what_words_see": [
        (lambda a, r, w: np.einsum("tr,rd,td->t", a, r, w), "the lengths are not divided out"),
        (lambda a, r, w: (a * (w @ r.T)).sum(1) / np.linalg.norm(w, axis=1), "only one side is divided by its length"),
        (lambda a, r, w: cosine(r.sum(0), w), "every region counts the same"),
        (lambda a, r, w: cosine((a > 0) @ r, w), "every region counts the same"),
        (lambda a, r, w: cosine(np.eye(len(r))[a.argmax(1)] @ r, w), "the brightest region only"),
        (lambda a, r, w: cosine(a**2 @ r, w), None),
        (lambda a, r, w: cosine(softmax(a) @ r, w), None),
        (lambda a, r, w: cosine(a / a.sum(0) @ r, w), None),
        (lambda a, r, w: cosine(a @ r, w).mean(), None),
        (lambda a, r, w: cosine(a @ r + w, w), None),
        (lambda a, r, w: np.arccos(np.clip(cosine(a @ r, w), -1, 1)), None),
        (lambda a, r, w: np.abs(cosine(a @ r, w)), None),
        (lambda a, r, w: np.linalg.norm(a @ r - w, axis=1), None),
        (lambda a, r, w: cosine(a @ r, np.roll(w, 1, axis=0)), None),
        (
            lambda a, r, w: (a * cosine(w[:, None], r[None])).sum(1),
            "an average of cosines, not the cosine of an average",
        ),
    ],
    "caption_score": [
        (lambda c, n, g: soft_maximum(c, g), "padding counted"),
        (lambda c, n, g: np.log(np.exp(g * c[:n]).sum() + len(c) - n) / g, "padding set to 0, and still counted"),
        (lambda c, n, g: np.log((g * np.exp(c[:n])).sum()) / g, "γ2 is not inside the exp"),
        (lambda c, n, g: np.log(np.exp(g * c[:n]).sum()), "1/γ2 is missing"),
        (lambda c, n, g: np.log(np.exp(g * c[:n]).mean()) / g, "the mean in place of the sum"),
        (lambda c, n, g: np.log(np.exp(g * c).mean()) / g, None),
        (lambda c, n, g: sum(np.log(np.exp(g * x)) for x in c[:n]) / g, "the sum of the cosines"),
        (lambda c, n, g: np.mean([np.log(np.exp(g * x)) / g for x in c[:n]]), "the mean of the cosines"),
        (lambda c, n, g: np.exp(soft_maximum(c[:n], g)), None),
        (lambda c, n, g: soft_maximum(c[:n], g) / n, None),
        (lambda c, n, g: soft_maximum(c[-n:], g), None),
        (lambda c, n, g: soft_maximum(c[:n], 5.0), None),
        (lambda c, n, g: np.log(np.exp(g * c[:n]).sum()) / g**2, None),
        (lambda c, n, g: soft_maximum(np.abs(c[:n]), g), None),
        (lambda c, n, g: np.log2(np.exp(g * c[:n]).sum()) / g, "another logarithm"),
        (lambda c, n, g: -soft_maximum(-c[:n], g), None),
    ],
    "every_pair": [
        (in_torch, "padding counted throughout"),
        (lambda *a: four_axes(*a, end=False), "padding counted in the score"),
        (lambda *a: four_axes(*a, mask=0), "padding set to 0, and still counted"),
        (lambda *a: four_axes(*a, first=1), "the texts compete, not the words"),
        (lambda *a: four_axes(*a, first=3), "the softmaxes run along other axes"),
        (lambda *a: four_axes(*a, second=1), None),
        (lambda *a: four_axes(*a, second=0), None),
        (lambda *a: pairs(*a, own=lambda i, j, lengths: lengths[i]), "the length of another text"),
        (lambda *a: pairs(*a, own=lambda i, j, lengths: lengths.max()), "one length for all texts"),
        (lambda *a: pairs(*a, own=lambda i, j, lengths: max(1, lengths[j] - 1)), None),
        (lambda *a: pairs(*a, see=lambda looks, i: looks @ a[0][0]), "the regions of another image"),
        (lambda *a: pairs(*a, see=lambda looks, i: looks @ a[0].mean(axis=0)), None),
        (lambda *a: pairs(*a, see=lambda looks, i: a[0][i][looks.argmax(1)]), None),
        (lambda *a: pairs(*a[:3], 2 * a[3], a[4]), None),
        (lambda *a: pairs(*a) - pairs(*a).mean(), None),
        (lambda *a: pairs(*a[:3], *a[:2:-1]), "γ1 and γ2 changed places"),
        (lambda r, w, n, g1, g2: pairs(unit(r), unit(w), n, g1, g2), None),
        (lambda r, w, n, g1, g2: pairs(r, w, n[::-1], g1, g2), "the length of another text"),
        (last_axis_first, None),
        (forgets_a_text, None),
    ],
}

"""Wrong answers that look like a known mistake: what each is called, or None where no name would be true."""

import importlib
import math

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu.course import exercises, measure


def softmax(x, axis=-1):
    positive = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return positive / positive.sum(axis=axis, keepdims=True)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def row_prices(S, scale=1.0):
    return -np.log(np.diag(softmax(scale * S, axis=1)))


def column_prices(S, scale=1.0):
    return -np.log(np.diag(softmax(scale * S, axis=0)))


def log_p(S, axis=0):
    below = S - S.max(axis=axis, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=axis, keepdims=True))


def loss_and_gradient(S, axis=0):
    return -np.diag(log_p(S, axis)).mean(), (np.exp(log_p(S, axis)) - np.eye(len(S))) / len(S)


def block(q, t):
    return ((q[:, None] - t[None]) ** 2).sum(axis=-1)


def squares(x):
    return (x**2).sum(axis=1)


def products(r, w):
    return np.einsum("nrd,mtd->nmtr", r, w)


def held(rung, N):
    S = np.zeros((N, N))
    return measure.array_bytes(lambda: rung(S))


def arange(S):
    return torch.arange(len(S))


def line(S):
    return (F.cross_entropy(S, arange(S)) + F.cross_entropy(S.T, arange(S))) / 2


def logits(q, t, s):
    return s * F.normalize(q, dim=1) @ F.normalize(t, dim=1).T


def rows_and_columns(S, p):
    return (F.cross_entropy(S, p.argsort()) + F.cross_entropy(S.T, p)) / 2


def says(loss, N, no_number=math.isnan, near=1e-3, nothing=math.log, shift=0.0):
    if no_number(loss):
        return "not a number"
    if abs(loss - nothing(N)) < near:
        return "nothing learned"
    return "softmax twice" if abs(loss - math.log(1 + (N - 1) / math.e) - shift) < near else "goes on"


def newton(S, start, steps, step=lambda slope, bend: slope / bend):
    stored = torch.tensor(math.log(start), dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        slope = torch.autograd.grad(line(S * stored.exp()), stored, create_graph=True)[0]
        stored.data -= step(slope.detach(), torch.autograd.grad(slope, stored)[0])
    return stored.exp().item()


def length(x, p=2.0):
    return x.norm(p=p, dim=1, keepdim=True)


def guarded(x, size):
    return x / torch.where(size > 0, size, 1)


LOOKALIKES = {
    "cosine_matrix": [
        (lambda q, d: np.inner(q, d), "the lengths are not divided out"),
        (lambda q, d: np.einsum("nd,md->nm", unit(q), d), "only one side is divided by its length"),
        (lambda q, d: 1 - unit(q) @ unit(d).T, "1 minus the cosine"),
        (lambda q, d: -np.linalg.norm(q[:, None] - d[None], axis=-1), "a distance"),
        (lambda q, d: np.abs(unit(q) @ unit(d).T), None),
        (lambda q, d: q @ d.T / (np.linalg.norm(q) * np.linalg.norm(d)), "one length for the whole matrix"),
        (lambda q, d: (unit(d) @ unit(q).T).reshape(len(q), len(d)), None),
        (lambda q, d: q @ d.T / q.shape[1], None),
        (lambda q, d: d @ q.T, None),
    ],
    "row_probabilities": [
        (lambda row, scale: scale * np.exp(row) / (scale * np.exp(row)).sum(), "the scale has no effect"),
        (lambda row, scale: scale * row / (scale * row).sum(), "the exp is missing"),
        (lambda row, scale: np.exp(scale * row) / np.exp(scale * row).max(), "divided by the largest, not by the sum"),
        (
            lambda row, scale: np.exp(row / scale) / np.exp(row / scale).sum(),
            "the scale divides instead of multiplying",
        ),
        (lambda row, scale: softmax(row) ** scale, None),
        (lambda row, scale: 1 / (1 + np.exp(-scale * row)), None),
        (lambda row, scale: np.exp(scale * row) / np.exp(row).sum(), "the scale on one side of the line only"),
        (lambda row, scale: softmax(-scale * row), None),
        (lambda row, scale: -np.log(softmax(scale * row)), None),
        (lambda row, scale: 100 * softmax(scale * row), None),
    ],
    "column_probabilities": [
        (
            lambda S, j, scale: np.exp(scale * S[:, j]) / np.exp(scale * S).sum(axis=1),
            "a column of the rows' probabilities",
        ),
        (lambda S, j, scale: np.exp(scale * S[:, j]) / np.exp(scale * S).sum(), "one sum for the whole matrix"),
        (lambda S, j, scale: scale * S[:, j] / (scale * S[:, j]).sum(), "the exp is missing"),
        (lambda S, j, scale: softmax(scale * S[:, -1]), None),
        (
            lambda S, j, scale: softmax(scale * S, axis=1)[:, j] / softmax(scale * S, axis=1)[:, j].sum(),
            "shared out twice",
        ),
        (lambda S, j, scale: softmax(scale * S, axis=0)[j], None),
        (lambda S, j, scale: softmax(S, axis=1)[:, j], None),
    ],
    "first_loss": [
        (lambda S, scale: len(S) * row_prices(S, scale).sum(), "each row counted N times"),
        (lambda S, scale: np.log(np.diag(softmax(scale * S))).sum(), "the minus is missing"),
        (lambda S, scale: -np.log(np.diag(softmax(scale * S.T))).sum(), "the softmax runs along the wrong axis"),
        (lambda S, scale: column_prices(S, scale).mean(), None),
        (lambda S, scale: -(scale * np.diag(S)).sum(), "no softmax at all"),
        (lambda S, scale: -np.log(np.fliplr(softmax(scale * S)).diagonal()).sum(), None),
        (lambda S, scale: row_prices(S, scale)[:-1].sum(), None),
        (lambda S, scale: row_prices(S, scale).sum() / scale, None),
        (lambda S, scale: -np.log(np.exp(scale * np.diag(S)) / np.exp(scale * S).mean(axis=1)).sum(), None),
    ],
    "labels_after": [
        (lambda p: np.argsort(np.argsort(p)), "the columns' answer"),
        (lambda p: (np.arange(len(p)) + 1) % len(p), "the labels are shifted by one"),
        (lambda p: range(len(p)), "the labels did not follow the shuffle"),
        (lambda p: p + 1, None),
        (lambda p: p[::-1].copy(), None),
        (lambda p: np.argsort(-p), None),
        (lambda p: p[p[p]], None),
        (lambda p: np.eye(len(p), dtype=int)[p], None),
        (lambda p: np.argsort(p).astype(float), None),
    ],
    "matrix_loss": [
        (lambda S, Y: -np.log(softmax(S))[Y == 1].sum(), "the sum in place of the mean"),
        (lambda S, Y: -(Y * np.log(softmax(S.T).T)).sum() / len(S), "the softmax runs along the wrong axis"),
        (
            lambda S, Y: -np.log(softmax(S))[range(len(S)), range(len(S))].mean(),
            "the labels did not follow the shuffle",
        ),
        (lambda S, Y: -np.log((Y * softmax(S)).sum()) / len(S), None),
        (lambda S, Y: -(Y * S).sum() / len(S), "no softmax at all"),
        (lambda S, Y: (Y - np.log(softmax(S))).sum() / len(S), None),
        (lambda S, Y: -(Y * np.log(softmax(S) * softmax(S, axis=0))).sum() / (2 * len(S)), "both questions at once"),
    ],
    "column_gradient": [
        (lambda S: softmax(S.T).T, "the labels are missing"),
        (lambda S: softmax(S.T, axis=0) - np.eye(len(S)), "the gradient of the rows"),
        (lambda S: np.eye(len(S)) - softmax(S, axis=0), "the opposite sign"),
        (lambda S: (softmax(S, axis=1) - np.eye(len(S))) / len(S), None),
        (lambda S: softmax(S, axis=0) + np.eye(len(S)), None),
        (lambda S: S - np.eye(len(S)), None),
        (lambda S: 1 - softmax(S, axis=0), None),
        (lambda S: 2 * (softmax(S, axis=0) - np.eye(len(S))), None),
    ],
    "two_caption_loss": [
        (lambda row: -np.log(softmax(row)[0] * softmax(row)[1]), "two full prices"),
        (lambda row: -np.log(softmax(row)[0] + softmax(row)[1]), "either one will do"),
        (lambda row: np.log(np.sqrt(softmax(row)[0] * softmax(row)[1])), "the minus is missing"),
        (lambda row: -np.log(softmax(row)[:2].max()), None),
        (lambda row: -np.log(softmax(row)[-2:]).mean(), None),
        (lambda row: -0.5 * np.log(softmax(row)[:2].sum()), None),
        (lambda row: -row[:2].mean(), None),
        (lambda row: -np.log(softmax(row / 2)[:2]).sum(), None),
    ],
    "all_columns": [
        (lambda S: (-np.diag(log_p(S)).sum(), np.exp(log_p(S)) - np.eye(len(S))), "the sum in place of the mean"),
        (lambda S: (loss_and_gradient(S)[0], loss_and_gradient(S)[1].T), "the gradient turned over"),
        (lambda S: loss_and_gradient(S, axis=1), "the rows, not the columns"),
        (lambda S: loss_and_gradient(S)[::-1], None),
        (lambda S: loss_and_gradient(S)[0], None),
        (lambda S: (loss_and_gradient(S, 1)[0], loss_and_gradient(S, 1)[1].T), None),
        (lambda S: (loss_and_gradient(S)[0], loss_and_gradient(S, 1)[1]), None),
    ],
    "squared_distances": [
        (lambda q, t: np.linalg.norm(q[:, None] - t[None], axis=-1), "the distance, not its square"),
        (lambda q, t: np.einsum("nmd,nmd->nm", q[:, None] - t, q[:, None] - t), "a block in memory"),
        (lambda q, t: squares(q)[:, None] + squares(t) - np.inner(q, t), "the 2 is missing"),
        (lambda q, t: block(q, t) / 2, None),
        (lambda q, t: -block(q, t), None),
        (lambda q, t: (q[:, None] - t[None]).sum(axis=-1) ** 2, None),
        (lambda q, t: (q**2).sum() + (t**2).sum() - 2 * q @ t.T, None),
        (lambda q, t: block(t, q), None),
        (lambda q, t: squares(q)[:, None] - squares(t) - 2 * q @ t.T, None),
    ],
    "largest_batches": [
        (lambda memory, D: (int((memory / (4 * D)) ** 0.5), int((memory / 4) ** 0.5)), "bytes of float32"),
        (lambda memory, D: (int(memory // (8 * D)), int(memory // 8)), "no square root"),
        (lambda memory, D: (int((memory / (8 * D**2)) ** 0.5), int((memory / 8) ** 0.5)), "D outside the root"),
        (lambda memory, D: (int(memory / (8 * D)), int((memory / 8) ** 0.5)), None),
        (lambda memory, D: (int((memory / (16 * D)) ** 0.5), int((memory / 16) ** 0.5)), None),
        (lambda memory, D: ((memory / (8 * D)) ** 0.5, (memory / 8) ** 0.5), None),
        (lambda memory, D: (int((memory / (8 * D + 8)) ** 0.5), int((memory / 8) ** 0.5)), None),
    ],
    "every_word_with_every_region": [
        (lambda r, w: np.tensordot(r, w, ([2], [2])), "the axes as they came"),
        (lambda r, w: products(r, w) / r.shape[2], "the mean over the features"),
        (lambda r, w: np.einsum("nrd,mtd->nmrt", r, w), "words and regions changed places"),
        (lambda r, w: products(r, w) / np.sqrt(r.shape[-1]), None),
        (lambda r, w: np.einsum("nrd,mtd->nmrt", r, w).reshape(len(r), len(w), w.shape[1], r.shape[1]), None),
        (lambda r, w: (r.reshape(-1, r.shape[2]) @ w.reshape(-1, w.shape[2]).T).reshape(products(r, w).shape), None),
        (lambda r, w: softmax(products(r, w)), None),
        (lambda r, w: products(r, w).max(axis=3), None),
        (lambda r, w: np.einsum("nrd,mtd->nmtrd", r, w), None),
    ],
    "multiples_of_S": [
        (lambda rung, N: measure.array_bytes(lambda: rung(np.zeros((N, N)))) / (8 * N * N), "S weighed too"),
        (lambda rung, N: 8 * held(rung, N) / 8, "bytes, not multiples"),
        (lambda rung, N: np.zeros((N, N)).nbytes / held(rung, N), "the other way up"),
        (lambda rung, N: held(rung, N) / (8 * N), None),
        (lambda rung, N: held(rung, N) / 1e6, None),
        (lambda rung, N: measure.array_bytes(lambda: rung) / (8 * N * N), None),
        (lambda rung, N: held(rung, N) / (8 * N * N) - 1, None),
    ],
    "loss_from_features": [
        (lambda q, t, s: line(logits(s * q, t, 1)), "the scale has no effect"),
        (lambda q, t, s: torch.nn.CrossEntropyLoss()(logits(q, t, s), arange(q)), "one direction only"),
        (lambda q, t, s: torch.tensor(line(logits(q, t, s)).item()), "the value is right, and no gradient comes back"),
        (lambda q, t, s: line(logits(q, t, s).log_softmax(1).exp()), "probabilities where logits belong"),
        (lambda q, t, s: line(logits(q, t, s * s)), None),
        (lambda q, t, s: line(logits(q, q, s)), None),
        (lambda q, t, s: line(-logits(q, t, s)), None),
        (lambda q, t, s: line(q @ t.T), None),
        (lambda q, t, s: F.cross_entropy(logits(q, t, s), arange(q)) / 2, None),
        (lambda q, t, s: (1 - F.cosine_similarity(q, t)).mean(), None),
        (lambda q, t, s: line(logits(q, t, s)).half(), None),
    ],
    "to_features": [
        (lambda G, q, d: (G.T @ q, G @ d), "the two changed places"),
        (lambda G, q, d: (-(G @ d), -(q.T @ G).T), "the opposite sign"),
        (lambda G, q, d: (G @ d / G.shape[0], G.T @ q / G.shape[0]), "divided by N once more"),
        (lambda G, q, d: (G @ d, -G.T @ q), None),
        (lambda G, q, d: G @ d, None),
        (lambda G, q, d: (G @ d, q.T @ G), None),
        (lambda G, q, d: (2 * G @ d, 2 * G.T @ q), None),
        (lambda G, q, d: (q - G @ d, d - G.T @ q), None),
        (lambda G, q, d: (G @ F.normalize(d, dim=1), G.T @ F.normalize(q, dim=1)), None),
    ],
    "shuffled_line": [
        (lambda S, p: 2 * line(S[:, p.argsort()]), "both directions added, not averaged"),
        (lambda S, p: (F.cross_entropy(S, p.argsort()) + F.cross_entropy(S, p.argsort())) / 2, "one direction only"),
        (lambda S, p: torch.tensor(rows_and_columns(S, p).item()), "the value is right, and no gradient comes back"),
        (
            lambda S, p: (F.cross_entropy(S.T, p.argsort()) + F.cross_entropy(S, p.argsort())) / 2,
            "one label for both directions",
        ),
        (lambda S, p: (F.cross_entropy(S, p.argsort()) + F.cross_entropy(S.T.detach(), p)) / 2, None),
        (lambda S, p: (F.cross_entropy(S.T, p.argsort()) + F.cross_entropy(S.T, p)) / 2, None),
        (lambda S, p: rows_and_columns(S, p) / len(p), None),
        (lambda S, p: -rows_and_columns(S, p), None),
        (lambda S, p: F.cross_entropy(S, p), None),
        (lambda S, p: F.cross_entropy(S, torch.arange(len(p))), None),
    ],
    "diagnose": [
        (lambda loss, N: says(loss, N, no_number=lambda x: x == math.nan), "NaN compared with =="),
        (lambda loss, N: says(loss, N, near=0.01), "too generous"),
        (lambda loss, N: says(loss, N, nothing=math.log2), "another logarithm"),
        (lambda loss, N: says(loss, 48), "the numbers of N = 48"),
        (lambda loss, N: "goes on", None),
        (lambda loss, N: says(loss, 1000), None),
        (lambda loss, N: says(loss, N).upper(), None),
        (lambda loss, N: says(loss, N).replace("not a number", "nan"), None),
        (lambda loss, N: says(loss, N, nothing=lambda N: -math.log(N)).replace("goes on", "nothing learned"), None),
    ],
    "newton": [
        (lambda S, start, steps: newton(S, start, steps + 1), "one step too many or too few"),
        (lambda S, start, steps: math.log(newton(S, start, steps)), "the logarithm given back"),
        (lambda S, start, steps: newton(S, start, steps, lambda slope, bend: slope), "a gradient step of size 1"),
        (lambda S, start, steps: newton(S, start, steps, lambda slope, bend: -slope / bend), "up instead of down"),
        (lambda S, start, steps: newton(S, start, steps, lambda slope, bend: 0.1 * slope), None),
        (lambda S, start, steps: newton(S, start, steps, lambda slope, bend: slope * bend), None),
        (lambda S, start, steps: newton(S, start, steps, lambda slope, bend: slope / bend / 2), None),
        (lambda S, start, steps: newton(S, math.exp(start), steps), "the start without its logarithm"),
        (lambda S, start, steps: start, None),
    ],
    "unit_half": [
        (lambda x: F.normalize(x.float(), dim=1), "float32 where float16 was asked"),
        (lambda x: (x / length(x)).nan_to_num(), "the length overflows"),
        (lambda x: (x.float() / length(x.float())).half(), "zero divided by zero"),
        (lambda x: F.normalize(x.float(), dim=1, eps=1e-6).half(), "an ε that swallows small vectors"),
        (lambda x: F.normalize(x.float(), p=1, dim=1).half(), "divided by the sum"),
        (lambda x: F.normalize(x.float(), dim=0).half(), "the lengths run over the batch, not over the features"),
        (lambda x: F.normalize(x.double(), dim=1), None),
        (lambda x: guarded(x.float(), x.float().norm()).half(), "one length for the whole matrix"),
        (lambda x: -F.normalize(x.float(), dim=1).half(), None),
        (lambda x: F.normalize(x.float(), dim=1).bfloat16(), None),
        (lambda x: x.float().softmax(1).half(), None),
    ],
}

for chapter in exercises.CHAPTERS[4:]:  # from chapter 05 on, each has a file of its own
    LOOKALIKES |= importlib.import_module(f"lookalikes_{chapter.title[:2]}").LOOKALIKES

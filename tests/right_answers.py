"""Right answers to every exercise, each by another formula: none may be refused."""

import enum
import functools
import importlib.util
import itertools
import math
import operator
import random
from collections import namedtuple
from decimal import Decimal
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from xmatch_edu import losses, scores
from xmatch_edu.course import exercises, measure

# ---- 01 cosine_matrix


def cosine_of_units(image_features, text_features):
    q = image_features / np.linalg.norm(image_features, axis=1, keepdims=True)
    d = text_features / np.linalg.norm(text_features, axis=1, keepdims=True)
    return q @ d.T


def cosine_in_place(image_features, text_features):
    image_features /= np.sqrt((image_features**2).sum(1))[:, None]
    text_features /= np.sqrt((text_features**2).sum(1))[:, None]
    return np.inner(image_features, text_features)


def cosine_in_lists(image_features, text_features):
    def cosine(q, d):
        dot = sum(x * y for x, y in zip(q, d, strict=True))
        return dot / (math.hypot(*q) * math.hypot(*d))

    return [[cosine(q, d) for d in text_features.tolist()] for q in image_features.tolist()]


def cosine_three_loops(image_features, text_features, dtype=np.float64):
    S = np.zeros((len(image_features), len(text_features)), dtype=dtype)
    for j, d in enumerate(text_features):
        for i, q in enumerate(image_features):
            for k in reversed(range(len(q))):
                S[i, j] += q[k] * d[k]
            S[i, j] /= np.sqrt((q @ q) * (d @ d))
    return S


def cosine_torch_similarity(a, b):
    a, b = torch.from_numpy(a), torch.from_numpy(b)
    return F.cosine_similarity(a[:, None], b[None], dim=-1)


def cosine_torch_single(a, b):
    a, b = (F.normalize(torch.tensor(x, dtype=torch.float32), dim=1) for x in (a, b))
    return (a @ b.T).numpy()


def cosine_package(images, texts):
    return scores.cosine_scores(torch.tensor(images), torch.tensor(texts))


# ---- 01 row_probabilities


def row_plain(row, scale):
    positive = np.exp(scale * row)
    return positive / positive.sum()


def row_list(row, scale=1.0):
    positive = [math.exp(scale * s) for s in row]
    return [p / math.fsum(positive) for p in positive]


def row_in_place(row, scale):
    row *= scale
    row -= row.max()
    np.exp(row, out=row)
    row /= row.sum()
    return row


def row_torch(row, scale):
    return torch.softmax(torch.from_numpy(row) * scale, dim=0)


def row_torch_single(row, scale):
    torch.manual_seed(0)
    return nn.Softmax(dim=-1)(torch.tensor(row).float() * scale)


def row_base_two(row, scale):
    x = np.exp2(row * scale / math.log(2))
    return tuple(x / x.sum())


class RowOdds:
    """Odds against the first: p / (1 − p) by a sigmoid."""

    def __call__(self, row, scale):
        odds = torch.sigmoid(torch.tensor(scale * (row - row[0])))
        odds = odds / (1 - odds)
        return (odds / odds.sum()).numpy()


row_vectorized = np.vectorize(row_plain, signature="(m),()->(m)")


# ---- 01 column_probabilities


def column_plain(scores, j, scale):
    column = np.exp(scale * scores[:, j])
    return column / column.sum()


def column_loop(scores, j, scale):
    total = 0.0
    for i in range(scores.shape[0]):
        total += math.exp(scale * scores[i, j])
    return [math.exp(scale * scores[i, j]) / total for i in range(scores.shape[0])]


def column_torch(scores, j, scale):
    return (scale * torch.as_tensor(scores)).softmax(dim=0).index_select(1, torch.tensor([j])).squeeze(1)


def column_in_place(scores, j, scale):
    scores *= scale
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=0, keepdims=True)
    return scores[:, j].astype(np.float32)


def column_distribution(scores, j, scale):
    return torch.distributions.Categorical(logits=torch.tensor(scores[:, j]) * scale).probs


def column_running(scores, j, scale):
    totals = list(itertools.accumulate(np.exp(scale * scores[:, j])))
    return np.diff([0.0, *totals]) / totals[-1]


# ---- 01 first_loss


def first_loops(scores, scale):
    total = 0.0
    for i in range(len(scores)):
        positive = np.exp(scale * scores[i])
        total -= np.log(positive[i] / positive.sum())
    return total


def first_product(scores, scale):
    positive = np.exp(scale * scores)
    return -math.log(math.prod(np.diag(positive) / positive.sum(1)))


def first_torch(scores, scale):
    return F.cross_entropy(torch.tensor(scores) * scale, torch.arange(len(scores)), reduction="sum")


def first_stencil(scores, scale):
    log_p = np.log(np.exp(scale * scores) / np.exp(scale * scores).sum(1)[:, None])
    return np.array(-np.einsum("ij,ij->", np.identity(len(scores)), log_p))


def first_package(scores, scale):
    return losses.matching_loss(torch.tensor(scores), scale=scale, direction="image_to_text", reduction="sum")


def first_single(scores, scale):
    logits = (scale * scores).astype(np.float32)
    return np.float32(-(logits - np.log(np.exp(logits).sum(1, keepdims=True))).diagonal().sum())


# ---- 02 labels_after


def labels_scatter(p):
    y = np.empty(len(p), dtype=int)
    y[p] = np.arange(len(p))
    return y


def labels_loop(p):
    y = [0] * len(p)
    for k, text in enumerate(p):
        y[text] = k
    return y


def labels_where(p):
    return tuple(np.where(p == i)[0][0] for i in range(len(p)))


def labels_matrix(p):
    return (np.eye(len(p))[p].T @ np.arange(len(p))).round().astype(np.int32)


def labels_bincount(p):
    return np.bincount(p, weights=range(len(p))).astype(np.uint8)


def labels_torch(p):
    p = torch.tensor(p)
    return torch.zeros_like(p).scatter_(0, p, torch.arange(len(p)))


def labels_in_place(p):
    p[p.copy()] = range(len(p))
    return p


# ---- 02 matrix_loss


def matrix_stencil(S, Y):
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    return -(Y * np.log(P)).sum() / len(S)


def matrix_mask(S, Y):
    return np.mean(np.log(np.exp(S).sum(1)) - S[Y == 1])


def matrix_argmax(S, Y):
    return F.cross_entropy(torch.tensor(S), torch.tensor(Y).argmax(dim=1))


def matrix_dense(S, Y):
    return F.cross_entropy(torch.tensor(S), torch.tensor(Y, dtype=torch.float64)).item()


def matrix_dot(S, Y):
    return (np.log(np.exp(S).sum(1)).sum() - np.vdot(S, Y)) / len(Y)


def matrix_margins(S, Y):
    own = np.take_along_axis(S, Y.argmax(1)[:, None], axis=1)
    S -= own
    return np.array(np.log1p(np.exp(S).sum(axis=1) - 1).mean())


def matrix_single(S, Y):
    log_p = torch.tensor(S).float().log_softmax(-1)
    return -(log_p * torch.tensor(Y)).sum(1).mean()


# ---- 02 column_gradient


def gradient_plain(S):
    P = np.exp(S - S.max(axis=0))
    return P / P.sum(axis=0) - np.eye(len(S))


def gradient_loops(S):
    G = np.zeros_like(S)
    for j in range(S.shape[1]):
        top = max(S[:, j])
        total = sum(math.exp(s - top) for s in S[:, j])
        for i in range(S.shape[0]):
            G[i, j] = math.exp(S[i, j] - top) / total - (i == j)
    return G.tolist()


def gradient_autograd(S):
    S = torch.tensor(S, requires_grad=True)
    F.cross_entropy(S.T, torch.arange(len(S)), reduction="sum").backward()
    return S.grad


def gradient_in_place(S):
    S -= np.logaddexp.reduce(S, axis=0)
    np.exp(S, out=S)
    S[np.diag_indices_from(S)] -= 1
    return S


def gradient_scatter(S):
    P = torch.from_numpy(S).softmax(0)
    return P.diagonal_scatter(P.diagonal() - 1)


def gradient_long(S):
    P = np.exp((S - S.max(axis=0)).astype(np.longdouble))
    return P / P.sum(0) - np.eye(len(S))


# ---- 02 two_caption_loss


def two_plain(row):
    p = np.exp(row) / np.exp(row).sum()
    return -(0.5 * np.log(p[0]) + 0.5 * np.log(p[1]))


def two_mean(row):
    return np.log(np.exp(row).sum()) - row[:2].mean()


def two_dense(row):
    row = torch.tensor(row)
    return F.cross_entropy(row, torch.tensor([0.5, 0.5] + [0.0] * (len(row) - 2), dtype=row.dtype))


def two_calls(row):
    both = torch.tensor(row).expand(2, -1)
    return float(F.cross_entropy(both, torch.tensor([0, 1])))


def two_divergence(row):
    """Cross-entropy = entropy of the labels, ln 2, and their divergence from P."""
    p = np.exp(row - row.max())
    p /= p.sum()
    return np.array(math.log(2) + 0.5 * np.log(0.5 / p[:2]).sum())


def two_single(row):
    return -torch.tensor(row, dtype=torch.float32).log_softmax(0)[:2].mean()


# ---- 03 all_columns


def columns_below(S):
    below = S - S.max(axis=0)
    log_p = below - np.log(np.exp(below).sum(axis=0))
    return -np.diag(log_p).mean(), (np.exp(log_p) - np.eye(len(S))) / len(S)


def columns_autograd(S):
    S = torch.tensor(S, requires_grad=True)
    loss = F.cross_entropy(S.T, torch.arange(len(S)))
    loss.backward()
    return loss, S.grad


def columns_func(S):
    slope, loss = torch.func.grad_and_value(lambda S: -S.log_softmax(0).diagonal().mean())(torch.from_numpy(S))
    return [loss.item(), slope.tolist()]


def columns_logaddexp(S):
    Columns = namedtuple("Columns", "loss gradient")
    log_p = S - np.logaddexp.reduce(S, axis=0)
    gradient = np.exp(log_p)
    gradient.flat[:: len(S) + 1] -= 1
    return Columns(loss=-log_p.trace() / len(S), gradient=gradient / len(S))


def columns_in_place(S):
    S -= S.max(axis=0)
    S -= np.log(np.exp(S).sum(axis=0))
    loss = -S.diagonal().mean()
    np.exp(S, out=S)
    S -= np.identity(len(S))
    S /= len(S)
    return loss, S


def columns_below_own(S):
    """Everything beside the own score: a loss is the log-sum-exp of the margins."""
    margins = S - np.diag(S)
    loss = np.logaddexp.reduce(margins, axis=0)
    return np.array(loss.mean()), (np.exp(margins - loss) - np.eye(len(S))) / len(S)


def columns_package(S):
    S = torch.tensor(S, requires_grad=True)
    loss = losses.matching_loss(S, direction="text_to_image")
    return loss.detach().numpy(), torch.autograd.grad(loss, S)[0].numpy()


# ---- 03 squared_distances


def distances_plain(images, texts):
    return (images**2).sum(1, keepdims=True) + (texts**2).sum(1) - 2 * images @ texts.T


def distances_clipped(images, texts):
    squared = np.einsum("nd,nd->n", images, images)[:, None] + np.einsum("md,md->m", texts, texts)[None]
    return np.maximum(squared - 2 * np.dot(images, texts.T), 0)


def distances_centred(images, texts):
    middle = texts.mean(axis=0)
    images, texts = images - middle, texts - middle
    return np.add.outer((images * images).sum(-1), (texts * texts).sum(-1)) - 2 * np.inner(images, texts)


def distances_torch(images, texts):
    q, t = torch.from_numpy(images), torch.from_numpy(texts)
    return torch.addmm(q.square().sum(1, keepdim=True) + t.square().sum(1), q, t.T, alpha=-2)


def distances_cdist(images, texts):
    q, t = torch.tensor(images), torch.tensor(texts)
    return torch.cdist(q, t, compute_mode="use_mm_for_euclid_dist").square().numpy()


def distances_tensordot(images, texts):
    cross = np.tensordot(images, texts, axes=([1], [1]))
    q2 = np.array([row @ row for row in images]).reshape(-1, 1)
    t2 = np.array([row @ row for row in texts]).reshape(1, -1)
    return q2 - cross - cross + t2


def distances_single(images, texts):
    images, texts = images.astype(np.float32), texts.astype(np.float32)
    return (images**2).sum(1)[:, None] + (texts**2).sum(1) - 2 * images @ texts.T


def distances_cosines(images, texts):
    a, b = (np.sqrt((x**2).sum(1)) for x in (images, texts))
    return (a[:, None] - b) ** 2 + 2 * (np.outer(a, b) - images @ texts.T)


# ---- 03 largest_batches


def batches_root(memory=8e9, D=48):
    return int((memory / (8 * D)) ** 0.5), int((memory / 8) ** 0.5)


def batches_isqrt(memory, D):
    return math.isqrt(int(memory) // (8 * D)), math.isqrt(int(memory) // 8)


def batches_counting(memory, D):
    def largest(one):
        N = 0
        while (N + 1) ** 2 * one <= memory:
            N += 1
        return N

    return [largest(8 * D), largest(8)]


def batches_numpy(memory, D):
    return tuple(np.floor(np.sqrt(memory / (8 * np.array([D, 1])))).astype(int))


def batches_array(memory, D):
    return np.sqrt(memory / (np.float64([D, 1]).itemsize * np.array([D, 1]))).astype(np.int64)


def batches_itemsize(memory, D):
    size = np.dtype("float64").itemsize
    return math.floor(math.sqrt(memory / D / size)), math.floor(math.sqrt(memory / size))


def batches_decimal(memory, D):
    cells = Decimal(memory) / 8
    return int((cells / D).sqrt()), int(cells.sqrt())


def batches_tensor(memory, D):
    return torch.tensor([memory / 8 / D, memory / 8], dtype=torch.float64).sqrt().long().tolist()


# ---- 03 every_word_with_every_region


def every_einsum(regions, words):
    return np.einsum("nrd,mtd->nmtr", regions, words)


def every_tensordot(regions, words):
    return np.tensordot(regions, words, axes=(2, 2)).transpose(0, 2, 3, 1)


def every_block(regions, words):
    return (regions[:, None, None] * words[None, :, :, None]).sum(-1)


def every_nested(regions, words):
    return [[(text @ image.T).tolist() for text in words] for image in regions]


def every_dot(regions, words):
    return np.moveaxis(np.dot(words, regions.transpose(0, 2, 1)), 2, 0)


def every_inner(regions, words):
    return np.moveaxis(np.inner(regions, words), 1, -1)


def every_torch(regions, words):
    return torch.einsum("nrd,mtd->nmtr", torch.tensor(regions), torch.tensor(words)).numpy()


def every_linear(regions, words):
    words = torch.from_numpy(words).float()
    return torch.stack([F.linear(words, image) for image in torch.from_numpy(regions).float()])


# ---- 03 multiples_of_S


def multiples_default(rung, N=256):
    S = np.zeros((N, N))
    return measure.array_bytes(lambda S=S: rung(S)) / (N * N * 8)


def multiples_outside(rung, N):
    S = np.random.default_rng(0).normal(size=(N, N))
    return measure.array_bytes(lambda: rung(S)) / S.nbytes


def multiples_seeded(rung, N):
    np.random.seed(3)
    S = np.random.randn(N, N)

    def call():
        rung(S)

    print("weighing")
    return np.float64(measure.array_bytes(call)) / N**2 / 8


def multiples_partial(rung, N):
    return measure.array_bytes(functools.partial(rung, np.eye(N))) / (8 * N * N)


def multiples_twice(rung, N):
    S = np.zeros((N, N))
    weights = [measure.array_bytes(lambda: rung(S.copy())) - S.nbytes for _ in range(2)]
    return min(weights) / S.nbytes


def multiples_rounded(rung, N):
    S = np.full((N, N), 0.5)
    return round(measure.array_bytes(lambda: rung(S)) / S.size / S.itemsize, 2)


def multiples_fraction(rung, N):
    S = np.zeros(shape=(N, N), dtype=np.float64)
    return float(Fraction(measure.array_bytes(lambda: rung(S)), S.nbytes))


def multiples_less_S(rung, N):
    """S inside the weighed call, and taken off at the end."""
    return measure.array_bytes(lambda: [S := np.zeros((N, N)), rung(S)]) / (N * N * 8) - 1


# ---- 04 loss_from_features


def features_line(image_features, text_features, scale):
    S = scale * F.normalize(image_features, dim=1) @ F.normalize(text_features, dim=1).T
    where = torch.arange(len(S))
    return (F.cross_entropy(S, where) + F.cross_entropy(S.T, where)) / 2


def features_norms(image_features, text_features, scale):
    S = image_features @ text_features.T
    S = scale * S / image_features.norm(dim=1, keepdim=True) / text_features.norm(dim=1)
    return -(S.log_softmax(0).diagonal() + S.log_softmax(1).diagonal()).mean() / 2


def features_similarity(q, d, scale):
    S = F.cosine_similarity(q[:, None], d[None], dim=2) * scale
    return (S.logsumexp(0).mean() + S.logsumexp(1).mean()) / 2 - S.diagonal().mean()


def features_in_place(q, d, scale):
    q.mul_(2.0)
    d.mul_(0.5)
    S = F.normalize(q) @ F.normalize(d).mT
    S *= scale
    labels = torch.eye(len(S))
    return 0.5 * F.cross_entropy(S, labels) + 0.5 * F.cross_entropy(S.T, labels)


def features_package(q, d, scale):
    return losses.matching_loss(scores.cosine_scores(q, d), scale=scale)


def features_nll(q, d, scale):
    q, d = (x * x.pow(2).sum(-1, keepdim=True).rsqrt() for x in (q, d))
    logits = torch.stack([q @ d.T, d @ q.T]) * scale
    return F.nll_loss(logits.log_softmax(-1).flatten(0, 1), torch.arange(len(q)).repeat(2))


class FeaturesModule(nn.Module):
    def forward(self, image_features, text_features, scale):
        q = image_features / torch.linalg.vector_norm(image_features, dim=1)[:, None]
        d = text_features / torch.linalg.vector_norm(text_features, dim=1)[:, None]
        S = torch.matmul(scale * q, d.t())
        margins = [S - S.diagonal()[:, None], S - S.diagonal()]
        return sum(functools.reduce(torch.logaddexp, m.unbind(dim)).mean() for dim, m in zip((1, 0), margins,
                                                                                            strict=True)) / 2


class FeaturesByHand(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, d, scale):
        units = [x / x.norm(dim=1, keepdim=True) for x in (q, d)]
        S = scale * units[0] @ units[1].T
        ctx.save_for_backward(q, d, S, *units)
        ctx.scale = scale
        return (S.logsumexp(0) + S.logsumexp(1) - 2 * S.diagonal()).mean() / 2

    @staticmethod
    def backward(ctx, slope):
        q, d, S, unit_q, unit_d = ctx.saved_tensors
        G = slope * ctx.scale * ((S.softmax(0) + S.softmax(1)) / 2 - torch.eye(len(S))) / len(S)
        to_q, to_d = G @ unit_d, G.T @ unit_q
        to_q = (to_q - unit_q * (to_q * unit_q).sum(1, keepdim=True)) / q.norm(dim=1, keepdim=True)
        to_d = (to_d - unit_d * (to_d * unit_d).sum(1, keepdim=True)) / d.norm(dim=1, keepdim=True)
        return to_q, to_d, None


# ---- 04 to_features


def to_features_products(G, q, d):
    return G @ d, G.T @ q


def to_features_einsum(G, q, d):
    return torch.einsum("nm,md->nd", G, d), torch.einsum("nm,nd->md", G, q)


def to_features_backward(G, q, d):
    q.requires_grad_()
    d.requires_grad_()
    (G * (q @ d.T)).sum().backward()
    return [q.grad, d.grad]


def to_features_numpy(G, q, d):
    G, q, d = G.numpy(), q.numpy(), d.numpy()
    return np.dot(G, d), np.dot(G.T, q)


def to_features_linear(G, q, d):
    return F.linear(G, d.T), torch.mm(q.T, G).T


def to_features_outer(G, q, d):
    Gradients = namedtuple("Gradients", "q d")
    to_q = sum(torch.outer(G[:, j], d[j]) for j in range(len(d)))
    to_d = sum(torch.outer(G[i], q[i]) for i in range(len(q)))
    return Gradients(to_q, to_d)


def to_features_broadcast(G, q, d):
    return (G[:, :, None] * d).sum(1), (G[:, :, None] * q[:, None]).sum(0)


def to_features_lists(G, q, d):
    def product(A, B):
        return [[sum(map(operator.mul, row, column)) for column in zip(*B, strict=True)] for row in A]

    G, q, d = G.tolist(), q.tolist(), d.tolist()
    return torch.tensor(product(G, d), dtype=torch.float64), torch.tensor(product(zip(*G, strict=True), q)).double()


# ---- 04 shuffled_line


def line_argsort(S, p):
    return (F.cross_entropy(S, p.argsort()) + F.cross_entropy(S.T, p)) / 2


def line_stencil(S, p):
    Y = F.one_hot(p, len(p)).T.double()
    return -(Y * (S.log_softmax(0) + S.log_softmax(1))).sum() / (2 * len(S))


def line_permutation_product(S, p):
    S = S @ torch.eye(len(p), dtype=S.dtype)[p]
    index = torch.arange(len(S))
    return torch.stack([nn.CrossEntropyLoss()(x, index) for x in (S, S.mT)]).mean()


def line_logaddexp(S, p):
    own = S[p, range(len(p))].mean()
    sums = [functools.reduce(torch.logaddexp, S.unbind(dim)).mean() for dim in (0, 1)]
    return sum(sums) / 2 - own


def line_in_place(S, p):
    np.random.seed(0)
    S -= S.max().detach()
    S[:, p] = S.clone()
    return F.cross_entropy(torch.cat([S, S.T]), torch.arange(len(p)).repeat(2))


def line_running(S, p):
    rows = S.logcumsumexp(1)[:, -1] - S[torch.arange(len(S)), p.argsort()]
    columns = S.logcumsumexp(0)[-1] - S[p, torch.arange(len(S))]
    return torch.cat([rows, columns]).mean()


def line_package(S, p):
    return losses.matching_loss(S[:, p.argsort()])


def line_nll(S, p):
    y = torch.tensor([p.tolist().index(i) for i in range(len(p))])
    return torch.add(F.nll_loss(S.log_softmax(1), y), F.nll_loss(S.T.log_softmax(1), p)).div(2)


# ---- 04 diagnose


def diagnose_plain(loss, N):
    if math.isnan(loss):
        return "not a number"
    if abs(loss - math.log(N)) < 1e-3:
        return "nothing learned"
    if abs(loss - math.log(1 + (N - 1) / math.e)) < 1e-3:
        return "softmax twice"
    return "goes on"


def diagnose_isclose(loss, N):
    if loss != loss:
        return "not a number"
    if math.isclose(loss, math.log(N), rel_tol=0, abs_tol=0.001):
        return "nothing learned"
    elif math.isclose(loss, math.log1p((N - 1) / math.e), rel_tol=0, abs_tol=0.001):
        return "softmax twice"
    else:
        return "goes on"


def diagnose_table(loss, N):
    levels = {"nothing learned": np.log(N), "softmax twice": np.log(np.e + N - 1) - 1}
    near = [words for words, level in levels.items() if np.abs(loss - level) <= 1e-3]
    return "not a number" if np.isnan(loss) else (near or ["goes on"])[0]


def diagnose_select(loss, N):
    loss = np.float64(loss)
    nothing, twice = np.log(N), np.log(1 + (N - 1) * np.exp(-1))
    tests = [np.isnan(loss), np.isclose(loss, nothing, 0, 1e-3), np.isclose(loss, twice, 0, 1e-3)]
    return str(np.select(tests, ["not a number", "nothing learned", "softmax twice"], "goes on"))


def diagnose_between(loss, N):
    nothing, twice = math.log(N), torch.tensor([1.0] + [0.0] * (N - 1)).double().logsumexp(0).item() - 1
    if nothing - 0.001 < loss < nothing + 0.001:
        return "nothing learned"
    if twice - 0.001 < loss < twice + 0.001:
        return "softmax twice"
    return "goes on" if loss == loss else "not a number"


def diagnose_exp(loss, N):
    """e^loss in place of logarithms"""
    if math.isnan(loss):
        return "not a number"
    low, high = (math.exp(min(loss, 700) + side) for side in (-0.001, 0.001))
    if low < N < high:
        return "nothing learned"
    return "softmax twice" if low < 1 + (N - 1) / math.e < high else "goes on"


def diagnose_match(loss, N):
    match loss:
        case _ if loss != loss:
            return "not a number"
        case _ if abs(loss - math.log(N)) <= 1 / 1000:
            return "nothing learned"
        case _ if abs(loss + 1 - math.log(math.e + N - 1)) <= 1 / 1000:
            return "softmax twice"
    return "goes on"


class Diagnosis(enum.StrEnum):
    NAN = "not a number"
    NOTHING = "nothing learned"
    TWICE = "softmax twice"
    ON = "goes on"


def diagnose_enum(loss, N):
    near = functools.partial(math.isclose, loss, abs_tol=1e-3)
    if np.isnan(loss):
        return Diagnosis.NAN
    if near(math.log(N)):
        return Diagnosis.NOTHING
    return Diagnosis.TWICE if near(math.log(1 + (N - 1) / math.e)) else Diagnosis.ON


# ---- 04 newton


def newton_autograd(cosines, start=3.0, steps=5):
    stored = torch.tensor(math.log(start), dtype=torch.float64, requires_grad=True)
    where = torch.arange(len(cosines))
    for _ in range(steps):
        S = cosines * stored.exp()
        loss = (F.cross_entropy(S, where) + F.cross_entropy(S.T, where)) / 2
        slope = torch.autograd.grad(loss, stored, create_graph=True)[0]
        bend = torch.autograd.grad(slope, stored)[0]
        stored.data -= slope.detach() / bend
    return round(stored.exp().item(), 4)


def _loss_of_log(cosines, log_scale):
    S = cosines * log_scale.exp()
    return ((S.logsumexp(0) + S.logsumexp(1)) / 2 - S.diagonal()).mean()


def newton_func(cosines, start=3.0, steps=5):
    slope = torch.func.grad(functools.partial(_loss_of_log, cosines))
    bend = torch.func.grad(slope)
    t = torch.tensor(start, dtype=torch.float64).log()
    for _ in range(steps):
        t = t - slope(t) / bend(t)
    return t.exp()


def newton_hessian(cosines, start=3.0, steps=5):
    def loss(t):
        return _loss_of_log(cosines, t)

    t = torch.tensor(np.log(start))
    for _ in range(steps):
        t -= torch.autograd.functional.jacobian(loss, t) / torch.autograd.functional.hessian(loss, t)
    return float(t.exp())


def newton_numpy(cosines, start=3.0, steps=5):
    C = cosines.numpy()
    t = math.log(start)
    for _ in range(steps):
        logits = np.exp(t) * C
        slope = bend = 0.0
        for x in (logits, logits.T):
            P = np.exp(x - x.max(axis=1, keepdims=True))
            P /= P.sum(axis=1, keepdims=True)
            centred = x - (P * x).sum(axis=1, keepdims=True)
            slope -= np.diag(centred).mean() / 2
            bend += (np.einsum("ij,ij->i", P, centred**2) - np.diag(centred)).mean() / 2
        t -= slope / bend
    return np.exp(t)


def newton_differences(cosines, start=3.0, steps=5, h=1e-3):
    """Five points: the error is of the order h⁴."""
    t = math.log(start)
    for _ in range(steps):
        around = t + h * torch.arange(-2, 3, dtype=torch.float64)
        a, b, c, d, e = (_loss_of_log(cosines, x).item() for x in around)
        t -= h * (a - 8 * b + 8 * d - e) / (-a + 16 * b - 30 * c + 16 * d - e)
    return math.exp(t)


def newton_recursive(cosines, start=3.0, steps=5):
    if steps == 0:
        return start
    t = torch.tensor(math.log(start)).double().requires_grad_()
    loss = losses_both(cosines * t.exp())
    (slope,) = torch.autograd.grad(loss, t, create_graph=True)
    slope.backward()
    return newton_recursive(cosines, float((t - slope / t.grad).exp().detach()), steps - 1)


def losses_both(S):
    return -(S.log_softmax(0).trace() + S.log_softmax(1).trace()) / (2 * len(S))


def newton_forward_mode(cosines, start=3.0, steps=5):
    def slope(t):
        return torch.func.jvp(lambda t: _loss_of_log(cosines, t), (t,), (torch.ones_like(t),))[1]

    t = torch.tensor([start], dtype=torch.float64).log()[0]
    for _ in range(steps):
        value, bend = torch.func.jvp(slope, (t,), (torch.ones_like(t),))
        t = t - value / bend
    return np.array(t.exp().item())


class NewtonChainRule:
    """Slope and bend for the scale itself; its logarithm comes in by the chain rule."""

    def __init__(self, steps=5):
        self.steps = steps

    def __call__(self, cosines, start=3.0, steps=None):
        s = torch.full((), start, dtype=torch.float64)
        for _ in range(self.steps if steps is None else steps):
            s.requires_grad_()
            (first,) = torch.autograd.grad(losses_both(cosines * s), s, create_graph=True)
            (second,) = torch.autograd.grad(first, s)
            s = (s.log() - (s * first) / (s * first + s * s * second)).exp().detach()
        return s.numpy()


# ---- 04 unit_half


def half_where(x):
    raised = x.float()
    length = raised.norm(dim=1, keepdim=True)
    return (raised / torch.where(length > 0, length, 1)).half()


def half_normalize(x):
    return F.normalize(x.float(), dim=1).half()


def half_nan_to_num(x):
    raised = x.to(torch.float32)
    return torch.nan_to_num(raised / torch.linalg.norm(raised, dim=1)[:, None], nan=0.0).half()


def half_half_all_the_way(x):
    top = x.abs().amax(dim=1, keepdim=True)
    x = x / torch.where(top > 0, top, torch.ones_like(top))
    return x / x.norm(dim=1, keepdim=True).clamp(min=0.5)


def half_dtype_argument(x):
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32)
    return (x / (length + (length == 0))).half()


def half_in_place(x):
    raised = x.float()
    length = functools.reduce(torch.hypot, raised.unbind(1))
    length[length == 0] = 1
    x.copy_(raised / length[:, None])
    return x


def half_rows(x):
    for row in x:
        length = row.float().norm()
        if length > 0:
            row[:] = row.float() / length
    return x


def half_tiny(x):
    raised = x.float()
    return (raised / (raised.norm(dim=1, keepdim=True) + 1e-20)).half()


def half_rsqrt(x):
    squares = torch.einsum("nd,nd->n", x.float(), x.float())
    return torch.einsum("nd,n->nd", x.float(), squares.clamp(min=1e-30).rsqrt()).half()


# ---- with scipy, where it is there

special = distance = None
if importlib.util.find_spec("scipy"):
    from scipy import special
    from scipy.spatial import distance


def cosine_scipy(a, b):
    return 1 - distance.cdist(a, b, metric="cosine")


def first_scipy(scores, scale):
    random.seed(0)
    return -special.log_softmax(scale * scores, axis=1).trace()


def matrix_scipy(S, Y):
    return special.rel_entr(Y, special.softmax(S, axis=1)).sum() / len(S)


def columns_scipy(S):
    log_p = special.log_softmax(S, axis=0)
    return -np.average(np.diagonal(log_p)), (special.softmax(S, axis=0) - np.eye(len(S))) / len(S)


RIGHT = {
    "cosine_matrix": [
        cosine_of_units, cosine_in_place, cosine_in_lists, cosine_three_loops,
        functools.partial(cosine_three_loops, dtype=np.longdouble),
        cosine_torch_similarity, cosine_torch_single, cosine_package,
        lambda a, b: np.array([[x @ y / math.sqrt(x @ x * (y @ y)) for y in b] for x in a]),
    ],
    "row_probabilities": [
        row_plain, row_list, row_in_place, row_torch, row_torch_single,
        row_base_two, RowOdds(), row_vectorized,
        lambda row, scale: [1 / sum(math.exp(scale * (other - s)) for other in row) for s in row],
    ],
    "column_probabilities": [
        column_plain, column_loop, column_torch,
        column_in_place, column_distribution, column_running,
        lambda scores, j, scale: row_list(scores[:, j], scale),
    ],
    "first_loss": [
        first_loops, first_product, first_torch,
        first_stencil, first_package, first_single,
        lambda scores, scale: -sum(math.log(row_plain(row, scale)[i]) for i, row in enumerate(scores)),
    ],
    "labels_after": [
        labels_scatter, labels_loop, labels_where, labels_matrix,
        labels_bincount, labels_torch,
        labels_in_place, np.argsort, lambda p: np.lexsort((p,)),
    ],
    "matrix_loss": [
        matrix_single,
        matrix_stencil, matrix_mask, matrix_argmax, matrix_dense, matrix_dot,
        matrix_margins,
        lambda S, Y: -np.log((np.exp(S) * Y).sum(1) / np.exp(S).sum(1)).mean(),
    ],
    "column_gradient": [
        gradient_plain, gradient_loops, gradient_autograd, gradient_in_place,
        gradient_scatter,
        gradient_long, lambda S: np.exp(S - np.logaddexp.reduce(S)) - np.diag([1] * len(S)),
    ],
    "two_caption_loss": [
        two_plain, two_mean, two_dense, two_calls, two_divergence,
        two_single,
        lambda row: -math.log(row_plain(row, 1)[0]) / 2 - math.log(row_plain(row, 1)[1]) / 2,
    ],
    "all_columns": [
        columns_below, columns_autograd, columns_func, columns_logaddexp, columns_in_place,
        columns_below_own, columns_package,
    ],
    "squared_distances": [
        distances_plain, distances_clipped,
        distances_centred, distances_torch, distances_cdist, distances_tensordot, distances_single, distances_cosines,
    ],
    "largest_batches": [
        batches_root, batches_isqrt, batches_counting, batches_numpy, batches_array,
        batches_itemsize, batches_decimal, batches_tensor,
    ],
    "every_word_with_every_region": [
        every_einsum, every_tensordot, every_block, every_nested, every_dot,
        every_inner, every_torch, every_linear,
    ],
    "multiples_of_S": [
        multiples_default, multiples_outside, multiples_seeded, multiples_partial,
        multiples_twice, multiples_rounded, multiples_fraction, multiples_less_S,
    ],
    "loss_from_features": [
        features_line, features_norms, features_similarity, features_in_place,
        features_package, features_nll, FeaturesModule(),
        FeaturesByHand.apply,
    ],
    "to_features": [
        to_features_lists,
        to_features_products, to_features_einsum, to_features_backward,
        to_features_numpy, to_features_linear, to_features_outer,
        to_features_broadcast,
    ],
    "shuffled_line": [
        line_argsort, line_stencil,
        line_permutation_product, line_logaddexp, line_in_place, line_running, line_package, line_nll,
    ],
    "diagnose": [
        diagnose_plain, diagnose_isclose, diagnose_table, diagnose_select, diagnose_between, diagnose_exp,
        diagnose_match, diagnose_enum,
    ],
    "newton": [
        newton_autograd, newton_func, newton_hessian, newton_numpy, newton_differences,
        newton_recursive, newton_forward_mode, NewtonChainRule(),
    ],
    "unit_half": [
        half_half_all_the_way,
        half_where, half_normalize, half_nan_to_num,
        half_dtype_argument, half_in_place, half_rows, half_tiny,
        half_rsqrt,
    ],
}  # fmt: skip

if special:
    RIGHT["cosine_matrix"].append(cosine_scipy)
    RIGHT["row_probabilities"].append(lambda row, scale: special.softmax(scale * row))
    RIGHT["column_probabilities"].append(lambda scores, j, scale: special.softmax(scale * scores, axis=0)[:, j])
    RIGHT["first_loss"].append(first_scipy)
    RIGHT["matrix_loss"].append(matrix_scipy)
    RIGHT["column_gradient"].append(lambda S: special.softmax(S, axis=0) - np.eye(len(S)))
    RIGHT["two_caption_loss"].append(lambda row: special.logsumexp(row) - np.median(row[:2]))
    RIGHT["all_columns"].append(columns_scipy)

for chapter in exercises.CHAPTERS[4:]:  # from chapter 05 on, each has a file of its own
    RIGHT |= importlib.import_module(f"right_answers_{chapter.title[:2]}").RIGHT

"""Right answers to the exercises of chapter 07, each by another formula: none may be refused."""

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from xmatch_edu import labels, loops, losses, scores

INF = math.inf

# ---- violations


def violations_plain(S, margin):
    costs = np.maximum(0, margin + S - np.diag(S)[:, None])
    np.fill_diagonal(costs, 0)
    return costs


def violations_loops(S, margin):
    N = len(S)
    costs = np.zeros((N, N))
    for i in range(N):
        for k in range(N):
            if k != i:
                costs[i, k] = max(0, margin + S[i, k] - S[i, i])
    return costs


def violations_lists(S, margin):
    return [[0 if i == k else max(0, margin + score - row[i]) for k, score in enumerate(row)]
            for i, row in enumerate(S.tolist())]  # fmt: skip


def violations_where(S, margin):
    ahead = margin + S - S.diagonal().reshape(-1, 1)
    return np.where((ahead > 0) & ~np.eye(len(S), dtype=bool), ahead, 0.0)


def violations_clip(S, margin):
    return (S + margin - np.einsum("ii->i", S)[:, np.newaxis]).clip(min=0) * (1 - np.eye(len(S)))


def violations_in_place(S, margin):
    S -= S[range(len(S)), range(len(S))][:, None].copy()
    S += margin
    S[S < 0] = 0
    np.fill_diagonal(S, 0.0)
    return S


def violations_torch(S, margin):
    S = torch.from_numpy(S)
    return F.relu(margin + S - S.diagonal()[:, None]).fill_diagonal_(0)


def violations_triangles(S, margin):
    costs = np.maximum(0, margin + S - np.diag(S)[:, None])
    return np.triu(costs, 1) + np.tril(costs, -1)


def violations_package(S, margin):
    return loops.ranking_steps(S, margin=margin).violations


# ---- two_way_hinge


def two_plain(S, margin):
    return violations_plain(S, margin).sum() + violations_plain(S.T, margin).sum()


def two_diagonal_taken_off(S, margin):
    own = np.diag(S)
    return sum(np.maximum(0, margin + S - x).sum() for x in (own, own[:, None])) - 2 * margin * len(S)


def two_fsum(S, margin):
    N = range(len(S))
    return math.fsum(max(0, margin + S[i, k] - S[j, j]) for i in N for k in N if i != k for j in (i, k))


def two_masked(S, margin):
    off = ~np.eye(len(S), dtype=bool)
    own = np.broadcast_to(np.diag(S), S.shape)
    return np.maximum(0, margin + S - own)[off].sum() + np.maximum(0, margin + S - own.T)[off].sum()


def two_torch(S, margin):
    S = torch.tensor(S)
    N = len(S)
    zeros, ones = torch.zeros(N, N).double(), torch.ones(N, N).double()
    own = S.diagonal().expand(N, N)
    eye = torch.eye(N, dtype=torch.bool)
    costs = [F.margin_ranking_loss(x, S, ones, margin=margin, reduction="none") for x in (own, own.T)]
    return sum(torch.where(eye, zeros, cost).sum() for cost in costs)


def two_multi_margin(S, margin):
    """nn.MultiMarginLoss is this hinge, divided by the number of classes."""
    S, N = torch.from_numpy(S), len(S)
    loss = nn.MultiMarginLoss(margin=margin, reduction="sum")
    return float(N * (loss(S, torch.arange(N)) + loss(S.T, torch.arange(N))))


def two_package(S, margin):
    return losses.ranking_loss(torch.from_numpy(S), margin=margin)


def two_loops_of_the_package(S, margin):
    return sum(loops.ranking_loss(S, margin=margin, direction=one) for one in ("image_to_text", "text_to_image"))


# ---- hardest_hinge


def hardest_plain(S, margin):
    return violations_plain(S, margin).max(axis=1).sum() + violations_plain(S.T, margin).max(axis=1).sum()


def hardest_infinity(S, margin):
    others, own = np.where(np.eye(len(S)) > 0, -INF, S), np.diag(S)
    return sum(np.maximum(0, margin + others.max(axis=axis) - own).sum() for axis in (0, 1))


def hardest_default(S, margin):
    def side(S):
        return sum(max((max(0, margin + s - row[i]) for k, s in enumerate(row) if k != i), default=0)
                   for i, row in enumerate(S))  # fmt: skip

    return side(S.tolist()) + side(S.T.tolist())


def hardest_without_max(S, margin):
    """The 0 of the diagonal does what max(0, …) does."""
    x = margin * (1 - np.eye(len(S))) + S
    return (x - np.diag(S)[:, None]).max(axis=1).sum() + (x - np.diag(S)).max(axis=0).sum()


def hardest_nan(S, margin):
    if S.size == 1:
        return 0.0
    np.fill_diagonal(own := S.copy(), np.nan)
    return sum(np.fmax(0, np.nanmax(own, axis=axis) + margin - np.diag(S)).sum() for axis in (1, 0))


def hardest_torch(S, margin):
    S = torch.from_numpy(S)
    rows, columns = margin + S - S.diag()[:, None], margin + S - S.diag()
    return (rows.fill_diagonal_(0).relu().amax(1) + columns.fill_diagonal_(0).relu().amax(0)).sum().item()


def hardest_topk(S, margin):
    both = torch.from_numpy(np.stack([S, S.T]))
    costs = (margin + both - both.diagonal(dim1=1, dim2=2)[..., None]).clamp(min=0)
    costs.diagonal(dim1=1, dim2=2).zero_()
    return costs.topk(1, dim=2).values.sum()


def hardest_package(S, margin):
    return losses.ranking_loss(torch.from_numpy(S), margin=margin, negatives="hardest")


# ---- distance_hinge


def near_plain(image_features, text_features, margin):
    d = np.linalg.norm(image_features[:, None] - text_features, axis=2)
    costs = np.maximum(0, margin + np.diag(d)[:, None] - d)
    np.fill_diagonal(costs, 0)
    return costs.sum()


def near_through_scores(image_features, text_features, margin):
    d = np.sqrt(((image_features[:, None, :] - text_features[None, :, :]) ** 2).sum(axis=-1))
    return violations_plain(-d, margin).sum()


def near_loops(image_features, text_features, margin):
    loss = 0.0
    for i, image in enumerate(image_features):
        own = math.dist(image, text_features[i])
        for k, text in enumerate(text_features):
            if k != i:
                loss += max(0.0, margin + own - math.dist(image, text))
    return loss


def near_hypot(image_features, text_features, margin):
    N = range(len(image_features))
    d = [[math.hypot(*(q - t)) for t in text_features] for q in image_features]
    return math.fsum(max(0, margin + d[i][i] - d[i][k]) for i in N for k in N if i != k)


def near_cdist(image_features, text_features, margin):
    d = torch.cdist(torch.from_numpy(image_features), torch.from_numpy(text_features))
    costs = (margin + d.diagonal()[:, None] - d).relu()
    return (costs.sum() - costs.trace()).item()


def near_triplets(image_features, text_features, margin):
    q, t = torch.from_numpy(image_features), torch.from_numpy(text_features)
    loss = nn.TripletMarginLoss(margin=margin, eps=0, reduction="sum")
    return sum(loss(q, t, t.roll(step, 0)) for step in range(1, len(q))) if len(q) > 1 else 0.0


def near_shifted_scores(image_features, text_features, margin):
    """Any score that falls by 1 where the distance grows by 1."""
    closeness = [[1 - sum((q - t) ** 2) ** 0.5 for t in text_features] for q in image_features]
    return violations_loops(np.array(closeness), margin).sum()


def near_package(image_features, text_features, margin):
    S = scores.distance_scores(torch.from_numpy(image_features), torch.from_numpy(text_features))
    return losses.ranking_loss(S, margin=margin, direction="image_to_text")


# ---- several_texts


def several_loops(S, image_of_text, margin):
    loss = 0.0
    for j, i in enumerate(image_of_text):
        for k, other in enumerate(image_of_text):
            if other != i:
                loss += max(0.0, margin + S[i, k] - S[i, j])
    return loss


def several_plain(S, image_of_text, margin):
    rows = S[image_of_text]
    costs = np.maximum(0, margin + rows - np.diag(rows)[:, None])
    return costs[image_of_text[:, None] != image_of_text].sum()


def several_block(S, image_of_text, margin):
    """(N, M, M): image, its text, another's text."""
    own = image_of_text == np.arange(len(S))[:, None]
    costs = np.maximum(0, margin + S[:, None, :] - S[:, :, None])
    return np.einsum("ijk,ij,ik->", costs, own * 1, ~own * 1)


def several_products(S, image_of_text, margin):
    texts = range(len(image_of_text))
    by_image = {i: [j for j in texts if image_of_text[j] == i] for i in range(len(S))}
    return sum(max(0, margin + S[i, k] - S[i, j]) for i, own in by_image.items()
               for j, k in itertools.product(own, set(texts) - set(own)))  # fmt: skip


def several_infinity(S, image_of_text, margin):
    rows = S[image_of_text].copy()
    own = rows.diagonal().copy()
    rows[image_of_text[:, None] == image_of_text[None]] = -INF
    return np.maximum(0, margin + rows - own[:, None]).sum()


def several_torch(S, image_of_text, margin):
    S, image_of_text = torch.from_numpy(S), torch.from_numpy(image_of_text)
    rows = S.index_select(0, image_of_text)
    costs = F.relu(margin + rows - S.gather(0, image_of_text[None]).T)
    return costs.masked_fill(image_of_text[:, None] == image_of_text, 0).sum()


def several_package(S, image_of_text, margin):
    own = torch.from_numpy(image_of_text) == torch.arange(len(S))[:, None]
    return losses.ranking_loss(torch.from_numpy(S), own, margin=margin, direction="image_to_text").item()


def several_class_mask(S, image_of_text, margin):
    """Every text with its image's row: as many pairs as texts, and a class mask."""
    mask = labels.same_class_mask(torch.from_numpy(image_of_text))
    rows = torch.from_numpy(S)[image_of_text]
    return losses.ranking_loss(rows, margin=margin, direction="image_to_text", mask=mask)


# ---- loss_for_keras


def keras_plain(y_true, y_pred):
    images, texts = y_pred.chunk(2, dim=1)
    S = images @ texts.T
    own = S.diagonal()
    others = 1 - torch.eye(len(S))
    rows = torch.relu(0.2 + S - own[:, None]) * others
    columns = torch.relu(0.2 + S - own[None, :]) * others
    return rows.sum(dim=1) + columns.sum(dim=0)


def keras_diagonal_taken_off(y_true, y_pred):
    images, texts = torch.split(y_pred, y_pred.size(1) // 2, dim=1)
    S = torch.einsum("if,kf->ik", images, texts)
    own = torch.einsum("if,if->i", images, texts)
    return (0.2 + S - own[:, None]).clamp(min=0).sum(1) + (0.2 + S - own).clamp(min=0).sum(0) - 0.4


def keras_masked(y_true, y_pred):
    images, texts = y_pred.tensor_split(2, dim=1)
    S = images.mm(texts.mT)
    eye = torch.eye(S.shape[0], dtype=torch.bool)
    both = torch.stack([S, S.T])
    costs = (both - S.diagonal()[None, :, None] + 0.2).masked_fill(eye, -1)
    return costs.relu().sum(dim=(0, 2))


def keras_where(y_true, y_pred):
    images, texts = y_pred.unflatten(1, (2, -1)).unbind(1)
    S = (images[:, None] * texts).sum(-1)
    own = S.diagonal().expand_as(S)
    off = ~torch.eye(len(S)).bool()
    rows, columns = 0.2 + S - own.T, 0.2 + S - own
    return torch.where(off & (rows > 0), rows, 0).sum(1) + torch.where(off & (columns > 0), columns, 0).sum(0)


def keras_multi_margin(y_true, y_pred):
    images, texts = y_pred.chunk(2, 1)
    S, N = images @ texts.T, len(y_pred)
    loss = nn.MultiMarginLoss(margin=0.2, reduction="none")
    return N * (loss(S, torch.arange(N)) + loss(S.T, torch.arange(N)))


def keras_in_double(y_true, y_pred):
    return keras_masked(y_true, y_pred.double()).float()


def keras_gathered(y_true, y_pred):
    D = y_pred.shape[-1] // 2
    S = F.linear(y_pred[..., :D], y_pred[..., D:])
    at = torch.arange(len(S))
    margins = torch.full_like(S, 0.2).fill_diagonal_(0)
    rows = F.threshold(margins + S - S.gather(1, at[:, None]), 0, 0)
    columns = F.threshold(margins + S - S.gather(0, at[None]), 0, 0)
    return rows.sum(1).add(columns.sum(0))


def keras_narrow(y_true, y_pred):
    """y_true takes part, as zeros."""
    D = y_pred.shape[1] // 2
    S = y_pred.narrow(1, 0, D) @ y_pred.narrow(1, D, D).T
    x = torch.maximum(y_true + 0.2 + S - S.diag()[:, None], torch.zeros(()))
    y = torch.maximum(y_true + 0.2 + S - S.diag(), torch.zeros(()))
    return (x + y.T).sum(1) - 2 * 0.2


def keras_sides_exchanged(y_true, y_pred):
    """Texts down, images across, each feature backwards: each pair pays the same."""
    return keras_gathered(y_true, y_pred.flip(1))


def keras_package(y_true, y_pred):
    images, texts = y_pred.chunk(2, dim=1)
    options = {"margin": 0.2, "reduction": "none"}
    S = images @ texts.T
    return sum(losses.ranking_loss(S, direction=one, **options) for one in ("image_to_text", "text_to_image"))


RIGHT = {
    "violations": [
        violations_plain, violations_loops, violations_lists, violations_where, violations_clip,
        violations_in_place,
        violations_torch, violations_triangles, violations_package,
    ],
    "two_way_hinge": [
        two_plain, two_diagonal_taken_off, two_fsum, two_masked,
        two_torch, two_multi_margin, two_package, two_loops_of_the_package,
    ],
    "hardest_hinge": [
        hardest_plain, hardest_infinity, hardest_default, hardest_without_max,
        hardest_nan, hardest_torch, hardest_topk, hardest_package,
    ],
    "distance_hinge": [
        near_plain, near_through_scores, near_loops, near_hypot, near_cdist,
        near_triplets, near_shifted_scores,
        near_package,
    ],
    "several_texts": [
        several_loops, several_plain, several_block, several_products,
        several_infinity, several_torch, several_package, several_class_mask,
    ],
    "loss_for_keras": [
        keras_plain, keras_diagonal_taken_off, keras_masked, keras_where,
        keras_multi_margin, keras_in_double, keras_gathered, keras_narrow, keras_sides_exchanged,
        keras_package,
    ],
}  # fmt: skip

"""Wrong answers to the exercises of chapter 07 that look like a known mistake: what each is called, or None."""

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu import losses


def eye(S):
    return np.eye(len(S))


def own(S):
    return S.diagonal().reshape(-1, 1)


def costs(S, m):
    return np.maximum(0, m + S - own(S)) * (1 - eye(S))


def both(S, m, *, of=costs):
    return of(S, m).sum() + of(S.T, m).sum()


def package(S, m, **options):
    return losses.ranking_loss(torch.from_numpy(S), margin=m, **options)


def filled(S, fill):
    S = S.copy()
    np.fill_diagonal(S, fill)
    return S


def emptied_first(S, m):
    match = np.diag(S).copy()[:, None]
    np.fill_diagonal(S, 0)
    return np.maximum(0, m + S - match)


def emptied_view(S, m, fill=0):
    """np.diag looks into S: the matches are overwritten with the diagonal."""
    match = np.diag(S)[:, None]
    np.fill_diagonal(S, fill)
    return np.maximum(0, m + S - match)


def hardest_of(S, m, fill):
    return sum(np.maximum(0, m + filled(S, fill).max(axis) - np.diag(S)).sum() for axis in (0, 1))


def hardest_reshaped(S, m):
    """Without the diagonal, (N, N − 1): one pair has nothing to take a maximum of."""
    N = len(S)
    off = ~np.eye(N, dtype=bool)
    return sum((m + X[off].reshape(N, N - 1).max(1) - np.diag(S)).clip(0).sum() for X in (S, S.T))


def hardest_infinite_eye(S, m):
    others = S - np.inf * np.eye(len(S))
    return sum(np.maximum(0, m + others.max(axis) - np.diag(S)).sum() for axis in (0, 1))


def hardest_second(S, m):
    """The second of the sorted, in the belief that the match is the first."""
    return sum(np.maximum(0, m + np.sort(X, axis=1)[:, -2] - np.diag(S)).sum() for X in (S, S.T))


def distances(q, t, power=2):
    return (np.abs(q[:, None] - t) ** power).sum(-1) ** (1 / power)


def near(S, m):
    return costs(S, m).sum()


def dot_margin(S, m):
    return np.maximum(0, m + S - own(S))


def several(S, ids, m, *, match=lambda S, ids: S[ids, np.arange(len(ids))], apart=lambda a, b: a != b):
    rows = S[ids]
    return (np.maximum(0, m + rows - match(S, ids)[:, None]) * apart(ids[:, None], ids)).sum()


def first_texts(S, ids, m):
    """Labels as in chapter 02: for each image the column of one text."""
    labels = torch.tensor([ids.tolist().index(i) for i in range(len(S))])
    return package(S, m, labels=labels, direction="image_to_text")


def several_sums(S, ids, m):
    """The match by labels: right while each image has one text."""
    own = ids == np.arange(len(S))[:, None]
    return (np.maximum(0, m + S - (S * own).sum(1)[:, None]) * ~own).sum()


def several_hardest(S, ids, m):
    return sum(max(0, m + max(S[i, k] for k in range(len(ids)) if ids[k] != i) - S[i, j]) for j, i in enumerate(ids))


def several_zip(S, ids, m):
    loss = 0
    for j, row in enumerate(S):
        loss += sum(max(0, m + row[k] - row[j]) for k in range(len(ids)) if ids[k] != ids[j])
    return loss


def parts(y_pred):
    images, texts = y_pred.chunk(2, dim=1)
    S = images @ texts.T
    off = 1 - torch.eye(len(S))
    return (0.2 + S - S.diag()[:, None]).relu() * off, (0.2 + S - S.diag()).relu() * off


def keras_filled_in_place(y_true, y_pred):
    """The value is right, and the way back fails: relu needs its own answer, and that has been changed."""
    images, texts = y_pred.chunk(2, dim=1)
    S = images @ texts.T
    return sum(F.relu(0.2 + X - X.diag()[:, None]).fill_diagonal_(0).sum(1) for X in (S, S.T))


def keras_numpy(y_true, y_pred):
    return torch.from_numpy(sum(x.numpy().sum(axis) for axis, x in zip((1, 0), parts(y_pred), strict=True)))


def keras_no_grad(y_true, y_pred):
    with torch.no_grad():
        rows, columns = parts(y_pred)
        return rows.sum(1) + columns.sum(0)


def keras_half_gradient(y_true, y_pred):
    rows, columns = parts(y_pred)
    return rows.sum(1) + columns.sum(0).detach()


def keras_emptied(y_true, y_pred, late=False):
    """late: the matches are read after the diagonal was emptied."""
    images, texts = y_pred.chunk(2, dim=1)
    S = images @ texts.T
    match, S = S.diag(), S * (1 - torch.eye(len(S)))
    match = S.diag() if late else match
    return (0.2 + S - match[:, None]).relu().sum(1) + (0.2 + S - match).relu().sum(0)


def keras_same_half(y_pred, half):
    rows, columns = parts(torch.cat([y_pred.chunk(2, dim=1)[half]] * 2, dim=1))
    return rows.sum(1) + columns.sum(0)


def keras_halved(y_true, y_pred):
    """The rows of the batch: the first half of it images, the second half texts."""
    half = len(y_pred) // 2
    rows, columns = parts(torch.cat([y_pred[:half], y_pred[half:]], dim=1))
    return rows.sum(1) + columns.sum(0)


LOOKALIKES = {
    "violations": [
        (lambda S, m: np.maximum(0, m + S - np.diag(S)) * (1 - eye(S)), "the match of the column, not of the row"),
        (lambda S, m: np.maximum(0, m + S - np.diag(S)), "the match of the column, not of the row"),
        (lambda S, m: np.maximum(0, m + S - own(S)), "the diagonal counted"),
        (lambda S, m: (S - own(S) + m) * (1 - eye(S)), "nothing stops at 0"),
        (lambda S, m: np.maximum(0, S - own(S) - m), "the margin subtracted"),
        (lambda S, m: np.maximum(0, m + own(S) - S) * (1 - eye(S)), "match minus non-match"),
        (lambda S, m: costs(S, m) > 0, "whether, not how much"),
        (lambda S, m: np.log1p(np.exp(m + S - own(S))), "a soft hinge"),
        (lambda S, m: np.where(S - own(S) > 0, m + S - own(S), 0), "only where the order is wrong"),
        (lambda S, m: costs(S, m).tolist()[0], None),
        (lambda S, m: np.maximum(0, m * (S - own(S))) * (1 - eye(S)), "the margin multiplied"),
        (lambda S, m: np.maximum(0, m * S - own(S)) * (1 - eye(S)), None),
        (lambda S, m: np.maximum(m, S - own(S)) * (1 - eye(S)), None),
        (lambda S, m: np.maximum(0, m + S - own(S).mean()) * (1 - eye(S)), None),
        (lambda S, m: costs(S, m) / len(S), None),
        (lambda S, m: costs(S, m) * (costs(S, m) == costs(S, m).max(1, keepdims=True)), None),
        (lambda S, m: -costs(S, m), None),
        (lambda S, m: costs(S, m) + costs(S.T, m), None),
        (lambda S, m: costs(S.T, m), "the match of the column, not of the row"),
        (emptied_first, "the diagonal emptied before the costs"),
        (emptied_view, "the diagonal emptied before the costs"),
        (lambda S, m: emptied_view(S, m, -np.inf), "the diagonal emptied before the costs"),
        (lambda S, m: filled(costs(S, m), np.diag(S)), "the scores left on the diagonal"),
        (lambda S, m: filled(costs(S, m), 1), None),
    ],
    "two_way_hinge": [
        (lambda S, m: costs(S, m).sum(axis=0).sum() + costs(S, m).sum(axis=1).sum(), "one direction twice"),
        (lambda S, m: costs(S, m).sum() + costs(S, m).T.sum(), "one direction twice"),
        (lambda S, m: costs(S, m).sum() + np.maximum(0, m + S.T - np.diag(S))[eye(S) == 0].sum(),
         "one direction twice"),
        (lambda S, m: package(S, m, direction="text_to_image"), "one direction only"),
        (lambda S, m: package(S, m, reduction="mean"), "the mean in place of the sum"),
        (lambda S, m: package(S, m, negatives="hardest"), "only the hardest non-match"),
        (lambda S, m: costs(S, m).mean() + costs(S.T, m).mean(), "a mean over N×N cells"),
        (lambda S, m: 2 * both(S, m) / S.size, None),
        (lambda S, m: costs(S, m)[eye(S) == 0].mean() + costs(S.T, m)[eye(S) == 0].mean(),
         "a mean over the non-matches"),
        (lambda S, m: both(S, m, of=dot_margin), "the diagonal counted"),
        (lambda S, m: both(S, m, of=dot_margin) - m, None),
        (lambda S, m: both(S, -m), "the margin subtracted"),
        (lambda S, m: max(0, (m + S - own(S)).sum() - m * len(S)) + max(0, (m + S - own(S).T).sum() - m * len(S)),
         "max(0, …) after the sum"),
        (lambda S, m: np.maximum(0, 2 * m + 2 * S - own(S) - own(S).T)[eye(S) == 0].sum(), "max(0, …) after the sum"),
        (lambda S, m: [costs(S, m).sum(), costs(S.T, m).sum()], "two numbers, not one"),
        (lambda S, m: max(costs(S, m).sum(), costs(S.T, m).sum()), "the larger of the two, not the sum"),
        (lambda S, m: np.maximum(costs(S, m), np.maximum(0, m + S - np.diag(S)) * (1 - eye(S))).sum(),
         "the larger of the two, not the sum"),
        (lambda S, m: np.minimum(costs(S, m), costs(S.T, m).T).sum(), None),
        (lambda S, m: 2 * both(S, m), None),
        (lambda S, m: both(S, 2 * m), None),
        (lambda S, m: 1.5 * costs(S.T, m).sum() + costs(S, m).sum(), None),
    ],
    "hardest_hinge": [
        (hardest_reshaped, "one pair has no non-match"),
        (hardest_second, "the second highest of the row"),
        (lambda S, m: hardest_of(S, m, 0), "a number on the diagonal"),
        (lambda S, m: hardest_of(S * (1 - eye(S)), m, 0), None),
        (lambda S, m: hardest_of(S, m, S.min()), "one pair has no non-match"),
        (lambda S, m: hardest_of(S, m, -3), None),
        (lambda S, m: hardest_of(S, m, np.inf), None),
        (lambda S, m: sum(np.maximum(0, m + S.max(axis) - np.diag(S)).sum() for axis in (0, 1)),
         "the match takes part in the search"),
        (lambda S, m: package(S, m, negatives="all"), "all non-matches"),
        (lambda S, m: package(S, m, negatives=2), None),
        (lambda S, m: np.maximum(0, m + np.sort(S)[:, -2] - np.diag(S)).sum() if len(S) > 1 else 0.0, None),
        (lambda S, m: package(S, m, negatives="hardest", reduction="mean"), "the mean in place of the sum"),
        (lambda S, m: package(S, m, negatives="hardest", direction="image_to_text"), "one direction only"),
        (lambda S, m: costs(S, m).max() + costs(S.T, m).max(), "one hardest for the whole matrix"),
        (lambda S, m: costs(S, m).max(0).sum() + costs(S, m).max(1).sum(), "the row's match in the columns too"),
        (lambda S, m: costs(S, m).max(1).sum() + costs(S, m).T.max(0).sum(), "one direction twice"),
        (lambda S, m: costs(S, m).min(1).sum() + costs(S.T, m).min(1).sum(), "the easiest non-match"),
        (lambda S, m: (m + filled(S, -np.inf).max(1) - np.diag(S)).sum()
         + (m + filled(S, -np.inf).max(0) - np.diag(S)).sum(), "nothing stops at 0"),
        (lambda S, m: (costs(S, m) + costs(S.T, m).T).max(axis=1).sum(), "the directions added before the search"),
        (hardest_infinite_eye, "0 times infinity"),
        (lambda S, m: np.median(costs(S, m), axis=1).sum() + np.median(costs(S.T, m), axis=1).sum(), None),
    ],
    "distance_hinge": [
        (lambda q, t, m: near(distances(q, t), m), "distances taken for scores"),
        (lambda q, t, m: np.maximum(0, m + distances(q, t) - own(distances(q, t))).sum(),
         "distances taken for scores"),
        (lambda q, t, m: near(-(distances(q, t) ** 2), m), "squared distances"),
        (lambda q, t, m: near(-distances(q, t, 1), m), "another distance"),
        (lambda q, t, m: near(-distances(q, t, 3), m), None),
        (lambda q, t, m: near(-distances(q, t) / np.sqrt(q.shape[1]), m), "a mean over the features"),
        (lambda q, t, m: near(-2 * distances(q, t), m), None),
        (lambda q, t, m: near(1 / (1 + distances(q, t)), m), "another score in place of −d"),
        (lambda q, t, m: near(1 / distances(q, t), m), "another score in place of −d"),
        (lambda q, t, m: near(1 / distances(q, t) ** 2, m), None),
        (lambda q, t, m: near(-distances(t, q), m), "the columns in place of the rows"),
        (lambda q, t, m: near(-distances(q, t).T, m), "the columns in place of the rows"),
        (lambda q, t, m: package(-distances(q, t), m), "both directions"),
        (lambda q, t, m: near(F.cosine_similarity(*map(torch.from_numpy, (q[:, None], t)), dim=2).numpy(), m),
         "cosines, no distances"),
        (lambda q, t, m: near(-distances(q, t), -m), "the margin subtracted"),
        (lambda q, t, m: dot_margin(-distances(q, t), m).sum(), "the diagonal counted"),
        (lambda q, t, m: dot_margin(-distances(q, t), m).sum() / len(q), None),
        (lambda q, t, m: near(-distances(q, t), m**2), None),
        (lambda q, t, m: np.linalg.norm(q - t), None),
        (lambda q, t, m: near(-np.linalg.norm(q[:, None] - t, axis=1)[:, :1], m), None),
    ],
    "several_texts": [
        (lambda S, ids, m: several(S, ids, m) + 0 * S.sum() + m * len(ids), "the diagonal counted"),
        (lambda S, ids, m: several(S, ids, m, apart=lambda a, b: ~np.eye(len(b), dtype=bool)),
         "texts of the same image as non-matches"),
        (lambda S, ids, m: several(S, ids, m, apart=lambda a, b: 1), "nothing left out"),
        (lambda S, ids, m: several(S, ids, m, match=lambda S, ids: np.array([S[i, ids == i].max() for i in ids])),
         "only the best of its own texts"),
        (lambda S, ids, m: several(S, ids, m, match=lambda S, ids: np.array([S[i, ids == i].mean() for i in ids])),
         "the mean of its own texts"),
        (lambda S, ids, m: several(S, ids, m, match=lambda S, ids: np.array([S[i, ids == i][0] for i in ids])),
         "one text of each image"),
        (first_texts, "one text of each image"),
        (several_zip, "the diagonal again"),
        (lambda S, ids, m: several(S, ids, m, apart=lambda a, b: a == b), "the mask turned round"),
        (several_sums, "the sum of its own texts"),
        (several_hardest, "only the hardest non-match"),
        (lambda S, ids, m: several(S, ids, m) / S.size, None),
        (lambda S, ids, m: several(S, ids, m) / len(ids), "divided by a number"),
        (lambda S, ids, m: several(S, ids, 0.2), "always margin 0.2"),
        (lambda S, ids, m: package(S, m, labels=torch.from_numpy(ids == np.arange(len(S))[:, None])),
         "both directions"),
        (lambda S, ids, m: package(
            S, m, labels=torch.from_numpy(ids == np.arange(len(S))[:, None]), direction="text_to_image"),
         "the columns in place of the rows"),
        (lambda S, ids, m: package(
            S, m, labels=torch.from_numpy(ids == np.arange(len(S))[:, None]), direction="image_to_text",
            reduction="mean"), None),
        (lambda S, ids, m: package(
            S, m, labels=torch.from_numpy(ids == np.arange(len(S))[:, None]), direction="image_to_text",
            negatives="hardest"), "only the hardest non-match"),
        (lambda S, ids, m: several(S, ids, m, apart=lambda a, b: a < b), None),
        (lambda S, ids, m: several(S, ids, m, match=lambda S, ids: np.array([np.median(S[i, ids == i]) for i in ids])),
         None),
        (lambda S, ids, m: several(S, ids - 1, m), None),
    ],
    "loss_for_keras": [
        (keras_filled_in_place, None),
        (keras_numpy, "the value is right, and the gradient is not"),
        (keras_no_grad, "the value is right, and the gradient is not"),
        (keras_half_gradient, "the value is right, and the gradient is not"),
        (keras_halved, None),
        (keras_emptied, "the diagonal emptied before the costs"),
        (lambda y_true, y_pred: keras_emptied(y_true, y_pred, late=True), "the diagonal emptied before the costs"),
        (lambda y_true, y_pred: sum(x.sum() for x in parts(y_pred)).expand(len(y_pred)),
         "the same number for every pair"),
        (lambda y_true, y_pred: sum(x.sum() for x in parts(y_pred)) / len(y_pred) * torch.ones(len(y_pred)),
         "the same number for every pair"),
        (lambda y_true, y_pred: keras_same_half(y_pred, 0), "one half twice"),
        (lambda y_true, y_pred: keras_same_half(y_pred, 1), "one half twice"),
        (lambda y_true, y_pred: sum(x.sum() for x in parts(y_pred)), "the sum, one number"),
        (lambda y_true, y_pred: sum(x.sum() for x in parts(y_pred)) / len(y_pred), "the mean, one number"),
        (lambda y_true, y_pred: sum(x.mean() for x in parts(y_pred)), None),
        (lambda y_true, y_pred: sum(parts(y_pred)), "the whole matrix"),
        (lambda y_true, y_pred: parts(y_pred)[0].sum(1) + parts(y_pred)[1].sum(1),
         "the columns' costs on other pairs"),
        (lambda y_true, y_pred: parts(y_pred)[0].sum(1) + parts(y_pred)[0].sum(0), "one direction twice"),
        (lambda y_true, y_pred: parts(y_pred)[1].sum(0), "one direction only"),
        (lambda y_true, y_pred: parts(y_pred)[0].amax(1) + parts(y_pred)[1].amax(0), "only the hardest non-match"),
        (lambda y_true, y_pred: torch.hstack([parts(y_pred)[0].sum(1), parts(y_pred)[1].sum(0)]),
         "rows and columns one after the other"),
        (lambda y_true, y_pred: parts(torch.cat([F.normalize(x, dim=1) for x in y_pred.chunk(2, 1)], 1))[0].sum(1)
         + parts(torch.cat([F.normalize(x, dim=1) for x in y_pred.chunk(2, 1)], 1))[1].sum(0),
         "cosines, no dot products"),
        (lambda y_true, y_pred: parts(F.normalize(y_pred, dim=1))[0].sum(1)
         + parts(F.normalize(y_pred, dim=1))[1].sum(0), None),
        (lambda y_true, y_pred: (parts(y_pred)[0].sum(1) + parts(y_pred)[1].sum(0)).double(), None),
        (lambda y_true, y_pred: parts(y_pred)[0].sum(1, keepdim=True) + parts(y_pred)[1].sum(0)[:, None], None),
        (lambda y_true, y_pred: -(parts(y_pred)[0].sum(1) + parts(y_pred)[1].sum(0)), None),
        (lambda y_true, y_pred: parts(y_pred.flip(0))[0].sum(1) + parts(y_pred.flip(0))[1].sum(0), None),
        (lambda y_true, y_pred: sum(parts(y_pred)).sum(1), "the columns' costs on other pairs"),
    ],
}  # fmt: skip

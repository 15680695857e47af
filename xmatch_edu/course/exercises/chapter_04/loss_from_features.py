"""The loss from features, in torch."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_04 import shared

_random = np.random.default_rng(4)


def _features(n, d, scale):
    """Lengths differ, so that a missing normalisation shows."""
    q, t = _random.normal(size=(2, n, d)) * _random.uniform(0.5, 2, size=(2, n, 1))
    return torch.tensor(q + 0.6 * t, dtype=torch.float32), torch.tensor(t, dtype=torch.float32), scale


def _right_loss(q, t, scale):
    """The loss by loops, and its gradients by hand: through the product, then through the division by the length."""
    q, t = q.double().numpy(), t.double().numpy()
    S = loops.cosine_scores(q, t)
    G = loops.matching_gradient(S, scale=scale)
    units = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, t)]
    slopes = []
    for x, unit, towards in zip((q, t), units, (G @ units[1], G.T @ units[0]), strict=True):
        sideways = towards - (towards * unit).sum(axis=1, keepdims=True) * unit  # along x only its length changes
        slopes.append(sideways / np.linalg.norm(x, axis=1, keepdims=True))
    return loops.matching_loss(S, scale=scale), *slopes


def _cosines(q, t):
    return F.normalize(q, dim=1) @ F.normalize(t, dim=1).T


def _with_scores(loss):
    """The exercise, with another idea of what to do with the scores."""
    return lambda q, t, scale: loss(scale * _cosines(q, t))


def _without_own(S):
    masked = S.masked_fill(torch.eye(len(S), dtype=torch.bool), -math.inf)
    return (masked.logsumexp(1) + masked.logsumexp(0) - 2 * S.diagonal()).mean() / 2


loss_from_features = Exercise(
    name="loss_from_features",
    takes=("image_features", "text_features", "scale"),
    gives=(Part("the loss", "", "float32"),),
    right=_right_loss,
    gradients=(0, 1),
    cases={
        "one pair": _features(1, 3, 5.0),
        "2 pairs, 3 features": _features(2, 3, 5.0),
        "5 pairs, 4 features, scale 10": _features(5, 4, 10.0),
        "7 pairs, 16 features, scale ½": _features(7, 16, 0.5),
        "5 pairs, 2 features, scale 100": _features(5, 2, 100.0),
    },
    error=2e-4,
    picture=(pictures.of_pulls, "gradient", "How the loss pulls each image towards each text"),
    misconceptions=(
        Misconception(*ideas.NO_LENGTHS, lambda q, t, scale: shared.line(scale * q @ t.T)),
        Misconception(*ideas.ONE_LENGTH, lambda q, t, scale: shared.line(scale * F.normalize(q, dim=1) @ t.T),
                      lambda q, t, scale: shared.line(scale * q @ F.normalize(t, dim=1).T)),
        Misconception(*ideas.BATCH_AXIS,
                      lambda q, t, scale: shared.line(scale * F.normalize(q, dim=0) @ F.normalize(t, dim=0).T)),
        Misconception(*ideas.ROWS_ONLY, _with_scores(lambda S: F.cross_entropy(S, torch.arange(len(S)))),
                      _with_scores(lambda S: F.cross_entropy(S.T, torch.arange(len(S))))),
        Misconception(*ideas.ADDED, _with_scores(lambda S: 2 * shared.line(S))),
        Misconception(*ideas.SCALE_DIVIDED, lambda q, t, scale: shared.line(_cosines(q, t) / scale)),
        Misconception(*ideas.SCALE_FORGOTTEN, lambda q, t, scale: shared.line(_cosines(q, t))),
        Misconception(
            "the scale exponentiated once more",
            "You took exp of the scale. That is right for a stored logarithm; here the scale itself is given.",
            lambda q, t, scale: shared.line(_cosines(q, t) * math.exp(scale)),
        ),
        Misconception(*ideas.SCALE_AFTER, lambda q, t, scale: scale * shared.line(_cosines(q, t))),
        Misconception(
            "probabilities where logits belong",
            "You handed cross_entropy a softmax (or one of your own came before it). The softmax is inside already: it"
            " wants the scores, times the scale, and nothing else.",
            _with_scores(lambda S: (F.cross_entropy(S.softmax(1), torch.arange(len(S)))
                                    + F.cross_entropy(S.T.softmax(1), torch.arange(len(S)))) / 2),
            *[_with_scores(lambda S, dim=dim: shared.line(S.softmax(dim))) for dim in (1, 0)],
        ),
        Misconception(*ideas.SUM_FOR_MEAN, _with_scores(lambda S: shared.line(S, reduction="sum"))),
        Misconception(
            "the mean taken twice",
            "Your loss is N times too small. cross_entropy divides by N already: leave your own division out.",
            _with_scores(lambda S: shared.line(S) / len(S)),
        ),
        Misconception(*ideas.MISSING_MINUS, _with_scores(lambda S: -shared.line(S))),
        Misconception(*ideas.OTHER_LOGARITHM, _with_scores(lambda S: shared.line(S) / math.log(2)),
                      _with_scores(lambda S: shared.line(S) / math.log(10))),
        Misconception(*ideas.LABELS_ZERO, _with_scores(lambda S: shared.line(S, torch.zeros(len(S)).long()))),
        Misconception(*ideas.LABELS_ONE, _with_scores(lambda S: shared.line(S, torch.ones(len(S)).long()))),
        Misconception(*ideas.LABELS_REVERSED, _with_scores(lambda S: shared.line(S, torch.arange(len(S)).flip(0)))),
        Misconception(*ideas.LABELS_SHIFTED, _with_scores(lambda S: shared.line(S, torch.arange(len(S)).roll(-1)))),
        Misconception(*ideas.MSE, _with_scores(lambda S: F.mse_loss(S, torch.eye(len(S)))),
                      _with_scores(lambda S: F.mse_loss(S.softmax(1), torch.eye(len(S)))),
                      _with_scores(lambda S: sum(F.mse_loss(S.softmax(k), torch.eye(len(S))) for k in (0, 1)) / 2),
                      lambda q, t, scale: F.mse_loss(_cosines(q, t), torch.eye(len(q)))),
        Misconception(*ideas.BCE, _with_scores(lambda S: F.binary_cross_entropy_with_logits(S, torch.eye(len(S)))),
                      _with_scores(lambda S: len(S) * F.binary_cross_entropy_with_logits(S, torch.eye(len(S)))),
                      _with_scores(lambda S: F.binary_cross_entropy(S.softmax(1), torch.eye(len(S))))),
        Misconception(*ideas.OWN_LEFT_OUT, _with_scores(_without_own)),
        Misconception(*ideas.P_FOR_LOG, _with_scores(lambda S: (S.softmax(1) + S.softmax(0)).diagonal().mean() / 2),
                      _with_scores(lambda S: -(S.softmax(1) + S.softmax(0)).diagonal().mean() / 2),
                      _with_scores(lambda S: 1 - (S.softmax(1) + S.softmax(0)).diagonal().mean() / 2)),
        Misconception(*ideas.DETACHED, _with_scores(lambda S: shared.line(S).detach())),
        Misconception(
            "one side detached",
            "The value is right, but only one of the two sides gets a gradient: the other was cut off on the way (by "
            ".detach(), .data or no_grad). That branch would never learn.",
            lambda q, t, scale: shared.line(scale * _cosines(q.detach(), t)),
            lambda q, t, scale: shared.line(scale * _cosines(q, t.detach())),
        ),
        Misconception(
            "float64 where float32 was asked",
            "Your loss is float64, and the features are float32. Somewhere a float64 tensor came in (from NumPy, or by"
            " .double()): on a GPU that makes the products many times slower.",
            lambda q, t, scale: shared.line(scale * _cosines(q.double(), t.double())),
            lambda q, t, scale: shared.line(scale * _cosines(q, t)).double(),
            lambda q, t, scale: shared.line(scale * _cosines(q.double(), t.double())).detach(),
        ),
    ),
)  # fmt: skip

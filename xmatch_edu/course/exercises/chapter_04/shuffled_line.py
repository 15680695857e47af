"""The line that people ship, with the texts shuffled."""

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_04 import shared

_random = np.random.default_rng(4)


def _dealt(n, order, far=1.0):
    return torch.tensor(far * 3 * _random.normal(size=(n, n))), torch.tensor(order)


def _right_shuffled(S, p):
    S, y = S.numpy(), np.argsort(p.numpy())
    return loops.matching_loss(S, y), loops.matching_gradient(S, y)


# Labels from p: those of the old order, p itself, and what undoes it.
_stay, _as_dealt, _inverse = lambda p: torch.arange(len(p)), lambda p: p, torch.argsort


def _two(rows=_inverse, columns=_as_dealt):
    """The line with the labels that somebody gave to the rows, and to the columns."""
    return lambda S, p: (F.cross_entropy(S, rows(p)) + F.cross_entropy(S.T, columns(p))) / 2


shuffled_line = Exercise(
    name="shuffled_line",
    takes=("S", "p"),
    gives=(Part("the loss"),),
    right=_right_shuffled,
    gradients=(0,),
    cases={
        "one pair": _dealt(1, [0]),
        "4 pairs, p = [3, 1, 0, 2]": _dealt(4, [3, 1, 0, 2]),
        "5 pairs, p = [2, 4, 1, 0, 3]": _dealt(5, [2, 4, 1, 0, 3]),
        "7 pairs, scores in the thousands": _dealt(7, [6, 2, 5, 0, 3, 1, 4], far=1000),
    },
    error=1e-6,
    picture=(pictures.of_part(1), "gradient", "The gradient of the loss"),
    misconceptions=(
        Misconception(*ideas.LABELS_STAY, _two(_stay, _stay)),
        Misconception(
            "the two labels changed places",
            "You gave the columns' labels to the rows and the rows' to the columns, or reordered S by p, which deals "
            "once more. For the rows: in which column does the text of image i stand now? That is the inverse of p. "
            "For the columns: whose text stands in column k? That is p.",
            _two(_as_dealt, _inverse), lambda S, p: shared.line(S[:, p]),
        ),
        Misconception(
            "one label for both directions",
            "You used p in both directions, or its inverse in both (the two give the same number). The rows ask in "
            "which column their text stands now, which is the inverse of p; the columns ask whose text stands there, "
            "which is p.",
            _two(_as_dealt, _as_dealt), _two(_inverse, _inverse),
        ),
        Misconception(
            "one of the two stayed behind",
            "One direction has the labels of the new order, the other those of the old one. Both ask about texts that "
            "have moved.",
            _two(_inverse, _stay), _two(_stay, _as_dealt), _two(_as_dealt, _stay), _two(_stay, _inverse),
        ),
        Misconception(*ideas.ROWS_ONLY, lambda S, p: F.cross_entropy(S, p.argsort()),
                      lambda S, p: F.cross_entropy(S.T, p)),
        Misconception(*ideas.ADDED, lambda S, p: 2 * _two()(S, p)),
        Misconception(*ideas.SUM_FOR_MEAN, lambda S, p: len(p) * _two()(S, p)),
        Misconception(*ideas.DETACHED, lambda S, p: _two()(S, p).detach()),
        Misconception(
            "probabilities where logits belong",
            "You handed cross_entropy a softmax. It is inside already: give it the scores as they are.",
            lambda S, p: (F.cross_entropy(S.softmax(1), p.argsort()) + F.cross_entropy(S.T.softmax(1), p)) / 2,
            lambda S, p: _two()(S.softmax(1), p),
        ),
        Misconception(
            "the rows twice",
            "Your second direction did not turn S over, so both of your softmaxes run along the rows. P(image | text) "
            "needs S.T.",
            lambda S, p: (F.cross_entropy(S, p.argsort()) + F.cross_entropy(S, p)) / 2,
        ),
    ),
)  # fmt: skip

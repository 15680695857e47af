"""The loss and the gradient of all columns at once."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.ideas import softmax

_random = np.random.default_rng(3)


def _scores(n):
    return _random.normal(scale=2, size=(n, n))


def _columns(S, log_p):
    """Loss and gradient of the columns, from log P as somebody computed it."""
    return -np.diag(log_p).mean(), (np.exp(log_p) - np.eye(len(S))) / len(S)


def _careful(S, axis=0):
    below = S - S.max(axis=axis, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=axis, keepdims=True))


def _no_largest(S):
    return _columns(S, np.log(np.exp(S) / np.exp(S).sum(axis=0)))


def _no_largest_apart(S):
    return _columns(S, S - np.log(np.exp(S).sum(axis=0)))


def _largest_of_all(S):
    below = S - S.max()
    return _columns(S, below - np.log(np.exp(below).sum(axis=0)))


def _largest_of_rows(S):
    below = S - S.max(axis=1, keepdims=True)
    return _columns(S, below - np.log(np.exp(below).sum(axis=0)))


def _of_rows(S):
    return -np.diag(_careful(S, 1)).mean(), (np.exp(_careful(S, 1)) - np.eye(len(S))) / len(S)


def _slip(S):
    below = S - S.max(axis=0)[:, None]
    return _columns(S, below - np.log(np.exp(below).sum(axis=0))[:, None])


def _slip_of_the_sum(S):
    below = S - S.max(axis=0)
    return _columns(S, below - np.log(np.exp(below).sum(axis=0))[:, None])


all_columns = Exercise(
    name="all_columns",
    takes=("S",),
    gives=(Part("the loss"), Part("the gradient", "one row per image, one column per text")),
    right=lambda S: (loops.matching_loss(S, direction="text_to_image"),
                     loops.matching_gradient(S, direction="text_to_image")),
    cases={
        "one pair": (_scores(1),),
        "2 pairs": (_scores(2),),
        "5 pairs": (_scores(5),),
        "4 pairs, all scores 0": (np.zeros((4, 4)),),
        "2 pairs, scores up to 1,000, the right ones largest": (np.array([[1000.0, 3.0], [-2.0, 990.0]]),),
        "2 pairs, scores down to −1,000, the right ones smallest": (np.array([[-1000.0, 0.0], [1.0, -900.0]]),),
        "3 pairs, the columns far apart": (_scores(3) + np.array([-2000.0, 0.0, 2000.0]),),
        "3 pairs, the rows far apart": (_scores(3) + np.array([[-2000.0], [0.0], [2000.0]]),),
    },
    picture=(pictures.of_part(1), "gradient", "The gradient"),
    misconceptions=(
        Misconception(
            "exp overflows",
            "Your numbers are right as long as the scores are small. exp of 1,000 is infinity, and infinity over "
            "infinity is not a number: subtract each column's largest score before exp.",
            _no_largest, _no_largest_apart,
        ),
        Misconception(
            "the log of a softmax",
            "Nothing overflows, but a probability of e to the −1,000 becomes 0, and the log of 0 is minus infinity. "
            "Take the logarithm apart first: log P = x − m − log Σ exp(x − m).",
            lambda S: _columns(S, np.log(softmax(S, axis=0))),
        ),
        Misconception(
            "one largest score for all columns",
            "You subtracted the largest score of the whole matrix. A column far below it has only zeros left after "
            "exp, and the log of their sum is minus infinity: each column needs its own largest.",
            _largest_of_all,
        ),
        Misconception(
            "the largest of the rows",
            "You subtracted each row's largest score and then summed down the columns. Within a column a different "
            "number comes off each cell, and that changes the probabilities: take both along one axis.",
            _largest_of_rows,
        ),
        Misconception(
            "the rows, not the columns",
            "Yours is the loss along the rows: which text belongs to this image? Asked is the other one, which image "
            "belongs to this text, a softmax down each column.",
            _of_rows,
        ),
        Misconception(
            "(M, 1) where (M,) belongs",
            "The column's number was stretched along the rows: a square matrix lets that happen without an error. A "
            "number for each column must line up with the columns: (M,) or (1, M).",
            _slip, _slip_of_the_sum,
        ),
        Misconception(
            "the gradient of the sum",
            "Your loss is a mean and your gradient that of the sum, N times too large. Whatever divides the loss "
            "divides its gradient.",
            lambda S: (_columns(S, _careful(S))[0], np.exp(_careful(S)) - np.eye(len(S))),
        ),
        Misconception(
            "the gradient turned over",
            "Your loss is right, and your gradient is the transpose of the right one. Rows are images there too: cell "
            "(i, j) says what raising S[i, j] does.",
            lambda S: (_columns(S, _careful(S))[0], _columns(S, _careful(S))[1].T),
        ),
        Misconception(
            "the opposite sign of the gradient",
            "Your gradient is (I − P) / N, the way training goes. The gradient points to where the loss grows: (P − I)"
            " / N.",
            lambda S: (_columns(S, _careful(S))[0], -_columns(S, _careful(S))[1]),
        ),
        Misconception(
            ideas.SUM_FOR_MEAN[0],
            "You added up all columns, and here their mean is asked for. The gradient then carries no 1/N either.",
            lambda S: tuple(len(S) * one for one in _columns(S, _careful(S))),
            lambda S: (len(S) * _columns(S, _careful(S))[0], _columns(S, _careful(S))[1]),
        ),
        Misconception(
            "a small number inside the log",
            "You added an ε inside the log (or set a lower bound). A probability of e to the −1,000 then costs −log ε,"
            " about 28, and not 1,000: the loss no longer grows where the model is most wrong. Take the logarithm "
            "apart.",
            lambda S, e=1e-6: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
            lambda S, e=1e-7: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
            lambda S, e=1e-8: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
            lambda S, e=1e-9: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
            lambda S, e=1e-10: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
            lambda S, e=1e-12: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
        ),
        Misconception(
            "only one of the two is careful",
            "Your loss survives large scores and your gradient does not, or the other way round. Both need the largest"
            " taken off: once you have log P, exp of it is P.",
            lambda S: (_columns(S, _careful(S))[0], _no_largest(S)[1]),
            lambda S: (_no_largest(S)[0], _columns(S, _careful(S))[1]),
            lambda S: (_no_largest_apart(S)[0], _columns(S, _careful(S))[1]),
        ),
        Misconception(
            "the mean taken off, not the largest",
            "Taking off any number leaves P as it is, so small scores come out right. But only the largest makes sure "
            "that no exponent is above 0, and that the sum is at least 1.",
            lambda S: _no_largest_apart(S - S.mean(axis=0)),
            lambda S: _no_largest(S - S.mean(axis=0)),
        ),
        Misconception(
            "the labels are missing in the gradient",
            "Your gradient is P / N: every score would be pushed down. The 1 of the right pair has to come off: (P − "
            "I) / N.",
            lambda S: (_columns(S, _careful(S))[0], np.exp(_careful(S)) / len(S)),
        ),
        Misconception(
            "the minus is missing",
            "Your loss is the mean of log P, which is negative. Put a minus before it; the gradient is the one of the "
            "loss with its minus.",
            lambda S: (-_columns(S, _careful(S))[0], _columns(S, _careful(S))[1]),
            lambda S: (-_columns(S, _careful(S))[0], -_columns(S, _careful(S))[1]),
        ),
    ),
)  # fmt: skip

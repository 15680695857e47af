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


def _apart(S, taken_off, sums=np.s_[:]):
    """Loss and gradient with the logarithm taken apart. sums: how the logarithms of the columns' sums are indexed."""
    below = S - taken_off
    return _columns(S, below - np.log(np.exp(below).sum(axis=0))[sums])


def _careful(S):
    return _apart(S, S.max(axis=0))


def _no_largest(S):
    return _columns(S, np.log(np.exp(S) / np.exp(S).sum(axis=0)))


def _with(change):
    """The exercise, with another idea of what to do with the right loss, the right gradient, and S."""
    return lambda S: change(*_careful(S), S)


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
            _no_largest, lambda S: _apart(S, 0),
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
            lambda S: _apart(S, S.max()),
        ),
        Misconception(
            "the largest of the rows",
            "You subtracted each row's largest score and then summed down the columns. Within a column a different "
            "number comes off each cell, and that changes the probabilities: take both along one axis.",
            lambda S: _apart(S, S.max(axis=1, keepdims=True)),
        ),
        Misconception(
            "the rows, not the columns",
            "Yours is the loss along the rows: which text belongs to this image? Asked is the other one, which image "
            "belongs to this text, a softmax down each column.",
            lambda S: (_careful(S.T)[0], _careful(S.T)[1].T),
        ),
        Misconception(
            "(M, 1) where (M,) belongs",
            "The column's number was stretched along the rows: a square matrix lets that happen without an error. A "
            "number for each column must line up with the columns: (M,) or (1, M).",
            lambda S: _apart(S, S.max(axis=0)[:, None], np.s_[:, None]),
            lambda S: _apart(S, S.max(axis=0), np.s_[:, None]),
        ),
        Misconception(
            "the gradient of the sum",
            "Your loss is a mean and your gradient that of the sum, N times too large. Whatever divides the loss "
            "divides its gradient.",
            _with(lambda loss, gradient, S: (loss, len(S) * gradient)),
        ),
        Misconception(
            "the gradient turned over",
            "Your loss is right, and your gradient is the transpose of the right one. Rows are images there too: cell "
            "(i, j) says what raising S[i, j] does.",
            _with(lambda loss, gradient, S: (loss, gradient.T)),
        ),
        Misconception(
            "the opposite sign of the gradient",
            "Your gradient is (I − P) / N, the way training goes. The gradient points to where the loss grows: (P − I)"
            " / N.",
            _with(lambda loss, gradient, S: (loss, -gradient)),
        ),
        Misconception(
            ideas.SUM_FOR_MEAN[0],
            "You added up all columns, and here their mean is asked for. The gradient then carries no 1/N either.",
            _with(lambda loss, gradient, S: (len(S) * loss, len(S) * gradient)),
            _with(lambda loss, gradient, S: (len(S) * loss, gradient)),
        ),
        Misconception(
            "a small number inside the log",
            "You added an ε inside the log (or set a lower bound). A probability of e to the −1,000 then costs −log ε,"
            " about 28, and not 1,000: the loss no longer grows where the model is most wrong. Take the logarithm "
            "apart.",
            *[_with(lambda loss, gradient, S, e=e: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), gradient))
              for e in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)],
        ),
        Misconception(
            "only one of the two is careful",
            "Your loss survives large scores and your gradient does not, or the other way round. Both need the largest"
            " taken off: once you have log P, exp of it is P.",
            _with(lambda loss, gradient, S: (loss, _no_largest(S)[1])),
            _with(lambda loss, gradient, S: (_no_largest(S)[0], gradient)),
            _with(lambda loss, gradient, S: (_apart(S, 0)[0], gradient)),
        ),
        Misconception(
            "the mean taken off, not the largest",
            "Taking off any number leaves P as it is, so small scores come out right. But only the largest makes sure "
            "that no exponent is above 0, and that the sum is at least 1.",
            lambda S: _apart(S, S.mean(axis=0)),
            lambda S: _no_largest(S - S.mean(axis=0)),
        ),
        Misconception(
            "the labels are missing in the gradient",
            "Your gradient is P / N: every score would be pushed down. The 1 of the right pair has to come off: (P − "
            "I) / N.",
            _with(lambda loss, gradient, S: (loss, gradient + np.eye(len(S)) / len(S))),
        ),
        Misconception(
            "the minus is missing",
            "Your loss is the mean of log P, which is negative. Put a minus before it; the gradient is the one of the "
            "loss with its minus.",
            _with(lambda loss, gradient, S: (-loss, gradient)),
            _with(lambda loss, gradient, S: (-loss, -gradient)),
        ),
    ),
)  # fmt: skip

"""Recall at k, with ties counted fairly."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_08 import shared

_random = np.random.default_rng(8)


def _above(S):
    return (np.diag(S)[:, None] < S).sum(1)


def _level(S):
    """How many have the own score, the own among them."""
    return (np.diag(S)[:, None] == S).sum(1)


def _fair(S, k):
    return np.clip((k - _above(S)) / _level(S), 0, 1).mean()


_TIES = _random.integers(0, 4, size=(6, 6)) / 4.0
fair_recall = Exercise(
    name="fair_recall",
    takes=("S", "k"),
    gives=(Part("R@k"),),
    right=_fair,
    cases={
        "one pair": (np.array([[0.3]]), 1),
        "3 pairs, no ties, k = 1": (np.array([[0.9, 0.2, 0.1], [0.8, 0.5, 0.6], [0.7, 0.3, 0.4]]), 1),
        "5 pairs, no ties, k = 2": (_random.normal(size=(5, 5)) + 0.5 * np.eye(5), 2),
        "4 pairs, all scores equal, k = 1": (np.full((4, 4), 0.5), 1),
        "4 pairs, all scores equal, k = 3": (np.full((4, 4), 0.5), 3),
        "6 pairs, some ties, k = 2": (_TIES, 2),
        "7 pairs, some ties, k = 3": (_random.integers(0, 3, size=(7, 7)) / 2.0, 3),
    },
    error=1e-6,
    misconceptions=(
        Misconception(
            "ties are won",
            "You counted only the texts that score more. Then a model that gives everything one score has found every "
            "pair. Among equals the own text stands first with chance 1 / how many they are.",
            lambda S, k: (_above(S) < k).mean(),
        ),
        Misconception(
            "ties are lost",
            "You counted every text that scores as much, so among equals the own text always stands last. That is as "
            "wrong as first: it stands anywhere, with equal chances.",
            lambda S, k: (_above(S) + _level(S) <= k).mean(),
        ),
        Misconception(
            "the order of the columns decides",
            "A sort has to put equal scores in some order, and takes that of the columns. So your result depends on "
            "where the own text happens to stand.",
            *[lambda S, k, order=order: (order(S)[:, :k] == np.arange(len(S))[:, None]).any(1).mean() for order in (
                lambda S: np.argsort(-S, axis=1, kind="stable"),
                lambda S: np.argsort(S, axis=1, kind="stable")[:, ::-1])],
        ),
        Misconception(
            "the middle place",
            "You took the middle of the places that the own text may have, and asked whether that is within k: all or "
            "nothing. Asked is the chance to be within k: so many of the equal places, divided by all of them.",
            lambda S, k: (_above(S) + (_level(S) + 1) / 2 <= k).mean(),
            lambda S, k: (_above(S) + (_level(S) - 1) / 2 < k).mean(),
            lambda S, k: (_above(S) + _level(S) / 2 <= k).mean(),
        ),
        Misconception(
            "one equal too few",
            "You divided by the others of equal score. The own text is one of them too: with one other the chance is a "
            "half, not 1.",
            lambda S, k: np.clip((k - _above(S)) / np.maximum(1, _level(S) - 1), 0, 1).mean(),
        ),
        Misconception(
            "not limited to 0 and 1",
            "A row whose own text stands far above counts more than once in your mean, or one far below less than "
            "nothing. A chance lies between 0 and 1: np.clip.",
            lambda S, k: ((k - _above(S)) / _level(S)).mean(),
            lambda S, k: np.minimum(1, (k - _above(S)) / _level(S)).mean(),
            lambda S, k: np.maximum(0, (k - _above(S)) / _level(S)).mean(),
        ),
        Misconception(
            "columns, not rows",
            "You asked each text for its picture. That is the other direction; the comparison runs along the rows "
            "here.",
            lambda S, k: _fair(S.T, k),
        ),
        Misconception(
            "k is off by one",
            "Your k best are one too few or one too many. With nobody above it the own text has place 1, and k = 1 "
            "counts it.",
            *[lambda S, k, more=more: _fair(S, k + more) for more in (-1, 1)],
        ),
        Misconception(
            "the lowest scores first",
            "You counted the texts that score less. A high score is a good one: those above the own text push it down.",
            lambda S, k: _fair(-S, k),
        ),
        Misconception(
            "a number of pairs, not a share",
            "You counted the pairs that were found, or gave percent. A share lies between 0 and 1, so that galleries "
            "of different size can be compared.",
            lambda S, k: _fair(S, k) * len(S),
            lambda S, k: _fair(S, k) * 100,
        ),
        Misconception(
            "ties with anybody",
            "Only the scores equal to that of the *own* text matter. You compared with something else, such as the "
            "row's best score.",
            lambda S, k: np.clip(k / (S.max(1, keepdims=True) == S).sum(1), 0, 1).mean(),
        ),
        Misconception(
            "k is not used",
            "You asked whether the own text is the best, whatever k is. With k = 2 the second place counts as well.",
            lambda S, k: _fair(S, 1),
            lambda S, k: (_above(S) == 0).mean(),
            lambda S, k: (_above(S) + _level(S) == 1).mean(),
            lambda S, k: shared.found(S),
        ),
        Misconception(
            "one place of the equals",
            "Among equals you counted one place, with the chance 1 / how many they are. All of their places that are "
            "within k count: k − above of them.",
            lambda S, k: ((_above(S) < k) / _level(S)).mean(),
        ),
        Misconception(
            "each score against the match of its column",
            "np.diag(S) is flat, so it was laid along the rows: each score met the match of its own column. All scores "
            "of row i have to meet S[i, i]: [:, None] makes a column of the diagonal.",
            lambda S, k: np.clip((k - (np.diag(S) < S).sum(1)) / (np.diag(S) == S).sum(1), 0, 1).mean(),
            lambda S, k: ((np.diag(S) < S).sum(1) < k).mean(),
        ),
    ),
)  # fmt: skip

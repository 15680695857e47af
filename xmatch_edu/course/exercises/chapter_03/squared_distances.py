"""Squared distances without a block of N×N×D numbers."""

import numpy as np

from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course import measure

_random = np.random.default_rng(3)


def _block(q, t):
    return ((q[:, None] - t[None]) ** 2).sum(axis=-1)


_BLOCK = Misconception(
    "a block in memory",
    "The numbers are right, but on the way you held an (N, M, D) block (or most of one). Multiply |q − t|² out: the "
    "only part with both q and t in it is a matrix product.",
    _block,
)


def _no_block(run):
    q, t = np.ones((40, 32)), np.ones((50, 32))
    return _BLOCK if measure.array_bytes(lambda: run((q, t))) > q.nbytes * len(t) / 2 else None


def _squares(x):
    return (x**2).sum(axis=1)


squared_distances = Exercise(
    name="squared_distances",
    takes=("images", "texts"),
    gives=(Part("the distances", "one row per image, one column per text"),),
    right=lambda q, t: np.array([[sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) for y in t] for x in q]),
    cases={
        "one pair": (_random.normal(size=(1, 3)), _random.normal(size=(1, 3))),
        "3 images, 3 texts": (_random.normal(size=(3, 4)), _random.normal(size=(3, 4))),
        "2 images, 5 texts": (_random.normal(size=(2, 4)), 2 * _random.normal(size=(5, 4))),
        "5 images, 2 texts": (_random.normal(size=(5, 2)), _random.normal(size=(2, 2)) + 1),
    },
    picture=(pictures.of_part(0), "scores", "Squared distances"),
    demand=_no_block,
    misconceptions=(
        Misconception(
            "the 2 is missing",
            "(q − t)² holds the product twice: q² − 2qt + t². You took it once.",
            lambda q, t: _squares(q)[:, None] + _squares(t) - q @ t.T,
        ),
        Misconception(
            "the distance, not its square",
            "You took the root. Here the square is asked for, and it is cheaper.",
            lambda q, t: np.sqrt(_block(q, t)),
        ),
        Misconception(
            "vectors of length 1 assumed",
            "2 − 2 q·t holds when every vector has length 1, as in this chapter. Here the lengths are arbitrary, so "
            "|q|² and |t|² have to be computed.",
            lambda q, t: 2 - 2 * q @ t.T,
        ),
        Misconception(
            "plus in place of minus",
            "Yours is |q + t|²: large where the two are alike. The product comes off.",
            lambda q, t: _squares(q)[:, None] + _squares(t) + 2 * q @ t.T,
        ),
        Misconception(
            "the lengths are on the wrong axes",
            "|q|² was stretched along the columns, or |t|² along the rows. The number of image i belongs to row i: (N,"
            " 1), and that of text j to column j: (M,).",
            lambda q, t: _squares(q) + _squares(t)[:, None] - 2 * q @ t.T,
            lambda q, t: _squares(q) + _squares(t) - 2 * q @ t.T,
            lambda q, t: _squares(q)[:, None] + _squares(t)[:, None] - 2 * q @ t.T,
        ),
        Misconception(
            "lengths for squared lengths",
            "You added |q| and |t|, the lengths. Their squares are needed: no root.",
            lambda q, t: np.linalg.norm(q, axis=1)[:, None] + np.linalg.norm(t, axis=1) - 2 * q @ t.T,
        ),
        Misconception(
            "the sum of absolute differences",
            "You added |qₖ − tₖ|. That is another distance, the city block's: square each difference.",
            lambda q, t: np.abs(q[:, None] - t[None]).sum(axis=-1),
        ),
        _BLOCK,
        Misconception(
            "the mean over the features",
            "You divided by D. A squared distance is a sum.",
            lambda q, t: _block(q, t) / q.shape[1],
        ),
        Misconception(
            "the product alone",
            "You took −2 q·t and left out |q|² and |t|². They do not change which text is nearest to an image, and "
            "they do change the distance: without them it can be negative.",
            lambda q, t: -2 * q @ t.T,
        ),
    ),
)

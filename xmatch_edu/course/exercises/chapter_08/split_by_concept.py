"""A split of pairs by concept, never by row."""

import math

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part

_random = np.random.default_rng(8)


def _count(concepts, share, whole=int):
    """How many of the different concepts are hidden. whole: from their number, with a fraction, to a whole one."""
    return whole(share * len(np.unique(concepts)))


def _split(concepts, share, whole=int):
    different = np.unique(concepts)
    return np.isin(concepts, different[len(different) - _count(concepts, share, whole):])


def _last(order, count):
    """True at the last `count` places of an order of rows."""
    return np.isin(np.arange(len(order)), order[len(order) - count:])


split_by_concept = Exercise(
    name="split_by_concept",
    takes=("concepts", "share"),
    gives=(Part("the hidden rows", "one True or False per row", "bool"),),
    right=_split,
    cases={
        "3 concepts of one row each": (np.array([0, 1, 2]), 0.34),
        "4 concepts in 9 rows": (np.array([0, 0, 1, 1, 2, 1, 2, 3, 0]), 0.5),
        "5 concepts with any numbers, in any order": (np.array([40, 7, 7, 90, 3, 40, 12, 3, 3, 3, 90]), 0.4),
        "4 concepts in 8 rows, and so small a share that none is hidden": (np.array([2, 5, 5, 9, 7, 9, 9, 9]), 0.2),
        "10 concepts in 30 rows": (
            _random.permutation(np.repeat(np.arange(10), [2, 1, 1, 3, 2, 1, 4, 6, 1, 9])), 0.3),
        "7 concepts in 12 rows, most of them hidden": (np.array([6, 1, 1, 20, 8, 11, 6, 15, 15, 6, 13, 8]), 0.8),
    },
    picture=None,
    misconceptions=(
        Misconception(
            "rows are split, not concepts",
            "You hid a share of the rows. Then some rows of a concept are hidden and its twins are trained on, which "
            "is the leak of this chapter. Choose concepts, and hide all of their rows.",
            lambda concepts, share: _last(np.arange(len(concepts)), int(share * len(concepts))),
            lambda concepts, share: _last(np.argsort(concepts, kind="stable"), int(share * len(concepts))),
            lambda concepts, share: _last(np.arange(len(concepts)), _count(concepts, share)),
        ),
        Misconception(
            "the share is counted in rows",
            "You keep concepts whole, but you hide as many as it takes to fill a share of the rows. Asked is a share "
            "of the different concepts: count each of them once.",
            lambda concepts, share: np.isin(
                concepts, np.sort(concepts)[len(concepts) - int(share * len(concepts)):]),
        ),
        Misconception(
            "the part that stays",
            "True should stand where a row is hidden. Yours is True for the rows that stay in training: turn it round "
            "with ~.",
            lambda concepts, share: ~_split(concepts, share),
        ),
        Misconception(
            "the first concepts are hidden",
            "You hid the concepts with the lowest numbers. Asked are those with the highest. Any choice would be "
            "honest, but only one can be compared.",
            lambda concepts, share: np.isin(concepts, np.unique(concepts)[:_count(concepts, share)]),
        ),
        Misconception(
            "one row for each hidden concept",
            "You hid one row of each chosen concept, and its twins stay in training. All rows of a hidden concept have "
            "to go: np.isin asks each row whether its concept is one of them.",
            lambda concepts, share: _split(concepts, share) & np.isin(
                np.arange(len(concepts)), np.unique(concepts, return_index=True)[1]),
        ),
        Misconception(
            "numbers taken for a count",
            "You compared the concepts' numbers with a share of the largest number. Numbers may have gaps: they are "
            "names. np.unique gives the different ones in order, and then you can count.",
            lambda concepts, share: concepts >= (1 - share) * concepts.max(),
            lambda concepts, share: concepts > (1 - share) * concepts.max(),
            lambda concepts, share: concepts >= (1 - share) * (concepts.max() + 1),
            lambda concepts, share: concepts >= concepts.max() + 1 - _count(concepts, share),
        ),
        Misconception(
            "a slice from −0",
            "Where none is to be hidden, you hide all: x[-0:] is x[0:], the whole. Slice from len(x) − count.",
            lambda concepts, share: np.isin(concepts, np.unique(concepts)[-_count(concepts, share):]),
        ),
        Misconception(
            "rounded up",
            "You rounded share · C to the nearest number, or up, or you rounded down how many concepts stay. Asked is "
            "the whole part of those that are hidden: int(share · C) rounds down.",
            lambda concepts, share: _split(concepts, share, math.ceil),
            lambda concepts, share: _split(concepts, share, lambda number: int(number + 0.5)),
        ),
        Misconception(
            "never none",
            "Where share · C is below 1 you hide a concept all the same. Asked is the whole part, int(share · C), and "
            "that may be 0.",
            lambda concepts, share: _split(concepts, share, lambda number: max(1, int(number))),
        ),
        Misconception(
            "positions or names in place of True and False",
            "You gave a list of rows, or of concepts. Asked is one True or False for every row, so that it can be used "
            "as a mask.",
            lambda concepts, share: np.flatnonzero(_split(concepts, share)),
            lambda concepts, share: np.unique(concepts[_split(concepts, share)]),
            lambda concepts, share: concepts[_split(concepts, share)],
        ),
    ),
)  # fmt: skip

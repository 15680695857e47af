"""A split of pairs by concept, never by row."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part

_random = np.random.default_rng(8)


def _hidden(concepts, share):
    """The different concepts in order, and how many of them are hidden."""
    different = np.unique(concepts)
    return different, int(share * len(different))


def _split(concepts, share):
    different, count = _hidden(concepts, share)
    return np.isin(concepts, different[len(different) - count:])


def _last(order, count):
    """True at the last `count` places of an order of rows."""
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[len(order) - count:]] = True
    return chosen


def _first_row_of_each(concepts, share):
    first = np.zeros(len(concepts), dtype=bool)
    first[np.unique(concepts, return_index=True)[1]] = True
    return _split(concepts, share) & first


def _minus_zero(concepts, share):
    different, count = _hidden(concepts, share)
    return np.isin(concepts, different[-count:])


def _by_rows(concepts, share):
    count = int(share * len(concepts))
    return concepts >= np.sort(concepts)[-count] if count else np.zeros(len(concepts), dtype=bool)


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
            lambda concepts, share: _last(np.arange(len(concepts)), _hidden(concepts, share)[1]),
        ),
        Misconception(
            "the share is counted in rows",
            "You keep concepts whole, but you hide as many as it takes to fill a share of the rows. Asked is a share "
            "of the different concepts: count each of them once.",
            _by_rows,
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
            lambda concepts, share: np.isin(concepts, _hidden(concepts, share)[0][:_hidden(concepts, share)[1]]),
        ),
        Misconception(
            "one row for each hidden concept",
            "You hid one row of each chosen concept, and its twins stay in training. All rows of a hidden concept have "
            "to go: np.isin asks each row whether its concept is one of them.",
            _first_row_of_each,
        ),
        Misconception(
            "numbers taken for a count",
            "You compared the concepts' numbers with a share of the largest number. Numbers may have gaps: they are "
            "names. np.unique gives the different ones in order, and then you can count.",
            lambda concepts, share: concepts >= (1 - share) * concepts.max(),
            lambda concepts, share: concepts > (1 - share) * concepts.max(),
            lambda concepts, share: concepts >= (1 - share) * (concepts.max() + 1),
            lambda concepts, share: concepts >= concepts.max() + 1 - _hidden(concepts, share)[1],
        ),
        Misconception(
            "a slice from −0",
            "Where none is to be hidden, you hide all: x[-0:] is x[0:], the whole. Slice from len(x) − count.",
            _minus_zero,
        ),
        Misconception(
            "rounded up",
            "You rounded share · C to the nearest number, or up, or you rounded down how many concepts stay. Asked is "
            "the whole part of those that are hidden: int(share · C) rounds down.",
            lambda concepts, share: np.isin(concepts, np.unique(concepts)[
                len(np.unique(concepts)) - int(np.ceil(share * len(np.unique(concepts)))):]),
            lambda concepts, share: np.isin(concepts, np.unique(concepts)[
                len(np.unique(concepts)) - int(share * len(np.unique(concepts)) + 0.5):]),
        ),
        Misconception(
            "never none",
            "Where share · C is below 1 you hide a concept all the same. Asked is the whole part, int(share · C), and "
            "that may be 0.",
            lambda concepts, share: np.isin(concepts, np.unique(concepts)[-max(1, _hidden(concepts, share)[1]):]),
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

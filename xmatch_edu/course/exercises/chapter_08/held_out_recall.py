"""Recall at k of pairs that were held out."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_08 import shared

# Recall is a count: in most draws this small some two wrong ideas come to the same one. In this draw no two do.
_random = np.random.default_rng(84)


def _held_out(S, split, part=2):
    own = split == part
    return shared.found(S[own][:, own])


def _right_rows(S):
    return S.argmax(1) == np.arange(len(S))


_SPLIT = np.array([0, 2, 0, 0, 1, 2, 0, 2, 1, 0, 2, 0, 1, 2])


def _trained(split, ahead, middle=0):
    """A batch of this split: the trained pairs stand out more than the hidden ones."""
    n = len(split)
    return middle + _random.normal(size=(n, n)) + np.diag(np.where(split == 0, 2.2, ahead)), split.copy()


held_out_recall = Exercise(
    name="held_out_recall",
    takes=("S", "split"),
    gives=(Part("R@1"),),
    right=_held_out,
    cases={
        "14 pairs, 5 of them test": _trained(_SPLIT, 0.8),
        "14 pairs, dealt again": _trained(_SPLIT[::-1], 1.0),
        "30 pairs, 10 of them test": _trained(np.tile([0, 1, 2], 10), 1.2),
        "23 pairs, 7 of them test": _trained(np.array([0, 2, 0, 1, 0, 2, 0] * 3 + [1, 2]), 1.1),
        "12 pairs, 5 of them test, and all scores below 0": _trained(_SPLIT[:12], 0.5, middle=-8),
    },
    error=1e-6,
    misconceptions=(
        Misconception(
            "measured on all pairs",
            "You judged the model on every pair, most of which it was trained on. It knows those by heart. Only the "
            "test pairs say what it does with something new.",
            lambda S, split: shared.found(S),
        ),
        Misconception(
            "measured on the training pairs",
            "You judged the model on what it was trained on. That says how well it remembers: take the pairs with "
            "split 2.",
            lambda S, split: _held_out(S, split, 0),
        ),
        Misconception(
            "measured on the validation pairs",
            "Those pairs chose the model: when to stop, which loss. It did best on them because they chose it. The "
            "test pairs, split 2, have chosen nothing.",
            lambda S, split: _held_out(S, split, 1),
        ),
        Misconception(
            "the gallery holds the trained texts too",
            "Your rows are the test pictures, but your columns hold trained texts as well. The figure then depends on "
            "how much was trained on, and cannot be compared: take the test columns only.",
            lambda S, split: _right_rows(S)[split == 2].mean(),
            lambda S, split: (S[split == 2].argmax(1) == np.arange((split == 2).sum())).mean(),
            lambda S, split: _right_rows(np.where(split != 1, S, -np.inf))[split == 2].mean(),
        ),
        Misconception(
            "everything that was not trained on",
            "You took validation and test together. The validation pairs chose the model, so they are no longer new.",
            lambda S, split: shared.found(S[split > 0][:, split > 0]),
        ),
        Misconception(
            "columns, not rows",
            "You asked each text for its picture. Asked is the other direction: each picture looks along its row.",
            lambda S, split: _held_out(S.T, split),
        ),
        Misconception(
            "a number of pairs, not a share",
            "You counted the pairs that were found, or gave percent. A share lies between 0 and 1, whatever the size "
            "of the gallery.",
            lambda S, split: _held_out(S, split) * (split == 2).sum(),
            lambda S, split: _held_out(S, split) * 100,
        ),
        Misconception(
            "divided by all pairs",
            "You found the right test pairs and divided by the number of all pairs, or asked all pictures for a test "
            "text. Only the test pictures have their own text among those: take the test rows, and their number.",
            lambda S, split: _held_out(S, split) * (split == 2).mean(),
            lambda S, split: ((S[:, split == 2].argmax(1) == np.cumsum(split == 2) - 1) & (split == 2)).mean(),
            lambda S, split: (_right_rows(S) & (split == 2)).mean(),
        ),
        Misconception(
            "0 in place of −∞",
            "You set the scores of all other texts to 0. Where the test scores are below 0, those are the best then: "
            "cut the columns out, or put −∞ there.",
            lambda S, split: _right_rows(np.where(split == 2, S, 0))[split == 2].mean(),
        ),
        Misconception(
            "places of the whole matrix",
            "After you cut out the test pairs their rows are numbered anew, from 0. You compared the best column with "
            "the old numbers.",
            lambda S, split: (S[split == 2][:, split == 2].argmax(1) == np.flatnonzero(split == 2)).mean(),
        ),
    ),
)  # fmt: skip

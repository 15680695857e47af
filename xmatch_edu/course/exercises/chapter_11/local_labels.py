"""The labels of one process: where its own texts stand among all."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_11 import shared


def _labels_as_matrix(run, arguments, parts):
    """Own images down, the texts as far as the next process's across."""
    rank, n = arguments
    columns = np.arange((rank + 2) * n)
    return (parts[0][:, None] == columns).astype(float)


local_labels = Exercise(
    name="local_labels",
    takes=("rank", "n"),
    gives=(Part("the labels", "one per own image", "integer"),),
    right=shared.labels,
    cases={
        "process 0, one pair each": (0, 1),
        "process 0, 3 pairs each": (0, 3),
        "process 1, 2 pairs each": (1, 2),
        "process 1, 4 pairs each": (1, 4),
        "process 2, one pair each": (2, 1),
        "process 3, 5 pairs each": (3, 5),
        "process 7, 3 pairs each": (7, 3),
    },
    picture=(_labels_as_matrix, ("labels", "own images", "all texts"), "The labels as a matrix"),
    misconceptions=(
        Misconception(
            "the labels of one machine",
            "Your labels are 0 to n − 1 for every process. Only for process 0 are those its own texts: for all others "
            "they are the texts of process 0, because the gathered texts stand in the order of the ranks.",
            lambda rank, n: np.arange(n),
        ),
        Misconception(
            "moved by the rank, not by rank · n",
            "You moved the labels by one column for each process before yours. Each of those brings n texts, and so "
            "moves yours by n columns.",
            lambda rank, n: np.arange(n) + rank,
        ),
        Misconception(
            "always moved by one block",
            "You moved the labels by n, whatever the rank. That is right for process 1 alone: process 0 is not moved, "
            "process 2 by two blocks.",
            lambda rank, n: np.arange(n) + n,
        ),
        Misconception(
            "one block too far or too near",
            "You counted the processes from 1, or the blocks after yours. Ranks begin at 0, and there are exactly "
            "`rank` blocks before that of process `rank`.",
            lambda rank, n: np.arange(n) + (rank + 1) * n,
            lambda rank, n: np.arange(n) + (rank - 1) * n,
        ),
        Misconception(
            "one label for all",
            "All of your images have the same label. That is where the block begins, or whose block it is: within it "
            "each image has a text of its own, one column further each time.",
            lambda rank, n: np.full(n, rank * n),
            lambda rank, n: np.full(n, rank),
            lambda rank, n: np.zeros(n, dtype=int),
        ),
        Misconception(
            "the wrong end of a range",
            "np.arange(start, end) stops before `end`, and you gave it how many you want, or another column. Begin at "
            "rank · n, and end n further on; or add rank · n to np.arange(n).",
            lambda rank, n: np.arange(rank * n, n),
            lambda rank, n: np.arange(rank * n, rank * (n + 1)),
            lambda rank, n: np.arange(rank * n, rank + n),
        ),
        Misconception(
            "dealt out in turn",
            "You took every n-th column, as if the pairs had been dealt like cards. The gathered texts stand block by "
            "block: all of process 0, then all of process 1.",
            lambda rank, n: np.arange(n) * n + rank,
            lambda rank, n: np.arange(n) * (rank + 1) + rank,
        ),
        Misconception(
            "multiplied, not moved",
            "You multiplied the labels by the rank. Then their distances grow: a block is moved by adding rank · n to "
            "all of them.",
            lambda rank, n: np.arange(n) * rank,
            lambda rank, n: np.arange(n) * (rank + 1),
            lambda rank, n: np.arange(n) * rank * n,
        ),
        Misconception(
            "counted from 1",
            "Your labels are one too high. Columns are counted from 0: the first text of process 0 stands in column 0.",
            lambda rank, n: np.arange(1, n + 1) + rank * n,
        ),
        Misconception(
            "the labels run backwards",
            "Your block is the right one, and within it you count down. The own texts stand in the same order as the "
            "own images.",
            lambda rank, n: np.arange(n)[::-1] + rank * n,
        ),
        Misconception(
            "the labels of the others too",
            "You gave labels for all the images up to your block. The matrix of a process has n rows, its own images: "
            "n labels.",
            lambda rank, n: np.arange((rank + 1) * n),
        ),
        Misconception(
            "a label too many or too few",
            "Your block begins in the right column and ends in the wrong one. The end of a range is left out already: "
            "rank · n to (rank + 1) · n gives n numbers.",
            lambda rank, n: np.arange(rank * n, (rank + 1) * n - 1),
            lambda rank, n: np.arange(rank * n, (rank + 1) * n + 1),
        ),
        Misconception(
            "fractions in place of whole numbers",
            "Your numbers are right and of the wrong kind. A label says which column, and indexing and cross_entropy "
            "want a whole number for that.",
            lambda rank, n: shared.labels(rank, n).astype(float),
        ),
    ),
)  # fmt: skip

"""What several exercises of chapter 09 stand on: batches by their concepts, which are the same, how many."""

import numpy as np


def same(concepts):
    return concepts[:, None] == concepts[None, :]


def eye(concepts):
    return np.eye(len(concepts), dtype=bool)


def mask(concepts):
    return same(concepts) & ~eye(concepts)


BATCHES = {
    "2 pairs of two concepts": np.array([4, 9]),
    "3 pairs, the first and the last of one concept": np.array([5, 2, 5]),
    "5 pairs, three of one concept": np.array([1, 7, 1, 1, 3]),
    "6 pairs, two and three of a kind": np.array([8, 3, 8, 3, 3, 0]),
    "9 pairs": np.array([2, 2, 6, 1, 6, 2, 4, 6, 2]),
}


def sizes(concepts):
    """For each pair, how many of the batch have its concept."""
    return same(concepts).sum(1)


def counts(concepts):
    return np.unique(concepts, return_counts=True)[1]

"""What several exercises of chapter 11 stand on: their random numbers, and the labels of one process."""

import numpy as np

random = np.random.default_rng(11)


def labels(rank, n):
    return np.arange(n) + rank * n

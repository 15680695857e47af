"""What several exercises of chapter 10 stand on: a walk over tiles, shared wrong ideas."""

import numpy as np

from xmatch_edu.check import calm
from xmatch_edu.check.engine import Misconception
from xmatch_edu.course import measure

_random = np.random.default_rng(10)


def log_sum_exp(x, axis=None):
    return np.logaddexp.reduce(np.ravel(x) if axis is None else x, axis=axis or 0)


# About which number a running sum is from now on, of each row: the largest so far (−∞ at first) and one more piece,
# (rows, numbers), are given.


def so_far(largest, piece):
    return np.maximum(largest, piece.max(1))


def so_far_from_zero(largest, piece):
    return np.maximum(0, so_far(largest, piece))


def own(largest, piece):
    return piece.max(1)


def first(largest, piece):
    return np.where(np.isinf(largest), piece.max(1), largest)


def running(pieces, about, rescale=np.ones_like):
    """The log-sum-exp of each row of `pieces`, a list of (rows, numbers), in a wrong way: `about` is one of those
    above, and rescale(old − new) is what the old sum is multiplied by, np.exp if that is not what is wrong."""
    largest, total = np.full(len(pieces[0]), -np.inf), 0
    for piece in pieces:
        old, largest = largest, about(largest, piece)
        total = total * rescale(old - largest) + np.exp(piece - largest[:, None]).sum(1)
    return np.log(total) + largest


def each_about_its_own(pieces):
    """The logarithm of the sums of all pieces added, each about its own largest number."""
    return np.log(sum(np.exp(piece - piece.max(-1, keepdims=True)).sum(-1) for piece in pieces))


def logits(image, text, scale):
    return scale * (image @ text.T)


def both_logs(logits):
    return log_sum_exp(logits, 1), log_sum_exp(logits, 0)


def logs(image, text, scale, size):
    return both_logs(logits(image, text, scale))


def tile_walk(n, size):
    """(rows, columns) of each tile."""
    starts = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    return [(rows, columns) for rows in starts for columns in starts]


def only(x, size, kept, other):
    """x where kept(number of the row's tile, of the column's, how many tiles are whole) holds, elsewhere `other`."""
    tile = np.arange(len(x)) // size
    return np.where(kept(tile[:, None], tile, len(x) // size), x, other)


MATRIX_AT_ONCE = Misconception(
    "the whole matrix at once",
    "The numbers are right, but on the way your function held a matrix of N×N numbers. For a large batch that is what "
    "does not fit: work out one tile, take it into what you keep, and forget it before the next.",
)
SIZE_FORGOTTEN = Misconception(
    "tiles of another size",
    "The numbers are right, but your function never looks at `size`. How large a tile may be depends on the memory, so "
    "the caller says it: cut your tiles from top to top + size, and from left to left + size.",
)


def tile_by_tile(run, arguments=lambda *a: a):
    """The demand that one tile is held at once, of the size that is asked for. arguments(image, text, scale, size):
    what the exercise takes, the size last."""
    angles = np.arange(128.0)
    image = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    given = arguments(image, image[::-1].copy(), 3.0, 12)
    if measure.array_bytes(lambda: run(given)) > 128 * 128 * 8:
        return MATRIX_AT_ONCE
    return SIZE_FORGOTTEN if calm.forgets(run.function, place=len(given) - 1) else None


def features(random, n, width=3, length=1.0):
    return length * random.normal(size=(n, width))


TILES = {
    "one pair, tiles of 1": (features(_random, 1), features(_random, 1), 2.0, 1),
    "one pair, tiles of 4": (features(_random, 1), features(_random, 1), 0.5, 4),
    "2 pairs, tiles of 1": (features(_random, 2), features(_random, 2), 1.5, 1),
    "4 pairs, tiles of 2": (features(_random, 4), features(_random, 4), 2.0, 2),
    "5 pairs, tiles of 2": (features(_random, 5, 4), features(_random, 5, 4), 1.5, 2),
    "3 pairs, tiles of 8": (features(_random, 3), features(_random, 3), 3.0, 8),
    "7 pairs, tiles of 3": (features(_random, 7), features(_random, 7), 0.7, 3),
}
FAR = (
    np.array([[100.0], [-100.0], [60.0], [2.0], [-0.5]]), np.array([[-90.0], [100.0], [1.0], [40.0], [-100.0]]), 1.0, 2)

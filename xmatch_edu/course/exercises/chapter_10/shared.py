"""What several exercises of chapter 10 stand on: a walk over tiles, shared wrong ideas."""

import numpy as np

from xmatch_edu.check.engine import Misconception

_random = np.random.default_rng(10)


def log_sum_exp(x, axis=None):
    return np.logaddexp.reduce(np.ravel(x) if axis is None else x, axis=axis or 0)


# A wrong way to take one more piece (rows, numbers) into what is known of each row: the largest number that the sum is
# about, and the sum.


def not_rescaled(largest, total, piece):
    largest = np.maximum(largest, piece.max(1))
    return largest, total + np.exp(piece - largest[:, None]).sum(1)


def own_largest(largest, total, piece):
    return piece.max(1), total + np.exp(piece - piece.max(1, keepdims=True)).sum(1)


def to_own_largest(largest, total, piece):
    """Rescaled, but to the largest number of this piece, however small it is."""
    return piece.max(1), total * np.exp(largest - piece.max(1)) + np.exp(piece - piece.max(1, keepdims=True)).sum(1)


def about_the_first(largest, total, piece):
    largest = np.where(np.isinf(largest), piece.max(1), largest)
    return largest, total + np.exp(piece - largest[:, None]).sum(1)


def running(pieces, step, start=-np.inf):
    """The log-sum-exp of each row of `pieces`, a list of (rows, numbers), in a wrong way."""
    largest, total = np.full(len(pieces[0]), start), np.zeros(len(pieces[0]))
    for piece in pieces:
        largest, total = step(largest, total, piece)
    return np.log(total) + largest


def logits(image, text, scale):
    return scale * (image @ text.T)


def both_logs(logits):
    return log_sum_exp(logits, 1), log_sum_exp(logits, 0)


def logs(image, text, scale, size):
    return both_logs(logits(image, text, scale))


def last(logits, size):
    """Where the last tile begins."""
    return (len(logits) - 1) // size * size


def tile_walk(n, size):
    """(rows, columns) of each tile."""
    starts = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    return [(rows, columns) for rows in starts for columns in starts]


def whole_tiles(logits, size):
    """How far the tiles reach that are not short."""
    return len(logits) // size * size


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


def large():
    """(images, texts, the bytes of their matrix)"""
    rows = np.arange(128.0)
    features = np.stack([np.sin(rows), np.cos(rows)], axis=1)
    return features, features[::-1].copy(), 128 * 128 * 8


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

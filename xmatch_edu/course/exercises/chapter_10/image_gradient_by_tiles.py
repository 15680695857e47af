"""The gradient of the images, tile by tile, from the log-sum-exps."""

import math

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_10 import shared

_random = np.random.default_rng(10)


def _sum_of_both(logits, rows, columns):
    """P(text | image) + P(image | text), given the logs as they lie along the logits: (N, 1) and (N,)."""
    return np.exp(logits - rows) + np.exp(logits - columns)


def _weights(logits, rows, columns):
    return _sum_of_both(logits, rows[:, None], columns) - 2 * np.eye(len(logits))


def _gradient(image, text, scale, rows, columns, size):
    logits = shared.logits(image, text, scale)
    return scale / (2 * len(image)) * _weights(logits, rows, columns) @ text


def _from_weights(of):
    """A wrong idea about the weights G of the gradient, (N, N): of(logits, rows, columns, size)."""
    return lambda image, text, scale, rows, columns, size: (
        scale / (2 * len(image)) * of(shared.logits(image, text, scale), rows, columns, size) @ text)


def _from_tiles(match=lambda tile, r, c: np.eye(*tile.shape) * (r == c),
                logs=lambda tile, r, c, rows, columns: (rows[r][:, None], columns[c])):
    """The same, made tile by tile: where in the tile of rows r and columns c the match is, and which logs it takes."""
    def weights(logits, rows, columns, size):
        whole = np.zeros_like(logits)
        for r, c in shared.tile_walk(len(logits), size):
            tile = logits[r, c]
            whole[r, c] = _sum_of_both(tile, *logs(tile, r, c, rows, columns)) - 2 * match(tile, r, c)
        return whole

    return _from_weights(weights)


def _only(kept):
    """No tiles but those that shared.only keeps."""
    return _from_weights(lambda logits, rows, columns, size: (
        shared.only(_weights(logits, rows, columns), size, kept, 0)))


def _texts_of_another_tile(image, text, scale, rows, columns, size):
    """Each tile's weights meet the texts that stand beside its rows. Where tiles are not all alike this stops."""
    weights = _weights(shared.logits(image, text, scale), rows, columns)
    gradient = np.zeros_like(image)
    for r, c in shared.tile_walk(len(image), size):
        gradient[r] += weights[r, c] @ text[r]
    return scale / (2 * len(image)) * gradient


def _by_its_own_tile(*a):
    """Each tile's gradient divided by the rows of that tile."""
    tile = np.arange(len(a[0])) // a[-1]
    return _gradient(*a) * len(a[0]) / np.bincount(tile)[tile][:, None]


def _with_logs(image, text, scale, size):
    return image, text, scale, *shared.logs(image, text, scale, size), size


image_gradient_by_tiles = Exercise(
    name="image_gradient_by_tiles",
    takes=("image_features", "text_features", "scale", "rows", "columns", "size"),
    gives=(Part("the gradient", "one row per image, one column per feature"),),
    right=lambda image, text, scale, rows, columns, size: loops.matching_gradient(image @ text.T, scale=scale) @ text,
    cases={case: _with_logs(*arguments) for case, arguments in shared.TILES.items()} | {
        "6 pairs, tiles of 2": _with_logs(shared.features(_random, 6), shared.features(_random, 6), 1.2, 2),
        "5 pairs, logits up to 10,000": _with_logs(*shared.FAR),
    },
    error=1e-8,
    picture=(pictures.of_part(0), ("gradient", "images", "features"), "The gradient of the images"),
    demand=lambda run: shared.tile_by_tile(run, _with_logs),
    misconceptions=(
        Misconception(
            "each tile overwrites the one before",
            "Only the last tile of each row of tiles is left in your gradient. An image is pushed by all texts: += adds"
            " a tile's part to what is there, = replaces it.",
            _only(lambda row, column, whole: column == column.max()),
        ),
        Misconception(
            "a match in every tile",
            "You subtracted the match on the diagonal of each tile. The matches lie on the diagonal of the whole "
            "matrix, and only tiles whose rows and columns begin at the same place hold any.",
            _from_tiles(match=lambda tile, r, c: np.eye(*tile.shape)),
            # by index, which stops where a tile is narrower than high
            _from_tiles(match=lambda tile, r, c: np.eye(tile.shape[1])[np.arange(len(tile))]),
        ),
        Misconception(
            "the match only in the first tile",
            "You subtracted the matches of the first tile and no others. Every tile on the diagonal holds some.",
            _from_tiles(match=lambda tile, r, c: np.eye(*tile.shape) * (r.start == c.start == 0)),
        ),
        Misconception(
            "the match is never subtracted",
            "Your gradient has P and not P − Y. Without the match every text pushes the image away, and none draws it "
            "near.",
            _from_weights(lambda x, rows, columns, size: _sum_of_both(x, rows[:, None], columns)),
        ),
        Misconception(
            "the match subtracted once for both directions",
            "Each direction has its own P − Y, so that the match comes off twice in their sum. You subtracted it once, "
            "or four times.",
            _from_weights(lambda x, rows, columns, size: _weights(x, rows, columns) + np.eye(len(x))),
            _from_weights(lambda x, rows, columns, size: _weights(x, rows, columns) - 2 * np.eye(len(x))),
        ),
        Misconception(
            "one direction only",
            "You took the softmax of the rows alone, or of the columns alone. An image is pushed by both questions: "
            "which text belongs to it, and to which image each text belongs.",
            _from_weights(lambda x, rows, columns, size: 2 * (np.exp(x - rows[:, None]) - np.eye(len(x)))),
            _from_weights(lambda x, rows, columns, size: 2 * (np.exp(x - columns) - np.eye(len(x)))),
            _from_weights(lambda x, rows, columns, size: np.exp(x - rows[:, None]) - np.eye(len(x))),
            _from_weights(lambda x, rows, columns, size: np.exp(x - columns) - np.eye(len(x))),
            _from_weights(lambda x, rows, columns, size: np.exp(x - rows[:, None]) - 2 * np.eye(len(x))),
            _from_weights(lambda x, rows, columns, size: np.exp(x - columns) - 2 * np.eye(len(x))),
        ),
        Misconception(
            "divided by the tile, not by the batch",
            "You divided by the size of a tile, or by how many tiles there are. The loss is a mean over all N rows, "
            "whatever the tiles: 1 / N.",
            lambda *a: _gradient(*a) * len(a[0]) / a[-1],
            lambda *a: _gradient(*a) * len(a[0]) / min(len(a[0]), a[-1]),
            _by_its_own_tile,
            lambda *a: _gradient(*a) * len(a[0]) / math.ceil(len(a[0]) / a[-1]),
            lambda *a: _gradient(*a) * len(a[0]) / math.ceil(len(a[0]) / a[-1]) ** 2,
            lambda *a: _gradient(*a) / math.ceil(len(a[0]) / a[-1]),
        ),
        Misconception(
            "the half is forgotten",
            "Your gradient is twice as large: that of both directions added. The loss is their average.",
            lambda *a: 2 * _gradient(*a),
        ),
        Misconception(
            "halved once too often",
            "Your gradient is half as large. The average of two directions has one factor ½.",
            lambda *a: _gradient(*a) / 2,
        ),
        Misconception(
            "the scale is missing in the gradient",
            "The scale stands inside exp in yours, and not before the sum. The features act on the logits through "
            "scale · S: the chain rule gives the gradient that factor too.",
            lambda image, text, scale, *rest: _gradient(image, text, scale, *rest) / scale,
        ),
        Misconception(
            "the scale twice in the gradient",
            "You multiplied by the scale once too often, or divided by it. Each score is multiplied by it once, so the "
            "chain rule gives it once.",
            lambda image, text, scale, *rest: _gradient(image, text, scale, *rest) * scale,
            lambda image, text, scale, *rest: _gradient(image, text, scale, *rest) / scale**2,
        ),
        Misconception(
            "the scale is missing inside exp",
            "You took exp of the bare scores less the logs of the scaled ones. Those do not belong together, and the "
            "probabilities of a row no longer add up to 1: exp(scale · S − log).",
            lambda image, text, scale, rows, columns, size:
            scale / (2 * len(image)) * _weights(image @ text.T, rows, columns) @ text,
            lambda image, text, scale, rows, columns, size:
            1 / (2 * len(image)) * _weights(image @ text.T, rows, columns) @ text,
        ),
        Misconception(
            "the logs of the tile, not of the row",
            "You took a softmax within each tile. There the texts of one tile compete, and the sum below the line must "
            "hold all texts: that is what `rows` and `columns` are for.",
            _from_tiles(logs=lambda tile, *_: (shared.log_sum_exp(tile, 1)[:, None], shared.log_sum_exp(tile, 0))),
        ),
        Misconception(
            "the logs or the texts of another tile",
            "You cut the logs, or the texts, with the wrong slice: that of the first tile, or the rows' where the "
            "columns' belongs. Rows go with `rows`, columns with `columns` and with the texts.",
            _from_tiles(logs=lambda tile, r, c, rows, columns: (rows[:len(tile), None], columns[:tile.shape[1]])),
            _from_tiles(logs=lambda tile, r, c, rows, columns: (rows[r][:, None], columns[r])),
            _texts_of_another_tile,
        ),
        Misconception(
            "logs laid along the wrong side of a tile",
            "NumPy lays a line of numbers along the columns: without [:, None] the log of image i meets text i. The "
            "log of a row stands for all texts of that row, rows[…][:, None]; that of a column needs no [:, None].",
            _from_tiles(logs=lambda tile, r, c, rows, columns: (rows[r], columns[c])),
            _from_tiles(logs=lambda tile, r, c, rows, columns: (rows[r][:, None], columns[c][:, None])),
            _from_tiles(logs=lambda tile, r, c, rows, columns: (rows[r], columns[c][:, None])),
        ),
        Misconception(
            "rows and columns changed places",
            "You subtracted the columns' logs along the rows, or the rows' along the columns, or one of them both "
            "times. The log of row i stands for the whole row: rows[:, None]; that of column j: columns[None, :].",
            _from_weights(lambda x, rows, columns, size: _weights(x, columns, rows)),
            _from_weights(lambda x, rows, columns, size: _weights(x, rows, rows)),
            _from_weights(lambda x, rows, columns, size: _weights(x, columns, columns)),
        ),
        Misconception(
            "the last short tile is dropped",
            "You walked over N // size tiles, and what is left over never came. range(0, N, size) begins a last tile "
            "there, and a slice stops at the end by itself.",
            _only(lambda row, column, whole: np.maximum(row, column) < whole),
            _only(lambda row, column, whole: column < whole),
        ),
        Misconception(
            "only the tiles on the diagonal",
            "You left out all tiles but those on the diagonal. The texts of the other tiles push the image away too.",
            _only(lambda row, column, whole: row == column),
        ),
        Misconception(
            "exp overflows",
            "You divided exp(logit) by exp(log). Both are infinite where logits are large, and ∞ / ∞ is no number: "
            "subtract first, exp(logit − log).",
            _from_weights(lambda x, rows, columns, size: (
                np.exp(x) / np.exp(rows)[:, None] + np.exp(x) / np.exp(columns) - 2 * np.eye(len(x)))),
        ),
        Misconception(
            "the gradient of the texts",
            "You gave the gradient of the other side. Image i is moved by Σ G[i, j] · text j, G @ texts; Gᵀ @ images "
            "is what moves the texts.",
            lambda image, text, scale, rows, columns, size: _gradient(text, image, scale, columns, rows, size),
        ),
        Misconception(
            "each side from its own features",
            "You multiplied the weights by the images. A score is image · text, so its slope along the image is the "
            "text.",
            lambda image, text, scale, rows, columns, size:
            scale / (2 * len(image)) * _weights(shared.logits(image, text, scale), rows, columns) @ image,
        ),
        Misconception(
            "the weights turned on their side",
            "You multiplied by the weights' transpose. Row i of G belongs to image i, and its columns to the texts: "
            "G @ texts.",
            _from_weights(lambda x, rows, columns, size: _weights(x, rows, columns).T),
        ),
        Misconception(
            "the sum in place of the mean",
            "You did not divide by N, or divided by N twice. The loss is a mean over N rows, and so is its gradient.",
            lambda *a: _gradient(*a) * len(a[0]),
            lambda *a: _gradient(*a) * 2 * len(a[0]),
            lambda *a: _gradient(*a) / len(a[0]),
        ),
        Misconception(
            "the minus of a step",
            "Right in size, wrong in sign. A gradient points uphill, P − Y; the minus comes with the step.",
            lambda *a: -_gradient(*a),
        ),
        shared.MATRIX_AT_ONCE,
        shared.SIZE_FORGOTTEN,
    ),
)  # fmt: skip

"""The gradient of the images, tile by tile, from the log-sum-exps."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import calm, pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course import measure
from xmatch_edu.course.exercises.chapter_10 import shared

_random = np.random.default_rng(10)


def _sum_of_both(logits, rows, columns):
    """P(text | image) + P(image | text), given the logs."""
    return np.exp(logits - rows[:, None]) + np.exp(logits - columns)


def _weights(logits, rows, columns):
    return _sum_of_both(logits, rows, columns) - 2 * np.eye(len(logits))


def _gradient(image, text, scale, rows, columns, size):
    logits = shared.logits(image, text, scale)
    return scale / (2 * len(image)) * _weights(logits, rows, columns) @ text


def _from_weights(of):
    """A wrong idea about the weights G of the gradient, (N, N): of(logits, rows, columns, size)."""
    return lambda image, text, scale, rows, columns, size: (
        scale / (2 * len(image)) * of(shared.logits(image, text, scale), rows, columns, size) @ text)


def _from_tiles(of):
    """The same, made tile by tile: of(tile's logits, rows, columns, rows' logs, columns' logs)."""
    def weights(logits, rows, columns, size):
        whole = np.zeros_like(logits)
        for r, c in shared.tile_walk(len(logits), size):
            whole[r, c] = of(logits[r, c], r, c, rows, columns)
        return whole

    return _from_weights(weights)


def _match_in_every_tile(tile, r, c, rows, columns):
    return _sum_of_both(tile, rows[r], columns[c]) - 2 * np.eye(*tile.shape)


def _match_in_every_tile_by_index(tile, r, c, rows, columns):
    """Where a tile is narrower than high there is no such place."""
    weights = _sum_of_both(tile, rows[r], columns[c])
    weights[np.arange(len(tile)), np.arange(len(tile))] -= 2
    return weights


def _match_in_the_first_tile(tile, r, c, rows, columns):
    match = 2 * np.eye(*tile.shape) if r.start == c.start == 0 else 0
    return _sum_of_both(tile, rows[r], columns[c]) - match


def _logs_of_the_tile(tile, r, c, rows, columns):
    match = 2 * np.eye(*tile.shape) if r == c else 0
    return _sum_of_both(tile, *shared.both_logs(tile)) - match


def _logs_of_the_first_tile(tile, r, c, rows, columns):
    match = 2 * np.eye(*tile.shape) if r == c else 0
    return _sum_of_both(tile, rows[:tile.shape[0]], columns[:tile.shape[1]]) - match


def _logs_of_another_tile(tile, r, c, rows, columns):
    """Where tiles are not all alike this stops."""
    match = 2 * np.eye(*tile.shape) if r == c else 0
    return _sum_of_both(tile, rows[r], columns[r]) - match


def _laid(rows_along_columns, columns_along_rows):
    """Logs that are laid along the wrong side of a tile. Where a tile is not square this stops."""
    def of(image, text, scale, rows, columns, size):
        gradient = np.zeros_like(image)
        for r, c in shared.tile_walk(len(image), size):
            tile = shared.logits(image[r], text[c], scale)
            weights = np.exp(tile - (rows[r] if rows_along_columns else rows[r][:, None]))
            weights = weights + np.exp(tile - (columns[c][:, None] if columns_along_rows else columns[c]))
            gradient[r] += (weights - 2 * np.eye(*tile.shape) if r == c else weights) @ text[c]
        return scale / (2 * len(image)) * gradient

    return of


def _texts_of_another_tile(image, text, scale, rows, columns, size):
    """Each tile's weights meet the texts that stand beside its rows. Where tiles are not all alike this stops."""
    weights = _weights(shared.logits(image, text, scale), rows, columns)
    gradient = np.zeros_like(image)
    for r, c in shared.tile_walk(len(image), size):
        gradient[r] += weights[r, c] @ text[r]
    return scale / (2 * len(image)) * gradient


def _by_its_own_tile(image, text, scale, rows, columns, size):
    """Each tile's gradient divided by the rows of that tile."""
    gradient = 2 * len(image) / scale * _gradient(image, text, scale, rows, columns, size)
    for start in range(0, len(image), size):
        gradient[start:start + size] *= scale / (2 * len(image[start:start + size]))
    return gradient


def _tiles_across(arguments):
    image, *_, size = arguments
    return -(-len(image) // size)


def _only_last(logits, rows, columns, size):
    """The weights of the last tile in each row: all others were overwritten."""
    weights = _weights(logits, rows, columns)
    weights[:, :shared.last(logits, size)] = 0
    return weights


def _tile_blocks_only(logits, rows, columns, size):
    block = np.arange(len(logits)) // size
    return np.where(block[:, None] == block, _weights(logits, rows, columns), 0)


def _whole_tiles_only(logits, rows, columns, size):
    kept = shared.whole_tiles(logits, size)
    weights = _weights(logits, rows, columns)
    weights[kept:], weights[:, kept:] = 0, 0
    return weights


def _last_columns_dropped(logits, rows, columns, size):
    weights = _weights(logits, rows, columns)
    weights[:, shared.whole_tiles(logits, size):] = 0
    return weights


def _quotient(logits, rows, columns, size):
    with np.errstate(all="ignore"):
        return np.exp(logits) / np.exp(rows)[:, None] + np.exp(logits) / np.exp(columns) - 2 * np.eye(len(logits))


def _no_matrix_of_weights(run):
    image, text, most = shared.large()
    logs = shared.logs(image, text, 3.0, 12)
    if measure.array_bytes(lambda: run((image, text, 3.0, *logs, 12))) > most:
        return shared.MATRIX_AT_ONCE
    return shared.SIZE_FORGOTTEN if calm.forgets(run.function, place=5) else None


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
    demand=_no_matrix_of_weights,
    misconceptions=(
        Misconception(
            "each tile overwrites the one before",
            "Only the last tile of each row of tiles is left in your gradient. An image is pushed by all texts: += adds"
            " a tile's part to what is there, = replaces it.",
            _from_weights(_only_last),
        ),
        Misconception(
            "a match in every tile",
            "You subtracted the match on the diagonal of each tile. The matches lie on the diagonal of the whole "
            "matrix, and only tiles whose rows and columns begin at the same place hold any.",
            _from_tiles(_match_in_every_tile),
            _from_tiles(_match_in_every_tile_by_index),
        ),
        Misconception(
            "the match only in the first tile",
            "You subtracted the matches of the first tile and no others. Every tile on the diagonal holds some.",
            _from_tiles(_match_in_the_first_tile),
        ),
        Misconception(
            "the match is never subtracted",
            "Your gradient has P and not P − Y. Without the match every text pushes the image away, and none draws it "
            "near.",
            _from_weights(lambda x, rows, columns, size: _sum_of_both(x, rows, columns)),
        ),
        Misconception(
            "the match subtracted once for both directions",
            "Each direction has its own P − Y, so that the match comes off twice in their sum. You subtracted it once, "
            "or four times.",
            _from_weights(lambda x, rows, columns, size: _sum_of_both(x, rows, columns) - np.eye(len(x))),
            _from_weights(lambda x, rows, columns, size: _sum_of_both(x, rows, columns) - 4 * np.eye(len(x))),
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
            lambda *a: _gradient(*a) * len(a[0]) / _tiles_across(a),
            lambda *a: _gradient(*a) * len(a[0]) / _tiles_across(a) ** 2,
            lambda *a: _gradient(*a) / _tiles_across(a),
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
            _from_tiles(_logs_of_the_tile),
        ),
        Misconception(
            "the logs or the texts of another tile",
            "You cut the logs, or the texts, with the wrong slice: that of the first tile, or the rows' where the "
            "columns' belongs. Rows go with `rows`, columns with `columns` and with the texts.",
            _from_tiles(_logs_of_the_first_tile),
            _from_tiles(_logs_of_another_tile),
            _texts_of_another_tile,
        ),
        Misconception(
            "logs laid along the wrong side of a tile",
            "NumPy lays a line of numbers along the columns: without [:, None] the log of image i meets text i. The "
            "log of a row stands for all texts of that row, rows[…][:, None]; that of a column needs no [:, None].",
            _laid(True, False),
            _laid(False, True),
            _laid(True, True),
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
            _from_weights(_whole_tiles_only),
            _from_weights(_last_columns_dropped),
        ),
        Misconception(
            "only the tiles on the diagonal",
            "You left out all tiles but those on the diagonal. The texts of the other tiles push the image away too.",
            _from_weights(_tile_blocks_only),
        ),
        Misconception(
            "exp overflows",
            "You divided exp(logit) by exp(log). Both are infinite where logits are large, and ∞ / ∞ is no number: "
            "subtract first, exp(logit − log).",
            _from_weights(_quotient),
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
            lambda image, text, scale, rows, columns, size:
            scale / (2 * len(image)) * _weights(shared.logits(image, text, scale), rows, columns).T @ text,
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

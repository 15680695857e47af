"""Chapter 10, bigger batches: the running log-sum-exp, the logs of rows and columns tile by tile, the gradient tile by
tile, and the gradient of a batch that is embedded in pieces."""

import numpy as np

from xmatch_edu import loops, measure
from xmatch_edu.check import calm, pictures
from xmatch_edu.check.answers import Part
from xmatch_edu.check.engine import Exercise, Misconception

TITLE = "10 Bigger batches"
NOTEBOOK = "10_bigger_batches.ipynb"

_random = np.random.default_rng(10)


def _log_sum_exp(x, axis=None):
    return np.logaddexp.reduce(np.ravel(x) if axis is None else x, axis=axis or 0)


def _all(pieces):
    return _log_sum_exp(np.concatenate(pieces))


# A wrong way to take one more piece (rows, numbers) into what is known of each row: the largest number that the sum is
# about, and the sum.


def _not_rescaled(largest, total, piece):
    largest = np.maximum(largest, piece.max(1))
    return largest, total + np.exp(piece - largest[:, None]).sum(1)


def _own_largest(largest, total, piece):
    return piece.max(1), total + np.exp(piece - piece.max(1, keepdims=True)).sum(1)


def _to_own_largest(largest, total, piece):
    """Rescaled, but to the largest number of this piece, however small it is."""
    return piece.max(1), total * np.exp(largest - piece.max(1)) + np.exp(piece - piece.max(1, keepdims=True)).sum(1)


def _rescaled_the_wrong_way(largest, total, piece):
    higher = np.maximum(largest, piece.max(1))
    factor = np.where(np.isinf(largest), 0, np.exp(higher - largest))
    return higher, total * factor + np.exp(piece - higher[:, None]).sum(1)


def _about_the_first(largest, total, piece):
    largest = np.where(np.isinf(largest), piece.max(1), largest)
    return largest, total + np.exp(piece - largest[:, None]).sum(1)


def _about_the_mean(largest, total, piece):
    higher = np.maximum(largest, piece.mean(1))
    return higher, total * np.exp(largest - higher) + np.exp(piece - higher[:, None]).sum(1)


def _running(pieces, step, start=-np.inf):
    """The log-sum-exp of each row of `pieces`, a list of (rows, numbers), in a wrong way."""
    largest, total = np.full(len(pieces[0]), start), np.zeros(len(pieces[0]))
    for piece in pieces:
        largest, total = step(largest, total, piece)
    return np.log(total) + largest


def _one_row(step):
    return lambda pieces: _running([piece[None] for piece in pieces], step)[0]


def _piece_about_its_own(pieces):
    """Each piece about its own largest number, and the largest of all put back."""
    return np.log(sum(np.exp(piece - piece.max()).sum() for piece in pieces)) + max(piece.max() for piece in pieces)


def _from_zero(pieces):
    """The running largest number begins at 0, which is never taken back."""
    largest = max(0, max(piece.max() for piece in pieces))
    return largest + np.log(sum(np.exp(piece - largest).sum() for piece in pieces))


class _OneByOne(list):
    """Pieces that are made anew whenever they are asked for, and note in `handed_out` which one was, in turn."""

    def __init__(self, pieces, handed_out):
        super().__init__(pieces)
        self.handed_out = handed_out

    def _made(self, piece):
        if not self.handed_out or self.handed_out[-1] is not piece:  # twice in a row is once
            self.handed_out.append(piece)
        return piece.copy()

    def __iter__(self):
        return map(self._made, super().__iter__())

    def __getitem__(self, place):
        found = super().__getitem__(place)
        return _OneByOne(found, self.handed_out) if isinstance(place, slice) else self._made(found)


_KEPT = Misconception(
    "the pieces are kept",
    "The number is right, but you put all pieces together, or went through them twice. They come one after the other, "
    "and each is gone when the next one comes: all that you may keep is the largest so far and the sum, or their log.",
)


def _none_kept(run):
    plain = list(np.sin(np.arange(100_000.0)).reshape(200, 500))
    pieces, last = _OneByOne(plain, handed_out=[]), plain[-1]
    held = measure.array_bytes(lambda: run((pieces,)))
    again = sum(piece is last for piece in pieces.handed_out) > 1
    return _KEPT if again or held > 100_000 * 8 / 2 else None


def _lists(*pieces):
    return ([np.array(piece, dtype=float) for piece in pieces],)


running_log_sum_exp = Exercise(
    name="running_log_sum_exp",
    takes=("pieces",),
    gives=(Part("the log-sum-exp"),),
    right=_all,
    cases={
        "one piece of one number": _lists([0.7]),
        "2 pieces of one number": _lists([1.0], [2.5]),
        "3 pieces, the largest number in the first": _lists([3.0, 1.0], [0.5], [-1.0, 2.0, 0.3]),
        "3 pieces, the largest number in the last": _lists([0.2, -1.0], [1.5, 0.3, 0.9], [2.5, 4.0]),
        "4 pieces, the largest number in the second": _lists([-2.0, -1.5, -3.0], [2.0, 0.0], [1.0, 1.2], [-0.5]),
        "7 zeros in 3 pieces": _lists([0, 0], [0], [0, 0, 0, 0]),
        "numbers around 10,000": _lists([9_990, 10_000], [9_999.5], [-10_000, 9_998, 9_999]),
        "numbers around −10,000": _lists([-10_000, -9_999], [-9_999.3], [-9_998.5, -9_998]),
        "pieces that climb from −800 to 800": _lists([-800, -799.5], [1, 0.5], [800, 799.2]),
        "pieces that fall from 800 to −800": _lists([800, 799.2], [1, 0.5], [-800, -799.5]),
        "a piece that reaches from −10,000 to 10,000": _lists([-10_000, 10_000, 4], [9_999.8]),
    },
    error=1e-8,
    demand=_none_kept,
    misconceptions=(
        Misconception(
            "the sum is not rescaled",
            "When a larger number came you subtracted it from the new piece, and left the old sum as it was. That sum "
            "was about the old largest number: multiply it by exp(old − new) before you add.",
            _one_row(_not_rescaled),
        ),
        Misconception(
            "each piece about its own largest number",
            "You subtracted from each piece its own largest number and added the sums. They are about different "
            "numbers, so they cannot be added as they are: all must be about the largest so far.",
            _one_row(_own_largest),
            _piece_about_its_own,
            lambda pieces: np.log(sum(np.exp(piece - piece.max()).sum() for piece in pieces)) + pieces[0].max(),
        ),
        Misconception(
            "the largest of the last piece, not of all so far",
            "You rescale to the largest number of each new piece, even where it is lower than before. Where it is far "
            "lower, exp(old − new) overflows: the new largest number is the maximum of the old one and the piece.",
            _one_row(_to_own_largest),
        ),
        Misconception(
            "the mean, the first or the last number in place of the largest",
            "You compare with one number of each piece that is not its largest. As long as the others lie near it that "
            "is well, but exp overflows where one lies far above it: piece.max().",
            _one_row(_about_the_mean),
        ),
        Misconception(
            "rescaled the wrong way round",
            "You multiplied the old sum by exp(new − old), which makes it larger. About a larger number the same terms "
            "are smaller: exp(old − new).",
            _one_row(_rescaled_the_wrong_way),
        ),
        Misconception(
            "always about the first largest number",
            "You subtract the largest number of the first piece from all pieces. That is well as long as nothing much "
            "larger comes, and then exp overflows: the largest number has to run along.",
            _one_row(_about_the_first),
        ),
        Misconception(
            "the largest number begins at 0",
            "Your running maximum starts at 0, or is that of the numbers without their signs, and never goes below. "
            "For numbers around −10,000 every exp is then 0, and the logarithm of that is −∞: start at −∞.",
            _from_zero,
        ),
        Misconception(
            "exp overflows",
            "You took exp of the numbers as they are. Above 709 that is infinite in float64, and far below 0 it is 0, "
            "whose logarithm is −∞: subtract the largest number first.",
            lambda pieces: np.log(sum(np.exp(piece).sum() for piece in pieces)),
        ),
        Misconception(
            "the pieces' logs are added",
            "You added the log-sum-exps of the pieces. A sum of logarithms is the logarithm of a product: it is the "
            "sums under the logarithm that add up, as np.logaddexp does it.",
            lambda pieces: sum(_log_sum_exp(piece) for piece in pieces),
            lambda pieces: sum((_log_sum_exp(piece) for piece in pieces), start=-np.inf),
        ),
        Misconception(
            "the mean in place of the sum",
            "You took a mean somewhere, of the numbers' exp or of the pieces' logs. Asked is the logarithm of the sum "
            "over all numbers, however many pieces they came in.",
            lambda pieces: _all(pieces) - np.log(sum(map(len, pieces))),
            lambda pieces: _all(pieces) - np.log(len(pieces)),
            lambda pieces: _log_sum_exp([_log_sum_exp(piece) - np.log(len(piece)) for piece in pieces]),
            lambda pieces: np.mean([_log_sum_exp(piece) for piece in pieces]),
            lambda pieces: sum(_log_sum_exp(piece) - np.log(len(piece)) for piece in pieces),
            lambda pieces: np.mean([_log_sum_exp(piece) - np.log(len(piece)) for piece in pieces]),
        ),
        Misconception(
            "one piece only",
            "Your answer is that of a single piece: the last, the first, or the one whose own is largest. What came "
            "before must stay in the sum when the next piece comes.",
            lambda pieces: _log_sum_exp(pieces[-1]),
            lambda pieces: _log_sum_exp(pieces[0]),
            lambda pieces: max(_log_sum_exp(piece) for piece in pieces),
        ),
        Misconception(
            "the largest number alone",
            "You gave the largest number. The log-sum-exp lies above it, by the logarithm of how many there are if all "
            "are alike: the other numbers count too.",
            lambda pieces: max(piece.max() for piece in pieces),
            lambda pieces: pieces[-1].max(),
        ),
        Misconception(
            "one number of each piece",
            "You took only the largest number of each piece into the sum. Every number has its exp in it.",
            lambda pieces: _log_sum_exp([piece.max() for piece in pieces]),
        ),
        Misconception(
            "the largest number is not added back",
            "You gave the logarithm of the sum about the largest number, or that sum itself. The number that you "
            "subtracted inside exp has to be added outside the logarithm.",
            lambda pieces: _all(pieces) - max(piece.max() for piece in pieces),
            lambda pieces: _log_sum_exp([_log_sum_exp(piece) - piece.max() for piece in pieces]),
            lambda pieces: np.exp(_all(pieces) - max(piece.max() for piece in pieces)),
        ),
        Misconception(
            "the logarithm is missing",
            "You gave the sum itself, or the largest number and the sum without a logarithm. Take the logarithm of the "
            "sum, and add the largest number to it.",
            lambda pieces: np.exp(_all(pieces)),
            lambda pieces: max(piece.max() for piece in pieces)
            + np.exp(_all(pieces) - max(piece.max() for piece in pieces)),
        ),
        Misconception(
            "a term too many",
            "There is one exp(0) = 1 in your sum that belongs to no number. A running log-sum-exp begins at −∞, the "
            "logarithm of an empty sum, and a sum about the largest number begins at 0.",
            lambda pieces: np.logaddexp(0, _all(pieces)),
            lambda pieces: np.logaddexp(max(piece.max() for piece in pieces), _all(pieces)),
            lambda pieces: np.logaddexp(pieces[0].max(), _all(pieces)),
            lambda pieces: np.logaddexp(pieces[0][0], _all(pieces)),
        ),
        Misconception(
            "another logarithm",
            "Your log is not the natural one. The inverse of exp is asked for, which NumPy calls log.",
            lambda pieces: _all(pieces) / np.log(2),
            lambda pieces: _all(pieces) / np.log(10),
            lambda pieces: max(piece.max() for piece in pieces)
            + (_all(pieces) - max(piece.max() for piece in pieces)) / np.log(2),
            lambda pieces: max(piece.max() for piece in pieces)
            + (_all(pieces) - max(piece.max() for piece in pieces)) / np.log(10),
        ),
    ),
)  # fmt: skip


def _logits(image, text, scale):
    return scale * (image @ text.T)


def _both_logs(logits):
    return _log_sum_exp(logits, 1), _log_sum_exp(logits, 0)


def _logs(image, text, scale, size):
    return _both_logs(_logits(image, text, scale))


def _of_logits(wrong):
    """What a wrong idea makes of the whole matrix of logits and the size of a tile."""
    return lambda image, text, scale, size: wrong(_logits(image, text, scale), size)


def _last(logits, size):
    """Where the last tile begins."""
    return (len(logits) - 1) // size * size


def _tile_walk(n, size):
    """(rows, columns) of each tile."""
    starts = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    return [(rows, columns) for rows in starts for columns in starts]


def _whole_tiles(logits, size):
    """How far the tiles reach that are not short."""
    return len(logits) // size * size


def _short_dropped(logits, size, start):
    kept = _whole_tiles(logits, size)
    logs = np.full((2, len(logits)), start)
    logs[:, :kept] = _both_logs(logits[:kept, :kept])
    return tuple(logs)


def _strips(logits, size):
    return [logits[:, start:start + size] for start in range(0, len(logits), size)]


def _running_both(step):
    return _of_logits(lambda logits, size: (
        _running(_strips(logits, size), step), _running(_strips(logits.T, size), step)))


def _each_tile(logits, size, of):
    """What is made of the logs of the tiles in each row and in each column, (lines, tiles) each."""
    def logs(logits):
        return np.stack([_log_sum_exp(strip, 1) for strip in _strips(logits, size)], axis=1)

    return of(logs(logits)), of(logs(logits.T))


def _tile_about_its_own(logits, size):
    """Each tile about its own largest number in a row, and the largest of the whole row put back."""
    def logs(logits):
        parts = [np.exp(strip - strip.max(1, keepdims=True)).sum(1) for strip in _strips(logits, size)]
        return np.log(sum(parts)) + logits.max(1)

    return logs(logits), logs(logits.T)


def _blocks_of_the_diagonal(logits, size):
    block = np.arange(len(logits)) // size
    return _both_logs(np.where(block[:, None] == block, logits, -np.inf))


def _upper_tiles(logits, size):
    block = np.arange(len(logits)) // size
    return _both_logs(np.where(block[:, None] <= block, logits, -np.inf))


def _lower_tiles(logits, size):
    block = np.arange(len(logits)) // size
    return _both_logs(np.where(block[:, None] >= block, logits, -np.inf))


def _last_tile_moved_back(logits, size):
    """The last tile begins `size` before the end, so that it is a whole one: some cells are seen twice."""
    starts = [max(0, min(start, len(logits) - size)) for start in range(0, len(logits), size)]
    seen = np.concatenate([np.arange(start, min(start + size, len(logits))) for start in starts])
    return _log_sum_exp(logits[:, seen], 1), _log_sum_exp(logits[seen], 0)


def _naive(logits):
    with np.errstate(all="ignore"):
        return np.log(np.exp(logits).sum(1)), np.log(np.exp(logits).sum(0))


def _about_one_largest(logits, axis):
    with np.errstate(all="ignore"):
        return logits.max() + np.log(np.exp(logits - logits.max()).sum(axis))


def _about_the_largest_of_each_tile(logits, size):
    rows, columns = np.full((2, len(logits)), -np.inf)
    for r, c in _tile_walk(len(logits), size):
        rows[r] = np.logaddexp(rows[r], _about_one_largest(logits[r, c], 1))
        columns[c] = np.logaddexp(columns[c], _about_one_largest(logits[r, c], 0))
    return rows, columns


def _from_zero_both(logits):
    def logs(logits):
        high = np.maximum(0, logits.max(1))
        return high + np.log(np.exp(logits - high[:, None]).sum(1))

    return logs(logits), logs(logits.T)


def _unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


_MATRIX_AT_ONCE = Misconception(
    "the whole matrix at once",
    "The numbers are right, but on the way your function held a matrix of N×N numbers. For a large batch that is what "
    "does not fit: work out one tile, take it into what you keep, and forget it before the next.",
)
_SIZE_FORGOTTEN = Misconception(
    "tiles of another size",
    "The numbers are right, but your function never looks at `size`. How large a tile may be depends on the memory, so "
    "the caller says it: cut your tiles from top to top + size, and from left to left + size.",
)


def _large():
    """(images, texts, the bytes of their matrix)"""
    rows = np.arange(128.0)
    features = np.stack([np.sin(rows), np.cos(rows)], axis=1)
    return features, features[::-1].copy(), 128 * 128 * 8


def _no_matrix_of_logits(run):
    image, text, most = _large()
    if measure.array_bytes(lambda: run((image, text, 3.0, 12))) > most:
        return _MATRIX_AT_ONCE
    return _SIZE_FORGOTTEN if calm.forgets(run.function, place=3) else None


def _features(n, width=3, length=1.0):
    return length * _random.normal(size=(n, width))


_TILES = {
    "one pair, tiles of 1": (_features(1), _features(1), 2.0, 1),
    "one pair, tiles of 4": (_features(1), _features(1), 0.5, 4),
    "2 pairs, tiles of 1": (_features(2), _features(2), 1.5, 1),
    "4 pairs, tiles of 2": (_features(4), _features(4), 2.0, 2),
    "5 pairs, tiles of 2": (_features(5, 4), _features(5, 4), 1.5, 2),
    "3 pairs, tiles of 8": (_features(3), _features(3), 3.0, 8),
    "7 pairs, tiles of 3": (_features(7), _features(7), 0.7, 3),
}
_FAR = (
    np.array([[100.0], [-100.0], [60.0], [2.0], [-0.5]]), np.array([[-90.0], [100.0], [1.0], [40.0], [-100.0]]), 1.0, 2)

logs_by_tiles = Exercise(
    name="logs_by_tiles",
    takes=("image_features", "text_features", "scale", "size"),
    gives=(Part("the logs of the rows", "one per image"), Part("the logs of the columns", "one per text")),
    right=_logs,
    cases=_TILES | {
        "5 pairs, logits up to 10,000": _FAR,
        "3 pairs, logits around −5,000": (
            np.array([[50.0, 1.0], [50.0, -2.0], [49.0, 0.5]]), np.array([[-50.0, 1.0], [-49.9, 0.0], [-51.0, 2.0]]),
            2.0, 2),
        "3 pairs in one tile, rows far apart": (
            np.array([[70.0], [-70.0], [1.0]]), np.array([[60.0], [60.5], [59.8]]), 1.0, 8),
    },
    error=1e-8,
    picture=(lambda run, arguments, parts: np.stack(parts, axis=1), ("scores", "pairs", "row, column"), "The logs"),
    demand=_no_matrix_of_logits,
    misconceptions=(
        Misconception(
            "the sums begin anew in each tile",
            "What a row (or a column) had from the tiles before was lost when the next tile came, so only the last tile"
            " is left in it. Keep one log a line from the first tile to the last, and take each tile into it.",
            _of_logits(lambda x, size: (_log_sum_exp(x, 1), _log_sum_exp(x[_last(x, size):], 0))),
            _of_logits(lambda x, size: (_log_sum_exp(x[:, _last(x, size):], 1), _log_sum_exp(x, 0))),
            _of_logits(lambda x, size: (
                _log_sum_exp(x[:, _last(x, size):], 1), _log_sum_exp(x[_last(x, size):], 0))),
        ),
        Misconception(
            "only the first tiles",
            "Your logs hold the first tile of each row or column and no more. The tiles after it have to be taken in.",
            _of_logits(lambda x, size: (_log_sum_exp(x[:, :size], 1), _log_sum_exp(x[:size], 0))),
            _of_logits(lambda x, size: (_log_sum_exp(x, 1), _log_sum_exp(x[:size], 0))),
            _of_logits(lambda x, size: (_log_sum_exp(x[:, :size], 1), _log_sum_exp(x, 0))),
        ),
        Misconception(
            "the last short tile is dropped",
            "You walked over N // size tiles, and what is left over never came. range(0, N, size) begins a last tile "
            "there, and a slice stops at the end by itself.",
            _of_logits(lambda x, size: _short_dropped(x, size, -np.inf)),
            _of_logits(lambda x, size: _short_dropped(x, size, 0.0)),
            _of_logits(lambda x, size: _both_logs(x[:_whole_tiles(x, size), :_whole_tiles(x, size)])),
        ),
        Misconception(
            "cells counted twice",
            "You moved the last tile back so that it is a whole one. The cells where it lies over the tile before are "
            "then in the sums twice: let the last tile be short.",
            _of_logits(_last_tile_moved_back),
        ),
        Misconception(
            "rows and columns changed places",
            "Your first answer belongs to the columns and your second to the rows. Rows are images: the sum of a row "
            "runs over the texts, axis 1 of a tile.",
            lambda *a: _logs(*a)[::-1],
        ),
        Misconception(
            "one direction twice",
            "Both of your answers are those of the rows, or both those of the columns. Each tile has two sums, one "
            "along each axis.",
            lambda *a: (_logs(*a)[0], _logs(*a)[0]),
            lambda *a: (_logs(*a)[1], _logs(*a)[1]),
        ),
        Misconception(
            "the scale has no effect",
            "Your logs are those of scale 1, or you multiplied when the logarithm was taken. The scale multiplies the "
            "scores, before exp.",
            lambda image, text, scale, size: _logs(image, text, 1.0, size),
            lambda image, text, scale, size: tuple(scale * logs for logs in _logs(image, text, 1.0, size)),
        ),
        Misconception(
            "the scale twice, or the wrong way",
            "You multiplied by the scale twice, as happens when both the features and the tile are scaled, or divided "
            "by it. Each score is multiplied by it once.",
            lambda image, text, scale, size: _logs(image, text, scale**2, size),
            lambda image, text, scale, size: _logs(image, text, 1 / scale, size),
        ),
        Misconception(
            "the sum is not rescaled",
            "When a tile brought a larger number you left the old sum as it was. It was about the old largest number: "
            "multiply it by exp(old − new) before you add, or use np.logaddexp.",
            _running_both(_not_rescaled),
        ),
        Misconception(
            "each tile about its own largest number",
            "You subtracted each tile's own largest number and added the sums. They are about different numbers, so "
            "they cannot be added as they are: take each tile's log-sum-exp in with np.logaddexp.",
            _running_both(_own_largest),
            _of_logits(_tile_about_its_own),
        ),
        Misconception(
            "the largest of the last tile, not of all so far",
            "You rescale to the largest number of each new tile, even where it is lower than before. Where it is far "
            "lower, exp(old − new) overflows: the new largest number is the maximum of both.",
            _running_both(_to_own_largest),
        ),
        Misconception(
            "always about the first largest number",
            "You subtract the largest number of the first tile from all tiles. When one far larger comes, exp "
            "overflows: the largest number has to run along.",
            _running_both(_about_the_first),
        ),
        Misconception(
            "one largest number for all lines",
            "You subtracted the largest logit of the whole tile, or of all, from every line. In a line that lies far "
            "below it every exp is 0, and the logarithm of that is −∞: each row and each column needs its own.",
            _of_logits(lambda x, size: tuple(_about_one_largest(x, axis) for axis in (1, 0))),
            _of_logits(_about_the_largest_of_each_tile),
        ),
        Misconception(
            "the largest number begins at 0",
            "Your running maximum starts at 0, and never goes below. Where a whole row lies far below 0 every exp is 0,"
            " and the logarithm of that is −∞: start at −∞.",
            _of_logits(lambda x, size: _from_zero_both(x)),
        ),
        Misconception(
            "exp overflows",
            "You took exp of the logits as they are. Above 709 that is infinite in float64, and far below 0 it is 0: "
            "take the log-sum-exp of a tile about its largest number, and join two with np.logaddexp.",
            _of_logits(lambda x, size: _naive(x)),
        ),
        Misconception(
            "the tiles' logs are added",
            "You added the tiles' log-sum-exps, or took their mean. It is the sums under the logarithm that add up, "
            "and np.logaddexp does that to two logarithms.",
            _of_logits(lambda x, size: _each_tile(x, size, lambda logs: logs.sum(1))),
            _of_logits(lambda x, size: _each_tile(x, size, lambda logs: logs.mean(1))),
        ),
        Misconception(
            "the largest tile alone",
            "You kept the largest of the tiles' logs, or the largest logit. The others are smaller, and belong to the "
            "sum all the same: np.logaddexp, not np.maximum.",
            _of_logits(lambda x, size: _each_tile(x, size, lambda logs: logs.max(1))),
            _of_logits(lambda x, size: (x.max(1), x.max(0))),
        ),
        Misconception(
            "a term too many",
            "Your logs began at 0, the logarithm of 1. So there is one exp(0) in each sum that belongs to no logit: "
            "the logarithm of an empty sum is −∞.",
            lambda *a: tuple(np.logaddexp(0, logs) for logs in _logs(*a)),
        ),
        Misconception(
            "the mean in place of the sum",
            "You divided by the number of logits in a line, or in a tile, before the logarithm. Below the line of a "
            "softmax stands their sum.",
            _of_logits(lambda x, size: tuple(logs - np.log(len(x)) for logs in _both_logs(x))),
            _of_logits(lambda x, size: tuple(logs - np.log(size) for logs in _both_logs(x))),
        ),
        Misconception(
            "only the tiles on the diagonal",
            "You compared the pairs of a tile with each other only. Those are small batches: every image meets every "
            "text, also those of the other tiles.",
            _of_logits(_blocks_of_the_diagonal),
        ),
        Misconception(
            "half of the tiles",
            "You walked over the tiles on one side of the diagonal. S is not symmetric: image 1 with text 2 is not "
            "image 2 with text 1, and the tiles on the other side have to be worked out too.",
            _of_logits(_upper_tiles),
            _of_logits(_lower_tiles),
        ),
        Misconception(
            "images with images",
            "You compared one side with itself. A tile holds the scores of images, its rows, with texts, its columns.",
            lambda image, text, scale, size: _logs(image, image, scale, size),
            lambda image, text, scale, size: _logs(text, text, scale, size),
        ),
        Misconception(
            "the match is gone already",
            "You subtracted the score of the match, which makes the price of each row, or left it out of the sum. "
            "Asked is the log-sum-exp alone, over all texts.",
            _of_logits(lambda x, size: tuple(logs - np.diag(x) for logs in _both_logs(x))),
            _of_logits(lambda x, size: tuple(np.diag(x) - logs for logs in _both_logs(x))),
            _of_logits(lambda x, size: _both_logs(np.where(np.eye(len(x)) > 0, -np.inf, x))),
        ),
        Misconception(
            "the features made one long",
            "You divided the features by their lengths. They come as they are here, and a score is their dot product.",
            lambda image, text, scale, size: _logs(_unit(image), _unit(text), scale, size),
        ),
        Misconception(
            "the logarithm is missing",
            "You gave the sums. Asked are their logarithms, which stay finite where the sums do not.",
            _of_logits(lambda x, size: tuple(np.exp(logs) for logs in _both_logs(x))),
        ),
        Misconception(
            "another logarithm",
            "Your log is not the natural one. The inverse of exp is asked for, which NumPy calls log.",
            _of_logits(lambda x, size: tuple(logs / np.log(2) for logs in _both_logs(x))),
            _of_logits(lambda x, size: tuple(logs / np.log(10) for logs in _both_logs(x))),
        ),
    ),
)  # fmt: skip


def _sum_of_both(logits, rows, columns):
    """P(text | image) + P(image | text), given the logs."""
    return np.exp(logits - rows[:, None]) + np.exp(logits - columns)


def _weights(logits, rows, columns):
    return _sum_of_both(logits, rows, columns) - 2 * np.eye(len(logits))


def _gradient(image, text, scale, rows, columns, size):
    logits = _logits(image, text, scale)
    return scale / (2 * len(image)) * _weights(logits, rows, columns) @ text


def _from_weights(of):
    """A wrong idea about the weights G of the gradient, (N, N): of(logits, rows, columns, size)."""
    return lambda image, text, scale, rows, columns, size: (
        scale / (2 * len(image)) * of(_logits(image, text, scale), rows, columns, size) @ text)


def _from_tiles(of):
    """The same, made tile by tile: of(tile's logits, rows, columns, rows' logs, columns' logs)."""
    def weights(logits, rows, columns, size):
        whole = np.zeros_like(logits)
        for r, c in _tile_walk(len(logits), size):
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
    return _sum_of_both(tile, *_both_logs(tile)) - match


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
        for r, c in _tile_walk(len(image), size):
            tile = _logits(image[r], text[c], scale)
            weights = np.exp(tile - (rows[r] if rows_along_columns else rows[r][:, None]))
            weights = weights + np.exp(tile - (columns[c][:, None] if columns_along_rows else columns[c]))
            gradient[r] += (weights - 2 * np.eye(*tile.shape) if r == c else weights) @ text[c]
        return scale / (2 * len(image)) * gradient

    return of


def _texts_of_another_tile(image, text, scale, rows, columns, size):
    """Each tile's weights meet the texts that stand beside its rows. Where tiles are not all alike this stops."""
    weights = _weights(_logits(image, text, scale), rows, columns)
    gradient = np.zeros_like(image)
    for r, c in _tile_walk(len(image), size):
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
    weights[:, :_last(logits, size)] = 0
    return weights


def _tile_blocks_only(logits, rows, columns, size):
    block = np.arange(len(logits)) // size
    return np.where(block[:, None] == block, _weights(logits, rows, columns), 0)


def _whole_tiles_only(logits, rows, columns, size):
    kept = _whole_tiles(logits, size)
    weights = _weights(logits, rows, columns)
    weights[kept:], weights[:, kept:] = 0, 0
    return weights


def _last_columns_dropped(logits, rows, columns, size):
    weights = _weights(logits, rows, columns)
    weights[:, _whole_tiles(logits, size):] = 0
    return weights


def _quotient(logits, rows, columns, size):
    with np.errstate(all="ignore"):
        return np.exp(logits) / np.exp(rows)[:, None] + np.exp(logits) / np.exp(columns) - 2 * np.eye(len(logits))


def _no_matrix_of_weights(run):
    image, text, most = _large()
    logs = _logs(image, text, 3.0, 12)
    if measure.array_bytes(lambda: run((image, text, 3.0, *logs, 12))) > most:
        return _MATRIX_AT_ONCE
    return _SIZE_FORGOTTEN if calm.forgets(run.function, place=5) else None


def _with_logs(image, text, scale, size):
    return image, text, scale, *_logs(image, text, scale, size), size


image_gradient_by_tiles = Exercise(
    name="image_gradient_by_tiles",
    takes=("image_features", "text_features", "scale", "rows", "columns", "size"),
    gives=(Part("the gradient", "one row per image, one column per feature"),),
    right=lambda image, text, scale, rows, columns, size: loops.matching_gradient(image @ text.T, scale=scale) @ text,
    cases={case: _with_logs(*arguments) for case, arguments in _TILES.items()} | {
        "6 pairs, tiles of 2": _with_logs(_features(6), _features(6), 1.2, 2),
        "5 pairs, logits up to 10,000": _with_logs(*_FAR),
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
            scale / (2 * len(image)) * _weights(_logits(image, text, scale), rows, columns) @ image,
        ),
        Misconception(
            "the weights turned on their side",
            "You multiplied by the weights' transpose. Row i of G belongs to image i, and its columns to the texts: "
            "G @ texts.",
            lambda image, text, scale, rows, columns, size:
            scale / (2 * len(image)) * _weights(_logits(image, text, scale), rows, columns).T @ text,
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
    ),
)  # fmt: skip


def _spread(features):
    """What a loss wants that pushes each feature away from all others, the more the nearer they are: it depends on
    the whole batch, and can be asked of a batch of any size."""
    scores = features @ features.T
    P = np.exp(scores - _log_sum_exp(scores, 1)[:, None])
    return P @ features + P.T @ features - 2 * features.mean(0)


def _to_the_middle(features):
    return features - features.mean(0) ** 3


def _backward(pieces, weights, wanted):
    inputs = np.concatenate(pieces)
    return inputs.T @ wanted(inputs @ weights)


def _parts(pieces, weights, wanted):
    """The gradient that each piece carries back."""
    gradient = wanted(np.concatenate(pieces) @ weights)
    ends = np.cumsum([len(piece) for piece in pieces])
    return [piece.T @ gradient[end - len(piece):end] for piece, end in zip(pieces, ends, strict=True)]


def _by(places):
    """A wrong idea about where in the gradient a piece's rows stand: places(number, pieces) -> the first row."""
    def of(pieces, weights, wanted):
        gradient = wanted(np.concatenate(pieces) @ weights)
        starts = [places(number, pieces) for number in range(len(pieces))]
        return sum(piece.T @ gradient[start:start + len(piece)] for piece, start in zip(pieces, starts, strict=True))

    return of


def _backwards(pieces, weights, wanted):
    """The rows are dealt out to the pieces in the opposite order."""
    gradient, start, total = wanted(np.concatenate(pieces) @ weights), 0, 0
    for piece in pieces[::-1]:
        total = total + piece.T @ gradient[start:start + len(piece)]
        start += len(piece)
    return total


def _backwards_by_piece(pieces, weights, wanted):
    """The last piece's rows go to the first piece. Where pieces are not all alike this stops."""
    gradient = wanted(np.concatenate(pieces) @ weights)
    parts = np.split(gradient, np.cumsum([len(piece) for piece in pieces])[:-1])
    return sum(piece.T @ part for piece, part in zip(pieces, parts[::-1], strict=True))


def _so_far(fill):
    """Each piece asks as soon as it is embedded: those after it are missing, or zeros."""
    def of(pieces, weights, wanted):
        features, total = np.concatenate(pieces) @ weights, 0
        end = 0
        for piece in pieces:
            start, end = end, end + len(piece)
            seen = features[:end] if fill is None else np.concatenate([features[:end], fill * features[end:]])
            total = total + piece.T @ wanted(seen)[start:end]
        return total

    return of


def _others_as_zeros(pieces, weights, wanted):
    total, end = 0, 0
    for piece in pieces:
        features = np.zeros((sum(map(len, pieces)), weights.shape[1]))
        start, end = end, end + len(piece)
        features[start:end] = piece @ weights
        total = total + piece.T @ wanted(features)[start:end]
    return total


def _piece_means(pieces, weights, wanted):
    return [part / len(piece) for part, piece in zip(_parts(pieces, weights, wanted), pieces, strict=True)]


_ALL_EMBEDDED = Misconception(
    "all pieces at once",
    "The numbers are right, but your function put the pieces together, and held the whole batch of inputs. Only "
    "features of all N pairs fit: embed piece by piece, and carry back piece by piece.",
)


def _pieces_stay_apart(run):
    inputs = np.sin(np.arange(500.0 * 256)).reshape(500, 256)
    pieces, weights = list(inputs.reshape(20, 25, 256)), np.cos(np.arange(512.0)).reshape(256, 2)
    held = measure.array_bytes(lambda: run((pieces, weights, _to_the_middle)))
    return _ALL_EMBEDDED if held > inputs.nbytes / 2 else None


def _batch(lengths, width, wide, wanted):
    """Pieces of these lengths, with `width` inputs a pair and `wide` features."""
    return [_random.normal(size=(n, width)) for n in lengths], _random.normal(size=(width, wide)) / width**0.5, wanted


gradient_by_pieces = Exercise(
    name="gradient_by_pieces",
    takes=("pieces", "weights", "wanted"),
    gives=(Part("the gradient of the weights", "one row per input, one column per feature"),),
    right=_backward,
    cases={
        "1 piece of one pair": _batch([1], 2, 1, _to_the_middle),
        "1 piece of 4 pairs": _batch([4], 3, 2, _spread),
        "2 pieces of 2 pairs": _batch([2, 2], 3, 2, _spread),
        "3 pieces of 3, 1 and 2 pairs": _batch([3, 1, 2], 4, 3, _spread),
        "3 pieces of one pair": _batch([1, 1, 1], 3, 2, _to_the_middle),
        "2 pieces of 2 and 5 pairs, as many inputs as features": _batch([2, 5], 3, 3, _spread),
        "4 pieces of 3 pairs": _batch([3, 3, 3, 3], 2, 4, _spread),
    },
    error=1e-8,
    picture=(pictures.of_part(0), ("gradient", "inputs", "features"), "The gradient of the weights"),
    demand=_pieces_stay_apart,
    misconceptions=(
        Misconception(
            "each piece asked on its own",
            "You called `wanted` with the features of one piece at a time. Then each piece is a batch of its own, with "
            "few rivals: that is gradient accumulation, and the gradient of another loss.",
            lambda pieces, weights, wanted: sum(piece.T @ wanted(piece @ weights) for piece in pieces),
            lambda pieces, weights, wanted:
            sum(piece.T @ wanted(piece @ weights) for piece in pieces) / len(pieces),
            lambda pieces, weights, wanted:
            sum(piece.T @ wanted(piece @ weights) * len(piece) for piece in pieces) / sum(map(len, pieces)),
        ),
        Misconception(
            "asked before all features are there",
            "You called `wanted` while features were still missing, or zeros. A piece's gradient depends on all the "
            "other features: embed all pieces first, ask once, then go back.",
            _so_far(None),
            _so_far(0),
            _others_as_zeros,
        ),
        Misconception(
            "one piece's gradient only",
            "Your answer is what a single piece carries back, the last or the first. The weights served all pieces, so "
            "the parts add up: +=.",
            lambda *a: _parts(*a)[-1],
            lambda *a: _parts(*a)[0],
        ),
        Misconception(
            "a mean over the pieces",
            "You divided by the number of pieces, or by that of the pairs. `wanted` gives the gradient of the whole "
            "loss, in which the mean over the batch is contained already: the parts add up.",
            lambda *a: _backward(*a) / len(a[0]),
            lambda *a: _backward(*a) / sum(map(len, a[0])),
            lambda *a: sum(_piece_means(*a)),
            lambda *a: sum(_piece_means(*a)) / len(a[0]),
        ),
        Misconception(
            "carried back by the wrong piece",
            "A piece's inputs met rows of the gradient that belong to another piece. The rows stand in the order of "
            "the pieces: each begins where the one before it ended, however long it was.",
            _by(lambda number, pieces: 0),
            _by(lambda number, pieces: number * len(pieces[number])),
            _by(lambda number, pieces: number * len(pieces[0])),
            _by(lambda number, pieces: number),
            _backwards,
            _backwards_by_piece,
        ),
        Misconception(
            "features in place of inputs",
            "You multiplied the features by what is wanted of them. A feature is input @ weights, so its slope along "
            "the weights is the input: piece.T @ gradient.",
            lambda pieces, weights, wanted: (np.concatenate(pieces) @ weights).T
            @ wanted(np.concatenate(pieces) @ weights),
        ),
        Misconception(
            "the gradient lies on its side",
            "Your gradient has a row for each feature. It must have the shape of the weights, (P, D), or no step could "
            "be taken with it: piece.T @ gradient.",
            lambda *a: _backward(*a).T,
        ),
        Misconception(
            "the gradient of something else",
            "You gave what the loss wants of the features, or of the inputs. Asked is the gradient of the weights: one "
            "step further back, with the inputs of each piece.",
            lambda pieces, weights, wanted: wanted(np.concatenate(pieces) @ weights),
            lambda pieces, weights, wanted: wanted(np.concatenate(pieces) @ weights) @ weights.T,
        ),
        Misconception(
            "nothing added up",
            "You gave one gradient for each piece. The weights are the same for all of them: add the parts up.",
            lambda *a: np.stack(_parts(*a)),
        ),
        Misconception(
            "a step, not a gradient",
            "You moved the weights, or turned the sign round. Asked is the gradient itself: where to go, and not "
            "having gone.",
            lambda *a: -_backward(*a),
            lambda *a: a[1] - _backward(*a),
            lambda *a: a[1] + _backward(*a),
        ),
        Misconception(
            "the gradient counted several times",
            "Every piece carried back the whole batch's gradient, or the sum was taken once for each piece. Each part "
            "belongs to the sum once.",
            lambda *a: len(a[0]) * _backward(*a),
            lambda *a: np.cumsum(_parts(*a), axis=0).sum(axis=0),
        ),
        Misconception(
            "wanted as a sum of the batch",
            "You added up what is wanted over the batch, or took its mean, before you went back. Each pair has its own "
            "row in it, which meets that pair's own inputs.",
            lambda pieces, weights, wanted: np.outer(
                np.concatenate(pieces).sum(0), wanted(np.concatenate(pieces) @ weights).sum(0)),
            lambda pieces, weights, wanted: np.outer(
                np.concatenate(pieces).sum(0), wanted(np.concatenate(pieces) @ weights).mean(0)),
            lambda pieces, weights, wanted: np.outer(
                np.concatenate(pieces).mean(0), wanted(np.concatenate(pieces) @ weights).mean(0)),
        ),
    ),
)  # fmt: skip

EXERCISES = (running_log_sum_exp, logs_by_tiles, image_gradient_by_tiles, gradient_by_pieces)

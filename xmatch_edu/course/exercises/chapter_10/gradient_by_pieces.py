"""The gradient of a batch that is embedded in pieces, as if all of it had been there at once."""

import numpy as np

from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course import measure
from xmatch_edu.course.exercises.chapter_10 import shared

_random = np.random.default_rng(10)


def _spread(features):
    """What a loss wants that pushes each feature away from all others, the more the nearer they are: it depends on
    the whole batch, and can be asked of a batch of any size."""
    scores = features @ features.T
    P = np.exp(scores - shared.log_sum_exp(scores, 1)[:, None])
    return P @ features + P.T @ features - 2 * features.mean(0)


def _to_the_middle(features):
    return features - features.mean(0) ** 3


def _whole(pieces, weights, wanted):
    """What is wanted of all features, asked at once."""
    return wanted(np.concatenate(pieces) @ weights)


def _backward(pieces, weights, wanted):
    return np.concatenate(pieces).T @ _whole(pieces, weights, wanted)


def _rows(pieces, weights, wanted):
    """What is wanted of each piece's features."""
    return np.split(_whole(pieces, weights, wanted), np.cumsum([len(piece) for piece in pieces])[:-1])


def _parts(pieces, weights, wanted):
    """The gradient that each piece carries back."""
    return [piece.T @ rows for piece, rows in zip(pieces, _rows(pieces, weights, wanted), strict=True)]


def _from(starts):
    """A wrong idea about where in the gradient a piece's rows begin: starts(number of the piece, all lengths)."""
    def of(pieces, weights, wanted):
        gradient = _whole(pieces, weights, wanted)
        begin = starts(np.arange(len(pieces)), np.array([len(piece) for piece in pieces]))
        return sum(piece.T @ gradient[start:start + len(piece)] for piece, start in zip(pieces, begin, strict=True))

    return of


def _each_asks(seen):
    """Each piece asks as soon as it is embedded, with seen(all features, its first row, the end of its rows)."""
    def of(pieces, weights, wanted):
        features, end, total = np.concatenate(pieces) @ weights, 0, 0
        for piece in pieces:
            start, end = end, end + len(piece)
            total = total + piece.T @ wanted(seen(features, start, end))[start:end]
        return total

    return of


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
    pieces = [_random.normal(size=(n, width)) for n in lengths]
    return pieces, _random.normal(size=(width, wide)) / width**0.5, wanted


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
            _each_asks(lambda x, start, end: x[:end]),
            _each_asks(lambda x, start, end: np.pad(x[:end], ((0, len(x) - end), (0, 0)))),
            _each_asks(lambda x, start, end: np.pad(x[start:end], ((start, len(x) - end), (0, 0)))),
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
            _from(lambda number, lengths: 0 * number),
            _from(lambda number, lengths: number * lengths),
            _from(lambda number, lengths: number * lengths[0]),
            _from(lambda number, lengths: number),
            _from(lambda number, lengths: lengths.sum() - lengths.cumsum()),  # the last piece's rows come first
            # the last piece's rows go to the first: where pieces are not all alike this stops
            lambda *a: sum(piece.T @ rows for piece, rows in zip(a[0], _rows(*a)[::-1], strict=True)),
        ),
        Misconception(
            "features in place of inputs",
            "You multiplied the features by what is wanted of them. A feature is input @ weights, so its slope along "
            "the weights is the input: piece.T @ gradient.",
            lambda *a: (np.concatenate(a[0]) @ a[1]).T @ _whole(*a),
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
            _whole,
            lambda *a: _whole(*a) @ a[1].T,
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
            lambda *a: np.outer(np.concatenate(a[0]).sum(0), _whole(*a).sum(0)),
            lambda *a: np.outer(np.concatenate(a[0]).sum(0), _whole(*a).mean(0)),
            lambda *a: np.outer(np.concatenate(a[0]).mean(0), _whole(*a).mean(0)),
        ),
        _ALL_EMBEDDED,
    ),
)  # fmt: skip

"""A log-sum-exp of a row that comes piece by piece."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course import measure
from xmatch_edu.course.exercises.chapter_10 import shared


def _all(pieces):
    return shared.log_sum_exp(np.concatenate(pieces))


def _one_row(about, *rescale):
    return lambda pieces: shared.running([piece[None] for piece in pieces], about, *rescale)[0]


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
            _one_row(shared.so_far),
        ),
        Misconception(
            "each piece about its own largest number",
            "You subtracted from each piece its own largest number and added the sums. They are about different "
            "numbers, so they cannot be added as they are: all must be about the largest so far.",
            lambda pieces: shared.each_about_its_own(pieces) + pieces[-1].max(),
            lambda pieces: shared.each_about_its_own(pieces) + max(piece.max() for piece in pieces),
            lambda pieces: shared.each_about_its_own(pieces) + pieces[0].max(),
        ),
        Misconception(
            "the largest of the last piece, not of all so far",
            "You rescale to the largest number of each new piece, even where it is lower than before. Where it is far "
            "lower, exp(old − new) overflows: the new largest number is the maximum of the old one and the piece.",
            _one_row(shared.own, np.exp),
        ),
        Misconception(
            "the mean, the first or the last number in place of the largest",
            "You compare with one number of each piece that is not its largest. As long as the others lie near it that "
            "is well, but exp overflows where one lies far above it: piece.max().",
            _one_row(lambda largest, piece: np.maximum(largest, piece.mean(1)), np.exp),
        ),
        Misconception(
            "rescaled the wrong way round",
            "You multiplied the old sum by exp(new − old), which makes it larger. About a larger number the same terms "
            "are smaller: exp(old − new).",
            _one_row(shared.so_far, lambda change: np.where(np.isinf(change), 0, np.exp(-change))),
        ),
        Misconception(
            "always about the first largest number",
            "You subtract the largest number of the first piece from all pieces. That is well as long as nothing much "
            "larger comes, and then exp overflows: the largest number has to run along.",
            _one_row(shared.first),
        ),
        Misconception(
            "the largest number begins at 0",
            "Your running maximum starts at 0, or is that of the numbers without their signs, and never goes below. "
            "For numbers around −10,000 every exp is then 0, and the logarithm of that is −∞: start at −∞.",
            _one_row(shared.so_far_from_zero, np.exp),
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
            lambda pieces: sum(shared.log_sum_exp(piece) for piece in pieces),
            lambda pieces: sum((shared.log_sum_exp(piece) for piece in pieces), start=-np.inf),
        ),
        Misconception(
            "the mean in place of the sum",
            "You took a mean somewhere, of the numbers' exp or of the pieces' logs. Asked is the logarithm of the sum "
            "over all numbers, however many pieces they came in.",
            lambda pieces: _all(pieces) - np.log(sum(map(len, pieces))),
            lambda pieces: _all(pieces) - np.log(len(pieces)),
            lambda pieces: shared.log_sum_exp([shared.log_sum_exp(piece) - np.log(len(piece)) for piece in pieces]),
            lambda pieces: np.mean([shared.log_sum_exp(piece) for piece in pieces]),
            lambda pieces: sum(shared.log_sum_exp(piece) - np.log(len(piece)) for piece in pieces),
            lambda pieces: np.mean([shared.log_sum_exp(piece) - np.log(len(piece)) for piece in pieces]),
        ),
        Misconception(
            "one piece only",
            "Your answer is that of a single piece: the last, the first, or the one whose own is largest. What came "
            "before must stay in the sum when the next piece comes.",
            lambda pieces: shared.log_sum_exp(pieces[-1]),
            lambda pieces: shared.log_sum_exp(pieces[0]),
            lambda pieces: max(shared.log_sum_exp(piece) for piece in pieces),
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
            lambda pieces: shared.log_sum_exp([piece.max() for piece in pieces]),
        ),
        Misconception(
            "the largest number is not added back",
            "You gave the logarithm of the sum about the largest number, or that sum itself. The number that you "
            "subtracted inside exp has to be added outside the logarithm.",
            lambda pieces: _all(pieces) - max(piece.max() for piece in pieces),
            lambda pieces: shared.log_sum_exp([shared.log_sum_exp(piece) - piece.max() for piece in pieces]),
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
        _KEPT,
    ),
)  # fmt: skip

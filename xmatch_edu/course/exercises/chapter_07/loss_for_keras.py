"""The loss as Keras calls it: the two sides side by side in one output, a value for each pair, in torch."""

import numpy as np
import torch

from xmatch_edu import loops
from xmatch_edu.check import calm, pictures
from xmatch_edu.check.answers import Part, as_array
from xmatch_edu.check.engine import Exercise, Misconception
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_07 import shared

_random = np.random.default_rng(7)
_MARGIN = 0.2


def _joined(n, d, width=0.7):
    """As Keras hands it over: zeros that nobody looks at, and both features side by side."""
    images = width * _random.normal(size=(n, d))
    features = np.concatenate([images, 0.5 * images + 0.5 * width * _random.normal(size=(n, d))], axis=1)
    return torch.zeros(n, 1), torch.tensor(features, dtype=torch.float32)


def _halves(y_pred):
    return np.split(as_array(y_pred), 2, axis=1)


def _right_keras(y_true, y_pred):
    images, texts = _halves(y_pred)
    return sum(loops.ranking_steps(images @ texts.T, margin=_MARGIN, direction=direction).losses
               for direction in ("image_to_text", "text_to_image"))  # fmt: skip


def _keras(add=lambda R, C: R.sum(1) + C.sum(1), *,
           halves=_halves, change=lambda x: x, price=shared.hinge, margin=_MARGIN, **options):  # fmt: skip
    """Exercise 6, with another idea of one of its parts. add: of the costs (N, N) of both directions."""

    def loss(y_true, y_pred):
        images, texts = map(change, halves(y_pred))
        return torch.tensor(shared.both_costs(add, price, **options)(images @ texts.T, margin), dtype=torch.float32)

    return loss


def _pair_losses(y_pred, no_way_back=lambda x: x, part=lambda x: x, halves=lambda y_pred: y_pred.chunk(2, dim=1)):
    """Exercise 6 in torch. no_way_back: what becomes of the answer; part: of what the non-matches are compared with."""
    images, texts = halves(y_pred)
    S = images @ texts.T
    own, others = part(S.diagonal()), ~torch.eye(len(S), dtype=torch.bool)
    rows, columns = (_MARGIN + S - own[:, None]).relu(), (_MARGIN + S - own).relu()
    return no_way_back((rows * others).sum(1) + (columns * others).sum(0))


def _one_side(y_pred, side):
    images, texts = y_pred.chunk(2, dim=1)
    return _pair_losses(torch.cat([images.detach(), texts] if side else [images, texts.detach()], dim=1))


_NO_GRADIENT = Misconception(
    "the value is right, and the gradient is not",
    "Your numbers, or a part of them, left torch's record on the way: .item(), .detach(), float(), .numpy(), no_grad "
    "or torch.tensor(…) of a tensor does that. The loss looks right on the screen, and a model cannot learn from it as "
    "it should.",
    lambda y_true, y_pred: _pair_losses(y_pred, torch.detach),
    lambda y_true, y_pred: torch.tensor(_pair_losses(y_pred).numpy()),
    lambda y_true, y_pred: _pair_losses(y_pred, torch.detach).requires_grad_(),
    lambda y_true, y_pred: torch.stack([torch.tensor(x.item()) for x in _pair_losses(y_pred)]),
    lambda y_true, y_pred: _pair_losses(y_pred, part=torch.detach), lambda y_true, y_pred: _one_side(y_pred, 0),
    lambda y_true, y_pred: _one_side(y_pred, 1),
)  # fmt: skip
_LARGER = _joined(11, 3)


def _learns(run):
    """Does a gradient come back to y_pred, as Keras needs it, and the right one?"""
    leaf = _LARGER[1].clone().requires_grad_()

    def slope(answer):
        found = torch.autograd.grad(answer.sum(), leaf, allow_unused=True)[0] if answer.requires_grad else None
        return 0 if found is None else found.numpy()

    try:
        came = run((_LARGER[0].clone(), leaf.clone()), slope)  # no leaf: torch would forbid to change a leaf in place
    except calm.Trouble as trouble:
        if "requires grad" in str(trouble):  # of .numpy() and NumPy's functions
            return _NO_GRADIENT
        raise
    other = _LARGER[1].clone().requires_grad_()
    right = torch.autograd.grad(_pair_losses(other).sum(), other)[0].numpy()
    return None if np.abs(came - right).max() <= 1e-3 * np.abs(right).max() else _NO_GRADIENT


loss_for_keras = Exercise(
    name="loss_for_keras",
    takes=("y_true", "y_pred"),
    gives=(Part("the loss of each pair", "one number per pair", "float32"),),
    right=_right_keras,
    cases={
        "one pair": _joined(1, 2),
        "2 pairs, 2 features a side": _joined(2, 2),
        "3 pairs, one feature a side": _joined(3, 1),
        "5 pairs, 4 features a side": _joined(5, 4),
        "4 pairs, 3 features a side, large ones": _joined(4, 3, width=2.0),
    },
    error=1e-4,
    picture=(pictures.of_line, ("scores", "loss", "pairs"), "What each pair pays"),
    demand=_learns,
    misconceptions=(
        Misconception(
            "the sum, one number",
            "You added the pairs up yourself. Keras takes the mean of the numbers it gets, and leaves a single number "
            "as it is: the loss comes out N times as large, and grows with the batch.",
            _keras(shared.sum_of_all),
        ),
        Misconception(
            "the mean, one number",
            "You took the mean yourself. The loss on the screen is the same, but Keras wants a number for each pair: "
            "it cannot weigh pairs (sample_weight) that are one number already.",
            _keras(lambda R, C: shared.sum_of_all(R, C) / len(R)),
        ),
        Misconception(
            "the same number for every pair",
            "You worked out one number for the whole batch, and repeated it N times. The shape is right, and Keras "
            "still cannot weigh the pairs: give what each of them pays itself, its own row and column.",
            _keras(lambda R, C: np.full(len(R), shared.sum_of_all(R, C))),
            _keras(lambda R, C: np.full(len(R), shared.sum_of_all(R, C) / len(R))),
        ),
        Misconception(
            "the whole matrix",
            "You gave a number for each cell. Keras would average over N · N of them, and the loss comes out N times "
            "too small: add up what each pair pays in its row and in its column.",
            *[_keras(add, diagonal=diagonal) for diagonal in (False, True) for add in (
                lambda R, C: R + C.T, lambda R, C: R + C, lambda R, C: R, lambda R, C: C, lambda R, C: C.T)],
        ),
        Misconception(
            "rows and columns one after the other",
            "You gave the rows' sums and the columns' sums side by side, 2N numbers. Keras would average over 2N: row "
            "i and column i belong to one pair, and are added.",
            _keras(lambda R, C: np.concatenate([R.sum(1), C.sum(1)])),
            _keras(lambda R, C: np.stack([R.sum(1), C.sum(1)])), _keras(lambda R, C: np.stack([R.sum(1), C.sum(1)], 1)),
        ),
        Misconception(
            "divided by N",
            "You divided what each pair pays, or took a mean along its row and its column. Over the pairs Keras takes "
            "the mean, and the non-matches of one pair are added.",
            *[_keras(lambda R, C, share=share: share * (R.mean(1) + C.mean(1))) for share in (1, 0.5)],
            *[_keras(lambda R, C, least=least: (R.sum(1) + C.sum(1)) / np.maximum(least, len(R) - 1))
              for least in (0, 1)],
        ),
        Misconception(
            "averaged, not added",
            "You took half of what the row and the column of a pair pay together. Here both are added.",
            _keras(lambda R, C: (R.sum(1) + C.sum(1)) / 2),
        ),
        Misconception(
            "split through the batch",
            "You cut y_pred between rows, so half of the pairs became images and the other half texts. A row is one "
            "pair: cut between columns, dim=1.",
            *[lambda y_true, y_pred, cut=cut: _pair_losses(y_pred, halves=cut) for cut in (
                lambda y_pred: y_pred.chunk(2), lambda y_pred: y_pred.split(len(y_pred) // 2),
                lambda y_pred: np.split(y_pred, 2), lambda y_pred: y_pred, lambda y_pred: (y_pred[0], y_pred[1]))],
        ),
        Misconception(
            "y_true taken for the texts",
            "Your scores are products with y_true, which holds zeros here, and so all of them are 0. Both features are "
            "in y_pred, side by side.",
            lambda y_true, y_pred: _pair_losses(0 * y_pred),
        ),
        Misconception(
            "one half twice",
            "Both of your factors are the same half of y_pred: images with images, or texts with texts. The scores are "
            "those of images with texts, the first half with the second.",
            *[_keras(halves=lambda y_pred, half=half: (_halves(y_pred)[half],) * 2) for half in (0, 1)],
        ),
        Misconception(
            "the diagonal emptied before the costs",
            "You set the diagonal of the scores to 0, and worked the costs out after that. A score of 0 is a score, "
            "and costs something beside the match; if the matches were taken later, they are 0 too. It is the costs' "
            "diagonal that must be 0.",
            *[_keras(**shared.emptied(own)) for own in (shared.own, lambda S: 0)],
        ),
        Misconception(
            "every other column",
            "You took columns 0, 2, 4 and so on as the image, and the rest as the text. The two features lie one after "
            "the other, D columns of the image and then D of the text.",
            _keras(halves=lambda y_pred: (as_array(y_pred)[:, ::2], as_array(y_pred)[:, 1::2])),
        ),
        Misconception(*ideas.ROWS_ONLY, _keras(lambda R, C: R.sum(1)), _keras(lambda R, C: C.sum(1))),
        Misconception(
            "one direction twice",
            "Your second sum is over the same costs again. In column k the match is S[k, k], and every cell there "
            "costs something else than in its row.",
            _keras(lambda R, C: R.sum(1) + R.sum(0)), _keras(lambda R, C: C.sum(1) + C.sum(0)),
            _keras(lambda R, C: 2 * R.sum(1)), _keras(lambda R, C: 2 * C.sum(1)),
        ),
        Misconception(
            "the columns' costs on other pairs",
            "The total is right, and the shares are not: what column k costs was added up along the rows. Pair k pays "
            "for column k, so that sum runs down, dim=0.",
            _keras(lambda R, C: R.sum(1) + C.sum(0)), _keras(lambda R, C: R.sum(0) + C.sum(1)),
        ),
        Misconception(*ideas.DIAGONAL_COUNTED, _keras(diagonal=True),
                      _keras(lambda R, C: R.sum(1) + C.sum(1) + _MARGIN)),
        Misconception(
            "cosines, no dot products",
            "You divided by the lengths. Here the scores are plain dot products: whether the vectors have length 1 is "
            "for the model's last layer to say.",
            _keras(change=shared.unit),
        ),
        Misconception(
            "another margin",
            "Your margin is not 0.2. The formula is right.",
            *[_keras(margin=margin) for margin in (0.05, 0.1, 0.3, 0.5, 1.0, 2.0)],
        ),
        *shared.prices(lambda price: _keras(price=price), lambda price: _keras(price=price, diagonal=True),
                 without=(ideas.MARGIN_ALWAYS,)),
        Misconception(*ideas.HARDEST_ONLY, _keras(lambda R, C: R.max(1) + C.max(1))),
        _NO_GRADIENT,
    ),
)  # fmt: skip

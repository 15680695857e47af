"""The sigmoid loss: each pair a question of its own."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part

_random = np.random.default_rng(9)


def _price(z):
    """−log σ(z)."""
    return np.logaddexp(0, -z)


def _signed(S, Y, scale, bias):
    return np.where(Y > 0, 1, -1) * (scale * S + bias)


def _sigmoid(S, Y, scale, bias):
    return _price(_signed(S, Y, scale, bias)).sum() / len(S)


# What people add to a probability, or clip it at, and where they clip a logit. The largest price is −log of it.
_CEILINGS = (*(-np.log(10.0**-digits) for digits in (6, 7, 8, 9, 10, 12, 15, 16)), 10, 20, 30, 50, 100, 500)
_TWINS = np.array([[1, 0, 1, 0, 0], [0, 1, 0, 0, 0], [1, 0, 1, 0, 0], [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]], dtype=float)
sigmoid_cross_entropy = Exercise(
    name="sigmoid_cross_entropy",
    takes=("S", "Y", "scale", "bias"),
    gives=(Part("the loss"),),
    right=lambda S, Y, scale, bias: loops.sigmoid_loss(S, Y, scale=scale, bias=bias),
    cases={
        "one pair": (np.array([[0.4]]), np.ones((1, 1)), 2.0, -1.0),
        "2 pairs": (np.array([[0.9, 0.1], [0.3, 0.6]]), np.eye(2), 3.0, -1.5),
        "5 pairs, some twins": (_random.normal(size=(5, 5)) + 1.5 * _TWINS, _TWINS, 1.5, -2.0),
        "3 images, 4 texts": (_random.normal(size=(3, 4)), np.eye(3, 4), 2.0, 0.5),
        "4 pairs, logits of hundreds": (4 * _random.normal(size=(4, 4)), np.eye(4), 200.0, -10.0),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        Misconception(
            "a mean over N×N cells",
            "You took the mean over all cells. SigLIP adds all cells up and divides by N: with the batch grows the "
            "number of negatives, and their weight.",
            lambda S, Y, scale, bias: _price(_signed(S, Y, scale, bias)).mean(),
        ),
        Misconception(
            "the sum of all",
            "You added all cells up and did not divide. Divide by the number of images.",
            lambda S, Y, scale, bias: _price(_signed(S, Y, scale, bias)).sum(),
        ),
        Misconception(
            "yes and no exchanged",
            "Your matches pay for a high score, and your non-matches for a low one. −log σ(z) is small where z is "
            "large: that is for the matches, and −z for the others.",
            lambda S, Y, scale, bias: _sigmoid(S, 1 - Y, scale, bias),
        ),
        Misconception(
            "the negatives pay nothing",
            "You counted the matches only. Then a model that says yes to everything is perfect: each non-match pays "
            "−log σ(−z).",
            lambda S, Y, scale, bias: (Y * _price(scale * S + bias)).sum() / len(S),
        ),
        Misconception(
            "the negatives as if they were matches",
            "Every cell pays for not being a match in yours. A non-match pays −log σ(−z), with its sign turned round.",
            lambda S, Y, scale, bias: _price(scale * S + bias).sum() / len(S),
        ),
        Misconception(
            "0 in place of −1",
            "You multiplied the logits by Y, which is 0 for a non-match. The sign must be −1 there: 2 · Y − 1.",
            lambda S, Y, scale, bias: _price(Y * (scale * S + bias)).sum() / len(S),
        ),
        Misconception(
            "the bias is missing",
            "You left the bias out, or gave it the other sign. It is added to scale · S: so the model can say no to "
            "nearly all pairs from the start.",
            *[lambda S, Y, scale, bias, sign=sign: _sigmoid(S, Y, scale, sign * bias) for sign in (0, -1)],
        ),
        Misconception(
            "the bias before the scale",
            "You added the bias to the scores and multiplied both. The scale is for S alone.",
            lambda S, Y, scale, bias: _sigmoid(S + bias, Y, scale, 0),
        ),
        Misconception(
            "a softmax along the rows",
            "Your cells compete within a row. That is the matching loss; here each cell is a question of its own.",
            lambda S, Y, scale, bias: (np.logaddexp.reduce(scale * S, 1) - (scale * S * Y).sum(1) / Y.sum(1)).mean(),
        ),
        Misconception(
            "the logarithm of 0",
            "For large logits your sigmoid is exactly 0, and its logarithm is infinite. Write −log σ(z) as "
            "log(1 + exp(−z)) with np.logaddexp(0, −z), which never overflows.",
            *[lambda S, Y, scale, bias, price=price: float(price(np.float32(_signed(S, Y, scale, bias))).sum() / len(S))
              for price in (lambda z: -np.log(1 / (1 + np.exp(-z))), lambda z: np.log1p(np.exp(-z)))],
        ),
        Misconception(
            "a price with a ceiling",
            "You kept the logarithm away from 0 with a small number or a clip. Then no cell can pay more than some "
            "fixed price, and beyond it nudging a score changes nothing. np.logaddexp(0, −z) needs no such help.",
            *(lambda S, Y, scale, bias, most=most: float(
                np.minimum(most, _price(_signed(S, Y, scale, bias))).sum() / len(S)) for most in _CEILINGS),
        ),
        Misconception(
            "the sign without the bias",
            "You turned the sign of scale · S, and not that of the bias. It is the whole logit z that is turned round "
            "for a non-match: put it in brackets.",
            lambda S, Y, scale, bias: _price(np.where(Y > 0, 1, -1) * scale * S + bias).sum() / len(S),
        ),
        Misconception(
            "divided by the matches",
            "You divided by the number of matches. SigLIP divides by the number of images, also where an image has "
            "several.",
            lambda S, Y, scale, bias: _price(_signed(S, Y, scale, bias)).sum() / Y.sum(),
        ),
        Misconception(
            "divided by the texts",
            "You divided by the number of columns. Rows are images, and their number is N.",
            lambda S, Y, scale, bias: _price(_signed(S, Y, scale, bias)).sum() / S.shape[1],
        ),
    ),
)  # fmt: skip

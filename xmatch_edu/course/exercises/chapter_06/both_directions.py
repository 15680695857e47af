"""The loss in both directions, with the mask."""

import math

import torch

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_06 import shared


def _from_logits(price=shared.prices, logits=shared.logits):
    """The exercise, with another idea of what to do with the logits; the columns get them turned over."""
    return lambda S, M, gamma3: (price(logits(S, M, gamma3)), price(logits(S, M, gamma3).T))


def _two_masks(rows, columns):
    """The exercise, with another mask for the rows of S, and another for the rows of S.T."""
    return lambda S, M, gamma3: (
        shared.prices(shared.logits(S, rows(M), gamma3)), shared.prices(shared.logits(S.T, columns(M), gamma3)))


def _pieces(price):
    """The exercise from P and the match matrix of one direction: (N, N) -> one number."""
    return _from_logits(lambda logits: price(logits.softmax(1), torch.eye(len(logits))))


_both = _from_logits()
_OTHER_SIZES = (2, 4, 8, 16, 32, 48, 64)  # a batch size that stood somewhere else


def _of_nudges(run, arguments, parts):
    """How both losses together answer when a score is nudged."""

    def total(moved):
        return (sum(float(loss) for loss in run((torch.from_numpy(moved[0]), *moved[1:]))),)

    return pictures.of_nudges(total, (arguments[0].double().numpy(), *arguments[1:]), parts)


both_directions = Exercise(
    name="both_directions",
    takes=("scores", "mask", "gamma3"),
    gives=(Part("the loss image → text"), Part("the loss text → image")),
    right=lambda S, M, gamma3: tuple(
        loops.matching_loss(S.double().numpy(), scale=gamma3, mask=M.numpy(), direction=direction)
        for direction in ("image_to_text", "text_to_image")),
    cases=shared.BATCHES,
    error=1e-4,
    picture=(_of_nudges, "gradient", "How the two losses together answer when a score is nudged"),
    misconceptions=(
        Misconception(
            "the columns first",
            "Both losses are there, in the other order. The first one is image → text: a softmax along the rows, in "
            "which the texts of one image compete.",
            lambda S, M, gamma3: _both(S, M, gamma3)[::-1],
        ),
        Misconception(
            "the rows twice",
            "Your two losses are one and the same. For text → image the softmax runs down the columns: the same line, "
            "with the scores and the mask turned over.",
            lambda S, M, gamma3: (_both(S, M, gamma3)[0],) * 2, lambda S, M, gamma3: (_both(S, M, gamma3)[1],) * 2,
        ),
        Misconception(
            "the mask in one direction only",
            "One of your two losses has the mask, the other has not. Image i and text j are of one class whichever of "
            "the two is asked.",
            _two_masks(lambda M: M, torch.zeros_like), _two_masks(torch.zeros_like, lambda M: M.T),
        ),
        Misconception(
            "the mask turned over once too often or too rarely",
            "In one direction the mask and the scores do not lie alike. Rows of both are images, columns are texts: "
            "scores with mask, scores.T with mask.T. A mask from classes is the same on its side, but not every mask "
            "is.",
            _two_masks(lambda M: M, lambda M: M), _two_masks(lambda M: M.T, lambda M: M.T),
            _two_masks(lambda M: M.T, lambda M: M),
        ),
        Misconception(*ideas.MASK_IGNORED, _two_masks(torch.zeros_like, torch.zeros_like)),
        Misconception(*ideas.MASK_ZERO, _from_logits(logits=lambda S, M, gamma3: shared.logits(S, M, gamma3, 0))),
        Misconception(*ideas.NO_FINITE_LOSS,
                      _two_masks(lambda M: M | shared.own(M), lambda M: M.T | shared.own(M)),
                      _two_masks(lambda M: ~M, lambda M: ~M.T),
                      _from_logits(logits=lambda S, M, gamma3: gamma3 * S + M * -math.inf)),
        Misconception(*ideas.ZERO_TIMES_LOG, _pieces(lambda P, Y: -(Y * P.log()).sum(1).mean())),
        Misconception(
            "all cells, not only the matches",
            "You added up −log P of every cell. Only the right text of each row counts; the others are in its P "
            "already, below the line, and those that are left out have an infinite −log P.",
            _pieces(lambda P, Y: -P.log().mean()), _pieces(lambda P, Y: -P.log().sum(1).mean()),
        ),
        Misconception(*ideas.SUM_FOR_MEAN, _from_logits(lambda logits: shared.prices(logits, reduction="sum"))),
        Misconception(
            "the batch size of another batch",
            "Your labels, or your division, belong to a batch of a fixed size. The last batch of an epoch is smaller, "
            "and this one may be of any size: take N from the scores, as torch.arange(len(scores)).",
            *[_from_logits(lambda logits, n=n: shared.prices(logits, torch.arange(n))) for n in _OTHER_SIZES],
            *[_from_logits(lambda logits, n=n: shared.prices(logits, reduction="sum") / n) for n in _OTHER_SIZES],
            *[_pieces(lambda P, Y, n=n: sum(-P[i, i].log() for i in range(n)) / n) for n in _OTHER_SIZES],
        ),
        Misconception(*ideas.MEAN_OVER_N2, _from_logits(lambda logits: shared.prices(logits) / len(logits)),
                      _pieces(lambda P, Y: -(Y * P.log()).mean())),
        Misconception(*ideas.MISSING_MINUS, _from_logits(lambda logits: -shared.prices(logits))),
        Misconception(*ideas.P_FOR_LOG, _pieces(lambda P, Y: P.diagonal().mean()),
                      _pieces(lambda P, Y: -P.diagonal().mean()), _pieces(lambda P, Y: 1 - P.diagonal().mean())),
        Misconception(
            "the logarithm of the mean",
            "You averaged the probabilities and took the logarithm at the end. Each pair has its own price, −log P, "
            "and the prices are averaged.",
            _pieces(lambda P, Y: -P.diagonal().mean().log()),
        ),
        Misconception(
            "probabilities where logits belong",
            "Your scores went through a softmax, and then through another one: cross_entropy and log_softmax have one "
            "inside. Give them the logits, γ3 · S with −inf in it, or take log of the P that you have.",
            _from_logits(lambda logits: shared.prices(logits.softmax(1))),
            _from_logits(logits=lambda S, M, gamma3: shared.logits(S, M, gamma3).softmax(1)),
        ),
        Misconception(*ideas.GAMMA3_FORGOTTEN, _from_logits(logits=lambda S, M, gamma3: shared.logits(S, M, 1))),
        Misconception(*ideas.GAMMA3_DIVIDES, _from_logits(logits=lambda S, M, gamma3: shared.logits(S, M, 1 / gamma3))),
        Misconception(*ideas.GAMMA3_AFTER, lambda S, M, gamma3: [gamma3 * loss for loss in _both(S, M, 1)]),
        Misconception(
            "one number, given twice or cut in half",
            "You mixed the two directions: their average or their sum came twice, or each came as its half. Here they "
            "stay apart, each a mean of its own; what is done with them comes next.",
            lambda S, M, gamma3: (sum(_both(S, M, gamma3)) / 2,) * 2,
            lambda S, M, gamma3: (sum(_both(S, M, gamma3)),) * 2,
            lambda S, M, gamma3: [loss / 2 for loss in _both(S, M, gamma3)],
        ),
        Misconception(*ideas.LABELS_ZERO,
                      _from_logits(lambda logits: shared.prices(logits, torch.zeros(len(logits)).long()))),
        Misconception(*ideas.OTHER_LOGARITHM, _from_logits(lambda logits: shared.prices(logits) / math.log(2)),
                      _from_logits(lambda logits: shared.prices(logits) / math.log(10))),
    ),
)  # fmt: skip

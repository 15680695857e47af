"""The softmax without what the mask leaves out."""

import math

import torch
import torch.nn.functional as F

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_06 import shared


def _shares(mask=lambda mask: mask, gamma=lambda gamma3: gamma3, fill=lambda gamma3: -math.inf, dim=1):
    """The exercise, with another idea of the mask, of γ3, of what is put where the mask is True, or of the axis."""
    return lambda S, M, gamma3: shared.logits(S, mask(M), gamma(gamma3), fill(gamma3)).softmax(dim)


masked_probabilities = Exercise(
    name="masked_probabilities",
    takes=("scores", "mask", "gamma3"),
    gives=(Part("P(text | image)", "one row per image, one column per text"),),
    right=lambda S, M, gamma3: loops.matching_steps(
        S.double().numpy(), scale=gamma3, mask=M.numpy()).probabilities,
    cases=shared.BATCHES,
    error=1e-4,
    picture=(pictures.of_part(0), "probabilities", "P(text | image)"),
    misconceptions=(
        Misconception(*ideas.MASK_ZERO, _shares(fill=lambda gamma3: 0)),
        Misconception(
            "some number in place of −inf",
            "The pairs that are left out have a low score, and still a part of the 1. No number is sure to be low "
            "enough, since exp of it is above 0: exp(−inf) is 0.",
            *[_shares(fill=lambda gamma3, low=low: -low) for low in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)],
            *[_shares(fill=lambda gamma3, low=low: -low * gamma3) for low in (1, 2, 5, 10)],
        ),
        Misconception(
            "set to 0 after the softmax",
            "The pairs that are left out took their part of the 1 first, and then you threw it away: a row sums to "
            "less than 1. Leave them out before the softmax (or divide each row by its sum again).",
            lambda S, M, gamma3: (gamma3 * S).softmax(1).masked_fill(M, 0),
        ),
        Misconception(
            "left out below the line only",
            "The sum below the line is right, but above it the pairs that are left out are still there. A row sums to "
            "more than 1: they need P = 0.",
            lambda S, M, gamma3: (gamma3 * S - shared.logits(S, M, gamma3).logsumexp(1, keepdim=True)).exp(),
        ),
        Misconception(
            "the mask turned round",
            "You left out what should stay, and kept what the mask marks. True means left out: masked_fill(mask, …) "
            "changes the places where the mask is True.",
            _shares(mask=lambda M: ~M), lambda S, M, gamma3: (gamma3 * S).softmax(1) * M,
            lambda S, M, gamma3: (gamma3 * S * M).softmax(1), lambda S, M, gamma3: F.normalize(
                (gamma3 * S).softmax(1) * M, p=1, dim=1),
        ),
        Misconception(
            "the mask turned over",
            "You used mask.T, so where (0, 2) should be left out it was (2, 0). Row i of the mask is image i, as in "
            "the scores: both are used as they are.",
            _shares(mask=lambda M: M.T),
        ),
        Misconception(*ideas.MASK_IGNORED, _shares(mask=torch.zeros_like)),
        Misconception(*ideas.MASK_HITS_PAIRS, _shares(mask=lambda M: M | shared.own(M))),
        Misconception(
            "0 · (−inf) is no number",
            "You multiplied the mask by −inf. Where the mask is False that is 0 · (−inf), which is NaN and spreads "
            "over the row: let masked_fill or where choose the places instead.",
            lambda S, M, gamma3: (gamma3 * S + M * -math.inf).softmax(1),
        ),
        Misconception(
            "the wrong sign of infinity",
            "You put +inf where −inf belongs, or subtracted −inf. exp(+inf) is infinite, and a row with it comes out "
            "as NaN; exp(−inf) is 0.",
            _shares(fill=lambda gamma3: math.inf),
        ),
        Misconception(
            "the softmax runs along the wrong axis",
            "Your columns sum to 1, not your rows. P(text | image) shares a 1 among the texts of one image, and they "
            "stand in its row: dim=1.",
            _shares(dim=0), lambda S, M, gamma3: shared.logits(S, M, gamma3).T.softmax(1),
        ),
        Misconception(*ideas.WHOLE_MATRIX,
                      lambda S, M, gamma3: shared.logits(S, M, gamma3).flatten().softmax(0).view_as(S)),
        Misconception(*ideas.GAMMA3_FORGOTTEN, _shares(gamma=lambda gamma3: 1)),
        Misconception(*ideas.GAMMA3_DIVIDES, _shares(gamma=lambda gamma3: 1 / gamma3)),
        Misconception(*ideas.GAMMA3_AFTER, lambda S, M, gamma3: gamma3 * shared.logits(S, M, 1).softmax(1)),
        Misconception(*ideas.SOFTMAX_TWICE, lambda S, M, gamma3: shared.logits(S, M, gamma3).softmax(1).softmax(1),
                      lambda S, M, gamma3: shared.logits((gamma3 * S).softmax(1), M, 1).softmax(1),
                      lambda S, M, gamma3: shared.logits(shared.logits(S, M, gamma3).softmax(1), M, 1).softmax(1)),
        Misconception(
            "the logarithm of P",
            "Yours are log P: none is above 0, and what is left out is −inf. Here P itself is asked for, softmax and "
            "not log_softmax.",
            lambda S, M, gamma3: shared.logits(S, M, gamma3).log_softmax(1),
        ),
    ),
)  # fmt: skip

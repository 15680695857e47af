"""The hinge loss in both directions."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_07 import shared

_random = np.random.default_rng(7)


two_way_hinge = Exercise(
    name="two_way_hinge",
    takes=("S", "margin"),
    gives=(Part("the loss"),),
    right=lambda S, margin: loops.ranking_loss(S, margin=margin),
    cases={
        "one pair": (shared.scores(_random, 1), 0.5),
        "2 pairs": (shared.TWO, 0.2),
        "3 pairs, all scores negative": (shared.scores(_random, 3, middle=-5.0), 0.5),
        "5 pairs, margin 1": (shared.scores(_random, 5), 1.0),
        "7 pairs, the matches far ahead": (shared.scores(_random, 7, ahead=1.5), 0.3),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        *shared.prices(lambda price: shared.both_costs(price=price),
                       lambda price: shared.both_costs(price=price, diagonal=True)),
        Misconception(
            "max(0, …) after the sum",
            "You added first, and took max(0, …) of the sum. There a non-match far behind makes up for one that is "
            "ahead: each one has its own max(0, …).",
            *[shared.both_costs(add, lambda x, margin: margin + x, diagonal=diagonal)
              for diagonal in (False, True) for add in (
                lambda R, C: np.maximum(0, R.sum(1)).sum() + np.maximum(0, C.sum(1)).sum(),
                lambda R, C: np.maximum(0, R.sum()) + np.maximum(0, C.sum()),
                lambda R, C: np.maximum(0, R.sum() + C.sum()), lambda R, C: np.maximum(0, R + C.T).sum(),
                lambda R, C: np.maximum(0, R.sum(1) + C.sum(1)).sum())],
        ),
        Misconception(
            "one direction twice",
            "Your second sum runs over the same violations again, or both are of the columns. Adding them up the other "
            "way makes no other direction: in column k the match is S[k, k], and each cell there costs something else.",
            *[shared.both_costs(add, diagonal=diagonal) for diagonal in (False, True)
              for add in (lambda R, C: 2 * R.sum(), lambda R, C: 2 * C.sum())],
        ),
        Misconception(*ideas.ROWS_ONLY,
                      shared.both_costs(lambda R, C: R.sum()), shared.both_costs(lambda R, C: C.sum())),
        Misconception(
            "averaged, not added",
            "Both directions are there, and you took half of their sum. Here they are added.",
            shared.both_costs(lambda R, C: (R.sum() + C.sum()) / 2),
        ),
        Misconception(
            "the larger of the two, not the sum",
            "Where a cell, a pair or the whole batch costs something in both directions, you kept the larger amount. "
            "The image's question and the text's are two questions: both are paid.",
            *[shared.both_costs(add, diagonal=diagonal) for diagonal in (False, True) for add in (
                lambda R, C: np.maximum(R, C.T).sum(), lambda R, C: np.maximum(R, C).sum(),
                lambda R, C: np.maximum(R.sum(1), C.sum(1)).sum(), lambda R, C: max(R.sum(), C.sum()))],
        ),
        Misconception(
            "two numbers, not one",
            "Both directions are right, and you gave them one by one. One loss is asked for: add them.",
            shared.both_costs(lambda R, C: (R.sum(), C.sum())),
        ),
        Misconception(
            "the pairs one by one",
            "You gave one number for each pair. The loss is one number: add them all.",
            shared.both_costs(lambda R, C: R.sum(1) + C.sum(1)), shared.both_costs(lambda R, C: R.sum(1) + C.sum(0)),
            shared.both_costs(lambda R, C: R + C.T),
        ),
        Misconception(*ideas.MEAN_FOR_SUM, *shared.divided(lambda R, C: len(R), lambda R, C: 2 * len(R))),
        Misconception(
            "a mean over N×N cells",
            "You took the mean over all cells. Here the sum is asked for; and the zeros of the diagonal would count in "
            "that mean, though nothing can be paid there.",
            *shared.divided(lambda R, C: R.size, lambda R, C: 2 * R.size),
        ),
        Misconception(
            "a mean over the non-matches",
            "You divided by the number of non-matches, N · (N − 1), or twice that. Here the sum is asked for; and with "
            "one pair there is nothing to divide by.",
            *shared.divided(*[lambda R, C, least=least, twice=twice: twice * np.maximum(least, R.size - len(R))
                        for least in (0, 1) for twice in (1, 2)]),
        ),
        Misconception(
            "a mean over the violations",
            "You divided by the number of non-matches that cost something. Here the sum is asked for: in that mean a "
            "violation weighs more when there are few.",
            *shared.divided(*[lambda R, C, least=least: np.maximum(least, (R > 0).sum() + (C > 0).sum())
                        for least in (0, 1)]),
            *[shared.both_costs(lambda R, C, least=least: R.sum() / np.maximum(least, (R > 0).sum())
                          + C.sum() / np.maximum(least, (C > 0).sum())) for least in (0, 1)],
        ),
        Misconception(*ideas.DIAGONAL_COUNTED, shared.both_costs(diagonal=True),
                      lambda S, margin: shared.both_costs()(S, margin) + margin * len(S)),
        Misconception(*ideas.HARDEST_ONLY, shared.both_costs(lambda R, C: R.max(1).sum() + C.max(1).sum())),
    ),
)  # fmt: skip

"""The hinge loss of the hardest non-match alone."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_07 import shared

_random = np.random.default_rng(7)


def _hardest_of_rows(price=shared.hinge, pick=np.max, rivals=np.delete, alone=0.0):
    """(S, margin) -> what the row's hardest non-match costs (N,), or what pick takes of the rivals' costs.

    rivals: from a row's costs and the place of its match. alone: what one pair gives, or the error it makes.
    """

    def rows(S, margin):
        if len(S) == 1:
            if isinstance(alone, type):
                raise alone("nothing to choose from")
            return np.array([alone])
        return np.array([pick(rivals(row, i)) for i, row in enumerate(price(S - shared.own(S), margin))])

    return rows


def _hardest(add=shared.sum_of_all, **options):
    """Exercise 3, with another idea of one of its parts. add: of what rows and columns pay, (N,) each."""
    return shared.two(_hardest_of_rows(**options), add)


def _found(find, price=shared.hinge):
    """Exercise 3 from a search among the scores. find: from S, what each row holds against its match (N,)."""
    return shared.two(lambda S, margin: price(find(S) - np.diag(S), margin))


def _of_largest_size(S):
    """(N,): of each row, without the match, the score that is furthest from 0, with its sign."""
    others = np.where(shared.eye(S), 0, S)
    return others[np.arange(len(S)), np.abs(others).argmax(1)]


hardest_hinge = Exercise(
    name="hardest_hinge",
    takes=("S", "margin"),
    gives=(Part("the loss"),),
    right=lambda S, margin: loops.ranking_loss(S, margin=margin, negatives="hardest"),
    cases={
        "one pair": (shared.scores(_random, 1, middle=-2.0), 0.5),
        "2 pairs": (shared.TWO, 0.2),
        "3 pairs, all scores about −30": (shared.scores(_random, 3, middle=-30.0), 0.5),
        "5 pairs, margin 1": (shared.scores(_random, 5), 1.0),
        "7 pairs, the matches far ahead": (shared.scores(_random, 7, ahead=1.5), 0.3),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        *shared.prices(lambda price: _hardest(price=price), lambda price: _hardest(price=price, alone=ValueError),
                 lambda price: _hardest(price=price, alone=-np.inf), without=(ideas.ORDER_ONLY,)),
        Misconception(
            "the match takes part in the search",
            "You searched the whole row, and the match stands in it. Where it scores best it is found, and not the "
            "text that is behind it by less than the margin (or that text counted for nothing, since the order was "
            "right): leave the diagonal out before the search.",
            _found(lambda S: S.max(1)), _found(lambda S: S.max(1), shared.order_only),
            *[_hardest(price=shared.order_only, alone=alone) for alone in (0.0, ValueError)],
            lambda S, margin: _found(lambda S: S.max(1))(S, margin) - margin * len(S),
        ),
        Misconception(
            "a number on the diagonal",
            "You overwrote the diagonal with 0, or another number, and took the highest score. Where all others are "
            "below that number it wins: write −inf there, or put the 0 where costs are compared, not scores.",
            *[_found(lambda S, fill=fill: np.where(shared.eye(S), fill, S).max(1))
              for fill in (0, -1, -2, -5, -10, -20)],
        ),
        Misconception(
            "the second highest of the row",
            "You sorted, and took the second, as if the match were always the first. Where a non-match is ahead of it "
            "yours takes another one, or the match: leave the diagonal out, and take the highest.",
            *[_hardest(pick=lambda costs: np.sort(costs)[-2], rivals=lambda row, i: row, alone=alone)
              for alone in (0.0, IndexError, ValueError, RuntimeError)],
        ),
        Misconception(
            "one pair has no non-match",
            "All is right but the case of one pair. There nothing is left to take a maximum of, and the pair has "
            "nothing to pay: 0. Where a 0 takes part in every maximum, at the diagonal, it needs no special case.",
            *[_hardest(alone=alone) for alone in (ValueError, IndexError, RuntimeError, TypeError, np.nan)],
            lambda S, margin: _hardest()(S, margin) + 2 * margin * (len(S) == 1),
            lambda S, margin: _hardest()(S, margin) + margin * (len(S) == 1),
        ),
        Misconception(
            "the easiest non-match",
            "You took the non-match that costs least. The hardest one is the one with the highest score: max, not min.",
            *[_hardest(pick=np.min, alone=alone) for alone in (0.0, np.inf, ValueError)],
            _found(lambda S: S.min(1)), shared.both_costs(lambda R, C: R.min(1).sum() + C.min(1).sum()),
        ),
        Misconception(
            "one hardest for the whole matrix",
            "You took one maximum over all cells. Each image has a hardest text of its own, and each text a hardest "
            "image: the maximum runs along an axis.",
            _hardest(lambda r, c: r.max() + c.max()), _hardest(lambda r, c: max(r.max(), c.max())),
            _hardest(lambda r, c: r.max()), _hardest(lambda r, c: c.max()),
        ),
        Misconception(
            "all non-matches",
            "You added up what every non-match costs, or took the mean of that. Here only the one that costs most "
            "counts, one for each image and one for each text.",
            shared.both_costs(), *shared.divided(lambda R, C: R.size, lambda R, C: 2 * R.size),
            shared.both_costs(lambda R, C: R.mean(1).sum() + C.mean(1).sum()),
            *shared.divided(*[lambda R, C, least=least, twice=twice: twice * np.maximum(least, R.size - len(R))
                        for least in (0, 1) for twice in (1, 2)]),
            *shared.divided(*[lambda R, C, least=least: np.maximum(least, len(R) - 1) for least in (0, 1)]),
        ),
        Misconception(
            "the place in place of the value",
            "argmax says where the highest stands, and you added that number up, or took it as a score. What stands "
            "there is asked for: max gives it.",
            shared.two(lambda S, margin: np.where(shared.eye(S), -np.inf, S).argmax(1)),
            shared.two(lambda S, margin: S.argmax(1)),
            shared.two(lambda S, margin: shared.costs(S, margin).argmax(1)),
            *[_found(lambda S, fill=fill: np.where(shared.eye(S), fill, S).argmax(1)) for fill in (-np.inf, 0)],
            _found(lambda S: S.argmax(1)),
        ),
        Misconception(
            "the largest size in place of the highest score",
            "You searched without the sign. A score far below 0 is that of a text far away, and not a hard one: the "
            "hardest has the highest score.",
            _found(lambda S: np.abs(_of_largest_size(S))), _found(_of_largest_size),
            _found(_of_largest_size, lambda x, margin: shared.hinge(x * (len(x) > 1), margin)),
            *[_found(find, lambda x, margin: shared.hinge(x, margin) * (len(x) > 1))
              for find in (lambda S: np.abs(_of_largest_size(S)), _of_largest_size)],
        ),
        Misconception(*ideas.MEAN_FOR_SUM, _hardest(lambda r, c: r.mean() + c.mean()),
                      _hardest(lambda r, c: (r.mean() + c.mean()) / 2)),
        Misconception(
            "averaged, not added",
            "Both directions are there, and you took half of their sum. Here they are added.",
            _hardest(lambda r, c: (r.sum() + c.sum()) / 2),
        ),
        Misconception(*ideas.ROWS_ONLY, _hardest(lambda r, c: r.sum()), _hardest(lambda r, c: c.sum())),
        Misconception(
            "one direction twice",
            "Both of your sums are of the same direction. For the texts the maximum runs down the columns, and the "
            "match is that of the column.",
            _hardest(lambda r, c: 2 * r.sum()), _hardest(lambda r, c: 2 * c.sum()),
        ),
        Misconception(
            "the row's match in the columns too",
            "Your maximum runs down the columns, over costs that were worked out for the rows. In column k all images "
            "are compared with S[k, k]: work the costs out again.",
            shared.both_costs(lambda R, C: R.max(1).sum() + R.max(0).sum()),
            shared.both_costs(lambda R, C: C.max(1).sum() + C.max(0).sum()),
        ),
        Misconception(
            "the directions added before the search",
            "You added what a cell costs in its row and in its column, and searched that sum. The text that costs image"
            " i most need not be the one that image i costs most: search each direction by itself, and add after that.",
            *[shared.both_costs(add) for add in (
                lambda R, C: (R + C.T).max(1).sum(), lambda R, C: (R + C.T).max(0).sum(),
                lambda R, C: (R + C).max(1).sum(), lambda R, C: (R + C).max(0).sum(),
                lambda R, C: (R + C.T).max(1).sum() + (R + C.T).max(0).sum())],
        ),
        Misconception(
            "0 times infinity",
            "You multiplied np.eye by infinity, and beside the diagonal 0 · ∞ is NaN, no number. Write −inf into the "
            "diagonal of a copy: np.fill_diagonal(copy, -np.inf).",
            lambda S, margin: np.nan if len(S) > 1 else 0.0,
        ),
        Misconception(
            "one non-match a pair",
            "You kept the harder of the two, a text or an image, for each pair. Both are paid: one for image i, one for"
            " text i.",
            _hardest(lambda r, c: np.maximum(r, c).sum()),
        ),
        Misconception(
            "the pairs one by one",
            "You gave one number for each pair. The loss is one number: add them all.",
            _hardest(lambda r, c: r + c),
        ),
    ),
)  # fmt: skip

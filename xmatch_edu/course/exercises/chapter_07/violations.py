"""What each non-match costs, in one direction."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_07 import shared

_random = np.random.default_rng(7)


def _of_costs(then=lambda costs: costs, price=shared.hinge, **options):
    """Exercise 1, with another idea of one of its parts."""
    return lambda S, margin: then(shared.costs(S, margin, price, **options))


violations = Exercise(
    name="violations",
    takes=("S", "margin"),
    gives=(Part("the violations", "one row per image, one column per text"),),
    right=lambda S, margin: loops.ranking_steps(S, margin=margin).violations,
    cases={
        "one pair": (shared.scores(_random, 1), 0.5),
        "2 pairs": (shared.TWO, 0.2),
        "3 pairs, all scores negative": (shared.scores(_random, 3, middle=-5.0), 0.5),
        "4 pairs, all scores 0": (np.zeros((4, 4)), 0.3),
        "5 pairs, margin 1": (shared.scores(_random, 5), 1.0),
    },
    picture=(pictures.of_part(0), "scores", "The violations"),
    misconceptions=(
        *shared.prices(lambda price: _of_costs(price=price), lambda price: _of_costs(price=price, diagonal=True)),
        Misconception(
            "the size in place of max(0, …)",
            "abs turns what is below 0 round, so a non-match that is far behind costs as much as one far ahead. What "
            "is below 0 is good enough, and costs 0.",
            *[_of_costs(price=lambda x, margin: np.abs(margin + x), diagonal=diagonal) for diagonal in (False, True)],
        ),
        Misconception(*ideas.DIAGONAL_COUNTED, _of_costs(diagonal=True)),
        Misconception(
            "the match of the column, not of the row",
            "You compared S[i, k] with S[k, k], the match of text k. That is the other direction, and it is also what "
            "S − np.diag(S) does: a flat array is laid along every row. Keep it as a column, np.diag(S)[:, None].",
            *[_of_costs(own=np.diag, diagonal=diagonal) for diagonal in (False, True)],
            lambda S, margin: shared.costs(S.T, margin),
        ),
        Misconception(
            "turned over",
            "Your matrix is the right one on its side: texts down, images across. Row i belongs to image i, as in S.",
            _of_costs(np.transpose),
        ),
        Misconception(
            "both directions at once",
            "Yours also holds what the columns cost. Asked is row by row only: image i compares its texts.",
            lambda S, margin: shared.costs(S, margin) + shared.costs(S.T, margin).T,
        ),
        Misconception(
            "whether, not how much",
            "You say which non-matches are too close, as yes and no or as 0 and 1. Asked is by how much each of them "
            "is: the number that was compared with 0.",
            *[_of_costs(then, diagonal=diagonal) for diagonal in (False, True)
              for then in (lambda costs: costs > 0, lambda costs: (costs > 0) * 1, lambda costs: (costs > 0) * 1.0)],
        ),
        Misconception(
            "added up already",
            "You added up, or counted. Asked is the whole matrix, a number for each image and each text; sums come in "
            "the next exercises.",
            *[_of_costs(then) for then in (
                lambda costs: costs.sum(1), lambda costs: costs.sum(0), np.sum, lambda costs: (costs > 0).sum(1),
                lambda costs: (costs > 0).sum(), lambda costs: costs.max(1), lambda costs: costs.sum(1, keepdims=True),
            )],
        ),
        Misconception(
            "the best text in place of the match",
            "You compared with the highest score of the row. Which text that is, is the model's opinion; the match of "
            "image i is text i, whatever it scores.",
            *[_of_costs(own=lambda S: S.max(1, keepdims=True), diagonal=diagonal) for diagonal in (False, True)],
        ),
        Misconception(
            "no match to compare with",
            "Your non-matches are held against 0, not against the match. Only differences count in a ranking: if all "
            "scores grow by 1, nothing may change.",
            *[_of_costs(own=lambda S: 0, diagonal=diagonal) for diagonal in (False, True)],
        ),
        Misconception(
            "the diagonal emptied before the costs",
            "You overwrote the diagonal of S, and worked the costs out after that. What stands there then is no 0, and "
            "np.diag(S) looks into S itself, so that the matches may be gone too: it is the costs' diagonal that is "
            "set to 0, last.",
            *[_of_costs(**shared.emptied(own)) for own in (shared.own, lambda S: 0)],
            lambda S, margin: np.full_like(S, np.nan),  # −inf in S, and the matches with it
        ),
        Misconception(
            "the scores left on the diagonal",
            "Your non-matches are right. On the diagonal still stands what was there before, the score: begin with "
            "zeros and not with a copy of S, or set the diagonal to 0 at the end.",
            lambda S, margin: np.where(shared.eye(S), S, shared.costs(S, margin)),
        ),
    ),
)  # fmt: skip

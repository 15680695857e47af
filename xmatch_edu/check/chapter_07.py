"""Chapter 07, ranking the batch: what each non-match costs, both directions, the hardest only, distances, several texts
an image, and the loss as Keras calls it, with its gradient, in torch."""

import numpy as np
import torch

from xmatch_edu import loops
from xmatch_edu.check import calm, ideas, pictures
from xmatch_edu.check.answers import Part, as_array
from xmatch_edu.check.engine import Exercise, Misconception

TITLE = "07 Ranking the batch"
NOTEBOOK = "07_ranking_the_batch.ipynb"

_random = np.random.default_rng(7)


def _hinge(x, margin):
    """What one non-match costs. x: its score, less the match's."""
    return np.maximum(0, margin + x)


def _order_only(x, margin):
    return np.where(x > 0, margin + x, 0)


# Other ideas of what one non-match costs, as functions like _hinge.
_PRICES = (
    (ideas.NO_CLAMP, lambda x, margin: margin + x),
    (ideas.CLAMP_TURNED, lambda x, margin: np.minimum(0, margin + x)),
    (ideas.MARGIN_SUBTRACTED, lambda x, margin: np.maximum(0, x - margin)),
    (ideas.MARGIN_MISSING, lambda x, margin: np.maximum(0, x)),
    (ideas.MARGIN_AFTER, lambda x, margin: margin + np.maximum(0, x)),
    (ideas.MARGIN_MULTIPLIES, lambda x, margin: np.maximum(0, margin * x)),
    (ideas.MARGIN_ALWAYS, lambda x, margin: np.maximum(0, 0.2 + x)),
    (ideas.MATCH_MINUS, lambda x, margin: np.maximum(0, margin - x), lambda x, margin: np.maximum(0, -margin - x),
     lambda x, margin: np.maximum(0, -x)),
    (ideas.ORDER_ONLY, _order_only),
    (ideas.HINGE_SQUARED, lambda x, margin: _hinge(x, margin) ** 2, lambda x, margin: _hinge(x, margin) ** 2 / 2),
    (ideas.HINGE_SOFT, lambda x, margin: np.logaddexp(0, margin + x)),
)  # fmt: skip


def _prices(*answers, without=()):
    """Each idea of what one non-match costs, as a Misconception. answers: from a price to the exercise with it."""
    return [Misconception(*idea, *[answer(price) for price in prices for answer in answers])
            for idea, *prices in _PRICES if idea not in without]  # fmt: skip


def _scores(n, ahead=1.0, middle=0.0, width=1.0):
    """The matches a little ahead of the others."""
    return middle + width * (ahead * np.eye(n) + _random.normal(size=(n, n)))


_TWO = np.array([[1.0, 0.9], [0.3, 0.2]])  # with margin 0.2 the rows pay 0.1 and 0.3, the columns 0 and 0.9


def _eye(S):
    return np.eye(len(S), dtype=bool)


def _own(S):
    """The match's score of each row, as a column."""
    return np.diag(S)[:, None]


def _costs(S, margin, price=_hinge, *, own=_own, diagonal=False):
    """What each cell costs along the rows; with diagonal=True the matches are compared with themselves too."""
    costs = price(S - own(S), margin)
    return costs if diagonal else np.where(_eye(S), 0, costs)


def _emptied(S, margin, own=_own):
    """What each cell costs along the rows, with the diagonal of S, not of the costs, set to 0."""
    return _hinge(np.where(_eye(S), 0, S) - own(S), margin)


def _of_costs(then=lambda costs: costs, price=_hinge, **options):
    """Exercise 1, with another idea of one of its parts."""
    return lambda S, margin: then(_costs(S, margin, price, **options))


violations = Exercise(
    name="violations",
    takes=("S", "margin"),
    gives=(Part("the violations", "one row per image, one column per text"),),
    right=lambda S, margin: loops.ranking_steps(S, margin=margin).violations,
    cases={
        "one pair": (_scores(1), 0.5),
        "2 pairs": (_TWO, 0.2),
        "3 pairs, all scores negative": (_scores(3, middle=-5.0), 0.5),
        "4 pairs, all scores 0": (np.zeros((4, 4)), 0.3),
        "5 pairs, margin 1": (_scores(5), 1.0),
    },
    picture=(pictures.of_part(0), "scores", "The violations"),
    misconceptions=(
        *_prices(lambda price: _of_costs(price=price), lambda price: _of_costs(price=price, diagonal=True)),
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
            lambda S, margin: _costs(S.T, margin),
        ),
        Misconception(
            "turned over",
            "Your matrix is the right one on its side: texts down, images across. Row i belongs to image i, as in S.",
            _of_costs(np.transpose),
        ),
        Misconception(
            "both directions at once",
            "Yours also holds what the columns cost. Asked is row by row only: image i compares its texts.",
            lambda S, margin: _costs(S, margin) + _costs(S.T, margin).T,
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
            _emptied, lambda S, margin: _emptied(S, margin, own=lambda S: 0),
            lambda S, margin: np.full_like(S, np.nan),  # −inf in S, and the matches with it
        ),
        Misconception(
            "the scores left on the diagonal",
            "Your non-matches are right. On the diagonal still stands what was there before, the score: begin with "
            "zeros and not with a copy of S, or set the diagonal to 0 at the end.",
            lambda S, margin: np.where(_eye(S), S, _costs(S, margin)),
        ),
    ),
)  # fmt: skip


def _sum_of_all(rows, columns):
    return rows.sum() + columns.sum()


def _two(side, add=_sum_of_all):
    """A number from both directions. side: (S, margin) -> what the rows pay; the columns are those of S.T."""
    return lambda S, margin: add(side(S, margin), side(S.T, margin))


def _both_costs(add=_sum_of_all, price=_hinge, **options):
    """Exercise 2, with another idea of one of its parts. add: of the costs (N, N) of both directions."""
    return _two(lambda S, margin: _costs(S, margin, price, **options), add)


def _open(S, margin, diagonal=False):
    """The costs, without max(0, …)."""
    return _costs(S, margin, lambda x, margin: margin + x, diagonal=diagonal)


def _divided(*numbers):
    """Exercise 2 divided: by functions of N, or of the costs of both directions."""
    return [_both_costs(lambda R, C, by=by: (R.sum() + C.sum()) / by(R, C)) for by in numbers]


two_way_hinge = Exercise(
    name="two_way_hinge",
    takes=("S", "margin"),
    gives=(Part("the loss"),),
    right=lambda S, margin: loops.ranking_loss(S, margin=margin),
    cases={
        "one pair": (_scores(1), 0.5),
        "2 pairs": (_TWO, 0.2),
        "3 pairs, all scores negative": (_scores(3, middle=-5.0), 0.5),
        "5 pairs, margin 1": (_scores(5), 1.0),
        "7 pairs, the matches far ahead": (_scores(7, ahead=1.5), 0.3),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        *_prices(lambda price: _both_costs(price=price), lambda price: _both_costs(price=price, diagonal=True)),
        Misconception(
            "max(0, …) after the sum",
            "You added first, and took max(0, …) of the sum. There a non-match far behind makes up for one that is "
            "ahead: each one has its own max(0, …).",
            *[_two(lambda S, margin, diagonal=diagonal: _open(S, margin, diagonal), add) for diagonal in (False, True)
              for add in (
                lambda R, C: np.maximum(0, R.sum(1)).sum() + np.maximum(0, C.sum(1)).sum(),
                lambda R, C: np.maximum(0, R.sum()) + np.maximum(0, C.sum()),
                lambda R, C: np.maximum(0, R.sum() + C.sum()), lambda R, C: np.maximum(0, R + C.T).sum(),
                lambda R, C: np.maximum(0, R.sum(1) + C.sum(1)).sum())],
        ),
        Misconception(
            "one direction twice",
            "Your second sum runs over the same violations again, or both are of the columns. Adding them up the other "
            "way makes no other direction: in column k the match is S[k, k], and each cell there costs something else.",
            _both_costs(lambda R, C: 2 * R.sum()), _both_costs(lambda R, C: 2 * C.sum()),
            *[_both_costs(lambda R, C, pick=pick: 2 * pick(R, C).sum(), diagonal=True)
              for pick in (lambda R, C: R, lambda R, C: C)],
        ),
        Misconception(*ideas.ROWS_ONLY, _both_costs(lambda R, C: R.sum()), _both_costs(lambda R, C: C.sum())),
        Misconception(
            "averaged, not added",
            "Both directions are there, and you took half of their sum. Here they are added.",
            _both_costs(lambda R, C: (R.sum() + C.sum()) / 2),
        ),
        Misconception(
            "the larger of the two, not the sum",
            "Where a cell, a pair or the whole batch costs something in both directions, you kept the larger amount. "
            "The image's question and the text's are two questions: both are paid.",
            *[_both_costs(add, diagonal=diagonal) for diagonal in (False, True) for add in (
                lambda R, C: np.maximum(R, C.T).sum(), lambda R, C: np.maximum(R, C).sum(),
                lambda R, C: np.maximum(R.sum(1), C.sum(1)).sum(), lambda R, C: max(R.sum(), C.sum()))],
        ),
        Misconception(
            "two numbers, not one",
            "Both directions are right, and you gave them one by one. One loss is asked for: add them.",
            _both_costs(lambda R, C: (R.sum(), C.sum())),
        ),
        Misconception(
            "the pairs one by one",
            "You gave one number for each pair. The loss is one number: add them all.",
            _both_costs(lambda R, C: R.sum(1) + C.sum(1)), _both_costs(lambda R, C: R.sum(1) + C.sum(0)),
            _both_costs(lambda R, C: R + C.T),
        ),
        Misconception(*ideas.MEAN_FOR_SUM, *_divided(lambda R, C: len(R), lambda R, C: 2 * len(R))),
        Misconception(
            "a mean over N×N cells",
            "You took the mean over all cells. Here the sum is asked for; and the zeros of the diagonal would count in "
            "that mean, though nothing can be paid there.",
            *_divided(lambda R, C: R.size, lambda R, C: 2 * R.size),
        ),
        Misconception(
            "a mean over the non-matches",
            "You divided by the number of non-matches, N · (N − 1), or twice that. Here the sum is asked for; and with "
            "one pair there is nothing to divide by.",
            *_divided(*[lambda R, C, least=least, twice=twice: twice * np.maximum(least, R.size - len(R))
                        for least in (0, 1) for twice in (1, 2)]),
        ),
        Misconception(
            "a mean over the violations",
            "You divided by the number of non-matches that cost something. Here the sum is asked for: in that mean a "
            "violation weighs more when there are few.",
            *_divided(*[lambda R, C, least=least: np.maximum(least, (R > 0).sum() + (C > 0).sum())
                        for least in (0, 1)]),
            *[_both_costs(lambda R, C, least=least: R.sum() / np.maximum(least, (R > 0).sum())
                          + C.sum() / np.maximum(least, (C > 0).sum())) for least in (0, 1)],
        ),
        Misconception(*ideas.DIAGONAL_COUNTED, _both_costs(diagonal=True),
                      lambda S, margin: _both_costs()(S, margin) + margin * len(S)),
        Misconception(*ideas.HARDEST_ONLY, _both_costs(lambda R, C: R.max(1).sum() + C.max(1).sum())),
    ),
)  # fmt: skip


def _hardest_of_rows(price=_hinge, pick=np.max, alone=0.0):
    """(S, margin) -> what the row's hardest non-match costs (N,). alone: what one pair gives, or the error it makes."""

    def rows(S, margin):
        if len(S) == 1:
            if isinstance(alone, type):
                raise alone("nothing to choose from")
            return np.array([alone])
        return np.array([pick(np.delete(row, i)) for i, row in enumerate(price(S - _own(S), margin))])

    return rows


def _hardest(add=_sum_of_all, **options):
    """Exercise 3, with another idea of one of its parts. add: of what rows and columns pay, (N,) each."""
    return _two(_hardest_of_rows(**options), add)


def _filled(fill):
    """The diagonal overwritten by a number, and then the highest score of each row."""

    def rows(S, margin):
        return _hinge(np.where(_eye(S), fill, S).max(1) - np.diag(S), margin)

    return _two(rows)


def _match_may_win(S, margin):
    """The diagonal takes part in the search for the hardest, and is struck out afterwards."""
    places = S.argmax(1)
    return np.where(places == np.arange(len(S)), 0, _hinge(S.max(1) - np.diag(S), margin))


def _second_highest(alone):
    """alone: what one pair gives, or the error it makes."""

    def rows(S, margin):
        if len(S) == 1:
            return _hardest_of_rows(alone=alone)(S, margin)
        return _hinge(np.sort(S, axis=1)[:, -2] - np.diag(S), margin)

    return _two(rows)


def _with_matches(price=_hinge, pick=np.max):
    return _two(lambda S, margin: pick(price(S - _own(S), margin), axis=1))


def _largest_size(S):
    """(N,): of each row, the diagonal left out."""
    return np.abs(np.where(_eye(S), 0, S)).max(1)


def _of_largest_size(S):
    """(N,): the score that is furthest from 0, with its sign."""
    others = np.where(_eye(S), 0, S)
    return others[np.arange(len(S)), np.abs(others).argmax(1)]


hardest_hinge = Exercise(
    name="hardest_hinge",
    takes=("S", "margin"),
    gives=(Part("the loss"),),
    right=lambda S, margin: loops.ranking_loss(S, margin=margin, negatives="hardest"),
    cases={
        "one pair": (_scores(1, middle=-2.0), 0.5),
        "2 pairs": (_TWO, 0.2),
        "3 pairs, all scores about −30": (_scores(3, middle=-30.0), 0.5),
        "5 pairs, margin 1": (_scores(5), 1.0),
        "7 pairs, the matches far ahead": (_scores(7, ahead=1.5), 0.3),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        *_prices(lambda price: _hardest(price=price), lambda price: _hardest(price=price, alone=ValueError),
                 lambda price: _hardest(price=price, alone=-np.inf), without=(ideas.ORDER_ONLY,)),
        Misconception(
            "the match takes part in the search",
            "You searched the whole row, and the match stands in it. Where it scores best it is found, and not the "
            "text that is behind it by less than the margin (or that text counted for nothing, since the order was "
            "right): leave the diagonal out before the search.",
            _with_matches(), _two(_match_may_win), *[_hardest(price=_order_only, alone=alone) for alone in (
                0.0, ValueError)],
            lambda S, margin: _with_matches()(S, margin) - margin * len(S),
        ),
        Misconception(
            "a number on the diagonal",
            "You overwrote the diagonal with 0, or another number, and took the highest score. Where all others are "
            "below that number it wins: write −inf there, or put the 0 where costs are compared, not scores.",
            *[_filled(fill) for fill in (0, -1, -2, -5, -10, -20)],
        ),
        Misconception(
            "the second highest of the row",
            "You sorted, and took the second, as if the match were always the first. Where a non-match is ahead of it "
            "yours takes another one, or the match: leave the diagonal out, and take the highest.",
            *[_second_highest(alone) for alone in (0.0, IndexError, ValueError, RuntimeError)],
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
            _with_matches(pick=np.min), _both_costs(lambda R, C: R.min(1).sum() + C.min(1).sum()),
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
            _both_costs(), *_divided(lambda R, C: R.size, lambda R, C: 2 * R.size),
            _both_costs(lambda R, C: R.mean(1).sum() + C.mean(1).sum()),
            *_divided(*[lambda R, C, least=least, twice=twice: twice * np.maximum(least, R.size - len(R))
                        for least in (0, 1) for twice in (1, 2)]),
            *_divided(*[lambda R, C, least=least: np.maximum(least, len(R) - 1) for least in (0, 1)]),
        ),
        Misconception(
            "the place in place of the value",
            "argmax says where the highest stands, and you added that number up, or took it as a score. What stands "
            "there is asked for: max gives it.",
            _two(lambda S, margin: np.where(_eye(S), -np.inf, S).argmax(1)), _two(lambda S, margin: S.argmax(1)),
            _two(lambda S, margin: _costs(S, margin).argmax(1)),
            *[_two(lambda S, margin, fill=fill: _hinge(np.where(_eye(S), fill, S).argmax(1) - np.diag(S), margin))
              for fill in (-np.inf, 0)],
            _two(lambda S, margin: _hinge(S.argmax(1) - np.diag(S), margin)),
        ),
        Misconception(
            "the largest size in place of the highest score",
            "You searched without the sign. A score far below 0 is that of a text far away, and not a hard one: the "
            "hardest has the highest score.",
            *[_two(lambda S, margin, find=find: _hinge(find(S) - np.diag(S), margin))
              for find in (_largest_size, _of_largest_size)],
            _two(lambda S, margin: _hinge(_of_largest_size(S) - np.diag(S) * (len(S) > 1), margin)),
            *[_two(lambda S, margin, find=find: _hinge(find(S) - np.diag(S), margin) * (len(S) > 1))
              for find in (_largest_size, _of_largest_size)],
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
            _both_costs(lambda R, C: R.max(1).sum() + R.max(0).sum()),
            _both_costs(lambda R, C: C.max(1).sum() + C.max(0).sum()),
        ),
        Misconception(
            "the directions added before the search",
            "You added what a cell costs in its row and in its column, and searched that sum. The text that costs image"
            " i most need not be the one that image i costs most: search each direction by itself, and add after that.",
            *[_both_costs(add) for add in (
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


def _features(n, d, margin, apart=1.0):
    """Pairs that lie close together: (N, D) images, (N, D) texts."""
    images = apart * _random.normal(size=(n, d))
    return images, images + _random.normal(size=(n, d)), margin


def _differences(q, t):
    return q[:, None] - t


def _distances(q, t):
    return np.sqrt((_differences(q, t) ** 2).sum(-1))


def _unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def _near(distance=_distances, add=np.sum, price=_hinge, **options):
    """Exercise 4, with another idea of one of its parts. add: of the costs (N, N)."""
    return lambda q, t, margin: add(_costs(-distance(q, t), margin, price, **options))


def _right_near(image_features, text_features, margin):
    S = loops.distance_scores(image_features, text_features)
    return loops.ranking_loss(S, margin=margin, direction="image_to_text")


distance_hinge = Exercise(
    name="distance_hinge",
    takes=("image_features", "text_features", "margin"),
    gives=(Part("the loss"),),
    right=_right_near,
    cases={
        "one pair": _features(1, 2, 0.5),
        "2 pairs, one feature": (np.array([[1.0], [2.0]]), np.array([[0.5], [1.3]]), 0.3),
        "3 pairs, 2 features": _features(3, 2, 0.5),
        "5 pairs, 3 features, margin 1": _features(5, 3, 1.0),
        "7 pairs, 4 features, close to each other": _features(7, 4, 0.1, apart=0.3),
    },
    picture=(pictures.of_nudges, ("gradient", "images", "features"), "How the loss answers when a feature is nudged"),
    misconceptions=(
        Misconception(
            "distances taken for scores",
            "With a score, more is closer; with a distance, less. You charge the texts that lie far away: here the "
            "match's distance comes first, and the non-match's is subtracted.",
            *[_near(lambda q, t: -_distances(q, t), price=price, diagonal=diagonal) for diagonal in (False, True)
              for price in (_hinge, lambda x, margin: np.maximum(0, x - margin), lambda x, margin: np.maximum(0, x))],
        ),
        Misconception(
            "squared distances",
            "You left out the square root. The distance itself is asked for, and a margin means another thing for "
            "squares: far away they grow faster, and near 0 they hardly differ.",
            *[_near(lambda q, t: _distances(q, t) ** 2, diagonal=diagonal) for diagonal in (False, True)],
        ),
        *_prices(lambda price: _near(price=price), lambda price: _near(price=price, diagonal=True),
                 without=(ideas.MATCH_MINUS,)),
        Misconception(*ideas.DIAGONAL_COUNTED, _near(diagonal=True)),
        Misconception(
            "another distance",
            "You added up the sizes of the differences, or took the largest of them. The Euclidean distance is the "
            "root of the sum of their squares.",
            _near(lambda q, t: np.abs(_differences(q, t)).sum(-1)),
            _near(lambda q, t: np.abs(_differences(q, t)).max(-1)),
        ),
        Misconception(
            "a mean over the features",
            "Inside your distance stands a mean over the features, with or without a root. The distance adds them up: "
            "a mean makes it smaller by a factor that depends on D, and the margin stays as it is.",
            _near(lambda q, t: np.sqrt((_differences(q, t) ** 2).mean(-1))),
            _near(lambda q, t: (_differences(q, t) ** 2).mean(-1)), _near(lambda q, t: _distances(q, t) / q.shape[1]),
            _near(lambda q, t: np.abs(_differences(q, t)).mean(-1)),
        ),
        Misconception(
            "another score in place of −d",
            "Your score falls where the distance grows, and not in step with it: 1/d, 1/(1 + d) and exp(−d) hardly "
            "change far away. The margin is one of distances, so that the score is −d.",
            *[_near(lambda q, t, closeness=closeness: -closeness(_distances(q, t)), diagonal=diagonal)
              for diagonal in (False, True)
              for closeness in (lambda d: 1 / d, lambda d: 1 / (1 + d), lambda d: np.exp(-d))],
        ),
        Misconception(
            "cosines, no distances",
            "You compared directions. A distance also sees how long the vectors are: here it is the length of their "
            "difference.",
            _near(lambda q, t: -_unit(q) @ _unit(t).T), _near(lambda q, t: _unit(q) @ _unit(t).T),
        ),
        Misconception(
            "dot products, no distances",
            "You multiplied the vectors. A dot product grows with their lengths, in whatever place they lie: the "
            "distance is the length of their difference.",
            _near(lambda q, t: -q @ t.T), _near(lambda q, t: q @ t.T),
        ),
        Misconception(
            "vectors of length 1 first",
            "You divided the features by their lengths before you took the distances. Many models do that; here the "
            "features are used as they come.",
            _near(lambda q, t: _distances(_unit(q), _unit(t))),
        ),
        Misconception(
            "the columns in place of the rows",
            "You compared the images of each text. That is also what np.diag(d) − d does, since a flat array is laid "
            "along every row: asked are the rows, with d(i, i) as a column, np.diag(d)[:, None].",
            _near(lambda q, t: _distances(q, t).T),
        ),
        Misconception(
            "both directions",
            "Yours holds what the texts pay as well. Here only the images compare their texts.",
            *[lambda q, t, margin, share=share: share * _both_costs()(-_distances(q, t), margin) for share in (1, 0.5)],
        ),
        Misconception(
            "images with images",
            "Your non-matches are distances within one side, image and image or text and text. Here image i is held "
            "against the texts: its own, and the others.",
            lambda q, t, margin: _costs(-_within(q, q, t), margin).sum(),
            lambda q, t, margin: _costs(-_within(t, q, t), margin).sum(),
        ),
        Misconception(*ideas.MEAN_FOR_SUM, _near(add=lambda costs: costs.sum() / len(costs))),
        Misconception(
            "a mean over the cells",
            "You divided by the number of cells, with or without the diagonal. Here the sum is asked for.",
            _near(add=np.mean), *[_near(add=lambda costs, least=least: costs.sum() / np.maximum(
                least, costs.size - len(costs))) for least in (0, 1)],
        ),
        Misconception(*ideas.HARDEST_ONLY, _near(add=lambda costs: costs.max(1).sum())),
    ),
)  # fmt: skip


def _within(x, q, t):
    """Distances within one side, with those of the pairs on the diagonal."""
    return np.where(_eye(q), _distances(q, t), _distances(x, x))


def _captions(n, image_of_text, margin):
    """The own texts a little ahead of the others."""
    image_of_text = np.array(image_of_text)
    own = image_of_text == np.arange(n)[:, None]
    return 0.5 * own + _random.normal(size=own.shape), image_of_text, margin


def _differ(image_of_text):
    """(M, M): does text k belong to another image than text j?"""
    return image_of_text[:, None] != image_of_text


def _texts(add=np.sum, price=_hinge, counts=_differ):
    """Exercise 5, with another idea of one of its parts. counts: which text k is a non-match for text j, (M, M)."""

    def total(S, image_of_text, margin):
        rows = S[image_of_text]  # (M, M): of each text j, the row of its image
        return add(np.where(counts(image_of_text), price(rows - _own(rows), margin), 0))

    return total


def _one_match(pick, *, each=False, siblings=False, empty=None):
    """One match for each image. each: charged for each of its texts. siblings: the others of the image are non-matches.

    pick: from the scores of the image's texts. empty: what an image without text does: an error, a score, or nothing.
    """

    def total(S, image_of_text, margin):
        loss = 0.0
        for i, row in enumerate(S):
            own, others = row[image_of_text == i], row[image_of_text != i]
            if len(own):
                match = pick(own)
            elif isinstance(empty, type):
                raise empty("no text")
            elif empty is None:
                continue
            else:
                match = empty
            times = len(own) if each else 1
            loss += times * _hinge(others - match, margin).sum()
            if siblings:
                loss += times * (_hinge(own - match, margin).sum() - margin)
        return loss

    return total


# Which text k a row i with one match compares it with.
_OTHERS = (
    lambda i, k, match, image_of_text: image_of_text[k] != i,
    lambda i, k, match, image_of_text: k != match,
    lambda i, k, match, image_of_text: image_of_text[k] != image_of_text[match],
)


def _diagonal_again(count, others, own=lambda i, image_of_text: i):
    """Row i with its match at own(i), as if each image had one text. count: of the rows gone through, from S."""

    def total(S, image_of_text, margin):
        loss = 0.0
        for i in range(count(S)):
            match = own(i, image_of_text)
            for k in range(S.shape[1]):
                if others(i, k, match, image_of_text):
                    loss += _hinge(S[i, k] - S[i, match], margin)
        return loss

    return total


def _columns_of_texts(S, image_of_text, margin):
    costs = _hinge(S - S[image_of_text, np.arange(S.shape[1])], margin)
    return costs[image_of_text != np.arange(len(S))[:, None]].sum()


def _matches_of_the_columns(S, image_of_text, margin):
    """The rows of all texts, with the matches laid flat along each."""
    rows = S[image_of_text]
    return _hinge(rows - np.diag(rows), margin)[_differ(image_of_text)].sum()


def _hardest_text(S, image_of_text, margin):
    """Of each text the hardest rival, by a max that has nothing to choose from where all texts are of one image."""
    if not _differ(image_of_text).any():
        raise ValueError("max() of nothing")
    return _texts(lambda costs: costs.max(1).sum())(S, image_of_text, margin)


def _same_image(S, image_of_text):
    """(N, M): does text k belong to image i?"""
    return image_of_text == np.arange(len(S))[:, None]


several_texts = Exercise(
    name="several_texts",
    takes=("S", "image_of_text", "margin"),
    gives=(Part("the loss"),),
    right=lambda S, image_of_text, margin: loops.ranking_loss(
        S, _same_image(S, image_of_text), margin=margin, direction="image_to_text"),
    cases={
        "one image, one text": _captions(1, [0], 0.5),
        "one image, 2 texts": _captions(1, [0, 0], 0.5),
        # Image 0 has its better text first, image 1 its better text last.
        "2 images, 2 texts each": (
            np.array([[0.9, 0.4, 0.8, 0.1], [0.3, 0.6, 0.2, 0.7]]), np.array([0, 0, 1, 1]), 0.2),
        "3 images, 5 texts in another order": _captions(3, [2, 0, 2, 1, 0], 0.5),
        "4 images, 6 texts, none of image 2": _captions(4, [3, 0, 3, 1, 1, 3], 1.0),
        "5 images, 3 texts, two of image 4": _captions(5, [4, 1, 4], 2.0),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        Misconception(
            "texts of the same image as non-matches",
            "You left out text j alone, so the other texts of its image pay too. They are right for it as well: leave "
            "out all whose image is the same.",
            _texts(counts=lambda image_of_text: ~_eye(image_of_text)),
        ),
        Misconception(
            "nothing left out",
            "Every text is a non-match in yours, the match itself and those of its image too. Only texts of other "
            "images are: image_of_text[k] differs from image_of_text[j].",
            _texts(counts=lambda image_of_text: np.ones_like(_eye(image_of_text))),
        ),
        Misconception(*ideas.DIAGONAL_COUNTED,
                      _texts(counts=lambda image_of_text: _differ(image_of_text) | _eye(image_of_text))),
        Misconception(
            "the mask turned round",
            "You kept the texts of the same image and left out all others. Those of the same image are right for it: "
            "the rivals are the texts whose image is another, !=.",
            _texts(counts=lambda image_of_text: ~_differ(image_of_text)),
            _texts(counts=lambda image_of_text: ~_differ(image_of_text) & ~_eye(image_of_text)),
        ),
        Misconception(
            "the number of the image as a column",
            "You left out column i, where i is the number of the image. That is where its text stood while each image "
            "had one; now image_of_text says whose text k is.",
            _texts(counts=lambda image_of_text: image_of_text[:, None] != np.arange(len(image_of_text))),
        ),
        Misconception(
            "one text of each image",
            "You took the first text of each image as its match, or the last. Each of its texts is a match, and each "
            "must be ahead of the others.",
            *[_one_match(pick, siblings=siblings, each=each, empty=empty) for siblings in (False, True)
              for pick in (lambda own: own[0], lambda own: own[-1])
              for each, empty in ((False, None), (True, None), (False, IndexError), (False, ValueError))],
        ),
        Misconception(
            "only the best of its own texts",
            "You compared with the own text that scores highest. Then one good text is enough, and the others of the "
            "image may score what they like: each text is a match of its own.",
            *[_one_match(np.max, each=each, empty=empty)
              for each, empty in ((False, None), (True, None), (False, ValueError), (False, -np.inf))],
        ),
        Misconception(
            "only the worst of its own texts",
            "You compared with the own text that scores lowest. The others of the image are matches too, and what each "
            "of them owes is added.",
            *[_one_match(np.min, each=each, empty=empty)
              for each, empty in ((False, None), (True, None), (False, ValueError))],
        ),
        Misconception(
            "the mean of its own texts",
            "You averaged the scores of an image's own texts and compared with that. A good one then makes up for a "
            "bad one: each of them has its own max(0, …).",
            *[_one_match(np.mean, each=each, empty=empty)
              for each, empty in ((False, None), (True, None), (False, np.nan))],
        ),
        Misconception(
            "the sum of its own texts",
            "You added up the scores of an image's own texts and compared with that. With two texts the match seems "
            "twice as good, with none it is 0: each text is a match of its own, with its own score.",
            *[_one_match(np.sum, each=each, empty=empty)
              for each, empty in ((False, None), (True, None), (False, 0.0))],
        ),
        Misconception(
            "the diagonal again",
            "You took text i as the match of image i, or row j as that of text j. That holds where each image has one "
            "text, in the same order: now image_of_text[j] is the row, and j is the column.",
            *[_diagonal_again(count, others) for others in _OTHERS
              for count in (lambda S: S.shape[0], lambda S: S.shape[1], lambda S: min(S.shape))],
            *[lambda S, image_of_text, margin, wrong=wrong: wrong(S, image_of_text, margin) for wrong in (
                lambda S, image_of_text, margin: _hinge(S - _own(S), margin)[~_same_image(S, image_of_text)].sum(),
                lambda S, image_of_text, margin: _hinge(
                    S - _own(S), margin)[~np.eye(*S.shape, dtype=bool)].sum())],
        ),
        Misconception(
            "image_of_text read the other way round",
            "You read image_of_text[i] as the text of image i. It goes from texts to images: image_of_text[j] is a row "
            "number, and belongs in the first place, S[image_of_text[j], j].",
            *[_diagonal_again(count, others, lambda i, image_of_text: image_of_text[i]) for others in _OTHERS
              for count in (lambda S: S.shape[0], lambda S: S.shape[1], lambda S: min(S.shape))],
        ),
        Misconception(
            "the columns in place of the rows",
            "You compared the images of each text, or held each text against its own image's score (a flat array of "
            "matches is laid along every row). Asked are the rows: an image with its own texts, against the texts of "
            "other images.",
            _columns_of_texts, _matches_of_the_columns,
        ),
        Misconception(
            "both directions",
            "Yours holds what the texts pay as well. Here only the images compare their texts.",
            *[lambda *arguments, share=share: share * (_texts()(*arguments) + _columns_of_texts(*arguments))
              for share in (1, 0.5)],
        ),
        Misconception(
            "divided by a number",
            "You divided by the number of texts, of images or of comparisons. Here the sum is asked for, of all that "
            "is owed.",
            _texts(lambda costs: costs.sum() / len(costs)), _texts(np.mean),
            lambda S, image_of_text, margin: _texts()(S, image_of_text, margin) / len(S),
            *[lambda *arguments, least=least: _texts()(*arguments) / np.maximum(least, _differ(arguments[1]).sum())
              for least in (0, 1)],
        ),
        Misconception(
            "one share for each image",
            "You took the mean over the texts of each image first, so that an image with five texts pays no more than "
            "one with a single text. Here all is added: every text counts once.",
            lambda S, image_of_text, margin: _texts(lambda costs: (
                costs.sum(1) / np.bincount(image_of_text)[image_of_text]).sum())(S, image_of_text, margin),
        ),
        *_prices(lambda price: _texts(price=price)),
        Misconception(*ideas.HARDEST_ONLY, _texts(lambda costs: costs.max(1).sum()), _hardest_text),
    ),
)  # fmt: skip

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


def _rows_and_columns(R, C):
    return R.sum(1) + C.sum(1)


def _keras(add=_rows_and_columns, *, halves=_halves, change=lambda x: x, price=_hinge, margin=_MARGIN, **options):
    """Exercise 6, with another idea of one of its parts. add: of the costs (N, N) of both directions."""

    def loss(y_true, y_pred):
        images, texts = map(change, halves(y_pred))
        return torch.tensor(_both_costs(add, price, **options)(images @ texts.T, margin), dtype=torch.float32)

    return loss


def _keras_emptied(own):
    """With the diagonal of the scores, not of the costs, set to 0. own: the matches, from S."""

    def loss(y_true, y_pred):
        images, texts = _halves(y_pred)
        S = images @ texts.T
        pays = _emptied(S, _MARGIN, own).sum(1) + _emptied(S.T, _MARGIN, own).sum(1)
        return torch.tensor(pays, dtype=torch.float32)

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
            _keras(_sum_of_all),
        ),
        Misconception(
            "the mean, one number",
            "You took the mean yourself. The loss on the screen is the same, but Keras wants a number for each pair: "
            "it cannot weigh pairs (sample_weight) that are one number already.",
            _keras(lambda R, C: _sum_of_all(R, C) / len(R)),
        ),
        Misconception(
            "the same number for every pair",
            "You worked out one number for the whole batch, and repeated it N times. The shape is right, and Keras "
            "still cannot weigh the pairs: give what each of them pays itself, its own row and column.",
            _keras(lambda R, C: np.full(len(R), _sum_of_all(R, C))),
            _keras(lambda R, C: np.full(len(R), _sum_of_all(R, C) / len(R))),
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
            _keras_emptied(_own), _keras_emptied(lambda S: 0),
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
            _keras(change=_unit),
        ),
        Misconception(
            "another margin",
            "Your margin is not 0.2. The formula is right.",
            *[_keras(margin=margin) for margin in (0.05, 0.1, 0.3, 0.5, 1.0, 2.0)],
        ),
        *_prices(lambda price: _keras(price=price), lambda price: _keras(price=price, diagonal=True),
                 without=(ideas.MARGIN_ALWAYS,)),
        Misconception(*ideas.HARDEST_ONLY, _keras(lambda R, C: R.max(1) + C.max(1))),
        _NO_GRADIENT,
    ),
)  # fmt: skip

EXERCISES = [violations, two_way_hinge, hardest_hinge, distance_hinge, several_texts, loss_for_keras]

"""What several exercises of chapter 07 stand on: scores, hinges, shared wrong ideas."""

import numpy as np

from xmatch_edu.check.engine import Misconception
from xmatch_edu.course.exercises import ideas


def hinge(x, margin):
    """What one non-match costs. x: its score, less the match's."""
    return np.maximum(0, margin + x)


def order_only(x, margin):
    return np.where(x > 0, margin + x, 0)


# Other ideas of what one non-match costs, as functions like hinge.
PRICES = (
    (ideas.NO_CLAMP, lambda x, margin: margin + x),
    (ideas.CLAMP_TURNED, lambda x, margin: np.minimum(0, margin + x)),
    (ideas.MARGIN_SUBTRACTED, lambda x, margin: np.maximum(0, x - margin)),
    (ideas.MARGIN_MISSING, lambda x, margin: np.maximum(0, x)),
    (ideas.MARGIN_AFTER, lambda x, margin: margin + np.maximum(0, x)),
    (ideas.MARGIN_MULTIPLIES, lambda x, margin: np.maximum(0, margin * x)),
    (ideas.MARGIN_ALWAYS, lambda x, margin: np.maximum(0, 0.2 + x)),
    (ideas.MATCH_MINUS, lambda x, margin: np.maximum(0, margin - x), lambda x, margin: np.maximum(0, -margin - x),
     lambda x, margin: np.maximum(0, -x)),
    (ideas.ORDER_ONLY, order_only),
    (ideas.HINGE_SQUARED, lambda x, margin: hinge(x, margin) ** 2, lambda x, margin: hinge(x, margin) ** 2 / 2),
    (ideas.HINGE_SOFT, lambda x, margin: np.logaddexp(0, margin + x)),
)  # fmt: skip


def prices(*answers, without=()):
    """Each idea of what one non-match costs, as a Misconception. answers: from a price to the exercise with it."""
    return [Misconception(*idea, *[answer(price) for price in prices for answer in answers])
            for idea, *prices in PRICES if idea not in without]  # fmt: skip


def scores(random, n, ahead=1.0, middle=0.0, width=1.0):
    """The matches a little ahead of the others."""
    return middle + width * (ahead * np.eye(n) + random.normal(size=(n, n)))


TWO = np.array([[1.0, 0.9], [0.3, 0.2]])  # with margin 0.2 the rows pay 0.1 and 0.3, the columns 0 and 0.9


def eye(S):
    return np.eye(len(S), dtype=bool)


def own(S):
    """The match's score of each row, as a column."""
    return np.diag(S)[:, None]


def costs(S, margin, price=hinge, *, own=own, diagonal=False):
    """What each cell costs along the rows; with diagonal=True the matches are compared with themselves too."""
    costs = price(S - own(S), margin)
    return costs if diagonal else np.where(eye(S), 0, costs)


def emptied(own):
    """Options of costs, with the diagonal of S, not of the costs, set to 0. own: the match's score of each row."""
    return {"own": lambda S: own(S) + np.diag(np.diag(S)), "diagonal": True}


def sum_of_all(rows, columns):
    return rows.sum() + columns.sum()


def two(side, add=sum_of_all):
    """A number from both directions. side: (S, margin) -> what the rows pay; the columns are those of S.T."""
    return lambda S, margin: add(side(S, margin), side(S.T, margin))


def both_costs(add=sum_of_all, price=hinge, **options):
    """Exercise 2, with another idea of one of its parts. add: of the costs (N, N) of both directions."""
    return two(lambda S, margin: costs(S, margin, price, **options), add)


def divided(*numbers):
    """Exercise 2 divided: by functions of N, or of the costs of both directions."""
    return [both_costs(lambda R, C, by=by: (R.sum() + C.sum()) / by(R, C)) for by in numbers]


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)

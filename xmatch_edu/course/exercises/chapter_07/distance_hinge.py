"""The hinge loss of distances, where smaller is closer."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_07 import shared

_random = np.random.default_rng(7)


def _features(n, d, margin, apart=1.0):
    """Pairs that lie close together: (N, D) images, (N, D) texts."""
    images = apart * _random.normal(size=(n, d))
    return images, images + _random.normal(size=(n, d)), margin


def _distances(q, t, power=2):
    """(N, N). power: of the differences that are added up, as in np.linalg.norm."""
    return np.linalg.norm(q[:, None] - t, power, axis=-1)


def _near(distance=_distances, add=np.sum, price=shared.hinge, **options):
    """Exercise 4, with another idea of one of its parts. add: of the costs (N, N)."""
    return lambda q, t, margin: add(shared.costs(-distance(q, t), margin, price, **options))


distance_hinge = Exercise(
    name="distance_hinge",
    takes=("image_features", "text_features", "margin"),
    gives=(Part("the loss"),),
    right=lambda image_features, text_features, margin: loops.ranking_loss(
        loops.distance_scores(image_features, text_features), margin=margin, direction="image_to_text"),
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
              for price in (shared.hinge, lambda x, margin: np.maximum(0, x - margin),
                            lambda x, margin: np.maximum(0, x))],
        ),
        Misconception(
            "squared distances",
            "You left out the square root. The distance itself is asked for, and a margin means another thing for "
            "squares: far away they grow faster, and near 0 they hardly differ.",
            *[_near(lambda q, t: _distances(q, t) ** 2, diagonal=diagonal) for diagonal in (False, True)],
        ),
        *shared.prices(lambda price: _near(price=price), lambda price: _near(price=price, diagonal=True),
                 without=(ideas.MATCH_MINUS,)),
        Misconception(*ideas.DIAGONAL_COUNTED, _near(diagonal=True)),
        Misconception(
            "another distance",
            "You added up the sizes of the differences, or took the largest of them. The Euclidean distance is the "
            "root of the sum of their squares.",
            *[_near(lambda q, t, power=power: _distances(q, t, power)) for power in (1, np.inf)],
        ),
        Misconception(
            "a mean over the features",
            "Inside your distance stands a mean over the features, with or without a root. The distance adds them up: "
            "a mean makes it smaller by a factor that depends on D, and the margin stays as it is.",
            _near(lambda q, t: _distances(q, t) / np.sqrt(q.shape[1])),
            _near(lambda q, t: _distances(q, t) ** 2 / q.shape[1]), _near(lambda q, t: _distances(q, t) / q.shape[1]),
            _near(lambda q, t: _distances(q, t, 1) / q.shape[1]),
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
            _near(lambda q, t: -shared.unit(q) @ shared.unit(t).T),
            _near(lambda q, t: shared.unit(q) @ shared.unit(t).T),
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
            _near(lambda q, t: _distances(shared.unit(q), shared.unit(t))),
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
            *[lambda q, t, margin, share=share: share * shared.both_costs()(-_distances(q, t), margin)
              for share in (1, 0.5)],
        ),
        Misconception(
            "images with images",
            "Your non-matches are distances within one side, image and image or text and text. Here image i is held "
            "against the texts: its own, and the others.",
            _near(lambda q, t: np.where(shared.eye(q), _distances(q, t), _distances(q, q))),
            _near(lambda q, t: np.where(shared.eye(q), _distances(q, t), _distances(t, t))),
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

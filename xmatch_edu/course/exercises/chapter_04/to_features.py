"""The gradient carried back to the features."""

import numpy as np
import torch

from xmatch_edu.check.engine import Exercise, Misconception, Part

_random = np.random.default_rng(4)


def _back(n, m, d):
    return tuple(torch.tensor(_random.normal(size=shape)) for shape in ((n, m), (n, d), (m, d)))


def _literal_back(G, q, t):
    G, q, t = G.numpy(), q.numpy(), t.numpy()
    return (np.array([sum(G[i, j] * t[j] for j in range(len(t))) for i in range(len(q))]),
            np.array([sum(G[i, j] * q[i] for i in range(len(q))) for j in range(len(t))]))  # fmt: skip


to_features = Exercise(
    name="to_features",
    takes=("G", "q", "d"),
    gives=(Part("the gradient of q", "one row per image, one column per feature"),
           Part("the gradient of d", "one row per text, one column per feature")),
    right=_literal_back,
    cases={
        "one pair": _back(1, 1, 3),
        "3 pairs, 3 features": _back(3, 3, 3),
        "3 images, 5 texts, 4 features": _back(3, 5, 4),
        "5 images, 3 texts, 2 features": _back(5, 3, 2),
    },
    misconceptions=(
        Misconception(
            "the two changed places",
            "You gave the texts' gradient first. The first one has a row for each image, as q has: it is made of "
            "texts, weighed by G.",
            lambda G, q, d: (G.T @ q, G @ d),
        ),
        Misconception(
            "each side from its own features",
            "You multiplied G with the same side's features. S[i, j] changes with image i by *text* j, so the images' "
            "gradient is made of texts, and the texts' of images.",
            lambda G, q, d: (G @ q, G.T @ d),
        ),
        Misconception(
            "G not turned over",
            "For the texts you used G as it is. Text j has a hand in column j of S, so its gradient sums down the "
            "column: G turned over.",
            lambda G, q, d: (G @ d, G @ q),
        ),
        Misconception(
            "the images from the columns",
            "For the images you turned G over. Image i has a hand in row i of S: G as it is.",
            lambda G, q, d: (G.T @ d, G.T @ q),
        ),
        Misconception(
            "the opposite sign",
            "Yours is the direction of the step, not the gradient. Training subtracts the gradient; here it is asked "
            "for itself.",
            lambda G, q, d: (-G @ d, -G.T @ q),
        ),
        Misconception(
            "divided by N once more",
            "G is the gradient of the loss with its mean already. You divided by the number of images (or texts) "
            "again.",
            lambda G, q, d: (G @ d / len(G), G.T @ q / len(G)), lambda G, q, d: (G @ d / len(q), G.T @ q / len(d)),
        ),
    ),
)  # fmt: skip

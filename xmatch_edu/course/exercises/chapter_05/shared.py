"""What several exercises of chapter 05 stand on: lengths, cosines, a log-sum-exp."""

import numpy as np


def vectors(random, *shape):
    """Lengths differ, so that dot products and cosines do too."""
    return random.normal(size=shape) * random.uniform(0.5, 1.5, size=(*shape[:-1], 1))


def length(x):
    return np.linalg.norm(x, axis=-1, keepdims=True)


def unit(x):
    return x / length(x)


def image_and_text(random, t, r, d):
    return vectors(random, r, d), vectors(random, t, d)


def cosine(a, b):
    return (a * b).sum(axis=-1) / (length(a) * length(b))[..., 0]


def log_sum_exp(x, axis=-1):
    return np.logaddexp.reduce(x, axis=axis)

"""Random batches for the correctness ladder, and the bounds within which two rungs agree."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from xmatch_edu import loops

SIZES = [1, 2, 3, 5, 7, 8, 13, 31, 64]
LABEL_KINDS = ["none", "permutation", "index", "identity", "several", "soft", "gaps"]


class Case(NamedTuple):
    """One call of matching_loss, as NumPy arrays."""

    scores: np.ndarray  # (N, M) float64, exact in float16 too, so that every dtype gets the same numbers
    labels: np.ndarray | None
    mask: np.ndarray | None
    scale: float
    direction: str
    reduction: str


@st.composite
def matching_cases(draw):
    n, m = draw(st.sampled_from(SIZES)), draw(st.sampled_from(SIZES))
    kind = draw(st.sampled_from(LABEL_KINDS))
    if kind in ("none", "permutation", "identity"):
        m = n
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, scale = draw(st.sampled_from([(0, 1), (1, 1), (1, 100), (1, 0.01), (30, 10), (1e4, 1), (1e4, 0.5)]))
    offset = draw(st.sampled_from([0, 0, -size]))  # also a batch whose scores are all far below zero
    scores = (size * rng.uniform(-1, 1, (n, m)) + offset).astype(np.float16).astype(np.float64)
    labels = labels_of(kind, n, m, rng)
    mask = draw_mask(draw, labels, n, m, rng)
    direction = draw(st.sampled_from(["image_to_text", "text_to_image", "both"]))
    reduction = draw(st.sampled_from(["mean", "sum"] if direction == "both" else ["mean", "sum", "none"]))
    return Case(scores, labels, mask, float(scale), direction, reduction)


def draw_mask(draw, labels, n, m, rng):
    """None, or some of the pairs that are no match, or all of them."""
    if draw(st.booleans()):
        return (rng.random((n, m)) < draw(st.sampled_from([0.2, 1.0]))) & (loops.match_matrix(labels, n, m) == 0)


def labels_of(kind, n, m, rng):
    if kind == "none":
        return None
    if kind == "permutation":
        return rng.permutation(n)
    if kind == "index":
        return rng.integers(0, m, n)
    if kind == "identity":
        return np.eye(n)
    if kind == "soft":
        return (rng.random((n, m)) + 1e-5) * rng.choice([1, 1e-30, 1e30])  # they need not sum to 1, nor be near it
    weights = (rng.random((n, m)) < 0.3).astype(float)
    if kind == "several":
        weights[np.arange(n), rng.integers(0, m, n)] = 1
    weights[rng.integers(n), rng.integers(m)] = 1  # "gaps" may leave rows and columns without a match, never all
    return weights


def anchors(case):
    """How many rows (columns) carry a loss: the larger of the two for "both"."""
    matches = loops.match_matrix(case.labels, *case.scores.shape) > 0
    rows, columns = matches.any(axis=1).sum(), matches.any(axis=0).sum()
    return {"image_to_text": rows, "text_to_image": columns, "both": max(rows, columns)}[case.direction]


def value_bound(case, eps):
    """8·eps·max(1, scale·max|S|) for one row's loss and for a mean of rows; a sum of k rows may be k times as far."""
    bound = 8 * eps * max(1.0, case.scale * np.abs(case.scores).max())
    return bound * (anchors(case) if case.reduction == "sum" else 1)


def gradient_bound(case, eps):
    """The same bound on the norm of the gradient's error, in units of the norm that k one-hot rows have."""
    k = anchors(case)
    unit = case.scale * np.sqrt(k) / (k if case.reduction == "mean" else 1)
    return 8 * eps * max(1.0, case.scale * np.abs(case.scores).max()) * unit

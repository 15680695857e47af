"""What live pictures are given: read and checked here, so that a wrong input is named.

Here live no traits and no drawing. N: pairs (rows and columns of S)    S: pixels a side of a picture    D: features
"""

import base64
import io
from operator import index

import numpy as np
import torch
from PIL import Image

from xmatch_edu import _inputs

LARGEST_N = 64  # more cells than that are too small to pick


def checked_scores(scores, largest=LARGEST_N):
    """scores: anything like an array, (N, N) -> float64. largest: N at most. Errors: ValueError naming scores."""
    scores = real_numbers("scores", scores, "rows for images and columns for texts")
    if scores.ndim != 2 or len(scores) != scores.shape[1] or not 1 <= len(scores) <= largest:
        raise ValueError(
            f"scores must be (N, N), a row for each image and a column for each text, N from 1 to {largest}; "
            f"got {scores.shape}"
        )
    _inputs.check_finite("scores", scores, "image {0}, text {1}")
    return scores


def checked_features(image_features, text_features, n):
    """image_features, text_features (N, D), N being n, or None both -> two arrays, float64; without them (2, 0).

    Errors: ValueError or TypeError naming the argument and the side.
    """
    if image_features is None and text_features is None:
        return np.zeros((2, 0))
    sides = []
    for name, side, features in [("image_features", "image", image_features), ("text_features", "text", text_features)]:
        if features is None:
            raise ValueError(f"{name} (the {side} side) is missing: a dot product needs the features of both sides")
        sides.append(real_numbers(name, features, f"one row for each {side}"))
    _inputs.check_features(*map(torch.from_numpy, sides))
    for side, features in zip(("image", "text"), sides, strict=True):
        if len(features) != n:
            raise ValueError(f"{side}_features: one row for each {side} ({side} side), {n}; got {len(features)}")
    return sides


def checked_cell(value, n):
    """value: a cell of the (n, n) scores -> [row, column]. Errors: ValueError naming cell."""
    value = whole_numbers(value)
    if value is None or len(value) != 2 or not all(0 <= number < n for number in value):
        raise ValueError(f"cell must be (row of an image, column of a text), each below {n}; got {value}")
    return value


def shuffles(n):
    """Twelve orders of n texts, the same on every machine -> a list of lists.

    From N = 3 on none is its own inverse: that would hide which one labels are.
    """
    deals, random = [], np.random.default_rng(0)
    while len(deals) < 12:
        order = random.permutation(n) if n > 2 else np.arange(n)[::-1]
        if n <= 2 or (order[order] != np.arange(n)).any():
            deals.append(order.tolist())
    return deals


def real_numbers(name, x, meaning):
    """x: a tensor of any device and precision, or anything like an array -> float64.

    name: what the caller calls it. meaning: what it holds, in words. Errors: ValueError naming it.
    """
    try:
        x = (x.detach().cpu().double() if hasattr(x, "detach") else np.asarray(x)).__array__()
    except ValueError as error:  # lists of different lengths
        raise ValueError(f"{name} must hold real numbers, {meaning}; {error}") from None
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, {meaning}; got {x.dtype}")
    return x.astype(np.float64)


def whole_numbers(values):
    """values -> a list of ints, or None where one of them is none."""
    try:
        return [index(value) for value in (values.tolist() if hasattr(values, "tolist") else values)]
    except TypeError:
        return None


def place(must, value, count):
    """value: a whole number from 0 to below count -> int. must: "step must be an int". Errors: ValueError with it."""
    number = whole_numbers([value])
    if number is None or not 0 <= number[0] < count:
        raise ValueError(f"{must} from 0 to {count - 1}; got {value!r}")
    return number[0]


def true_or_false(name, value):
    """value: True or False, Python's or NumPy's -> bool. Errors: ValueError with this name."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False; got {value!r}")
    return bool(value)


def png(picture):
    """A picture (S, S, 3) uint8 -> an address that holds the picture itself."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()

"""What live pictures are given, read: anything like an array as NumPy, plain values, and a picture as a PNG.

S: pixels a side of a picture
"""

import base64
import io
from operator import index

import numpy as np
from PIL import Image


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

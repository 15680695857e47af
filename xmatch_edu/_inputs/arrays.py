"""An array or a tensor as such: is it of the right type, does it hold real and finite numbers, and where?

name: what the caller calls it. Errors: ValueError or TypeError naming it.
"""

from itertools import product

FLOATING = ("float16", "bfloat16", "float32", "float64")
INTEGER = ("uint8", "int8", "int16", "int32", "int64")
# What a logit may grow to: half precision is raised to float32 before scaling.
LARGEST = {"float16": 3.4e38, "bfloat16": 3.4e38, "float32": 3.4e38, "float64": 1.79e308}


def check_type(name, x, array_type, meaning):
    """That x is a dense array of array_type, numpy.ndarray or torch.Tensor. meaning: what it holds, in words."""
    if not isinstance(x, array_type) or not is_plain(x):
        expected = f"{array_type.__module__.split('.')[0]}.{array_type.__name__}"
        raise TypeError(f"{name} must be a dense {expected} ({meaning}); got {describe(x)}")


def check_floating(name, x, meaning):
    """That the array x holds floating-point numbers. meaning: as in `check_type`."""
    if dtype_of(x) not in FLOATING:
        raise TypeError(f"{name} must hold floating-point numbers ({meaning}); got {x.dtype}")


def check_finite(name, x, place, advice=""):
    """That the array x holds no NaN and no infinity -> its largest magnitude, a float (None on a GPU).

    place: the words for an entry, {0} its first index. advice: what else to say, after that.
    """
    if not values_visible(x):
        return None
    # The smallest and the largest value tell, without a temporary the size of x. NaN fails the comparison.
    low, high = x.min().item(), x.max().item()
    if low > -float("inf") and high < float("inf"):
        return max(abs(low), abs(high))
    for index in product(*map(range, x.shape)):
        value = x[index].item()
        if not abs(value) < float("inf"):
            raise ValueError(f"{name} must be finite; got {value} at {place.format(*index)}{advice}")


def check_same_device(name, x, other_name, other):
    """That x is where `other` is, called other_name."""
    if getattr(x, "device", None) != getattr(other, "device", None):
        raise ValueError(f"{name} and {other_name} must be on one device; got {x.device} and {other.device}")


def plain_type(x):
    """The type of an array x -> torch.Tensor, for a Parameter too, or numpy.ndarray."""
    return next(kind for kind in type(x).__mro__ if kind.__name__ in ("Tensor", "ndarray"))


def values_visible(x):
    """May the values of x be looked at? -> True on the CPU."""
    return getattr(getattr(x, "device", None), "type", "cpu") == "cpu"


def dtype_of(x):
    """The dtype of an array x -> its name, such as "float32"."""
    return str(x.dtype).removeprefix("torch.")


def is_plain(x):
    """Is x a dense tensor, or an array without a mask of its own? Sparse and masked ones fail far below. -> bool."""
    return str(getattr(x, "layout", "torch.strided")) == "torch.strided" and type(x).__name__ != "MaskedArray"


def describe(x):
    """What came, whatever x is -> a few words."""
    if not hasattr(x, "shape"):
        return type(x).__name__
    return f"{type(x).__name__} of shape {tuple(x.shape)}" + ("" if is_plain(x) else ", sparse or masked")

"""The settings of scores and losses: words, and numbers.

name: what the caller calls it. scores: the checked (N, M) score matrix; largest_score: what `check_scores` returned.
Errors: ValueError or TypeError naming the argument.

N: images (rows of S)    M: texts (columns of S)
"""

from numbers import Real

from xmatch_edu._inputs.arrays import (
    FLOATING,
    LARGEST,
    check_same_device,
    describe,
    dtype_of,
    is_plain,
    values_visible,
)

DIRECTIONS = ("image_to_text", "text_to_image", "both")
REDUCTIONS = ("mean", "sum", "none")
ATTENTIONS = ("dot", "cosine")


def check_choice(name, value, choices):
    """That the value is one of a few words, the choices."""
    if not isinstance(value, str) or value not in choices:
        expected = ", ".join(f'"{choice}"' for choice in choices)
        raise ValueError(f"{name} must be one of {expected}; got {value!r}")


def check_direction_and_reduction(direction, reduction):
    """That direction is one of DIRECTIONS, reduction one of REDUCTIONS, and that they go together."""
    check_choice("direction", direction, DIRECTIONS)
    check_choice("reduction", reduction, REDUCTIONS)
    if reduction == "none" and direction == "both":
        raise ValueError(
            'reduction="none" gives one loss a row (image side) or one a column (text side), so it needs one '
            'direction: "image_to_text" or "text_to_image"; got direction="both"'
        )


def check_count(name, value, meaning="how many at a time", least=1):
    """That the value is an int of at least `least`. meaning: what it counts, in words."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, {meaning}; got {describe(value)}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, {meaning}; got {value}")


def check_gammas(**gammas):
    """That the gammas, by their names, are positive numbers -> a list of floats."""
    for name, gamma in gammas.items():
        _check_number(name, gamma)
        if not 0 < gamma < float("inf"):
            raise ValueError(f"{name} must be positive and finite; got {gamma}")
    return [float(gamma) for gamma in gammas.values()]


def check_scale(scale, scores, largest_score):
    """That scale is a positive number; with tensors a 0-d tensor too (on the device of the scores, or on the CPU).

    -> the tensor, or the number as a float.
    """
    scale, value = _scalar("scale", scale, scores)
    if value is None:
        return scale
    if not 0 < value < float("inf"):
        raise ValueError(f"scale must be positive and finite (1/temperature); got {value}")
    if largest_score is not None and not value * largest_score <= LARGEST[dtype_of(scores)]:
        raise ValueError(f"scale × the largest of scores, {value:.3g} × {largest_score:.3g}, overflows {scores.dtype}")
    return scale


def check_bias(bias, scores):
    """That bias is a finite number; with tensors a 0-d tensor too, as in `check_scale` -> it, or a float."""
    bias, value = _scalar("bias", bias, scores)
    if value is not None and not abs(value) < float("inf"):
        raise ValueError(f"bias must be finite; got {value}")
    return bias


def _scalar(name, x, scores):
    """-> (the 0-d tensor, or the number as a float; its value, None on a GPU)."""
    if not (hasattr(x, "requires_grad") and hasattr(scores, "requires_grad")):
        _check_number(name, x)
        try:
            x = float(x)
        except OverflowError:
            x = float("inf")
        return x, x
    if tuple(x.shape) != () or dtype_of(x) not in FLOATING or not is_plain(x):
        raise TypeError(f"{name} must be a number or a 0-d floating tensor; got {describe(x)}")
    if values_visible(x):
        return x, x.item()
    check_same_device(name, x, "scores", scores)
    return x, None


def _check_number(name, x):
    if isinstance(x, bool) or not isinstance(x, Real):
        raise TypeError(f"{name} must be a number; got {describe(x)}")


def check_shifted_logits(scale, bias, scores, largest_score):
    """That scale × scores + bias fits the dtype, and so does its sum over all pairs. On the CPU only.

    scale, bias: what `check_scale` and `check_bias` returned.
    """
    if largest_score is None:
        return
    scale, bias = (x.item() if hasattr(x, "requires_grad") else x for x in (scale, bias))
    pairs = scores.shape[0] * scores.shape[1]
    if not pairs * (scale * largest_score + abs(bias)) <= LARGEST[dtype_of(scores)]:
        raise ValueError(
            f"scale × scores + bias, {scale:.3g} × up to {largest_score:.3g} + {bias:.3g}, is so large that its sum "
            f"over the {pairs} pairs may overflow {scores.dtype}"
        )


def check_margin(margin, scores, largest_score):
    """That margin is a number of at least 0 -> a float."""
    _check_number("margin", margin)
    if not 0 <= margin < float("inf"):
        raise ValueError(f"margin must be at least 0 and finite; got {margin}")
    if largest_score is not None and not margin + 2 * largest_score <= LARGEST[dtype_of(scores)]:
        raise ValueError(f"margin + a difference of scores, {margin:.3g} + 2 × {largest_score:.3g}, may overflow "
                         f"{scores.dtype}")
    return float(margin)


def check_negatives(negatives):
    """That negatives is "all", "hardest", or how many of the hardest -> how many at most, None for all."""
    if isinstance(negatives, int) and not isinstance(negatives, bool) and negatives >= 1:
        return negatives
    if not isinstance(negatives, str) or negatives not in ("all", "hardest"):
        raise ValueError(
            f'negatives must be "all", "hardest", or how many of the hardest count for each match, an int of at least '
            f"1; got {negatives!r}"
        )
    return 1 if negatives == "hardest" else None

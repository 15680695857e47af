"""What a wrong input is told. Every room asks here first, so that a mistake is named once and in one voice.

Each check takes NumPy arrays (from `loops`) and torch tensors (from every other room) alike, and imports neither.
A message names the argument, its side (image or text), what was expected and what came.
On the CPU the values are looked at. On a GPU only types, shapes and devices are: a look at the values would make
the program wait for the device.
"""

from itertools import product
from numbers import Real

_FLOATING = ("float16", "bfloat16", "float32", "float64")
_INTEGER = ("uint8", "int8", "int16", "int32", "int64")
# What a logit may grow to: half precision is raised to float32 before scaling.
_LARGEST = {"float16": 3.4e38, "bfloat16": 3.4e38, "float32": 3.4e38, "float64": 1.79e308}

DIRECTIONS = ("image_to_text", "text_to_image", "both")
REDUCTIONS = ("mean", "sum", "none")
ATTENTIONS = ("dot", "cosine")


def check_choice(name, value, choices):
    """One of a few words: `direction`, `reduction`."""
    if not isinstance(value, str) or value not in choices:
        expected = ", ".join(f'"{choice}"' for choice in choices)
        raise ValueError(f"{name} must be one of {expected}; got {value!r}")


def check_direction_and_reduction(direction, reduction):
    check_choice("direction", direction, DIRECTIONS)
    check_choice("reduction", reduction, REDUCTIONS)
    if reduction == "none" and direction == "both":
        raise ValueError(
            'reduction="none" gives one loss a row (image side) or one a column (text side), so it needs one '
            'direction: "image_to_text" or "text_to_image"; got direction="both"'
        )


def check_scale(scale, scores, largest_score):
    """A positive number; with tensors a 0-d tensor too (on the device of `scores`, or on the CPU).

    largest_score: what `check_scores` returned. -> the tensor, or the number as a float.
    """
    is_tensor = hasattr(scale, "requires_grad") and hasattr(scores, "requires_grad")
    if is_tensor:
        if tuple(scale.shape) != () or _dtype(scale) not in _FLOATING or not _is_plain(scale):
            raise TypeError(f"scale must be a number or a 0-d floating tensor; got {_describe(scale)}")
        if not _values_visible(scale):
            check_same_device("scale", scale, "scores", scores)
            return scale
    elif isinstance(scale, bool) or not isinstance(scale, Real):
        raise TypeError(f"scale must be a number; got {_describe(scale)}")
    try:
        value = scale.item() if is_tensor else float(scale)
    except OverflowError:
        value = float("inf")
    if not 0 < value < float("inf"):
        raise ValueError(f"scale must be positive and finite (1/temperature); got {value}")
    if largest_score is not None and not value * largest_score <= _LARGEST[_dtype(scores)]:
        raise ValueError(f"scale × the largest of scores, {value:.3g} × {largest_score:.3g}, overflows {scores.dtype}")
    return scale if is_tensor else value


def check_features(image_features, text_features, array_type, names=("image_features", "text_features")):
    """(N, D) and (M, D), of one width, one dtype and one device. names: what the caller calls them.

    -> the most that a dot product of them can be (None on a GPU).
    """
    sides = [
        (names[0], "image", "(N, D), one row for each image", "one image and one feature", image_features),
        (names[1], "text", "(M, D), one row for each text", "one text and one feature", text_features),
    ]
    _check_two_sides(sides, array_type)
    at_image, at_text = (check_finite(name, features, f"{side} {{0}}, feature {{1}}")
                         for name, side, *_, features in sides)
    return None if at_image is None else at_image * at_text * image_features.shape[1]


def check_paired_features(image_features, text_features, class_ids, array_type):
    """As `check_features`, for N pairs: text i belongs to image i. class_ids: None, or (N,) integers."""
    largest = check_features(image_features, text_features, array_type)
    n = len(image_features)
    if len(text_features) != n:
        raise ValueError(
            f"image_features and text_features come in pairs, text i beside image i; "
            f"got {n} on the image side and {len(text_features)} on the text side"
        )
    if largest is not None and not largest <= _LARGEST[_dtype(image_features)]:
        raise ValueError(
            f"image_features (image side) and text_features (text side) are so large that a dot product of them, up to "
            f"{largest:.3g}, may overflow {image_features.dtype}"
        )
    if class_ids is not None:
        check_class_ids("class_ids", "pair", class_ids, array_type)
        if len(class_ids) != n:
            raise ValueError(f"class_ids must have one class for each pair (image and text), {n}; got {len(class_ids)}")
        check_same_device("class_ids", class_ids, "image_features", image_features)
    return largest


def check_size(name, size):
    """How many at a time: a positive int."""
    if isinstance(size, bool) or not isinstance(size, int):
        raise TypeError(f"{name} must be an int; got {_describe(size)}")
    if size < 1:
        raise ValueError(f"{name} must be at least 1; got {size}")


def check_regions_and_words(regions, words, array_type, *, batched=True):
    """(N, R, D) and (M, T, D), or (R, D) and (T, D) of one image and one text, with dot products that fit the dtype."""
    one, image, text = ("", "image {0}, ", "text {0}, ") if batched else (" of one image and one text", "", "")
    form = "({}{}, D)" + one
    at = ["{1}", "{2}"] if batched else ["{0}", "{1}"]
    sides = [
        ("regions", "image", form.format("N, " * batched, "R"), "one region and one feature", regions),
        ("words", "text", form.format("M, " * batched, "T"), "one word and one feature", words),
    ]
    _check_two_sides(sides, array_type)
    at_region = check_finite("regions", regions, f"{image}region {at[0]}, feature {at[1]}")
    at_word = check_finite("words", words, f"{text}word {at[0]}, feature {at[1]}")
    if at_region is not None and not at_region * at_word * regions.shape[-1] <= _LARGEST[_dtype(regions)]:
        raise ValueError(
            f"regions (image side) and words (text side) are so large, up to {at_region:.3g} and {at_word:.3g}, that a "
            f"dot product of them may overflow {regions.dtype}"
        )


def _check_two_sides(sides, array_type):
    """sides: (name, "image" or "text", the shape in words, what must not be lacking, the array), images first."""
    for name, side, form, least, features in sides:
        _check_type(name, features, array_type, f"the {side} side")
        if features.ndim != form[: form.index(")")].count(",") + 1:
            raise ValueError(f"{name} must have shape {form}; got shape {tuple(features.shape)}")
        if 0 in features.shape:
            raise ValueError(f"{name} is empty: shape {tuple(features.shape)}; the {side} side needs {least}")
        _check_floating(name, features, f"the {side} side")
    (image_name, *_, image), (text_name, *_, text) = sides
    if image.shape[-1] != text.shape[-1]:
        raise ValueError(
            f"{image_name} and {text_name} must have the same width D; "
            f"got D = {image.shape[-1]} on the image side and D = {text.shape[-1]} on the text side"
        )
    if image.dtype != text.dtype:
        raise TypeError(
            f"{image_name} and {text_name} must have the same dtype; "
            f"got {image.dtype} on the image side and {text.dtype} on the text side"
        )
    check_same_device(f"{text_name} (text side)", text, f"{image_name} (image side)", image)


def check_lengths(lengths, words, array_type):
    """None, or (M,) integers from 1 to T: how many words of each text are no padding."""
    if lengths is None:
        return
    m, longest = words.shape[:2]
    _check_type("lengths", lengths, array_type, "the number of words of each text")
    if tuple(lengths.shape) != (m,):
        raise ValueError(
            f"lengths must have one number of words for each text, shape ({m},); got shape {tuple(lengths.shape)}"
        )
    if _dtype(lengths) not in _INTEGER:
        raise TypeError(f"lengths must be integers (int64, say), the number of words of each text; got {lengths.dtype}")
    check_same_device("lengths", lengths, "words (text side)", words)
    if _values_visible(lengths):
        for j, length in enumerate(lengths.tolist()):
            if not 1 <= length <= longest:
                raise ValueError(
                    f"lengths must be from 1 to T = {longest}, the room for words; got {length} for text {j}"
                )


def check_gammas(**gammas):
    """Positive numbers -> a list of floats."""
    for name, gamma in gammas.items():
        if isinstance(gamma, bool) or not isinstance(gamma, Real):
            raise TypeError(f"{name} must be a number; got {_describe(gamma)}")
        if not 0 < gamma < float("inf"):
            raise ValueError(f"{name} must be positive and finite; got {gamma}")
    return [float(gamma) for gamma in gammas.values()]


def check_pairs(regions, words, image_codes, sentence_codes, class_ids, array_type):
    """A batch of N pairs: each has N entries, text i beside image i. regions and words have been checked."""
    n = len(regions)
    if len(words) != n:
        raise ValueError(
            f"regions and words come in pairs, text i beside image i; "
            f"got {n} on the image side and {len(words)} on the text side"
        )
    check_features(image_codes, sentence_codes, array_type, names=("image_codes", "sentence_codes"))
    for name, side, codes in (("image_codes", "image", image_codes), ("sentence_codes", "text", sentence_codes)):
        if len(codes) != n:
            raise ValueError(f"{name} must have one row for each pair ({side} side), {n} as regions; got {len(codes)}")
        check_same_device(f"{name} ({side} side)", codes, "regions", regions)
        if codes.dtype != regions.dtype:
            raise TypeError(f"{name} ({side} side) must have the dtype of regions, {regions.dtype}; got {codes.dtype}")
    if class_ids is not None:
        check_class_ids("class_ids", "pair", class_ids, array_type)
        if len(class_ids) != n:
            raise ValueError(f"class_ids must have one class for each pair (image and text), {n}; got {len(class_ids)}")
        check_same_device("class_ids", class_ids, "regions", regions)


def check_scores(scores, array_type):
    """(N, M), floating, finite, at least one image and one text -> the largest magnitude (None on a GPU)."""
    _check_type("scores", scores, array_type, "rows are images, columns are texts")
    if scores.ndim != 2:
        raise ValueError(
            f"scores must have shape (N, M), rows for images and columns for texts; got shape {tuple(scores.shape)}"
        )
    if 0 in scores.shape:
        empty = "image side (no row)" if scores.shape[0] == 0 else "text side (no column)"
        raise ValueError(f"scores is empty on the {empty}: shape {tuple(scores.shape)}; a batch needs one pair")
    _check_floating("scores", scores, "rows are images, columns are texts")
    return check_finite("scores", scores, "image {0}, text {1}", "; to leave a pair out, use mask")


def check_labels(labels, scores):
    """None, (N,) column numbers, or (N, M) weights; with at least one match."""
    n, m = scores.shape
    if labels is None:
        if n != m:
            raise ValueError(
                f"labels is needed when the sides differ: there are {n} images (rows) and {m} texts (columns), "
                f"and nothing says which text belongs to which image"
            )
        return
    array_type = _plain_type(scores)
    _check_type("labels", labels, array_type, "which text belongs to which image")
    check_same_device("labels", labels, "scores", scores)
    if labels.ndim == 1:
        _check_index_labels(labels, n, m)
    elif labels.ndim == 2:
        _check_weight_labels(labels, n, m)
    else:
        raise ValueError(
            f"labels must have shape (N,) = ({n},) (for each image, the number of its text) or "
            f"(N, M) = ({n}, {m}) (rows images, columns texts); got shape {tuple(labels.shape)}"
        )


def _check_index_labels(labels, n, m):
    if _dtype(labels) not in _INTEGER:
        raise TypeError(
            f"labels of shape (N,) must be integers (int64, say), for each image the number of its text's column; "
            f"got {labels.dtype}"
        )
    if labels.shape[0] != n:
        raise ValueError(f"labels must have one entry for each image: {n}; got {labels.shape[0]}")
    if _values_visible(labels):
        for end in (int(labels.min()), int(labels.max())):
            if not 0 <= end < m:
                raise ValueError(f"labels must be column numbers from 0 to {m - 1} (text side); got {end}")


def _check_weight_labels(labels, n, m):
    if tuple(labels.shape) != (n, m):
        raise ValueError(
            f"labels of rank 2 must have the shape of scores, (N, M) = ({n}, {m}): rows images, columns texts; "
            f"got shape {tuple(labels.shape)}"
        )
    if getattr(labels, "requires_grad", False):
        raise ValueError(
            "labels say which image and text match, and get no gradient; got labels that require grad: use "
            "labels.detach()"
        )
    if _dtype(labels) not in (*_FLOATING, *_INTEGER, "bool"):
        raise TypeError(f"labels of shape (N, M) must be weights, real numbers of at least 0; got {labels.dtype}")
    if _values_visible(labels) and _dtype(labels) != "bool":
        check_finite("labels", labels, "image {0}, text {1}")
        if labels.min().item() < 0:
            raise ValueError(
                f"labels must be weights of at least 0 between image and text; got {labels.min().item()}"
            )
    if _values_visible(labels) and not bool((labels != 0).any()):
        raise ValueError("labels has no match at all: every weight between an image and a text is 0")


def check_hard_labels(labels, what="a ranking loss"):
    """Where a pair matches or it does not: (N, M) labels of 0 and 1. `labels` has been checked before."""
    if labels is None or labels.ndim == 1 or not _values_visible(labels) or _dtype(labels) == "bool":
        return
    if not bool(((labels != 0) & (labels != 1)).any()):
        return
    for i, j in product(*map(range, labels.shape)):
        if labels[i, j].item() not in (0, 1):
            raise ValueError(
                f"labels of {what} must be 0 or 1, because a pair matches or it does not; "
                f"got {labels[i, j].item()} for image {i}, text {j}"
            )


def check_bias(bias, scores):
    """A finite number; with tensors a 0-d tensor too (on the device of `scores`, or on the CPU) -> it, or a float."""
    if hasattr(bias, "requires_grad") and hasattr(scores, "requires_grad"):
        if tuple(bias.shape) != () or _dtype(bias) not in _FLOATING or not _is_plain(bias):
            raise TypeError(f"bias must be a number or a 0-d floating tensor; got {_describe(bias)}")
        if not _values_visible(bias):
            check_same_device("bias", bias, "scores", scores)
            return bias
    elif isinstance(bias, bool) or not isinstance(bias, Real):
        raise TypeError(f"bias must be a number; got {_describe(bias)}")
    try:
        value = bias.item() if hasattr(bias, "requires_grad") else float(bias)
    except OverflowError:
        value = float("inf")
    if not abs(value) < float("inf"):
        raise ValueError(f"bias must be finite; got {value}")
    return bias if hasattr(bias, "requires_grad") else value


def check_shifted_logits(scale, bias, scores, largest_score):
    """That scale × scores + bias fits the dtype, and so does its sum over all pairs. On the CPU only.

    scale, bias: what `check_scale` and `check_bias` returned; largest_score: what `check_scores` returned.
    """
    if largest_score is None:
        return
    scale, bias = (x.item() if hasattr(x, "requires_grad") else x for x in (scale, bias))
    pairs = scores.shape[0] * scores.shape[1]
    if not pairs * (scale * largest_score + abs(bias)) <= _LARGEST[_dtype(scores)]:
        raise ValueError(
            f"scale × scores + bias, {scale:.3g} × up to {largest_score:.3g} + {bias:.3g}, is so large that its sum "
            f"over the {pairs} pairs may overflow {scores.dtype}"
        )


def check_margin(margin, scores, largest_score):
    """A number of at least 0 -> a float. largest_score: what `check_scores` returned."""
    if isinstance(margin, bool) or not isinstance(margin, Real):
        raise TypeError(f"margin must be a number; got {_describe(margin)}")
    if not 0 <= margin < float("inf"):
        raise ValueError(f"margin must be at least 0 and finite; got {margin}")
    if largest_score is not None and not margin + 2 * largest_score <= _LARGEST[_dtype(scores)]:
        raise ValueError(f"margin + a difference of scores, {margin:.3g} + 2 × {largest_score:.3g}, may overflow "
                         f"{scores.dtype}")
    return float(margin)


def check_negatives(negatives):
    """"all", "hardest", or how many of the hardest -> how many at most, None for all."""
    if isinstance(negatives, int) and not isinstance(negatives, bool) and negatives >= 1:
        return negatives
    if not isinstance(negatives, str) or negatives not in ("all", "hardest"):
        raise ValueError(
            f'negatives must be "all", "hardest", or how many of the hardest count for each match, an int of at least '
            f"1; got {negatives!r}"
        )
    return 1 if negatives == "hardest" else None


def check_one_view(scores, group_ids, array_type):
    """(N, N) scores of one view with itself, and the (N,) groups of its items -> the largest magnitude of scores."""
    largest = check_scores(scores, array_type)
    n, m = scores.shape
    if n != m:
        raise ValueError(
            f"scores of one view must be (N, N), images with images or texts with texts; got shape {(n, m)}"
        )
    check_class_ids("group_ids", "item", group_ids, array_type)
    if len(group_ids) != n:
        raise ValueError(f"group_ids must have one group for each item (row of scores), {n}; got {len(group_ids)}")
    check_same_device("group_ids", group_ids, "scores", scores)
    return largest


def check_mask(mask, scores, labels):
    """(N, M) bool, True leaves the pair out; it may not leave out a match. `labels` has been checked before."""
    if mask is None:
        return
    _check_type("mask", mask, _plain_type(scores), "True leaves the pair (image, text) out")
    if _dtype(mask) != "bool":
        raise TypeError(f"mask must be bool, True for each pair (image, text) to leave out; got {mask.dtype}")
    if tuple(mask.shape) != tuple(scores.shape):
        raise ValueError(
            f"mask must have the shape of scores, (N, M) = {tuple(scores.shape)}: rows images, columns texts; "
            f"got shape {tuple(mask.shape)}"
        )
    check_same_device("mask", mask, "scores", scores)
    if not _values_visible(mask):
        return
    if labels is not None and labels.ndim == 2:
        masked_match = bool((mask & (labels != 0)).any())
    else:
        images = list(range(len(mask)))
        texts = images if labels is None else labels.tolist()
        masked_match = bool(mask[images, texts].any())
    if masked_match:
        raise ValueError("mask leaves out a match: an image would lose its own text; only non-matches can be masked")


def check_class_ids(name, side, class_ids, array_type):
    """(N,) or (M,) integers: the class of each image or text."""
    _check_type(name, class_ids, array_type, f"the class of each {side}")
    if class_ids.ndim != 1 or class_ids.shape[0] == 0:
        raise ValueError(
            f"{name} must have one class number for each {side}: shape (number of {side}s,); "
            f"got shape {tuple(class_ids.shape)}"
        )
    if _dtype(class_ids) not in _INTEGER:
        raise TypeError(f"{name} must be integers (int64, say), the class of each {side}; got {class_ids.dtype}")


def check_count(name, n):
    """A number of pairs: a positive int."""
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"{name} must be an int, the number of image-text pairs; got {_describe(n)}")
    if n < 1:
        raise ValueError(f"{name} must be at least 1, the number of image-text pairs; got {n}")


def check_positions(positions, count, each):
    """A tensor of one dimension: integers from 0 to count − 1, or none. each: what stands there, "pair" or "scene"."""
    if positions.ndim != 1 or (len(positions) and _dtype(positions) not in _INTEGER):
        raise TypeError(f"positions must be a list of integers, one a {each}; got {positions.dtype}")
    for position in positions.tolist():
        if not 0 <= position < count:
            raise ValueError(f"positions must be from 0 to {count - 1}, one a {each}; got {position}")


def _check_type(name, x, array_type, meaning):
    if not isinstance(x, array_type) or not _is_plain(x):
        expected = f"{array_type.__module__.split('.')[0]}.{array_type.__name__}"
        raise TypeError(f"{name} must be a dense {expected} ({meaning}); got {_describe(x)}")


def _check_floating(name, x, meaning):
    if _dtype(x) not in _FLOATING:
        raise TypeError(f"{name} must hold floating-point numbers ({meaning}); got {x.dtype}")


def check_finite(name, x, place, advice=""):
    """No NaN or infinity; `place` names the entry, {0} its first index -> largest magnitude (None on a GPU)."""
    if not _values_visible(x):
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
    if getattr(x, "device", None) != getattr(other, "device", None):
        raise ValueError(f"{name} and {other_name} must be on one device; got {x.device} and {other.device}")


def _plain_type(x):
    """torch.Tensor for a Parameter too; numpy.ndarray for an array."""
    return next(kind for kind in type(x).__mro__ if kind.__name__ in ("Tensor", "ndarray"))


def _values_visible(x):
    return getattr(getattr(x, "device", None), "type", "cpu") == "cpu"


def _dtype(x):
    return str(x.dtype).removeprefix("torch.")


def _is_plain(x):
    """A dense tensor, or an array without a mask of its own: sparse and masked ones fail far below."""
    return str(getattr(x, "layout", "torch.strided")) == "torch.strided" and type(x).__name__ != "MaskedArray"


def _describe(x):
    if not hasattr(x, "shape"):
        return type(x).__name__
    return f"{type(x).__name__} of shape {tuple(x.shape)}" + ("" if _is_plain(x) else ", sparse or masked")

"""What a wrong input is told. Every room but `loops` asks here first, so that a mistake is named once and in one voice.

A message names the argument, its side (image or text), what was expected and what came. On the CPU the values of
tensors are looked at. On a GPU only types, shapes and devices are: a look at the values would make the program wait for
the device. In this order: arrays as such; settings, which are words and numbers; the score matrix, and which of its
pairs match; features. Nothing is imported before it is needed: `plots` asks here where torch is absent.

name: what the caller calls an argument. scores, where they are only looked at: the checked score matrix S (N, M).
largest_score: what `check_scores` gave. Errors: ValueError or TypeError naming the argument, and its side.

N: images (rows of S)    M: texts (columns of S)    D: features    R: regions of an image    T: words of a text
K: positions
"""

from itertools import product
from numbers import Real

FLOATING = ("float16", "bfloat16", "float32", "float64")
INTEGER = ("uint8", "int8", "int16", "int32", "int64")
# What a logit may grow to: half precision is raised to float32 before scaling.
LARGEST = {"float16": 3.4e38, "bfloat16": 3.4e38, "float32": 3.4e38, "float64": 1.79e308}

DIRECTIONS = ("image_to_text", "text_to_image", "both")
REDUCTIONS = ("mean", "sum", "none")
ATTENTIONS = ("dot", "cosine")

# ---- Arrays as such


def _check_type(name, x, meaning):
    import torch

    if not isinstance(x, torch.Tensor) or _is_sparse(x):
        raise TypeError(f"{name} must be a dense torch.Tensor ({meaning}); got {_describe(x)}")


def _check_floating(name, x, meaning):
    if _dtype_of(x) not in FLOATING:
        raise TypeError(f"{name} must hold floating-point numbers ({meaning}); got {x.dtype}")


def _check_whole(name, x, meaning):
    if _dtype_of(x) not in INTEGER:
        raise TypeError(f"{name} must be integers (int64, say), {meaning}; got {x.dtype}")


def check_finite(name, x, place, advice=""):
    """That x, a tensor or a NumPy array, holds no NaN and no infinity -> its largest magnitude (None on a GPU).

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
    if x.device != other.device:
        raise ValueError(f"{name} and {other_name} must be on one device; got {x.device} and {other.device}")


def values_visible(x):
    """May the values of x be looked at? -> True on the CPU."""
    return getattr(getattr(x, "device", None), "type", "cpu") == "cpu"


def _dtype_of(x):
    return str(x.dtype).removeprefix("torch.")


def _is_sparse(x):
    return str(getattr(x, "layout", "torch.strided")) != "torch.strided"


def _describe(x):
    if not hasattr(x, "shape"):
        return type(x).__name__
    return f"{type(x).__name__} of shape {tuple(x.shape)}" + ", sparse" * _is_sparse(x)


# ---- Settings


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
        raise ValueError('reduction="none" gives one loss a row (image side) or one a column (text side), so it needs '
                         'one direction: "image_to_text" or "text_to_image"; got direction="both"')


def is_count(value, least=1):
    """Is the value an int of at least `least`? -> bool. True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_count(name, value, meaning="how many at a time", least=1):
    """That the value is an int of at least `least`. meaning: what it counts, in words."""
    if not is_count(value, -float("inf")):
        raise TypeError(f"{name} must be an int, {meaning}; got {_describe(value)}")
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
    """That scale is a positive number, or a 0-d tensor (on the device of the scores, or on the CPU).

    -> the tensor, or the number as a float.
    """
    scale, value = _scalar("scale", scale, scores)
    if value is None:
        return scale
    if not 0 < value < float("inf"):
        raise ValueError(f"scale must be positive and finite (1/temperature); got {value}")
    if largest_score is not None and not value * largest_score <= LARGEST[_dtype_of(scores)]:
        raise ValueError(f"scale × the largest of scores, {value:.3g} × {largest_score:.3g}, overflows {scores.dtype}")
    return scale


def check_bias(bias, scores):
    """That bias is a finite number, or a 0-d tensor as in `check_scale` -> it, or a float."""
    bias, value = _scalar("bias", bias, scores)
    if value is not None and not abs(value) < float("inf"):
        raise ValueError(f"bias must be finite; got {value}")
    return bias


def _scalar(name, x, scores):
    """-> (the 0-d tensor, or the number as a float; its value, None on a GPU)."""
    if not hasattr(x, "requires_grad"):
        _check_number(name, x)
        try:
            x = float(x)
        except OverflowError:
            x = float("inf")
        return x, x
    if tuple(x.shape) != () or _dtype_of(x) not in FLOATING or _is_sparse(x):
        raise TypeError(f"{name} must be a number or a 0-d floating tensor; got {_describe(x)}")
    if values_visible(x):
        return x, x.item()
    check_same_device(name, x, "scores", scores)
    return x, None


def _check_number(name, x):
    if isinstance(x, bool) or not isinstance(x, Real):
        raise TypeError(f"{name} must be a number; got {_describe(x)}")


def check_shifted_logits(scale, bias, scores, largest_score):
    """That scale × scores + bias fits the dtype, and so does its sum over all pairs. On the CPU only.

    scale, bias: what `check_scale` and `check_bias` returned.
    """
    if largest_score is None:
        return
    scale, bias = (x.item() if hasattr(x, "requires_grad") else x for x in (scale, bias))
    pairs = scores.shape[0] * scores.shape[1]
    if not pairs * (scale * largest_score + abs(bias)) <= LARGEST[_dtype_of(scores)]:
        raise ValueError(f"scale × scores + bias, {scale:.3g} × up to {largest_score:.3g} + {bias:.3g}, is so large "
                         f"that its sum over the {pairs} pairs may overflow {scores.dtype}")


def check_margin(margin, scores, largest_score):
    """That margin is a number of at least 0 -> a float."""
    _check_number("margin", margin)
    if not 0 <= margin < float("inf"):
        raise ValueError(f"margin must be at least 0 and finite; got {margin}")
    if largest_score is not None and not margin + 2 * largest_score <= LARGEST[_dtype_of(scores)]:
        raise ValueError(f"margin + a difference of scores, {margin:.3g} + 2 × {largest_score:.3g}, may overflow "
                         f"{scores.dtype}")
    return float(margin)


def check_negatives(negatives):
    """That negatives is "all", "hardest", or how many of the hardest -> how many at most, None for all."""
    if is_count(negatives):
        return negatives
    if not isinstance(negatives, str) or negatives not in ("all", "hardest"):
        raise ValueError(f'negatives must be "all", "hardest", or an int of at least 1, how many of the hardest count '
                         f"for each match; got {negatives!r}")
    return 1 if negatives == "hardest" else None


# ---- The score matrix, and which of its pairs match


def check_scores(scores):
    """scores (N, M), floating, finite, at least one image and one text -> the largest magnitude (None on a GPU)."""
    _check_type("scores", scores, "rows are images, columns are texts")
    shape = tuple(scores.shape)
    if len(shape) != 2:
        raise ValueError(f"scores must have shape (N, M), rows for images and columns for texts; got shape {shape}")
    if 0 in shape:
        empty = "image side (no row)" if shape[0] == 0 else "text side (no column)"
        raise ValueError(f"scores is empty on the {empty}: shape {shape}; a batch needs one pair")
    _check_floating("scores", scores, "rows are images, columns are texts")
    return check_finite("scores", scores, "image {0}, text {1}", "; to leave a pair out, use mask")


def check_one_view(scores, group_ids):
    """scores (N, N) of one view with itself, and the groups of its items, group_ids (N,) integers -> the largest
    magnitude of the scores (None on a GPU)."""
    largest = check_scores(scores)
    n, m = scores.shape
    if n != m:
        raise ValueError(f"scores of one view must be (N, N), images with images or texts with texts; got {(n, m)}")
    check_one_each("group_ids", group_ids, n, "group", "item (row of scores)", "scores", scores)
    return largest


def check_labels(labels, scores):
    """labels: None, (N,) column numbers, or (N, M) weights; with at least one match."""
    n, m = scores.shape
    if labels is None:
        if n != m:
            raise ValueError(f"labels is needed when the sides differ: there are {n} images (rows) and {m} texts "
                             f"(columns), and nothing says which text belongs to which image")
        return
    _check_type("labels", labels, "which text belongs to which image")
    check_same_device("labels", labels, "scores", scores)
    if labels.shape not in ((n,), (n, m)):
        raise ValueError(f"labels must have shape (N,) = ({n},), for each image the number of its text, or (N, M) = "
                         f"({n}, {m}), rows images, columns texts; got shape {tuple(labels.shape)}")
    if labels.ndim == 2:
        _check_weights(labels)
        return
    _check_whole("labels of shape (N,)", labels, "for each image the number of its text's column")
    if values_visible(labels):
        for end in (int(labels.min()), int(labels.max())):
            if not 0 <= end < m:
                raise ValueError(f"labels must be column numbers from 0 to {m - 1} (text side); got {end}")


def _check_weights(labels):
    if labels.requires_grad:
        raise ValueError("labels, which image and text match, get no gradient; got some that require grad: use "
                         "labels.detach()")
    if _dtype_of(labels) not in (*FLOATING, *INTEGER, "bool"):
        raise TypeError(f"labels of shape (N, M) must be weights, real numbers of at least 0; got {labels.dtype}")
    if not values_visible(labels):
        return
    if _dtype_of(labels) != "bool":
        check_finite("labels", labels, "image {0}, text {1}")
        if labels.min() < 0:
            raise ValueError(f"labels must be weights of at least 0 between image and text; got {labels.min().item()}")
    if not labels.any():
        raise ValueError("labels has no match at all: every weight between an image and a text is 0")


def check_hard_labels(labels, what="a ranking loss"):
    """labels of a loss where a pair matches or it does not: as (N, M) of 0 and 1. what: the words for the loss."""
    if labels is None or labels.ndim == 1 or not values_visible(labels):
        return
    wrong = ((labels != 0) & (labels != 1)).nonzero().tolist()
    if wrong:
        i, j = wrong[0]
        raise ValueError(f"labels of {what} must be 0 or 1, because a pair matches or it does not; "
                         f"got {labels[i, j].item()} for image {i}, text {j}")


def check_mask(mask, scores, labels):
    """mask: None, or (N, M) bool, True leaves the pair out; it may not leave out a match of the checked labels."""
    if mask is None:
        return
    _check_type("mask", mask, "True leaves the pair (image, text) out")
    if _dtype_of(mask) != "bool":
        raise TypeError(f"mask must be bool, True for each pair (image, text) to leave out; got {mask.dtype}")
    if mask.shape != scores.shape:
        raise ValueError(f"mask must have the shape of scores, (N, M) = {tuple(scores.shape)}: rows images, columns "
                         f"texts; got shape {tuple(mask.shape)}")
    check_same_device("mask", mask, "scores", scores)
    if not values_visible(mask):
        return
    if labels is not None and labels.ndim == 2:
        matches = mask & (labels != 0)
    else:
        images = list(range(len(mask)))
        matches = mask[images, images if labels is None else labels.tolist()]
    if matches.any():
        raise ValueError("mask leaves out a match: an image would lose its own text; only non-matches can be masked")


def check_one_each(name, x, count, what, each, other_name="", other=None):
    """That x is (count,) integers, one `what` for `each`, where `other` is, called other_name. count None: any."""
    _check_type(name, x, f"the {what} of each {each}")
    if x.ndim != 1 or len(x) != (count or max(1, len(x))):
        got = len(x) if x.ndim == 1 else f"shape {tuple(x.shape)}"
        raise ValueError(f"{name} must have one {what} for each {each}, {count or 'at least 1'}; got {got}")
    _check_whole(name, x, f"the {what} of each {each}")
    if other is not None:
        check_same_device(name, x, other_name, other)


def check_positions(positions, count, each):
    """positions: a tensor (K,), integers from 0 to count − 1, or empty. each: what stands there, "pair" or "scene"."""
    if positions.ndim != 1 or (len(positions) and _dtype_of(positions) not in INTEGER):
        raise TypeError(f"positions must be a list of integers, one a {each}; got {positions.dtype}")
    for position in positions.tolist():
        if not 0 <= position < count:
            raise ValueError(f"positions must be from 0 to {count - 1}, one a {each}; got {position}")


# ---- Features of images and texts: of the whole, or of regions and words; and pair beside pair


def check_features(image_features, text_features, names=("image_features", "text_features")):
    """image_features (N, D), text_features (M, D), of one width, one dtype and one device. names: those to be told.

    -> the most that a dot product of them can be (None on a GPU).
    """
    _check_side(names[0], image_features, "image", "(N, D), one row for each image", "one image and one feature")
    _check_side(names[1], text_features, "text", "(M, D), one row for each text", "one text and one feature")
    _check_alike(names, image_features, text_features)
    at_image = check_finite(names[0], image_features, "image {0}, feature {1}")
    at_text = check_finite(names[1], text_features, "text {0}, feature {1}")
    return None if at_image is None else at_image * at_text * image_features.shape[1]


def check_as_many(image, text, names=("image_features", "text_features")):
    """That image and text, called by these names, have as many rows: text i belongs to image i."""
    if len(image) != len(text):
        raise ValueError(f"{names[0]} and {names[1]} come in pairs, text i beside image i; "
                         f"got {len(image)} on the image side and {len(text)} on the text side")


def check_paired_features(image_features, text_features, class_ids):
    """As in `check_features`, for N pairs: text i belongs to image i. class_ids: None, or (N,) integers.

    -> the most that a dot product of them can be (None on a GPU); it must fit the dtype.
    """
    largest = check_features(image_features, text_features)
    check_as_many(image_features, text_features)
    _check_dot_products(("image_features", "text_features"), image_features, largest)
    if class_ids is not None:
        check_one_each("class_ids", class_ids, len(image_features), "class", "pair (image and text)", "image_features",
                        image_features)
    return largest


def check_pairs(regions, words, image_codes, sentence_codes, class_ids):
    """A batch of N pairs: text i belongs to image i, and each argument has N entries.

    regions (N, R, D), words (N, T, D): checked before. image_codes, sentence_codes: as in `check_features`, of their
    dtype. class_ids: None, or (N,) integers.
    """
    check_as_many(regions, words, ("regions", "words"))
    check_features(image_codes, sentence_codes, names=("image_codes", "sentence_codes"))
    n = len(regions)
    for name, side, codes in (("image_codes", "image", image_codes), ("sentence_codes", "text", sentence_codes)):
        if len(codes) != n:
            raise ValueError(f"{name} must have one row for each pair ({side} side), {n} as regions; got {len(codes)}")
        check_same_device(f"{name} ({side} side)", codes, "regions", regions)
        if codes.dtype != regions.dtype:
            raise TypeError(f"{name} ({side} side) must have the dtype of regions, {regions.dtype}; got {codes.dtype}")
    if class_ids is not None:
        check_one_each("class_ids", class_ids, n, "class", "pair (image and text)", "regions", regions)


def check_regions_and_words(regions, words, *, batched=True):
    """regions (N, R, D), words (M, T, D), with dot products that fit the dtype.

    batched=False: of one image and one text, (R, D) and (T, D).
    """
    forms = ("(N, R, D)", "(M, T, D)") if batched else ("(R, D) of one image", "(T, D) of one text")
    _check_side("regions", regions, "image", forms[0], "one region and one feature")
    _check_side("words", words, "text", forms[1], "one word and one feature")
    _check_alike(("regions", "words"), regions, words)
    image, text, rest = ("image {0}, ", "text {0}, ", "{1}, feature {2}") if batched else ("", "", "{0}, feature {1}")
    at_region = check_finite("regions", regions, f"{image}region {rest}")
    at_word = check_finite("words", words, f"{text}word {rest}")
    largest = None if at_region is None else at_region * at_word * regions.shape[-1]
    _check_dot_products(("regions", "words"), regions, largest)


def _check_dot_products(names, image, largest):
    if largest is not None and not largest <= LARGEST[_dtype_of(image)]:
        raise ValueError(f"{names[0]} (image side) and {names[1]} (text side) are so large that a dot product of them, "
                         f"up to {largest:.3g}, may overflow {image.dtype}")


def _check_side(name, x, side, form, least):
    """form: the shape in words. least: what must not be lacking, in words."""
    _check_type(name, x, f"the {side} side")
    if x.ndim != form[: form.index(")")].count(",") + 1:
        raise ValueError(f"{name} must have shape {form}; got shape {tuple(x.shape)}")
    if 0 in x.shape:
        raise ValueError(f"{name} is empty: shape {tuple(x.shape)}; the {side} side needs {least}")
    _check_floating(name, x, f"the {side} side")


def _check_alike(names, image, text):
    if image.shape[-1] != text.shape[-1]:
        raise ValueError(f"{names[0]} and {names[1]} must have the same width D; got D = {image.shape[-1]} on the "
                         f"image side and D = {text.shape[-1]} on the text side")
    if image.dtype != text.dtype:
        raise TypeError(f"{names[0]} and {names[1]} must have the same dtype; got {image.dtype} on the image side and "
                        f"{text.dtype} on the text side")
    check_same_device(f"{names[1]} (text side)", text, f"{names[0]} (image side)", image)


def check_lengths(lengths, words):
    """lengths: None, or (M,) integers from 1 to T, how many words of each text are no padding. words (M, T, …)."""
    if lengths is None:
        return
    m, longest = words.shape[:2]
    check_one_each("lengths", lengths, m, "number of words", "text", "words (text side)", words)
    for j, length in enumerate(lengths.tolist() if values_visible(lengths) else ()):
        if not 1 <= length <= longest:
            raise ValueError(f"lengths must be from 1 to T = {longest}, the room for words; got {length} for text {j}")

"""Features of images and texts: of the whole, or of regions and words; and pair beside pair.

array_type: numpy.ndarray or torch.Tensor. Errors: ValueError or TypeError naming the argument and the side.

N: images    M: texts    D: features    R: regions of an image    T: words of a text
"""

from xmatch_edu._inputs.arrays import (
    INTEGER,
    LARGEST,
    check_finite,
    check_floating,
    check_same_device,
    check_type,
    dtype_of,
    values_visible,
)
from xmatch_edu._inputs.matches import check_class_ids

_NAMES = ("image_features", "text_features")


def check_features(image_features, text_features, array_type, names=_NAMES):
    """image_features (N, D), text_features (M, D), of one width, one dtype and one device. names: those to be told.

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


def check_as_many(image, text, names=_NAMES):
    """That image and text, called by these names, have as many rows: text i belongs to image i."""
    if len(image) != len(text):
        raise ValueError(
            f"{names[0]} and {names[1]} come in pairs, text i beside image i; "
            f"got {len(image)} on the image side and {len(text)} on the text side"
        )


def check_paired_features(image_features, text_features, class_ids, array_type):
    """As in `check_features`, for N pairs: text i belongs to image i. class_ids: None, or (N,) integers.

    -> the most that a dot product of them can be (None on a GPU); it must fit the dtype.
    """
    largest = check_features(image_features, text_features, array_type)
    check_as_many(image_features, text_features)
    if largest is not None and not largest <= LARGEST[dtype_of(image_features)]:
        raise ValueError(
            f"image_features (image side) and text_features (text side) are so large that a dot product of them, up to "
            f"{largest:.3g}, may overflow {image_features.dtype}"
        )
    _check_class_of_each_pair(class_ids, "image_features", image_features, array_type)
    return largest


def check_pairs(regions, words, image_codes, sentence_codes, class_ids, array_type):
    """A batch of N pairs: text i belongs to image i, and each argument has N entries.

    regions (N, R, D), words (N, T, D): checked before. image_codes, sentence_codes: as in `check_features`, of their
    dtype. class_ids: None, or (N,) integers.
    """
    check_as_many(regions, words, ("regions", "words"))
    check_features(image_codes, sentence_codes, array_type, names=("image_codes", "sentence_codes"))
    n = len(regions)
    for name, side, codes in (("image_codes", "image", image_codes), ("sentence_codes", "text", sentence_codes)):
        if len(codes) != n:
            raise ValueError(f"{name} must have one row for each pair ({side} side), {n} as regions; got {len(codes)}")
        check_same_device(f"{name} ({side} side)", codes, "regions", regions)
        if codes.dtype != regions.dtype:
            raise TypeError(f"{name} ({side} side) must have the dtype of regions, {regions.dtype}; got {codes.dtype}")
    _check_class_of_each_pair(class_ids, "regions", regions, array_type)


def _check_class_of_each_pair(class_ids, other_name, other, array_type):
    if class_ids is None:
        return
    check_class_ids("class_ids", "pair", class_ids, array_type)
    if len(class_ids) != len(other):
        raise ValueError(
            f"class_ids must have one class for each pair (image and text), {len(other)}; got {len(class_ids)}"
        )
    check_same_device("class_ids", class_ids, other_name, other)


def check_regions_and_words(regions, words, array_type, *, batched=True):
    """regions (N, R, D), words (M, T, D), with dot products that fit the dtype.

    batched=False: of one image and one text, (R, D) and (T, D).
    """
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
    if at_region is not None and not at_region * at_word * regions.shape[-1] <= LARGEST[dtype_of(regions)]:
        raise ValueError(
            f"regions (image side) and words (text side) are so large, up to {at_region:.3g} and {at_word:.3g}, that a "
            f"dot product of them may overflow {regions.dtype}"
        )


def _check_two_sides(sides, array_type):
    """sides: (name, "image" or "text", the shape in words, what must not be lacking, the array), images first."""
    for name, side, form, least, features in sides:
        check_type(name, features, array_type, f"the {side} side")
        if features.ndim != form[: form.index(")")].count(",") + 1:
            raise ValueError(f"{name} must have shape {form}; got shape {tuple(features.shape)}")
        if 0 in features.shape:
            raise ValueError(f"{name} is empty: shape {tuple(features.shape)}; the {side} side needs {least}")
        check_floating(name, features, f"the {side} side")
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
    """lengths: None, or (M,) integers from 1 to T, how many words of each text are no padding. words (M, T, …)."""
    if lengths is None:
        return
    m, longest = words.shape[:2]
    check_type("lengths", lengths, array_type, "the number of words of each text")
    if tuple(lengths.shape) != (m,):
        raise ValueError(
            f"lengths must have one number of words for each text, shape ({m},); got shape {tuple(lengths.shape)}"
        )
    if dtype_of(lengths) not in INTEGER:
        raise TypeError(f"lengths must be integers (int64, say), the number of words of each text; got {lengths.dtype}")
    check_same_device("lengths", lengths, "words (text side)", words)
    if values_visible(lengths):
        for j, length in enumerate(lengths.tolist()):
            if not 1 <= length <= longest:
                raise ValueError(
                    f"lengths must be from 1 to T = {longest}, the room for words; got {length} for text {j}"
                )

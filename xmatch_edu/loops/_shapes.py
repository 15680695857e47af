"""What the loops need so that every index finds its number: float64 arrays whose shapes fit together, known words.

Here lives all that the loops ask of what they are given. Whether the numbers make sense (finite, positive, no match
masked) is asked by their fast twins. Errors: ValueError or TypeError naming the argument and the side.

N: images (rows of S)    M: texts (columns of S)
"""

import numpy as np


def check_array(name, x, form, side):
    """x: real numbers, no axis empty -> float64. form: its shape in words, such as "(N, M)".

    name: what the caller calls it. side: what it is of, in words.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers ({side}); got {x.dtype}")
    if x.ndim != form[: form.index(")")].count(",") + 1 or 0 in x.shape:
        raise ValueError(f"{name} must have shape {form} and not be empty ({side}); got shape {x.shape}")
    return x.astype(np.float64)


def check_sides(image, text, names=("image_features", "text_features"), forms=("(N, D)", "(M, D)")):
    """image, text: features of both sides, of one width D -> two float64 arrays. names, forms: as in `check_array`."""
    image = check_array(names[0], image, forms[0], "the image side")
    text = check_array(names[1], text, forms[1], "the text side")
    if image.shape[-1] != text.shape[-1]:
        raise ValueError(f"{names[0]} and {names[1]} must have the same width D; got D = {image.shape[-1]} on the "
                         f"image side and D = {text.shape[-1]} on the text side")  # fmt: skip
    return image, text


def check_batch(scores, mask):
    """scores (N, M), mask None or (N, M) bool -> both as arrays."""
    scores = check_array("scores", scores, "(N, M)", "rows are images, columns are texts")
    mask = np.zeros(scores.shape, dtype=bool) if mask is None else np.asarray(mask)
    if mask.shape != scores.shape or mask.dtype != bool:
        raise ValueError(f"mask must be bool, of the shape of scores, {scores.shape}: rows images, columns texts; "
                         f"got {mask.dtype} of shape {mask.shape}")  # fmt: skip
    return scores, mask


def check_labels(labels, n, m):
    """labels in any form, n, m: N and M -> (N,) column numbers, or (N, M) weights, with a match."""
    if labels is None and n != m:
        raise ValueError(f"labels is needed when the sides differ: there are {n} images (rows) and {m} texts (columns)")
    labels = np.arange(n) if labels is None else np.asarray(labels)
    if labels.shape not in ((n,), (n, m)):
        raise ValueError(f"labels must have one entry for each image, ({n},), or one for each pair of image (row) and "
                         f"text (column), ({n}, {m}); got shape {labels.shape}")  # fmt: skip
    if labels.ndim == 2 and not labels.any():
        raise ValueError("labels has no match at all: every weight between an image and a text is 0")
    if labels.ndim == 1 and labels.dtype.kind not in "iu":
        raise TypeError(f"labels of shape (N,) must be integers, the column of each image's text; got {labels.dtype}")
    for label in labels if labels.ndim == 1 else ():
        if not 0 <= label < m:  # −1 would count from the end
            raise ValueError(f"labels must be column numbers from 0 to {m - 1} (text side); got {label}")
    return labels


def check_lengths(lengths, m, longest):
    """lengths: None, or m integers from 1 to longest -> how many words each text has."""
    lengths = np.full(m, longest) if lengths is None else np.asarray(lengths)
    if lengths.shape != (m,) or lengths.dtype.kind not in "iu" or not ((lengths >= 1) & (lengths <= longest)).all():
        raise ValueError(f"lengths must be {m} integers from 1 to T = {longest}, one for each text; got {lengths}")
    return lengths


def check_as_many(**lists):
    """That these lists, by their names, have as many entries each: they come in pairs."""
    if len({len(one) for one in lists.values()}) > 1:
        counts = ", ".join(f"{len(one)} {name}" for name, one in lists.items())
        raise ValueError(f"these come in pairs, text i beside image i, so as many of each; got {counts}")


def check_word(name, value, words):
    """That value, called name, is one of these words."""
    if value not in words:
        raise ValueError(f"{name} must be one of {', '.join(words)}; got {value!r}")


def check_words(direction, reduction, reductions=("mean", "sum", "none")):
    """That direction and reduction are words known here, the latter one of reductions, and that they go together."""
    check_word("direction", direction, ("image_to_text", "text_to_image", "both"))
    check_word("reduction", reduction, reductions)
    if reduction == "none" and direction == "both":
        raise ValueError('reduction="none" is one loss a row (image side) or one a column (text side): say a direction')


def check_negatives(negatives):
    """negatives: "all", "hardest", or how many of the hardest -> how many at most, None for all."""
    most = {"all": None, "hardest": 1}.get(negatives, negatives)
    if most is not None and (not isinstance(most, int) or most < 1):
        raise ValueError(f'negatives must be "all", "hardest", or an int of at least 1; got {negatives!r}')
    return most

"""Which pairs match, and which count: labels, masks, classes, positions.

name: what the caller calls it. scores (N, M), labels: checked before, where they are only looked at. array_type:
numpy.ndarray or torch.Tensor. Errors: ValueError or TypeError naming the argument and the side.

N: images (rows of S)    M: texts (columns of S)    K: positions
"""

from itertools import product

from xmatch_edu._inputs.arrays import (
    FLOATING,
    INTEGER,
    check_finite,
    check_same_device,
    check_type,
    dtype_of,
    plain_type,
    values_visible,
)


def check_labels(labels, scores):
    """labels: None, (N,) column numbers, or (N, M) weights; with at least one match."""
    n, m = scores.shape
    if labels is None:
        if n != m:
            raise ValueError(
                f"labels is needed when the sides differ: there are {n} images (rows) and {m} texts (columns), "
                f"and nothing says which text belongs to which image"
            )
        return
    check_type("labels", labels, plain_type(scores), "which text belongs to which image")
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
    if dtype_of(labels) not in INTEGER:
        raise TypeError(
            f"labels of shape (N,) must be integers (int64, say), for each image the number of its text's column; "
            f"got {labels.dtype}"
        )
    if labels.shape[0] != n:
        raise ValueError(f"labels must have one entry for each image: {n}; got {labels.shape[0]}")
    if values_visible(labels):
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
    if dtype_of(labels) not in (*FLOATING, *INTEGER, "bool"):
        raise TypeError(f"labels of shape (N, M) must be weights, real numbers of at least 0; got {labels.dtype}")
    if values_visible(labels) and dtype_of(labels) != "bool":
        check_finite("labels", labels, "image {0}, text {1}")
        if labels.min().item() < 0:
            raise ValueError(
                f"labels must be weights of at least 0 between image and text; got {labels.min().item()}"
            )
    if values_visible(labels) and not bool((labels != 0).any()):
        raise ValueError("labels has no match at all: every weight between an image and a text is 0")


def check_hard_labels(labels, what="a ranking loss"):
    """labels of a loss where a pair matches or it does not: as (N, M) of 0 and 1. what: the words for the loss."""
    if labels is None or labels.ndim == 1 or not values_visible(labels) or dtype_of(labels) == "bool":
        return
    if not bool(((labels != 0) & (labels != 1)).any()):
        return
    for i, j in product(*map(range, labels.shape)):
        if labels[i, j].item() not in (0, 1):
            raise ValueError(
                f"labels of {what} must be 0 or 1, because a pair matches or it does not; "
                f"got {labels[i, j].item()} for image {i}, text {j}"
            )


def check_mask(mask, scores, labels):
    """mask: None, or (N, M) bool, True leaves the pair out; it may not leave out a match."""
    if mask is None:
        return
    check_type("mask", mask, plain_type(scores), "True leaves the pair (image, text) out")
    if dtype_of(mask) != "bool":
        raise TypeError(f"mask must be bool, True for each pair (image, text) to leave out; got {mask.dtype}")
    if tuple(mask.shape) != tuple(scores.shape):
        raise ValueError(
            f"mask must have the shape of scores, (N, M) = {tuple(scores.shape)}: rows images, columns texts; "
            f"got shape {tuple(mask.shape)}"
        )
    check_same_device("mask", mask, "scores", scores)
    if not values_visible(mask):
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
    """class_ids (N,) or (M,) integers: the class of each image or text. side: "image", "text", or "pair"."""
    check_type(name, class_ids, array_type, f"the class of each {side}")
    if class_ids.ndim != 1 or class_ids.shape[0] == 0:
        raise ValueError(
            f"{name} must have one class number for each {side}: shape (number of {side}s,); "
            f"got shape {tuple(class_ids.shape)}"
        )
    if dtype_of(class_ids) not in INTEGER:
        raise TypeError(f"{name} must be integers (int64, say), the class of each {side}; got {class_ids.dtype}")


def check_positions(positions, count, each):
    """positions: a tensor (K,), integers from 0 to count − 1, or empty. each: what stands there, "pair" or "scene"."""
    if positions.ndim != 1 or (len(positions) and dtype_of(positions) not in INTEGER):
        raise TypeError(f"positions must be a list of integers, one a {each}; got {positions.dtype}")
    for position in positions.tolist():
        if not 0 <= position < count:
            raise ValueError(f"positions must be from 0 to {count - 1}, one a {each}; got {position}")

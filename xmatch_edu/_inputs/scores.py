"""The score matrix S: rows are images, columns are texts.

array_type: numpy.ndarray or torch.Tensor. Errors: ValueError or TypeError naming the argument and the side.

N: images (rows of S)    M: texts (columns of S)
"""

from xmatch_edu._inputs.arrays import check_finite, check_floating, check_same_device, check_type
from xmatch_edu._inputs.matches import check_class_ids


def check_scores(scores, array_type):
    """scores (N, M), floating, finite, at least one image and one text -> the largest magnitude (None on a GPU)."""
    check_type("scores", scores, array_type, "rows are images, columns are texts")
    if scores.ndim != 2:
        raise ValueError(
            f"scores must have shape (N, M), rows for images and columns for texts; got shape {tuple(scores.shape)}"
        )
    if 0 in scores.shape:
        empty = "image side (no row)" if scores.shape[0] == 0 else "text side (no column)"
        raise ValueError(f"scores is empty on the {empty}: shape {tuple(scores.shape)}; a batch needs one pair")
    check_floating("scores", scores, "rows are images, columns are texts")
    return check_finite("scores", scores, "image {0}, text {1}", "; to leave a pair out, use mask")


def check_one_view(scores, group_ids, array_type):
    """scores (N, N) of one view with itself, and the groups of its items, group_ids (N,) integers -> the largest
    magnitude of the scores (None on a GPU)."""
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

"""The N×N picture of an answer, yours beside the right one, with the wrong cells outlined.

Each `of_…` says what matrix stands for an answer -> (N, M), or None where there is none.
run: the function, safe to call; arguments: those of the case; parts: what it answered, as arrays.

N: images (rows)    M: texts (columns)
"""

import numpy as np

from xmatch_edu import plots

_NUDGE = 1e-5


def of_part(index):
    """The answer has a cell for each pair: show the part of this index as it is -> a function as the ones below."""
    return lambda run, arguments, parts: parts[index]


def of_line(run, arguments, parts):
    """A part of one axis -> one row of numbers."""
    return parts[0][None, :] if parts[0].ndim == 1 else None


def of_column(run, arguments, parts):
    """A part of one axis -> one column of numbers."""
    return parts[0][:, None] if parts[0].ndim == 1 else None


def of_labels(run, arguments, parts):
    """Column numbers -> the matrix that they stand for."""
    labels, n = parts[0], len(parts[0])
    return np.eye(n)[labels.astype(int)] if ((labels >= 0) & (labels < n)).all() else None


def of_nudges(run, arguments, parts):
    """The answer is one number: nudge each score and see how it moves -> the slopes. So any loss has a picture."""
    scores = np.array(arguments[0], dtype=np.float64)
    slopes = np.zeros_like(scores)
    for place in np.ndindex(scores.shape):
        ends = []
        for step in (_NUDGE, -_NUDGE):
            moved = scores.copy()
            moved[place] += step
            ends.append(float(run((moved, *arguments[1:]))[0]))
        slopes[place] = (ends[0] - ends[1]) / (2 * _NUDGE)
    return slopes if scores.ndim == 2 else slopes[None, :]


def of_pulls(run, arguments, parts):
    """The answer is a loss of features, with its gradient -> how strongly it pulls image i towards text j."""
    texts = np.asarray(arguments[1], dtype=np.float64)
    return -parts[1] @ (texts / np.linalg.norm(texts, axis=1, keepdims=True)).T


def beside(yours, right, kind, what):
    """Two matrices, yours and the right one, (N, M) each, and their difference -> Picture; None for nothing to see.

    kind: as in `plots.heatmap`, or (that, what stands down, what stands across) where it is not images and texts.
    what: the words for what a cell holds.
    """
    kind, *sides = (kind, "images", "texts") if isinstance(kind, str) else kind
    if yours is None or right is None or yours.shape != right.shape:
        return None
    lost = ~np.isfinite(yours)
    wrong = lost | (np.abs(yours - right) > 1e-3 * max(1e-3, np.abs(right).max()))
    if right.size < 3 or not wrong.any():
        return None
    shown, title = np.where(lost, 0, yours), "yours (what is no\nnumber, drawn as 0)" if lost.any() else "yours"
    parts = [(title, shown, kind), ("right", right, kind), ("yours − right", shown - right, "gradient")]

    def draw():
        # The frames, elsewhere around the matches, outline what is wrong here.
        figure = plots.panels(parts, labels=wrong.astype(float), same_colours=True).figure
        for ax in figure.axes:
            ax.set(ylabel=sides[0], xlabel=sides[1])
        return figure

    cells = ", ".join(f"({i}, {j})" for i, j in np.argwhere(wrong)[:8]) + (" …" if wrong.sum() > 8 else "")
    count = "All" if wrong.all() else f"{wrong.sum()} of {wrong.size}"
    alt = f"{what}: yours, the right one, and the difference. {count} cells differ, and are outlined"
    alt += "." if wrong.all() else f": {cells}."
    alt += f" {lost.sum()} of yours are no numbers, and drawn as 0." if lost.any() else ""
    return plots.Picture(draw, alt)

"""Matrices of which only a part is there: the tile that is held, the blocks that a loss sees. The rest is grey.

N: images (rows)    M: texts (columns)
"""

import numpy as np
from matplotlib.figure import Figure

from xmatch_edu.plots.picture import Picture

_COLOURS = {"scores": "viridis", "gradient": "cividis"}  # as in `heatmaps`
_NOT_THERE, _ACROSS = "#dddddd", 3


def pieces(parts):
    """Panels of one batch, three in a line; in each a cell without a number is grey -> Picture.

    parts: a list of (title, matrix (N, M) with NaN where nothing is there, kind "scores" or "gradient"). The colours of
    a kind mean the same numbers in all panels. Errors: ValueError naming parts or kind.
    """
    if not parts:
        raise ValueError("parts is empty: a picture needs one matrix of images and texts")
    if wrong := {kind for _, _, kind in parts} - _COLOURS.keys():
        raise ValueError(f"kind must be one of {', '.join(_COLOURS)}; got {', '.join(map(repr, wrong))}")
    across = min(len(parts), _ACROSS)
    down = -(-len(parts) // across)
    figure = Figure(figsize=(3.2 * across, 3.0 * down), layout="constrained")
    axes = list(figure.subplots(down, across, squeeze=False).flat)
    for ax in axes[len(parts) :]:
        ax.set_axis_off()
    for ax, (title, matrix, kind) in zip(axes, parts, strict=False):
        low, high = _limits([other for _, other, its_kind in parts if its_kind == kind], kind)
        ax.set_facecolor(_NOT_THERE)
        image = ax.imshow(np.ma.masked_invalid(matrix), cmap=_COLOURS[kind], vmin=low, vmax=high)
        ax.set(xticks=[], yticks=[], xlabel="texts", ylabel="images")
        ax.set_title(title, fontsize=10)
        figure.colorbar(image, ax=ax, fraction=0.046).ax.tick_params(labelsize=7)
    return Picture(figure, " ".join(_describe(*part) for part in parts))


def _limits(matrices, kind):
    there = np.concatenate([matrix[~np.isnan(matrix)] for matrix in matrices] or [np.zeros(1)])
    if kind == "gradient":  # 0 in the middle
        high = np.abs(there).max(initial=0) or 1.0
        return -high, high
    return (there.min(), there.max()) if there.size else (0, 1)


def _describe(title, matrix, kind):
    rows, columns = (np.flatnonzero(~np.isnan(matrix).all(axis=axis)) for axis in (1, 0))
    lead = f"{' '.join(title.split())}: {matrix.shape[0]} images by {matrix.shape[1]} texts, "
    if not len(rows):
        return lead + "all of it grey."
    there = int((~np.isnan(matrix)).sum())
    return (lead + f"{there} of {matrix.size} cells in colour, in rows {rows[0]} to {rows[-1]} and columns "
            f"{columns[0]} to {columns[-1]}, the rest grey.")

"""Pictures of where each word of a text looks in an image: its attention as light on the darkened picture.

Here lives the still twin of `explore.AttentionExplorer`, and what both of them ask of a picture and its words.

T: words    R: regions, a square grid of G×G = R cells    S: pixels a side of the picture
"""

from math import isqrt

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from xmatch_edu import _inputs
from xmatch_edu.plots.heatmaps import _array, checked_words
from xmatch_edu.plots.picture import Picture

HEAT = "inferno"  # from black, so that no attention adds no light, and rising steadily in lightness
DIM = 0.45  # of the light of the picture, where no word looks
_ACROSS = 5


def attention(picture, word_names, attention, *, truth=None, notes=None, title=None):
    """The picture, then a panel for each word: the same picture, grey and dark, lit where the word looks -> Picture.

    picture (S, S, 3) uint8, or None for heat alone; word_names: T strings; attention (T, R): array or tensor, R a
    square number. Light goes from 0 to the largest attention of its own panel: compare places in one panel, not
    brightness across panels. truth (T, R) bool: outlined, white and black. notes: T strings, under the words. title: a
    line above all.
    Errors: ValueError or TypeError naming the argument and its side.
    """
    looks = _array(attention)
    if looks.ndim != 2 or 0 in looks.shape or looks.dtype.kind not in "iuf":
        raise ValueError(
            f"attention must be (T, R) numbers, a row for each word (text side) and a column for each region (image "
            f"side); got {looks.dtype} of shape {looks.shape}"
        )
    looks = looks.astype(np.float64)
    _inputs.check_finite("attention", looks, "word {0}, region {1}")
    if looks.min() < 0:
        raise ValueError(f"attention of a word (text side) is shared out among regions; got {looks.min():g}, below 0")
    picture, names, truth = checked_setting(picture, word_names, truth, *looks.shape)
    notes = checked_words("notes", notes, len(names), "word (text side)")
    grid = isqrt(looks.shape[1])
    figure, axes = _panels(len(names) + (picture is not None), title)
    frame = {"extent": (0, grid, grid, 0)}
    if picture is not None:
        axes[0].imshow(picture, interpolation="lanczos", **frame)
        axes[0].set_title("the picture", fontsize=9, pad=3)
        axes = axes[1:]
    for t, (ax, name) in enumerate(zip(axes, names, strict=True)):
        ax.imshow(_lit(picture, looks[t].reshape(grid, grid)), interpolation="nearest", **frame)
        ax.set_title(f'"{name}"', fontsize=9, pad=3)
        if notes:
            ax.set_xlabel(notes[t], fontsize=8, labelpad=3)
        if truth is not None:
            border = outline(truth[t].reshape(grid, grid))
            ax.add_collection(LineCollection(border, colors="white", linewidths=2.6))
            ax.add_collection(LineCollection(border, colors="black", linewidths=1.1))
    return Picture(figure, _describe(names, looks, truth, notes, title))


def checked_setting(picture, word_names, truth, t, r):
    """What stands around the attention of t words to r regions -> (picture as an array or None, t names, truth).

    picture, word_names and truth: as in `attention`. Errors: ValueError naming the argument and its side.
    """
    if isqrt(r) ** 2 != r:
        raise ValueError(f"regions (image side) must be a square grid, R = G×G; got R = {r}")
    picture, truth = _array(picture), _array(truth)
    if picture is not None and (picture.ndim != 3 or len(picture) != picture.shape[1] or picture.shape[2] != 3
                                or picture.dtype != np.uint8 or picture.size == 0):  # fmt: skip
        raise ValueError(
            f"picture (image side) must be (S, S, 3) uint8: red, green, blue from 0 to 255; "
            f"got {picture.dtype} of shape {picture.shape}"
        )
    names = checked_words("word_names", word_names, t, "word (text side)") or [f"word {number}" for number in range(t)]
    if truth is not None and (truth.shape != (t, r) or truth.dtype != bool):
        raise ValueError(
            f"truth must be (T, R) = ({t}, {r}) bool, a row for each word (text side), a column for each region "
            f"(image side); got {truth.dtype} of shape {truth.shape}"
        )
    return picture, names, truth


def outline(cells):
    """The border between True and the rest: cells (G, G) bool -> [[(x, y), (x, y)], …], in cells from the corner."""
    padded = np.pad(cells, 1).astype(np.int8)
    level = [[(x, y), (x + 1, y)] for y, x in np.argwhere(np.diff(padded, axis=0)[:, 1:-1]).tolist()]
    return level + [[(x, y), (x, y + 1)] for y, x in np.argwhere(np.diff(padded, axis=1)[1:-1]).tolist()]


def _panels(count, title):
    down = -(-count // _ACROSS)
    across = -(-count // down)
    figure = Figure(figsize=(1.75 * across, 2.1 * down))
    axes = figure.subplots(down, across, squeeze=False, gridspec_kw={"wspace": 0.08, "hspace": 0.28}).flatten()
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for ax in axes[count:]:
        ax.remove()
    if title:
        figure.suptitle(title, fontsize=10)
    return figure, axes[:count]


def _lit(picture, heat):
    """The picture in grey and dark, with heat (G, G) added as light: 1 − (1 − dark) · (1 − heat), never above white."""
    light = colormaps[HEAT](heat / (heat.max() or 1.0))[..., :3]
    if picture is None:
        return light
    # Pixels finer than both, so that a cell keeps its edge on any picture.
    fine = np.arange(len(heat) * 12)
    dark = DIM * (picture / 255 @ [0.3, 0.59, 0.11])[..., None]
    rows = fine * len(picture) // len(fine)
    cells = fine // 12
    return 1 - (1 - dark[rows][:, rows]) * (1 - light[cells][:, cells])


def _describe(names, looks, truth, notes, title):
    """Word by word, where the brightest region is: a screen reader's heat."""
    grid, said = isqrt(looks.shape[1]), []
    for t, name in enumerate(names):
        brightest = int(looks[t].argmax())
        row, column = divmod(brightest, grid)
        where = f"brightest in row {row}, column {column}"
        if looks[t, brightest] == 0:
            where = "looks nowhere"
        elif truth is not None and truth[t].any():
            where += f", {'inside' if truth[t, brightest] else 'outside'} its outline"
        said.append(f'"{name}"{f" ({notes[t]})" if notes else ""} {where}')
    lead = f"{' '.join(title.split())}. " if title else ""
    return f"{lead}Where each word looks, among {grid}×{grid} regions counted from 0: {'; '.join(said)}."

"""Pictures of arrays by their axes: a box of cells, so that a shape is seen before it is computed.

N: images    M: texts    D: features
"""

import re

from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from xmatch_edu.plots.picture import Picture

# What an axis counts: images blue, texts orange, a cell for each pair of them green. Each has its own lightness too.
_COLOURS = {"images": "#4477aa", "texts": "#ee9944", "pairs": "#88cc99", "neither": "#cccccc"}
_GHOST = {"facecolor": "none", "edgecolor": "#999999", "linestyle": ":", "linewidth": 0.8}
_LENGTHS = {"N": 4, "M": 3, "D": 5, "1": 1}  # so many cells are drawn
_DEPTH = (0.42, 0.34)  # where the third axis goes, in cells: to the right and up


def shapes(*parts):
    """Arrays as boxes, from left to right, with signs between them -> Picture.

    parts: a sign such as "·" or "→", or (name, axes), axes being letters such as "N D" or "N (M) D". The first axis
    goes down, the second to the right, the third into the depth; one alone goes to the right. A letter in brackets is
    an axis of length 1 that broadcasting stretches: its copies are dotted.
    Errors: ValueError naming axes.
    """
    figure = Figure(figsize=(1, 1))
    ax = figure.add_axes((0, 0, 1, 1))
    at, low, high, words = 0.0, -1.0, 1.0, []
    for part in parts:
        if isinstance(part, str):
            ax.text(at + 0.2, 0, part, ha="center", va="center", fontsize=18)
            at += 1.2
            words.append(part)
            continue
        name, axes = part
        letters = axes.split()
        if not 1 <= len(letters) <= 3 or not all(re.fullmatch(r"[NMD1]|\([NMD]\)", letter) for letter in letters):
            raise ValueError(f"axes must be one to three of N, M, D, 1 or a letter in brackets; got {axes!r}")
        width, top, bottom = _box(ax, at, name, letters)
        at += max(width, 0.2 * len(name)) + 0.5
        low, high = min(low, bottom), max(high, top)
        shape = ", ".join("1" if "(" in letter else letter for letter in letters)
        words.append(f"{name} ({shape}{',' if len(letters) == 1 else ''})")
    ax.set(xlim=(-0.6, at), ylim=(low, high), aspect="equal")
    ax.set_axis_off()
    figure.set_size_inches(0.42 * (at + 0.6), 0.42 * (high - low))
    return Picture(figure, "Shapes drawn as boxes of cells: " + " ".join(words) + ".")


def _box(ax, left, name, letters):
    """One array, centred on the height 0 -> its width, top and bottom, names included."""
    down, right, deep = {1: [None, 0, None], 2: [0, 1, None], 3: [0, 1, 2]}[len(letters)]
    names = ["1" if axis is None else letters[axis] for axis in (down, right, deep)]
    rows, columns, depth = (_LENGTHS[name.strip("()")] for name in names)
    real = [1 if "(" in name else _LENGTHS[name] for name in names]
    depth_x, depth_y = (_DEPTH[0] * depth, _DEPTH[1] * depth) if deep is not None else (0, 0)
    top = (rows - depth_y) / 2

    def point(i, j, k):
        return left + j + _DEPTH[0] * k, top - i + _DEPTH[1] * k

    colour = _COLOURS[_counts(letters)]
    faces = [((i, j, 0), (1, 1, 0)) for i in range(rows) for j in range(columns)]  # the front
    if deep is not None:
        faces += [((0, j, k), (0, 1, 1)) for j in range(columns) for k in range(depth)]  # the top
        faces += [((i, columns, k), (1, 0, 1)) for i in range(rows) for k in range(depth)]  # the right side
    for (i, j, k), (di, dj, dk) in faces:
        steps = [(0, 0, 0), (di, 0, 0) if di else (0, dj, 0), (di, dj, dk), (0, 0, dk) if dk else (0, dj, 0)]
        corners = [point(i + a, j + b, k + c) for a, b, c in steps]
        ghost = i >= real[0] or j - (not dj) >= real[1] or k >= real[2]
        style = _GHOST if ghost else {"facecolor": colour, "edgecolor": "white", "linewidth": 1.0}
        ax.add_patch(Polygon(corners, zorder=1 if ghost else 2, **style))
    letter = {"ha": "center", "va": "center", "fontsize": 10}
    if down is not None:
        ax.text(left - 0.35, top - rows / 2, letters[down].strip("()"), **letter)
    if deep is not None:
        ax.text(*point(0, -0.5, depth / 2 + 0.4), letters[deep].strip("()"), **letter)
    ax.text(left + columns / 2, top - rows - 0.4, letters[right].strip("()"), **letter)
    ax.text(left + (columns + depth_x) / 2, top + depth_y + 0.5, name, ha="center", va="center", fontsize=9)
    return columns + depth_x, top + depth_y + 1.0, top - rows - 0.9


def _counts(letters):
    """What the array has a cell for: "images", "texts", "pairs" or "neither"."""
    real = {letter for letter in letters if "(" not in letter}
    if {"N", "M"} <= real:
        return "pairs"
    return "images" if "N" in real else "texts" if "M" in real else "neither"

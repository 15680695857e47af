"""Pictures of one batch: its pairs, its score matrix, probabilities, labels and gradient.

All colour maps rise steadily in lightness, so that they can be read in grey and by colour-blind eyes: dark is low,
light is high. Rows are images, columns are texts.

N: images (rows)    M: texts (columns)    S: pixels a side of a picture
"""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Rectangle

from xmatch_edu import _inputs, loops
from xmatch_edu.plots.picture import Picture

# kind -> (colour map, lowest, highest, how a number is written); None: taken from the values.
_STYLES = {
    "scores": ("viridis", None, None, "{:.2f}"),
    "probabilities": ("magma", 0.0, 1.0, "{:.2f}"),
    "labels": ("gray", 0.0, 1.0, "{:.2g}"),
    "gradient": ("cividis", None, None, "{:+.2f}"),
    "violations": ("inferno", 0.0, None, "{:.2f}"),
}
_NUMBERS_UP_TO = 8
_ACROSS = 3
_NOT_THERE = "#dddddd"


def batch(pictures, captions):
    """The pairs of a batch in their order: picture i above caption i -> Picture.

    pictures (N, S, S, 3) uint8; captions: N strings. Errors: ValueError naming the side whose number differs.
    """
    n = len(captions)
    if n == 0:
        raise ValueError("captions is empty: a batch needs one pair of image and text")
    pictures, captions = checked_pictures(pictures, n), checked_words("captions", captions, n)
    across = min(n, _NUMBERS_UP_TO)
    down = -(-n // across)
    figure = Figure(figsize=(1.25 * across, 1.45 * down))
    axes = figure.subplots(down, across, squeeze=False).flat
    for i, ax in enumerate(axes):
        ax.set_axis_off()
        if i < n:
            ax.imshow(pictures[i], interpolation="lanczos")
            words = f"{i}: {textwrap.fill(captions[i], 14)}"
            ax.text(0.5, -0.08, words, transform=ax.transAxes, ha="center", va="top", fontsize=8)
    return Picture(figure, "A batch of pairs, picture above caption: " + ", ".join(captions) + ".")


def heatmap(matrix, *, kind="scores", pictures=None, captions=None, labels=None, title=None):
    """One N×M matrix as a heatmap, with pictures down the rows and words along the columns -> Picture.

    matrix (N, M): array or tensor. kind: "scores", "probabilities", "labels", "gradient" or "violations" (what each
    cell costs a hinge loss, dark for nothing): colours and number format. title: None for the kind.
    pictures (N, S, S, 3) uint8; captions: M strings. labels as in the losses: a frame around each match.
    Numbers stand in the cells up to 8×8. Errors: ValueError naming the argument and the side.
    """
    return panels([(title, matrix, kind)], pictures=pictures, captions=captions, labels=labels)


def matching_panels(scores, labels=None, *, pictures=None, captions=None):
    """S, P(text | image), P(image | text), labels and gradient beside each other, from one score matrix -> Picture.

    scores (N, M) array; labels as in `loops.matching_loss`; the gradient is that of both directions, mean.
    pictures (N, S, S, 3) uint8; captions: M strings. Errors: those of `loops.matching_loss` and `heatmap`.
    """
    scores, labels = _matrix(scores, "scores"), _array(labels)
    rows = loops.matching_steps(scores, labels)
    columns = loops.matching_steps(scores, labels, direction="text_to_image")
    gradient = loops.matching_gradient(scores, labels)
    return panels(
        [
            ("scores S", scores, "scores"),
            ("P(text | image)\neach row sums to 1", rows.probabilities, "probabilities"),
            ("P(image | text)\neach column sums to 1", columns.probabilities, "probabilities"),
            ("labels", loops.match_matrix(labels, *scores.shape), "labels"),
            ("gradient of the loss\nlight: lower this score\ndark: raise it", gradient, "gradient"),
        ],
        pictures=pictures,
        captions=captions,
        labels=labels,
    )


def panels(parts, *, pictures=None, captions=None, labels=None, same_colours=False):
    """Several matrices of one batch on the same rows and columns, three in a line -> Picture.

    parts: a list of (title, matrix (N, M), kind); the rest as in `heatmap`. same_colours: a colour means one number in
    all panels of a kind, so that they can be compared; otherwise each panel uses its whole range.
    Errors: as in `heatmap`, or naming parts.
    """
    parts = [(title or kind, _matrix(matrix, kind), kind) for title, matrix, kind in parts]
    if not parts:
        raise ValueError("parts is empty: a picture needs one matrix of images and texts")
    n, m = parts[0][1].shape
    for title, matrix, _ in parts:
        if matrix.shape != (n, m):
            raise ValueError(f"matrix: every panel shows one batch, ({n}, {m}), but {title} is {matrix.shape}")
    pictures, captions = checked_pictures(pictures, n), checked_words("captions", captions, m)
    matches = loops.match_matrix(_array(labels), n, m) > 0 if labels is not None or n == m else None
    small = max(n, m) <= _NUMBERS_UP_TO
    side, largest_cell = ((4.6 if small else 5.4), 0.75) if len(parts) == 1 else (2.9, 0.62)  # inches
    cell = min(side / max(n, m), largest_cell)
    legible = cell > 0.1  # smaller words and frames only smear
    captions = captions if legible else []
    figure, places = _layout(len(parts), cell * m, cell * n, bool(captions))
    for index, (place, (title, matrix, kind)) in enumerate(zip(places, parts, strict=True)):
        ax = figure.add_axes(place)
        alike = [other for _, other, its_kind in parts if its_kind == kind] if same_colours else [matrix]
        _draw(ax, matrix, kind, cell, _limits(kind, alike))
        ax.set_title(title, fontsize=10, pad=6)
        _decorate(ax, cell, pictures if small or index % _ACROSS == 0 else [], captions, not pictures)
        if legible and matches is not None:
            _frame(ax, matches)
    return Picture(figure, " ".join(_describe(title, matrix, kind, matches) for title, matrix, kind in parts))


def pieces(parts):
    """Matrices of one batch of which only a part is there, such as the tile that is held; the rest is grey -> Picture.

    parts: a list of (title, matrix (N, M) with NaN where nothing is there, kind "scores" or "gradient"), three in a
    line. The colours of a kind mean the same numbers in all panels. Errors: ValueError naming parts or kind.
    """
    if not parts:
        raise ValueError("parts is empty: a picture needs one matrix of images and texts")
    if wrong := {kind for _, _, kind in parts} - {"scores", "gradient"}:
        raise ValueError(f"kind must be one of scores, gradient; got {', '.join(map(repr, wrong))}")
    across = min(len(parts), _ACROSS)
    down = -(-len(parts) // across)
    figure = Figure(figsize=(3.2 * across, 3.0 * down), layout="constrained")
    axes = list(figure.subplots(down, across, squeeze=False).flat)
    for ax in axes[len(parts) :]:
        ax.set_axis_off()
    for ax, (title, matrix, kind) in zip(axes, parts, strict=False):
        low, high = _limits(kind, [other for _, other, its_kind in parts if its_kind == kind])
        ax.set_facecolor(_NOT_THERE)
        image = ax.imshow(np.ma.masked_invalid(matrix), cmap=_STYLES[kind][0], vmin=low, vmax=high)
        ax.set(xticks=[], yticks=[], xlabel="texts", ylabel="images")
        ax.set_title(title, fontsize=10)
        figure.colorbar(image, ax=ax, fraction=0.046).ax.tick_params(labelsize=7)
    return Picture(figure, " ".join(_describe_piece(title, ~np.isnan(matrix)) for title, matrix, _ in parts))


def _layout(count, width, height, with_captions):
    """A figure with room for `count` panels of one size (inches), and their places in it."""
    right, below = width + 0.85, height + (1.35 if with_captions else 0.85)
    across, down = min(count, _ACROSS), -(-count // _ACROSS)
    figure = Figure(figsize=(right * across, below * down))
    places = []
    for index in range(count):
        line, column = divmod(index, _ACROSS)
        left, bottom = column * right, (down - 1 - line) * below
        places.append((left / right / across, bottom / below / down, width / right / across, height / below / down))
    return figure, places


def _matrix(matrix, kind):
    _inputs.check_choice("kind", kind, tuple(_STYLES))
    matrix = _array(matrix).astype(np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"matrix must be (N, M), a row for each image, a column for each text; got {matrix.shape}")
    _inputs.check_finite("matrix", matrix, "image {0}, text {1}")
    return matrix


def _array(x):
    """A tensor of any device and precision, or anything like an array, as NumPy; None stays."""
    if hasattr(x, "detach"):
        x = x.detach().cpu()
        return (x.double() if x.is_floating_point() else x).numpy()
    return None if x is None else np.asarray(x)


def checked_pictures(pictures, n):
    """pictures (N, S, S, 3) uint8, N being n, or None -> a list of arrays. Errors: ValueError naming pictures."""
    if pictures is None:
        return []
    if len(pictures) != n:
        raise ValueError(f"pictures: one for each row (image side), {n}; got {len(pictures)}")
    pictures = [np.asarray(picture) for picture in pictures]
    if not all(p.ndim == 3 and p.shape[2] == 3 and p.dtype == np.uint8 for p in pictures):
        raise ValueError("pictures (image side) must be (N, S, S, 3) uint8: red, green, blue from 0 to 255")
    return pictures


def checked_words(name, words, count, each="column (text side)"):
    """words: so many strings, count, one for each of these, or None -> a list. Errors: ValueError with this name."""
    if words is None:
        return []
    if isinstance(words, str) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{name}: a list of strings, one for each {each}")
    if len(words) != count:
        raise ValueError(f"{name}: one for each {each}, {count}; got {len(words)}")
    return list(words)


def _limits(kind, matrices):
    """The lowest and the highest number that the colours show. NaN is no number."""
    low, high = _STYLES[kind][1:3]
    there = np.concatenate([matrix[~np.isnan(matrix)] for matrix in matrices])
    if kind == "gradient":  # 0 in the middle
        high = np.abs(there).max(initial=0) or 1.0
        return -high, high
    if kind == "violations":  # dark is nothing, also where nothing costs
        return low, there.max(initial=0) or 1.0
    return (there.min(), there.max()) if low is None and there.size else (low, high)


def _draw(ax, matrix, kind, cell, limits):
    colours, form = _STYLES[kind][0], _STYLES[kind][3]
    low, high = limits
    image = ax.imshow(matrix, cmap=colours, vmin=low, vmax=high, aspect="auto")
    if max(matrix.shape) > _NUMBERS_UP_TO:
        ax.figure.colorbar(image, cax=ax.inset_axes((1.03, 0.15, 0.03, 0.7))).ax.tick_params(labelsize=7)
        return
    for (i, j), value in np.ndenumerate(matrix):
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
        number = {"color": "white" if dark else "black", "fontsize": min(10, 72 * cell * 0.25)}
        ax.text(j, i, form.format(round(value, 2) + 0.0), ha="center", va="center", **number)  # no "-0.00"


def _decorate(ax, cell, pictures, captions, numbered):
    n, m = ax.images[0].get_array().shape
    small = max(n, m) <= _NUMBERS_UP_TO
    ax.tick_params(length=0, labelsize=9 if small else 7)
    ax.set_yticks(range(n) if numbered and small else [])
    ax.set_xticks(range(m) if not captions and small else [])
    if numbered:
        ax.set_ylabel("images", fontsize=9)
    if not captions:
        ax.set_xlabel("texts", fontsize=9)
    elif m <= 4:
        ax.set_xticks(range(m), [textwrap.fill(caption, 9, break_long_words=False) for caption in captions])
    else:
        ax.set_xticks(range(m), captions, rotation=55 if small else 90, ha="right", va="top", rotation_mode="anchor")
    for i, pixels in enumerate(pictures):
        height = min(72 * cell * 0.9, 34)  # in points, as is the zoom: one picture in the height of one cell
        icon = OffsetImage(pixels, zoom=height / len(pixels), interpolation="lanczos")
        left_of_row = {"xy": (0, i), "xycoords": ("axes fraction", "data"), "box_alignment": (1, 0.5)}
        ax.add_artist(
            AnnotationBbox(icon, xybox=(-4, 0), boxcoords="offset points", frameon=False, pad=0, **left_of_row)
        )


def _frame(ax, matches):
    for i, j in np.argwhere(matches):
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="white", linewidth=2.4))
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=1.0))


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('ch') else 's'}"


def _describe(title, matrix, kind, matches):
    """What to see, in words: a screen reader's heatmap."""
    n, m = matrix.shape
    lead = f"Heatmap of {' '.join(title.split())}: {_count(n, 'image')} (rows) by {_count(m, 'text')} (columns)."
    if kind == "labels":
        cells = ", ".join(f"({i}, {j})" for i, j in np.argwhere(matrix > 0))
        return f"{lead} Non-zero cells: {cells}." if n <= _NUMBERS_UP_TO else lead
    if kind == "violations":
        costly = int((matrix > 0).sum())
        return f"{lead} {_count(costly, 'cell')} cost{'s' * (costly == 1)} something, {matrix.sum():.2f} in all."
    if matches is None:
        return lead
    if kind == "gradient":
        return f"{lead} {int((matrix[matches] < 0).sum())} of {_count(int(matches.sum()), 'match')} are pushed up."
    best_match = np.where(matches, matrix, -np.inf).max(axis=1)
    best_other = np.where(matches, -np.inf, matrix).max(axis=1)
    right = int((best_match > best_other).sum())
    return f"{lead} The brightest cell of the row is a match in {right} of {n} rows."


def _describe_piece(title, there):
    lead = f"{' '.join(title.split())}: {there.shape[0]} images by {there.shape[1]} texts, "
    rows, columns = (np.flatnonzero(there.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return lead + "all of it grey."
    return (lead + f"{there.sum()} of {there.size} cells in colour, in rows {rows[0]} to {rows[-1]} and columns "
            f"{columns[0]} to {columns[-1]}, the rest grey.")

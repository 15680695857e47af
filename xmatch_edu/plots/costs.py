"""Pictures of what a thing costs against its size, on logarithmic axes: a power of the size is a straight line."""

import math

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from xmatch_edu.plots.picture import Picture

_POWERS = {1: "", 2: "²", 3: "³"}
_MARKERS = "osD^vPX*<>"
_UNITS = {
    "seconds": [(1e-6, "µs"), (1e-3, "ms"), (1, "s")],
    "bytes": [(1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")],
}


def costs(curves, *, unit, slopes=(), x="N"):
    """Cost against size, both axes logarithmic, the name of each curve at its end -> Picture.

    curves: {name: {size: cost}}. unit: "seconds" or "bytes". slopes: powers of the size, 1 to 3, to draw as dotted
    guides. x: what the size is called. Errors: ValueError naming curves or unit.
    """
    if unit not in _UNITS:
        raise ValueError(f'unit must be "seconds" or "bytes"; got {unit!r}')
    curves = {name: {size: cost for size, cost in curve.items() if cost > 0} for name, curve in curves.items()}
    curves = {name: curve for name, curve in curves.items() if curve}
    if not curves:
        raise ValueError("curves is empty: nothing was measured")
    figure = Figure(figsize=(7.2, 4.2))
    ax = figure.add_axes((0.1, 0.12, 0.62, 0.84))
    ax.set(xscale="log", yscale="log", xlabel=x, ylabel=unit)
    for index, curve in enumerate(curves.values()):
        style = {"marker": _MARKERS[index % 10], "markersize": 5, "color": f"C{index % 10}"}
        ax.plot(*zip(*curve.items(), strict=True), **style)
    sizes = sorted({size for curve in curves.values() for size in curve})
    values = [cost for curve in curves.values() for cost in curve.values()]
    ax.set(xlim=(sizes[0] / 1.3, sizes[-1] * 1.3), ylim=(min(values) / 2, max(values) * 2))
    for slope in slopes:
        foot = min(values) * 0.7
        # Up to the right edge, or to the top where the power gets there first.
        end = min(sizes[-1], sizes[0] * (max(values) / foot) ** (1 / slope))
        top = foot * (end / sizes[0]) ** slope
        ax.plot([sizes[0], end], [foot, top], ":", color="gray", zorder=0)
        ax.text(end, top, f" {x}{_POWERS[slope]}", color="gray")
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value, unit)))
    _name_the_ends(ax, curves)
    ax.grid(True, which="major", color="#dddddd")
    return Picture(figure, _describe(curves, unit, x))


def amount(value, unit):
    """A measured value as a person reads it: (0.0021, "seconds") -> "2.1 ms". unit: "seconds" or "bytes"."""
    fits = [(factor, name) for factor, name in _UNITS[unit] if factor <= value * 1.0001]
    factor, name = fits[-1] if fits else _UNITS[unit][0]
    return f"{value / factor:.2g} {name}" if value < 99.5 * factor else f"{value / factor:.0f} {name}"


def _name_the_ends(ax, curves):
    """Each name at the right edge, level with its curve's last point where there is room, joined to it by a line."""
    low, high = (math.log(limit) for limit in ax.get_ylim())
    ends = sorted((((math.log(list(c.values())[-1]) - low) / (high - low)), i) for i, c in enumerate(curves.values()))
    level = -1.0
    for height, index in ends:
        level = max(height, level + 0.065)
        name, curve = list(curves.items())[index]
        ax.annotate(
            name, xy=list(curve.items())[-1], xytext=(1.05, level), textcoords="axes fraction", va="center", fontsize=9,
            color=f"C{index % 10}", arrowprops={"arrowstyle": "-", "color": f"C{index % 10}", "linewidth": 0.6},
        )  # fmt: skip


def _describe(curves, unit, x):
    """The costs at the largest size that all curves reach, cheapest first: a screen reader's curve."""
    common = set.intersection(*(set(curve) for curve in curves.values()))
    lead = f"{unit.capitalize()} against {x}, both axes logarithmic."
    if not common:
        return f"{lead} Curves: {', '.join(curves)}."
    size = max(common)
    cheapest_first = sorted((curve[size], name) for name, curve in curves.items())
    return f"{lead} At {x} = {size:,}: " + ", ".join(f"{n} {amount(cost, unit)}" for cost, n in cheapest_first) + "."

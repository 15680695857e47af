"""Pictures of a measurement repeated: a dot for each run, so that a difference can be held against its spread."""

import statistics

from matplotlib.figure import Figure

from xmatch_edu.plots.picture import Picture


def spread(runs, *, x, chance=None):
    """A line for each way, a dot for each of its runs, a bar at their median -> Picture.

    runs: {name: [value of each run]}, drawn from the top down. x: what a value is. chance: what guessing reaches, as a
    dotted line. Errors: ValueError naming runs.
    """
    if not runs or not all(len(values) for values in runs.values()):
        raise ValueError("runs: a picture needs one name at least, and one value for each")
    names = list(runs)
    figure = Figure(figsize=(7.2, 0.6 + 0.3 * len(names)))
    ax = figure.add_axes((0.4, 0.5 / (0.6 + 0.3 * len(names)), 0.57, 1 - 0.6 / (0.6 + 0.3 * len(names))))
    for line, values in enumerate(runs.values()):
        ax.plot(values, [line] * len(values), "o", color="C0", markersize=6, alpha=0.6)
        ax.plot([statistics.median(values)] * 2, [line - 0.3, line + 0.3], color="black", linewidth=2)
    if chance is not None:
        ax.axvline(chance, linestyle=":", color="black")
        ax.text(chance, -0.75, " chance", fontsize=8, va="center")
    ax.set_yticks(range(len(names)), names, fontsize=9)
    ax.set(xlabel=x, xlim=(0, None), ylim=(len(names) - 0.4, -1.1 if chance is not None else -0.6))
    ax.grid(True, axis="x", color="#dddddd")
    ax.set_axisbelow(True)
    told = ", ".join(f"{name} {statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"
                     for name, values in runs.items())  # fmt: skip
    told += "." if chance is None else f". Chance: {chance:.3g}."
    return Picture(figure, f"{x}, median and range: {told}")

"""Directions beside a true one: how long is each, and how far does it point away?"""

import math

from matplotlib.figure import Figure

from xmatch_edu.plots.picture import Picture

_APART = 0.75


def arrows(ways):
    """A line for each way: its arrow over the true one, which is grey, has length 1 and points right -> Picture.

    ways: {name: (length beside the true one, angle to it in degrees, 0 to 180)}. Errors: ValueError naming ways.
    """
    if not ways:
        raise ValueError("ways is empty: a picture needs one arrow")
    figure = Figure(figsize=(7.2, 0.3 + 0.85 * len(ways)))
    ax = figure.add_axes((0.38, 0, 0.62, 1))
    for line, (name, (length, degrees)) in enumerate(ways.items()):
        start, angle = -line * _APART, math.radians(degrees)
        tip = length * math.cos(angle), start + length * math.sin(angle)
        ax.annotate("", (1, start), (0, start), arrowprops={"arrowstyle": "-|>", "color": "#bbbbbb", "lw": 6})
        ax.annotate("", tip, (0, start), arrowprops={"arrowstyle": "->", "color": "black", "lw": 1.8})
        ax.text(-0.06, start, name, ha="right", va="center", fontsize=9)
        ax.text(1.25, start, f"{length:.2f} times as long, {degrees:.0f}° away", va="center", fontsize=9)
    ax.set(xlim=(-0.02, 2.6), ylim=(-(len(ways) - 0.5) * _APART, 0.5 * _APART), aspect="equal")
    ax.set_axis_off()
    told = ", ".join(f"{name} {length:.2f} times as long, {degrees:.0f} degrees away"
                     for name, (length, degrees) in ways.items())  # fmt: skip
    return Picture(figure, f"Arrows beside the true one: {told}.")

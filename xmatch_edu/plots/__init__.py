"""Still pictures, each with its description in words: heatmaps of a batch, shapes of arrays, costs against size.

Nothing here computes a loss (that is `loops` and `losses`), measures (`measure`) or moves (`explore`).
"""

from xmatch_edu.plots.arrows import arrows
from xmatch_edu.plots.attention import attention
from xmatch_edu.plots.costs import costs
from xmatch_edu.plots.heatmaps import batch, heatmap, matching_panels, panels, pieces
from xmatch_edu.plots.picture import Picture
from xmatch_edu.plots.shapes import shapes
from xmatch_edu.plots.spread import spread

__all__ = [
    "Picture", "arrows", "attention", "batch", "costs", "heatmap", "matching_panels", "panels", "pieces", "shapes",
    "spread",
]  # fmt: skip

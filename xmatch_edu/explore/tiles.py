"""The walk over the tiles: S made tile by tile, each one used and forgotten, first forward and then back.

Here live what the walk is given and what it says to Python, and its still twin. All that moves lives in tiles.js beside
this file; the same numbers without a browser come from `loops`.

N: pairs (rows and columns of S)    D: features    K: tiles    S: pixels a side of a picture
"""

from pathlib import Path

import numpy as np
import traitlets

from xmatch_edu import _inputs, loops, plots
from xmatch_edu.explore.batch import checked_features, place, png
from xmatch_edu.explore.live import LivePicture, colours, script
from xmatch_edu.plots.heatmaps import checked_pictures, checked_words

LARGEST_N, MOST_TILES, STILLS = 32, 100, 6
_STATE = ("step",)
_SCRIPT = Path(__file__).with_name("tiles.js")


class TileWalk(LivePicture):
    """A live picture of the matching loss worked out in tiles: a slider walks over them, twice.

    image_features, text_features (N, D): arrays or tensors, N up to 32, taken as they are; text i belongs to image i.
    scale: positive. size: rows and columns of a tile; the last may be short; at most 100 tiles, K.
    pictures (N, S, S, 3) uint8; captions: N strings.

    Step 0 holds nothing. Steps 1 to K make the tiles in the order of reading, and gather the log-sum-exp of each row
    and column. Steps K + 1 to 2K make them again, and each adds to the gradients of its images and texts.
    Traits: step; and `loss`, which the browser computes, None before a browser has shown step K or a later one.
    Errors: ValueError (a scale that is no number: TypeError) naming the argument and its side; the same for the trait.
    """

    _esm = script(_SCRIPT)
    _state = _STATE
    _title = "A walk over the tiles"
    step = traitlets.TraitType(0).tag(sync=True)
    loss = traitlets.Float(None, allow_none=True, read_only=True).tag(sync=True)

    def __init__(self, image_features, text_features, *, scale, size, pictures=None, captions=None):
        n = len(image_features)
        if not 1 <= n <= LARGEST_N:
            raise ValueError(f"image_features (image side): from 1 to {LARGEST_N} pairs; got {n}")
        self.image, self.text = checked_features(image_features, text_features, n)
        self.scores = self.image @ self.text.T
        self.scale = float(_inputs.check_scale(scale, self.scores, float(np.abs(self.scores).max())))
        _inputs.check_count("size", size, "the rows and columns of a tile")
        starts = range(0, n, size)
        self.tiles = [(slice(top, min(n, top + size)), slice(left, min(n, left + size)))
                      for top in starts for left in starts]  # fmt: skip
        if len(self.tiles) > MOST_TILES:
            raise ValueError(f"size: at most {MOST_TILES} tiles; {n} pairs in tiles of {size} are {len(self.tiles)}")
        self.set_trait("data", {
            "image_features": self.image.tolist(), "text_features": self.text.tolist(), "scale": self.scale,
            "size": size, "pictures": [png(picture) for picture in checked_pictures(pictures, n)],
            "captions": checked_words("captions", captions, n),
            "colours": {"forward": colours("viridis"), "backward": colours("cividis")},
        })  # fmt: skip
        super().__init__()

    @traitlets.validate(*_STATE)
    def _check(self, proposal):
        return place("step must be an int", proposal["value"], 2 * len(self.tiles) + 1)

    def numbers(self):
        """What the browser computes for the step on show, from `loops`.

        -> {"tile": (N, N) float64, NaN where nothing is held: the logits, or on the way back P − Y, the mean of both
        directions; "rows", "columns": (N,), the log-sum-exp of what was seen so far (−inf for nothing), or on the way
        back the lengths of the gradients so far, of each image and each text; "held": the int of numbers held, beside
        features and gradients; "loss": None before all of S was seen once}.
        """
        return self._numbers(self.step)

    def _numbers(self, step):
        back, logits = step > len(self.tiles), self.scale * self.scores
        by_score = loops.matching_gradient(self.scores, scale=self.scale)
        seen, tile = np.zeros_like(logits, dtype=bool), np.full_like(logits, np.nan)
        for where in self.tiles[: step - back * len(self.tiles)]:
            seen[where] = True
        if step:
            where = self.tiles[(step - 1) % len(self.tiles)]
            tile[where] = (by_score * len(logits) / self.scale if back else logits)[where]
        if back:
            so_far = np.where(seen, by_score, 0.0)
            sides = [np.linalg.norm(sums, axis=1) for sums in (so_far @ self.text, so_far.T @ self.image)]
        else:
            sides = [np.logaddexp.reduce(logits, axis=axis, where=seen, initial=-np.inf) for axis in (1, 0)]
        logs = 2 * len(logits) + 1  # one for each row and each column, and the sum of the matches' logits
        return {
            "tile": tile, "rows": sides[0], "columns": sides[1], "held": int((~np.isnan(tile)).sum()) + logs,
            "loss": loops.matching_loss(self.scores, scale=self.scale) if step >= len(self.tiles) else None,
        }  # fmt: skip

    def still(self):
        """Six steps of the walk, evenly picked -> a `plots.Picture`, for pages where nothing runs."""
        count = len(self.tiles)
        picked = sorted({int(step) for step in np.linspace(1, 2 * count, min(STILLS, 2 * count)).round()})
        return plots.pieces([
            (f"{'forward' if step <= count else 'backward'}, tile {(step - 1) % count + 1} of {count}",
             self._numbers(step)["tile"], "scores" if step <= count else "gradient")
            for step in picked
        ])  # fmt: skip

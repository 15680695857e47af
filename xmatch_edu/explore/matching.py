"""One batch under your hands: its N×N scores, what two losses make of them, redrawn in the browser at every move.

Here live what the picture is given and what it says to Python, and its still twin. All that moves lives in matching.js
beside this file; the same numbers without a browser come from `loops`.

N: pairs (rows and columns of S)    S: pixels a side of a picture    D: features
"""

import math
from numbers import Real
from pathlib import Path

import numpy as np
import traitlets

from xmatch_edu import _inputs, loops, plots
from xmatch_edu.explore import batch
from xmatch_edu.explore.live import LivePicture, colours, script
from xmatch_edu.plots.heatmaps import checked_pictures, checked_words

# view -> (kind of heatmap, its colour map, title), as in `plots`
VIEWS = {
    "scores": ("scores", "viridis", "scores S"),
    "text given image": ("probabilities", "magma", "P(text | image)"),
    "image given text": ("probabilities", "magma", "P(image | text)"),
    "labels": ("labels", "gray", "labels"),
    "gradient": ("gradient", "cividis", "gradient of the loss"),
    "violations": ("violations", "inferno", "violations"),
}
_STATE = ("view", "scale", "margin", "negatives", "direction", "order", "labels_follow", "cell")
_MARGINS = (0.02, 2.0)  # the ends of the slider for margin
_SCRIPT = Path(__file__).with_name("matching.js")


class MatchingExplorer(LivePicture):
    """A live picture of one batch. Change a trait from Python, or move it by mouse or keys: both sides follow.

    scores (N, N): array or tensor, N up to 64; image i is row i, text j is column j, and pair i matches.
    pictures (N, S, S, 3) uint8; captions: N strings; scale: where the slider stands, from `low` to `high`.
    view, margin, negatives: where these traits start. margin (0.02 to 2) and negatives ("all", "hardest", or the int k
    of the hardest that count) are those of `loops.ranking_loss`, and only the view "violations" shows them.
    image_features, text_features (N, D): only to show which terms of their dot product weigh most in a cell.

    Traits: view (a key of `VIEWS`), scale, margin, negatives, direction ("image_to_text", "text_to_image", "both"),
    order (column k holds text order[k]), labels_follow (bool: do the labels move with the texts?), cell ([row,
    column]); and two that the browser computes, read-only, None before a browser has shown the picture: `loss`, the
    softmax loss, mean of the chosen direction, and `ranking_loss`, the hinge loss, sum of the chosen direction.
    Errors: ValueError (a scale or margin that is no number: TypeError) naming the argument and its side; the same for
    traits.
    """

    _esm = script(_SCRIPT)
    _state = _STATE
    _title = "One batch"
    view = traitlets.TraitType("scores").tag(sync=True)
    scale = traitlets.TraitType(1.0).tag(sync=True)
    margin = traitlets.TraitType(0.2).tag(sync=True)
    negatives = traitlets.TraitType("all").tag(sync=True)
    direction = traitlets.TraitType("both").tag(sync=True)
    order = traitlets.TraitType().tag(sync=True)
    labels_follow = traitlets.TraitType(True).tag(sync=True)
    cell = traitlets.TraitType().tag(sync=True)
    loss = traitlets.Float(None, allow_none=True, read_only=True).tag(sync=True)
    ranking_loss = traitlets.Float(None, allow_none=True, read_only=True).tag(sync=True)

    def __init__(self, scores, *, pictures=None, captions=None, scale=1.0, image_features=None, text_features=None,
                 low=0.5, high=30.0, view="scores", margin=0.2, negatives="all"):  # fmt: skip
        self.scores = batch.checked_scores(scores)
        n = len(self.scores)
        self._pictures = checked_pictures(pictures, n)
        self._captions = checked_words("captions", captions, n)
        features = batch.checked_features(image_features, text_features, n)
        if not (isinstance(low, Real) and isinstance(high, Real) and 0 < low < high < math.inf):
            raise ValueError(f"low and high: the ends of the slider for scale, 0 < low < high; got {low} and {high}")
        largest = float(np.abs(self.scores).max())
        _inputs.check_scale(high, self.scores, largest)
        _inputs.check_margin(_MARGINS[1], self.scores, largest)
        self._range = float(low), float(high)
        self._shuffles = batch.shuffles(n)
        self.set_trait("data", {
            "scores": self.scores.tolist(), "pictures": [batch.png(picture) for picture in self._pictures],
            "captions": self._captions, "low": self._range[0], "high": self._range[1], "shuffles": self._shuffles,
            "margins": _MARGINS,
            "image_features": features[0].tolist(), "text_features": features[1].tolist(),
            "colours": {kind: colours(name) for kind, name, _ in VIEWS.values()},
        })  # fmt: skip
        super().__init__(view=view, scale=scale, margin=margin, negatives=negatives, order=range(n), cell=(0, 0))

    @traitlets.validate(*_STATE)
    def _check(self, proposal):
        name, value, n = proposal["trait"].name, proposal["value"], len(self.scores)
        if name == "view":
            _inputs.check_choice(name, value, tuple(VIEWS))
        elif name == "direction":
            _inputs.check_choice(name, value, _inputs.DIRECTIONS)
        elif name == "scale":
            value, (low, high) = float(_inputs.check_scale(value, self.scores, None)), self._range
            if not low <= value <= high:
                raise ValueError(f"scale must lie on the slider, from low = {low:g} to high = {high:g}; got {value:g}")
        elif name == "margin":
            value, (low, high) = _inputs.check_margin(value, self.scores, None), _MARGINS
            if not low <= value <= high:
                raise ValueError(f"margin must lie on the slider, from {low:g} to {high:g}; got {value:g}")
        elif name == "negatives":
            _inputs.check_negatives(value)
        elif name == "labels_follow":
            value = batch.true_or_false(name, value)
        elif name == "order":
            value = batch.whole_numbers(value)
            if value is None or sorted(value) != list(range(n)):
                raise ValueError(f"order must hold each text's number from 0 to {n - 1} (text side) once; got {value}")
        else:
            value = batch.checked_cell(value, n)
        return value

    @property
    def labels(self):
        """(N,) int64: the column that the loss takes for image i; after a shuffle only right where labels follow."""
        return np.argsort(self.order) if self.labels_follow else np.arange(len(self.order))

    @property
    def shuffles(self):
        """The orders that "shuffle the texts" deals, one a press, then from the start again: a list of lists."""
        return self._shuffles

    def numbers(self):
        """What the browser computes, from `loops` -> {view: its (N, N) float64 matrix; "loss", "ranking loss": floats}.

        In the direction "both", loss and gradient are means of rows and columns, violations and ranking loss sums.
        """
        shown, labels = self.scores[:, self.order], self.labels
        rows = loops.matching_steps(shown, labels, scale=self.scale)
        columns = loops.matching_steps(shown, labels, scale=self.scale, direction="text_to_image")
        chosen = {"scale": self.scale, "direction": self.direction}
        ranking = {"margin": self.margin, "negatives": self.negatives}
        violations = [
            loops.ranking_steps(shown, labels, direction=direction, **ranking).violations
            for direction in _inputs.DIRECTIONS[:2]
            if self.direction in (direction, "both")
        ]
        return {
            "scores": shown,
            "text given image": rows.probabilities,
            "image given text": columns.probabilities,
            "labels": rows.targets,
            "gradient": loops.matching_gradient(shown, labels, **chosen),
            "violations": sum(violations),
            "loss": loops.matching_loss(shown, labels, **chosen),
            "ranking loss": loops.ranking_loss(shown, labels, direction=self.direction, **ranking),
        }

    def still(self):
        """The view on show -> a `plots.Picture`, for pages where nothing runs."""
        numbers, n, (kind, _, title) = self.numbers(), len(self.order), VIEWS[self.view]
        direction = self.direction.replace("_", " ")
        if kind == "violations":
            which = f"the hardest {self.negatives}" if isinstance(self.negatives, int) else self.negatives
            title += f" · margin {self.margin:.3g} · negatives: {which}\n"
            title += f"hinge loss ({direction}, summed) {numbers['ranking loss']:.2f}"
        else:
            title += f" · scale {self.scale:.3g}\nloss ({direction}) {numbers['loss']:.2f} · ln {n} = {math.log(n):.2f}"
        return plots.heatmap(
            numbers[self.view], kind=kind, title=title, labels=self.labels, pictures=self._pictures or None,
            captions=[self._captions[k] for k in self.order] if self._captions else None,
        )  # fmt: skip

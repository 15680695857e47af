"""The heatmap film: S of one batch through training, frame by frame, until its diagonal lights up.

Here live what the film is given and what it says to Python, and its still twin. All that moves lives in film.js beside
this file; the same numbers without a browser come from `loops`.

N: pairs (rows and columns of S)    F: frames    S: pixels a side of a picture
"""

from pathlib import Path

import numpy as np
import traitlets

from xmatch_edu import _inputs, loops, plots
from xmatch_edu.explore.batch import checked_cell, checked_scores, place, png, real_numbers, whole_numbers
from xmatch_edu.explore.live import LivePicture, colours, script
from xmatch_edu.explore.matching import VIEWS as ALL_VIEWS
from xmatch_edu.plots.heatmaps import checked_pictures, checked_words

VIEWS = {name: ALL_VIEWS[name] for name in ("scores", "text given image", "image given text")}
LARGEST_N, MOST_FRAMES, MOST_LOSSES = 32, 100, 20_000  # what a page can carry
STILLS, LONGEST = 6, 16  # so many frames stand in the still twin; letters of a caption, or it runs into the next line
_STATE = ("frame", "view", "cell")
_SCRIPT = Path(__file__).with_name("film.js")


class TrainingFilm(LivePicture):
    """A live picture of one batch through training: a slider for the time, the heatmap of S, the curve of the loss.

    frames: {steps done: (scores (N, N), scale)} in rising order, 1 to 100 of them, N up to 32: what the model makes of
        one batch, held out, after so many steps. Image i is row i, text j is column j, and pair i matches. The colours
        of a view mean the same numbers in all frames.
    pictures (N, S, S, 3) uint8; captions: N strings.
    losses: the training loss of each step, at least as many as the steps of the last frame, for the curve beside the
        heatmap; batch_size: the pairs of a training batch, for the line ln(batch_size) in it, where training starts.

    Traits: frame (position in frames, from 0), view (a key of `VIEWS`), cell ([row, column]); and `loss`, the softmax
    loss of the frame on show at its scale, mean of both directions, which the browser computes: read-only, None before
    a browser has shown the film.
    Errors: ValueError or TypeError naming the argument and its side; ValueError for traits.
    """

    _esm = script(_SCRIPT)
    _state = _STATE
    _title = "A film of training"
    frame = traitlets.TraitType(0).tag(sync=True)
    view = traitlets.TraitType("scores").tag(sync=True)
    cell = traitlets.TraitType().tag(sync=True)
    loss = traitlets.Float(None, allow_none=True, read_only=True).tag(sync=True)

    def __init__(self, frames, *, pictures=None, captions=None, losses=None, batch_size=None):
        self.steps, self.scores, self.scales = _checked_frames(frames)
        n = self.scores.shape[1]
        self._pictures = checked_pictures(pictures, n)
        self._captions = checked_words("captions", captions, n)
        losses = _checked_losses(losses, self.steps[-1])
        if batch_size is not None:
            _inputs.check_count("batch_size", batch_size)
            if not losses:
                raise ValueError("batch_size is for the line in the curve of the training loss: give losses too")
        self.set_trait("data", {
            "steps": self.steps, "scores": self.scores.tolist(), "scales": self.scales,
            "pictures": [png(picture) for picture in self._pictures], "captions": self._captions,
            "losses": losses, "batch_size": batch_size,
            "colours": {kind: colours(name) for kind, name, _ in VIEWS.values()},
        })  # fmt: skip
        super().__init__(cell=(0, 0))

    @traitlets.validate(*_STATE)
    def _check(self, proposal):
        name, value, (count, n, _) = proposal["trait"].name, proposal["value"], self.scores.shape
        if name == "view":
            _inputs.check_choice(name, value, tuple(VIEWS))
            return value
        if name == "frame":
            return place("frame must be a position in frames,", value, count)
        return checked_cell(value, n)

    def numbers(self):
        """What the browser computes for the frame on show, from `loops`.

        -> {view: its (N, N) float64 matrix; "loss": float; "rows right", "columns right": ints, in how many rows the
        own text, in how many columns the own image is brighter than all others}.
        """
        scores, scale = self.scores[self.frame], self.scales[self.frame]
        others = np.where(np.eye(len(scores), dtype=bool), -np.inf, scores)
        return {
            **{view: self._matrix(view, self.frame) for view in VIEWS},
            "loss": loops.matching_loss(scores, scale=scale),
            "rows right": int((scores.diagonal() > others.max(axis=1)).sum()),
            "columns right": int((scores.diagonal() > others.max(axis=0)).sum()),
        }

    def still(self):
        """Six frames at most, evenly picked, in the view on show -> a `plots.Picture`, for pages where nothing runs."""
        (kind, *_), count = VIEWS[self.view], len(self.steps)
        picked = np.linspace(0, count - 1, min(STILLS, count)).round().astype(int)
        parts = [(f"after {_steps(self.steps[frame])}", self._matrix(self.view, frame), kind) for frame in picked]
        captions = [c if len(c) <= LONGEST else c[: LONGEST - 1].rstrip() + "…" for c in self._captions]
        return plots.panels(parts, pictures=self._pictures or None, captions=captions or None, same_colours=True)

    def _matrix(self, view, frame):
        if view == "scores":
            return self.scores[frame]
        direction = "image_to_text" if view == "text given image" else "text_to_image"
        return loops.matching_steps(self.scores[frame], scale=self.scales[frame], direction=direction).probabilities


def _steps(count):
    return f"{count} step" if count == 1 else f"{count} steps"


def _checked_frames(frames):
    """-> steps: list of ints, scores (F, N, N), scales: list of floats."""
    if not hasattr(frames, "items"):
        raise TypeError(f"frames must be a dict, {{steps done: (scores (N, N), scale)}}; got {type(frames).__name__}")
    if not 1 <= len(frames) <= MOST_FRAMES:
        raise ValueError(f"frames: from 1 to {MOST_FRAMES} of them; got {len(frames)}")
    steps = whole_numbers(list(frames))
    if steps is None or any(isinstance(step, bool) for step in frames) or steps[0] < 0 or sorted(set(steps)) != steps:
        raise ValueError(f"frames: the steps done must be ints from 0 in rising order; got {list(frames)}")
    scores, scales = [], []
    for step, frame in zip(steps, frames.values(), strict=True):
        if not isinstance(frame, tuple | list) or len(frame) != 2:
            got = f"{len(frame)} things" if isinstance(frame, tuple | list) else type(frame).__name__
            raise ValueError(f"frames, after {_steps(step)}: must be a pair (scores, scale); got {got}")
        try:
            scores.append(checked_scores(frame[0], LARGEST_N))
            scale = frame[1].item() if getattr(frame[1], "shape", None) == () else frame[1]  # of a tensor, or of NumPy
            scales.append(_inputs.check_scale(scale, scores[-1], float(np.abs(scores[-1]).max())))
        except (TypeError, ValueError) as error:
            raise type(error)(f"frames, after {_steps(step)}: {error}") from None
        if len(scores[-1]) != len(scores[0]):
            raise ValueError(
                f"frames, after {_steps(step)}: scores must be of the same batch in all frames, "
                f"{scores[0].shape} images by texts; got {scores[-1].shape}"
            )
    return steps, np.stack(scores), scales


def _checked_losses(losses, last):
    if losses is None:
        return []
    losses = real_numbers("losses", losses, "the training loss of each step")
    if losses.ndim != 1 or not max(1, last) <= len(losses) <= MOST_LOSSES:
        raise ValueError(
            f"losses: the training loss of each step, at least {max(1, last)} (the steps of the last frame), at most "
            f"{MOST_LOSSES:,}; got shape {losses.shape}"
        )
    _inputs.check_finite("losses", losses, "step {0}")
    return losses.tolist()

"""One text looks at one image: where each word looks, what it finds there, and the score R(Q, D) of both together.

Here live what the picture is given and what it says to Python, and its still twin. All that moves lives in
attention.js beside this file; the same numbers without a browser come from `loops.word_region_steps`.

T: words    R: regions, a square grid of G×G = R cells    D: features    S: pixels a side of the picture
"""

import base64
from math import isqrt, log
from pathlib import Path

import torch
import traitlets

from xmatch_edu import _inputs, loops, plots
from xmatch_edu.explore.batch import place, png, real_numbers, true_or_false
from xmatch_edu.explore.live import LivePicture, colours, script
from xmatch_edu.plots.attention import DIM, HEAT, checked_setting, outline

SLIDERS = {"gamma1": (0.5, 100.0), "gamma2": (0.1, 100.0)}  # their ends
LARGEST_T, LARGEST_R, LARGEST_D = 24, 24 * 24, 512  # what fits on a screen, and follows a hand
_STATE = ("word", "gamma1", "gamma2", "attention", "compete_over_words")
_SCRIPT = Path(__file__).with_name("attention.js")


class AttentionExplorer(LivePicture):
    """A live picture of word-region attention. Change a trait from Python, or move it by mouse or keys: both follow.

    regions (R, D), words (T, D): arrays or tensors, without padding; R = G×G, region r is row r // G, column r % G.
    T up to 24, R up to 24×24, D up to 512. picture (S, S, 3) uint8; word_names: T strings; truth (T, R) bool: where
    the thing is that the word is about.

    Traits: word (the picked one, from 0), gamma1 (0.5 to 100), gamma2 (0.1 to 100), attention ("dot" or "cosine") and
    compete_over_words, as in `loops.word_region_scores`; and `score`, R(Q, D), which the browser computes: read-only,
    None before a browser has shown the picture.
    Errors: ValueError (a gamma that is no number: TypeError) naming the argument and its side; the same for traits.
    """

    _esm = script(_SCRIPT)
    _state = _STATE
    _title = "Words and regions"
    word = traitlets.TraitType(0).tag(sync=True)
    gamma1 = traitlets.TraitType(5.0).tag(sync=True)
    gamma2 = traitlets.TraitType(5.0).tag(sync=True)
    attention = traitlets.TraitType("dot").tag(sync=True)
    compete_over_words = traitlets.TraitType(True).tag(sync=True)
    score = traitlets.Float(None, allow_none=True, read_only=True).tag(sync=True)

    def __init__(self, regions, words, *, picture=None, word_names=None, truth=None, gamma1=5.0, gamma2=5.0,
                 attention="dot", compete_over_words=True):  # fmt: skip
        self.regions = real_numbers("regions", regions, "one row for each region (image side)")
        self.words = real_numbers("words", words, "one row for each word (text side)")
        _inputs.check_regions_and_words(*map(torch.from_numpy, (self.regions, self.words)), batched=False)
        (t, d), r = self.words.shape, len(self.regions)
        for name, side, count, most in (("words", "text", t, LARGEST_T), ("regions", "image", r, LARGEST_R),
                                        ("features of regions and words", "image and text", d, LARGEST_D)):  # fmt: skip
            if count > most:
                raise ValueError(f"{name} ({side} side): at most {most} for a live picture; got {count}")
        self._picture, self._names, self._truth = checked_setting(picture, word_names, truth, t, r)
        grid = isqrt(r)
        truths = [] if self._truth is None else self._truth.reshape(t, grid, grid)
        self.set_trait("data", {
            "T": t, "R": r, "D": d, "grid": grid, "regions": _packed(self.regions), "words": _packed(self.words),
            "names": self._names, "picture": None if self._picture is None else png(self._picture),
            "outlines": [outline(cells) for cells in truths], "heat": colours(HEAT), "dim": DIM, "sliders": SLIDERS,
        })  # fmt: skip
        super().__init__(gamma1=gamma1, gamma2=gamma2, attention=attention, compete_over_words=compete_over_words)

    @traitlets.validate(*_STATE)
    def _check(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        if name in SLIDERS:
            (value,), (low, high) = _inputs.check_gammas(**{name: value}), SLIDERS[name]
            if not low <= value <= high:
                raise ValueError(f"{name} must lie on the slider, from {low:g} to {high:g}; got {value:g}")
            return value
        if name == "attention":
            _inputs.check_choice(name, value, _inputs.ATTENTIONS)
            return value
        if name == "compete_over_words":
            return true_or_false(name, value)
        return place("word (text side) must be a number", value, len(self.words))

    def numbers(self):
        """What the browser computes, from `loops` -> loops.WordRegionSteps."""
        return loops.word_region_steps(
            self.regions, self.words, gamma1=self.gamma1, gamma2=self.gamma2, attention=self.attention,
            compete_over_words=self.compete_over_words,
        )  # fmt: skip

    def still(self):
        """Where every word looks -> a `plots.Picture`, for pages where nothing runs."""
        steps = self.numbers()
        bonus = log(len(self.words)) / self.gamma2
        title = f"γ1 = {self.gamma1:.3g} · γ2 = {self.gamma2:.3g} · s: {self.attention}"
        title += f" · words {'compete' if self.compete_over_words else 'do not compete'}"
        title += f"\nR = {steps.score - bonus:.3f} + ln {len(self.words)} / γ2 = {steps.score:.3f}"
        notes = [f"cos {cosine:.2f}" for cosine in steps.cosines]
        return plots.attention(
            self._picture, self._names, steps.attention, truth=self._truth, notes=notes, title=title)


def _packed(x):
    """Float64 as base64: a third of the length of JSON numbers, and every digit of them."""
    return base64.b64encode(x.astype("<f8").tobytes()).decode()

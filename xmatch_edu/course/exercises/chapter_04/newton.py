"""The best scale for given cosines, by Newton's steps."""

import math

import numpy as np
import torch

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas

_random = np.random.default_rng(4)


def _one_direction(S, s, axis):
    """Slope and bend of one direction's loss in the scale: E[S] under P minus the right score; the variance under P."""
    P = ideas.softmax(s * S, axis=axis)
    mean = (P * S).sum(axis=axis)
    variance = (P * S**2).sum(axis=axis) - mean**2
    return (mean - np.diag(S)).mean(), variance.mean()


def _newton(S, start, steps, *, axes=(1, 0), log=True, bend=True, sign=-1):
    S, s = S.double().numpy(), float(start)
    for _ in range(steps):
        slope, curve = np.mean([_one_direction(S, s, axis) for axis in axes], axis=0)
        if log:  # the chain rule through s = exp(l)
            slope, curve = s * slope, s * s * curve + s * slope
        step = sign * (slope / curve if bend else slope)
        with np.errstate(all="ignore"):
            s = float(s * np.exp(step)) if log else s + step
    return s


def _cosines_of(n):
    """Some right, some wrong, so that the best scale is neither 0 nor infinity."""
    return torch.tensor(np.clip(0.45 * np.eye(n) + 0.35 * _random.normal(size=(n, n)), -1, 1))


newton = Exercise(
    name="newton",
    takes=("cosines", "start", "steps"),
    gives=(Part("the scale"),),
    right=_newton,
    cases={
        "8 pairs, start 3, 1 step": (_cosines_of(8), 3.0, 1),
        "8 pairs, start 2, 2 steps": (_cosines_of(8), 2.0, 2),
        "16 pairs, start 2, 4 steps": (_cosines_of(16), 2.0, 4),
    },
    error=1e-4,  # so that it may be rounded to four digits
    misconceptions=(
        Misconception(
            "Newton on the scale, not on its logarithm",
            "Your steps are those of Newton's method on the scale itself. Differentiate by the stored number, the "
            "logarithm, and step there; only what is handed to the loss is its exp.",
            lambda S, start, steps: _newton(S, start, steps, log=False),
        ),
        Misconception(
            "a gradient step of size 1",
            "You stepped by the slope and did not divide it by the slope of the slope. That division is all of "
            "Newton's method: it says how far the slope lasts.",
            lambda S, start, steps: _newton(S, start, steps, bend=False),
        ),
        Misconception(
            "up instead of down",
            "You added the step. The loss falls against its slope: subtract.",
            lambda S, start, steps: _newton(S, start, steps, sign=1),
        ),
        Misconception(
            "the logarithm given back",
            "You gave the stored number. The scale is its exp.",
            lambda S, start, steps: math.log(_newton(S, start, steps)),
        ),
        Misconception(
            "one step too many or too few",
            "Your number belongs to another count of steps. The argument says how many: count them.",
            lambda S, start, steps: _newton(S, start, steps + 1), lambda S, start, steps: _newton(S, start, steps - 1),
        ),
        Misconception(
            "always the same number of steps, or always from 3",
            "Your number of steps, or your start, does not follow the arguments: it is fixed, or you went on until "
            "nothing moved, or a return stands inside the loop. Both arguments lead to other scales.",
            lambda S, start, steps: _newton(S, start, 5), lambda S, start, steps: _newton(S, 3.0, steps),
            lambda S, start, steps: _newton(S, 3.0, 5), lambda S, start, steps: _newton(S, start, 30),
            lambda S, start, steps: _newton(S, start, 1),
        ),
        Misconception(*ideas.ROWS_ONLY, lambda S, start, steps: _newton(S, start, steps, axes=(1,)),
                      lambda S, start, steps: _newton(S, start, steps, axes=(0,))),
        Misconception(
            "the start without its logarithm",
            "You stored the start as it is, and then took its exp. What is stored is the logarithm: begin with "
            "log(start).",
            lambda S, start, steps: _newton(S, math.exp(start), steps),
        ),
    ),
)  # fmt: skip

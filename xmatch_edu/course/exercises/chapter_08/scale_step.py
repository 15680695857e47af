"""A step of the learned scale, which stays positive."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part


def _step(scale, slope, rate, largest):
    return min(largest, float(np.exp(np.log(scale) - rate * slope * scale)))


scale_step = Exercise(
    name="scale_step",
    takes=("scale", "slope", "rate", "largest"),
    gives=(Part("the new scale"),),
    right=_step,
    cases={
        "scale 1, slope 0": (1.0, 0.0, 0.1, 100.0),
        "scale 14.3, slope −0.02": (14.3, -0.02, 0.1, 100.0),
        "scale 2, a steep slope": (2.0, 3.0, 0.5, 100.0),
        "scale 90, and the step goes beyond the largest": (90.0, -0.05, 0.1, 100.0),
        "scale 0.5, slope −0.4": (0.5, -0.4, 1.0, 20.0),
        "scale 18, and the step goes beyond a largest of 20": (18.0, -0.1, 0.1, 20.0),
    },
    misconceptions=(
        Misconception(
            "a step of the scale itself",
            "You moved the scale, not its logarithm. A steep slope can then make it negative, and the same step means "
            "much for a small scale and nothing for a large one.",
            lambda scale, slope, rate, largest: min(largest, scale - rate * slope),
            lambda scale, slope, rate, largest: scale - rate * slope,
        ),
        Misconception(
            "the chain rule is missing",
            "The slope is that of the loss against the scale, and you used it as the slope against the logarithm. With "
            "scale = exp(t) it is slope · scale.",
            lambda scale, slope, rate, largest: min(largest, scale * np.exp(-rate * slope)),
            lambda scale, slope, rate, largest: scale * np.exp(-rate * slope),
        ),
        Misconception(
            "divided by the scale",
            "You divided the slope by the scale. d loss / d t = d loss / d scale · d scale / d t, and scale = exp(t) "
            "has the slope exp(t), the scale itself: multiply.",
            lambda scale, slope, rate, largest: min(largest, scale * np.exp(-rate * slope / scale)),
            lambda scale, slope, rate, largest: scale * np.exp(-rate * slope / scale),
        ),
        Misconception(
            "the logarithm is given back",
            "The step is right, and what you gave back is still the logarithm. Take exp of it.",
            lambda scale, slope, rate, largest: min(np.log(largest), np.log(scale) - rate * slope * scale),
            lambda scale, slope, rate, largest: np.log(scale) - rate * slope * scale,
            lambda scale, slope, rate, largest: min(largest, np.log(scale) - rate * slope * scale),
        ),
        Misconception(
            "uphill",
            "You added the slope. The loss shall fall: a step goes against the slope, with a minus.",
            lambda scale, slope, rate, largest: min(largest, scale * np.exp(rate * slope * scale)),
            lambda scale, slope, rate, largest: scale * np.exp(rate * slope * scale),
        ),
        Misconception(
            "no limit",
            "Nothing stops your scale: it grows as long as the model gets surer. What must stay at most `largest` is "
            "the scale that comes out, not the one before the step, and not the logarithm.",
            lambda scale, slope, rate, largest: scale * np.exp(-rate * slope * scale),
        ),
        Misconception(
            "a limit of 100, whatever is asked",
            "You wrote the limit of CLIP into your function. It is given as `largest`, and may be another number.",
            lambda scale, slope, rate, largest: min(100.0, scale * np.exp(-rate * slope * scale)),
        ),
        Misconception(
            "at least, not at most",
            "max keeps the scale above `largest`. The limit is at the top: min.",
            lambda scale, slope, rate, largest: max(largest, scale * np.exp(-rate * slope * scale)),
        ),
        Misconception(
            "the straight line in place of exp",
            "scale · (1 − step) is what exp looks like for tiny steps. For a large step it is 0 or negative, which exp "
            "never is.",
            lambda scale, slope, rate, largest: min(largest, scale * (1 - rate * slope * scale)),
            lambda scale, slope, rate, largest: scale * (1 - rate * slope * scale),
        ),
    ),
)  # fmt: skip

"""What is wrong with a loss, from its numbers."""

import math
from functools import partial

from xmatch_edu.check.engine import Exercise, Misconception, Part

# The last ones are met by other tolerances, logarithms and floors, so that these show by saying too much.
_READINGS = [(3.8712, 48), (2.9064, 48), (float("nan"), 48), (3.4, 48), (5.9095, 1000), (3.8712, 1000), (6.9078, 1000),
             (2.9064, 1000), (0.1, 48), (float("nan"), 1000), (2.0794, 8), (3.6107, 37), (3.8718, 48), (3.8795, 48),
             (2.9, 48), (3.8735, 48), (5.9115, 1000), (5.585, 48), (1.6812, 48), (4.1931, 48), (1.2622, 48),
             (2.8501, 48), (2.8712, 48)]  # fmt: skip


def _diagnosis(loss, N, bound=1e-3, floor=lambda N: math.log(1 + (N - 1) / math.e), nothing=math.log):
    if loss != loss:
        return "not a number"
    if abs(loss - nothing(N)) < bound:
        return "nothing learned"
    return "softmax twice" if abs(loss - floor(N)) < bound else "goes on"


def _never(words, loss, N):
    said = _diagnosis(loss, N)
    return ("softmax twice" if words == "goes on" else "goes on") if said == words else said


_SWAPPED = {"nothing learned": "softmax twice", "softmax twice": "nothing learned"}
diagnose = Exercise(
    name="diagnose",
    takes=("loss", "N"),
    gives=(Part("the diagnosis", "", "text"),),
    right=_diagnosis,
    cases={f"loss {loss}, N = {N}": (loss, N) for loss, N in _READINGS},
    misconceptions=(
        Misconception(
            "NaN compared with ==",
            "You missed the readings that are not a number. NaN is equal to nothing, not even to itself, so no "
            "comparison with == or is finds it: math.isnan does.",
            lambda loss, N: "goes on" if math.isnan(loss) else _diagnosis(loss, N),
        ),
        Misconception(
            "the numbers of N = 48",
            "You compared with 3.8712 and 2.9064, which are those of a batch of 48. Both depend on N: compute them.",
            lambda loss, N: _diagnosis(loss, 48),
        ),
        Misconception(
            "the two changed places",
            "You exchanged the two diagnoses. ln N is the price of knowing nothing; the floor of a second softmax lies"
            " below it, since the right text still gets a little more than the others.",
            lambda loss, N: _SWAPPED.get(_diagnosis(loss, N), _diagnosis(loss, N)),
        ),
        Misconception(
            "too generous",
            "You call losses alike that differ in the third digit or more. A model that learns passes these numbers on"
            " its way; only one that stands on them, to a thousandth, is stuck.",
            *[partial(_diagnosis, bound=bound) for bound in (3e-3, 5e-3, 1e-2, 5e-2, 0.1)],
        ),
        Misconception(
            "compared with ==",
            "You asked for equal numbers. The loss on the screen is rounded, and no float is exactly ln N: ask whether"
            " the two are closer than a thousandth.",
            lambda loss, N: _diagnosis(loss, N, 1e-300),
        ),
        Misconception(
            "one of them is never said",
            "One of the two diagnoses never comes out, whatever the loss. Is the test for it there, and can it be "
            "reached?",
            *[partial(_never, words) for words in ("nothing learned", "softmax twice", "goes on")],
        ),
        Misconception(
            "the floor without its 1",
            "For the second softmax you took ln((N − 1)/e), or ln(N/e). The right text's own e stands in the sum too: "
            "divided by it, that is the 1 in ln(1 + (N − 1)/e).",
            partial(_diagnosis, floor=lambda N: math.log(max(N - 1, 1) / math.e)),
            partial(_diagnosis, floor=lambda N: math.log(N / math.e)),
        ),
        Misconception(
            "another logarithm",
            "You compared with the logarithm of base 2 or 10. Losses are in natural logarithms: math.log.",
            *[partial(_diagnosis, nothing=log) for log in (math.log2, math.log10)],
            *[partial(_diagnosis, nothing=log, floor=lambda N, log=log: log(1 + (N - 1) / math.e))
              for log in (math.log2, math.log10)],
        ),
    ),
)  # fmt: skip

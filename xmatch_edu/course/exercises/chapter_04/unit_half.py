"""Unit vectors in half precision, with a guard for the zero vector."""

import numpy as np
import torch

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas

_random = np.random.default_rng(4)


def _half(rows):
    return (torch.tensor(rows, dtype=torch.float32).half(),)


def _right_unit(x):
    x = x.double().numpy()
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return (x / np.where(length > 0, length, 1)).astype(np.float16)


def _in_single(x, length):
    return (x.float() / length(x.float())).half()


def _length(x, dim=1):
    return x.norm(dim=dim, keepdim=True)


def _divided(x, size):
    return _in_single(x, lambda y: torch.where(size(y) != 0, size(y), 1))


unit_half = Exercise(
    name="unit_half",
    takes=("x",),
    gives=(Part("the unit vectors", "one row per vector, one column per feature", "float16"),),
    right=_right_unit,
    cases={
        "one vector": _half([[3.0, 4.0]]),
        "2 vectors, one of them zero": _half([[0.0, 0.0, 0.0], [1.0, -2.0, 2.0]]),
        "2 vectors of 30,000s": _half([[30_000.0] * 5, [30_000.0, -30_000.0, 0.0, 0.0, 1.0]]),
        "2 vectors of the smallest float16": _half([[6e-8, 0.0], [1e-7, -1e-7]]),
        "3 vectors": _half(_random.normal(size=(3, 4)).tolist()),
    },
    error=2e-3,
    misconceptions=(
        Misconception(
            "float32 where float16 was asked",
            "The numbers are right, and they are float32. The risky part is done: turn the result back with .half().",
            lambda x: x.float() / torch.where(_length(x.float()) > 0, _length(x.float()), 1),
        ),
        Misconception(
            "the length overflows",
            "The vectors of 30,000s came out as zeros: their length does not fit into float16, and became infinity. "
            "Compute the length in float32.",
            lambda x: x / torch.where(_length(x) > 0, _length(x), 1),
            lambda x: x / torch.where((x**2).sum(1, keepdim=True).sqrt() > 0, (x**2).sum(1, keepdim=True).sqrt(), 1),
        ),
        Misconception(
            "zero divided by zero",
            "The zero vector became NaN: its length is 0 too, and in float16 so is a small constant such as 1e-8. "
            "Where the length is 0, divide by something else.",
            lambda x: _in_single(x, _length), lambda x: x / _length(x), lambda x: x / (_length(x) + 1e-8),
            lambda x: x / (x**2).sum(1, keepdim=True).sqrt(),
        ),
        Misconception(
            "an ε that swallows small vectors",
            "NaN is kept away, but the smallest vectors are not of length 1: next to them an ε, or a threshold, is "
            "large. Divide by 1 where the length is 0, and only there.",
            *[lambda x, e=e: _in_single(x, lambda y: _length(y) + e) for e in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)],
            *[lambda x, e=e: _in_single(x, lambda y: _length(y).clamp_min(e)) for e in (1e-3, 1e-4, 1e-5, 1e-6)],
        ),
        Misconception(*ideas.BATCH_AXIS, lambda x: _divided(x, lambda y: _length(y, 0))),
        Misconception(
            "divided by the sum",
            "You divided by the sum of the entries (or of their sizes), as for probabilities. The length is the root "
            "of the sum of squares.",
            lambda x: _divided(x, lambda y: y.abs().sum(1, keepdim=True)),
            lambda x: _divided(x, lambda y: y.sum(1, keepdim=True)),
        ),
        Misconception(
            "divided by the largest",
            "You divided by the largest entry. Then that entry is 1, and not the length.",
            lambda x: _divided(x, lambda y: y.abs().amax(1, keepdim=True)),
        ),
        Misconception(
            "the square of the length",
            "You divided by the sum of squares. The length is its square root.",
            lambda x: _divided(x, lambda y: (y**2).sum(1, keepdim=True)),
        ),
        Misconception(
            "one length for the whole matrix",
            "You divided by the length of all numbers together. Each row has its own.",
            lambda x: _divided(x, lambda y: y.norm().expand(len(y), 1)),
        ),
    ),
)  # fmt: skip

"""How many times the numbers of S a rung holds at once."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course import measure


def _one(S):
    return S.copy()


def _three(S):
    return S.copy(), S.copy(), S.copy()


def _with_a_block(S):
    return S.copy(), np.zeros(40_000)


def _two_for_a_while(S):
    below = S - 1.0
    kept = below * 2.0
    del below
    return kept


def _returned(answer):
    return sum(one.nbytes for one in (answer if isinstance(answer, tuple) else (answer,)))


def _held(rung, N):
    S = np.zeros((N, N))
    return measure.array_bytes(lambda: rung(S))


multiples_of_S = Exercise(
    name="multiples_of_S",
    takes=("rung", "N"),
    gives=(Part("the multiple"),),
    right=lambda rung, N: {_one: 1.0, _three: 3.0, _two_for_a_while: 2.0, _with_a_block: 1 + 40_000 / N**2}[rung],
    cases={
        "a rung that copies S once, N = 256": (_one, 256),
        "a rung that copies S three times, N = 128": (_three, 128),
        "a rung that holds two for a while, N = 200": (_two_for_a_while, 200),
        "a rung that copies S beside 40,000 numbers, N = 100": (_with_a_block, 100),
    },
    error=0.03,
    misconceptions=(
        Misconception(
            "bytes, not multiples",
            "You gave the bytes that were held. S itself has N · N · 8 bytes: divide by that.",
            _held,
        ),
        Misconception(
            "bytes divided by cells",
            "You divided by N · N, the number of cells. A cell of float64 has 8 bytes.",
            lambda rung, N: _held(rung, N) / N**2,
        ),
        Misconception(
            "S weighed too",
            "Yours is one too many: S was made inside the call that was weighed. Make it before, so that only what the"
            " rung adds is counted.",
            lambda rung, N: _held(rung, N) / (8 * N**2) + 1,
        ),
        Misconception(
            "the other way up",
            "You divided S by what was held. Asked is how many times S is held.",
            lambda rung, N: 8 * N**2 / _held(rung, N),
        ),
        Misconception(
            "always N = 256",
            "You used N = 256, whatever N was: for S, or for its size, or for both. Use the N that was given.",
            lambda rung, N: _held(rung, N) / (8 * 256**2), lambda rung, N: _held(rung, 256) / (8 * 256**2),
        ),
        Misconception(
            "only what comes back",
            "You weighed what the rung returns. What it holds on the way counts too, and that is often more: "
            "measure.array_bytes sees it.",
            lambda rung, N: _returned(rung(np.zeros((N, N)))) / (8 * N**2),
        ),
    ),
)

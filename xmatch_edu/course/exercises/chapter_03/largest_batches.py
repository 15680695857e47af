"""How large N may be for a given memory."""

from xmatch_edu.check.engine import Exercise, Misconception, Part


def _fits(bytes_a_row):
    n = 0
    for step in (1 << k for k in range(40, -1, -1)):  # the largest n that fits, found by trying
        if (n + step) ** 2 <= bytes_a_row:
            n += step
    return n


largest_batches = Exercise(
    name="largest_batches",
    takes=("memory", "D"),
    gives=(Part("N of the block", "", "integer"), Part("N of S", "", "integer")),
    right=lambda memory, D: (_fits(memory / (8 * D)), _fits(memory / 8)),
    cases={"1 kB, D = 3": (1e3, 3), "8 GB, D = 48": (8e9, 48), "1 GB, D = 256": (1e9, 256), "80 GB, D = 7": (80e9, 7)},
    error=1e-9,
    misconceptions=(
        Misconception(
            "numbers counted, not bytes",
            "You counted how many numbers fit. A float64 takes 8 bytes.",
            lambda memory, D: (_fits(memory / D), _fits(memory)),
        ),
        Misconception(
            "bytes of float32",
            "You reckoned 4 bytes a number. That is float32; float64 takes 8.",
            lambda memory, D: (_fits(memory / (4 * D)), _fits(memory / 4)),
        ),
        Misconception(
            "bits for bytes",
            "You divided by 64, the bits of a float64 (or by 8 after the root, which comes to the same). Memory is "
            "given in bytes, and a float64 takes 8 of them, under the root.",
            lambda memory, D: (_fits(memory / (64 * D)), _fits(memory / 64)),
        ),
        Misconception(
            "no square root",
            "You gave how many cells fit. The block and S have N · N of them (times D), so N is the square root.",
            lambda memory, D: (int(memory / (8 * D)), int(memory / 8)),
        ),
        Misconception(
            "the two changed places",
            "Both numbers are right, in the other order: first the block, then S. The block is D times as large, so "
            "its N must be the smaller one.",
            lambda memory, D: (_fits(memory / 8), _fits(memory / (8 * D))),
        ),
        Misconception(
            "D outside the root",
            "You divided by D after the root, or by D² under it. The block has N · N · D cells: D belongs under it, "
            "once.",
            lambda memory, D: (int((memory / 8) ** 0.5 / D), _fits(memory / 8)),
        ),
        Misconception(
            "rounded up",
            "The exact root was rounded up (or to the nearest), and then the matrix is a little too large. What must "
            "fit is rounded down.",
            lambda memory, D: (_fits(memory / (8 * D)) + 1, _fits(memory / 8) + 1),
            lambda memory, D: (round((memory / (8 * D)) ** 0.5), round((memory / 8) ** 0.5)),
            lambda memory, D: (-int(-((memory / (8 * D)) ** 0.5) // 1), -int(-((memory / 8) ** 0.5) // 1)),
        ),
        Misconception(
            "D forgotten",
            "Both of your numbers are those of S. The block holds D numbers for each pair.",
            lambda memory, D: (_fits(memory / 8), _fits(memory / 8)),
        ),
    ),
)

"""Chapter 01: cosines, one row of P, one column of P, and the loss of a batch, in NumPy."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.ideas import softmax

_random = np.random.default_rng(1)


def _scores(n, m):
    return _random.uniform(-1, 1, size=(n, m))


def _features(n, m, d):
    return _random.normal(size=(n, d)) + 0.3, 2 * _random.normal(size=(m, d))


def _own_length(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


cosine_matrix = Exercise(
    name="cosine_matrix",
    takes=("image_features", "text_features"),
    gives=(Part("S", "one row per image, one column per text"),),
    right=loops.cosine_scores,
    cases={
        "one pair": _features(1, 1, 3),
        "2 images, 2 texts": _features(2, 2, 3),
        "3 images, 5 texts": _features(3, 5, 4),
        "4 images, 4 texts": _features(4, 4, 2),
        "5 images, 3 texts": _features(5, 3, 4),
    },
    picture=(pictures.of_part(0), "scores", "S"),
    misconceptions=(
        Misconception(*ideas.NO_LENGTHS, lambda q, d: q @ d.T),
        Misconception(*ideas.ONE_LENGTH, lambda q, d: _own_length(q) @ d.T, lambda q, d: q @ _own_length(d).T),
        Misconception(*ideas.BATCH_AXIS, lambda q, d: _own_length(q.T).T @ _own_length(d.T)),
        Misconception(
            "the lengths squared",
            "You divided by the squared lengths. The length is the square root of the sum of squares; with the root, a"
            " vector has the cosine 1 with itself.",
            lambda q, d: (q @ d.T) / ((q**2).sum(axis=1)[:, None] * (d**2).sum(axis=1)),
        ),
        Misconception(
            "texts down, images across",
            "You filled the matrix text by text, so yours is the transpose. Rows are images, columns are texts, in the"
            " whole course: S[i, j] is image i with text j.",
            lambda q, d: loops.cosine_scores(d, q),
        ),
        Misconception(
            "1 minus the cosine",
            "Yours is 1 minus the cosine, a distance: small where the two go well together. A score is large there.",
            lambda q, d: 1 - loops.cosine_scores(q, d),
        ),
        Misconception(
            "one length for the whole matrix",
            "You divided by the length of all numbers together, not vector by vector. Each image and each text has its"
            " own length.",
            lambda q, d: q @ d.T / (np.linalg.norm(q) * np.linalg.norm(d)),
        ),
        Misconception(
            "another measure of length",
            "You divided by the sum of the sizes, or by the largest number. The length of a vector is the square root "
            "of its sum of squares.",
            lambda q, d: q @ d.T / (np.abs(q).sum(axis=1)[:, None] * np.abs(d).sum(axis=1)),
            lambda q, d: q @ d.T / (np.abs(q).max(axis=1)[:, None] * np.abs(d).max(axis=1)),
        ),
        Misconception(
            "a distance",
            "You measured how far apart the two are. A score is large where they go well together, and here it is the "
            "cosine of the angle between them.",
            *[lambda q, d, sign=sign: sign * np.linalg.norm(q[:, None] - d[None], axis=-1) for sign in (1, -1)],
        ),
    ),
)

row_probabilities = Exercise(
    name="row_probabilities",
    takes=("row", "scale"),
    gives=(Part("the row of P", "one probability per text"),),
    right=lambda row, scale: loops.matching_steps(row[None], np.array([0]), scale=scale).probabilities[0],
    cases={
        "one text": (np.array([0.4]), 3.0),
        "2 texts, scale 2": (np.array([0.2, -0.5]), 2.0),
        "4 texts, scale 3": (np.array([0.61, -0.42, 0.1, 0.98]), 3.0),
        "7 texts, scale 10": (_scores(1, 7)[0], 10.0),
        "3 texts, scale ½": (np.array([0.9, 0.8, -0.7]), 0.5),
    },
    picture=(pictures.of_line, "probabilities", "P of one image"),
    misconceptions=(
        Misconception(*ideas.SCALE_DIVIDED, lambda row, scale: softmax(row / scale)),
        Misconception(*ideas.SCALE_AFTER, lambda row, scale: scale * softmax(row)),
        Misconception(*ideas.SCALE_FORGOTTEN, lambda row, scale: softmax(row)),
        Misconception(*ideas.NO_EXP, lambda row, scale: row / row.sum()),
        Misconception(*ideas.NO_SUM, lambda row, scale: np.exp(scale * row)),
        Misconception(*ideas.SOFTMAX_TWICE, lambda row, scale: softmax(softmax(scale * row)),
                      lambda row, scale: softmax(scale * softmax(row)),
                      lambda row, scale: softmax(scale * softmax(scale * row))),
        Misconception(
            "the log of the probabilities",
            "You went one step too far: this is log P. The loss will need it, but here the probabilities themselves "
            "are asked for.",
            lambda row, scale: np.log(softmax(scale * row)),
        ),
        Misconception(
            "another base than e",
            "You raised 2 or 10 to the power of the score, not e. The row still sums to 1, so it looks right; but it "
            "is the row of another scale.",
            *[lambda row, scale, base=base: base ** (scale * row) / (base ** (scale * row)).sum() for base in (2, 10)],
        ),
        Misconception(
            "divided by the largest, not by the sum",
            "Your best text has exactly 1, and the row sums to more: you divided by the largest, or took it off inside"
            " exp and then forgot the sum. A probability is a share of all.",
            lambda row, scale: np.exp(scale * (row - row.max())),
        ),
        Misconception(
            "all or nothing",
            "You gave 1 to the best text and 0 to the rest. A probability says how sure you are, and the loss needs "
            "that: a hesitating row must differ from a sure one.",
            lambda row, scale: (row == row.max()).astype(float),
        ),
        Misconception(*ideas.ALWAYS_THREE, lambda row, scale: softmax(3 * row)),
        Misconception(
            "the scale on one side of the line only",
            "The scale stands in the part above the line, or in the part below, and not in both. Then the row does not"
            " sum to 1.",
            lambda row, scale: np.exp(scale * row) / np.exp(row).sum(),
            lambda row, scale: np.exp(row) / np.exp(scale * row).sum(),
        ),
    ),
)  # fmt: skip

_square, _wide, _tall = _scores(4, 4), _scores(3, 5), _scores(5, 3)

column_probabilities = Exercise(
    name="column_probabilities",
    takes=("scores", "j", "scale"),
    gives=(Part("the column of P", "one probability per image"),),
    right=lambda S, j, scale: loops.matching_steps(
        S, np.eye(*S.shape), scale=scale, direction="text_to_image").probabilities[:, j],
    cases={
        "one pair": (_scores(1, 1), 0, 3.0),
        "4 images, 4 texts, text 0": (_square, 0, 3.0),
        "4 images, 4 texts, text 2": (_square, 2, 3.0),
        "3 images, 5 texts, text 1": (_wide, 1, 0.5),
        "5 images, 3 texts, text 2": (_tall, 2, 10.0),
    },
    picture=(pictures.of_column, "probabilities", "P of one text"),
    misconceptions=(
        Misconception(
            "a row, not a column",
            "You took row j: that is image j asking for its text, the question of exercise 2. Now text j asks for its "
            "image, so the candidates stand in column j.",
            lambda S, j, scale: softmax(scale * S[j]),
        ),
        Misconception(
            "a column of the rows' probabilities",
            "You made the softmax along the rows and then read off a column. Its numbers come from different rows, "
            "each shared out on its own, so they do not sum to 1. Take the column of scores first.",
            lambda S, j, scale: softmax(scale * S, axis=1)[:, j],
        ),
        Misconception(*ideas.WHOLE_MATRIX, lambda S, j, scale: softmax(scale * S, axis=None)[:, j]),
        Misconception(*ideas.SCALE_DIVIDED, lambda S, j, scale: softmax(S[:, j] / scale)),
        Misconception(*ideas.SCALE_AFTER, lambda S, j, scale: scale * softmax(S[:, j])),
        Misconception(*ideas.SCALE_FORGOTTEN, lambda S, j, scale: softmax(S[:, j])),
        Misconception(*ideas.NO_SUM, lambda S, j, scale: np.exp(scale * S[:, j])),
        Misconception(*ideas.NO_EXP, lambda S, j, scale: S[:, j] / S[:, j].sum()),
        Misconception(
            "text 0, whichever was asked",
            "You answered for column 0 every time. Which text asks is the argument j.",
            lambda S, j, scale: softmax(scale * S[:, 0]),
        ),
        Misconception(*ideas.ALWAYS_THREE, lambda S, j, scale: softmax(3 * S[:, j])),
        Misconception(*ideas.SOFTMAX_TWICE, lambda S, j, scale: softmax(softmax(scale * S[:, j]))),
        Misconception(
            "the log of the probabilities",
            "You went one step too far: this is log P. Here the probabilities themselves are asked for.",
            lambda S, j, scale: np.log(softmax(scale * S[:, j])),
        ),
        Misconception(
            "divided by the largest, not by the sum",
            "Your best image has exactly 1, and the column sums to more. A probability is a share of all: divide by "
            "the sum.",
            lambda S, j, scale: np.exp(scale * (S[:, j] - S[:, j].max())),
        ),
        Misconception(
            "shared out twice",
            "You took a column of the rows' probabilities and made it sum to 1. Its numbers were shared out along the "
            "rows before, so the other texts have left their mark: take the column of scores.",
            lambda S, j, scale: softmax(scale * S, axis=1)[:, j] / softmax(scale * S, axis=1)[:, j].sum(),
        ),
    ),
)  # fmt: skip


def _rows(S, scale):
    return softmax(scale * S, axis=1)


def _prices(S, scale, axis=1):
    return -np.log(np.diag(softmax(scale * S, axis=axis)))


first_loss = Exercise(
    name="first_loss",
    takes=("scores", "scale"),
    gives=(Part("the loss L₁"),),
    right=lambda S, scale: loops.matching_loss(S, scale=scale, direction="image_to_text", reduction="sum"),
    cases={
        "one pair": (_scores(1, 1), 3.0),
        "2 pairs, scale 2": (np.array([[0.9, 0.3], [-0.2, 0.1]]), 2.0),
        "4 pairs, all scores 0": (np.zeros((4, 4)), 3.0),
        "4 pairs, scale 3": (_scores(4, 4), 3.0),
        "5 pairs, scale 10": (_scores(5, 5), 10.0),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        Misconception(*ideas.MISSING_MINUS, lambda S, scale: -_prices(S, scale).sum()),
        Misconception(*ideas.MEAN_FOR_SUM, lambda S, scale: _prices(S, scale).mean()),
        Misconception(*ideas.WRONG_AXIS, lambda S, scale: _prices(S, scale, axis=0).sum()),
        Misconception(*ideas.OTHER_LOGARITHM, lambda S, scale: _prices(S, scale).sum() / np.log(2),
                      lambda S, scale: _prices(S, scale).sum() / np.log(10)),
        Misconception(*ideas.SCALE_DIVIDED, lambda S, scale: _prices(S, 1 / scale).sum()),
        Misconception(*ideas.SCALE_AFTER, lambda S, scale: -np.log(scale * np.diag(_rows(S, 1))).sum(),
                      lambda S, scale: scale * _prices(S, 1).sum()),
        Misconception(*ideas.SCALE_FORGOTTEN, lambda S, scale: _prices(S, 1).sum()),
        Misconception(*ideas.P_FOR_LOG, lambda S, scale: np.diag(_rows(S, scale)).sum(),
                      lambda S, scale: -np.diag(_rows(S, scale)).sum(),
                      lambda S, scale: (1 - np.diag(_rows(S, scale))).sum()),
        Misconception(*ideas.OWN_LEFT_OUT, lambda S, scale: (
            np.log((np.exp(scale * S) * (1 - np.eye(len(S)))).sum(axis=1)) - scale * np.diag(S)).sum()),
        Misconception(*ideas.WHOLE_MATRIX, lambda S, scale: _prices(S, scale, axis=None).sum()),
        Misconception(*ideas.SOFTMAX_TWICE, lambda S, scale: _prices(_rows(S, scale), 1).sum(),
                      lambda S, scale: _prices(_rows(S, 1), scale).sum(),
                      lambda S, scale: _prices(_rows(S, scale), scale).sum()),
        Misconception(
            "every cell pays",
            "You added up −log P of all cells, or averaged it. Only the pairs that came in together pay: of row i that "
            "is the cell at place i. The wrong texts have their say below the line.",
            lambda S, scale: -np.log(_rows(S, scale)).sum(),
        ),
        Misconception(
            "the best text in place of the own",
            "You took the largest P of each row. The loss asks for the P of the image's own text, at place i, however "
            "small it is: otherwise a model that is sure and wrong pays nothing.",
            lambda S, scale: -np.log(_rows(S, scale).max(axis=1)).sum(),
        ),
        Misconception(
            "each row counted N times",
            "Your sum is exactly N times too large. In one line this happens when (N, 1) minus (N,) makes an N×N "
            "matrix before the sum: keep both of one shape.",
            lambda S, scale: len(S) * _prices(S, scale).sum(),
        ),
        Misconception(*ideas.BOTH_DIRECTIONS, *[
            lambda S, scale, n=n: (_prices(S, scale) + _prices(S, scale, axis=0)).sum() / n for n in (1, 2)]),
        Misconception(*ideas.ALWAYS_THREE, lambda S, scale: _prices(S, 3).sum()),
        Misconception(*ideas.NO_SOFTMAX, lambda S, scale: -scale * np.trace(S), lambda S, scale: -np.trace(S)),
        Misconception(
            "the log of the sum",
            "You added up the probabilities and took one log. Each image pays its own −log P, and then the prices are "
            "added.",
            lambda S, scale: -np.log(np.diag(_rows(S, scale)).sum()),
            lambda S, scale: -np.log(np.diag(_rows(S, scale)).mean()),
        ),
    ),
)  # fmt: skip

"""Chapter 02: labels of a shuffle, the loss with a label matrix, the gradient of the columns, two captions an image."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.ideas import softmax

_random = np.random.default_rng(2)


def _scores(n, m):
    return _random.normal(scale=1.5, size=(n, m))


# No order here is its own inverse, and none is a turn by one: those would hide which labels were given.
labels_after = Exercise(
    name="labels_after",
    takes=("p",),
    gives=(Part("labels", "one column number per image", "integer"),),
    right=lambda p: np.argmax(np.asarray(p)[None, :] == np.arange(len(p))[:, None], axis=1),
    cases={
        "one pair": (np.array([0]),),
        "4 pairs, p = [3, 1, 0, 2]": (np.array([3, 1, 0, 2]),),
        "5 pairs, p = [2, 4, 1, 0, 3]": (np.array([2, 4, 1, 0, 3]),),
        "7 pairs, p = [6, 2, 5, 0, 3, 1, 4]": (np.array([6, 2, 5, 0, 3, 1, 4]),),
    },
    picture=(pictures.of_labels, "labels", "The labels as a matrix"),
    misconceptions=(
        Misconception(*ideas.LABELS_STAY, lambda p: np.arange(len(p))),
        Misconception(
            "the columns' answer",
            "You gave p. It says which text stands in column k, and that is the label of the columns: which image "
            "belongs here? A row asks the other way round, in which column its text now stands.",
            lambda p: p,
        ),
        Misconception(
            "counted from 1",
            "Every label is one too high. Columns are counted from 0, as everything in Python.",
            lambda p: np.argsort(p) + 1,
        ),
        Misconception(*ideas.LABELS_ZERO, lambda p: np.zeros(len(p), dtype=int)),
        Misconception(*ideas.LABELS_ONE, lambda p: np.ones(len(p), dtype=int)),
        Misconception(*ideas.LABELS_REVERSED, lambda p: np.arange(len(p))[::-1]),
        Misconception(*ideas.LABELS_SHIFTED, lambda p: (np.arange(len(p)) + 1) % len(p)),
        Misconception(
            "shuffled twice",
            "You dealt the labels out once more in place of undoing the first deal: p applied to p. What undoes a "
            "shuffle is its inverse: y[p[k]] = k.",
            lambda p: p[p],
        ),
        Misconception(
            "a one in place of a place",
            "Your label is 1 where the text stayed with its image and 0 where it moved. The label is not a yes or no, "
            "it is the number of the column.",
            lambda p: (p == np.arange(len(p))).astype(int),
        ),
    ),
)


def _prices(S, axis=1):
    return -np.log(softmax(S, axis=axis))


def _sigmoid(S):
    return 1 / (1 + np.exp(-S))


def _binary(P, Y):
    return -(Y * np.log(P) + (1 - Y) * np.log(1 - P))


matrix_loss = Exercise(
    name="matrix_loss",
    takes=("S", "Y"),
    gives=(Part("the loss"),),
    right=lambda S, Y: loops.matching_loss(S, Y, direction="image_to_text"),
    cases={
        "one pair, Y = identity": (_scores(1, 1), np.eye(1)),
        "2 pairs, Y = identity": (_scores(2, 2), np.eye(2)),
        "4 pairs, texts dealt again": (_scores(4, 4), np.eye(4)[[2, 0, 3, 1]]),
        "3 images, 5 texts": (_scores(3, 5), np.eye(5)[[4, 1, 2]]),
        "5 pairs, all scores 0": (np.zeros((5, 5)), np.eye(5)[[1, 2, 4, 0, 3]]),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        Misconception(*ideas.SUM_FOR_MEAN, lambda S, Y: (Y * _prices(S)).sum()),
        Misconception(*ideas.MEAN_OVER_N2, lambda S, Y: (Y * _prices(S)).mean()),
        Misconception(*ideas.MISSING_MINUS, lambda S, Y: -(Y * _prices(S)).sum() / len(S)),
        Misconception(*ideas.OTHER_LOGARITHM, lambda S, Y: (Y * _prices(S)).sum() / len(S) / np.log(2),
                      lambda S, Y: (Y * _prices(S)).sum() / len(S) / np.log(10)),
        Misconception(*ideas.WRONG_AXIS, lambda S, Y: (Y * _prices(S, axis=0)).sum() / len(S)),
        Misconception(*ideas.LABELS_STAY, lambda S, Y: np.diag(_prices(S)).mean()),
        Misconception(
            "Y turned over",
            "You used the transpose of Y, in which the column of an image's text became a row. With the identity "
            "nobody can see that, and the cases here are not all the identity.",
            lambda S, Y: (Y.T * _prices(S)).sum() / len(S),
        ),
        Misconception(*ideas.P_FOR_LOG, lambda S, Y: (Y * softmax(S)).sum() / len(S),
                      lambda S, Y: -(Y * softmax(S)).sum() / len(S),
                      lambda S, Y: 1 - (Y * softmax(S)).sum() / len(S)),
        Misconception(*ideas.MSE, lambda S, Y: ((S - Y) ** 2).mean(), lambda S, Y: ((S - Y) ** 2).sum() / len(S),
                      lambda S, Y: ((softmax(S) - Y) ** 2).mean(), lambda S, Y: ((softmax(S) - Y) ** 2).sum() / len(S),
                      lambda S, Y: ((S - Y) ** 2).sum(), lambda S, Y: ((softmax(S) - Y) ** 2).sum()),
        Misconception(*ideas.BCE, lambda S, Y: _binary(_sigmoid(S), Y).mean(),
                      lambda S, Y: _binary(_sigmoid(S), Y).sum() / len(S), lambda S, Y: _binary(_sigmoid(S), Y).sum(),
                      lambda S, Y: _binary(softmax(S), Y).mean(), lambda S, Y: _binary(softmax(S), Y).sum() / len(S)),
        Misconception(*ideas.SOFTMAX_TWICE, lambda S, Y: (Y * _prices(softmax(S))).sum() / len(S)),
        Misconception(*ideas.OWN_LEFT_OUT, lambda S, Y: (
            Y * (np.log((np.exp(S) * (1 - Y)).sum(axis=1, keepdims=True)) - S)).sum() / len(S)),
        Misconception(
            "every cell pays",
            "Your prices were added up without Y. Y is a stencil: multiplied with the prices it keeps those of the "
            "matches, and only they pay.",
            lambda S, Y: _prices(S).sum() / len(S), lambda S, Y: _prices(S).mean(), lambda S, Y: _prices(S).sum(),
        ),
        Misconception(
            "only the texts that are wrong pay",
            "Your stencil is 1 − Y: it keeps the prices of the wrong texts and drops those of the matches. Then the "
            "loss is small when the wrong texts are believed.",
            lambda S, Y: ((1 - Y) * _prices(S)).sum() / len(S),
        ),
        Misconception(
            "divided by the texts",
            "You divided by the number of columns, or took a mean along each row first. Asked is the mean over the "
            "images: divide by the number of rows.",
            lambda S, Y: (Y * _prices(S)).sum() / S.shape[1],
        ),
        Misconception(*ideas.NO_SOFTMAX, lambda S, Y: -(Y * S).sum() / len(S)),
        Misconception(*ideas.BOTH_DIRECTIONS, *[
            lambda S, Y, n=n: (Y * (_prices(S) + _prices(S, axis=0))).sum() / len(S) / n for n in (1, 2)]),
        Misconception(
            "the labels inside the softmax",
            "You multiplied the scores by Y before the softmax. Then every wrong text has the score 0, and the loss "
            "cannot see what they really score. Y chooses among the prices, at the end.",
            lambda S, Y: (Y * _prices(S * Y)).sum() / len(S),
        ),
    ),
)  # fmt: skip


def _gradient(S, axis=0):
    return softmax(S, axis=axis) - np.eye(len(S))


column_gradient = Exercise(
    name="column_gradient",
    takes=("S",),
    gives=(Part("the gradient", "one row per image, one column per text"),),
    right=lambda S: loops.matching_gradient(S, direction="text_to_image", reduction="sum"),
    cases={
        "one pair": (_scores(1, 1),),
        "2 pairs": (_scores(2, 2),),
        "4 pairs": (_scores(4, 4),),
        "5 pairs, all scores 0": (np.zeros((5, 5)),),
        "3 pairs, scores in the hundreds": (100 * _scores(3, 3),),
    },
    picture=(pictures.of_part(0), "gradient", "The gradient"),
    misconceptions=(
        Misconception(
            "the gradient of the rows",
            "Yours is that of the row loss, as it is or turned over: its numbers were shared out along the rows of S. "
            "Here the softmax itself runs down the columns, axis=0.",
            lambda S: _gradient(S, axis=1), lambda S: _gradient(S, axis=1).T,
        ),
        Misconception(
            "the gradient turned over",
            "Yours is the transpose of the right one. Rows are images in the gradient too: cell (i, j) says what "
            "raising S[i, j] does.",
            lambda S: _gradient(S).T,
        ),
        Misconception(
            "(M, 1) where (M,) belongs",
            "Each column's sum was stretched along the rows: a square matrix lets that happen without an error. Keep "
            "the axis, with keepdims=True, and the sum of column j stays with column j.",
            lambda S: np.exp(S - S.max(axis=0)) / np.exp(S - S.max(axis=0)).sum(axis=0)[:, None] - np.eye(len(S)),
        ),
        Misconception(*ideas.WHOLE_MATRIX, lambda S: _gradient(S, axis=None)),
        Misconception(
            "the opposite sign",
            "Yours is I − P, the direction in which training goes. The gradient points to where the loss grows: P − I,"
            " and training steps against it.",
            lambda S: -_gradient(S), lambda S: -_gradient(S, axis=1),
        ),
        Misconception(
            "the labels are missing",
            "You gave P alone, so every score would be pushed down, the right ones hardest. The 1 of the right pair "
            "has to come off: P − I.",
            lambda S: softmax(S, axis=0), lambda S: softmax(S, axis=1),
        ),
        Misconception(
            "the mean's gradient",
            "Yours is divided by N, as for the mean of the losses. Here the loss is the sum, as in the paper.",
            lambda S: _gradient(S) / len(S),
        ),
        Misconception(
            "1 taken off everywhere",
            "You subtracted 1 from every cell, not only on the diagonal. The identity has ones only where image and "
            "text belong together.",
            lambda S: softmax(S, axis=0) - 1,
        ),
        Misconception(
            "the log of P",
            "You subtracted the identity from log P. The log belongs to the loss; when you differentiate it, P itself "
            "comes back.",
            lambda S: np.log(softmax(S, axis=0)) - np.eye(len(S)),
        ),
        Misconception(
            "the gradient of P, not of the loss",
            "You differentiated the probability of the right pair. The loss is −log of it, and that divides by P once "
            "more: what remains is P − I.",
            lambda S: softmax(S, axis=0) * (np.eye(len(S)) - np.diag(softmax(S, axis=0))),
            lambda S: softmax(S, axis=0) * (1 - softmax(S, axis=0)),
        ),
        Misconception(
            "both directions",
            "Yours holds the rows' gradient too. Here only the columns are asked for.",
            *[lambda S, n=n: (_gradient(S) + _gradient(S, axis=1)) / n for n in (1, 2)],
        ),
        Misconception(*ideas.SOFTMAX_TWICE, lambda S: softmax(softmax(S, axis=0), axis=0) - np.eye(len(S))),
    ),
)  # fmt: skip

two_caption_loss = Exercise(
    name="two_caption_loss",
    takes=("row",),
    gives=(Part("the loss of the row"),),
    right=lambda row: loops.matching_loss(row[None], np.array([[0.5, 0.5, *[0] * (len(row) - 2)]]),
                                          direction="image_to_text"),
    cases={
        "2 texts": (np.array([0.5, -0.7]),),
        "4 texts": (np.array([1.9, 1.8, -2.4, 0.3]),),
        "4 texts, all scores 0": (np.zeros(4),),
        "5 texts": (np.array([-0.4, 2.2, 0.9, 1.1, -1.3]),),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        Misconception(
            "either one will do",
            "You added (or averaged) the two probabilities before the log. That is another loss: it does not mind if "
            "one of the two captions gets everything. Labels of ½ and ½ ask for both, so each price is halved.",
            lambda row: -np.log(softmax(row)[:2].sum()), lambda row: -np.log(softmax(row)[:2].mean()),
        ),
        Misconception(
            "two full prices",
            "You added both prices whole. The labels of a row sum to 1, so each of the two weighs one half.",
            lambda row: -np.log(softmax(row)[:2]).sum(),
        ),
        Misconception(
            "one caption only",
            "You took the price of one of the two captions. Both belong to this picture, and each has half the say.",
            lambda row: -np.log(softmax(row)[0]), lambda row: -np.log(softmax(row)[1]),
        ),
        Misconception(
            "the half inside the log",
            "You halved the probabilities, and then took the log. The labels weigh the prices, outside the log; "
            "inside, a half only adds ln 2.",
            lambda row: -np.log(softmax(row)[:2] / 2).sum(), lambda row: -np.log(softmax(row)[:2] / 2).mean(),
        ),
        Misconception(
            "the other texts do not compete",
            "Your softmax runs over the two captions alone. The wrong texts belong below the line too: they are what "
            "the two have to beat.",
            lambda row: -np.log(softmax(row[:2])).mean(),
        ),
        Misconception(
            "every text pays",
            "You took a mean over all texts of the row. The labels of the others are 0, so they neither pay nor count:"
            " the two halves are the whole weight.",
            lambda row: -np.log(softmax(row)).mean(), lambda row: -np.log(softmax(row)[:2]).sum() / len(row),
            lambda row: -np.log(softmax(row)[:2]).mean() / len(row),
        ),
        Misconception(*ideas.MISSING_MINUS, lambda row: np.log(softmax(row)[:2]).mean()),
        Misconception(*ideas.P_FOR_LOG, lambda row: softmax(row)[:2].mean(), lambda row: -softmax(row)[:2].mean(),
                      lambda row: 1 - softmax(row)[:2].mean()),
        Misconception(*ideas.OTHER_LOGARITHM, lambda row: -np.log2(softmax(row)[:2]).mean(),
                      lambda row: -np.log10(softmax(row)[:2]).mean()),
        Misconception(
            "the entropy taken off",
            "You subtracted what the labels themselves cost, ln 2. That is the Kullback–Leibler divergence: another "
            "number with the same gradient. The cross-entropy keeps it.",
            lambda row: -np.log(softmax(row)[:2]).mean() - np.log(2),
        ),
    ),
)  # fmt: skip

"""Chapter 03: all columns at once, distances without a block, how large N may be, letters, and what a rung holds."""

import numpy as np

from xmatch_edu import loops, measure
from xmatch_edu.check import ideas, pictures
from xmatch_edu.check.answers import Part
from xmatch_edu.check.engine import Exercise, Misconception
from xmatch_edu.check.ideas import softmax

TITLE = "03 From loops to one line"
NOTEBOOK = "03_from_loops_to_matmul.ipynb"

_random = np.random.default_rng(3)


def _scores(n):
    return _random.normal(scale=2, size=(n, n))


def _columns(S, log_p):
    """Loss and gradient of the columns, from log P as somebody computed it."""
    return -np.diag(log_p).mean(), (np.exp(log_p) - np.eye(len(S))) / len(S)


def _careful(S, axis=0):
    below = S - S.max(axis=axis, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=axis, keepdims=True))


def _no_largest(S):
    return _columns(S, np.log(np.exp(S) / np.exp(S).sum(axis=0)))


def _no_largest_apart(S):
    return _columns(S, S - np.log(np.exp(S).sum(axis=0)))


def _largest_of_all(S):
    below = S - S.max()
    return _columns(S, below - np.log(np.exp(below).sum(axis=0)))


def _largest_of_rows(S):
    below = S - S.max(axis=1, keepdims=True)
    return _columns(S, below - np.log(np.exp(below).sum(axis=0)))


def _of_rows(S):
    return -np.diag(_careful(S, 1)).mean(), (np.exp(_careful(S, 1)) - np.eye(len(S))) / len(S)


def _slip(S):
    below = S - S.max(axis=0)[:, None]
    return _columns(S, below - np.log(np.exp(below).sum(axis=0))[:, None])


def _slip_of_the_sum(S):
    below = S - S.max(axis=0)
    return _columns(S, below - np.log(np.exp(below).sum(axis=0))[:, None])


all_columns = Exercise(
    name="all_columns",
    takes=("S",),
    gives=(Part("the loss"), Part("the gradient", "one row per image, one column per text")),
    right=lambda S: (loops.matching_loss(S, direction="text_to_image"),
                     loops.matching_gradient(S, direction="text_to_image")),
    cases={
        "one pair": (_scores(1),),
        "2 pairs": (_scores(2),),
        "5 pairs": (_scores(5),),
        "4 pairs, all scores 0": (np.zeros((4, 4)),),
        "2 pairs, scores up to 1,000, the right ones largest": (np.array([[1000.0, 3.0], [-2.0, 990.0]]),),
        "2 pairs, scores down to −1,000, the right ones smallest": (np.array([[-1000.0, 0.0], [1.0, -900.0]]),),
        "3 pairs, the columns far apart": (_scores(3) + np.array([-2000.0, 0.0, 2000.0]),),
        "3 pairs, the rows far apart": (_scores(3) + np.array([[-2000.0], [0.0], [2000.0]]),),
    },
    picture=(pictures.of_part(1), "gradient", "The gradient"),
    misconceptions=(
        Misconception(
            "exp overflows",
            "Your numbers are right as long as the scores are small. exp of 1,000 is infinity, and infinity over "
            "infinity is not a number: subtract each column's largest score before exp.",
            _no_largest, _no_largest_apart,
        ),
        Misconception(
            "the log of a softmax",
            "Nothing overflows, but a probability of e to the −1,000 becomes 0, and the log of 0 is minus infinity. "
            "Take the logarithm apart first: log P = x − m − log Σ exp(x − m).",
            lambda S: _columns(S, np.log(softmax(S, axis=0))),
        ),
        Misconception(
            "one largest score for all columns",
            "You subtracted the largest score of the whole matrix. A column far below it has only zeros left after "
            "exp, and the log of their sum is minus infinity: each column needs its own largest.",
            _largest_of_all,
        ),
        Misconception(
            "the largest of the rows",
            "You subtracted each row's largest score and then summed down the columns. Within a column a different "
            "number comes off each cell, and that changes the probabilities: take both along one axis.",
            _largest_of_rows,
        ),
        Misconception(
            "the rows, not the columns",
            "Yours is the loss along the rows: which text belongs to this image? Asked is the other one, which image "
            "belongs to this text, a softmax down each column.",
            _of_rows,
        ),
        Misconception(
            "(M, 1) where (M,) belongs",
            "The column's number was stretched along the rows: a square matrix lets that happen without an error. A "
            "number for each column must line up with the columns: (M,) or (1, M).",
            _slip, _slip_of_the_sum,
        ),
        Misconception(
            "the gradient of the sum",
            "Your loss is a mean and your gradient that of the sum, N times too large. Whatever divides the loss "
            "divides its gradient.",
            lambda S: (_columns(S, _careful(S))[0], np.exp(_careful(S)) - np.eye(len(S))),
        ),
        Misconception(
            "the gradient turned over",
            "Your loss is right, and your gradient is the transpose of the right one. Rows are images there too: cell "
            "(i, j) says what raising S[i, j] does.",
            lambda S: (_columns(S, _careful(S))[0], _columns(S, _careful(S))[1].T),
        ),
        Misconception(
            "the opposite sign of the gradient",
            "Your gradient is (I − P) / N, the way training goes. The gradient points to where the loss grows: (P − I)"
            " / N.",
            lambda S: (_columns(S, _careful(S))[0], -_columns(S, _careful(S))[1]),
        ),
        Misconception(
            ideas.SUM_FOR_MEAN[0],
            "You added up all columns, and here their mean is asked for. The gradient then carries no 1/N either.",
            lambda S: tuple(len(S) * one for one in _columns(S, _careful(S))),
            lambda S: (len(S) * _columns(S, _careful(S))[0], _columns(S, _careful(S))[1]),
        ),
        Misconception(
            "a small number inside the log",
            "You added an ε inside the log (or set a lower bound). A probability of e to the −1,000 then costs −log ε,"
            " about 28, and not 1,000: the loss no longer grows where the model is most wrong. Take the logarithm "
            "apart.",
            lambda S, e=1e-6: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
            lambda S, e=1e-7: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
            lambda S, e=1e-8: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
            lambda S, e=1e-9: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
            lambda S, e=1e-10: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
            lambda S, e=1e-12: (-np.log(np.diag(softmax(S, axis=0)) + e).mean(), _columns(S, _careful(S))[1]),
        ),
        Misconception(
            "only one of the two is careful",
            "Your loss survives large scores and your gradient does not, or the other way round. Both need the largest"
            " taken off: once you have log P, exp of it is P.",
            lambda S: (_columns(S, _careful(S))[0], _no_largest(S)[1]),
            lambda S: (_no_largest(S)[0], _columns(S, _careful(S))[1]),
            lambda S: (_no_largest_apart(S)[0], _columns(S, _careful(S))[1]),
        ),
        Misconception(
            "the mean taken off, not the largest",
            "Taking off any number leaves P as it is, so small scores come out right. But only the largest makes sure "
            "that no exponent is above 0, and that the sum is at least 1.",
            lambda S: _no_largest_apart(S - S.mean(axis=0)),
            lambda S: _no_largest(S - S.mean(axis=0)),
        ),
        Misconception(
            "the labels are missing in the gradient",
            "Your gradient is P / N: every score would be pushed down. The 1 of the right pair has to come off: (P − "
            "I) / N.",
            lambda S: (_columns(S, _careful(S))[0], np.exp(_careful(S)) / len(S)),
        ),
        Misconception(
            "the minus is missing",
            "Your loss is the mean of log P, which is negative. Put a minus before it; the gradient is the one of the "
            "loss with its minus.",
            lambda S: (-_columns(S, _careful(S))[0], _columns(S, _careful(S))[1]),
            lambda S: (-_columns(S, _careful(S))[0], -_columns(S, _careful(S))[1]),
        ),
    ),
)  # fmt: skip


def _block(q, t):
    return ((q[:, None] - t[None]) ** 2).sum(axis=-1)


_BLOCK = Misconception(
    "a block in memory",
    "The numbers are right, but on the way you held an (N, M, D) block (or most of one). Multiply |q − t|² out: the "
    "only part with both q and t in it is a matrix product.",
    _block,
)


def _no_block(run):
    q, t = np.ones((40, 32)), np.ones((50, 32))
    return _BLOCK if measure.array_bytes(lambda: run((q, t))) > q.nbytes * len(t) / 2 else None


def _squares(x):
    return (x**2).sum(axis=1)


squared_distances = Exercise(
    name="squared_distances",
    takes=("images", "texts"),
    gives=(Part("the distances", "one row per image, one column per text"),),
    right=lambda q, t: np.array([[sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) for y in t] for x in q]),
    cases={
        "one pair": (_random.normal(size=(1, 3)), _random.normal(size=(1, 3))),
        "3 images, 3 texts": (_random.normal(size=(3, 4)), _random.normal(size=(3, 4))),
        "2 images, 5 texts": (_random.normal(size=(2, 4)), 2 * _random.normal(size=(5, 4))),
        "5 images, 2 texts": (_random.normal(size=(5, 2)), _random.normal(size=(2, 2)) + 1),
    },
    picture=(pictures.of_part(0), "scores", "Squared distances"),
    demand=_no_block,
    misconceptions=(
        Misconception(
            "the 2 is missing",
            "(q − t)² holds the product twice: q² − 2qt + t². You took it once.",
            lambda q, t: _squares(q)[:, None] + _squares(t) - q @ t.T,
        ),
        Misconception(
            "the distance, not its square",
            "You took the root. Here the square is asked for, and it is cheaper.",
            lambda q, t: np.sqrt(_block(q, t)),
        ),
        Misconception(
            "vectors of length 1 assumed",
            "2 − 2 q·t holds when every vector has length 1, as in this chapter. Here the lengths are arbitrary, so "
            "|q|² and |t|² have to be computed.",
            lambda q, t: 2 - 2 * q @ t.T,
        ),
        Misconception(
            "plus in place of minus",
            "Yours is |q + t|²: large where the two are alike. The product comes off.",
            lambda q, t: _squares(q)[:, None] + _squares(t) + 2 * q @ t.T,
        ),
        Misconception(
            "the lengths are on the wrong axes",
            "|q|² was stretched along the columns, or |t|² along the rows. The number of image i belongs to row i: (N,"
            " 1), and that of text j to column j: (M,).",
            lambda q, t: _squares(q) + _squares(t)[:, None] - 2 * q @ t.T,
            lambda q, t: _squares(q) + _squares(t) - 2 * q @ t.T,
            lambda q, t: _squares(q)[:, None] + _squares(t)[:, None] - 2 * q @ t.T,
        ),
        Misconception(
            "lengths for squared lengths",
            "You added |q| and |t|, the lengths. Their squares are needed: no root.",
            lambda q, t: np.linalg.norm(q, axis=1)[:, None] + np.linalg.norm(t, axis=1) - 2 * q @ t.T,
        ),
        Misconception(
            "the sum of absolute differences",
            "You added |qₖ − tₖ|. That is another distance, the city block's: square each difference.",
            lambda q, t: np.abs(q[:, None] - t[None]).sum(axis=-1),
        ),
        _BLOCK,
        Misconception(
            "the mean over the features",
            "You divided by D. A squared distance is a sum.",
            lambda q, t: _block(q, t) / q.shape[1],
        ),
        Misconception(
            "the product alone",
            "You took −2 q·t and left out |q|² and |t|². They do not change which text is nearest to an image, and "
            "they do change the distance: without them it can be negative.",
            lambda q, t: -2 * q @ t.T,
        ),
    ),
)


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


def _every(n, m, t, r, d):
    return _random.uniform(size=(n, r, d)), _random.uniform(size=(m, t, d))


def _literal(regions, words):
    return np.array([[[[sum(a * b for a, b in zip(region, word, strict=True)) for region in image] for word in text]
                      for text in words] for image in regions])  # fmt: skip


every_word_with_every_region = Exercise(
    name="every_word_with_every_region",
    takes=("regions", "words"),
    gives=(Part("the products", "images, texts, words, regions"),),
    right=_literal,
    cases={
        "one of each": _every(1, 1, 1, 1, 2),
        "2 images, 2 texts, 3 words, 3 regions": _every(2, 2, 3, 3, 2),
        "2 images, 3 texts, 4 words, 5 regions": _every(2, 3, 4, 5, 6),
        "3 images, 2 texts, 5 words, 2 regions": _every(3, 2, 5, 2, 4),
    },
    misconceptions=(
        Misconception(
            "words and regions changed places",
            "Yours is (N, M, R, T). Asked is (N, M, T, R): the letters after the arrow give the order.",
            lambda regions, words: np.einsum("nrd,mtd->nmrt", regions, words),
        ),
        Misconception(
            "texts before images",
            "Yours is (M, N, T, R). Images come first, as in S.",
            lambda regions, words: np.einsum("nrd,mtd->mntr", regions, words),
        ),
        Misconception(
            "the axes as they came",
            "Yours is (N, R, M, T): images with their regions, then texts with their words. Asked is (N, M, T, R), so "
            "that each pair of image and text has its own little table.",
            lambda regions, words: np.einsum("nrd,mtd->nrmt", regions, words),
        ),
        Misconception(
            "each image with its own text only",
            "Both batches share one letter, so image i met only text i. Every image has to meet every text: two "
            "letters.",
            lambda regions, words: np.einsum("nrd,ntd->ntr", regions, words),
        ),
        Misconception(
            "the mean over the features",
            "You divided by D. A dot product is a sum.",
            lambda regions, words: np.einsum("nrd,mtd->nmtr", regions, words) / words.shape[-1],
        ),
        Misconception(
            "each side summed by itself",
            "The two sides have different letters for the features, so each was summed on its own before they were "
            "multiplied. The same letter on both sides pairs feature with feature.",
            lambda regions, words: np.einsum("nrd,mte->nmtr", regions, words),
        ),
        Misconception(
            "summed over words and regions",
            "A letter that is missing after the arrow is summed. You lost t and r, and with them which word met which "
            "region.",
            lambda regions, words: np.einsum("nrd,mtd->nm", regions, words),
        ),
    ),
)


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

EXERCISES = [all_columns, squared_distances, largest_batches, every_word_with_every_region, multiples_of_S]

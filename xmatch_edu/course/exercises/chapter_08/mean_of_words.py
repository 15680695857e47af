"""A text as the mean of the vectors of its words."""

import numpy as np

from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part

_random = np.random.default_rng(8)


def _known(numbers):
    return (numbers > 0)[..., None]


def _mean(vectors, numbers):
    known = _known(numbers)
    return (vectors[numbers] * known).sum(1) / np.maximum(1, known.sum(1))


def _nan_free(x):
    return np.nan_to_num(x, nan=0.0)


def _quiet(function):
    """A wrong version that divides by 0, without a warning."""

    def of(vectors, numbers):
        with np.errstate(all="ignore"):
            return function(vectors, numbers)

    return of


def _each_word_once(vectors, numbers):
    return np.stack([vectors[list({n for n in row if n > 0})].mean(0) if (row > 0).any() else vectors[0] * 0
                     for row in numbers.tolist() for row in [np.array(row)]])


_VECTORS = 1 + _random.normal(size=(7, 3))
mean_of_words = Exercise(
    name="mean_of_words",
    takes=("vectors", "numbers"),
    gives=(Part("the texts' vectors", "one row per text, one column per feature"),),
    right=_mean,
    cases={
        "one text of 2 words, no padding": (_VECTORS, np.array([[3, 1]])),
        "3 texts of 3, 1 and 2 words": (_VECTORS, np.array([[1, 2, 6], [4, 0, 0], [5, 3, 0]])),
        "a text says a word twice": (_VECTORS, np.array([[2, 2, 5, 0]])),
        "padding in the middle": (_VECTORS, np.array([[2, 0, 5], [0, 0, 1]])),
        "a text without any known word": (_VECTORS, np.array([[0, 0], [6, 4]])),
    },
    picture=(pictures.of_part(0), ("scores", "texts", "features"), "The texts' vectors"),
    misconceptions=(
        Misconception(
            "padding is averaged too",
            "You took the mean over all places, with the vector of number 0 for each empty one. A short text then "
            "consists of padding mostly. Only the numbers above 0 are words.",
            lambda vectors, numbers: vectors[numbers].mean(1),
        ),
        Misconception(
            "divided by the places, not by the words",
            "Padding is left out of your sum, and still counted in the number you divide by. A short text gets a short "
            "vector: divide by how many words it has.",
            lambda vectors, numbers: (vectors[numbers] * _known(numbers)).mean(1),
        ),
        Misconception(
            "padding is added, though not counted",
            "You divide by the number of words, but the vector of number 0 is in the sum, once for each empty place. "
            "Multiply by the mask before you add.",
            lambda vectors, numbers: vectors[numbers].sum(1) / np.maximum(1, _known(numbers).sum(1)),
            _quiet(lambda vectors, numbers: vectors[numbers].sum(1) / _known(numbers).sum(1)),
        ),
        Misconception(
            "a text without words gives NaN",
            "Where no word is known you divided 0 by 0. Such a text should get zeros: divide by at least 1, "
            "np.maximum(1, count).",
            _quiet(lambda vectors, numbers: (vectors[numbers] * _known(numbers)).sum(1) / _known(numbers).sum(1)),
        ),
        Misconception(
            "one word too many below the line",
            "You divided by the number of words and one more. That avoids 0 / 0, but every other text comes out too "
            "short: np.maximum(1, count) changes the empty text alone.",
            lambda vectors, numbers: (vectors[numbers] * _known(numbers)).sum(1) / (1 + _known(numbers).sum(1)),
        ),
        Misconception(
            "the sum in place of the mean",
            "You added the vectors up. A text with many keywords would get a long vector, whatever it says. Divide by "
            "the number of its words.",
            lambda vectors, numbers: (vectors[numbers] * _known(numbers)).sum(1),
        ),
        Misconception(
            "one count for all texts",
            "You divided every text by the words of the whole batch, or by those of the longest text. Each text has a "
            "count of its own: sum the mask along the words, and keep one count a row.",
            lambda vectors, numbers: (vectors[numbers] * _known(numbers)).sum(1) / max(1, (numbers > 0).sum()),
            lambda vectors, numbers: (vectors[numbers] * _known(numbers)).sum(1) / (numbers > 0).sum(1).max(),
        ),
        Misconception(
            "each word once",
            "You left out words that come up again. The mean is over all words of the text: what is said twice weighs "
            "twice.",
            _each_word_once,
        ),
        Misconception(
            "the numbers are off by one",
            "You looked up row number − 1. Word 1 stands in row 1 of the table: row 0 is there too, for padding.",
            lambda vectors, numbers: (vectors[numbers - 1] * _known(numbers)).sum(1)
            / np.maximum(1, _known(numbers).sum(1)),
        ),
        Misconception(
            "made one long",
            "Your vectors have length 1. The cosine will take care of lengths later; asked is the plain mean.",
            _quiet(lambda vectors, numbers: _nan_free(
                _mean(vectors, numbers) / np.linalg.norm(_mean(vectors, numbers), axis=1, keepdims=True))),
        ),
        Misconception(
            "the largest in place of the mean",
            "You took the largest number of each feature over the words. That is max pooling; asked is the mean.",
            lambda vectors, numbers: _nan_free(np.where(
                _known(numbers).any(1), np.where(_known(numbers), vectors[numbers], -1e9).max(1), 0)),
        ),
    ),
)  # fmt: skip

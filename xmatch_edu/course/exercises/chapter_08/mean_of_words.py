"""A text as the mean of the vectors of its words."""

import numpy as np

from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part

_random = np.random.default_rng(8)


def _known(numbers):
    return (numbers > 0)[..., None]


def _mean(vectors, numbers, divisor=lambda words: np.maximum(1, words)):
    """divisor: from how many words each text has (N, 1)."""
    known = _known(numbers)
    return (vectors[numbers] * known).sum(1) / divisor(known.sum(1))


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
            lambda vectors, numbers: _mean(vectors, numbers, lambda words: numbers.shape[1]),
        ),
        Misconception(
            "padding is added, though not counted",
            "You divide by the number of words, but the vector of number 0 is in the sum, once for each empty place. "
            "Multiply by the mask before you add.",
            lambda vectors, numbers: vectors[numbers].sum(1) / np.maximum(1, _known(numbers).sum(1)),
            lambda vectors, numbers: vectors[numbers].sum(1) / _known(numbers).sum(1),
        ),
        Misconception(
            "a text without words gives NaN",
            "Where no word is known you divided 0 by 0. Such a text should get zeros: divide by at least 1, "
            "np.maximum(1, count).",
            lambda vectors, numbers: _mean(vectors, numbers, lambda words: words),
        ),
        Misconception(
            "one word too many below the line",
            "You divided by the number of words and one more. That avoids 0 / 0, but every other text comes out too "
            "short: np.maximum(1, count) changes the empty text alone.",
            lambda vectors, numbers: _mean(vectors, numbers, lambda words: 1 + words),
        ),
        Misconception(
            "the sum in place of the mean",
            "You added the vectors up. A text with many keywords would get a long vector, whatever it says. Divide by "
            "the number of its words.",
            lambda vectors, numbers: _mean(vectors, numbers, lambda words: 1),
        ),
        Misconception(
            "one count for all texts",
            "You divided every text by the words of the whole batch, or by those of the longest text. Each text has a "
            "count of its own: sum the mask along the words, and keep one count a row.",
            *[lambda vectors, numbers, one=one: _mean(vectors, numbers, one) for one in (np.sum, np.max)],
        ),
        Misconception(
            "each word once",
            "You left out words that come up again. The mean is over all words of the text: what is said twice weighs "
            "twice.",
            lambda vectors, numbers: np.concatenate([_mean(vectors, np.unique(row)[None]) for row in numbers]),
        ),
        Misconception(
            "the numbers are off by one",
            "You looked up row number − 1. Word 1 stands in row 1 of the table: row 0 is there too, for padding.",
            lambda vectors, numbers: _mean(np.roll(vectors, 1, axis=0), numbers),
        ),
        Misconception(
            "made one long",
            "Your vectors have length 1. The cosine will take care of lengths later; asked is the plain mean.",
            lambda vectors, numbers: np.nan_to_num(
                _mean(vectors, numbers) / np.linalg.norm(_mean(vectors, numbers), axis=1, keepdims=True)),
        ),
        Misconception(
            "the largest in place of the mean",
            "You took the largest number of each feature over the words. That is max pooling; asked is the mean.",
            lambda vectors, numbers: np.where(
                _known(numbers).any(1), np.where(_known(numbers), vectors[numbers], -1e9).max(1), 0),
        ),
    ),
)  # fmt: skip

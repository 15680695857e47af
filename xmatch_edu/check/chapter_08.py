"""Chapter 08, training two branches: a split by concept, the mean of a text's words, a step of the temperature, recall
with fair ties, and the recall of the held-out pairs alone."""

import numpy as np

from xmatch_edu.check import pictures
from xmatch_edu.check.answers import Part
from xmatch_edu.check.engine import Exercise, Misconception

TITLE = "08 Train two branches"
NOTEBOOK = "08_train_two_branches.ipynb"

_random = np.random.default_rng(8)


def _hidden(concepts, share):
    """The different concepts in order, and how many of them are hidden."""
    different = np.unique(concepts)
    return different, int(share * len(different))


def _split(concepts, share):
    different, count = _hidden(concepts, share)
    return np.isin(concepts, different[len(different) - count:])


def _last(order, count):
    """True at the last `count` places of an order of rows."""
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[len(order) - count:]] = True
    return chosen


def _first_row_of_each(concepts, share):
    first = np.zeros(len(concepts), dtype=bool)
    first[np.unique(concepts, return_index=True)[1]] = True
    return _split(concepts, share) & first


def _minus_zero(concepts, share):
    different, count = _hidden(concepts, share)
    return np.isin(concepts, different[-count:])


def _by_rows(concepts, share):
    count = int(share * len(concepts))
    return concepts >= np.sort(concepts)[-count] if count else np.zeros(len(concepts), dtype=bool)


split_by_concept = Exercise(
    name="split_by_concept",
    takes=("concepts", "share"),
    gives=(Part("the hidden rows", "one True or False per row", "bool"),),
    right=_split,
    cases={
        "3 concepts of one row each": (np.array([0, 1, 2]), 0.34),
        "4 concepts in 9 rows": (np.array([0, 0, 1, 1, 2, 1, 2, 3, 0]), 0.5),
        "5 concepts with any numbers, in any order": (np.array([40, 7, 7, 90, 3, 40, 12, 3, 3, 3, 90]), 0.4),
        "4 concepts in 8 rows, and so small a share that none is hidden": (np.array([2, 5, 5, 9, 7, 9, 9, 9]), 0.2),
        "10 concepts in 30 rows": (_random.permutation(np.repeat(np.arange(10), [2, 1, 1, 3, 2, 1, 4, 6, 1, 9])), 0.3),
        "7 concepts in 12 rows, most of them hidden": (np.array([6, 1, 1, 20, 8, 11, 6, 15, 15, 6, 13, 8]), 0.8),
    },
    picture=None,
    misconceptions=(
        Misconception(
            "rows are split, not concepts",
            "You hid a share of the rows. Then some rows of a concept are hidden and its twins are trained on, which "
            "is the leak of this chapter. Choose concepts, and hide all of their rows.",
            lambda concepts, share: _last(np.arange(len(concepts)), int(share * len(concepts))),
            lambda concepts, share: _last(np.argsort(concepts, kind="stable"), int(share * len(concepts))),
            lambda concepts, share: _last(np.arange(len(concepts)), _hidden(concepts, share)[1]),
        ),
        Misconception(
            "the share is counted in rows",
            "You keep concepts whole, but you hide as many as it takes to fill a share of the rows. Asked is a share "
            "of the different concepts: count each of them once.",
            _by_rows,
        ),
        Misconception(
            "the part that stays",
            "True should stand where a row is hidden. Yours is True for the rows that stay in training: turn it round "
            "with ~.",
            lambda concepts, share: ~_split(concepts, share),
        ),
        Misconception(
            "the first concepts are hidden",
            "You hid the concepts with the lowest numbers. Asked are those with the highest. Any choice would be "
            "honest, but only one can be compared.",
            lambda concepts, share: np.isin(concepts, _hidden(concepts, share)[0][:_hidden(concepts, share)[1]]),
        ),
        Misconception(
            "one row for each hidden concept",
            "You hid one row of each chosen concept, and its twins stay in training. All rows of a hidden concept have "
            "to go: np.isin asks each row whether its concept is one of them.",
            _first_row_of_each,
        ),
        Misconception(
            "numbers taken for a count",
            "You compared the concepts' numbers with a share of the largest number. Numbers may have gaps: they are "
            "names. np.unique gives the different ones in order, and then you can count.",
            lambda concepts, share: concepts >= (1 - share) * concepts.max(),
            lambda concepts, share: concepts > (1 - share) * concepts.max(),
            lambda concepts, share: concepts >= (1 - share) * (concepts.max() + 1),
            lambda concepts, share: concepts >= concepts.max() + 1 - _hidden(concepts, share)[1],
        ),
        Misconception(
            "a slice from −0",
            "Where none is to be hidden, you hide all: x[-0:] is x[0:], the whole. Slice from len(x) − count.",
            _minus_zero,
        ),
        Misconception(
            "rounded up",
            "You rounded share · C to the nearest number, or up, or you rounded down how many concepts stay. Asked is "
            "the whole part of those that are hidden: int(share · C) rounds down.",
            lambda concepts, share: np.isin(concepts, np.unique(concepts)[
                len(np.unique(concepts)) - int(np.ceil(share * len(np.unique(concepts)))):]),
            lambda concepts, share: np.isin(concepts, np.unique(concepts)[
                len(np.unique(concepts)) - int(share * len(np.unique(concepts)) + 0.5):]),
        ),
        Misconception(
            "never none",
            "Where share · C is below 1 you hide a concept all the same. Asked is the whole part, int(share · C), and "
            "that may be 0.",
            lambda concepts, share: np.isin(concepts, np.unique(concepts)[-max(1, _hidden(concepts, share)[1]):]),
        ),
        Misconception(
            "positions or names in place of True and False",
            "You gave a list of rows, or of concepts. Asked is one True or False for every row, so that it can be used "
            "as a mask.",
            lambda concepts, share: np.flatnonzero(_split(concepts, share)),
            lambda concepts, share: np.unique(concepts[_split(concepts, share)]),
            lambda concepts, share: concepts[_split(concepts, share)],
        ),
    ),
)  # fmt: skip


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


def _above(S):
    return (np.diag(S)[:, None] < S).sum(1)


def _level(S):
    """How many have the own score, the own among them."""
    return (np.diag(S)[:, None] == S).sum(1)


def _fair(S, k):
    return np.clip((k - _above(S)) / _level(S), 0, 1).mean()


def _sorted_places(S):
    """The place of the own text when a stable sort decides between equals."""
    order = np.argsort(-S, axis=1, kind="stable")
    return (order == np.arange(len(S))[:, None]).argmax(1)


_TIES = _random.integers(0, 4, size=(6, 6)) / 4.0

fair_recall = Exercise(
    name="fair_recall",
    takes=("S", "k"),
    gives=(Part("R@k"),),
    right=_fair,
    cases={
        "one pair": (np.array([[0.3]]), 1),
        "3 pairs, no ties, k = 1": (np.array([[0.9, 0.2, 0.1], [0.8, 0.5, 0.6], [0.7, 0.3, 0.4]]), 1),
        "5 pairs, no ties, k = 2": (_random.normal(size=(5, 5)) + 0.5 * np.eye(5), 2),
        "4 pairs, all scores equal, k = 1": (np.full((4, 4), 0.5), 1),
        "4 pairs, all scores equal, k = 3": (np.full((4, 4), 0.5), 3),
        "6 pairs, some ties, k = 2": (_TIES, 2),
        "7 pairs, some ties, k = 3": (_random.integers(0, 3, size=(7, 7)) / 2.0, 3),
    },
    error=1e-6,
    misconceptions=(
        Misconception(
            "ties are won",
            "You counted only the texts that score more. Then a model that gives everything one score has found every "
            "pair. Among equals the own text stands first with chance 1 / how many they are.",
            lambda S, k: (_above(S) < k).mean(),
        ),
        Misconception(
            "ties are lost",
            "You counted every text that scores as much, so among equals the own text always stands last. That is as "
            "wrong as first: it stands anywhere, with equal chances.",
            lambda S, k: (_above(S) + _level(S) <= k).mean(),
        ),
        Misconception(
            "the order of the columns decides",
            "A sort has to put equal scores in some order, and takes that of the columns. So your result depends on "
            "where the own text happens to stand.",
            lambda S, k: (_sorted_places(S) < k).mean(),
            lambda S, k: ((np.argsort(S, axis=1, kind="stable")[:, ::-1] == np.arange(len(S))[:, None]).argmax(1)
                          < k).mean(),
        ),
        Misconception(
            "the middle place",
            "You took the middle of the places that the own text may have, and asked whether that is within k: all or "
            "nothing. Asked is the chance to be within k: so many of the equal places, divided by all of them.",
            lambda S, k: (_above(S) + (_level(S) + 1) / 2 <= k).mean(),
            lambda S, k: (_above(S) + (_level(S) - 1) / 2 < k).mean(),
            lambda S, k: (_above(S) + _level(S) / 2 <= k).mean(),
        ),
        Misconception(
            "one equal too few",
            "You divided by the others of equal score. The own text is one of them too: with one other the chance is a "
            "half, not 1.",
            lambda S, k: np.clip((k - _above(S)) / np.maximum(1, _level(S) - 1), 0, 1).mean(),
        ),
        Misconception(
            "not limited to 0 and 1",
            "A row whose own text stands far above counts more than once in your mean, or one far below less than "
            "nothing. A chance lies between 0 and 1: np.clip.",
            lambda S, k: ((k - _above(S)) / _level(S)).mean(),
            lambda S, k: np.minimum(1, (k - _above(S)) / _level(S)).mean(),
            lambda S, k: np.maximum(0, (k - _above(S)) / _level(S)).mean(),
        ),
        Misconception(
            "columns, not rows",
            "You asked each text for its picture. That is the other direction; the comparison runs along the rows "
            "here.",
            lambda S, k: _fair(S.T, k),
        ),
        Misconception(
            "k is off by one",
            "Your k best are one too few or one too many. With nobody above it the own text has place 1, and k = 1 "
            "counts it.",
            lambda S, k: _fair(S, k - 1),
            lambda S, k: _fair(S, k + 1),
        ),
        Misconception(
            "the lowest scores first",
            "You counted the texts that score less. A high score is a good one: those above the own text push it down.",
            lambda S, k: _fair(-S, k),
        ),
        Misconception(
            "a number of pairs, not a share",
            "You counted the pairs that were found, or gave percent. A share lies between 0 and 1, so that galleries "
            "of different size can be compared.",
            lambda S, k: _fair(S, k) * len(S),
            lambda S, k: _fair(S, k) * 100,
        ),
        Misconception(
            "ties with anybody",
            "Only the scores equal to that of the *own* text matter. You compared with something else, such as the "
            "row's best score.",
            lambda S, k: np.clip(k / (S.max(1, keepdims=True) == S).sum(1), 0, 1).mean(),
        ),
        Misconception(
            "k is not used",
            "You asked whether the own text is the best, whatever k is. With k = 2 the second place counts as well.",
            lambda S, k: _fair(S, 1),
            lambda S, k: (_above(S) == 0).mean(),
            lambda S, k: (_above(S) + _level(S) == 1).mean(),
            lambda S, k: _found(S),
        ),
        Misconception(
            "one place of the equals",
            "Among equals you counted one place, with the chance 1 / how many they are. All of their places that are "
            "within k count: k − above of them.",
            lambda S, k: ((_above(S) < k) / _level(S)).mean(),
        ),
        Misconception(
            "each score against the match of its column",
            "np.diag(S) is flat, so it was laid along the rows: each score met the match of its own column. All scores "
            "of row i have to meet S[i, i]: [:, None] makes a column of the diagonal.",
            lambda S, k: np.clip((k - (np.diag(S) < S).sum(1)) / (np.diag(S) == S).sum(1), 0, 1).mean(),
            lambda S, k: ((np.diag(S) < S).sum(1) < k).mean(),
        ),
    ),
)  # fmt: skip


def _found(S):
    """The share of rows whose best column is their own."""
    return (S.argmax(1) == np.arange(len(S))).mean()


def _held_out(S, split, part=2):
    own = split == part
    return _found(S[own][:, own])


def _right_rows(S):
    return S.argmax(1) == np.arange(len(S))


_SPLIT = np.array([0, 2, 0, 0, 1, 2, 0, 2, 1, 0, 2, 0, 1, 2])


def _trained(split, ahead):
    """The trained pairs stand out more than the hidden ones."""
    n = len(split)
    return _random.normal(size=(n, n)) + np.diag(np.where(split == 0, 2.2, ahead))


held_out_recall = Exercise(
    name="held_out_recall",
    takes=("S", "split"),
    gives=(Part("R@1"),),
    right=_held_out,
    cases={
        "14 pairs, 5 of them test": (_trained(_SPLIT, 0.8), _SPLIT),
        "14 pairs, dealt again": (_trained(_SPLIT[::-1], 1.0), _SPLIT[::-1].copy()),
        "30 pairs, 10 of them test": (_trained(np.tile([0, 1, 2], 10), 1.2), np.tile([0, 1, 2], 10)),
        "23 pairs, 7 of them test": (_trained(np.array([0, 2, 0, 1, 0, 2, 0] * 3 + [1, 2]), 1.1),
                                     np.array([0, 2, 0, 1, 0, 2, 0] * 3 + [1, 2])),
        "12 pairs, 5 of them test, and all scores below 0": (_trained(_SPLIT[:12], 0.5) - 8, _SPLIT[:12].copy()),
    },
    error=1e-6,
    misconceptions=(
        Misconception(
            "measured on all pairs",
            "You judged the model on every pair, most of which it was trained on. It knows those by heart. Only the "
            "test pairs say what it does with something new.",
            lambda S, split: _found(S),
        ),
        Misconception(
            "measured on the training pairs",
            "You judged the model on what it was trained on. That says how well it remembers: take the pairs with "
            "split 2.",
            lambda S, split: _held_out(S, split, 0),
        ),
        Misconception(
            "measured on the validation pairs",
            "Those pairs chose the model: when to stop, which loss. It did best on them because they chose it. The "
            "test pairs, split 2, have chosen nothing.",
            lambda S, split: _held_out(S, split, 1),
        ),
        Misconception(
            "the gallery holds the trained texts too",
            "Your rows are the test pictures, but your columns hold trained texts as well. The figure then depends on "
            "how much was trained on, and cannot be compared: take the test columns only.",
            lambda S, split: _right_rows(S)[split == 2].mean(),
            lambda S, split: (S[split == 2].argmax(1) == np.arange((split == 2).sum())).mean(),
            lambda S, split: _right_rows(np.where(split != 1, S, -np.inf))[split == 2].mean(),
        ),
        Misconception(
            "everything that was not trained on",
            "You took validation and test together. The validation pairs chose the model, so they are no longer new.",
            lambda S, split: _found(S[split > 0][:, split > 0]),
        ),
        Misconception(
            "columns, not rows",
            "You asked each text for its picture. Asked is the other direction: each picture looks along its row.",
            lambda S, split: _held_out(S.T, split),
        ),
        Misconception(
            "a number of pairs, not a share",
            "You counted the pairs that were found, or gave percent. A share lies between 0 and 1, whatever the size "
            "of the gallery.",
            lambda S, split: _held_out(S, split) * (split == 2).sum(),
            lambda S, split: _held_out(S, split) * 100,
        ),
        Misconception(
            "divided by all pairs",
            "You found the right test pairs and divided by the number of all pairs, or asked all pictures for a test "
            "text. Only the test pictures have their own text among those: take the test rows, and their number.",
            lambda S, split: _held_out(S, split) * (split == 2).mean(),
            lambda S, split: ((S[:, split == 2].argmax(1) == np.cumsum(split == 2) - 1) & (split == 2)).mean(),
            lambda S, split: (_right_rows(S) & (split == 2)).mean(),
        ),
        Misconception(
            "0 in place of −∞",
            "You set the scores of all other texts to 0. Where the test scores are below 0, those are the best then: "
            "cut the columns out, or put −∞ there.",
            lambda S, split: _right_rows(np.where(split == 2, S, 0))[split == 2].mean(),
        ),
        Misconception(
            "places of the whole matrix",
            "After you cut out the test pairs their rows are numbered anew, from 0. You compared the best column with "
            "the old numbers.",
            lambda S, split: (S[split == 2][:, split == 2].argmax(1) == np.flatnonzero(split == 2)).mean(),
        ),
    ),
)  # fmt: skip

EXERCISES = (split_by_concept, mean_of_words, fair_recall, held_out_recall, scale_step)

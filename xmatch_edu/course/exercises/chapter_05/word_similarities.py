"""How alike each word and each region are."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_05 import shared
from xmatch_edu.course.exercises.ideas import softmax

_random = np.random.default_rng(5)
word_similarities = Exercise(
    name="word_similarities",
    takes=("regions", "words"),
    gives=(Part("the similarities", "one row per word, one column per region"),),
    right=lambda regions, words: loops.word_region_steps(regions, words).similarities,
    cases={
        "one word, one region": shared.image_and_text(_random, 1, 1, 3),
        "3 words, 3 regions, 3 features": shared.image_and_text(_random, 3, 3, 3),
        "4 words, 2 regions, 5 features": shared.image_and_text(_random, 4, 2, 5),
        "2 words, 6 regions, 4 features": shared.image_and_text(_random, 2, 6, 4),
        "4 words, 4 regions, 2 features": shared.image_and_text(_random, 4, 4, 2),
    },
    picture=(pictures.of_part(0), ("scores", "words", "regions"), "The similarities s"),
    misconceptions=(
        Misconception(
            "regions down, words across",
            "You filled the table region by region, so yours is the transpose, (R, T). Here each word has a row: "
            "s[t, r] is word t with region r.",
            lambda regions, words: regions @ words.T,
        ),
        Misconception(
            "reshape in place of a transpose",
            "You brought an (R, T) table into the shape (T, R) with reshape. That keeps the order of the numbers and "
            "only breaks the lines elsewhere; .T turns rows into columns.",
            lambda regions, words: (regions @ words.T).reshape(len(words), len(regions)),
        ),
        Misconception(
            "divided by a length",
            "You divided by the length of the words, of the regions, or of both (that is the cosine). Here the dot "
            "product itself is asked for: lengths are divided out later, when a word meets what it saw.",
            lambda regions, words: shared.unit(words) @ shared.unit(regions).T,
            lambda regions, words: shared.unit(words) @ regions.T,
            lambda regions, words: words @ shared.unit(regions).T,
        ),
        Misconception(
            "divided by √D",
            "You divided by the square root of the number of features, as transformers do in their attention. The "
            "formula of this chapter has the dot product alone.",
            lambda regions, words: words @ regions.T / words.shape[1] ** 0.5,
        ),
        Misconception(
            "the mean over the features",
            "You divided by D. A dot product is a sum.",
            lambda regions, words: words @ regions.T / words.shape[1],
        ),
        Misconception(
            "a softmax already",
            "Your numbers went through a softmax, over the words, over the regions or over all. That is the next step:"
            " here the similarities are asked for as they are, negative ones too.",
            *[lambda regions, words, axis=axis: softmax(words @ regions.T, axis=axis) for axis in (0, 1, (0, 1))],
        ),
        Misconception(
            "a distance",
            "You measured how far each word is from each region, or took the minus of that. A similarity is the dot "
            "product of the two: what they have in common, feature by feature.",
            *[lambda regions, words, sign=sign, power=power: sign * np.linalg.norm(
                words[:, None] - regions, axis=-1) ** power for power in (1, 2) for sign in (1, -1)],
        ),
        Misconception(
            "each word with one region only",
            "You paired word 0 with region 0, word 1 with region 1, and so on. Every word meets every region: that "
            "makes a table of T rows and R columns.",
            lambda regions, words: np.einsum("td,td->t", words, regions),
            lambda regions, words: np.array([word @ region for word, region in zip(words, regions, strict=False)]),
        ),
        Misconception(
            "each side summed by itself",
            "You added up the features of the word, added up those of the region, and multiplied the two sums. A dot "
            "product multiplies feature by feature, and adds up then.",
            lambda regions, words: np.outer(words.sum(axis=1), regions.sum(axis=1)),
        ),
        Misconception(
            "summed over words or regions",
            "You added up over the words, over the regions, or over both. Then nobody can see any more which word met "
            "which region: only the features are summed.",
            *[lambda regions, words, axis=axis: (words @ regions.T).sum(axis=axis) for axis in (0, 1, None)],
        ),
        Misconception(
            "the sum runs over another axis than the features",
            "Your product adds up over words or regions, and the features stay. Both sides have their features last, "
            "so for `@` the second one has to be turned over: words @ regions.T.",
            lambda regions, words: words @ regions, lambda regions, words: regions @ words,
            lambda regions, words: words.T @ regions, lambda regions, words: regions.T @ words,
            *[lambda regions, words, axis=axis: (words[:, None] * regions).sum(axis=axis) for axis in (1, 0)],
        ),
    ),
)  # fmt: skip

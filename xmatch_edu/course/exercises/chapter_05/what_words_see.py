"""What each word sees where it looks, and how like itself that is."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_05 import shared
from xmatch_edu.course.exercises.ideas import softmax

_random = np.random.default_rng(5)


def _looks(t, r, d, far=2.0):
    return softmax(far * _random.normal(size=(t, r))), *shared.image_and_text(_random, t, r, d)


def _literal_cosines(attention, regions, words):
    contexts = [sum(a * region for a, region in zip(look, regions, strict=True)) for look in attention]
    return np.diag(loops.cosine_scores(np.array(contexts), words))


what_words_see = Exercise(
    name="what_words_see",
    takes=("attention", "regions", "words"),
    gives=(Part("the cosines", "one per word"),),
    right=_literal_cosines,
    cases={
        "one word, one region": _looks(1, 1, 3),
        "3 words, 3 regions, 3 features": _looks(3, 3, 3),
        "4 words, 2 regions, 5 features": _looks(4, 2, 5),
        "2 words, 6 regions, 3 features": _looks(2, 6, 3),
        "5 words, 5 regions, 2 features": _looks(5, 5, 2),
        "3 words, 4 regions, attention nearly even": _looks(3, 4, 4, far=0.2),
    },
    picture=(pictures.of_line, ("scores", "", "words"), "The cosine of each word with what it sees"),
    misconceptions=(
        Misconception(
            "the lengths are not divided out",
            "These are dot products, not cosines. A region with large numbers then scores high with everything: divide"
            " by both lengths.",
            lambda a, regions, words: (a @ regions * words).sum(axis=1),
        ),
        Misconception(
            "only one side is divided by its length",
            "You divided by the length of the word, or by that of what it sees, and not by the other. A cosine divides"
            " by both.",
            lambda a, regions, words: (a @ regions * shared.unit(words)).sum(axis=1),
            lambda a, regions, words: (shared.unit(a @ regions) * words).sum(axis=1),
        ),
        Misconception(
            "the lengths squared",
            "You divided by the squared lengths. The length is the square root of the sum of squares; with the root, a"
            " vector has the cosine 1 with itself.",
            lambda a, regions, words: shared.cosine(a @ regions, words) / (
                shared.length(a @ regions) * shared.length(words))[:, 0],
        ),
        Misconception(
            "the lengths run over the words, not over the features",
            "You made each feature's column of length 1, over all words of the text. A length is taken over a vector's"
            " own D numbers, so that one word's cosine does not depend on the others.",
            lambda a, regions, words: (shared.unit((a @ regions).T).T * shared.unit(words.T).T).sum(axis=1),
        ),
        Misconception(
            "the brightest region only",
            "You compared each word with the one region that it looks at most. It sees all of them, each as strongly "
            "as α says: their weighted average is what the word is compared with.",
            lambda a, regions, words: shared.cosine(regions[a.argmax(axis=1)], words),
        ),
        Misconception(
            "the region that fits best",
            "You took the largest cosine that a word has with any region. α says where the word looks, and that is a "
            "mixture: mix the regions first, compare then.",
            lambda a, regions, words: (shared.unit(words) @ shared.unit(regions).T).max(axis=1),
        ),
        Misconception(
            "an average of cosines, not the cosine of an average",
            "You compared the word with each region, and averaged the cosines with α. The regions themselves are mixed"
            " first, into one vector, and that one is compared.",
            lambda a, regions, words: (a * (shared.unit(words) @ shared.unit(regions).T)).sum(axis=1),
        ),
        Misconception(
            "regions of length 1 are mixed",
            "You divided each region by its length before mixing. Then weak regions count as much as strong ones: mix "
            "the regions as they are, and divide by the length of the mixture.",
            lambda a, regions, words: shared.cosine(a @ shared.unit(regions), words),
        ),
        Misconception(
            "the average of the lengths for the length of the average",
            "You averaged the lengths of the regions with α, and divided by that. Vectors that point apart make a "
            "short mixture: its length has to be computed from the mixture.",
            lambda a, regions, words: (a @ regions * words).sum(axis=1) / (
                a @ shared.length(regions) * shared.length(words))[:, 0],
        ),
        Misconception(
            "another word's look",
            "You compared a word with what another word sees. Row t of α belongs to word t.",
            lambda a, regions, words: shared.cosine(np.roll(a, 1, axis=0) @ regions, words),
            lambda a, regions, words: shared.cosine(np.roll(a, -1, axis=0) @ regions, words),
            lambda a, regions, words: shared.cosine(a[::-1] @ regions, words),
            lambda a, regions, words: shared.cosine(a[0] @ regions, words),
        ),
        Misconception(
            "every region counts the same",
            "You took the plain mean (or sum) of the regions. Then every word sees the same: α says how much each "
            "region counts for this word.",
            lambda a, regions, words: shared.cosine(regions.mean(axis=0), words),
        ),
        Misconception(
            "α on its side",
            "You added up over the words, so that each region got a mixture of what stands in its column. A word's "
            "look is a row of α, and its sum runs over the regions.",
            lambda a, regions, words: shared.cosine(a.T @ regions, words),
        ),
        Misconception(
            "every word with what every word sees",
            "Yours is a (T, T) table. Only its diagonal is asked for: word t with what word t itself sees.",
            lambda a, regions, words: shared.unit(a @ regions) @ shared.unit(words).T,
            lambda a, regions, words: shared.unit(words) @ shared.unit(a @ regions).T,
        ),
        Misconception(
            "1 minus the cosine",
            "Yours is 1 minus the cosine, a distance: small where the word sees itself. The score needs a number that "
            "is large there.",
            lambda a, regions, words: 1 - shared.cosine(a @ regions, words),
        ),
    ),
)  # fmt: skip

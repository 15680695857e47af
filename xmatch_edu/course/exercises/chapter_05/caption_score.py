"""The score of a caption, from the cosines of its words."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_05 import shared
from xmatch_edu.course.exercises.ideas import softmax

_random = np.random.default_rng(5)


def _cosines(words, padding, gamma2):
    return _random.uniform(-0.9, 0.9, size=words + padding), words, gamma2


def _literal_score(cosines, length, gamma2):
    """With one region, every word sees that region: words of length 1 at the right angles have these cosines."""
    words = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)[:length]
    return loops.word_region_steps(np.array([[1.0, 0.0]]), words, gamma2=gamma2).score


caption_score = Exercise(
    name="caption_score",
    takes=("cosines", "length", "gamma2"),
    gives=(Part("the score"),),
    right=_literal_score,
    cases={
        "one word, no padding, γ2 = 5": (np.array([0.4]), 1, 5.0),
        "2 words, no padding, γ2 = 3": (np.array([0.3, -0.2]), 2, 3.0),
        "2 words, 1 of padding, γ2 = 5": (np.array([0.5, 0.2, 0.7]), 2, 5.0),
        "4 words, 3 of padding, γ2 = 2": _cosines(4, 3, 2.0),
        "one word, 3 of padding, γ2 = 10": _cosines(1, 3, 10.0),
        "3 words, 2 of padding, γ2 = ½": _cosines(3, 2, 0.5),
        "6 words, no padding, γ2 = 20": _cosines(6, 0, 20.0),
    },
    picture=(pictures.of_nudges, ("gradient", "", "words, padding last"),
             "How the score answers when a cosine is nudged"),
    misconceptions=(
        Misconception(
            "padding counted",
            "You added up all T numbers. Those behind the first `length` belong to no word, and the same caption would"
            " score higher in a longer batch.",
            lambda c, length, g: shared.log_sum_exp(g * c) / g,
        ),
        Misconception(
            "padding set to 0, and still counted",
            "You made the padding 0, and exp(0) is 1: each of them adds a 1 to the sum. Leave it out, or set it to −∞,"
            " whose exp is 0.",
            lambda c, length, g: shared.log_sum_exp(g * np.where(np.arange(len(c)) < length, c, 0)) / g,
        ),
        Misconception(
            "one word too few or too many",
            "Your sum ends one word too early, or one too late. The words are 0 to length − 1, and that is what "
            "cosines[:length] gives.",
            *[lambda c, length, g, k=k: shared.log_sum_exp(g * c[: length + k]) / g for k in (-1, 1)],
        ),
        Misconception(
            "γ2 is not inside the exp",
            "You took exp of the cosines as they are, and used γ2 elsewhere. It multiplies each cosine, inside exp: "
            "there it decides how much the best word outweighs the others.",
            lambda c, length, g: shared.log_sum_exp(c[:length]) / g,
            lambda c, length, g: g * shared.log_sum_exp(c[:length]),
            lambda c, length, g: (shared.log_sum_exp(c[:length]) + np.log(g)) / g,
            lambda c, length, g: shared.log_sum_exp(c[:length]) + np.log(g),
        ),
        Misconception(
            "1/γ2 is missing",
            "AttnGAN's published code leaves it out as well, and its paper has it. With it the score is in the range "
            "of a cosine: that of one word alone is the word's own cosine.",
            lambda c, length, g: shared.log_sum_exp(g * c[:length]),
        ),
        Misconception(
            "γ2 has no effect",
            "Your answer is that of γ2 = 1 for every γ2. It multiplies each cosine inside exp, and the whole is "
            "divided by it again.",
            lambda c, length, g: shared.log_sum_exp(c[:length]),
        ),
        Misconception(
            "γ2 the other way up",
            "You divided the cosines by γ2. A larger γ2 must bring the score nearer to the best word's cosine, and "
            "yours goes further away.",
            *[lambda c, length, g, k=k: shared.log_sum_exp(c[:length] / g) * g**k for k in (0, 1, -1)],
        ),
        Misconception(
            "the mean in place of the sum",
            "Inside the log you divided by the number of words (or by T). The formula has a sum there: it is larger by"
            " ln(length) / γ2, so a longer caption may score higher.",
            lambda c, length, g: (shared.log_sum_exp(g * c[:length]) - np.log(length)) / g,
            lambda c, length, g: (shared.log_sum_exp(g * c[:length]) - np.log(len(c))) / g,
        ),
        Misconception(
            "the maximum",
            "You took the largest cosine. That is what comes out when γ2 grows without end; at a finite γ2 every word "
            "has its say, the good ones more.",
            lambda c, length, g: c[:length].max(), lambda c, length, g: c.max(),
        ),
        Misconception(
            "the mean of the cosines",
            "You averaged the cosines. That is near to what comes out when γ2 is small; with exp and log the words "
            "that found their place weigh more.",
            lambda c, length, g: c[:length].mean(), lambda c, length, g: c.mean(),
        ),
        Misconception(
            "the sum of the cosines",
            "You added up the cosines themselves; or you took exp and log word by word, and the two undo each other. "
            "First exp of each, then the sum, then one log of it.",
            lambda c, length, g: c[:length].sum(), lambda c, length, g: c.sum(),
            lambda c, length, g: g * c[:length].sum(),
        ),
        Misconception(
            "the exp is missing",
            "You took the log of the sum of the cosines themselves. That sum can be negative, and has no log then: exp"
            " makes each one positive first.",
            lambda c, length, g: np.log((g * c[:length]).sum()) / g, lambda c, length, g: np.log(c[:length].sum()) / g,
            lambda c, length, g: np.log((g * c[:length]).sum()),
        ),
        Misconception(
            "the log is missing",
            "You gave the sum of the exponentials. Its log brings it back to the size of a cosine.",
            lambda c, length, g: np.exp(g * c[:length]).sum() / g, lambda c, length, g: np.exp(g * c[:length]).sum(),
        ),
        Misconception(
            "another logarithm",
            "Your log is not the natural one: base 2 makes the score 1.44 times as large, base 10 makes it 0.43 times."
            " The formula means the inverse of exp, which NumPy calls log.",
            lambda c, length, g: shared.log_sum_exp(g * c[:length]) / g / np.log(2),
            lambda c, length, g: shared.log_sum_exp(g * c[:length]) / g / np.log(10),
            lambda c, length, g: np.log1p(np.exp(g * c[:length]).sum()) / g,
        ),
        Misconception(
            "a mean of the cosines with the softmax as weights",
            "You weighed the cosines with their own softmax. That is a soft maximum too, another one: it never exceeds"
            " the largest cosine, and the one asked for does.",
            lambda c, length, g: (softmax(g * c[:length]) * c[:length]).sum(),
        ),
        Misconception(
            "a minus too many",
            "Right in size, wrong in sign. A loss has a minus before its log; this is a score, and large is good.",
            lambda c, length, g: -shared.log_sum_exp(g * c[:length]) / g,
        ),
    ),
)  # fmt: skip

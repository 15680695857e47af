"""Where each word looks: a softmax over the regions."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.ideas import softmax

_random = np.random.default_rng(5)


def _similarities(t, r):
    return 1.5 * _random.normal(size=(t, r))


# Eighths, which float32 holds exactly. Each column lies elsewhere, so that each needs its own largest taken off.
_FAR = np.array([[1000, 2.125, -999, 1000], [998.875, 1, -1000, -1000], [999.5, -0.5, -999.25, -998.5]])


def _exp_alone(x, axis):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def _either_way(look):
    """The wrong function with a careful softmax, and with one whose exp overflows: the idea is the same."""
    return lambda s, gamma1: look(softmax, s, gamma1), lambda s, gamma1: look(_exp_alone, s, gamma1)


where_words_look = Exercise(
    name="where_words_look",
    takes=("similarities", "gamma1"),
    gives=(Part("α", "one row per word, one column per region"),),
    # Words that are unit vectors have the similarities that one likes.
    right=lambda s, gamma1: loops.word_region_steps(s.T, np.eye(len(s)), gamma1=gamma1).attention,
    cases={
        "one word, one region": (_similarities(1, 1), 5.0),
        "3 words, 3 regions, γ1 = 5": (_similarities(3, 3), 5.0),
        "4 words, 2 regions, γ1 = 2": (_similarities(4, 2), 2.0),
        "one word, 4 regions, γ1 = 5": (_similarities(1, 4), 5.0),
        "2 words, 5 regions, γ1 = 10": (_similarities(2, 5), 10.0),
        "5 words, 4 regions, γ1 = ½": (_similarities(5, 4), 0.5),
        "3 words, one region, similarities near 1000": (_FAR[:, :1], 4.0),
        "3 words, 4 regions, similarities up to 1000": (_FAR, 4.0),
    },
    picture=(pictures.of_part(0), ("probabilities", "words", "regions"), "Where each word looks"),
    misconceptions=(
        Misconception(
            "the two softmaxes changed places",
            "You went over the regions first and over the words then. First the words compete at each region; in the "
            "end each word shares out its look among the regions, so each row must sum to 1.",
            *_either_way(lambda softmax, s, g: softmax(g * softmax(s, axis=1), axis=0)),
        ),
        Misconception(
            "both softmaxes over the words",
            "Both of your softmaxes run down the columns, over the words. The second one asks where one word looks: "
            "its candidates are the regions, and each row must sum to 1.",
            *_either_way(lambda softmax, s, g: softmax(g * softmax(s, axis=0), axis=0)),
        ),
        Misconception(
            "both softmaxes over the regions",
            "Both of your softmaxes run along the rows, over the regions. The first one asks which word a region "
            "belongs to: its candidates are the words, in one column.",
            *_either_way(lambda softmax, s, g: softmax(g * softmax(s, axis=1), axis=1)),
        ),
        Misconception(
            "γ1 before the first softmax",
            "You multiplied the similarities by γ1. It comes between the two: first the words compete, then γ1 says "
            "how sharply each word looks.",
            *_either_way(lambda softmax, s, g: softmax(softmax(g * s, axis=0), axis=1)),
        ),
        Misconception(
            "γ1 in both softmaxes",
            "You multiplied by γ1 before each of the two. It comes in once, between them: the similarities go into the"
            " first softmax as they are.",
            *_either_way(lambda softmax, s, g: softmax(g * softmax(g * s, axis=0), axis=1)),
        ),
        Misconception(
            "γ1 after the second softmax",
            "You multiplied by γ1 when all was done. Then each row sums to γ1: it belongs inside the second exp, where"
            " it makes the look sharper and the row still sums to 1.",
            *_either_way(lambda softmax, s, g: g * softmax(softmax(s, axis=0), axis=1)),
        ),
        Misconception(
            "γ1 has no effect",
            "Your answer is that of γ1 = 1 for every γ1. Either it is not used, or it is added, or it multiplies above"
            " and below the line, and cancels: it multiplies the shares of the words, inside the second exp.",
            *_either_way(lambda softmax, s, g: softmax(softmax(s, axis=0), axis=1)),
        ),
        Misconception(
            "γ1 divides instead of multiplying",
            "You divided by γ1. A larger γ1 must make a word look at fewer regions, and yours looks at more of them.",
            *_either_way(lambda softmax, s, g: softmax(softmax(s, axis=0) / g, axis=1)),
        ),
        Misconception(
            "the words do not compete",
            "You left out the first softmax. Then a region that is bright for one word is bright for every word that "
            "is like it: the words must first share each region out among them.",
            *_either_way(lambda softmax, s, g: softmax(g * s, axis=1)),
            *_either_way(lambda softmax, s, g: softmax(s, axis=1)),
        ),
        Misconception(
            "the second softmax is missing",
            "You stopped after the softmax over the words. Your columns were shared out, not your rows: a word's look "
            "must sum to 1 over the regions.",
            *_either_way(lambda softmax, s, g: softmax(s, axis=0)),
            *_either_way(lambda softmax, s, g: g * softmax(s, axis=0)),
            *_either_way(lambda softmax, s, g: softmax(g * s, axis=0)),
        ),
        Misconception(
            "the second exp is missing",
            "You divided each row by its sum, without exp. The rows sum to 1, but γ1 cancels in that fraction, and "
            "could not make the look any sharper.",
            *_either_way(lambda softmax, s, g: (lambda x: x / x.sum(axis=1, keepdims=True))(softmax(s, axis=0))),
        ),
        Misconception(
            "the first exp is missing",
            "You divided the similarities themselves by the sum of their column. They can be negative, and the sum "
            "near 0: exp makes each one positive first.",
            lambda s, g: softmax(g * (s / s.sum(axis=0)), axis=1),
        ),
        Misconception(
            *ideas.WHOLE_MATRIX,
            *_either_way(lambda softmax, s, g: softmax(g * softmax(s, axis=0), axis=(0, 1))),
            *_either_way(lambda softmax, s, g: softmax(g * softmax(s, axis=(0, 1)), axis=1)),
            *_either_way(lambda softmax, s, g: softmax(g * softmax(s, axis=(0, 1)), axis=(0, 1))),
        ),
        Misconception(
            "exp overflows",
            "All is right while the similarities are small. exp(710) is too large for float64 already: take the "
            "largest of each column off first, which cancels in the fraction.",
            lambda s, g: softmax(g * _exp_alone(s, axis=0), axis=1),
        ),
        Misconception(
            "another number than the column's largest taken off",
            "You took off the largest of all similarities, or a mean. Then a column far below has nothing but zeros "
            "after exp, or one far above overflows: each column needs its own largest.",
            lambda s, g: softmax(g * _exp_alone(s - s.max(), axis=0), axis=1),
        ),
        Misconception(
            "the largest of the row taken off",
            "Before a softmax over the words you took off the largest of each row. What is taken off cancels only if "
            "all candidates lose the same: one number for each column.",
            *[lambda s, g, f=f: softmax(g * f(s - s.max(axis=1, keepdims=True), axis=0), axis=1)
              for f in (_exp_alone, softmax)],
        ),
        Misconception(
            "regions down, words across",
            "The numbers are right, and the table is turned on its side. Each word has a row, as in the similarities "
            "that came in.",
            *_either_way(lambda softmax, s, g: softmax(g * softmax(s, axis=0), axis=1).T),
        ),
    ),
)  # fmt: skip

"""Chapter 05: words against regions, where a word looks, what it sees there, the score of a caption, and R(Q, D) of
every image with every text, in NumPy.

T words down, R regions across, D features; N images, M texts.
"""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import ideas, pictures
from xmatch_edu.check.answers import Part
from xmatch_edu.check.engine import Exercise, Misconception
from xmatch_edu.check.ideas import softmax

TITLE = "05 Words and regions"
NOTEBOOK = "05_words_and_regions.ipynb"

_random = np.random.default_rng(5)


def _vectors(*shape):
    """Lengths differ, so that dot products and cosines do too."""
    return _random.normal(size=shape) * _random.uniform(0.5, 1.5, size=(*shape[:-1], 1))


def _length(x):
    return np.linalg.norm(x, axis=-1, keepdims=True)


def _unit(x):
    return x / _length(x)


def _image_and_text(t, r, d):
    return _vectors(r, d), _vectors(t, d)


word_similarities = Exercise(
    name="word_similarities",
    takes=("regions", "words"),
    gives=(Part("s", "one row per word, one column per region"),),
    right=lambda regions, words: loops.word_region_steps(regions, words).similarities,
    cases={
        "one word, one region": _image_and_text(1, 1, 3),
        "3 words, 3 regions, 3 features": _image_and_text(3, 3, 3),
        "4 words, 2 regions, 5 features": _image_and_text(4, 2, 5),
        "2 words, 6 regions, 4 features": _image_and_text(2, 6, 4),
        "4 words, 4 regions, 2 features": _image_and_text(4, 4, 2),
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
            lambda regions, words: _unit(words) @ _unit(regions).T,
            lambda regions, words: _unit(words) @ regions.T,
            lambda regions, words: words @ _unit(regions).T,
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
            lambda regions, words: softmax(words @ regions.T, axis=0),
            lambda regions, words: softmax(words @ regions.T, axis=1),
            lambda regions, words: softmax(words @ regions.T, axis=(0, 1)),
        ),
        Misconception(
            "a distance",
            "You measured how far each word is from each region, or took the minus of that. A similarity is the dot "
            "product of the two: what they have in common, feature by feature.",
            lambda regions, words: np.linalg.norm(words[:, None] - regions, axis=-1),
            lambda regions, words: -np.linalg.norm(words[:, None] - regions, axis=-1),
            lambda regions, words: ((words[:, None] - regions) ** 2).sum(axis=-1),
            lambda regions, words: -((words[:, None] - regions) ** 2).sum(axis=-1),
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
            lambda regions, words: (words @ regions.T).sum(axis=0),
            lambda regions, words: (words @ regions.T).sum(axis=1),
            lambda regions, words: (words @ regions.T).sum(),
        ),
        Misconception(
            "the sum runs over another axis than the features",
            "Your product adds up over words or regions, and the features stay. Both sides have their features last, "
            "so for `@` the second one has to be turned over: words @ regions.T.",
            lambda regions, words: words @ regions, lambda regions, words: regions @ words,
            lambda regions, words: words.T @ regions, lambda regions, words: regions.T @ words,
            lambda regions, words: (words[:, None] * regions).sum(axis=1),
            lambda regions, words: (words[:, None] * regions).sum(axis=0),
        ),
    ),
)  # fmt: skip


def _similarities(t, r, far=1.5):
    return far * _random.normal(size=(t, r))


# Eighths, which float32 holds exactly. Each column lies elsewhere, so that each needs its own largest taken off.
_FAR = np.array([[1000, 2.125, -999, 1000], [998.875, 1, -1000, -1000], [999.5, -0.5, -999.25, -998.5]])


def _exp_alone(x, axis):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def _either_way(look):
    """The wrong function with a careful softmax, and with one whose exp overflows: the idea is the same."""
    return lambda s, gamma1: look(softmax, s, gamma1), lambda s, gamma1: look(_exp_alone, s, gamma1)


def _softmax_below(s, largest):
    """Over the words, with something else taken off than the largest of each column."""
    return _exp_alone(s - largest, axis=0)


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
            lambda s, g: softmax(g * _softmax_below(s, s.max()), axis=1),
        ),
        Misconception(
            "the largest of the row taken off",
            "Before a softmax over the words you took off the largest of each row. What is taken off cancels only if "
            "all candidates lose the same: one number for each column.",
            lambda s, g: softmax(g * _softmax_below(s, s.max(axis=1, keepdims=True)), axis=1),
            lambda s, g: softmax(g * softmax(s - s.max(axis=1, keepdims=True), axis=0), axis=1),
        ),
        Misconception(
            "regions down, words across",
            "The numbers are right, and the table is turned on its side. Each word has a row, as in the similarities "
            "that came in.",
            *_either_way(lambda softmax, s, g: softmax(g * softmax(s, axis=0), axis=1).T),
        ),
    ),
)  # fmt: skip


def _looks(t, r, d, far=2.0):
    return softmax(far * _random.normal(size=(t, r))), *_image_and_text(t, r, d)


def _cosine(a, b):
    return (a * b).sum(axis=-1) / (_length(a) * _length(b))[..., 0]


def _each_region(regions, words):
    """(T, R) the cosine of every word with every region."""
    return _unit(words) @ _unit(regions).T


def _literal_cosines(attention, regions, words):
    contexts = np.zeros(words.shape)
    for t in range(len(words)):
        for r in range(len(regions)):
            contexts[t] += attention[t, r] * regions[r]
    return np.diag(loops.cosine_scores(contexts, words))


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
            lambda a, regions, words: (a @ regions * _unit(words)).sum(axis=1),
            lambda a, regions, words: (_unit(a @ regions) * words).sum(axis=1),
        ),
        Misconception(
            "the lengths squared",
            "You divided by the squared lengths. The length is the square root of the sum of squares; with the root, a"
            " vector has the cosine 1 with itself.",
            lambda a, regions, words: _cosine(a @ regions, words) / (_length(a @ regions) * _length(words))[:, 0],
        ),
        Misconception(
            "the lengths run over the words, not over the features",
            "You made each feature's column of length 1, over all words of the text. A length is taken over a vector's"
            " own D numbers, so that one word's cosine does not depend on the others.",
            lambda a, regions, words: (_unit((a @ regions).T).T * _unit(words.T).T).sum(axis=1),
        ),
        Misconception(
            "the brightest region only",
            "You compared each word with the one region that it looks at most. It sees all of them, each as strongly "
            "as α says: their weighted average is what the word is compared with.",
            lambda a, regions, words: _cosine(regions[a.argmax(axis=1)], words),
        ),
        Misconception(
            "the region that fits best",
            "You took the largest cosine that a word has with any region. α says where the word looks, and that is a "
            "mixture: mix the regions first, compare then.",
            lambda a, regions, words: _each_region(regions, words).max(axis=1),
        ),
        Misconception(
            "an average of cosines, not the cosine of an average",
            "You compared the word with each region, and averaged the cosines with α. The regions themselves are mixed"
            " first, into one vector, and that one is compared.",
            lambda a, regions, words: (a * _each_region(regions, words)).sum(axis=1),
        ),
        Misconception(
            "regions of length 1 are mixed",
            "You divided each region by its length before mixing. Then weak regions count as much as strong ones: mix "
            "the regions as they are, and divide by the length of the mixture.",
            lambda a, regions, words: _cosine(a @ _unit(regions), words),
        ),
        Misconception(
            "the average of the lengths for the length of the average",
            "You averaged the lengths of the regions with α, and divided by that. Vectors that point apart make a "
            "short mixture: its length has to be computed from the mixture.",
            lambda a, regions, words: (a @ regions * words).sum(axis=1) / (a @ _length(regions) * _length(words))[:, 0],
        ),
        Misconception(
            "another word's look",
            "You compared a word with what another word sees. Row t of α belongs to word t.",
            lambda a, regions, words: _cosine(np.roll(a, 1, axis=0) @ regions, words),
            lambda a, regions, words: _cosine(np.roll(a, -1, axis=0) @ regions, words),
            lambda a, regions, words: _cosine(a[::-1] @ regions, words),
            lambda a, regions, words: _cosine(a[0] @ regions, words),
        ),
        Misconception(
            "every region counts the same",
            "You took the plain mean (or sum) of the regions. Then every word sees the same: α says how much each "
            "region counts for this word.",
            lambda a, regions, words: _cosine(regions.mean(axis=0), words),
        ),
        Misconception(
            "α on its side",
            "You added up over the words, so that each region got a mixture of what stands in its column. A word's "
            "look is a row of α, and its sum runs over the regions.",
            lambda a, regions, words: _cosine(a.T @ regions, words),
        ),
        Misconception(
            "every word with what every word sees",
            "Yours is a (T, T) table. Only its diagonal is asked for: word t with what word t itself sees.",
            lambda a, regions, words: _unit(a @ regions) @ _unit(words).T,
            lambda a, regions, words: _unit(words) @ _unit(a @ regions).T,
        ),
        Misconception(
            "1 minus the cosine",
            "Yours is 1 minus the cosine, a distance: small where the word sees itself. The score needs a number that "
            "is large there.",
            lambda a, regions, words: 1 - _cosine(a @ regions, words),
        ),
    ),
)  # fmt: skip


def _cosines(words, padding, gamma2):
    return _random.uniform(-0.9, 0.9, size=words + padding), words, gamma2


def _literal_score(cosines, length, gamma2):
    """With one region, every word sees that region: words of length 1 at the right angles have these cosines."""
    words = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)[:length]
    return loops.word_region_steps(np.array([[1.0, 0.0]]), words, gamma2=gamma2).score


def _log_sum_exp(x, axis=-1):
    return np.logaddexp.reduce(x, axis=axis)


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
            lambda c, length, g: _log_sum_exp(g * c) / g,
        ),
        Misconception(
            "padding set to 0, and still counted",
            "You made the padding 0, and exp(0) is 1: each of them adds a 1 to the sum. Leave it out, or set it to −∞,"
            " whose exp is 0.",
            lambda c, length, g: _log_sum_exp(g * np.where(np.arange(len(c)) < length, c, 0)) / g,
        ),
        Misconception(
            "one word too few or too many",
            "Your sum ends one word too early, or one too late. The words are 0 to length − 1, and that is what "
            "cosines[:length] gives.",
            lambda c, length, g: _log_sum_exp(g * c[: length - 1]) / g,
            lambda c, length, g: _log_sum_exp(g * c[: length + 1]) / g,
        ),
        Misconception(
            "γ2 is not inside the exp",
            "You took exp of the cosines as they are, and used γ2 elsewhere. It multiplies each cosine, inside exp: "
            "there it decides how much the best word outweighs the others.",
            lambda c, length, g: _log_sum_exp(c[:length]) / g,
            lambda c, length, g: g * _log_sum_exp(c[:length]),
            lambda c, length, g: (_log_sum_exp(c[:length]) + np.log(g)) / g,
            lambda c, length, g: _log_sum_exp(c[:length]) + np.log(g),
        ),
        Misconception(
            "1/γ2 is missing",
            "AttnGAN's published code leaves it out as well, and its paper has it. With it the score is in the range "
            "of a cosine: that of one word alone is the word's own cosine.",
            lambda c, length, g: _log_sum_exp(g * c[:length]),
        ),
        Misconception(
            "γ2 has no effect",
            "Your answer is that of γ2 = 1 for every γ2. It multiplies each cosine inside exp, and the whole is "
            "divided by it again.",
            lambda c, length, g: _log_sum_exp(c[:length]),
        ),
        Misconception(
            "γ2 the other way up",
            "You divided the cosines by γ2. A larger γ2 must bring the score nearer to the best word's cosine, and "
            "yours goes further away.",
            lambda c, length, g: _log_sum_exp(c[:length] / g),
            lambda c, length, g: _log_sum_exp(c[:length] / g) * g,
            lambda c, length, g: _log_sum_exp(c[:length] / g) / g,
        ),
        Misconception(
            "the mean in place of the sum",
            "Inside the log you divided by the number of words (or by T). The formula has a sum there: it is larger by"
            " ln(length) / γ2, so a longer caption may score higher.",
            lambda c, length, g: (_log_sum_exp(g * c[:length]) - np.log(length)) / g,
            lambda c, length, g: (_log_sum_exp(g * c[:length]) - np.log(len(c))) / g,
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
            lambda c, length, g: _log_sum_exp(g * c[:length]) / g / np.log(2),
            lambda c, length, g: _log_sum_exp(g * c[:length]) / g / np.log(10),
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
            lambda c, length, g: -_log_sum_exp(g * c[:length]) / g,
        ),
    ),
)  # fmt: skip


def _products(regions, words):
    return np.einsum("mtd,nrd->nmtr", words, regions)


def _outside(x, real, value=-np.inf):
    """x (N, M, T) or (N, M, T, R), with another value where there is padding. real (M, T)."""
    return np.where(real if x.ndim == 3 else real[..., None], x, value)


def _words_compete(s, real):
    return softmax(_outside(s, real), axis=2)


def _regions_share(shares, real, gamma1):
    return softmax(gamma1 * shares, axis=3)


def _see(attention, regions):
    return np.einsum("nmtr,nrd->nmtd", attention, regions)


def _soft_maximum(cosines, real, gamma2):
    return _log_sum_exp(_outside(gamma2 * cosines, real)) / gamma2


def _with(similar=_products, compete=_words_compete, look=_regions_share, see=_see, compare=_cosine,
          score=_soft_maximum):  # fmt: skip
    """R(Q, D) of all pairs, with another idea of one of its steps."""

    def pairs(regions, words, lengths, gamma1, gamma2):
        real = np.arange(words.shape[1]) < np.asarray(lengths)[:, None]
        attention = look(compete(similar(regions, words), real), real, gamma1)
        return score(compare(see(attention, regions), words), real, gamma2)

    return pairs


_right_pairs = _with()


def _counted(s, real):
    return softmax(s, axis=2)


def _counted_too(cosines, real, gamma2):
    return _log_sum_exp(gamma2 * cosines) / gamma2


def _counted_as_zero(cosines, real, gamma2):
    return _counted_too(_outside(cosines, real, 0), real, gamma2)


def _zeroed(wrong):
    """Padding made zero vectors, whose cosine is 0, before anything else."""
    return lambda regions, words, lengths, gamma1, gamma2: wrong(
        regions, words * (np.arange(words.shape[1]) < lengths[:, None])[..., None], lengths, gamma1, gamma2)


def _careless_cosine(contexts, words):
    return np.nan_to_num(_cosine(contexts, words))


def _lengths_as(lengths_of):
    return lambda regions, words, lengths, gamma1, gamma2: _right_pairs(
        regions, words, lengths_of(lengths), gamma1, gamma2)


def _by_image(regions, words, lengths, gamma1, gamma2):
    """lengths[i] where lengths[j] belongs; beyond the end it stops."""
    return np.stack([_right_pairs(regions[i : i + 1], words, np.full(len(words), lengths[i]), gamma1, gamma2)[0]
                     for i in range(len(regions))])  # fmt: skip


def _gammas_as(gammas):
    return lambda regions, words, lengths, gamma1, gamma2: _right_pairs(
        regions, words, lengths, *gammas(gamma1, gamma2))


def _own_pairs(regions, words, lengths, gamma1, gamma2):
    if len(regions) != len(words):
        raise ValueError("what einsum says to one letter for two lengths")
    return np.diag(_right_pairs(regions, words, lengths, gamma1, gamma2))


def _all_words_together(s, real):
    n, m, t, r = s.shape
    return softmax(s.reshape(n, m * t, r), axis=1).reshape(s.shape)


def _batch(n, m, t, r, d, lengths, gamma1, gamma2):
    return _vectors(n, r, d), _vectors(m, t, d), np.array(lengths), gamma1, gamma2


every_pair = Exercise(
    name="every_pair",
    takes=("regions", "words", "lengths", "gamma1", "gamma2"),
    gives=(Part("R", "one row per image, one column per text"),),
    right=lambda regions, words, lengths, gamma1, gamma2: loops.word_region_scores(
        regions, words, lengths, gamma1=gamma1, gamma2=gamma2),
    cases={
        "one image, one text of 3 words": _batch(1, 1, 3, 4, 3, [3], 4.0, 3.0),
        "2 images, 2 texts, no padding": _batch(2, 2, 3, 4, 3, [3, 3], 2.0, 6.0),
        "3 images, 3 texts of 2, 4 and 1 words": _batch(3, 3, 5, 4, 3, [2, 4, 1], 6.0, 2.0),
        "2 images, 4 texts of 3, 1, 5 and 2 words": _batch(2, 4, 5, 3, 6, [3, 1, 5, 2], 10.0, 4.0),
        "4 images, 2 texts of 2 and 3 words": _batch(4, 2, 4, 5, 2, [2, 3], 3.0, 0.5),
    },
    picture=(pictures.of_part(0), "scores", "R(Q, D)"),
    misconceptions=(
        Misconception(
            "padding competes with the words",
            "The softmax over the words went over all T places, so what stands behind a text took its share of each "
            "region. Only the first `length` of each text are words: set the similarities of the others to −∞ before "
            "it, or cut them off.",
            _with(compete=_counted),
        ),
        Misconception(
            "padding counted in the score",
            "The words compete rightly, and the sum in the log has a place too many for each place behind a text. Cut "
            "it at `length` as well, or set the others to −∞ before exp.",
            _with(score=_counted_too),
            _with(compete=lambda s, real: np.exp(s) / np.exp(_outside(s, real)).sum(axis=2, keepdims=True),
                  score=_counted_too),
        ),
        Misconception(
            "padding counted throughout",
            "Your answer does not depend on `lengths`: what stands behind a text took its share of each region, and "
            "its place in the sum. The score of a caption must be the same however long its neighbours are.",
            _with(compete=_counted, score=_counted_too),
        ),
        Misconception(
            "padding set to 0, and still counted",
            "You made something 0 where there is padding: the words, their similarities, what they see, or the "
            "cosines. exp(0) is 1, and counts in a softmax and in the sum: set it to −∞, whose exp is 0, or cut it "
            "off.",
            _with(score=_counted_as_zero),
            _with(compete=_counted, score=_counted_as_zero),
            _with(compete=lambda s, real: softmax(_outside(s, real, 0), axis=2)),
            _with(compete=lambda s, real: softmax(_outside(s, real, 0), axis=2), score=_counted_too),
            _zeroed(_with(compete=_counted, compare=_careless_cosine, score=_counted_as_zero)),
            _zeroed(_with(compete=_counted, score=_counted_too)),
        ),
        Misconception(
            "one length for all texts",
            "You used one length for every text, the longest, the shortest or the first. Each text has its own: "
            "lengths[j] for text j.",
            _lengths_as(lambda lengths: np.full_like(lengths, lengths.max())),
            _lengths_as(lambda lengths: np.full_like(lengths, lengths.min())),
            _lengths_as(lambda lengths: np.full_like(lengths, lengths[0])),
        ),
        Misconception(
            "the length of another text",
            "You cut a text at the length of another one. lengths[j] belongs to text j, whatever the number of the "
            "image.",
            _by_image,
            _lengths_as(lambda lengths: np.roll(lengths, 1)), _lengths_as(lambda lengths: np.roll(lengths, -1)),
            _lengths_as(lambda lengths: lengths[::-1]),
        ),
        Misconception(
            "texts down, images across",
            "You filled the matrix text by text, so yours is the transpose. Rows are images, columns are texts, in the"
            " whole course: R[i, j] is image i with text j.",
            lambda *arguments: _right_pairs(*arguments).T,
        ),
        Misconception(
            "each image with its own text only",
            "You paired image 0 with text 0, image 1 with text 1, and so on. Every image meets every text: two loops, "
            "or two letters.",
            _own_pairs,
            lambda *arguments: np.diag(_right_pairs(*arguments)),
        ),
        Misconception(
            "the regions of another image",
            "Where a word looks was found in one image, and what it sees there was taken from another. Both belong to "
            "image i: its similarities and its regions.",
            _with(see=lambda attention, regions: _see(attention, np.roll(regions, 1, axis=0))),
            _with(see=lambda attention, regions: _see(attention, np.roll(regions, -1, axis=0))),
            _with(see=lambda attention, regions: np.einsum("nmtr,rd->nmtd", attention, regions[0])),
            _with(see=lambda attention, regions: np.einsum("nmtr,rd->nmtd", attention, regions[-1])),
            _with(see=lambda attention, regions: np.einsum("mtr,nrd->nmtd", attention[0], regions)),
            _with(see=lambda attention, regions: np.einsum("mtr,nrd->nmtd", attention[-1], regions)),
            _with(see=lambda attention, regions: np.einsum("nmtr,mrd->nmtd", attention, regions)),
        ),
        Misconception(
            "the words of another text",
            "What a word saw was compared with a word of another text. Both belong to text j: the attention of its "
            "words, and the words themselves.",
            _with(compare=lambda contexts, words: _cosine(contexts, np.roll(words, 1, axis=0))),
            _with(compare=lambda contexts, words: _cosine(contexts, np.roll(words, -1, axis=0))),
            _with(compare=lambda contexts, words: _cosine(contexts, words[0])),
            _with(compare=lambda contexts, words: _cosine(contexts, words[-1])),
        ),
        Misconception(
            "the texts compete, not the words",
            "Your first softmax runs over the texts: word t of one against word t of the others. In (N, M, T, R) the "
            "words stand on axis 2, and only those of one text share a region.",
            _with(compete=lambda s, real: softmax(s, axis=1)),
            _with(compete=lambda s, real: softmax(s, axis=1), score=_counted_too),
            _with(compete=lambda s, real: softmax(_outside(s, real), axis=1)),
        ),
        Misconception(
            "the images compete, not the words",
            "Your first softmax runs over the images. In (N, M, T, R) the words stand on axis 2: at each region of one"
            " image, the words of one text compete.",
            _with(compete=lambda s, real: softmax(s, axis=0)),
            _with(compete=lambda s, real: softmax(s, axis=0), score=_counted_too),
        ),
        Misconception(
            "the words of all texts compete together",
            "You put all words into one row, and let them share each region. Then a text's score depends on which "
            "other texts are in the batch: only the words of one text compete.",
            _with(compete=_all_words_together),
            _with(compete=_all_words_together, score=_counted_too),
            _with(compete=lambda s, real: _all_words_together(_outside(s, real), real)),
        ),
        Misconception(
            "the words do not compete",
            "You left out the first softmax, over the words. Each word then looks by its similarities alone, and all "
            "of them may look at the same place.",
            _with(compete=lambda s, real: s),
            _with(compete=lambda s, real: s, score=_counted_too),
        ),
        Misconception(
            "the softmaxes run along other axes",
            "Yours go over the regions first and the words then, or twice over the same ones. First the words of a "
            "text compete at each region (axis 2 of N, M, T, R), then the regions for each word (axis 3).",
            _with(compete=lambda s, real: softmax(s, axis=3),
                  look=lambda x, real, g: softmax(_outside(g * x, real), axis=2)),
            _with(compete=lambda s, real: softmax(s, axis=3)),
            _with(look=lambda x, real, g: softmax(_outside(g * x, real), axis=2)),
        ),
        Misconception(
            "γ1 and γ2 changed places",
            "You used γ2 for the attention and γ1 for the score. γ1 says how sharply a word looks, γ2 how much the "
            "best word outweighs the others.",
            _gammas_as(lambda gamma1, gamma2: (gamma2, gamma1)),
        ),
        Misconception(
            "always 5",
            "You wrote the paper's 5 into the formula, for γ1, for γ2 or for both. Both are arguments, and others are "
            "asked for too.",
            _gammas_as(lambda gamma1, gamma2: (5.0, 5.0)), _gammas_as(lambda gamma1, gamma2: (5.0, gamma2)),
            _gammas_as(lambda gamma1, gamma2: (gamma1, 5.0)),
        ),
        Misconception(
            "one γ for both",
            "You used γ1 in both places, or γ2 in both. γ1 says how sharply a word looks, γ2 how much the best word "
            "outweighs the others.",
            _gammas_as(lambda gamma1, gamma2: (gamma1, gamma1)), _gammas_as(lambda gamma1, gamma2: (gamma2, gamma2)),
        ),
        Misconception(
            "a γ has no effect",
            "Your answer is that of γ1 = 1, of γ2 = 1 or of both. γ1 multiplies the shares inside the second softmax, "
            "and γ2 the cosines inside the last exp.",
            _gammas_as(lambda gamma1, gamma2: (1.0, gamma2)), _gammas_as(lambda gamma1, gamma2: (gamma1, 1.0)),
            _gammas_as(lambda gamma1, gamma2: (1.0, 1.0)),
        ),
        Misconception(
            "1/γ2 is missing",
            "AttnGAN's published code leaves it out as well, and its paper has it. With it the score is in the range "
            "of a cosine: that of a caption of one word is the word's own cosine.",
            lambda regions, words, lengths, gamma1, gamma2: gamma2 * _right_pairs(
                regions, words, lengths, gamma1, gamma2),
        ),
        Misconception(
            "the mean in place of the sum",
            "Inside the log you divided by the number of words. The formula has a sum there, larger by ln(length) / "
            "γ2.",
            _with(score=lambda cosines, real, gamma2: _soft_maximum(cosines, real, gamma2)
                  - np.log(real.sum(axis=1)) / gamma2),
        ),
        Misconception(
            "dot products in the end",
            "You did not divide by the lengths when a word met what it saw. That is where this score has cosines; the "
            "similarities at its beginning are dot products.",
            _with(compare=lambda contexts, words: (contexts * words).sum(axis=-1)),
        ),
        Misconception(
            "cosines in the beginning",
            "You divided by the lengths in the similarities. They are dot products; the cosine comes later, when a "
            "word meets what it saw.",
            _with(similar=lambda regions, words: _products(_unit(regions), _unit(words))),
        ),
    ),
)  # fmt: skip

EXERCISES = [word_similarities, where_words_look, what_words_see, caption_score, every_pair]

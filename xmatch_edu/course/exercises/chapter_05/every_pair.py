"""R(Q, D) of every image with every text."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_05 import shared
from xmatch_edu.course.exercises.ideas import softmax

_random = np.random.default_rng(5)


def _products(regions, words):
    return np.einsum("mtd,nrd->nmtr", words, regions)


def _outside(x, real, value=-np.inf):
    """x (N, M, T) or (N, M, T, R), with another value where there is padding. real (M, T)."""
    return np.where(real if x.ndim == 3 else real[..., None], x, value)


def _see(attention, regions):
    return np.einsum("nmtr,nrd->nmtd", attention, regions)


def _soft_maximum(cosines, real, gamma2):
    return shared.log_sum_exp(_outside(gamma2 * cosines, real)) / gamma2


def _with(similar=_products, compete=lambda s, real: softmax(_outside(s, real), axis=2),
          look=lambda shares, real, gamma1: softmax(gamma1 * shares, axis=3), see=_see, compare=shared.cosine,
          score=_soft_maximum, lengths_as=lambda lengths: lengths, gammas=lambda gamma1, gamma2: (gamma1, gamma2),
          words_as=lambda words, real: words):  # fmt: skip
    """R(Q, D) of all pairs, with another idea of one of its steps, or of what goes into them."""

    def pairs(regions, words, lengths, gamma1, gamma2):
        real = np.arange(words.shape[1]) < np.asarray(lengths_as(lengths))[:, None]
        gamma1, gamma2 = gammas(gamma1, gamma2)
        words = words_as(words, real)
        attention = look(compete(similar(regions, words), real), real, gamma1)
        return score(compare(see(attention, regions), words), real, gamma2)

    return pairs


_right_pairs = _with()


def _counted(s, real):
    return softmax(s, axis=2)


def _counted_too(cosines, real, gamma2):
    return shared.log_sum_exp(gamma2 * cosines) / gamma2


def _counted_as_zero(cosines, real, gamma2):
    return _counted_too(_outside(cosines, real, 0), real, gamma2)


def _zeroed(words, real):
    """Padding made zero vectors, whose cosine is 0, before anything else."""
    return words * real[..., None]


def _by_image(regions, words, lengths, gamma1, gamma2):
    """lengths[i] where lengths[j] belongs; beyond the end it stops."""
    return np.stack([_right_pairs(regions[i : i + 1], words, np.full(len(words), lengths[i]), gamma1, gamma2)[0]
                     for i in range(len(regions))])  # fmt: skip


def _all_words_together(s, real):
    n, m, t, r = s.shape
    return softmax(s.reshape(n, m * t, r), axis=1).reshape(s.shape)


def _batch(n, m, t, r, d, lengths, gamma1, gamma2):
    return shared.vectors(_random, n, r, d), shared.vectors(_random, m, t, d), np.array(lengths), gamma1, gamma2


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
            _with(words_as=_zeroed, compete=_counted, score=_counted_as_zero,
                  compare=lambda contexts, words: np.nan_to_num(shared.cosine(contexts, words))),
            _with(words_as=_zeroed, compete=_counted, score=_counted_too),
        ),
        Misconception(
            "one length for all texts",
            "You used one length for every text, the longest, the shortest or the first. Each text has its own: "
            "lengths[j] for text j.",
            *[_with(lengths_as=lambda lengths, pick=pick: np.full_like(lengths, pick(lengths)))
              for pick in (np.max, np.min, lambda lengths: lengths[0])],
        ),
        Misconception(
            "the length of another text",
            "You cut a text at the length of another one. lengths[j] belongs to text j, whatever the number of the "
            "image.",
            _by_image,
            *[_with(lengths_as=lambda lengths, k=k: np.roll(lengths, k)) for k in (1, -1)],
            _with(lengths_as=lambda lengths: lengths[::-1]),
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
            lambda *arguments: np.einsum("ii->i", _right_pairs(*arguments)),  # refuses two lengths for one letter
            lambda *arguments: np.diag(_right_pairs(*arguments)),
        ),
        Misconception(
            "the regions of another image",
            "Where a word looks was found in one image, and what it sees there was taken from another. Both belong to "
            "image i: its similarities and its regions.",
            *[_with(see=lambda look, regions, k=k: _see(look, np.roll(regions, k, axis=0))) for k in (1, -1)],
            *[_with(see=lambda look, regions, k=k: np.einsum("nmtr,rd->nmtd", look, regions[k])) for k in (0, -1)],
            *[_with(see=lambda look, regions, k=k: np.einsum("mtr,nrd->nmtd", look[k], regions)) for k in (0, -1)],
            _with(see=lambda look, regions: np.einsum("nmtr,mrd->nmtd", look, regions)),
        ),
        Misconception(
            "the words of another text",
            "What a word saw was compared with a word of another text. Both belong to text j: the attention of its "
            "words, and the words themselves.",
            *[_with(compare=lambda seen, words, k=k: shared.cosine(seen, np.roll(words, k, axis=0))) for k in (1, -1)],
            *[_with(compare=lambda seen, words, k=k: shared.cosine(seen, words[k])) for k in (0, -1)],
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
            _with(gammas=lambda gamma1, gamma2: (gamma2, gamma1)),
        ),
        Misconception(
            "always 5",
            "You wrote the paper's 5 into the formula, for γ1, for γ2 or for both. Both are arguments, and others are "
            "asked for too.",
            _with(gammas=lambda gamma1, gamma2: (5.0, 5.0)), _with(gammas=lambda gamma1, gamma2: (5.0, gamma2)),
            _with(gammas=lambda gamma1, gamma2: (gamma1, 5.0)),
        ),
        Misconception(
            "one γ for both",
            "You used γ1 in both places, or γ2 in both. γ1 says how sharply a word looks, γ2 how much the best word "
            "outweighs the others.",
            _with(gammas=lambda gamma1, gamma2: (gamma1, gamma1)),
            _with(gammas=lambda gamma1, gamma2: (gamma2, gamma2)),
        ),
        Misconception(
            "a γ has no effect",
            "Your answer is that of γ1 = 1, of γ2 = 1 or of both. γ1 multiplies the shares inside the second softmax, "
            "and γ2 the cosines inside the last exp.",
            _with(gammas=lambda gamma1, gamma2: (1.0, gamma2)), _with(gammas=lambda gamma1, gamma2: (gamma1, 1.0)),
            _with(gammas=lambda gamma1, gamma2: (1.0, 1.0)),
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
            _with(similar=lambda regions, words: _products(shared.unit(regions), shared.unit(words))),
        ),
    ),
)  # fmt: skip

"""Every word with every region: a product with letters."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part

_random = np.random.default_rng(3)


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

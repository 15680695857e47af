"""The DAMSM loss: the matching loss four times over.

N: images (rows of S)    M: texts (columns of S)    D: features    R: regions of an image    T: words of a text
"""

from math import fsum
from typing import NamedTuple

import numpy as np

from xmatch_edu.loops import _shapes
from xmatch_edu.loops.matching import matching_loss
from xmatch_edu.loops.scores import cosine_scores
from xmatch_edu.loops.words import word_region_scores


class DamsmTerms(NamedTuple):
    """The four terms of the DAMSM loss, each a mean over the batch."""

    words_image_to_text: float
    words_text_to_image: float
    sentences_image_to_text: float
    sentences_text_to_image: float


def damsm_terms(regions, words, image_codes, sentence_codes, lengths=None, *, class_ids=None,
                gamma1=5.0, gamma2=5.0, gamma3=10.0, divide_by_gamma2=True):  # fmt: skip
    """The four terms, one by one -> DamsmTerms. Arguments, errors and source: those of `damsm_loss`."""
    by_words = word_region_scores(
        regions, words, lengths, gamma1=gamma1, gamma2=gamma2, divide_by_gamma2=divide_by_gamma2)
    codes = _shapes.check_sides(image_codes, sentence_codes, ("image_codes", "sentence_codes"), ("(N, E)", "(N, E)"))
    n = len(by_words)
    class_ids = range(n) if class_ids is None else class_ids
    _shapes.check_as_many(regions=regions, words=words, image_codes=image_codes, sentence_codes=sentence_codes,
                          class_ids=class_ids)
    mask = np.zeros((n, n), dtype=bool)
    for i in range(n):
        for j in range(n):
            mask[i, j] = i != j and class_ids[i] == class_ids[j]
    return DamsmTerms(*(
        matching_loss(scores, scale=gamma3, direction=direction, mask=mask)
        for scores in (by_words, cosine_scores(*codes))
        for direction in ("image_to_text", "text_to_image")
    ))  # fmt: skip


def damsm_loss(regions, words, image_codes, sentence_codes, lengths=None, **options):
    """The DAMSM loss: matching by words and regions, and by whole sentences, in both directions; four means, added.

    regions (N, R, D), words (N, T, D), image_codes (N, E), sentence_codes (N, E), E their own width: pair i is image i
    and text i. class_ids (N,): other texts of an image's own class are left out of its softmax, and likewise the images
    of a text. More of them, and of lengths and options: those of `losses.damsm_loss` -> a float.
    Errors: ValueError or TypeError naming the argument and the side, where shapes do not fit.
    Source: AttnGAN (Xu et al., CVPR 2018), equations 10 to 13, as means over the batch where the paper has sums; the
    class mask: its published code.
    """
    return fsum(damsm_terms(regions, words, image_codes, sentence_codes, lengths, **options))

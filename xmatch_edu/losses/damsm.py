"""The DAMSM loss: the matching loss four times over, by words and regions and by whole sentences.

N: pairs    D: features    R: regions of an image    T: words of a text
"""

from xmatch_edu import _inputs
from xmatch_edu.labels import same_class_mask
from xmatch_edu.loops import DamsmTerms
from xmatch_edu.losses.matching import matching_loss
from xmatch_edu.scores import cosine_scores, word_region_scores


def damsm_terms(regions, words, image_codes, sentence_codes, lengths=None, *, class_ids=None,
                gamma1=5.0, gamma2=5.0, gamma3=10.0, divide_by_gamma2=True):  # fmt: skip
    """The four terms, one by one -> DamsmTerms of 0-d tensors. Arguments, errors and source: those of `damsm_loss`."""
    gamma3, = _inputs.check_gammas(gamma3=gamma3)
    by_words = word_region_scores(
        regions, words, lengths, gamma1=gamma1, gamma2=gamma2, divide_by_gamma2=divide_by_gamma2)
    _inputs.check_pairs(regions, words, image_codes, sentence_codes, class_ids)
    mask = None if class_ids is None else same_class_mask(class_ids)
    return DamsmTerms(*(
        matching_loss(scores, scale=gamma3, direction=direction, mask=mask)
        for scores in (by_words, cosine_scores(image_codes, sentence_codes))
        for direction in ("image_to_text", "text_to_image")
    ))  # fmt: skip


def damsm_loss(regions, words, image_codes, sentence_codes, lengths=None, **options):
    """The DAMSM loss: matching by words and regions, and by whole sentences, in both directions; four means, added.

    regions (N, R, D), words (N, T, D), image_codes (N, E), sentence_codes (N, E), E their own width: pair i is image i
    and text i, for whatever N this batch has. lengths (N,) integers: as in `word_region_scores`.
    options: gamma1 (5), gamma2 (5), divide_by_gamma2 (True): as there. gamma3 (10): what the scores of both kinds are
    multiplied by before the softmax. class_ids (N,) integers: the texts of an image's own class, but for its own text,
    are left out of its softmax, and likewise the images of a text.
    -> 0-d tensor. The terms one by one: `damsm_terms`.
    AttnGAN's published code is gamma1=4, divide_by_gamma2=False.
    Errors: ValueError or TypeError naming the argument and the side.
    Source: AttnGAN (Xu et al., CVPR 2018), equations 10 to 13, as means over the batch where the paper has sums; the
    class mask: its published code.
    """
    return sum(damsm_terms(regions, words, image_codes, sentence_codes, lengths, **options))

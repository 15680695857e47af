"""The score of one text that looks at one image, word by word and region by region.

N: images (rows of S)    M: texts (columns of S)    D: features    R: regions of an image    T: words of a text
"""

from math import exp, fsum, hypot, log
from typing import NamedTuple

import numpy as np

from xmatch_edu.loops import _shapes

_NAMES = ("regions", "words")


class WordRegionSteps(NamedTuple):
    """Every number on the way from one image and one text to their score. Words down, regions across."""

    similarities: np.ndarray  # (T, R) s: word t with region r
    shares: np.ndarray  # (T, R) s after the softmax over the words; s itself where they do not compete
    attention: np.ndarray  # (T, R) α: where word t looks; each row sums to 1
    contexts: np.ndarray  # (T, D) c: what word t sees there, Σ α · region
    cosines: np.ndarray  # (T,) of what word t sees with the word itself
    score: float  # R(Q, D)


def word_region_steps(regions, words, *, gamma1=5.0, gamma2=5.0, attention="dot", compete_over_words=True,
                      divide_by_gamma2=True):  # fmt: skip
    """R(Q, D) of one image and one text, with all that it computes on the way. For many: `word_region_scores`.

    regions (R, D), words (T, D), no padding among them. -> WordRegionSteps.
    The other arguments, errors and source: those of `word_region_scores`.
    """
    _shapes.check_word("attention", attention, ("dot", "cosine"))
    regions, words = _shapes.check_sides(regions, words, _NAMES, ("(R, D) of one image", "(T, D) of one text"))
    n_words, n_regions, width = len(words), len(regions), regions.shape[1]

    similarities = np.zeros((n_words, n_regions))
    for t in range(n_words):
        for r in range(n_regions):
            similarities[t, r] = _dot(words[t], regions[r]) if attention == "dot" else _cosine(words[t], regions[r])

    shares = similarities.copy()
    if compete_over_words:  # at each region, the words of the text share a 1 among them
        for r in range(n_regions):
            shares[:, r] = _softmax(similarities[:, r])

    looks = np.zeros((n_words, n_regions))
    for t in range(n_words):  # for each word, the regions share a 1 among them
        looks[t] = _softmax([gamma1 * share for share in shares[t]])

    contexts = np.zeros((n_words, width))
    for t in range(n_words):
        for k in range(width):
            contexts[t, k] = fsum(looks[t, r] * regions[r, k] for r in range(n_regions))

    cosines = np.array([_cosine(contexts[t], words[t]) for t in range(n_words)])
    score = _log_sum_exp([gamma2 * cosine for cosine in cosines])
    if divide_by_gamma2:
        score /= gamma2
    return WordRegionSteps(similarities, shares, looks, contexts, cosines, score)


def word_region_scores(regions, words, lengths=None, *, gamma1=5.0, gamma2=5.0, attention="dot",
                       compete_over_words=True, divide_by_gamma2=True, return_attention=False):  # fmt: skip
    """R(Q, D) of every image with every text, from regions and words.

    s[t, r] = word t · region r                              how alike
    s̄[t, r] = exp(s[t, r]) / Σ_k exp(s[k, r])                the words compete at each region
    α[t, r] = exp(γ1 · s̄[t, r]) / Σ_k exp(γ1 · s̄[t, k])      where word t looks: a softmax over the regions
    c[t] = Σ_r α[t, r] · region r                            what it sees there
    R(Q, D) = 1/γ2 · log Σ_t exp(γ2 · cos(c[t], word t))     a soft maximum over the words

    regions (N, R, D), words (M, T, D) -> (N, M) float64; with return_attention also α, (N, M, T, R).
    lengths: (M,) integers from 1 to T, the true number of words of each text; None: all T. What stands behind them is
    padding: it is not looked at, and its α is 0.
    gamma1, gamma2: positive. attention: "dot" as above, or "cosine" for s. compete_over_words=False: s̄ = s.
    divide_by_gamma2=False leaves the factor 1/γ2 out. The cosine with a zero vector is 0.
    Errors: ValueError or TypeError naming the argument and the side, where shapes or words do not fit.
    Source: AttnGAN (Xu et al., CVPR 2018), section 3.2, equations 7 to 10. Its published code leaves 1/γ2 out.
    """
    regions, words = _shapes.check_sides(regions, words, _NAMES, ("(N, R, D)", "(M, T, D)"))
    n, m = len(regions), len(words)
    lengths = _shapes.check_lengths(lengths, m, words.shape[1])
    scores, looks = np.zeros((n, m)), np.zeros((n, m, words.shape[1], regions.shape[1]))
    for i in range(n):
        for j in range(m):
            steps = word_region_steps(
                regions[i], words[j, :lengths[j]], gamma1=gamma1, gamma2=gamma2, attention=attention,
                compete_over_words=compete_over_words, divide_by_gamma2=divide_by_gamma2)
            scores[i, j] = steps.score
            looks[i, j, :lengths[j]] = steps.attention
    return (scores, looks) if return_attention else scores


def _dot(a, b):
    return fsum(a[k] * b[k] for k in range(len(a)))


def _cosine(a, b):
    # hypot is the square root of the sum of squares, but no square of a tiny number vanishes on the way.
    a_length, b_length = hypot(*a), hypot(*b)
    return _dot(a / a_length, b / b_length) if a_length > 0 and b_length > 0 else 0.0


def _softmax(values):
    # Subtracting the largest keeps exp from overflowing. It cancels in the fraction.
    largest = max(values)
    total = fsum(exp(value - largest) for value in values)  # fsum: a sum that is rounded only once
    return [exp(value - largest) / total for value in values]


def _log_sum_exp(values):
    largest = max(values)
    return largest + log(fsum(exp(value - largest) for value in values))

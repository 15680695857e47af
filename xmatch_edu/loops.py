"""The formulas read literally: scalar loops, float64 NumPy. Slow, obvious, and the oracle of everything else.

Here live the scores and the losses, one loop a sum sign, each with the arguments of its fast twin in `scores` or
`losses`. Speed does not live here, nor does torch. S[i, j] is the score of image i with text j, everywhere.

N: images (rows of S)    M: texts (columns of S)    D: features    R: regions of an image    T: words of a text
"""

from math import exp, fsum, hypot, log, sqrt
from typing import NamedTuple

import numpy as np

from xmatch_edu import inputs


def cosine_scores(image_features, text_features):
    """Cosine of every image with every text: S[i, j] = q_i · d_j / (|q_i| |d_j|).

    image_features (N, D), text_features (M, D) -> (N, M) float64. A zero vector scores 0 with everything.
    Errors: ValueError or TypeError naming the argument and the side, for other shapes or widths, empty or
    non-finite input.
    Source: R(Q, D) of question A, read as a plain cosine; CLIP (Radford et al. 2021), figure 3.
    """
    image_features, text_features = _float64(image_features), _float64(text_features)
    inputs.check_features(image_features, text_features, np.ndarray)
    n, m, d = len(image_features), len(text_features), image_features.shape[1]
    scores = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            dot = image_square = text_square = 0.0
            for k in range(d):
                dot += image_features[i, k] * text_features[j, k]
                image_square += image_features[i, k] ** 2
                text_square += text_features[j, k] ** 2
            if image_square > 0 and text_square > 0:
                scores[i, j] = dot / (sqrt(image_square) * sqrt(text_square))
    return scores


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

    regions (R, D), words (T, D), no padding among them; the other arguments and the source as there.
    """
    regions, words = _float64(regions), _float64(words)
    inputs.check_regions_and_words(regions, words, np.ndarray, batched=False)
    gammas = inputs.check_gammas(gamma1=gamma1, gamma2=gamma2)
    inputs.check_choice("attention", attention, inputs.ATTENTIONS)
    return _word_region_steps(regions, words, *gammas, attention, compete_over_words, divide_by_gamma2)


def _word_region_steps(regions, words, gamma1, gamma2, attention, compete_over_words, divide_by_gamma2):
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
    Errors: ValueError or TypeError naming the argument and the side.
    Source: AttnGAN (Xu et al., CVPR 2018), section 3.2, equations 7 to 10. Its published code leaves 1/γ2 out.
    """
    regions, words = _float64(regions), _float64(words)
    inputs.check_regions_and_words(regions, words, np.ndarray)
    inputs.check_lengths(lengths, words, np.ndarray)
    gammas = inputs.check_gammas(gamma1=gamma1, gamma2=gamma2)
    inputs.check_choice("attention", attention, inputs.ATTENTIONS)
    n, m = len(regions), len(words)
    scores, looks = np.zeros((n, m)), np.zeros((n, m, words.shape[1], regions.shape[1]))
    for i in range(n):
        for j in range(m):
            length = words.shape[1] if lengths is None else lengths[j]
            steps = _word_region_steps(
                regions[i], words[j, :length], *gammas, attention, compete_over_words, divide_by_gamma2)
            scores[i, j] = steps.score
            looks[i, j, :length] = steps.attention
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


def match_matrix(labels, n, m):
    """Which pairs match, as one matrix Y: Y[i, j] > 0 where text j belongs to image i.

    labels: None (text i belongs to image i), (N,) column numbers, or (N, M) weights, checked by the caller
    -> (N, M) float64.
    """
    matches = np.zeros((n, m))
    for i in range(n):
        if labels is None:
            matches[i, i] = 1.0
        elif labels.ndim == 1:
            matches[i, labels[i]] = 1.0
        else:
            for j in range(m):
                matches[i, j] = labels[i, j]
    return matches


class MatchingSteps(NamedTuple):
    """Every number on the way from S to the loss, in one direction, all laid out as S: images down, texts across."""

    logits: np.ndarray  # (N, M) scale · S; −inf where the mask leaves a pair out
    probabilities: np.ndarray  # (N, M) softmax of the logits, along rows or columns
    targets: np.ndarray  # (N, M) the match matrix, each row (column) divided by its sum
    losses: np.ndarray  # (N,) or (M,) cross-entropy of each row (column); 0 where it has no match
    has_match: np.ndarray  # (N,) or (M,) bool: only these count in the mean


def matching_steps(scores, labels=None, *, scale=1.0, direction="image_to_text", mask=None):
    """The softmax cross-entropy of one direction, with all that it computes on the way. Arguments: `matching_loss`."""
    inputs.check_choice("direction", direction, ("image_to_text", "text_to_image"))
    scores, scale = _checked(scores, labels, scale, direction, mask, "sum")
    matches = match_matrix(labels, *scores.shape)
    mask = np.zeros(scores.shape, dtype=bool) if mask is None else mask
    if direction == "text_to_image":  # the same page, turned on its side
        steps = _along_rows(scores.T, matches.T, scale, mask.T)
        return MatchingSteps(steps.logits.T, steps.probabilities.T, steps.targets.T, steps.losses, steps.has_match)
    return _along_rows(scores, matches, scale, mask)


def _along_rows(scores, matches, scale, mask):
    n, m = scores.shape
    logits, probabilities, targets = np.zeros((n, m)), np.zeros((n, m)), np.zeros((n, m))
    losses, has_match = np.zeros(n), np.zeros(n, dtype=bool)
    for i in range(n):
        for j in range(m):
            logits[i, j] = -np.inf if mask[i, j] else scale * scores[i, j]

        # Subtracting the largest logit keeps exp from overflowing. It cancels in the fraction.
        largest = max(logits[i])
        if largest == -np.inf:  # every pair of the row is left out: nothing to choose from
            continue
        total = fsum(exp(logits[i, j] - largest) for j in range(m))  # fsum: a sum that is rounded only once
        for j in range(m):
            probabilities[i, j] = exp(logits[i, j] - largest) / total

        weight = fsum(matches[i, j] for j in range(m))
        if weight == 0:
            continue
        has_match[i] = True
        for j in range(m):
            targets[i, j] = matches[i, j] / weight
        # log P, written so that a probability too small for float64 does not become log(0).
        losses[i] = -fsum(
            targets[i, j] * (logits[i, j] - largest - log(total)) for j in range(m) if targets[i, j] > 0
        )
    return MatchingSteps(logits, probabilities, targets, losses, has_match)


def matching_loss(scores, labels=None, *, scale=1.0, direction="both", mask=None, reduction="mean"):
    """Softmax cross-entropy of the score matrix with "which text belongs to which image".

    image_to_text: −Σ_j Y[i, j] · log P(text j | image i), a softmax along each row; text_to_image: along each column.

    scores (N, M). labels: None (N = M, text i belongs to image i), (N,) integers (text labels[i] belongs to image i),
    or (N, M) weights ≥ 0 (identity, several matches, soft); each direction divides them by their sum along its own
    axis, and a row or column without a match is left out. scale: positive, the paper's γ3. mask (N, M) bool: True
    leaves the pair out of the softmax. direction: "image_to_text", "text_to_image" or "both" (their average).
    reduction: "mean" over rows (columns) that have a match, "sum", or "none" (one direction only)
    -> a float; (N,) or (M,) for "none". With N = M = 1 the loss is 0.
    Errors: ValueError or TypeError naming the argument and the side.
    Source: AttnGAN (Xu et al., CVPR 2018), section 3.2; the average of both directions: CLIP (2021), figure 3.
    """
    _checked(scores, labels, scale, direction, mask, reduction)
    if direction == "both":
        options = {"scale": scale, "mask": mask, "reduction": reduction}
        rows = matching_loss(scores, labels, direction="image_to_text", **options)
        columns = matching_loss(scores, labels, direction="text_to_image", **options)
        return (rows + columns) / 2
    steps = matching_steps(scores, labels, scale=scale, direction=direction, mask=mask)
    if reduction == "none":
        return steps.losses
    total = fsum(steps.losses)
    return total / int(steps.has_match.sum()) if reduction == "mean" else total


def matching_gradient(scores, labels=None, *, scale=1.0, direction="both", mask=None, reduction="mean"):
    """The gradient of `matching_loss` with respect to the scores, by hand: scale · (P − Y), over the count for a mean.

    Arguments and errors: `matching_loss`, with reduction "mean" or "sum" -> (N, M) float64.
    """
    _checked(scores, labels, scale, direction, mask, reduction)
    inputs.check_choice("reduction", reduction, ("mean", "sum"))
    if direction == "both":
        options = {"scale": scale, "mask": mask, "reduction": reduction}
        rows = matching_gradient(scores, labels, direction="image_to_text", **options)
        columns = matching_gradient(scores, labels, direction="text_to_image", **options)
        return (rows + columns) / 2
    steps = matching_steps(scores, labels, scale=scale, direction=direction, mask=mask)
    n, m = steps.logits.shape
    count = steps.has_match.sum() if reduction == "mean" else 1
    gradient = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            if steps.has_match[i if direction == "image_to_text" else j]:
                gradient[i, j] = scale * (steps.probabilities[i, j] - steps.targets[i, j]) / count
    return gradient


class DamsmTerms(NamedTuple):
    """The four terms of the DAMSM loss, each a mean over the batch."""

    words_image_to_text: float
    words_text_to_image: float
    sentences_image_to_text: float
    sentences_text_to_image: float


def damsm_terms(regions, words, image_codes, sentence_codes, lengths=None, *, class_ids=None,
                gamma1=5.0, gamma2=5.0, gamma3=10.0, divide_by_gamma2=True):  # fmt: skip
    """The four terms of `damsm_loss`, whose arguments these are -> DamsmTerms."""
    gamma3, = inputs.check_gammas(gamma3=gamma3)
    by_words = word_region_scores(
        regions, words, lengths, gamma1=gamma1, gamma2=gamma2, divide_by_gamma2=divide_by_gamma2)
    image_codes, sentence_codes = _float64(image_codes), _float64(sentence_codes)
    inputs.check_pairs(_float64(regions), words, image_codes, sentence_codes, class_ids, np.ndarray)
    n = len(by_words)
    mask = np.zeros((n, n), dtype=bool)
    for i in range(n):
        for j in range(n):
            mask[i, j] = class_ids is not None and i != j and class_ids[i] == class_ids[j]
    return DamsmTerms(*(
        matching_loss(scores, scale=gamma3, direction=direction, mask=mask)
        for scores in (by_words, cosine_scores(image_codes, sentence_codes))
        for direction in ("image_to_text", "text_to_image")
    ))  # fmt: skip


def damsm_loss(regions, words, image_codes, sentence_codes, lengths=None, **options):
    """The DAMSM loss: matching by words and regions, and by whole sentences, in both directions; four means, added.

    regions (N, R, D), words (N, T, D), image_codes (N, E), sentence_codes (N, E): pair i is image i and text i.
    lengths (N,), gamma1, gamma2, divide_by_gamma2: as in `word_region_scores`. gamma3: positive, what the scores of
    both kinds are multiplied by before the softmax. class_ids (N,) integers: the texts of an image's own class, but for
    its own text, are left out of its softmax, and likewise the images of a text -> a float.
    Errors: ValueError or TypeError naming the argument and the side.
    Source: AttnGAN (Xu et al., CVPR 2018), equations 10 to 13, as means over the batch where the paper has sums; the
    class mask: its published code.
    """
    return fsum(damsm_terms(regions, words, image_codes, sentence_codes, lengths, **options))


def _float64(x):
    """Real numbers as float64; anything else as it came, for the checks to name."""
    return x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype.kind in "iuf" else x


def _checked(scores, labels, scale, direction, mask, reduction):
    scores = _float64(scores)
    largest = inputs.check_scores(scores, np.ndarray)
    inputs.check_direction_and_reduction(direction, reduction)
    scale = inputs.check_scale(scale, scores, largest)
    inputs.check_labels(labels, scores)
    inputs.check_mask(mask, scores, labels)
    return scores, scale

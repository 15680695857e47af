"""The softmax cross-entropy of S, its steps and its gradient: question A, sum by sum.

N: images (rows of S)    M: texts (columns of S)
"""

from math import exp, fsum, log
from typing import NamedTuple

import numpy as np

from xmatch_edu.loops import _shapes


def match_matrix(labels, n, m):
    """Which pairs match, as one matrix Y: Y[i, j] > 0 where text j belongs to image i.

    labels: None (text i belongs to image i), (N,) column numbers, or (N, M) weights. n, m: N and M -> (N, M) float64.
    Errors: ValueError or TypeError naming labels.
    """
    labels = _shapes.check_labels(labels, n, m)
    matches = np.zeros((n, m))
    for i in range(n):
        if labels.ndim == 1:
            matches[i, labels[i]] = 1.0
        else:
            matches[i] = labels[i]
    return matches


class MatchingSteps(NamedTuple):
    """Every number on the way from S to the loss, in one direction, all laid out as S: images down, texts across."""

    logits: np.ndarray  # (N, M) scale · S; −inf where the mask leaves a pair out
    probabilities: np.ndarray  # (N, M) softmax of the logits, along rows or columns
    targets: np.ndarray  # (N, M) the match matrix, each row (column) divided by its sum
    losses: np.ndarray  # (N,) or (M,) cross-entropy of each row (column); 0 where it has no match
    has_match: np.ndarray  # (N,) or (M,) bool: only these count in the mean


def matching_steps(scores, labels=None, *, scale=1.0, direction="image_to_text", mask=None):
    """The softmax cross-entropy of one direction, with all that it computes on the way -> MatchingSteps.

    Arguments and errors: those of `matching_loss`, without "both".
    """
    _shapes.check_word("direction", direction, ("image_to_text", "text_to_image"))
    scores, mask = _shapes.check_batch(scores, mask)
    matches = match_matrix(labels, *scores.shape)
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

    scores (N, M). labels: None, (N,) column numbers, or (N, M) weights, divided by their sum along each row (column).
    More of them, and of the other arguments: those of `losses.matching_loss`, which also refuses numbers without sense
    (not finite, a scale below 0, a masked match) -> a float; (N,) or (M,) for reduction "none".
    Errors: ValueError or TypeError naming the argument and the side, where shapes or words do not fit.
    Source: AttnGAN (Xu et al., CVPR 2018), section 3.2; the average of both directions: CLIP (2021), figure 3.
    """
    _shapes.check_words(direction, reduction)
    if direction == "both":
        options = {"scale": scale, "mask": mask, "reduction": reduction}
        rows = matching_loss(scores, labels, direction="image_to_text", **options)
        columns = matching_loss(scores, labels, direction="text_to_image", **options)
        return (rows + columns) / 2
    return reduced(matching_steps(scores, labels, scale=scale, direction=direction, mask=mask), reduction)


def reduced(steps, reduction):
    """What the rows (columns) of these steps lose -> each, for reduction "none"; the "sum", or the "mean"."""
    if reduction == "none":
        return steps.losses
    total = fsum(steps.losses)
    return total / max(1, int(steps.has_match.sum())) if reduction == "mean" else total


def matching_gradient(scores, labels=None, *, scale=1.0, direction="both", mask=None, reduction="mean"):
    """The gradient of `matching_loss` with respect to the scores, by hand: scale · (P − Y), over the count for a mean.

    Arguments and errors: those of `matching_loss`, with reduction "mean" or "sum" -> (N, M) float64.
    """
    _shapes.check_words(direction, reduction, ("mean", "sum"))
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

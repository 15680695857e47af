"""The hinge ranking loss of S, its steps and its gradient: question B, sum by sum.

N: images (rows of S)    M: texts (columns of S)    m: the margin
"""

from math import fsum
from typing import NamedTuple

import numpy as np

from xmatch_edu.loops import _shapes
from xmatch_edu.loops.matching import match_matrix, reduced


class RankingSteps(NamedTuple):
    """Every number on the way from S to the loss, in one direction, laid out as S: images down, texts across."""

    violations: np.ndarray  # (N, M) what each non-match costs, m + its score − the match's, where that is above 0
    gradient: np.ndarray  # (N, M) of the sum of them: +1 for each violation of a cell, −1 for its match
    losses: np.ndarray  # (N,) or (M,) the sum of each row (column)
    has_match: np.ndarray  # (N,) or (M,) bool: only these are anchors


def ranking_steps(scores, labels=None, *, margin=0.2, negatives="all", direction="image_to_text", mask=None):
    """The hinges of one direction, with all that is computed on the way -> RankingSteps.

    Arguments and errors: those of `ranking_loss`, without "both".
    """
    _shapes.check_word("direction", direction, ("image_to_text", "text_to_image"))
    (scores, mask), most = _shapes.check_batch(scores, mask), _shapes.check_negatives(negatives)
    matches = match_matrix(labels, *scores.shape)
    if direction == "text_to_image":  # the same page, turned on its side
        steps = _along_rows(scores.T, matches.T, margin, most, mask.T)
        return RankingSteps(steps.violations.T, steps.gradient.T, steps.losses, steps.has_match)
    return _along_rows(scores, matches, margin, most, mask)


def _along_rows(scores, matches, margin, most, mask):
    n, m = scores.shape
    violations, gradient = np.zeros((n, m)), np.zeros((n, m))
    has_match = np.zeros(n, dtype=bool)
    for i in range(n):
        for j in range(m):
            if matches[i, j] == 0:
                continue
            has_match[i] = True
            found = []
            for k in range(m):
                if matches[i, k] == 0 and not mask[i, k]:
                    violation = margin + scores[i, k] - scores[i, j]
                    if violation > 0:
                        found.append((violation, k))
            found.sort(key=lambda one: one[0], reverse=True)  # the hardest first
            for violation, k in found[:most]:
                violations[i, k] += violation
                gradient[i, k] += 1
                gradient[i, j] -= 1
    losses = np.array([fsum(row) for row in violations])
    return RankingSteps(violations, gradient, losses, has_match)


def ranking_loss(scores, labels=None, *, margin=0.2, negatives="all", direction="both", mask=None, reduction="sum"):
    """Hinge ranking loss: each match must beat the non-matches beside it by a margin.

    image_to_text: Σ max(0, m + S[i, k] − S[i, j]) over the matches (i, j) and the non-matches k of row i;
    text_to_image: Σ max(0, m + S[k, j] − S[i, j]) over the matches (i, j) and the non-matches k of column j.

    scores (N, M). labels: None, (N,) column numbers, or (N, M) of 0 and 1. negatives: "all", "hardest" (for each match
    the one that costs most), or an int k, the k that cost most. More of them, and of the other arguments: those of
    `losses.ranking_loss`, which also refuses numbers without sense -> a float; (N,) or (M,) for reduction "none".
    Errors: ValueError or TypeError naming the argument and the side, where shapes or words do not fit.
    Source: Wang, Li and Lazebnik (CVPR 2016), section 3.2, whose S is −distance; "hardest": VSE++ (Faghri et al., BMVC
    2018), equation 6.
    """
    _shapes.check_words(direction, reduction)
    options = {"margin": margin, "negatives": negatives, "mask": mask}
    if direction == "both":
        rows = ranking_loss(scores, labels, direction="image_to_text", reduction=reduction, **options)
        return rows + ranking_loss(scores, labels, direction="text_to_image", reduction=reduction, **options)
    return reduced(ranking_steps(scores, labels, direction=direction, **options), reduction)


def ranking_gradient(scores, labels=None, *, margin=0.2, negatives="all", direction="both", mask=None, reduction="sum"):
    """The gradient of `ranking_loss` with respect to the scores, by hand: +1 and −1 for each violation, counted.

    Arguments and errors: those of `ranking_loss`, with reduction "sum" or "mean" -> (N, M) float64. Where a violation
    is exactly 0, or two that compete for being the hardest are equal, the slope has a kink, and this is one of its
    sides.
    """
    _shapes.check_words(direction, reduction, ("mean", "sum"))
    options = {"margin": margin, "negatives": negatives, "mask": mask}
    if direction == "both":
        rows = ranking_gradient(scores, labels, direction="image_to_text", reduction=reduction, **options)
        return rows + ranking_gradient(scores, labels, direction="text_to_image", reduction=reduction, **options)
    steps = ranking_steps(scores, labels, direction=direction, **options)
    return steps.gradient / (int(steps.has_match.sum()) if reduction == "mean" else 1)


def structure_loss(scores, group_ids, *, margin=0.2, negatives="all", reduction="sum"):
    """Within one view: each item must be closer to those of its own group than to all others, by a margin.

    Σ max(0, m + S[i, k] − S[i, j]) over items i, j ≠ i of the group of i, and k of another group.

    scores (N, N): S[i, i] is not looked at. Arguments: those of `losses.structure_loss` -> a float; (N,) for "none".
    Errors: ValueError or TypeError naming the argument, where shapes or words do not fit.
    Source: Wang, Li and Lazebnik (CVPR 2016), section 3.2, the within-view constraints.
    """
    _shapes.check_word("reduction", reduction, ("mean", "sum", "none"))
    (scores, itself), most = _shapes.check_batch(scores, None), _shapes.check_negatives(negatives)
    _shapes.check_as_many(rows=scores, columns=scores.T, group_ids=group_ids)
    n = len(scores)
    neighbours = np.zeros((n, n))
    for i in range(n):
        itself[i, i] = True
        for j in range(n):
            neighbours[i, j] = i != j and group_ids[i] == group_ids[j]
    return reduced(_along_rows(scores, neighbours, margin, most, itself), reduction)

"""Hinge ranking losses: a match beats what is no match by a margin, across the sides and within one.

N: images (rows of S)    M: texts (columns of S)
"""

import torch

from xmatch_edu import _inputs


def ranking_loss(scores, labels=None, *, margin=0.2, negatives="all", direction="both", mask=None, reduction="sum"):
    """Hinge ranking loss: each match must beat the non-matches beside it by a margin.

    image_to_text: Σ max(0, margin + S[i, k] − S[i, j]) over the matches (i, j) and the non-matches k of row i;
    text_to_image: Σ max(0, margin + S[k, j] − S[i, j]) over the matches (i, j) and the non-matches k of column j.

    scores (N, M), floating, finite; half precision is raised to float32 first, and the loss is float32 then.
    labels: None (N = M, text i belongs to image i), (N,) integers (text labels[i] belongs to image i), or (N, M) of
        0 and 1 (an image with several texts, a text with several images).
    margin: at least 0; 0.2 in VSE++. negatives: "all", "hardest" (for each match the one that costs most: VSE++), or an
        int k, the k that cost most.
    direction: "image_to_text", "text_to_image" or "both" (their sum).
    mask (N, M) bool: True keeps the pair from being a negative.
    reduction: "sum", "mean" (divided by the number of anchors: the images, the texts, that have a match), or "none"
        (one direction only; 0 without a match).
    -> 0-d tensor, or (N,) / (M,) for "none". Without a negative, as for N = M = 1, the loss is 0.
    Errors: ValueError or TypeError naming the argument and the side. Values are looked at on the CPU only; labels as
    (N, M) make a GPU wait once, and a row or column of S is held for each match.
    Source: Wang, Li and Lazebnik (CVPR 2016), section 3.2, with S = −distance; "hardest": VSE++ (Faghri et al., BMVC
    2018), equation 6, margin 0.2. Wang's published code: S = `distance_scores`, margin 0.05, negatives 10, and each
    direction's sum divided by 10 × the number of matches, zeros counted; text_to_image weighs 1.5.
    """
    largest = _inputs.check_scores(scores)
    _inputs.check_direction_and_reduction(direction, reduction)
    margin, most = _inputs.check_margin(margin, scores, largest), _inputs.check_negatives(negatives)
    _inputs.check_labels(labels, scores)
    _inputs.check_hard_labels(labels)
    _inputs.check_mask(mask, scores, labels)
    n, m = scores.shape
    if labels is not None and labels.ndim == 2:
        matches = labels > 0
        images, texts = rows, columns = matches.nonzero(as_tuple=True)
    else:
        images = torch.arange(n, device=scores.device)
        texts = images if labels is None else labels.long()
        matches = torch.zeros(n, m, dtype=torch.bool, device=scores.device).scatter_(1, texts[:, None], True)
        rows, columns = None, None if labels is None else texts
    excluded = matches if mask is None else matches | mask
    totals = []
    for one in ("image_to_text", "text_to_image") if direction == "both" else (direction,):
        if one == "image_to_text":
            losses = _hinges(scores, excluded, rows, texts, margin, most)
        else:
            losses = _hinges(scores.T, excluded.T, columns, images, margin, most)
        if reduction == "none":
            return losses
        anchors = matches.any(dim=1 if one == "image_to_text" else 0).sum() if reduction == "mean" else 1
        totals.append(losses.sum() / anchors)
    return sum(totals)


def structure_loss(scores, group_ids, *, margin=0.2, negatives="all", reduction="sum"):
    """Within one view: each item must be closer to those of its own group than to all others, by a margin.

    Σ max(0, margin + S[i, k] − S[i, j]) over items i, j ≠ i of the group of i, and k of another group.

    scores (N, N), floating: item i with item j of one view, image with image or text with text, such as
        `distance_scores(text_features, text_features)`; S[i, i] is not looked at.
    group_ids (N,) integers: texts of one image share a number, and so do images of one meaning.
    margin, negatives, reduction: as in `ranking_loss`.
    -> 0-d tensor, or (N,) for "none". Where no two items share a group there is nothing to preserve, and the loss is 0.
    Errors: ValueError or TypeError naming the argument.
    Source: Wang, Li and Lazebnik (CVPR 2016), section 3.2, the within-view constraints. Their published code has the
    texts' term alone, with two texts an image, as in `ranking_loss`, at weight 0.05.
    """
    largest = _inputs.check_one_view(scores, group_ids)
    _inputs.check_choice("reduction", reduction, _inputs.REDUCTIONS)
    margin, most = _inputs.check_margin(margin, scores, largest), _inputs.check_negatives(negatives)
    same = group_ids[:, None] == group_ids[None, :]
    neighbours = same & ~torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    anchors, neighbour = neighbours.nonzero(as_tuple=True)
    losses = _hinges(scores, same, anchors, neighbour, margin, most)
    if reduction == "none":
        return losses
    return losses.sum() / (neighbours.any(dim=1).sum().clamp(min=1) if reduction == "mean" else 1)


def _hinges(scores, excluded, anchors, own, margin, most):
    """What each row of S pays, over its matches (anchors[p], own[p]) and the `most` hardest cells not excluded -> (N,).

    anchors None: every row once, in order.
    """
    rows = scores.to(torch.promote_types(scores.dtype, torch.float32))
    if anchors is not None:
        rows, excluded = rows[anchors], excluded[anchors]
    violations = rows - (rows.gather(1, own[:, None]) - margin)
    violations = violations.masked_fill_(excluded, 0).relu_()
    if most is not None and most < violations.shape[1]:
        violations = violations.topk(most, dim=1, sorted=False).values
    totals = violations.sum(dim=1)
    return totals if anchors is None else rows.new_zeros(len(scores)).index_add(0, anchors, totals)

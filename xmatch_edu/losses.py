"""From the score matrix (and labels) to the loss.

Here live the losses, one vectorised function each. They take S as it is: how scores are made lives in `scores`,
what counts as a match in `labels`, the formula read literally in `loops`. How the softmax of a large S is walked lives
in `cross_entropy`. `MatchingLoss` is the module to train with.

N: images (rows of S)    M: texts (columns of S)    D: features    R: regions of an image    T: words of a text
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from xmatch_edu import inputs
from xmatch_edu.cross_entropy import Axis, CrossEntropy
from xmatch_edu.labels import match_matrix, same_class_mask
from xmatch_edu.loops import DamsmTerms
from xmatch_edu.scores import cosine_scores, word_region_scores


def matching_loss(scores, labels=None, *, scale=1.0, direction="both", mask=None, reduction="mean"):
    """Softmax cross-entropy of the score matrix with "which text belongs to which image".

    image_to_text: −Σ_j Y[i, j] · log P(text j | image i), a softmax along each row; text_to_image: along each column.

    scores (N, M), floating, finite; half precision is raised to float32 before scaling, and the loss is float32 then.
    labels: None (N = M, text i belongs to image i), (N,) integers (text labels[i] belongs to image i), or (N, M)
        weights ≥ 0 (identity, several matches, soft). Each direction divides the weights by their sum along its own
        axis; a row or column without a match is left out.
    scale: positive float or 0-d tensor (it may require grad): the paper's γ3, CLIP's exp(logit_scale), 1/τ.
    direction: "image_to_text", "text_to_image" or "both" (their average).
    mask (N, M) bool: True leaves the pair out of the softmax.
    reduction: "mean" over rows (columns) that have a match, "sum", or "none" (one direction only; 0 without a match).
    -> 0-d tensor, or (N,) / (M,) for "none". With N = M = 1 the loss is 0. Its gradient, to scores and scale, is
    worked out by hand, so a gradient of the gradient is an error.
    Errors: ValueError or TypeError naming the argument and the side. Values are looked at on the CPU only; on a GPU,
    where a look would wait for the device, labels without any match give NaN.
    Source: AttnGAN (Xu et al., CVPR 2018), section 3.2; the average of both directions: CLIP (2021), figure 3.
    """
    largest = inputs.check_scores(scores, torch.Tensor)
    inputs.check_direction_and_reduction(direction, reduction)
    scale = inputs.check_scale(scale, scores, largest)
    inputs.check_labels(labels, scores)
    inputs.check_mask(mask, scores, labels)
    dtype = torch.promote_types(scores.dtype, torch.float32)
    if not isinstance(scale, torch.Tensor):
        scale = torch.full((), scale, dtype=dtype, device=scores.device)
    if labels is None:
        labels = torch.arange(len(scores), device=scores.device)
    dims = {"image_to_text": (1,), "text_to_image": (0,), "both": (1, 0)}[direction]
    axes = [Axis(dim, labels, scores.shape, dtype) for dim in dims]
    losses = CrossEntropy.apply(scores, scale, mask, axes)
    if reduction == "none":
        return losses[0]
    totals = [loss.sum() for loss in losses]
    if reduction == "mean":
        totals = [total / axis.has_match.sum() for total, axis in zip(totals, axes, strict=True)]
    return sum(totals) / len(totals)


class MatchingLoss(nn.Module):
    """`matching_loss` of cosine scores, with a scale that is learned.

    scale: where it starts, 1/0.07 in CLIP; largest_scale: what it never exceeds, 100 in CLIP; direction as above.
    forward: image_features (N, D), text_features (M, D), and labels and mask as above -> 0-d tensor, a mean.
    Errors: ValueError for a scale that is not positive or exceeds the largest; those of the functions it calls.
    Source: CLIP (Radford et al. 2021), section 2.5.
    """

    def __init__(self, *, scale=1 / 0.07, largest_scale=100.0, direction="both"):
        super().__init__()
        inputs.check_choice("direction", direction, inputs.DIRECTIONS)
        if not 0 < scale <= largest_scale < math.inf:
            raise ValueError(f"scale must be positive and at most largest_scale; got {scale} and {largest_scale}")
        # Its logarithm: then every step of training keeps it positive, and multiplies it by about the same.
        self.logit_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.largest_scale, self.direction = largest_scale, direction

    def forward(self, image_features, text_features, labels=None, mask=None):
        # The stored number itself. A clamp on the way to the loss would have gradient 0 beyond the bound: a scale that
        # had once gone there could never come back.
        self.logit_scale.data.clamp_(max=math.log(self.largest_scale))
        scores = cosine_scores(image_features, text_features)
        scale = self.logit_scale.exp()
        return matching_loss(scores, labels, scale=scale, direction=self.direction, mask=mask)


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
    largest = inputs.check_scores(scores, torch.Tensor)
    inputs.check_direction_and_reduction(direction, reduction)
    margin, most = inputs.check_margin(margin, scores, largest), inputs.check_negatives(negatives)
    inputs.check_labels(labels, scores)
    inputs.check_hard_labels(labels)
    inputs.check_mask(mask, scores, labels)
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


def sigmoid_loss(scores, labels=None, *, scale, bias, mask=None):
    """Sigmoid cross-entropy of each pair by itself: does it match, yes or no? Summed over all pairs, divided by N.

    A match pays −log σ(z), a non-match −log σ(−z), with z = scale · S[i, j] + bias. No softmax: no pair is weighed
    against the others of its row or column.

    scores (N, M), floating, finite; half precision is raised to float32 first, and the loss is float32 then.
    labels: None (N = M, text i belongs to image i), (N,) integers (text labels[i] belongs to image i), or (N, M) of
        0 and 1 (several matches).
    scale: positive float or 0-d tensor. bias: float or 0-d tensor. Both may require grad.
    mask (N, M) bool: True leaves the pair out.
    -> 0-d tensor. Errors: ValueError or TypeError naming the argument and the side. Values are looked at on the CPU
    only.
    Source: SigLIP (Zhai et al., ICCV 2023), section 3.2; scale starts at 10, bias at −10 there.
    """
    largest = inputs.check_scores(scores, torch.Tensor)
    scale, bias = inputs.check_scale(scale, scores, largest), inputs.check_bias(bias, scores)
    inputs.check_shifted_logits(scale, bias, scores, largest)
    inputs.check_labels(labels, scores)
    inputs.check_hard_labels(labels, "a sigmoid loss")
    inputs.check_mask(mask, scores, labels)
    matches = match_matrix(labels, *scores.shape, scores.device) > 0
    logits = scores.to(torch.promote_types(scores.dtype, torch.float32)) * scale + bias
    paid = -F.logsigmoid(torch.where(matches, logits, -logits))
    if mask is not None:
        paid = paid.masked_fill(mask, 0)
    return paid.sum() / len(scores)


class SigmoidLoss(nn.Module):
    """`sigmoid_loss` of cosine scores, with a scale and a bias that are learned.

    scale, bias: where they start, 10 and −10 in SigLIP.
    forward: image_features (N, D), text_features (M, D), and labels and mask as above -> 0-d tensor.
    Errors: ValueError for a scale that is not positive; those of the functions it calls.
    Source: SigLIP (Zhai et al., ICCV 2023), section 3.2.
    """

    def __init__(self, *, scale=10.0, bias=-10.0):
        super().__init__()
        if not 0 < scale < math.inf:
            raise ValueError(f"scale must be positive and finite; got {scale}")
        self.logit_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.bias = nn.Parameter(torch.tensor(float(bias)))

    def forward(self, image_features, text_features, labels=None, mask=None):
        scores = cosine_scores(image_features, text_features)
        return sigmoid_loss(scores, labels, scale=self.logit_scale.exp(), bias=self.bias, mask=mask)


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
    largest = inputs.check_one_view(scores, group_ids, torch.Tensor)
    inputs.check_choice("reduction", reduction, inputs.REDUCTIONS)
    margin, most = inputs.check_margin(margin, scores, largest), inputs.check_negatives(negatives)
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


def damsm_terms(regions, words, image_codes, sentence_codes, lengths=None, *, class_ids=None,
                gamma1=5.0, gamma2=5.0, gamma3=10.0, divide_by_gamma2=True):  # fmt: skip
    """The four terms, one by one -> DamsmTerms of 0-d tensors. Arguments, errors and source: those of `damsm_loss`."""
    gamma3, = inputs.check_gammas(gamma3=gamma3)
    by_words = word_region_scores(
        regions, words, lengths, gamma1=gamma1, gamma2=gamma2, divide_by_gamma2=divide_by_gamma2)
    inputs.check_pairs(regions, words, image_codes, sentence_codes, class_ids, torch.Tensor)
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

"""From the score matrix (and labels) to the loss.

Here live the losses, one vectorised function each. They take S as it is: how scores are made lives in `scores`,
what counts as a match in `labels`, the formula read literally in `loops`.

N: images (rows of S)    M: texts (columns of S)
"""

import torch

from xmatch_edu import inputs


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
    -> 0-d tensor, or (N,) / (M,) for "none". With N = M = 1 the loss is 0.
    Errors: ValueError or TypeError naming the argument and the side. Values are looked at on the CPU only; on a GPU,
    where a look would wait for the device, labels without any match give NaN.
    Source: AttnGAN (Xu et al., CVPR 2018), section 3.2; the average of both directions: CLIP (2021), figure 3.
    """
    largest = inputs.check_scores(scores, torch.Tensor)
    inputs.check_direction_and_reduction(direction, reduction)
    scale = inputs.check_scale(scale, scores, largest)
    inputs.check_labels(labels, scores)
    inputs.check_mask(mask, scores, labels)
    logits = (scores.float() if scores.dtype.itemsize < 4 else scores) * scale
    if mask is not None:
        # Not −inf: a row that is masked from end to end would have a NaN gradient.
        logits = logits.masked_fill(mask, torch.finfo(logits.dtype).min)
    if labels is None:
        labels = torch.arange(len(scores), device=scores.device)
    if direction == "both":
        return (_cross_entropy(logits, labels, 1, reduction) + _cross_entropy(logits, labels, 0, reduction)) / 2
    return _cross_entropy(logits, labels, 1 if direction == "image_to_text" else 0, reduction)


def _cross_entropy(logits, labels, dim, reduction):
    """Of the softmax along `dim` (1: each row, 0: each column) with the labels, normalised along the same axis."""
    log_p = logits.log_softmax(dim)
    if labels.ndim == 1:
        labels = labels.long()
        losses = -log_p.gather(1, labels[:, None])[:, 0]  # one match an image: N cells of the N×M
        has_match = torch.ones_like(labels, dtype=torch.bool)
        if dim == 0:  # column j: the average over the images whose text is j
            empty = logits.new_zeros(logits.shape[1])
            images = empty.index_add(0, labels, torch.ones_like(losses))
            has_match = images > 0
            losses = empty.index_add(0, labels, losses / images[labels])
    else:
        weights = labels.to(torch.promote_types(labels.dtype, logits.dtype))
        # Divided by the largest first, so that the sum of very small or very large weights is neither 0 nor infinite.
        largest = weights.amax(dim, keepdim=True)
        has_match = (largest > 0).squeeze(dim)
        weights = (weights / torch.where(largest > 0, largest, 1)).to(logits.dtype)
        losses = -(weights * log_p).sum(dim) / torch.where(has_match, weights.sum(dim), 1)
    if reduction == "none":
        return losses
    return losses.sum() / has_match.sum() if reduction == "mean" else losses.sum()

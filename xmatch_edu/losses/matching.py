"""The matching loss: softmax cross-entropy of the score matrix. `MatchingLoss` is the module to train with.

How the softmax of a large S is walked lives in `_softmax`.

N: images (rows of S)    M: texts (columns of S)    D: features
"""

import math

import torch
from torch import nn

from xmatch_edu import _inputs
from xmatch_edu.losses._softmax import Axis, CrossEntropy
from xmatch_edu.scores import cosine_scores


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
    largest = _inputs.check_scores(scores)
    _inputs.check_direction_and_reduction(direction, reduction)
    scale = _inputs.check_scale(scale, scores, largest)
    _inputs.check_labels(labels, scores)
    _inputs.check_mask(mask, scores, labels)
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
        _inputs.check_choice("direction", direction, _inputs.DIRECTIONS)
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

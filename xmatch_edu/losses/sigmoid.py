"""The sigmoid loss: each pair by itself, does it match or not? `SigmoidLoss` is the module to train with.

N: images (rows of S)    M: texts (columns of S)    D: features
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from xmatch_edu import _inputs
from xmatch_edu.labels import match_matrix
from xmatch_edu.scores import cosine_scores


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
    largest = _inputs.check_scores(scores)
    scale, bias = _inputs.check_scale(scale, scores, largest), _inputs.check_bias(bias, scores)
    _inputs.check_shifted_logits(scale, bias, scores, largest)
    _inputs.check_labels(labels, scores)
    _inputs.check_hard_labels(labels, "a sigmoid loss")
    _inputs.check_mask(mask, scores, labels)
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
        _inputs.check_gammas(scale=scale)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.bias = nn.Parameter(torch.tensor(float(bias)))

    def forward(self, image_features, text_features, labels=None, mask=None):
        scores = cosine_scores(image_features, text_features)
        return sigmoid_loss(scores, labels, scale=self.logit_scale.exp(), bias=self.bias, mask=mask)

"""From features to the score matrix S: S[i, j] is the score of image i with text j.

Here live the ways to compare every image with every text of a batch. What counts as a match lives in `labels`,
what a score costs in `losses`. The literal twin of each function is in `loops`.

N: images    M: texts    D: features
"""

import torch

from xmatch_edu import inputs


def cosine_scores(image_features, text_features):
    """Cosine of every image with every text, as one matrix product of unit vectors.

    image_features (N, D), text_features (M, D), floating, one dtype and device -> (N, M) in that dtype.
    A zero vector scores 0 with everything. Lengths are computed in float32 at least, and without overflow.
    Errors: ValueError or TypeError naming the argument and the side, for other shapes, widths, dtypes, empty or
    (on the CPU) non-finite input.
    Source: CLIP (Radford et al. 2021), figure 3; R(Q, D) of question A, read as a plain cosine.
    """
    inputs.check_features(image_features, text_features, torch.Tensor)
    return _unit(image_features) @ _unit(text_features).T


def _unit(features):
    raised = features.float() if features.dtype.itemsize < 4 else features
    # A zero vector has no direction: dividing it by 1 keeps it 0, where 0/0 would be NaN.
    # The largest entry first, so that squares neither overflow nor vanish; a factor that cancels needs no gradient.
    largest = raised.detach().abs().amax(dim=1, keepdim=True)
    raised = raised / torch.where(largest > 0, largest, 1)
    length = raised.norm(dim=1, keepdim=True)
    return (raised / torch.where(length > 0, length, 1)).to(features.dtype)

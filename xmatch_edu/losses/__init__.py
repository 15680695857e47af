"""From the score matrix (and labels) to the loss: one page for each loss, one vectorised function for each thing.

    matching    softmax cross-entropy: CLIP's, and each term of the DAMSM
    ranking     hinges with a margin
    sigmoid     each pair by itself: SigLIP's
    damsm       AttnGAN's loss, four matching losses
    keras       the ranking loss in Keras 3; imported by its own name, because it needs an extra

They take S as it is: how scores are made lives in `scores`, what counts as a match in `labels`, the formulas read
literally in `loops`.
"""

from xmatch_edu.losses.damsm import damsm_loss, damsm_terms
from xmatch_edu.losses.matching import MatchingLoss, matching_loss
from xmatch_edu.losses.ranking import ranking_loss, structure_loss
from xmatch_edu.losses.sigmoid import SigmoidLoss, sigmoid_loss

__all__ = [
    "MatchingLoss", "SigmoidLoss", "damsm_loss", "damsm_terms", "matching_loss", "ranking_loss", "sigmoid_loss",
    "structure_loss",
]  # fmt: skip

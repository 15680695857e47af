"""The matching loss at size: when N×N does not fit, when the batch does not, when one machine is not enough.

    tiles       the loss in tiles, in O(N) memory: tiled_matching_loss
    passes      what is done with one tile, in torch
    kernel      the same for an NVIDIA GPU, in Triton
    cached      a batch beyond memory, embedded in pieces, with its true gradient: cached_step
"""

from xmatch_edu.scale.cached import cached_step
from xmatch_edu.scale.tiles import tiled_matching_loss

__all__ = ["cached_step", "tiled_matching_loss"]

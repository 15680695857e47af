"""The matching loss at size: when N×N does not fit, when the batch does not, when one machine is not enough.

    tiles       the loss in tiles, in O(N) memory: tiled_matching_loss
    passes      what is done with one tile, in torch
    kernel      the same for an NVIDIA GPU, in Triton
    cached      a batch beyond memory, embedded in pieces, with its true gradient: cached_step
    processes   joined, gather, local_matching_loss: torch.distributed, its gradient right
    ring        ring_matching_loss: the texts go around, and nothing is gathered
    torchrun    run: processes started from a notebook or a test
    tasks       what they do in chapter 11
"""

from xmatch_edu.scale import torchrun
from xmatch_edu.scale.cached import cached_step
from xmatch_edu.scale.processes import gather, joined, local_matching_loss, place
from xmatch_edu.scale.ring import ring_matching_loss
from xmatch_edu.scale.tiles import tiled_matching_loss

__all__ = [
    "cached_step", "gather", "joined", "local_matching_loss", "place", "ring_matching_loss", "tiled_matching_loss",
    "torchrun",
]  # fmt: skip

"""The matching loss at size: when N×N does not fit, when the batch does not, when one machine is not enough.

    tiles       the loss in tiles, O(N) memory: tiled_matching_loss
    passes      what is done inside one tile
"""

from xmatch_edu.scale.tiles import tiled_matching_loss

__all__ = ["tiled_matching_loss"]

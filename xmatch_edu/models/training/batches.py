"""What a step of training is given: which pairs, and how they are changed so that no two steps see the same.

Here live the dealing of batches and the changes to pictures and texts. What is done with a batch lives in `fitting`.

N: pairs of a batch    S: pixels a side    T: words
"""

import torch
import torch.nn.functional as F

from xmatch_edu import _inputs
from xmatch_edu.data.words import UNKNOWN

CAPTION_DROPPED, KEYWORD_DROPPED = 0.15, 0.4
_MOVE = 0.15  # how far a picture is turned (radians), enlarged, shifted (of its side) and brightened, at most


def deal(count, batch_size, seed, class_ids=None):
    """Batch after batch, without end -> positions (batch_size,) int64, from 0 to count − 1.

    Each round is dealt from a new shuffle, which seed decides, and no pair comes twice in a round. What is left at its
    end and does not fill a batch is left out of this round. class_ids (count,) integers: no two of one class in a
    batch; what must wait comes in a later one. Errors: ValueError naming batch_size.
    """
    most = count if class_ids is None else len(class_ids.unique())
    if not _inputs.is_count(batch_size) or batch_size > most:
        raise ValueError(
            f"batch_size must be an int from 1 to {most}, the {'pairs' if class_ids is None else 'classes'} to deal "
            f"from; got {batch_size!r}"
        )
    classes = range(count) if class_ids is None else class_ids.tolist()
    random = torch.Generator().manual_seed(seed)
    while True:
        waiting = torch.randperm(count, generator=random).tolist()
        while len(batch := _first_of_each(waiting, classes, batch_size)) == batch_size:
            yield torch.tensor(batch)
            dealt = set(batch)
            waiting = [k for k in waiting if k not in dealt]


def _first_of_each(waiting, classes, batch_size):
    chosen = {}
    for k in waiting:
        chosen.setdefault(classes[k], k)
        if len(chosen) == batch_size:
            break
    return list(chosen.values())


def moved(pictures):
    """pictures (N, S, S, 3), each a little turned, enlarged, shifted, brightened, by chance -> float32, 0 to 255."""
    turn, zoom, across, down, light = _MOVE * (2 * torch.rand(5, len(pictures)) - 1)
    zoom, across, down = 1 + zoom, 2 * across, 2 * down  # a picture is 2 wide for affine_grid
    rows = [[zoom * turn.cos(), -zoom * turn.sin(), across], [zoom * turn.sin(), zoom * turn.cos(), down]]
    maps = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    floats = pictures.permute(0, 3, 1, 2).float()
    grid = F.affine_grid(maps, floats.shape, align_corners=False)
    shifted = F.grid_sample(floats, grid, padding_mode="border", align_corners=False)
    return (shifted * (1 + light[:, None, None, None])).clamp(0, 255).permute(0, 2, 3, 1)


def shortened(texts):
    """Texts without some of their phrases, by chance: the caption with 0.15, each keyword with 0.4.

    texts: data.words.Words -> numbers (N, T) int64.
    """
    chance = torch.full((len(texts.phrases), int(texts.phrases.max()) + 1), KEYWORD_DROPPED)
    chance[:, 0] = CAPTION_DROPPED
    dropped = torch.rand(chance.shape) < chance
    return texts.numbers.masked_fill(dropped.gather(1, texts.phrases), UNKNOWN)

"""The matching loss in a ring of processes: each passes the texts that it holds on to the next, and gathers nothing.

Here lives `ring_matching_loss`. What is done with the held texts lives in `tiles`.

W: processes    n: pairs of one process    N = W·n: pairs of the batch    D: features
"""

import torch
from torch import distributed

from xmatch_edu.scale.processes import agree_on_pairs, must_be_alike, place
from xmatch_edu.scale.tiles import (
    accumulator,
    add_gradients,
    finish,
    no_gradient_of_the_gradient,
    nothing_seen,
    prepare,
    see,
    tile_size_on,
)


def ring_matching_loss(image_features, text_features, *, scale, class_ids=None):
    """This process's part of the matching loss, holding three blocks of texts at most, and one tile of scores.

    image_features, text_features (n, D), floating, as they are: normalise first for cosines. n, D and dtype the same on
        each process; text i belongs to image i. Half precision is summed in float32.
    scale: positive float or 0-d tensor (it may require grad), the same on each process.
    class_ids (n,) integers, one numbering for all processes: pairs of one class that are no match are left out.
    -> 0-d tensor, the mean over the own pairs. As with `local_matching_loss` the mean over processes is the loss of all
    N pairs, and the mean of the gradients its gradient, if each process weighs its loss alike. 8·n·N·D operations.
    Errors: ValueError on every process where n, D, dtype or scale differ, or on the way back the weight of the loss;
    else as in `gather`. Values are looked at on the CPU only. In a world of one it is `tiled_matching_loss`.
    Source: Inf-CL (Cheng et al. 2024), section 3.2, where the texts travel likewise.
    """
    agree_on_pairs(image_features, text_features, scale, class_ids)
    image, text, scale = prepare(image_features, text_features, scale, class_ids)
    class_ids = None if class_ids is None else class_ids.long().contiguous()
    return _RingLoss.apply(image, text.contiguous(), scale, class_ids)


class _RingLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, image, text, scale, class_ids):
        row_log, column_log = nothing_seen(image), nothing_seen(text)
        for step, (held, held_ids), (held_log,) in around([text, class_ids], [column_log]):
            matches = see(image, held, scale, row_log, held_log, class_ids, held_ids, _size(image), own=step == 0)
            if step == 0:
                own = matches
        ctx.save_for_backward(image, text, scale, class_ids, row_log, column_log)
        return sum((log - own).mean() for log in (row_log, column_log)).div(2).to(accumulator(image))

    @staticmethod
    def backward(ctx, weight):
        no_gradient_of_the_gradient("ring_matching_loss")
        if weight.device.type == "cpu":
            must_be_alike("weight", weight.item())
        image, text, scale, class_ids, row_log, column_log = ctx.saved_tensors
        gradients = [torch.zeros_like(side, dtype=accumulator(side)) for side in (image, text)]
        of_image, of_text = gradients
        for step, (held, held_ids, held_log), (of_held,) in around([text, class_ids, column_log], [of_text]):
            add_gradients(image, held, scale, row_log, held_log, class_ids, held_ids, _size(image), of_image, of_held,
                          own=step == 0)  # fmt: skip
        return *finish(*gradients, image, text, scale, weight / (2 * len(image))), None


def around(fixed, changed):
    """Once around the ring -> (step, fixed, changed) as they are held at each step, the own blocks first.

    fixed: tensors that are only read, or None; the next ones are on their way while the caller works. changed: tensors
    that he changes in place. When the loop is over these are home again, with what every process has done to them.
    """
    world_size = place().world_size
    held, worked_on = fixed, changed
    for step in range(world_size):
        arrived = _pass_on(held) if step < world_size - 1 else None
        yield step, held, worked_on
        held = arrived() if arrived else held
        if world_size > 1:
            worked_on = _pass_on(worked_on)()
    for mine, returned in zip(changed, worked_on, strict=True):
        mine.copy_(returned)


def _pass_on(blocks):
    """Start to send blocks to the next process and to receive those of the one before -> a function that waits."""
    rank, world_size, _ = place()
    arriving = [None if block is None else torch.empty_like(block) for block in blocks]
    messages = []
    for leaving, coming in zip(blocks, arriving, strict=True):
        if leaving is not None:
            messages.append(distributed.P2POp(distributed.isend, leaving, (rank + 1) % world_size))
            messages.append(distributed.P2POp(distributed.irecv, coming, (rank - 1) % world_size))
    started = distributed.batch_isend_irecv(messages) if messages else []

    def arrived():
        for work in started:
            work.wait()
        return arriving

    return arrived


def _size(features):
    return tile_size_on(features.device, None)

"""The loss over several processes, each with its own part of the batch: joining them, gathering, the local loss.

Here lives what every process does alike, on torch.distributed. The ring, which gathers nothing, lives in `ring`; how
processes are started, in `torchrun`.

W: processes    n: pairs of one process    N = W·n: pairs of the batch    D: features
"""

import os
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import torch
from torch import distributed

from xmatch_edu import _inputs
from xmatch_edu.losses import matching_loss
from xmatch_edu.scale.tiles import no_gradient_of_the_gradient

_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
# What must be the same on each process, and the words for it.
_ALIKE = {
    "n": "the number of pairs, n,",
    "width": "the width of the features, D,",
    "dtype": "the dtype of the features",
    "scale": "scale",
    "class_ids": "whether class_ids are given",
    "gradient": "whether a gradient is wanted",
    "weight": "what the loss is multiplied by on the way to the gradient",
}


class Place(NamedTuple):
    """Where a process stands among the others."""

    rank: int
    world_size: int
    device: torch.device


@contextmanager
def joined(*, timeout=20):
    """Join the processes that torchrun has started, and leave them at the end: `with joined() as place:`.

    timeout: seconds that one message waits for the others. -> Place(rank, world_size, device): the GPU of this process
    where its machine has one for each of its processes (NCCL), else the CPU (gloo). Outside torchrun, a world of one.
    Processes that are joined already stay so.
    Errors: where another process has died, or does not come in time, the next message raises; it never waits for ever.
    """
    if "RANK" not in os.environ or distributed.is_initialized():
        yield place()
        return
    on_gpu = torch.cuda.device_count() >= int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    # gloo stands beside NCCL for the messages about sizes: they are read by Python, and no GPU should wait for that.
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=timedelta(seconds=timeout))
    try:
        yield place()
    finally:
        distributed.destroy_process_group()


def place():
    """Where this process stands now -> Place. Without others, rank 0 of 1."""
    alone = not (distributed.is_available() and distributed.is_initialized())
    on_gpu = torch.cuda.is_available() and (alone or "nccl" in distributed.get_backend_config())
    device = torch.device("cuda", torch.cuda.current_device()) if on_gpu else torch.device("cpu")
    return Place(0, 1, device) if alone else Place(distributed.get_rank(), distributed.get_world_size(), device)


def gather(features, *, with_gradient=True):
    """The features of all processes, in the order of the ranks.

    features (n, D), floating; n, D and dtype the same on each process. -> (W·n, D). In a world of one, the features.
    with_gradient: each process gets back what the losses of all processes want of its block, summed, in float32 at
        least. False: only what its own loss wants of its own block, as in open_clip without --gather-with-grad.
    Errors: ValueError on every process where n, D or dtype differ, with those of each rank. TypeError or ValueError for
    features that are none; the other processes are told (RuntimeError). No gradient of the gradient.
    """
    def look():
        _inputs.check_features(features, features, names=("features", "features"))
        return _facts(features, wanted=with_gradient and features.requires_grad)

    _agree(look)
    rank, world_size, _ = place()
    if world_size == 1:
        return features
    if with_gradient:
        return _Gather.apply(features)
    blocks = _blocks_of_all(features.detach())
    return torch.cat([*blocks[:rank], features, *blocks[rank + 1 :]])


def local_matching_loss(image_features, text_features, *, scale):
    """This process's part of the matching loss: own images against all texts, own texts against all images.

    image_features, text_features (n, D), floating, as they are: normalise first for cosines. n, D and dtype the same on
        each process; text i belongs to image i. The scores have the features' dtype.
    scale: positive float or 0-d tensor (it may require grad), the same on each process.
    -> 0-d tensor, the mean over the own pairs. The mean over processes is the loss of all N pairs; the mean over
    processes of the gradients, which is what DDP makes of them, is its gradient. Two n×N matrices are held, and the
    features of all. In a world of one it is `matching_loss` of image_features @ text_features.T.
    Errors: as in `gather`.
    Source: open_clip (Ilharco et al. 2021), --local-loss --gather-with-grad.
    """
    agree_on_pairs(image_features, text_features, scale)
    rank, world_size, _ = place()
    both = torch.cat([image_features, text_features], dim=1)  # the two sides travel together
    images, texts = (both if world_size == 1 else _Gather.apply(both)).chunk(2, dim=1)
    labels = rank * len(both) + torch.arange(len(both), device=both.device)
    rows = matching_loss(image_features @ texts.T, labels, scale=scale, direction="image_to_text")
    columns = matching_loss(text_features @ images.T, labels, scale=scale, direction="image_to_text")
    return (rows + columns) / 2


class _Gather(torch.autograd.Function):
    """The way back of a copy that went to every process: what they want of it comes home, and is summed."""

    @staticmethod
    def forward(ctx, features):
        return torch.cat(_blocks_of_all(features))

    @staticmethod
    def backward(ctx, wanted):
        no_gradient_of_the_gradient("gather")
        wanted = wanted.contiguous()
        of_all = torch.empty_like(wanted)
        # Block r goes to process r and is summed there, half precision in float32. (A reduce_scatter sums on the way.)
        distributed.all_to_all_single(of_all, wanted)
        return of_all.unflatten(0, (place().world_size, -1)).sum(dim=0)


def _blocks_of_all(features):
    features = features.contiguous()
    blocks = [torch.empty_like(features) for _ in range(place().world_size)]
    distributed.all_gather(blocks, features)
    return blocks


def agree_on_pairs(image_features, text_features, scale, class_ids=None):
    """Look at this process's pairs, and whether they fit to the others'.

    Arguments: those of `ring_matching_loss`. Errors: as in `gather`, on every process.
    """
    def look():
        largest = _inputs.check_paired_features(image_features, text_features, class_ids)
        checked = _inputs.check_scale(scale, image_features, largest)
        learned = [x for x in (image_features, text_features, checked) if getattr(x, "requires_grad", False)]
        return _facts(image_features, scale=checked, class_ids=class_ids, wanted=bool(learned))

    _agree(look)


def must_be_alike(word, number):
    """Errors: ValueError on every process where the number differs between them. word: its key in _ALIKE."""
    _agree(lambda: {word: number})


def _facts(features, *, scale=1.0, class_ids=None, wanted):
    if isinstance(scale, torch.Tensor):
        # On a GPU it is not looked at: the program would wait for the device.
        scale = scale.item() if scale.device.type == "cpu" else 0
    return {
        "n": len(features),
        "width": features.shape[1],
        "dtype": _DTYPES.index(features.dtype),
        "scale": scale,
        "class_ids": class_ids is not None,
        "gradient": wanted and torch.is_grad_enabled(),
    }


def _agree(look):
    """Whatever is wrong on one process is an error on each of them: none waits for one that has stopped.

    look: -> numbers by the words of _ALIKE; raises where this process's input is wrong.
    """
    wrong, mine = None, {}
    try:
        mine = look()
    except (TypeError, ValueError) as error:
        wrong = error
    table = [[float(x) for x in (wrong is not None, *(mine.get(word, 0) for word in _ALIKE))]]
    if place().world_size > 1:
        device = "cpu" if "cpu:" in distributed.get_backend_config() else place().device
        table = torch.stack(_blocks_of_all(torch.tensor(table[0], dtype=torch.float64, device=device))).tolist()
    if wrong is not None:
        raise wrong
    stopped = [rank for rank, (is_wrong, *_) in enumerate(table) if is_wrong]
    if stopped:
        raise RuntimeError(f"the input of rank {stopped[0]} is wrong, and it has stopped: its own message says how")
    for (word, words), values in zip(_ALIKE.items(), [*zip(*table, strict=True)][1:], strict=True):
        if len(set(values)) > 1:
            each = ", ".join(f"rank {rank} has {_in_words(word, value)}" for rank, value in enumerate(values))
            raise ValueError(f"{words} must be the same on each process; {each}")


def _in_words(word, value):
    if word == "dtype":
        return str(_DTYPES[int(value)])
    return ("no", "yes")[int(value)] if word in ("class_ids", "gradient") else f"{value:.10g}"

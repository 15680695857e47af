"""The matching loss at size: who is measured, one function a contender. Features and their form are those of
`contenders`; info_nce and sentence-transformers divide by the length once more, all others take them as they are.
"""

import sys

import torch

from xmatch_edu import losses
from xmatch_edu.course.bench import contenders
from xmatch_edu.course.bench.contenders import Contender, far, features, open_clip
from xmatch_edu.scale import passes, tiled_matching_loss, tiles

__all__ = ["CONTENDERS", "INPUTS", "differs", "features", "open_clip"]
_CHUNK = 512  # rows at a time, where a rival asks for that


def floor(direction):
    """What a loss that keeps no S cannot do without: S twice, and its gradient carried back to both sides; 8N²D.

    No loss: the four matrix products, tile by tile, in no autograd.
    """

    @torch.no_grad()
    def products(image, text, scale):
        image, text, scale = tiles.prepare(image, text, scale, None)
        size = tiles.tile_size_on(image.device, None)
        wide = tiles.accumulator(image)
        by_image, by_text = (torch.zeros_like(side, dtype=wide) for side in (image, text))
        for rows in range(0, len(image), size):
            for columns in range(0, len(text), size):
                one, two = image[rows : rows + size], text[columns : columns + size]
                passes.product(one, two.T)
                tile = passes.product(one, two.T).to(image.dtype)
                by_image[rows : rows + size] += passes.product(tile, two)
                by_text[columns : columns + size] += passes.product(tile.T, one)

    return products


def ours(direction):
    return lambda image, text, scale: tiled_matching_loss(image, text, scale=scale)


def without_kernel(direction):
    """On a GPU: torch alone."""
    tiles._room = lambda image: passes
    return ours(direction)


def dense(direction):
    return lambda image, text, scale: losses.matching_loss(image @ text.T, scale=scale)


def compiled(direction):
    """The usual two lines, compiled by torch."""

    @torch.compile
    def call(image, text, scale):
        own = torch.arange(len(image), device=image.device)
        logits = scale * (image @ text.T)
        cross_entropy = torch.nn.functional.cross_entropy
        return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2

    return call


def info_nce(direction):
    """It has one direction: both, one after the other."""
    one_way = contenders.info_nce(direction)
    return lambda image, text, scale: (one_way(image, text, scale) + one_way(text, image, scale)) / 2


def inf_cl(direction):
    """Its Triton kernels for one GPU, one direction at a time, in float32 whatever comes in."""
    from inf_cl import cal_flash_loss

    def call(image, text, scale):
        head = min(256, image.shape[1])  # so many features at a time
        there, back = (cal_flash_loss(*sides, scale=scale, head_dim=head) for sides in ((image, text), (text, image)))
        return (there.mean() + back.mean()) / 2

    return call


def s_transformers_cached(direction):
    """Its loss of cached embeddings, which walks chunk by chunk: forward and backward of each at once."""
    sys.modules.setdefault("torchvision", None)  # as in `contenders`
    from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss

    def call(image, text, scale):
        own = [one.detach().requires_grad_() for one in (image, text, scale)]
        loss = CachedMultipleNegativesRankingLoss(
            torch.nn.Sequential(torch.nn.Identity()), scale=own[2], mini_batch_size=_CHUNK,
            directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction")
        value = loss.calculate_loss([[own[0]], [own[1]]], with_backward=True)
        # It has gone back already. This hands on what it found, as the gradient of a number that adds 0.
        pairs = zip((image, text, scale), own, strict=True)
        return value + sum(((one - one.detach()) * two.grad).sum() for one, two in pairs)

    return call


def _contender(name, package=None):
    return Contender(name, None if name == "floor" else "both", __name__, package, __name__)


CONTENDERS = [
    _contender("floor"),
    _contender("ours"),
    _contender("dense"),
    _contender("open_clip", "open-clip-torch"),
    _contender("info_nce", "info-nce-pytorch"),
    _contender("s-transformers cached", "sentence-transformers"),
]
ON_A_GPU = [*CONTENDERS[:2], _contender("without kernel"), _contender("inf_cl", "inf-cl"), _contender("dense"),
            _contender("compiled"), _contender("open_clip", "open-clip-torch")]  # fmt: skip
INPUTS = "features to gradients, floor: four products"


def differs(call, direction, device="cpu"):
    """True where `call` gives another value or gradient than the loss of the whole S, in float64, on a small batch.

    As in `contenders`, of a feature's gradient only what turns the feature is compared. One that works in float32
    whatever comes in is compared to three digits: a GPU may round the factors of such products.
    """
    inputs = features(48, 32, torch.float64, device)
    results = []
    for loss in (call, dense(direction)):
        value = loss(*inputs)
        by_image, by_text, by_scale = torch.autograd.grad(value, inputs)
        results.append([value.detach(), *contenders.turning(inputs, by_image, by_text), by_scale])
    if results[0][0].dtype == torch.float64:
        return far(*results)
    return not all((one - two).norm() <= 5e-3 * two.norm() for one, two in zip(*results, strict=True))

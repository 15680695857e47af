"""The matching loss without its N×N matrix: tile by tile, each one worked out, used and forgotten.

Here live `tiled_matching_loss` and the two walks over the tiles that it and `ring` stand on: `see` gathers the
log-sum-exp of each row and column, `add_gradients` works every tile out once more and carries its gradient to both
sides. What is done with one tile lives in `passes`, and for a GPU in `kernel`.

What the walks are given: image (N, D), text (M, D), scale: as `prepare` gives them; image_ids, text_ids: None, or the
classes of both, (N,) and (M,); tile_size: as `tile_size_on` gives it.

N: images (rows of S)    M: texts (columns of S)    D: features
"""

import importlib.util

import torch

from xmatch_edu import _inputs
from xmatch_edu.scale import passes

# A tile has so many rows and columns: few enough for a CPU's cache, enough to keep a GPU busy.
_TILE_ON_CPU, _TILE_ON_GPU = 1024, 8192


def tiled_matching_loss(image_features, text_features, *, scale, class_ids=None, tile_size=None):
    """`matching_loss` of the scores image_features @ text_features.T, in both directions, never holding N×N.

    image_features, text_features (N, D), floating, one dtype and device; text i belongs to image i. They are taken as
        they are: normalise first for cosines. Half precision is summed in float32.
    scale: positive float or 0-d tensor (it may require grad).
    class_ids (N,) integers: pairs of one class that are no match are left out, as by `labels.same_class_mask`.
    tile_size: rows and columns of a tile; None: what suits the device.
    -> 0-d tensor, float32 or float64. With N = 1 the loss is 0.
    Both directions come from one walk over the tiles. The gradient walks once more: 8·N²·D operations in all, a third
    more than with S kept, and memory for one tile and two numbers a pair. No gradient of the gradient.
    Errors: ValueError or TypeError naming the argument and the side. Values are looked at on the CPU only.
    Source: the loss of CLIP (Radford et al. 2021), figure 3; the running log-sum-exp: Milakov and Gimelshein (2018);
    for this loss: Inf-CL (Cheng et al. 2024), section 3.
    """
    image, text, scale = prepare(image_features, text_features, scale, class_ids)
    return _TiledLoss.apply(image, text, scale, class_ids, tile_size_on(image.device, tile_size))


class _TiledLoss(torch.autograd.Function):
    """Written by hand because the gradient is known, P − Y for each direction, and a tile of it is soon made."""

    @staticmethod
    def forward(ctx, image, text, scale, class_ids, tile_size):
        logs = nothing_seen(image), nothing_seen(text)
        own = see(image, text, scale, *logs, class_ids, class_ids, tile_size, own=True)
        ctx.save_for_backward(image, text, scale, class_ids, *logs)
        ctx.tile_size = tile_size
        # Row by row, then the mean: two large sums would lose the digits in which they differ.
        return sum((log - own).mean() for log in logs).div(2).to(accumulator(image))

    @staticmethod
    def backward(ctx, weight):
        no_gradient_of_the_gradient("tiled_matching_loss")
        image, text, scale, class_ids, *logs = ctx.saved_tensors
        gradients = [torch.zeros_like(side, dtype=accumulator(side)) for side in (image, text)]
        add_gradients(image, text, scale, *logs, class_ids, class_ids, ctx.tile_size, *gradients, own=True)
        return *finish(*gradients, image, text, scale, weight / (2 * len(image))), None, None


def see(image, text, scale, row_log, column_log, image_ids, text_ids, tile_size, *, own):
    """Take the tiles of a block of S into the log-sum-exps of its rows and columns, row_log (N,) and column_log (M,).

    Both are changed in place. own: text i of this block belongs to image i of it -> the logits of the matches (N,),
    else None.
    """
    matches = torch.empty_like(row_log) if own else None
    with _as_they_are(image):
        for rows, columns, match in _tiles(image, text, tile_size, own):
            ids = None if image_ids is None else (image_ids[rows], text_ids[columns])
            *seen, logits = _room(image).see(image[rows], text[columns], scale, ids, match)
            for log, where, fresh in zip((row_log, column_log), (rows, columns), seen, strict=True):
                log[where] = torch.logaddexp(log[where], fresh)
            if match:
                matches[rows] = logits.to(matches.dtype)
    return matches


def add_gradients(image, text, scale, row_log, column_log, image_ids, text_ids, tile_size,
                  image_gradient, text_gradient, *, own):  # fmt: skip
    """Add what the tiles of a block of S give to both sides: Σ_j G[i, j] · text j, and Σ_i G[i, j] · image i.

    G = P(text | image) + P(image | text) − 2Y. What is still lacking, and one factor for all, comes by `finish`.
    row_log, column_log: the log-sum-exps, complete. image_gradient (N, D), text_gradient (M, D): added to, in
    `accumulator`'s dtype. own: text i of this block belongs to image i of it.
    """
    with _as_they_are(image):
        for rows, columns, match in _tiles(image, text, tile_size, own):
            ids = None if image_ids is None else (image_ids[rows], text_ids[columns])
            logs = row_log[rows], column_log[columns]
            tile = _room(image).gradient(image[rows], text[columns], scale, ids, match, *logs)
            image_gradient[rows] += passes.product(tile, text[columns])
            text_gradient[columns] += passes.product(tile.T, image[rows])


def finish(image_gradient, text_gradient, image, text, scale, weight):
    """What `add_gradients` summed, image_gradient and text_gradient -> those of image, text and scale, times weight."""
    scale_gradient = (image_gradient * image).sum() * weight
    factor = (scale * weight).to(image_gradient)
    by_image, by_text = (gradient.mul_(factor) for gradient in (image_gradient, text_gradient))
    return by_image.to(image.dtype), by_text.to(text.dtype), scale_gradient.to(scale)


def prepare(image_features, text_features, scale, class_ids):
    """Look at the arguments -> both sides and the scale, ready for a walk over tiles.

    Arguments and errors: those of `tiled_matching_loss`.
    """
    largest = _inputs.check_paired_features(image_features, text_features, class_ids)
    scale = _inputs.check_scale(scale, image_features, largest)
    if not isinstance(scale, torch.Tensor):
        scale = torch.full((), scale, dtype=accumulator(image_features), device=image_features.device)
    if image_features.dtype == torch.bfloat16 and image_features.is_cuda:
        return image_features, text_features, scale  # its products are summed in float32 by the GPU itself
    dtype = accumulator(image_features)
    return image_features.to(dtype), text_features.to(dtype), scale


def nothing_seen(features):
    """The log-sum-exp of each row (column), one for each of these features, before the first tile -> (N,), all −∞."""
    return torch.full((len(features),), -torch.inf, dtype=passes.wide(features), device=features.device)


def accumulator(features):
    """The dtype in which products of these features are summed -> float32 at least."""
    return torch.promote_types(features.dtype, torch.float32)


def tile_size_on(device, tile_size):
    """-> tile_size, or what suits the device where that is None. Errors: ValueError or TypeError naming tile_size."""
    if tile_size is None:
        return _TILE_ON_CPU if device.type == "cpu" else _TILE_ON_GPU
    _inputs.check_count("tile_size", tile_size, "the rows and columns of a tile")
    return tile_size


def no_gradient_of_the_gradient(name):
    """For a way back that is written by hand: RuntimeError with the name of the loss if torch would go on from it."""
    if torch.is_grad_enabled():  # only under create_graph=True, where what follows would silently be left out
        raise RuntimeError(f"{name} has no gradient of its gradient (create_graph=True)")


def _room(image):
    """Who works on the tiles: the kernel for bfloat16 on an NVIDIA GPU with Triton, else torch."""
    if image.is_cuda and image.dtype == torch.bfloat16 and importlib.util.find_spec("triton"):
        return importlib.import_module("xmatch_edu.scale.kernel")
    return passes


def _as_they_are(features):
    """Autocast would round the products of a tile to half precision, and with them logits and gradient."""
    return torch.autocast(features.device.type, enabled=False)


def _tiles(image, text, tile_size, own):
    """(rows, columns, are the matches on its diagonal?) of each tile. Tiles are square, so that matches meet there."""
    for rows in _slices(len(image), tile_size):
        for columns in _slices(len(text), tile_size):
            yield rows, columns, own and rows == columns


def _slices(count, size):
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]

"""A batch far beyond memory, with its true gradient: pieces of it are embedded twice, and never all at once.

Here lives `cached_step`. It asks nothing of the branches, and nothing of the loss but features in, number out.

N: pairs of the batch    n: pairs of a piece    D: features
"""

import torch

from xmatch_edu import _inputs

_LOSS = "loss must give a 0-d tensor that depends on image_features or text_features; got "


def cached_step(encode, pieces, loss):
    """Forward and backward of one batch of N pairs, holding the graph of one piece at a time.

    First every piece is embedded without a graph; then the loss sees all N features and says what it wants of each;
    then every piece is embedded again, with a graph, and carries its share of that back.

    encode: a piece -> image_features (n, D), text_features (n, D). pieces: what `encode` takes, one after the other.
    loss: (image_features (N, D), text_features (N, D)) -> 0-d tensor.
    -> the loss, without a graph. Gradients are added to the `.grad` of all that `encode` and `loss` stand on, the same
    as after `loss(*encode(all N)).backward()`.
    The second time `encode` meets the same state of torch's random numbers, so that dropout drops the same. Layers that
    look across a batch (batch normalisation) see only their piece, and would not give the gradient of the big batch.
    Errors: ValueError or TypeError naming encode, pieces or loss, and the side; RuntimeError where `encode` gives other
    features the second time (looked at on the CPU only).
    Source: GradCache (Gao et al. 2021), section 3.2.
    """
    pieces = list(pieces)
    if not pieces:
        raise ValueError("pieces is empty: a batch needs one image and one text")
    states, embedded = [], []
    for number, piece in enumerate(pieces):
        states.append(_random_state())
        with torch.no_grad():
            embedded.append([side.detach() for side in _both_sides(encode(piece), number)])
        _must_fit(embedded[0], embedded[-1], number)
    sides = [torch.cat(side).requires_grad_() for side in zip(*embedded, strict=True)]
    value = loss(*sides)
    if not isinstance(value, torch.Tensor) or value.shape != ():
        raise TypeError(_LOSS + (f"shape {tuple(value.shape)}" if hasattr(value, "shape") else type(value).__name__))
    if value.requires_grad:
        value.backward()
    if all(side.grad is None for side in sides):
        raise TypeError(_LOSS + "one that depends on neither")
    # A loss of one side only leaves the other without a gradient.
    wanted = [torch.zeros_like(side) if side.grad is None else side.grad for side in sides]
    wanted = [side.split([len(image) for image, _ in embedded]) for side in wanted]
    for number, (piece, state, first, *weights) in enumerate(zip(pieces, states, embedded, *wanted, strict=True)):
        with torch.random.fork_rng(devices=range(len(state) - 1), device_type="cuda"):
            _set_random_state(state)
            again = _both_sides(encode(piece), number)
        _must_be_the_same(first, again, number)
        # A frozen branch has no graph to go back through.
        learned = [pair for pair in zip(again, weights, strict=True) if pair[0].requires_grad]
        if learned:
            torch.autograd.backward(*zip(*learned, strict=True))
    return value.detach()


def _both_sides(features, number):
    if not isinstance(features, (tuple, list)) or len(features) != 2:
        raise TypeError(
            f"encode must give two tensors, image_features and text_features; got {type(features).__name__} "
            f"for piece {number}"
        )
    try:
        _inputs.check_paired_features(*features, None)
    except (TypeError, ValueError) as error:
        raise type(error)(f"encode, for piece {number}: {error}") from None
    return tuple(features)


def _must_fit(first, features, number):
    """Each piece is a part of one batch. Width and dtype of the two sides agree already."""
    first, features = first[0], features[0]
    if first.shape[1] != features.shape[1]:
        raise ValueError(
            f"encode must give features of one width D on the image and the text side of every piece; got "
            f"D = {first.shape[1]} for piece 0 and D = {features.shape[1]} for piece {number}"
        )
    if first.dtype != features.dtype:
        raise TypeError(
            f"encode must give features of one dtype on the image and the text side of every piece; got "
            f"{first.dtype} for piece 0 and {features.dtype} for piece {number}"
        )


def _random_state():
    """Of the CPU, and of each GPU that is in use."""
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [])]


def _set_random_state(state):
    torch.set_rng_state(state[0])
    if len(state) > 1:
        torch.cuda.set_rng_state_all(state[1:])


def _must_be_the_same(first, again, number):
    for side, one, two in zip(("image", "text"), first, again, strict=True):
        if one.device.type == "cpu" and not torch.allclose(one, two, rtol=1e-3, atol=1e-6):
            raise RuntimeError(
                f"encode gave other features of the {side} side for piece {number} the second time, so the gradient "
                "would be wrong: its chances must come from torch's own random numbers, and nothing may change between"
            )

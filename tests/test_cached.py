"""scale.cached_step: the gradient of the whole batch, a piece at a time."""

import numpy as np
import pytest
import torch
from test_tiles import alone
from torch import nn

from xmatch_edu import losses, scale
from xmatch_edu.course import measure

N = 12
SPLITS = [[5, 1, 4, 2], [12], [1] * 12, [11, 1]]


class Linear(nn.Module):
    """A batch is images (n, 6) and texts (n, 5)."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.image, self.text, self.dropout = nn.Linear(6, 4), nn.Linear(5, 4), nn.Dropout(dropout)

    def forward(self, batch):
        images, texts = batch
        return self.image(self.dropout(images)), self.dropout(self.text(texts)).tanh()


def linear(**options):
    torch.manual_seed(0)
    return Linear(**options).double(), (torch.randn(N, 6).double(), torch.randn(N, 5).double())


def split(batch, sizes):
    return list(zip(*(side.split(sizes) for side in batch), strict=True))


def matching(image_features, text_features):
    return losses.matching_loss(image_features @ text_features.T, scale=2.0)


def tiled(image_features, text_features):
    return scale.tiled_matching_loss(image_features, text_features, scale=2.0, tile_size=5)


def gradients(*modules):
    return [None if w.grad is None else w.grad.clone() for module in modules for w in module.parameters()]


def forget(*modules):
    for module in modules:
        module.zero_grad()


def alike(found, expected, rtol=1e-10):
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.dist(one, other) <= rtol * max(1e-3, other.norm())


# --- the gradient of the big batch ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", SPLITS, ids=str)
@pytest.mark.parametrize("loss", [matching, tiled])
def test_the_gradient_of_the_big_batch(loss, sizes):
    model, batch = linear()
    expected_loss = loss(*model(batch))
    expected_loss.backward()
    expected = gradients(model)
    forget(model)
    value = scale.cached_step(model, iter(split(batch, sizes)), loss)
    assert value.shape == () and not value.requires_grad
    assert value.item() == pytest.approx(expected_loss.item(), rel=1e-12)
    alike(gradients(model), expected)


def noisy(image_features, text_features):
    return matching(image_features + torch.randn_like(image_features), text_features)


@pytest.mark.parametrize("sizes", [[5, 1, 4, 2], [12]], ids=str)
@pytest.mark.parametrize("loss", [matching, noisy])
def test_dropout_drops_the_same_both_times(loss, sizes):
    """The big batch that it must be like: the pieces one after the other, with all their graphs."""
    model, batch = linear(dropout=0.5)
    pieces = split(batch, sizes)
    torch.manual_seed(7)
    loss(*(torch.cat(side) for side in zip(*map(model, pieces), strict=True))).backward()
    expected, drawn_next = gradients(model), torch.rand(3)
    forget(model)
    torch.manual_seed(7)
    scale.cached_step(model, pieces, loss)
    alike(gradients(model), expected)
    # What is drawn afterwards is what would be drawn after one embedding, not after two.
    assert torch.equal(torch.rand(3), drawn_next)


def test_gradients_are_added_to_those_that_are_there():
    model, batch = linear()
    scale.cached_step(model, split(batch, [7, 5]), matching)
    once = gradients(model)
    scale.cached_step(model, split(batch, [2, 10]), matching)
    alike(gradients(model), [2 * g for g in once])


@pytest.mark.parametrize("frozen", [(), ("image",), ("text",), ("image", "text")], ids=str)
def test_the_losss_own_parameters_learn_and_a_frozen_branch_does_not(frozen):
    (model, batch), module = linear(), losses.MatchingLoss(scale=3.0).double()
    for side in frozen:
        getattr(model, side).requires_grad_(False)
    module(*model(batch)).backward()
    expected = gradients(model, module)
    assert sum(g is None for g in expected) == 2 * len(frozen) and expected[-1] != 0
    forget(model, module)
    scale.cached_step(model, split(batch, [5, 7]), module)
    alike(gradients(model, module), expected)


def test_both_sides_may_share_a_parameter():
    shared, (images, _) = nn.Linear(6, 4).double(), linear()[1]

    def encode(piece):
        middle = shared(piece).tanh()  # and a part of the graph
        return middle, shared(piece + 1) * middle

    matching(*encode(images)).backward()
    expected = gradients(shared)
    forget(shared)
    scale.cached_step(encode, images.split([5, 7]), matching)
    alike(gradients(shared), expected)


def test_a_loss_that_looks_at_one_side_only():
    model, batch = linear()
    for loss in (lambda image, text: image.square().mean(), lambda image, text: text.square().mean()):
        forget(model)
        loss(*model(batch)).backward()
        expected = [torch.zeros_like(w) if w.grad is None else w.grad.clone() for w in model.parameters()]
        forget(model)
        scale.cached_step(model, split(batch, [5, 7]), loss)
        alike(gradients(model), expected)


def test_features_that_are_parameters_themselves():
    sides = [torch.randn(N, 4).requires_grad_() for _ in range(2)]
    matching(*sides).backward()
    expected = [side.grad.clone() for side in sides]
    for side in sides:
        side.grad = None
    scale.cached_step(lambda piece: piece, [sides], matching)
    alike([side.grad for side in sides], expected, rtol=1e-6)


def test_encode_may_give_a_list_and_is_called_twice_a_piece():
    model, batch = linear()
    seen = []

    def encode(piece):
        seen.append((len(piece[0]), torch.is_grad_enabled()))
        return list(model(piece))

    scale.cached_step(encode, split(batch, [5, 7]), matching)
    assert seen == [(5, False), (7, False), (5, True), (7, True)]


@pytest.mark.parametrize("inside", [True, False])
def test_under_autocast_too_the_gradient_of_the_big_batch(inside):
    """Autocast remembers the weights it has rounded: those of the pass without a graph must not serve in the other."""
    model, batch = linear()
    model, batch = model.float(), [side.float() for side in batch]

    def autocast(enabled=True):
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled)

    def encode(piece):
        with autocast(inside or torch.is_autocast_enabled("cpu")):
            return model(piece)

    with autocast():
        expected_loss = tiled(*model(batch))
    expected_loss.backward()
    expected = gradients(model)
    forget(model)
    with autocast(not inside):
        value = scale.cached_step(encode, split(batch, [5, 7]), tiled)
    assert value.item() == pytest.approx(expected_loss.item(), rel=1e-3)
    alike(gradients(model), expected, rtol=0.02)


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_chance_that_is_not_torchs_is_caught():
    model, batch = linear()
    rng = np.random.default_rng(0)
    for side in ("image", "text"):
        def encode(piece, side=side):
            noise = torch.tensor(rng.standard_normal((len(piece[0]), 4))) / 100
            image, text = model(piece)
            return (image + noise, text) if side == "image" else (image, text + noise)

        with pytest.raises(RuntimeError, match=f"encode gave other features of the {side} side for piece 0 the second"):
            scale.cached_step(encode, split(batch, [5, 7]), matching)


ONES = torch.ones(2, 3)
NAN = torch.tensor([[1.0, 2.0, 3.0], [1.0, float("nan"), 3.0]])
ENCODE = {  # what encode gives for piece 0, then for piece 1: the error and its words
    "one tensor": ([ONES], TypeError, "encode must give two tensors, image_features and text_features; got Tensor"),
    "none": ([None], TypeError, "encode must give two tensors.*got NoneType for piece 0"),
    "an array": ([(ONES, ONES), (ONES.numpy(), ONES)], TypeError, "for piece 1: image_features.*image side.*array"),
    "other numbers": ([(ONES, ONES), (ONES, ONES[:1])], ValueError, "for piece 1:.* 2 on the image.* 1 on the text"),
    "other widths of the sides": ([(ONES, ONES[:, :2])], ValueError, "piece 0:.*D = 3 on the image.*D = 2 on the text"),
    "nan": ([(ONES, ONES), (ONES, NAN)], ValueError, "encode, for piece 1: text_features.*nan at text 1, feature 1"),
    "other widths of the pieces": ([(ONES, ONES), (ONES[:, :2], ONES[:, :2])], ValueError,
                                   "one width D on the image and the text side.*D = 3 for piece 0.*D = 2 for piece 1"),
    "other dtypes of the pieces": ([(ONES, ONES), (ONES.double(), ONES.double())], TypeError,
                                   "one dtype on the image and the text side.*32 for piece 0.*float64 for piece 1"),
}  # fmt: skip


@pytest.mark.parametrize("what", ENCODE)
def test_what_encode_gives_is_named(what):
    given, error, words = ENCODE[what]
    with pytest.raises(error, match=words):
        scale.cached_step(lambda piece: given[piece], range(len(given)), matching)


LEARNED = torch.ones((), requires_grad=True)
LOSSES = {
    "a vector": (lambda image, text: (image * text).sum(1), r"got shape \(12,\)"),
    "a float": (lambda image, text: matching(image, text).item(), "got float"),
    "no graph": (lambda image, text: matching(image, text).detach(), "got one that depends on neither"),
    "of neither": (lambda image, text: matching(image.detach(), text.detach()) * LEARNED, "depends on neither"),
}


@pytest.mark.parametrize("what", LOSSES)
def test_what_the_loss_gives_is_named(what):
    model, batch = linear()
    loss, words = LOSSES[what]
    with pytest.raises(TypeError, match=f"loss must give a 0-d tensor that depends on image_features or.*{words}"):
        scale.cached_step(model, split(batch, [5, 7]), loss)
    assert gradients(model) == [None] * 4


def test_a_batch_needs_a_piece():
    for nothing in ([], iter(())):
        with pytest.raises(ValueError, match="pieces is empty: a batch needs one image and one text"):
            scale.cached_step(linear()[0], nothing, matching)


# --- memory -----------------------------------------------------------------------------------------------------------


def weigh(in_pieces):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # Each pair has 20 layers of 2,000 numbers to remember for the way back, and 16 features.
    layers = [nn.Linear(8, 2000), *(nn.Tanh() for _ in range(20)), nn.Linear(2000, 16)]
    image, text, x = nn.Sequential(*layers), nn.Linear(8, 16), torch.randn(512, 8)

    def encode(piece):
        return image(piece), text(piece)

    scale.cached_step(encode, [x[:8]], tiled)  # what torch holds from its first call on, and the gradients
    if in_pieces:
        return measure.process_bytes(lambda: scale.cached_step(encode, x.split(32), tiled))
    return measure.process_bytes(lambda: tiled(*encode(x)).backward())


@pytest.mark.slow
@pytest.mark.skipif(measure.process_bytes(lambda: None) is None, reason="only Linux can weigh a call")
def test_less_is_held_than_for_the_big_batch():
    assert alone(weigh, True) < alone(weigh, False) / 4

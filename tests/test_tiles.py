"""scale.tiled_matching_loss: the loops' loss and gradients from tiles, and never N×N.

The features are drawn here; the scores and the chain rule back to the features are worked out in float64.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu import labels, loops, scale
from xmatch_edu.course import measure
from xmatch_edu.scale import passes, tiles

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


# --- a case, and what the loops say of it -----------------------------------------------------------------------------


class Case(NamedTuple):
    """One call. The features are tensors of the dtype that is tried: the loops get the same rounded numbers."""

    image: torch.Tensor
    text: torch.Tensor
    scale: float
    class_ids: torch.Tensor | None
    tile_size: int | None


def features(kind, n, d, rng):
    """(N, D) of one side."""
    drawn = rng.standard_normal((n, d))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    if kind == "long":
        drawn *= 30
    if kind == "zeros":
        drawn[rng.random(n) < 0.4] = 0
    if kind == "twins":
        drawn = drawn[rng.integers(0, max(1, n // 2), n)]
    return drawn


def classes(kind, n, rng):
    if kind == "none":
        return None
    return torch.tensor({"same": np.zeros(n, int), "other": np.arange(n), "some": rng.integers(0, 3, n)}[kind])


@st.composite
def cases(draw, dtypes=tuple(DTYPES), most=1e4):
    n, d = draw(st.sampled_from([1, 2, 3, 5, 7, 13, 31])), draw(st.sampled_from([1, 2, 5, 16, 64]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kinds = st.sampled_from(["unit", "long", "zeros", "twins"])
    dtype = draw(st.sampled_from(dtypes))
    image, text = (torch.tensor(features(draw(kinds), n, d, rng)).to(dtype) for _ in range(2))
    largest = float((image.double() @ text.double().T).abs().max())
    factor = draw(st.sampled_from([1e-3, 0.3, 1.0, 1 / 0.07, 100.0, 1e4, None]))  # None: as far as logits may go
    factor = most / largest if factor is None and largest > 0 else factor or 1.0
    if factor * largest > most:
        factor = most / largest
    ids = classes(draw(st.sampled_from(["none", "none", "same", "some", "other"])), n, rng)
    sizes = [size for size in (1, 2, 3, 7, max(1, n - 1), n, n + 5) if n <= 8 * size]  # a tile costs 0.1 ms
    return Case(image, text, factor, ids, draw(st.sampled_from([*sizes, None])))


def ours(case, learned=True):
    """-> loss, and the gradients of image, text and scale."""
    image, text = (x.clone().requires_grad_() for x in (case.image, case.text))
    factor = torch.tensor(case.scale, dtype=tiles.accumulator(image), requires_grad=learned)
    loss = scale.tiled_matching_loss(image, text, scale=factor, class_ids=case.class_ids, tile_size=case.tile_size)
    loss.backward()
    return loss.detach(), image.grad, text.grad, factor.grad


def literal(case):
    """The same from the loops: value and gradient of S, and by hand the chain rule to what S is made of."""
    image, text = (x.double().numpy() for x in (case.image, case.text))
    # A float32 scale is not the number that was drawn.
    factor = torch.tensor(case.scale, dtype=tiles.accumulator(case.image)).item()
    s = image @ text.T
    mask = None if case.class_ids is None else labels.same_class_mask(case.class_ids).numpy()
    g = loops.matching_gradient(s, scale=factor, mask=mask)
    return loops.matching_loss(s, scale=factor, mask=mask), g @ text, g.T @ image, (g * s).sum() / factor


def bounds(case, expected):
    """How far value and gradients may be off: DESIGN's 8·eps·max(1, scale·max|S|), and the rounding of the products."""
    image, text = (x.double().numpy() for x in (case.image, case.text))
    n, d = image.shape
    eps, stored = torch.finfo(tiles.accumulator(case.image)).eps, torch.finfo(case.image.dtype)
    s = image @ text.T
    lengths = [np.linalg.norm(x, axis=1).max() for x in (image, text)]
    value = eps * (8 * max(1.0, case.scale * np.abs(s).max()) + np.sqrt(d) * case.scale * np.prod(lengths))
    # One-hot rows have a gradient of S with the norm scale/√N; what is off there reaches the features through the other
    # side. A product of N terms has a rounding of its own.
    of_scores = value * case.scale / np.sqrt(n)
    of_sides = [of_scores * np.linalg.norm(other, 2) * (1 + np.sqrt(n) / 8) for other in (text, image)]
    if stored.bits < 32:  # the gradient is rounded once more, and has a smallest step
        of_sides = [bound + stored.eps * np.linalg.norm(gradient) + stored.tiny * stored.eps * np.sqrt(gradient.size)
                    for bound, gradient in zip(of_sides, expected[1:3], strict=True)]  # fmt: skip
    of_scale = of_scores * np.linalg.norm(s) / case.scale
    of_scale += eps * np.linalg.norm(expected[1]) * np.linalg.norm(image) / case.scale
    return value, *of_sides, of_scale


def agree(case, found, expected):
    for name, one, other, bound in zip(
        ("loss", "image", "text", "scale"), found, expected, bounds(case, expected), strict=True
    ):
        error = np.linalg.norm(np.asarray(one.double()) - other)
        assert error <= bound, f"{name}: off by {error}, where {bound} is allowed"


def toy(n=5, d=4, factor=3.0, dtype=torch.float64, tile_size=2, class_ids=None, seed=0):
    rng = np.random.default_rng(seed)
    sides = (torch.tensor(features("unit", n, d, rng)).to(dtype) for _ in range(2))
    return Case(*sides, factor, class_ids, tile_size)


# --- the same numbers as the loops ------------------------------------------------------------------------------------


@given(cases())
def test_the_loops_in_value_and_every_gradient(case):
    found = ours(case)
    assert found[0].shape == () and found[0].dtype == found[3].dtype == tiles.accumulator(case.image)
    assert found[1].dtype == found[2].dtype == case.image.dtype
    assert all(x.isfinite().all() for x in found)
    agree(case, found, literal(case))


@given(cases(dtypes=(torch.float64, torch.float32), most=39.0))
def test_one_exp_for_all_and_an_exp_each_agree(case):
    expected = literal(case)
    for close in (0.0, 1e9):
        with mock.patch.object(passes, "_CLOSE", close):
            agree(case, ours(case), expected)


@pytest.mark.parametrize("dtype", DTYPES[:2])
@pytest.mark.parametrize(("spread", "one_exp"), [(79.9, True), (80.1, False), (700.0, False), (1e4, False)])
@pytest.mark.parametrize("kind", ["none", "some"])
def test_a_tile_whose_logits_just_lie_close_and_just_do_not(spread, one_exp, kind, dtype):
    rng = np.random.default_rng(3)
    logits = rng.uniform(0, spread, (6, 6))
    logits[0, 1], logits[2, 0] = 0, spread
    case = Case(torch.tensor(logits).to(dtype), torch.eye(6, dtype=dtype), 1.0, classes(kind, 6, rng), None)
    highs, high_of = [], passes._high

    def watched(logits):
        highs.append(high_of(logits))
        return highs[-1]

    with mock.patch.object(passes, "_high", watched):
        found = ours(case)
    assert [high is not None for high in highs] == [one_exp, one_exp]
    agree(case, found, literal(case))


@pytest.mark.parametrize("dtype", DTYPES[:2])
def test_a_row_that_is_left_out_of_a_tile_whose_logits_are_far_above_all_it_has(dtype):
    """Of image 0 only the texts 0 and 1 count, 2,000 below the rest: beside them exp overflows even float64."""
    logits = np.full((4, 4), 1000.0)
    logits[0, :2], logits[1, :2] = [-1000, -1001], [-1002, -1000]
    logits[1, 2:], logits[2, 2], logits[3, 2] = [990.0, 1010.0], 1003, 1001
    ids = torch.tensor([0, 1, 0, 0])
    for turned in (False, True):
        sides = torch.tensor(logits).to(dtype), torch.eye(4, dtype=dtype)
        case = Case(*(sides[::-1] if turned else sides), 1.0, ids, 2)
        found = ours(case)
        assert all(x.isfinite().all() for x in found)
        agree(case, found, literal(case))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("close", [0.0, 80.0])
def test_one_pair_has_loss_and_gradient_0(close, dtype, monkeypatch):
    monkeypatch.setattr(passes, "_CLOSE", close)
    for factor in (1e-3, 1.0, 1e4):
        case = toy(n=1, d=7, factor=factor, dtype=dtype)
        assert all((x == 0).all() for x in ours(case))


@pytest.mark.parametrize("kind", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_classes_may_be_any_integers(kind):
    ids = torch.tensor([1, 0, 1, 1, 2])
    assert ours(toy(class_ids=ids.to(kind)))[0] == ours(toy(class_ids=ids))[0] != ours(toy())[0]


@pytest.mark.parametrize("n", [2, 300])
def test_huge_losses_have_their_mean(n):
    """Each match is the worst of all, by 20,000."""
    case = Case(torch.eye(n), 1 - 2 * torch.eye(n), 1e4, None, 64)
    loss, *gradients = ours(case)
    assert loss.item() == pytest.approx(2e4 + np.log(n - 1), rel=1e-6)
    assert all(x.isfinite().all() and (x != 0).any() for x in gradients)


@pytest.mark.parametrize("tile_size", [1, 2, None])
@pytest.mark.parametrize("close", [0.0, 80.0])
def test_a_sure_row_keeps_the_last_digits_of_its_loss(close, tile_size, monkeypatch):
    """Its log-sum-exp is 1010.00005, and float32 numbers are 0.00006 apart there."""
    monkeypatch.setattr(passes, "_CLOSE", close)
    image, text = (torch.cat([torch.full((2, 1), first), 10 * torch.eye(2)], 1) for first in (1000.0, 1.0))
    case = Case(image, text / torch.tensor([1, 10, 10]), 1.0, None, tile_size)
    loss, of_image, *_ = ours(case)
    # The sum 1 + exp(−10) itself is one of float32: 0.0013 of the small part is the half of its last digit.
    assert loss.item() == pytest.approx(np.log1p(np.exp(-10)), rel=2e-3)
    if close:  # an exp each would lose the digits of this gradient
        expected = literal(case)[1]
        assert np.linalg.norm(of_image.numpy() - expected) <= 5e-3 * np.linalg.norm(expected)


# --- as part of a training --------------------------------------------------------------------------------------------


def test_a_tile_has_the_size_that_suits_the_device(monkeypatch):
    monkeypatch.setattr(tiles, "_TILE_ON_CPU", 3)
    monkeypatch.setattr(tiles, "_TILE_ON_GPU", 5)
    for device, size in (("cpu", 3), ("cuda", 5)):
        assert tiles.tile_size_on(torch.device(device), None) == size
        assert tiles.tile_size_on(torch.device(device), 4) == 4
    with mock.patch.object(passes, "see", wraps=passes.see) as seen:
        ours(toy(n=7, tile_size=None))
    assert [tuple(map(len, call.args[:2])) for call in seen.call_args_list][:4] == [(3, 3), (3, 3), (3, 1), (3, 3)]
    assert len(seen.call_args_list) == 9


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale_dtype", DTYPES)
def test_a_learned_scale_may_be_of_another_dtype_than_the_features(scale_dtype, dtype):
    image, text, *_ = toy(dtype=dtype)
    for factor in (torch.nn.Parameter(torch.tensor(3.0, dtype=scale_dtype)), 3.0):
        sides = [x.clone().requires_grad_() for x in (image, text)]
        loss = scale.tiled_matching_loss(*sides, scale=factor, tile_size=2)
        loss.backward()
        expected = literal(Case(image, text, 3.0, None, 2))
        eps = 16 * torch.finfo(tiles.accumulator(image)).eps
        assert loss.dtype == tiles.accumulator(image) and loss.item() == pytest.approx(expected[0], abs=eps)
        of_image = sides[0].grad.double().numpy()
        assert np.linalg.norm(of_image - expected[1]) <= (eps + torch.finfo(dtype).eps) * np.linalg.norm(expected[1])
        if isinstance(factor, torch.Tensor):
            assert factor.grad.dtype == scale_dtype and factor.grad.shape == ()
            assert factor.grad.item() == pytest.approx(expected[3], abs=eps + torch.finfo(scale_dtype).eps)


def test_a_scale_that_is_a_plain_number_or_a_whole_one():
    image, text, *_ = toy()
    values = {scale.tiled_matching_loss(image, text, scale=given).item()
              for given in (2, 2.0, np.float64(2), torch.tensor(2.0), torch.tensor(2.0, dtype=torch.float64))}
    assert len(values) == 1


def test_what_the_loss_is_multiplied_by_reaches_every_gradient():
    case = toy(class_ids=torch.tensor([0, 0, 1, 2, 1]))
    leaves = [x.clone().requires_grad_() for x in (case.image, case.text, torch.tensor(case.scale).double())]
    loss = scale.tiled_matching_loss(*leaves[:2], scale=leaves[2], class_ids=case.class_ids, tile_size=2)
    (loss * 3 + leaves[2] * 0).backward(retain_graph=True)
    for leaf, plain in zip(leaves, ours(case)[1:], strict=True):
        assert torch.allclose(leaf.grad, 3 * plain, rtol=1e-12)
    again = torch.autograd.grad(loss, leaves)  # the first way back has changed nothing that this one stands on
    assert all(torch.equal(x, plain) for x, plain in zip(again, ours(case)[1:], strict=True))


@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)])
def test_what_is_frozen_gets_no_gradient_and_changes_none(wanted):
    case = toy()
    leaves = [x.clone() for x in (case.image, case.text, torch.tensor(case.scale).double())]
    for k in wanted:
        leaves[k].requires_grad_()
    scale.tiled_matching_loss(*leaves[:2], scale=leaves[2], tile_size=2).backward()
    for k, (leaf, expected) in enumerate(zip(leaves, ours(case)[1:], strict=True)):
        assert torch.equal(leaf.grad, expected) if k in wanted else leaf.grad is None


def test_without_gradients_the_same_loss():
    image, text, factor, *_ = toy()
    plain = scale.tiled_matching_loss(image, text, scale=factor, tile_size=2)
    with torch.no_grad():
        loss = scale.tiled_matching_loss(image.requires_grad_(), text, scale=factor, tile_size=2)
    assert not plain.requires_grad and not loss.requires_grad and plain == loss == ours(toy())[0]


def test_features_that_do_not_lie_in_memory_row_by_row():
    case = toy(n=6)
    expected = ours(case)
    wide = torch.randn(12, 8, dtype=torch.float64)
    wide[::2, ::2] = case.image
    leaves = wide.requires_grad_(), case.text.T.contiguous().requires_grad_()
    loss = scale.tiled_matching_loss(leaves[0][::2, ::2], leaves[1].T, scale=case.scale, tile_size=2)
    loss.backward()
    assert loss.item() == pytest.approx(expected[0].item(), abs=1e-14)
    assert torch.allclose(leaves[0].grad[::2, ::2], expected[1], atol=1e-14)
    assert torch.allclose(leaves[1].grad.T, expected[2], atol=1e-14)
    assert leaves[0].grad.count_nonzero() == case.image.numel()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_changes_no_number(dtype):
    case = toy(n=7, d=16, factor=20.0, dtype=torch.float32)
    expected = ours(case)
    with torch.autocast("cpu", dtype=dtype):
        found = ours(case)
    assert all(torch.equal(x, y) for x, y in zip(found, expected, strict=True))


def test_nothing_is_changed_in_place():
    case = toy(class_ids=torch.tensor([0, 1, 0, 1, 2]))
    before = [x.clone() for x in (case.image, case.text, case.class_ids)]
    ours(case)
    assert all(torch.equal(x, y) for x, y in zip(before, (case.image, case.text, case.class_ids), strict=True))


def test_a_gradient_of_the_gradient_and_features_changed_in_between_are_errors():
    image, text, factor, *_ = toy()
    loss = scale.tiled_matching_loss(image.requires_grad_(), text, scale=factor)
    with pytest.raises(RuntimeError, match=r"tiled_matching_loss has no gradient of its gradient"):
        torch.autograd.grad(loss, image, create_graph=True)
    loss = scale.tiled_matching_loss(image, text, scale=factor)
    text.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# --- never N×N --------------------------------------------------------------------------------------------------------

def alone(function, *given):
    """-> what the function gives in a process of its own, whose memory it has for itself."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *given).result()


def weigh(n, size, factor, with_classes):
    torch.set_num_threads(1)
    image, text = torch.nn.functional.normalize(torch.randn(2, n, 64), dim=2)
    ids = torch.arange(n) // 2 if with_classes else None

    def step(n):
        given = [x[:n].detach().requires_grad_() for x in (image, text)]
        classes = None if ids is None else ids[:n]
        scale.tiled_matching_loss(*given, scale=factor, class_ids=classes, tile_size=size).backward()

    step(100)  # what torch holds from its first call on
    return measure.process_bytes(lambda: step(n))


@pytest.mark.slow
@pytest.mark.skipif(measure.process_bytes(lambda: None) is None, reason="only Linux can weigh a call")
@pytest.mark.parametrize(("n", "size", "factor", "with_classes", "part"), [
    (8192, None, 20.0, False, 4),  # some tiles of 4 MB, 22 to 37 MB in all, as the allocator likes
    (8192, 512, 20.0, False, 8),
    (6144, 256, 1e4, True, 8),
])  # fmt: skip
def test_much_less_than_the_matrix_is_held(n, size, factor, with_classes, part):
    assert 0 < alone(weigh, n, size, factor, with_classes) < n**2 * 4 / part


# --- what a wrong input is told ---------------------------------------------------------------------------------------


ONES, IDS = torch.ones(3, 2), torch.tensor([0, 1, 0])
TILE = "the rows and columns of a tile"
WRONG = {  # what: (arguments that differ from a right call, the error, words that it must say in this order)
    "fewer texts": ({"text_features": torch.ones(2, 2)}, ValueError, "pairs.* 3 on the image side and 2 on the text"),
    "other dtype": ({"text_features": ONES.double()}, TypeError, "float32 on the image side.*float64 on the text"),
    "nan text": ({"text_features": ONES * torch.nan}, ValueError, "text_features.*got nan at text 0, feature 0"),
    "no pair": ({"image_features": torch.ones(0, 2), "text_features": torch.ones(0, 2)}, ValueError, "is empty"),
    "sparse image": ({"image_features": ONES.to_sparse()}, TypeError, "image_features.*dense"),
    "two classes": ({"class_ids": IDS[:2]}, ValueError, r"class_ids.*pair \(image and text\), 3; got 2"),
    "2-d classes": ({"class_ids": IDS[None]}, ValueError, "class_ids"),
    "float classes": ({"class_ids": IDS.float()}, TypeError, "class_ids must be integers.*float32"),
    "list classes": ({"class_ids": [0, 1, 0]}, TypeError, "class_ids.*torch.Tensor.*list"),
    "scale 0": ({"scale": 0}, ValueError, "scale must be positive and finite.*got 0"),
    "scale -2, a tensor": ({"scale": torch.tensor(-2.0)}, ValueError, "scale must be positive and finite.*got -2"),
    "scale of one entry": ({"scale": torch.ones(1)}, TypeError, r"scale.*0-d.*shape \(1,\)"),
    "scale an integer tensor": ({"scale": torch.tensor(2)}, TypeError, "scale"),
    "tile_size 0": ({"tile_size": 0}, ValueError, f"tile_size must be at least 1, {TILE}; got 0"),
    "tile_size 2.5": ({"tile_size": 2.5}, TypeError, f"tile_size must be an int, {TILE}; got float"),
    "tile_size True": ({"tile_size": True}, TypeError, f"tile_size must be an int, {TILE}; got bool"),
    "overflow, then a small scale": ({"image_features": 1e20 * ONES, "text_features": -1e20 * ONES, "scale": 1e-10},
                                     ValueError, "image side.*text side.*dot product of them, up to 2e.40, may "
                                     "overflow torch.float32"),
    "overflow in float64": ({"image_features": 1e200 * ONES.double(), "text_features": 1e200 * ONES.double(),
                             "scale": 1e-300}, ValueError, "dot product.*up to inf, may overflow torch.float64"),
    "overflow by the scale": ({"image_features": 1e18 * ONES, "text_features": 1e18 * ONES, "scale": 1e4}, ValueError,
                              "scale × the largest of scores.*overflows torch.float32"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_input_is_named(what):
    changed, error, words = WRONG[what]
    given = {"image_features": ONES, "text_features": ONES, "scale": 1.0} | changed
    with pytest.raises(error, match=words):
        scale.tiled_matching_loss(given.pop("image_features"), given.pop("text_features"), **given)


def test_features_almost_too_large_are_none_of_these():
    case = Case(1e18 * ONES, -3e18 * ONES, 1e-36, None, None)
    assert all(x.isfinite().all() for x in ours(case))

"""losses.sigmoid_loss against the literal loops, against autograd pair by pair, and against open_clip."""

import importlib.util
import os
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cases import draw_mask, labels_of
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu import loops, losses

SIZES = [1, 2, 3, 5, 7]
DTYPES = [torch.float64, torch.float32, torch.float16]


class Case(NamedTuple):
    """One call of sigmoid_loss. All its numbers are exact in float16, so that every dtype gets the same ones."""

    scores: np.ndarray
    labels: np.ndarray | None
    mask: np.ndarray | None
    scale: float
    bias: float


@st.composite
def sigmoid_cases(draw):
    n, m = draw(st.sampled_from(SIZES)), draw(st.sampled_from(SIZES))
    kind = draw(st.sampled_from(["none", "permutation", "index", "identity", "several", "gaps"]))
    if kind in ("none", "permutation", "identity"):
        m = n
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size, scale = draw(st.sampled_from([(0, 1), (1, 1), (1, 10), (1, 0.25), (1, 8192), (8192, 1), (128, 64)]))
    scores = (size * rng.uniform(-1, 1, (n, m))).astype(np.float16).astype(np.float64)
    labels = labels_of(kind, n, m, rng)
    mask = draw_mask(draw, labels, n, m, rng)
    return Case(scores, labels, mask, float(scale), draw(st.sampled_from([-10.0, 0.0, 2.5, -8192.0, 8192.0])))


def tensor(array):
    return None if array is None else torch.tensor(array)


def leaves(case, dtype):
    """S, scale and bias, all with a gradient; the last two as a model holds them, never in half precision."""
    wide = torch.promote_types(dtype, torch.float32)
    return [torch.tensor(x, dtype=kind, requires_grad=True)
            for x, kind in ((case.scores, dtype), (case.scale, wide), (case.bias, wide))]  # fmt: skip


def pair_by_pair(scores, labels, mask, scale, bias):
    """The definition, one pair after another: log(1 + exp(−z)) for a match, log(1 + exp(z)) for any other."""
    matches, total = loops.match_matrix(labels, *scores.shape) > 0, 0 * (scores.sum() + scale + bias)
    for i, j in product(*map(range, scores.shape)):
        if mask is None or not mask[i, j]:
            z = scale * scores[i, j] + bias
            total = total + torch.logaddexp(torch.zeros_like(z), -z if matches[i, j] else z)
    return total / len(scores)


@given(sigmoid_cases(), st.sampled_from(DTYPES))
def test_loops_pairs_and_losses_agree_in_value_and_gradient(case, dtype):
    """Up to logits of ±16,000, where a sigmoid is 0 or 1 to the last bit: value and gradient stay finite, and right."""
    given = leaves(case, dtype)
    loss = losses.sigmoid_loss(given[0], tensor(case.labels), scale=given[1], bias=given[2], mask=tensor(case.mask))
    assert loss.shape == () and loss.dtype == torch.promote_types(dtype, torch.float32)
    gradients = torch.autograd.grad(loss, given)
    exact = leaves(case, torch.float64)
    literal = pair_by_pair(exact[0], case.labels, case.mask, *exact[1:])
    expected = loops.sigmoid_loss(case.scores, case.labels, scale=case.scale, bias=case.bias, mask=case.mask)
    assert literal.item() == pytest.approx(expected, rel=1e-12, abs=1e-300)

    (n, m), largest, eps = case.scores.shape, np.abs(case.scores).max(), torch.finfo(loss.dtype).eps
    off = 8 * eps * max(1.0, case.scale * largest + abs(case.bias))  # what rounding makes of one pair's logit
    assert abs(loss.item() - expected) <= m * off
    bounds = [off * case.scale / n, off * m * largest + eps, off * m]
    for gradient, wanted, bound in zip(gradients, torch.autograd.grad(literal, exact), bounds, strict=True):
        assert gradient.isfinite().all() and gradient.dtype == (dtype if gradient.ndim else loss.dtype)
        rounded = torch.finfo(gradient.dtype)
        error = (gradient.double() - wanted).abs()
        assert (error <= bound + rounded.eps * wanted.abs() + rounded.smallest_normal * rounded.eps).all()
    if case.mask is not None:
        assert not gradients[0][tensor(case.mask)].any()


def test_by_hand():
    """One match at z = 0 costs log 2; its neighbour at z = log 3 answers "yes" with 3/4, which costs log 4."""
    scores = torch.tensor([[0.0, np.log(3)]], dtype=torch.float64)
    for one in (torch.tensor([0]), torch.tensor([[1, 0]]), torch.tensor([[True, False]])):
        assert losses.sigmoid_loss(scores, one, scale=1, bias=0).item() == pytest.approx(np.log(8))
    both = losses.sigmoid_loss(scores, torch.ones(1, 2), scale=1, bias=0)
    assert both.item() == pytest.approx(np.log(2) + np.log(4 / 3))
    alone = losses.sigmoid_loss(scores, torch.tensor([0]), scale=1, bias=0, mask=torch.tensor([[False, True]]))
    assert alone.item() == pytest.approx(np.log(2))
    # Scale first, then bias; twice the images, the same mean.
    assert losses.sigmoid_loss(scores, torch.tensor([0]), scale=2, bias=-1).item() == pytest.approx(
        np.log1p(np.e) + np.log1p(9 / np.e))
    twice = losses.sigmoid_loss(scores.repeat(2, 1), torch.tensor([0, 0]), scale=1, bias=0)
    assert twice.item() == pytest.approx(np.log(8))


# ---- open_clip


def siglip():
    """SigLipLoss from its loss.py alone, as `bench` loads it: the package wants torchvision."""
    package = importlib.util.find_spec("open_clip")
    if package is None:
        if os.environ.get("CI"):
            raise ModuleNotFoundError("No module named 'open_clip'")
        pytest.skip("no open_clip; pip install --constraint constraints.txt -e '.[test,peers]' brings it")
    spec = importlib.util.spec_from_file_location("open_clip_loss", Path(package.origin).with_name("loss.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SigLipLoss(world_size=1)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-11), (torch.float32, 1e-4)])
def test_value_and_gradient_agree_with_open_clip(dtype, rtol):
    """It divides by no length, so it gets unit features, made by autograd from the raw ones."""
    theirs = siglip()
    for seed in range(50):
        rng = np.random.default_rng(seed)
        n, width = int(rng.integers(1, 65)), int(rng.integers(2, 65))
        image = rng.normal(size=(n, width))
        text = rng.uniform(0, 3) * image + rng.normal(size=(n, width))
        parts = image, text, np.log(rng.uniform(0.5, 100)), rng.uniform(-20, 5)
        given = [torch.tensor(x, dtype=dtype, requires_grad=True) for x in parts]
        ours = losses.SigmoidLoss().to(dtype)
        ours.logit_scale, ours.bias = (torch.nn.Parameter(x.detach().clone()) for x in given[2:])
        value = ours(*given[:2])
        unit = [F.normalize(side, dim=1) for side in given[:2]]
        expected = theirs(*unit, given[2].exp(), given[3])
        torch.testing.assert_close(value, expected, rtol=rtol, atol=0, msg=lambda m, seed=seed: f"seed {seed}: {m}")
        found = torch.autograd.grad(value, [*given[:2], ours.logit_scale, ours.bias])
        for what, one, other in zip(("image", "text", "scale", "bias"), found, torch.autograd.grad(expected, given),
                                    strict=True):  # fmt: skip
            assert (one - other).norm() <= rtol * (other.norm() + 1e-3), f"seed {seed}: gradient of {what}"


# ---- The module


def test_the_module_starts_where_siglip_does_and_learns_scale_and_bias():
    module = losses.SigmoidLoss()
    assert module.logit_scale.exp().item() == pytest.approx(10) and module.bias.item() == -10
    generator = torch.Generator().manual_seed(0)
    image, text = (torch.randn(6, 4, generator=generator) for _ in range(2))
    labels, mask = torch.eye(6).roll(1, dims=1), torch.zeros(6, 6, dtype=torch.bool)
    mask[0, 3] = True
    S = loops.cosine_scores(image.double().numpy(), text.double().numpy())
    expected = loops.sigmoid_loss(S, labels.numpy(), scale=10.0, bias=-10.0, mask=mask.numpy())
    assert module(image, text, labels, mask).item() == pytest.approx(expected, rel=1e-5)
    assert {name for name, _ in module.named_parameters()} == {"logit_scale", "bias"}
    optimizer, values = torch.optim.SGD(module.parameters(), lr=0.1), []
    for _ in range(60):
        optimizer.zero_grad()
        values.append(module(image, text))
        values[-1].backward()
        optimizer.step()
    assert values[-1] < values[0] / 2 and module.bias.item() > -9 and module.logit_scale.exp().item() < 9


def test_half_precision_features_have_a_loss_in_float32():
    loss = losses.SigmoidLoss()(torch.randn(3, 4).half(), torch.randn(3, 4).half())
    assert loss.dtype == torch.float32 and loss.isfinite()


@pytest.mark.parametrize("scale", [0, -1.0, float("inf"), float("nan")])
def test_the_module_names_a_bad_scale(scale):
    with pytest.raises(ValueError, match="scale must be positive and finite"):
        losses.SigmoidLoss(scale=scale)


# ---- Bad input

S = np.array([[0.5, -0.2, 0.1], [0.3, 0.9, 0.0]])
LABELS = np.array([0, 1])
HALF = np.array([[1.0, 0, 0], [0, 0.5, 0]])
BAD = {
    "scale 0": ({"scale": 0}, ValueError, "scale must be positive"),
    "bias NaN": ({"bias": float("nan")}, ValueError, "bias must be finite; got nan"),
    "bias infinite": ({"bias": -float("inf")}, ValueError, "bias must be finite; got -inf"),
    "bias beyond float": ({"bias": -(10**400)}, ValueError, "bias must be finite"),
    "bias list": ({"bias": [-10.0]}, TypeError, "bias must be a number; got list"),
    "bias None": ({"bias": None}, TypeError, "bias must be a number; got NoneType"),
    "bias True": ({"bias": True}, TypeError, "bias must be a number; got bool"),
    "labels of a half": ({"labels": HALF}, ValueError,
                         "labels of a sigmoid loss must be 0 or 1.*0.5 for image 1, text 1"),
    "no labels": ({"labels": None}, ValueError, "labels is needed"),
    "mask": ({"mask": np.ones((2, 3), bool)}, ValueError, "mask leaves out a match"),
    "mask shape": ({"mask": np.zeros((3, 2), bool)}, ValueError, "mask must have the shape of scores"),
    "scores": ({"scores": S * np.nan}, ValueError, "scores must be finite; got nan at image 0, text 0"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_named(bad):
    options, kind, words = BAD[bad]
    options = {"scores": S, "labels": LABELS, "scale": 10.0, "bias": -10.0} | options
    tensors = {name: torch.tensor(x) if isinstance(x, np.ndarray) else x for name, x in options.items()}
    with pytest.raises(kind, match=words):
        losses.sigmoid_loss(**tensors)
    if bad in ("no labels", "mask shape"):
        with pytest.raises(ValueError, match=words.split()[0]):
            loops.sigmoid_loss(**options)


@pytest.mark.parametrize(("bias", "kind", "words"), [
    (torch.tensor(torch.nan), ValueError, "bias must be finite; got nan"),
    (torch.tensor([-10.0]), TypeError, r"bias must be a number or a 0-d floating tensor; got Tensor of shape \(1,\)"),
    (torch.tensor(-10), TypeError, "bias must be a number or a 0-d floating tensor"),
    (torch.zeros((), device="meta"), ValueError, "bias and scores must be on one device"),
], ids=["NaN", "1-d", "integer", "device"])  # fmt: skip
def test_a_bad_bias_that_is_a_tensor_is_named(bias, kind, words):
    with pytest.raises(kind, match=words):
        losses.sigmoid_loss(torch.eye(2), scale=10.0, bias=bias)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("share", [(0.0, 0.3), (0.0, -0.3), (0.2, 0.2), (0.2, -0.2)])  # of the scores, of the bias
def test_what_may_overflow_is_named_and_what_does_not_is_finite(dtype, share):
    """Of four pairs: a sum of four times 0.3 of the largest number would be infinite, one of four times 0.24 is not."""
    wide = torch.promote_types(dtype, torch.float32)
    scores, (scale, bias) = torch.eye(2, dtype=dtype), (part * torch.finfo(wide).max for part in share)
    scale = max(1.0, scale)
    with pytest.raises(ValueError, match=r"scale × scores \+ bias, .*over the 4 pairs may overflow") as caught:
        losses.sigmoid_loss(scores, scale=scale, bias=bias)
    assert f"{bias:.3g}" in str(caught.value) and str(caught.value).endswith(str(dtype))
    assert losses.sigmoid_loss(scores, scale=0.6 * scale, bias=0.6 * bias).isfinite()
    given = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (scale, bias)]
    with pytest.raises(ValueError, match="over the 4 pairs may overflow"):
        losses.sigmoid_loss(torch.eye(2, dtype=dtype), scale=given[0], bias=given[1])


def test_where_values_are_not_looked_at_nothing_is_said_of_overflow():
    far = torch.zeros(2, 2, device="meta")
    for scale, bias in ((1e38, -3e38), (torch.tensor(1e38, device="meta"), torch.tensor(-3e38, device="meta"))):
        assert losses.sigmoid_loss(far, torch.arange(2, device="meta"), scale=scale, bias=bias).shape == ()


def test_scale_and_bias_must_be_said():
    with pytest.raises(TypeError, match="'scale' and 'bias'"):
        losses.sigmoid_loss(torch.eye(2))

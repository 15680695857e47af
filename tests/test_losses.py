"""losses.matching_loss against the literal loops, and both against what the formula promises."""

from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cases import gradient_bound, matching_cases, value_bound
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu import labels, loops, losses
from xmatch_edu.course import measure
from xmatch_edu.losses import _softmax as cross_entropy
from xmatch_edu.scores import cosine_scores

TOY = np.array([[2.0, 0.5, 0.1, -0.3], [0.4, 1.5, 1.2, 0.0], [-0.2, 0.8, 0.9, 0.3], [0.1, -0.5, 0.6, 1.8]])


def fast(case, dtype, cells):
    """(loss, gradient) of the vectorised function on the same numbers, `cells` cells of S at a time."""
    scores = torch.tensor(case.scores, dtype=dtype, requires_grad=True)
    with mock.patch.object(cross_entropy, "_CELLS_ON_CPU", cells):
        loss = losses.matching_loss(
            scores,
            None if case.labels is None else torch.tensor(case.labels),
            scale=case.scale,
            direction=case.direction,
            mask=None if case.mask is None else torch.tensor(case.mask),
            reduction=case.reduction,
        )
        loss.sum().backward()
    return loss.detach(), scores.grad


def literal(case):
    options = {"scale": case.scale, "direction": case.direction, "mask": case.mask}
    loss = loops.matching_loss(case.scores, case.labels, reduction=case.reduction, **options)
    reduction = "sum" if case.reduction == "none" else case.reduction
    return loss, loops.matching_gradient(case.scores, case.labels, reduction=reduction, **options)


# One row at a time, a few rows with a ragged last block, everything at once.
CELLS = st.sampled_from([1, 25, 200, 2**19])


@given(matching_cases(), st.sampled_from([torch.float64, torch.float32]), CELLS)
def test_loops_and_losses_agree_in_value_and_gradient(case, dtype, cells):
    loss, gradient = fast(case, dtype, cells)
    expected_loss, expected_gradient = literal(case)
    eps = torch.finfo(dtype).eps
    assert loss.dtype == gradient.dtype == dtype
    assert np.abs(loss.numpy() - expected_loss).max() <= value_bound(case, eps)
    assert np.linalg.norm(gradient.numpy() - expected_gradient) <= gradient_bound(case, eps)


@given(matching_cases(), st.sampled_from([torch.float16, torch.bfloat16]), CELLS)
def test_half_precision_scores_give_a_float32_loss_of_the_same_scores(case, dtype, cells):
    rounded = torch.tensor(case.scores, dtype=dtype).double().numpy()  # bfloat16 rounds the scores once more
    case = case._replace(scores=rounded)
    loss, gradient = fast(case, dtype, cells)
    expected_loss, expected_gradient = literal(case)
    assert loss.dtype == torch.float32 and gradient.dtype == dtype
    assert loss.isfinite().all() and gradient.isfinite().all()
    assert np.abs(loss.numpy() - expected_loss).max() <= value_bound(case, torch.finfo(torch.float32).eps)
    error = np.linalg.norm(gradient.double().numpy() - expected_gradient)
    # The gradient is stored in half precision: its own rounding, and float16's smallest steps, come on top.
    tiny = torch.finfo(dtype).smallest_normal * gradient.numel()
    assert error <= gradient_bound(case, torch.finfo(torch.float32).eps) + tiny + torch.finfo(
        dtype
    ).eps * np.linalg.norm(expected_gradient)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("n", [1, 2, 17])
@pytest.mark.parametrize("logit", [1e2, 1e3, 1e4])
def test_large_logits_have_the_true_value_and_a_live_gradient(n, dtype, logit):
    scores = torch.full((n, n), logit, dtype=dtype)
    scores.fill_diagonal_(-logit).requires_grad_()
    loss = losses.matching_loss(scores)
    loss.backward()
    wall = float(scores.detach().max()) - float(scores.detach().min())  # bfloat16 rounds 1e4
    expected = 0.0 if n == 1 else wall + np.log(n - 1)
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    assert scores.grad.isfinite().all()
    if n > 1:
        assert torch.allclose(scores.grad.diagonal().double(), torch.tensor(-1 / n).double(), rtol=1e-2)


def test_a_sure_row_keeps_its_digits():
    """The loss is 0.00005: of a score of 1010 less a log-sum-exp of 1010.00005, float32 would leave nothing."""
    scores = 1000 + torch.tensor([[10.0, 0.0], [0.0, 10.0]])
    assert losses.matching_loss(scores).item() == pytest.approx(np.log1p(np.exp(-10)), rel=5e-3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_dead_picture_has_a_finite_loss_and_gradient(dtype):
    images = torch.randn(5, 8, generator=torch.Generator().manual_seed(1)).to(dtype)
    images[2] = 0
    images.requires_grad_()
    texts = torch.randn(5, 8, generator=torch.Generator().manual_seed(2)).to(dtype).requires_grad_()
    rows = losses.matching_loss(cosine_scores(images, texts), scale=100.0, direction="image_to_text", reduction="none")
    assert rows[2].item() == pytest.approx(np.log(5), abs=1e-6)  # it scores 0 with every text, and so knows nothing
    rows.sum().backward()
    assert images.grad.isfinite().all() and texts.grad.isfinite().all() and (images.grad != 0).any()


def test_thousands_of_images_that_share_a_text_are_added_without_losing_digits():
    n = 16_384
    exact = np.random.default_rng(0).uniform(-1, 1, (n, 2)).astype(np.float32)
    expected = loops.matching_loss(exact, np.zeros(n, dtype=int), direction="text_to_image")
    y = torch.zeros(n, dtype=torch.int64)
    for some_labels in (y, F.one_hot(y, 2).float()):
        with mock.patch.object(cross_entropy, "_CELLS_ON_CPU", 2):  # a row at a time
            loss = losses.matching_loss(torch.tensor(exact), some_labels, direction="text_to_image")
        assert abs(loss.item() - expected) <= 8 * torch.finfo(torch.float32).eps


def test_a_matrix_of_many_blocks_is_what_torch_computes():
    scores = torch.randn(1500, 1500, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert len(cross_entropy._blocks(scores)) > 2 and cross_entropy._blocks(scores)[-1].stop == 1500
    scale = torch.tensor(20.0, requires_grad=True)
    ours = torch.autograd.grad(losses.matching_loss(scores, scale=scale), (scores, scale))
    where = torch.arange(1500)
    theirs = (F.cross_entropy(scale * scores, where) + F.cross_entropy((scale * scores).T, where)) / 2
    expected = torch.autograd.grad(theirs, (scores, scale))
    assert torch.dist(ours[0], expected[0]) <= 1e-5 * expected[0].norm()
    assert ours[1].item() == pytest.approx(expected[1].item(), rel=1e-4)


@pytest.mark.skipif(measure.process_bytes(lambda: None) is None, reason="only Linux can weigh a call")
def test_beside_the_scores_and_their_gradient_nothing_as_large_is_held():
    scores = torch.randn(3000, 3000, requires_grad=True)
    assert measure.process_bytes(lambda: losses.matching_loss(scores).backward()) < 1.6 * 4 * 3000**2


def test_labels_that_change_before_the_way_back_change_nothing():
    y = torch.tensor([1, 0, 2, 3])
    scores = torch.tensor(TOY, requires_grad=True)
    loss = losses.matching_loss(scores, y)
    y.copy_(torch.arange(4))
    loss.backward()
    assert np.allclose(scores.grad, loops.matching_gradient(TOY, np.array([1, 0, 2, 3])))


def test_a_gradient_of_the_gradient_and_scores_changed_in_between_are_errors():
    scores = torch.tensor(TOY, requires_grad=True)
    with pytest.raises(RuntimeError, match="gradient of its gradient"):
        torch.autograd.grad(losses.matching_loss(scores), scores, create_graph=True)
    scores = torch.tensor(TOY, requires_grad=True)
    raised = scores * 1
    loss = losses.matching_loss(raised)
    raised.add_(1)
    with pytest.raises(RuntimeError, match="inplace"):
        loss.backward()


def test_a_row_without_a_match_takes_no_gradient_whatever_comes_from_above():
    scores = torch.tensor(TOY, requires_grad=True)
    weights = torch.eye(4)
    weights[1, 1] = 0
    rows = losses.matching_loss(scores, weights, direction="image_to_text", reduction="none")
    rows.backward(torch.full((4,), 7.0, dtype=torch.float64))
    assert rows[1] == 0 and torch.equal(scores.grad[1], torch.zeros(4, dtype=torch.float64))
    assert (scores.grad[[0, 2, 3]] != 0).all()


def test_the_toy_matrix_of_chapter_02():
    rows = loops.matching_loss(TOY, direction="image_to_text", reduction="sum")
    columns = loops.matching_loss(TOY, direction="text_to_image", reduction="sum")
    assert (round(rows, 4), round(columns, 4)) == (2.7036, 2.7499)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_loops_are_the_formula_as_printed(n, seed):
    """P(D_i|Q_i) = exp(γ3·R(Q_i, D_i)) / Σ_j exp(γ3·R(Q_i, D_j)), L1 = −Σ_i log P(D_i|Q_i), without any safety."""
    scores = np.random.default_rng(seed).uniform(-1, 1, (n, n))
    p = np.exp(10 * scores) / np.exp(10 * scores).sum(axis=1, keepdims=True)
    assert loops.matching_loss(scores, scale=10, direction="image_to_text", reduction="sum") == pytest.approx(
        -np.log(np.diag(p)).sum(), abs=1e-12
    )
    steps = loops.matching_steps(scores, scale=10)
    assert np.allclose(steps.probabilities, p) and np.allclose(steps.logits, 10 * scores)
    assert np.array_equal(steps.targets, np.eye(n)) and np.allclose(steps.losses, -np.log(np.diag(p)))


@pytest.mark.parametrize("direction", ["image_to_text", "text_to_image", "both"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_hand_made_gradient_is_the_finite_difference(direction, reduction):
    rng = np.random.default_rng(3)
    scores, weights = rng.uniform(-1, 1, (4, 5)), (rng.random((4, 5)) < 0.4).astype(float)
    mask = (rng.random((4, 5)) < 0.3) & (weights == 0)
    options = {"scale": 3.0, "direction": direction, "reduction": reduction, "mask": mask}
    gradient = loops.matching_gradient(scores, weights, **options)
    step = 1e-6
    for i in range(4):
        for j in range(5):
            up, down = scores.copy(), scores.copy()
            up[i, j] += step
            down[i, j] -= step
            slope = (loops.matching_loss(up, weights, **options) - loops.matching_loss(down, weights, **options)) / (
                2 * step
            )
            assert gradient[i, j] == pytest.approx(slope, abs=1e-7)


def test_autograd_passes_gradcheck_for_scores_and_scale():
    rng = np.random.default_rng(5)
    scores = torch.tensor(rng.uniform(-1, 1, (4, 5)), requires_grad=True)
    scale = torch.tensor(7.0, dtype=torch.float64, requires_grad=True)
    soft, index = torch.tensor(rng.random((4, 5))), torch.tensor([3, 3, 0, 1])
    for some_labels in (soft, index):
        assert torch.autograd.gradcheck(
            lambda s, g, y=some_labels: losses.matching_loss(s, y, scale=g), (scores, scale)
        )


@pytest.mark.parametrize("n", [1, 4, 33])
def test_identity_and_arange_are_one_label_and_one_number_with_torch(n):
    scores = torch.randn(n, n, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    ours = [
        losses.matching_loss(scores, y, direction="image_to_text")
        for y in (None, torch.arange(n), labels.identity_labels(n), labels.identity_labels(n).long())
    ]
    theirs = [F.cross_entropy(scores, torch.arange(n)), F.cross_entropy(scores, torch.eye(n).double())]
    assert torch.allclose(torch.stack(ours), torch.stack(theirs).mean(), atol=1e-12)
    assert torch.allclose(theirs[0], theirs[1], atol=1e-12)


def test_shuffled_texts_give_the_same_loss_when_the_labels_follow_and_another_when_not():
    p = np.array([2, 0, 3, 1])  # column k now holds text p[k]; not its own inverse
    dealt, where = TOY[:, p], np.argsort(p)
    options = {"direction": "image_to_text", "reduction": "sum"}
    assert loops.matching_loss(dealt, where, **options) == pytest.approx(loops.matching_loss(TOY, **options))
    assert round(loops.matching_loss(dealt, **options), 4) == 8.6036
    options["direction"] = "text_to_image"  # labels still say which text belongs to image i: the function turns them
    assert loops.matching_loss(dealt, where, **options) == pytest.approx(loops.matching_loss(TOY, **options))


def test_a_mask_is_the_same_as_taking_the_text_away():
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[0, 3] = mask[1, 3] = mask[2, 3] = True
    with_mask = losses.matching_loss(torch.tensor(TOY), direction="image_to_text", reduction="none", mask=mask)
    without = losses.matching_loss(
        torch.tensor(TOY[:3, :3]), torch.arange(3), direction="image_to_text", reduction="none"
    )
    assert torch.allclose(with_mask[:3], without)


def test_rows_without_a_match_are_left_out_of_the_mean_and_a_fully_masked_row_has_no_gradient():
    weights = torch.eye(4)
    weights[3, 3] = 0
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[3] = True
    scores = torch.tensor(TOY, requires_grad=True)
    loss = losses.matching_loss(scores, weights, direction="image_to_text", mask=mask)
    loss.backward()
    three = losses.matching_loss(torch.tensor(TOY[:3]), torch.arange(3), direction="image_to_text")
    assert torch.allclose(loss, three)
    assert torch.equal(scores.grad[3], torch.zeros(4, dtype=torch.float64)) and scores.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_under_autocast_the_loss_stays_float32_and_its_gradient_arrives(dtype):
    images = torch.randn(6, 8, generator=torch.Generator().manual_seed(1), requires_grad=True)
    texts = torch.randn(6, 8, generator=torch.Generator().manual_seed(2))
    with torch.autocast("cpu", dtype=dtype):
        scores = cosine_scores(images, texts)
        loss = losses.matching_loss(scores, scale=10.0)
    loss.backward()
    assert scores.dtype == dtype and loss.dtype == torch.float32
    assert loss.item() == pytest.approx(loops.matching_loss(scores.detach().double().numpy(), scale=10.0), rel=1e-6)
    (expected,) = torch.autograd.grad(losses.matching_loss(cosine_scores(images, texts), scale=10.0), images)
    assert torch.dist(images.grad, expected) <= 0.05 * expected.norm()


@pytest.mark.parametrize("wrong, word", [
    ({"scale": 0.0}, "scale"), ({"scale": -1.0}, "scale"), ({"scale": 101.0}, "largest_scale"),
    ({"largest_scale": float("inf")}, "largest_scale"), ({"scale": float("nan")}, "scale"),
    ({"direction": "image_to_image"}, "direction"),
])  # fmt: skip
def test_the_module_names_what_is_wrong(wrong, word):
    with pytest.raises(ValueError, match=word):
        losses.MatchingLoss(**wrong)


def test_the_module_has_a_limit_of_its_own_and_survives_being_stored():
    module = losses.MatchingLoss(scale=5.0, largest_scale=6.0)
    with torch.no_grad():
        module.logit_scale.fill_(np.log(50.0))
    assert module(torch.eye(3), torch.eye(3)).item() == pytest.approx(
        losses.matching_loss(torch.eye(3), scale=6.0).item(), rel=1e-5
    )
    twice = module(torch.eye(3), torch.eye(3)) + module.logit_scale**2
    (twice + module(torch.eye(3), torch.eye(3))).backward()  # a second use does not spoil the first
    other = losses.MatchingLoss()
    other.load_state_dict(module.state_dict())
    assert other.logit_scale.item() == pytest.approx(np.log(6.0))


def test_the_module_learns_its_scale_from_its_logarithm_and_never_exceeds_the_largest():
    images = torch.randn(6, 8, generator=torch.Generator().manual_seed(1))
    texts = images + 0.1 * torch.randn(6, 8, generator=torch.Generator().manual_seed(2))
    module = losses.MatchingLoss(direction="image_to_text")
    loss = module(images, texts)
    assert torch.equal(loss, losses.matching_loss(cosine_scores(images, texts), scale=module.logit_scale.exp(),
                                                  direction="image_to_text"))
    assert module.logit_scale.item() == pytest.approx(np.log(1 / 0.07))
    for stored, expected in [(np.log(1e4), 100.0), (np.log(0.5), 0.5)]:
        with torch.no_grad():
            module.logit_scale.fill_(stored)
        module.logit_scale.grad = None
        module(images, texts).backward()
        assert module.logit_scale.exp().item() == pytest.approx(expected, rel=1e-5)
        assert module.logit_scale.grad != 0  # at the bound too: it can come back
    labels_, mask = torch.tensor([1, 0, 2, 3, 4, 5]), torch.zeros(6, 6, dtype=torch.bool)
    mask[0, 5] = True
    assert torch.equal(
        module(images, texts, labels_, mask),
        losses.matching_loss(cosine_scores(images, texts), labels_, mask=mask, scale=module.logit_scale.exp(),
                             direction="image_to_text"),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8])
def test_labels_of_every_integer_type(dtype):
    y = torch.tensor([2, 0, 3, 1], dtype=dtype)
    for direction in ("image_to_text", "text_to_image"):
        expected = losses.matching_loss(torch.tensor(TOY), y.long(), direction=direction)
        assert losses.matching_loss(torch.tensor(TOY), y, direction=direction) == expected
        one_hot = F.one_hot(y.long(), 4).to(dtype)
        assert torch.allclose(losses.matching_loss(torch.tensor(TOY), one_hot, direction=direction), expected)
    assert torch.equal(labels.match_matrix(y, 4, 4, "cpu"), F.one_hot(y.long(), 4).float())


@pytest.mark.parametrize("size", [1e-50, 1e-40, 1e38, 1e300])
def test_only_the_proportions_of_weights_count(size):
    weights = np.random.default_rng(1).random((4, 4))
    expected = losses.matching_loss(torch.tensor(TOY), torch.tensor(weights))
    scaled = losses.matching_loss(torch.tensor(TOY, dtype=torch.float32), torch.tensor(size * weights))
    assert scaled.item() == pytest.approx(expected.item(), rel=1e-5)
    assert loops.matching_loss(TOY, size * weights) == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("depth", [1e4, 1e30])
def test_a_mask_holds_where_every_score_is_far_below_zero(depth):
    mask = torch.zeros(3, 3, dtype=torch.bool)
    mask[0, 1] = mask[0, 2] = True
    loss = losses.matching_loss(torch.full((3, 3), -depth), direction="image_to_text", reduction="none", mask=mask)
    assert loss[0] == 0 and loss[1].item() == pytest.approx(np.log(3), abs=1e-6)


def test_the_steps_of_a_masked_row():
    mask = np.zeros((4, 4), dtype=bool)
    mask[2] = True
    weights = np.eye(4)
    weights[2, 2] = 0
    steps = loops.matching_steps(TOY, weights, mask=mask)
    assert (steps.logits[2] == -np.inf).all() and (steps.probabilities[2] == 0).all()
    assert steps.has_match.tolist() == [True, True, False, True] and steps.losses[2] == 0


def test_the_scale_may_be_any_real_number_and_scores_may_be_a_parameter():
    expected = losses.matching_loss(torch.tensor(TOY), scale=0.5)
    learned = torch.nn.Parameter(torch.tensor(0.5))
    for half in (np.float32(0.5), np.float64(0.5), Fraction(1, 2), torch.tensor(0.5), learned):
        assert losses.matching_loss(torch.tensor(TOY), scale=half).item() == pytest.approx(expected.item())
    parameter = torch.nn.Parameter(torch.tensor(TOY))
    mask = torch.zeros(4, 4, dtype=torch.bool)
    for y in (torch.arange(4), torch.eye(4)):
        assert losses.matching_loss(parameter, y, scale=0.5, mask=mask).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("y", [None, torch.tensor([1, 0, 2, 1]), torch.eye(4)])
def test_away_from_the_cpu_no_value_is_looked_at(y):
    """The meta device has no values at all, so it stands in for a GPU, where a look would wait for the device."""
    y = None if y is None else y.to("meta")
    scores = torch.empty(4, 4, device="meta", requires_grad=True)
    for direction in ("image_to_text", "text_to_image", "both"):
        for scale in (2.0, torch.tensor(2.0, device="meta", requires_grad=True)):
            losses.matching_loss(scores, y, direction=direction, scale=scale).backward()
    mask = torch.empty(4, 4, device="meta", dtype=torch.bool)
    assert losses.matching_loss(scores, y, mask=mask, reduction="sum").device.type == "meta"
    assert cosine_scores(torch.empty(3, 2, device="meta"), torch.empty(4, 2, device="meta")).shape == (3, 4)
    assert labels.same_class_mask(torch.empty(4, device="meta", dtype=torch.int64)).shape == (4, 4)

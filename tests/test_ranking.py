"""losses.ranking_loss and structure_loss against the literal loops, and both against what their papers promise."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from cases import draw_mask, labels_of
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu import loops, losses, scores
from xmatch_edu.loops import ranking_gradient, ranking_steps

SIZES = [1, 2, 3, 5, 7, 13, 31]


class Case(NamedTuple):
    """One call of ranking_loss, as NumPy arrays."""

    scores: np.ndarray
    labels: np.ndarray | None
    options: dict  # margin, negatives, direction, mask
    reduction: str


@st.composite
def ranking_cases(draw, *, ties=False):
    """No two scores are equal and no violation is exactly 0, unless `ties`; and every number is exact in float32."""
    n, m = draw(st.sampled_from(SIZES)), draw(st.sampled_from(SIZES))
    kind = draw(st.sampled_from(["none", "permutation", "index", "identity", "several", "gaps"]))
    if kind in ("none", "permutation", "identity"):
        m = n
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    grid = rng.integers(-2, 3, n * m) * 256 if ties else rng.choice(2048, n * m, replace=False) - 1024
    values = grid.reshape(n, m) / 1024
    labels = labels_of(kind, n, m, rng)
    mask = draw_mask(draw, labels, n, m, rng)
    direction = draw(st.sampled_from(["image_to_text", "text_to_image", "both"]))
    options = {
        "margin": draw(st.sampled_from([0.0, 0.25] if ties else [1 / 2048, 0.25 + 1 / 2048, 1.5 + 1 / 2048])),
        "negatives": draw(st.sampled_from(["all", "hardest", 1, 2, 3, 10, 100])),
        "direction": direction,
        "mask": mask,
    }
    reductions = ["mean", "sum"] if direction == "both" else ["mean", "sum", "none"]
    return Case(values, labels, options, draw(st.sampled_from(reductions)))


def fast(case, dtype):
    given = torch.tensor(case.scores, dtype=dtype, requires_grad=True)
    as_tensor = {"mask": None if case.options["mask"] is None else torch.tensor(case.options["mask"])}
    labels = None if case.labels is None else torch.tensor(case.labels)
    loss = losses.ranking_loss(given, labels, reduction=case.reduction, **{**case.options, **as_tensor})
    loss.sum().backward()
    return loss.detach(), given.grad


@given(ranking_cases(), st.sampled_from([torch.float64, torch.float32]))
def test_loops_and_losses_agree_in_value_and_gradient(case, dtype):
    loss, gradient = fast(case, dtype)
    assert loss.dtype == gradient.dtype == dtype
    expected = loops.ranking_loss(case.scores, case.labels, reduction=case.reduction, **case.options)
    np.testing.assert_allclose(loss.numpy(), expected, rtol=8 * torch.finfo(dtype).eps)
    reduction = "sum" if case.reduction == "none" else case.reduction
    by_hand = ranking_gradient(case.scores, case.labels, reduction=reduction, **case.options)
    np.testing.assert_allclose(gradient.numpy(), by_hand, rtol=8 * torch.finfo(dtype).eps)


@given(ranking_cases(ties=True), st.sampled_from([torch.float64, torch.float16, torch.bfloat16]))
def test_at_exact_ties_the_values_agree_and_the_gradient_sums_to_nothing(case, dtype):
    loss, gradient = fast(case, dtype)
    assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32) and gradient.dtype == dtype
    expected = loops.ranking_loss(case.scores, case.labels, reduction=case.reduction, **case.options)
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-6)
    # Each violation pulls as hard as it pushes.
    assert abs(gradient.double().sum()) <= torch.finfo(dtype).eps * gradient.double().abs().sum()


@given(ranking_cases())
def test_the_gradient_by_hand_is_the_slope_of_the_loops(case):
    rng = np.random.default_rng(0)
    way = rng.choice([-1.0, 1.0], case.scores.shape)
    step = 1e-6  # far smaller than the distance to any kink
    options = {**case.options, "reduction": "sum" if case.reduction == "none" else case.reduction}
    there, back = (loops.ranking_loss(case.scores + sign * step * way, case.labels, **options) for sign in (1, -1))
    by_hand = (ranking_gradient(case.scores, case.labels, **options) * way).sum()
    assert (there - back) / (2 * step) == pytest.approx(by_hand, abs=1e-6 * max(1, case.scores.size))


def test_a_batch_by_hand():
    S = np.array([[0.5, 0.4], [0.1, 0.2]])
    # Rows: 0.2 + 0.4 − 0.5 = 0.1 and 0.2 + 0.1 − 0.2 = 0.1; columns: 0.2 + 0.1 − 0.5 < 0 and 0.2 + 0.4 − 0.2 = 0.4.
    for direction, total in [("image_to_text", 0.2), ("text_to_image", 0.4), ("both", 0.6)]:
        for loss in (loops.ranking_loss(S, direction=direction),
                     losses.ranking_loss(torch.tensor(S), direction=direction).item()):  # fmt: skip
            assert loss == pytest.approx(total)
    assert losses.ranking_loss(torch.tensor(S), reduction="mean").item() == pytest.approx(0.1 + 0.2)
    steps = ranking_steps(S, direction="text_to_image")
    np.testing.assert_allclose(steps.violations, [[0, 0.4], [0, 0]])
    np.testing.assert_allclose(steps.gradient, [[0, 1], [0, -1]])


def test_texts_of_one_image_are_never_each_others_negatives():
    """Two texts an image: the second text scores higher than the first, and costs nothing."""
    labels = torch.eye(3).repeat_interleave(2, dim=1)
    S = 2 * labels + torch.tensor([0.0, 1.0] * 3)
    assert losses.ranking_loss(S, labels, direction="image_to_text", margin=0.5).item() == 0
    labels_of_one = torch.tensor([0, 2, 4])  # the other text forgotten: it counts as a negative of its own image
    assert losses.ranking_loss(S, labels_of_one, direction="image_to_text", margin=0.5).item() == 3 * 1.5


def test_the_mean_is_over_the_anchors():
    S = torch.zeros(2, 4)
    labels = torch.tensor([[1, 0, 0, 0], [0, 0, 0, 0]])  # one image of two, one text of four has a match
    for direction, negatives in [("image_to_text", 3), ("text_to_image", 1)]:
        loss = losses.ranking_loss(S, labels, margin=1, direction=direction, reduction="mean")
        assert loss.item() == negatives
    each = losses.ranking_loss(S, labels, margin=1, direction="text_to_image", reduction="none")
    assert each.tolist() == [1, 0, 0, 0]


# ---- Within one view


@given(st.sampled_from(SIZES), st.integers(1, 4), st.integers(0, 2**32 - 1),
       st.sampled_from(["all", "hardest", 2, 100]), st.sampled_from(["sum", "mean", "none"]))  # fmt: skip
def test_structure_loss_is_its_loops(n, groups, seed, negatives, reduction):
    rng = np.random.default_rng(seed)
    features, ids = rng.normal(size=(n, 3)), rng.integers(0, groups, n)
    options = {"margin": 0.3, "negatives": negatives, "reduction": reduction}
    closeness = loops.distance_scores(features, features)
    given = torch.tensor(features, requires_grad=True)
    found = losses.structure_loss(scores.distance_scores(given, given), torch.tensor(ids), **options)
    np.testing.assert_allclose(found.detach().numpy(), loops.structure_loss(closeness, ids, **options),
                               rtol=1e-12, atol=1e-12)  # fmt: skip
    found.sum().backward()
    assert torch.isfinite(given.grad).all()  # the distance to itself has a kink, and is not looked at

    # The same as the ranking loss of one view with itself, where nobody is his own match or negative.
    neighbours = (ids[:, None] == ids[None, :]) & ~np.eye(n, dtype=bool)
    if neighbours.any():
        same = loops.ranking_loss(closeness, neighbours.astype(float), mask=np.eye(n, dtype=bool),
                                  direction="image_to_text", **options)  # fmt: skip
        np.testing.assert_allclose(found.detach().numpy(), same, rtol=1e-12)


def test_a_batch_without_neighbours_has_no_structure():
    S, ids = torch.randn(4, 4, requires_grad=True), torch.arange(4)
    for reduction in ("sum", "mean"):
        loss = losses.structure_loss(S, ids, reduction=reduction)
        loss.backward()
        assert loss.item() == 0 and S.grad.abs().max() == 0
        assert loops.structure_loss(S.detach().numpy(), ids.numpy(), reduction=reduction) == 0


# ---- Distances


@given(st.sampled_from(SIZES), st.sampled_from(SIZES), st.sampled_from([1, 2, 7]), st.sampled_from([1, 1e-30, 1e30]),
       st.sampled_from([torch.float32, torch.float64, torch.bfloat16]), st.integers(0, 2**32 - 1))  # fmt: skip
def test_distances_are_their_loops(n, m, d, size, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    image, text = ((size * torch.randn(k, d, generator=generator)).to(dtype) for k in (n, m))
    text[0] = image[0]
    expected = loops.distance_scores(image.double().numpy(), text.double().numpy())
    found = scores.distance_scores(image, text)
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32) and found[0, 0] == 0
    np.testing.assert_allclose(found.double().numpy(), expected, rtol=1e-12 if dtype == torch.float64 else 1e-5)


def test_distances_have_the_right_gradient_and_none_where_two_are_the_same():
    image, text = (torch.randn(k, 4, dtype=torch.float64, requires_grad=True) for k in (3, 5))
    torch.autograd.gradcheck(scores.distance_scores, (image, text))
    torch.autograd.gradcheck(lambda x: losses.ranking_loss(scores.distance_scores(x, text[:3])), (image,))
    same = torch.randn(3, 4, requires_grad=True)
    scores.distance_scores(same, same.detach()).diagonal().sum().backward()
    assert same.grad.abs().max() == 0


def test_wangs_published_loss_by_arguments():
    """Two sentences an image, distances of unit features: their sums in our arguments, here spelt out once more."""
    generator = torch.Generator().manual_seed(0)
    images, k, sentences = 12, 10, 2
    image = torch.nn.functional.normalize(torch.randn(images, 6, generator=generator, dtype=torch.float64))
    near = image.repeat_interleave(sentences, dim=0)
    text = torch.nn.functional.normalize(near + 0.5 * torch.randn(near.shape, generator=generator, dtype=torch.float64))
    owner = torch.arange(images).repeat_interleave(sentences)

    def theirs(distance, others, own):
        """A mean over the matches and over the 10 largest hinges of each, whether they are 0 or not."""
        hinges = [sorted((max(0.0, 0.05 + (distance(*pair) - distance(pair[0], k)).item()) for k in others(*pair)),
                         reverse=True)[:10] for pair in own]  # fmt: skip
        return np.mean(hinges)

    def cross(i, j):
        return (image[i] - text[j]).norm()

    def within(i, j):
        return (text[i] - text[j]).norm()

    strangers = {i: [j for j in range(len(text)) if owner[j] != i] for i in range(images)}
    pairs = [(int(owner[j]), j) for j in range(len(text))]
    expected = 1.5 * theirs(lambda j, i: cross(i, j), lambda j, i: [o for o in range(images) if o != i],
                            [(j, i) for i, j in pairs])  # fmt: skip
    expected += theirs(cross, lambda i, j: strangers[i], pairs)
    expected += 0.05 * theirs(within, lambda j, other: strangers[int(owner[j])], [(j, j ^ 1) for j in range(len(text))])

    S, labels = scores.distance_scores(image, text), torch.eye(images).repeat_interleave(sentences, dim=1)
    options, count = {"margin": 0.05, "negatives": k}, k * len(text)
    ours = 1.5 * losses.ranking_loss(S, labels, direction="text_to_image", **options) / count
    ours += losses.ranking_loss(S, labels, direction="image_to_text", **options) / count
    ours += 0.05 * losses.structure_loss(scores.distance_scores(text, text), owner, **options) / count
    assert ours.item() == pytest.approx(expected, rel=1e-12)


# ---- What a wrong input is told


S = np.zeros((2, 3))
WRONG = [
    ({"margin": -0.1}, ValueError, "margin must be at least 0"),
    ({"margin": float("nan")}, ValueError, "margin must be at least 0"),
    ({"margin": "0.2"}, TypeError, "margin must be a number"),
    ({"margin": True}, TypeError, "margin must be a number"),
    ({"negatives": 0}, ValueError, "negatives must be"),
    ({"negatives": True}, ValueError, "negatives must be"),
    ({"negatives": "hard"}, ValueError, "negatives must be"),
    ({"negatives": 1.5}, ValueError, "negatives must be"),
    ({"labels": None}, ValueError, "2 images .* 3 texts"),
    ({"labels": np.array([[1, 0, 0], [0, 0.5, 0]])}, ValueError, "labels of a ranking .* 0.5 for image 1, text 1"),
    ({"mask": np.eye(2, 3, dtype=bool)}, ValueError, "mask leaves out a match"),
    ({"reduction": "none"}, ValueError, "needs one direction"),
    ({"scores": np.full((2, 3), np.nan)}, ValueError, "scores must be finite"),
    ({"scores": np.full((2, 3), 1.7e308)}, ValueError, "may overflow"),
]


@pytest.mark.parametrize(("wrong", "kind", "words"), WRONG)
def test_a_wrong_input_is_named(wrong, kind, words):
    given = {"scores": S, "labels": np.array([0, 1]), **wrong}
    tensors = {name: torch.tensor(x) if isinstance(x, np.ndarray) else x for name, x in given.items()}
    with pytest.raises(kind, match=words):
        losses.ranking_loss(**tensors)


@pytest.mark.parametrize(("scores", "ids", "words"), [
    (np.zeros((2, 3)), np.zeros(2, dtype=int), "scores of one view"),
    (np.zeros((2, 2)), np.zeros(3, dtype=int), "group_ids must have one group"),
    (np.zeros((2, 2)), np.zeros((2, 1), dtype=int), "group_ids must have one"),
    (np.zeros((2, 2)), np.zeros(2), "group_ids must be integers"),
    (np.full((2, 2), np.inf), np.zeros(2, dtype=int), "finite"),
])  # fmt: skip
def test_a_wrong_view_is_named(scores, ids, words):
    with pytest.raises((ValueError, TypeError), match=words):
        losses.structure_loss(torch.tensor(scores), torch.tensor(ids))


def test_loops_name_what_has_no_place_in_them():
    for negatives in (0, -1, 1.5, "hard"):
        with pytest.raises(ValueError, match="negatives must be"):
            loops.ranking_loss(S, np.array([0, 1]), negatives=negatives)
    for closeness, ids in ((np.zeros((2, 3)), [0, 0]), (np.zeros((2, 2)), [0, 0, 0])):
        with pytest.raises(ValueError, match=f"got 2 rows, {closeness.shape[1]} columns, {len(ids)} group_ids"):
            loops.structure_loss(closeness, ids)


def test_distances_of_different_widths_are_named():
    with pytest.raises(ValueError, match="same width D"):
        scores.distance_scores(torch.zeros(2, 3), torch.zeros(2, 4))

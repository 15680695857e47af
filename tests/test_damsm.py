"""Words and regions: the fast scores and the DAMSM loss against the literal loops, in value and gradient."""

from math import inf, log, nan

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu import _inputs, loops, losses, scores

OPTIONS = {
    "gamma1": st.sampled_from([0.1, 1.0, 5.0, 100.0]),
    "gamma2": st.sampled_from([0.1, 1.0, 5.0, 100.0]),
    "attention": st.sampled_from(_inputs.ATTENTIONS),
    "compete_over_words": st.booleans(),
    "divide_by_gamma2": st.booleans(),
}


@st.composite
def batches(draw, *, pairs=False):
    """regions (N, R, D), words (M, T, D), lengths, as float64 arrays; what stands in the padding is drawn too."""
    n, m = draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 2, 3]))
    t, r, d = (draw(st.sampled_from([1, 2, 3, 5])) for _ in range(3))
    m = n if pairs else m
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([0.1, 1.0, 3.0, 100.0]))
    regions, words = size * rng.standard_normal((n, r, d)), rng.standard_normal((m, t, d))
    if draw(st.booleans()):
        regions[rng.integers(n), rng.integers(r)] = 0  # a region where nothing is
    lengths = draw(st.sampled_from([None, rng.integers(1, t + 1, m)]))
    return regions, words, lengths


def tensors(*arrays, dtype=torch.float64):
    return [torch.tensor(a, dtype=dtype if a.dtype.kind == "f" else None) if a is not None else None for a in arrays]


@given(batches(), st.fixed_dictionaries(OPTIONS), st.sampled_from([1, 7, 60, 2**21]))
def test_scores_and_attention_are_the_loops_for_every_size_of_piece(batch, options, cells):
    expected, looks = loops.word_region_scores(*batch, **options, return_attention=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "_CELLS_ON_CPU", cells)
        found, found_looks = scores.word_region_scores(*tensors(*batch), **options, return_attention=True)
        alone = scores.word_region_scores(*tensors(*batch), **options)
    # A softmax of products as large as s carries their rounding on, and γ1 and γ2 stretch it.
    largest = max(1, np.abs(batch[0]).max() * np.abs(batch[1]).max())
    bound = 1e-14 * largest * max(1, options["gamma1"]) * max(1, options["gamma2"])
    assert np.abs(found.numpy() - expected).max() <= bound * max(1, np.abs(expected).max())
    assert np.abs(found_looks.numpy() - looks).max() <= bound
    assert torch.equal(alone, found)


def per_pair(regions, words, lengths, gamma1, gamma2, attention, compete_over_words, divide_by_gamma2):
    """The formula for one image and one text at a time, in torch, so that autograd can be asked about it."""
    rows = []
    for image in regions:
        row = []
        for j, text in enumerate(words):
            text = text if lengths is None else text[: int(lengths[j])]
            s = text @ image.T
            if attention == "cosine":
                s = torch.cosine_similarity(text[:, None], image[None], dim=2, eps=1e-300)
            if compete_over_words:
                s = torch.softmax(s, dim=0)
            contexts = torch.softmax(gamma1 * s, dim=1) @ image
            cosines = torch.cosine_similarity(contexts, text, dim=1, eps=1e-300)
            score = torch.logsumexp(gamma2 * cosines, dim=0)
            row.append(score / gamma2 if divide_by_gamma2 else score)
        rows.append(torch.stack(row))
    return torch.stack(rows)


@given(batches(), st.fixed_dictionaries(OPTIONS), st.sampled_from([1, 30, 2**21]))
def test_gradients_are_those_of_the_literal_pair_by_pair_form(batch, options, cells):
    regions, words, lengths = tensors(*batch)
    # Away from zero vectors and from regions that cancel: there a direction has no gradient, and any is as good.
    regions = torch.where(regions == 0, 0.1, regions)
    _, looks = loops.word_region_scores(regions.numpy(), words.numpy(), batch[2], return_attention=True, **options)
    contexts = np.einsum("nmtr,nrd->nmtd", looks, regions.numpy())
    smallest = np.linalg.norm(contexts, axis=3)[looks.sum(axis=3) > 0.5].min() / regions.abs().max().item()
    upstream = torch.randn(len(regions), len(words), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found, expected = [], []
    for function, place in ((scores.word_region_scores, found), (per_pair, expected)):
        r, w = regions.clone().requires_grad_(), words.clone().requires_grad_()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scores, "_CELLS_ON_CPU", cells)
            (function(r, w, lengths, **options) * upstream).sum().backward()
        place += [r.grad, w.grad]
    for a, b in zip(found, expected, strict=True):
        stretched = max(1, regions.abs().max().item()) * max(1, options["gamma1"]) * max(1, options["gamma2"])
        assert (a - b).norm() <= 1e-12 * stretched**2 * max(1, b.norm()) / min(1, smallest)


def test_gradcheck_with_padding_in_pieces(monkeypatch):
    random = torch.Generator().manual_seed(1)
    regions = torch.randn(2, 4, 3, dtype=torch.float64, generator=random, requires_grad=True)
    words = torch.randn(3, 5, 3, dtype=torch.float64, generator=random, requires_grad=True)
    lengths = torch.tensor([5, 1, 3])
    for cells in (1, 10**6):
        monkeypatch.setattr(scores, "_CELLS_ON_CPU", cells)
        assert torch.autograd.gradcheck(lambda r, w: scores.word_region_scores(r, w, lengths), (regions, words))


def test_padding_that_nobody_looked_at_brings_no_nan(monkeypatch):
    """As on a GPU, where the values are not checked."""
    monkeypatch.setattr(_inputs, "values_visible", lambda x: False)
    regions, words = torch.randn(2, 4, 3, requires_grad=True), torch.randn(2, 3, 3)
    words[0, 2] = nan
    words.requires_grad_()
    lengths = torch.tensor([2, 3])
    found = scores.word_region_scores(regions, words, lengths)
    found.sum().backward()
    assert found.isfinite().all() and regions.grad.isfinite().all() and words.grad.isfinite().all()


def test_what_is_held_does_not_grow_with_the_number_of_pairs(monkeypatch):
    """Every tensor that one piece makes is at most (n, m, T, R) of that piece: the pieces are counted."""
    seen = []
    whole = scores._word_region_piece

    def watched(regions, words, *rest):
        seen.append(len(regions) * len(words) * words.shape[1] * regions.shape[1])
        return whole(regions, words, *rest)

    monkeypatch.setattr(scores, "_word_region_piece", watched)
    for n, m in [(7, 11), (40, 3), (3, 40)]:
        for cells in (5 * 6, 100, 1000):
            monkeypatch.setattr(scores, "_CELLS_ON_CPU", cells)
            seen.clear()
            scores.word_region_scores(torch.randn(n, 6, 2), torch.randn(m, 5, 2))
            assert max(seen) <= cells and sum(seen) == n * m * 5 * 6


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision_gives_float32_scores_near_the_loops(dtype):
    rng = np.random.default_rng(3)
    regions, words = tensors(rng.standard_normal((3, 7, 5)), rng.standard_normal((4, 6, 5)), dtype=dtype)
    found = scores.word_region_scores(regions, words)
    expected = loops.word_region_scores(regions.double().numpy(), words.double().numpy())
    assert found.dtype == torch.float32
    assert np.abs(found.numpy() - expected).max() <= 1e-5


@pytest.mark.parametrize("size", [1e-25, 1e15])
@pytest.mark.parametrize("attention", _inputs.ATTENTIONS)
def test_very_small_and_very_large_features_stay_finite(size, attention):
    random = torch.Generator().manual_seed(4)
    regions = (torch.randn(3, 7, 5, generator=random) * size).requires_grad_()
    words = torch.randn(3, 4, 5, generator=random, requires_grad=True)
    found = scores.word_region_scores(regions, words, attention=attention, gamma1=100.0, gamma2=100.0)
    expected = loops.word_region_scores(
        regions.detach().numpy(), words.detach().numpy(), attention=attention, gamma1=100.0, gamma2=100.0)
    assert np.abs(found.detach().numpy() - expected).max() <= 1e-4
    found.sum().backward()
    assert words.grad.isfinite().all() and regions.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_word_that_looks_at_nothing_but_for_a_trace_sees_the_trace(dtype):
    """All of the second word's look is at a region of zeros: what it sees is tiny, and has a direction all the same."""
    strength = 12.0 if dtype == torch.float32 else 82.0
    regions = torch.tensor([[[0.0, 0.0], [strength, strength]]], dtype=dtype)
    words = torch.tensor([[[0.3, 0.3], [-0.5, -0.5]]], dtype=dtype)
    options = {"compete_over_words": False, "gamma2": 0.1}
    expected = loops.word_region_steps(regions[0].numpy(), words[0].numpy(), **options)
    assert expected.cosines == pytest.approx([1, -1]) and 0 < expected.attention[1, 1] < 1e-20
    assert scores.word_region_scores(regions, words, **options).item() == pytest.approx(expected.score, rel=1e-5)


def test_a_zero_region_map_and_a_zero_word_score_like_a_cosine_of_zero():
    regions, words = torch.zeros(1, 4, 3, requires_grad=True), torch.zeros(1, 2, 3, requires_grad=True)
    found = scores.word_region_scores(regions, words)
    assert found.item() == pytest.approx(log(2) / 5)
    found.sum().backward()
    assert regions.grad.isfinite().all() and words.grad.isfinite().all()


def test_at_each_region_the_words_share_a_one():
    rng = np.random.default_rng(6)
    steps = loops.word_region_steps(rng.standard_normal((4, 3)), rng.standard_normal((5, 3)))
    assert np.allclose(steps.shares.sum(axis=0), 1) and steps.shares.shape == (5, 4)


# --- the loss


@given(
    batches(pairs=True),
    st.booleans(),
    st.sampled_from([1.0, 10.0, 100.0]),
    st.sampled_from([(5.0, 5.0), (4.0, 1.0), (100.0, 100.0)]),
    st.booleans(),
)
def test_the_loss_and_its_terms_are_the_loops(batch, classes, gamma3, gammas, divide):
    n = len(batch[0])
    rng = np.random.default_rng(n)
    codes = rng.standard_normal((n, 4)), rng.standard_normal((n, 4))
    options = {"gamma1": gammas[0], "gamma2": gammas[1], "gamma3": gamma3, "divide_by_gamma2": divide}
    class_ids = rng.integers(0, 2, n) if classes else None
    expected = loops.damsm_terms(*batch[:2], *codes, batch[2], class_ids=class_ids, **options)
    in_torch = tensors(*batch[:2], *codes, batch[2])
    (torch_classes,) = tensors(class_ids)
    found = losses.damsm_terms(*in_torch, class_ids=torch_classes, **options)
    largest = max(1, np.abs(batch[0]).max() * np.abs(batch[1]).max())
    bound = 1e-13 * largest * max(1, *gammas) ** 2 * gamma3
    assert np.abs(np.array([term.item() for term in found]) - expected).max() <= bound
    whole = losses.damsm_loss(*in_torch, class_ids=torch_classes, **options)
    assert whole.shape == () and whole.item() == pytest.approx(sum(term.item() for term in found), rel=1e-12, abs=1e-12)
    assert loops.damsm_loss(*batch[:2], *codes, batch[2], class_ids=class_ids, **options) == pytest.approx(
        sum(expected), rel=1e-12, abs=1e-12)


def pairs(n=4, t=5, r=6, d=3, e=2, dtype=torch.float32):
    random = torch.Generator().manual_seed(n)

    def draw(*shape):
        return torch.randn(*shape, generator=random, dtype=dtype)

    return draw(n, r, d), draw(n, t, d), draw(n, e), draw(n, e)


def test_a_single_pair_costs_nothing_and_a_smaller_last_batch_works():
    assert losses.damsm_loss(*pairs(1)).item() == 0
    for n in (4, 3):
        assert losses.damsm_loss(*pairs(n), class_ids=torch.arange(n)).isfinite()


def test_a_duplicate_in_another_place_is_no_rival_once_its_class_is_masked():
    regions, words, image_codes, sentence_codes = pairs(3)
    twice = [torch.cat([x, x[:1]]) for x in (regions, words, image_codes, sentence_codes)]
    alone = losses.damsm_terms(regions, words, image_codes, sentence_codes)
    masked = losses.damsm_terms(*twice, class_ids=torch.tensor([0, 1, 2, 0]))
    open_ = losses.damsm_terms(*twice)
    # Image 0 and its twin now each answer as image 0 did alone, among the same three texts; nothing else hears of it.
    for name in ("words", "sentences"):
        direction = f"{name}_image_to_text"
        assert getattr(masked, direction) < getattr(open_, direction)
    s = scores.word_region_scores(regions, words)
    rows = losses.matching_loss(s, scale=10.0, direction="image_to_text", reduction="none")
    by_hand = losses.matching_loss(
        scores.word_region_scores(twice[0], twice[1])[:, :3], torch.tensor([0, 1, 2, 0]), scale=10.0,
        direction="image_to_text", reduction="none")  # fmt: skip
    assert torch.allclose(by_hand[[0, 3]], rows[[0, 0]]) and alone.words_image_to_text > 0


def test_the_loss_has_the_right_gradient():
    made = [x.requires_grad_() for x in pairs(3, dtype=torch.float64)]
    lengths, class_ids = torch.tensor([5, 2, 3]), torch.tensor([0, 1, 0])
    assert torch.autograd.gradcheck(
        lambda *four: losses.damsm_loss(*four, lengths, class_ids=class_ids), made)


# --- bad input


def changed(x, *place):
    x = x.clone()
    x[place[:-1]] = place[-1]
    return x


Q, W, V, E = pairs()
LENGTHS = torch.tensor([5, 1, 2, 3])
# what is wrong -> (arguments, keywords), the error, words that the message must hold
SCORE_CASES = {
    "a list": (([[1.0]], W), {}, TypeError, ["regions", "image", "list"]),
    "regions of one image": ((Q[0], W), {}, ValueError, ["regions", "(N, R, D)", "(6, 3)"]),
    "words of one text": ((Q, W[0]), {}, ValueError, ["words", "(M, T, D)", "(5, 3)"]),
    "no image": ((Q[:0], W), {}, ValueError, ["regions", "empty", "image side"]),
    "no region": ((Q[:, :0], W), {}, ValueError, ["regions", "empty", "one region"]),
    "no text": ((Q, W[:0]), {}, ValueError, ["words", "empty", "text side"]),
    "no word": ((Q, W[:, :0]), {}, ValueError, ["words", "empty", "one word"]),
    "other width": ((Q, W[..., :2]), {}, ValueError, ["width", "D = 3", "image side", "D = 2", "text side"]),
    "other dtype": ((Q.double(), W), {}, TypeError, ["dtype", "float64", "image side", "float32", "text side"]),
    "whole numbers": ((Q.long(), W), {}, TypeError, ["regions", "floating", "int64"]),
    "NaN region": ((changed(Q, 1, 2, 0, nan), W), {}, ValueError, ["regions", "nan", "image 1, region 2, feature 0"]),
    "infinite word": ((Q, changed(W, 3, 4, 2, inf)), {}, ValueError, ["words", "inf", "text 3", "word 4", "feature 2"]),
    "NaN in the padding": ((Q, changed(W, 1, 4, 2, nan), LENGTHS), {}, ValueError, ["words", "nan", "text 1, word 4"]),
    "overflow": ((Q * 1e30, W * 1e30), {}, ValueError, ["regions", "words", "overflow", "float32"]),
    "length zero": ((Q, W, changed(LENGTHS, 2, 0)), {}, ValueError, ["lengths", "1 to T = 5", "0", "text 2"]),
    "length negative": ((Q, W, changed(LENGTHS, 0, -1)), {}, ValueError, ["lengths", "-1", "text 0"]),
    "length beyond T": ((Q, W, changed(LENGTHS, 3, 6)), {}, ValueError, ["lengths", "T = 5", "6", "text 3"]),
    "too few lengths": ((Q, W, LENGTHS[:3]), {}, ValueError, ["lengths", "each text", "4", "3"]),
    "lengths a column": ((Q, W, LENGTHS[:, None]), {}, ValueError, ["lengths", "4", "(4, 1)"]),
    "float lengths": ((Q, W, LENGTHS.float()), {}, TypeError, ["lengths", "integers", "float32"]),
    "lengths a list": ((Q, W, [5, 1, 2, 3]), {}, TypeError, ["lengths", "list"]),
    "gamma1 zero": ((Q, W), {"gamma1": 0}, ValueError, ["gamma1", "positive", "0"]),
    "gamma2 negative": ((Q, W), {"gamma2": -5.0}, ValueError, ["gamma2", "positive", "-5"]),
    "gamma1 NaN": ((Q, W), {"gamma1": nan}, ValueError, ["gamma1", "nan"]),
    "gamma2 a string": ((Q, W), {"gamma2": "5"}, TypeError, ["gamma2", "number", "str"]),
    "unknown attention": ((Q, W), {"attention": "dots"}, ValueError, ["attention", "dot", "cosine", "'dots'"]),
}
LOSS_CASES = {
    "fewer texts": ((Q, W[:3], V, E), {}, ValueError, ["pairs", "4", "image side", "3", "text side"]),
    "fewer image codes": ((Q, W, V[:3], E), {}, ValueError, ["image_codes", "image side", "4", "3"]),
    "fewer sentence codes": ((Q, W, V, E[:3]), {}, ValueError, ["sentence_codes", "text side", "4", "3"]),
    "codes of other width": ((Q, W, V, E[:, :1]), {}, ValueError, ["image_codes", "sentence_codes", "D = 2", "D = 1"]),
    "NaN code": ((Q, W, V, changed(E, 1, 1, nan)), {}, ValueError, ["sentence_codes", "nan", "text 1"]),
    "codes of other dtype": ((Q, W, V.double(), E.double()), {}, TypeError, ["image_codes", "dtype", "float32"]),
    "classes of another batch": (
        (Q, W, V, E), {"class_ids": torch.arange(5)}, ValueError, ["class_ids", "pair", "4", "5"]),
    "gamma3 zero": ((Q, W, V, E), {"gamma3": 0}, ValueError, ["gamma3", "positive"]),
    "length beyond T": ((Q, W, V, E, LENGTHS + 1), {}, ValueError, ["lengths", "T = 5", "6"]),
}  # fmt: skip


def as_numpy(value):
    return value.numpy() if isinstance(value, torch.Tensor) else value


# What the loops cannot do without.
FOR_LOOPS = [
    "regions of one image", "words of one text", "no image", "no region", "no text", "no word", "other width",
    "length zero", "length negative", "length beyond T", "too few lengths", "lengths a column", "float lengths",
    "unknown attention", "fewer texts", "fewer image codes", "fewer sentence codes", "codes of other width",
    "classes of another batch",
]  # fmt: skip


@pytest.mark.parametrize(("case", "function"), [
    *[(case, "word_region_scores") for case in SCORE_CASES], *[(case, "damsm_loss") for case in LOSS_CASES]])
def test_bad_input_is_named(case, function):
    arguments, keywords, error, words = (SCORE_CASES if function == "word_region_scores" else LOSS_CASES)[case]
    with pytest.raises(error) as raised:
        getattr(losses if function == "damsm_loss" else scores, function)(*arguments, **keywords)
    for word in words:
        assert word in str(raised.value), f"{raised.value} does not say {word}"
    if case in FOR_LOOPS:
        with pytest.raises(ValueError, match=words[0]):
            getattr(loops, function)(*map(as_numpy, arguments), **{name: as_numpy(x) for name, x in keywords.items()})


def test_on_another_device_only_shapes_are_looked_at():
    meta = [x.to("meta") for x in (Q, W, V, E, LENGTHS)]
    assert losses.damsm_loss(*meta, class_ids=torch.arange(4).to("meta")).shape == ()
    with pytest.raises(ValueError, match=r"lengths and words .* one device"):
        scores.word_region_scores(meta[0], meta[1], LENGTHS)
    with pytest.raises(ValueError, match=r"words .* and regions .* one device"):
        scores.word_region_scores(Q, meta[1])

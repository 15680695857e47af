"""The losses on a GPU: the loops' values and gradients, blocks, precisions, and no waiting for the device.

Needs torch, NumPy and pytest alone, so that it runs on a bare GPU machine: pytest --noconftest tests/test_gpu.py
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from xmatch_edu import loops, losses, models, scores
from xmatch_edu import scale as at_scale
from xmatch_edu.course import measure
from xmatch_edu.data.words import Vocabulary
from xmatch_edu.labels import same_class_mask
from xmatch_edu.losses import _softmax as cross_entropy
from xmatch_edu.models import training
from xmatch_edu.models.training import SampleMemory
from xmatch_edu.scale import passes, tiles

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA GPU here"),
]
DIRECTIONS = ["image_to_text", "text_to_image", "both"]
SQUARE, OBLONG = [(1, 1), (2, 2), (13, 13), (64, 64)], [(7, 31), (31, 7)]
BATCHES = [(n, m, kind) for n, m in SQUARE for kind in ("none", "permutation", "shared", "soft")]
BATCHES += [(n, m, kind) for n, m in OBLONG for kind in ("shared", "soft")]  # the others need N = M


def labels_of(kind, n, m, rng):
    if kind == "permutation":
        return rng.permutation(n)
    if kind == "shared":
        return rng.integers(0, m, n)
    if kind == "soft":
        return rng.random((n, m)) * (rng.random((n, m)) < 0.5) + np.eye(n, m)
    return None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("n, m, kind", BATCHES)
def test_the_loops_in_value_and_gradient(n, m, kind, direction, dtype):
    rng = np.random.default_rng(n * m)
    for largest, scale in [(1.0, 1.0), (1.0, 100.0), (1e4, 1.0)]:
        rounded = torch.tensor(rng.uniform(-largest, largest, (n, m))).to(dtype)
        labels = labels_of(kind, n, m, rng)
        mask = (rng.random((n, m)) < 0.3) & (loops.match_matrix(labels, n, m) == 0)
        given = rounded.cuda().requires_grad_()
        loss = losses.matching_loss(
            given, None if labels is None else torch.tensor(labels).cuda(), scale=scale, direction=direction,
            mask=torch.tensor(mask).cuda(),
        )  # fmt: skip
        loss.backward()
        options = {"scale": scale, "direction": direction, "mask": mask}
        exact = rounded.double().numpy()
        eps = torch.finfo(loss.dtype).eps
        bound = 8 * eps * max(1.0, scale * np.abs(exact).max())
        assert abs(loss.item() - loops.matching_loss(exact, labels, **options)) <= bound
        expected = loops.matching_gradient(exact, labels, **options)
        stored = torch.finfo(dtype).eps * np.linalg.norm(expected) + torch.finfo(dtype).smallest_normal * n * m
        rounding = stored if dtype.itemsize < 4 else 0.0
        rows = min(n, m) if direction != "image_to_text" else n
        error = np.linalg.norm(given.grad.double().cpu().numpy() - expected)
        assert error <= bound * scale / np.sqrt(rows) + rounding


def test_a_matrix_of_several_blocks_is_what_torch_computes():
    given = torch.randn(9000, 9000, device="cuda", requires_grad=True)
    assert len(cross_entropy._blocks(given)) > 1
    scale = torch.tensor(5.0, device="cuda", requires_grad=True)
    ours = losses.matching_loss(given, scale=scale)
    ours_gradients = torch.autograd.grad(ours, (given, scale))
    where = torch.arange(9000, device="cuda")
    theirs = (F.cross_entropy(scale * given, where) + F.cross_entropy(scale * given.T, where)) / 2
    expected = torch.autograd.grad(theirs, (given, scale))
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    assert torch.dist(ours_gradients[0], expected[0]) <= 1e-5 * expected[0].norm()
    assert ours_gradients[1].item() == pytest.approx(expected[1].item(), rel=1e-3)


@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("kind", ["none", "shared", "soft"])
def test_nothing_waits_for_the_device(kind, learned):
    labels = labels_of(kind, 16, 16, np.random.default_rng(0))
    labels = None if labels is None else torch.tensor(labels).cuda()
    images, texts = torch.randn(2, 16, 8, device="cuda")
    scale = torch.tensor(5.0, device="cuda", requires_grad=True) if learned else 5.0
    images.requires_grad_()
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses.matching_loss(scores.cosine_scores(images, texts), labels, scale=scale).backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert images.grad.isfinite().all() and (not learned or scale.grad.isfinite())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_module_under_autocast(dtype):
    torch.manual_seed(0)
    images, texts = torch.randn(2, 64, 32, device="cuda")
    images.requires_grad_()
    module = losses.MatchingLoss().cuda()
    exact = module(images, texts)
    exact_gradient = torch.autograd.grad(exact, images)[0]
    with torch.autocast("cuda", dtype=dtype):
        loss = module(images, texts)
    loss.backward()
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(exact.item(), rel=0.05)
    assert torch.dist(images.grad, exact_gradient) <= 0.1 * exact_gradient.norm()
    assert module.logit_scale.grad.isfinite()


def test_labels_on_the_other_device_are_named():
    with pytest.raises(ValueError, match=r"labels and scores must be on one device"):
        losses.matching_loss(torch.zeros(2, 2, device="cuda"), torch.arange(2))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("attention", ["dot", "cosine"])
@pytest.mark.parametrize("compete", [True, False])
@pytest.mark.parametrize("cells", [1, 2**26])
def test_words_and_regions_as_the_loops_and_the_gradient_of_the_cpu(compete, attention, dtype, cells, monkeypatch):
    monkeypatch.setattr(scores, "_CELLS_ON_GPU", cells)
    rng = np.random.default_rng(1)
    arrays = rng.standard_normal((3, 9, 5)), rng.standard_normal((4, 6, 5))
    lengths = np.array([6, 1, 3, 2])
    options = {"attention": attention, "compete_over_words": compete}
    found = []
    for device in ("cpu", "cuda"):
        given = [torch.tensor(x, dtype=dtype, device=device, requires_grad=True) for x in arrays]
        s = scores.word_region_scores(*given, torch.tensor(lengths, device=device), **options)
        s.square().sum().backward()
        found.append([x.detach().cpu().double() for x in (s, *(y.grad for y in given))])
    bound = 1e4 * torch.finfo(dtype).eps
    assert all((a - b).norm() <= bound * max(1, a.norm()) for a, b in zip(*found, strict=True))
    assert np.abs(found[1][0].numpy() - loops.word_region_scores(*arrays, lengths, **options)).max() <= bound


def test_the_whole_damsm_loss():
    rng = np.random.default_rng(2)
    arrays = [rng.standard_normal(shape) for shape in ((5, 7, 3), (5, 4, 3), (5, 2), (5, 2))]
    lengths, class_ids = np.array([4, 1, 2, 4, 3]), np.array([0, 1, 0, 2, 1])
    given = [torch.tensor(x, dtype=torch.float32, device="cuda") for x in arrays]
    loss = losses.damsm_loss(*given, torch.tensor(lengths).cuda(), class_ids=torch.tensor(class_ids).cuda())
    assert loss.is_cuda and abs(loss.item() - loops.damsm_loss(*arrays, lengths, class_ids=class_ids)) <= 1e-4


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("negatives", ["all", "hardest", 3])
@pytest.mark.parametrize(("n", "m", "kind"), [(13, 13, "none"), (13, 13, "permutation"), (7, 31, "shared")])
def test_the_ranking_loss_as_the_loops(n, m, kind, negatives, dtype):
    rng = np.random.default_rng(n)
    array = rng.permutation(n * m).reshape(n, m) / (n * m)  # no two alike, so that the hardest is one
    labels, options = labels_of(kind, n, m, rng), {"margin": 0.3, "negatives": negatives}
    given = torch.tensor(array, dtype=dtype, device="cuda", requires_grad=True)
    loss = losses.ranking_loss(given, None if labels is None else torch.tensor(labels).cuda(), **options)
    loss.backward()
    assert loss.item() == pytest.approx(loops.ranking_loss(array, labels, **options), rel=1e-5)
    np.testing.assert_allclose(given.grad.cpu().numpy(), loops.ranking_gradient(array, labels, **options))


def test_the_ranking_loss_waits_for_nothing_and_structure_and_memory_run():
    images, texts = torch.randn(2, 16, 8, device="cuda")
    images.requires_grad_()
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses.ranking_loss(scores.cosine_scores(images, texts), negatives="hardest").backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    group_ids = torch.arange(8, device="cuda").repeat(2)
    among = losses.structure_loss(scores.distance_scores(images, images), group_ids)
    array = images.detach().cpu().double().numpy()
    expected = loops.structure_loss(loops.distance_scores(array, array), group_ids.cpu().numpy())
    assert among.item() == pytest.approx(expected, rel=1e-4)
    memory = SampleMemory(5, 8).cuda()
    memory.remember(images, texts, group_ids)
    sum(losses.ranking_loss(**one) for one in memory.directions(images, texts, group_ids + 8)).backward()
    assert len(memory) == 5 and memory.image_features.is_cuda and images.grad.isfinite().all()
    with pytest.raises(ValueError, match="must be on one device"):
        memory.remember(images.cpu(), texts.cpu(), group_ids.cpu())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
@pytest.mark.parametrize("n, m, kind", [(13, 13, "none"), (13, 13, "permutation"), (7, 31, "shared")])
def test_the_sigmoid_loss_as_the_loops_and_without_waiting(n, m, kind, dtype):
    rng = np.random.default_rng(n)
    rounded = torch.tensor(rng.standard_normal((n, m))).to(dtype)
    labels = labels_of(kind, n, m, rng)
    given, options = rounded.cuda().requires_grad_(), {"scale": 10.0, "bias": -5.0}
    on_gpu = None if labels is None else torch.tensor(labels).cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        loss = losses.sigmoid_loss(given, on_gpu, **options)
        loss.backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    exact = rounded.detach().double().numpy()
    assert loss.item() == pytest.approx(loops.sigmoid_loss(exact, labels, **options), rel=1e-5)
    z = options["scale"] * exact + options["bias"]
    expected = options["scale"] * (1 / (1 + np.exp(-z)) - loops.match_matrix(labels, n, m)) / n
    tolerance = 2e-3 if dtype == torch.float16 else 1e-5
    np.testing.assert_allclose(given.grad.double().cpu().numpy(), expected, rtol=tolerance, atol=tolerance)


def test_two_branches_train_there_and_are_judged_as_here(tmp_path):
    """Pairs made up here: the data packages need not be installed, only what opens their pictures."""
    emoji = pytest.importorskip("xmatch_edu.data.emoji", reason="needs Pillow")
    words = ("red", "green", "blue", "round")
    captions = tuple(f"{words[k % 4]} {words[k % 3]}" for k in range(48))
    pairs = emoji.EmojiPairs(
        emoji=captions, pictures=torch.randint(0, 256, (48, 8, 8, 3), dtype=torch.uint8), captions=captions,
        keywords=tuple((words[k % 2],) for k in range(48)), concepts=torch.arange(48), categories=("",) * 48,
        split=torch.arange(48) % 3,
    )  # fmt: skip
    model = models.TwoBranch(Vocabulary(pairs), width=8, size=8).cuda()
    loss = losses.MatchingLoss().cuda()
    options = {"batch_size": 8, "progress": False, "checkpoint": tmp_path / "run.pt",
               "loss_options": lambda batch: {"mask": torch.zeros(8, 8, dtype=torch.bool)}}  # fmt: skip
    history = training.fit(model, loss, pairs, steps=5, **options)
    assert len(history.losses) == 5 and np.isfinite(history.losses).all()
    again = models.TwoBranch(Vocabulary(pairs), width=8, size=8).cuda()
    training.fit(again, losses.MatchingLoss().cuda(), pairs, steps=5, **options)  # from the file
    features = model.encode(pairs)
    assert all(torch.equal(a, b) and not a.is_cuda for a, b in zip(features, again.encode(pairs), strict=True))
    assert training.gallery_recall(*(x.cuda() for x in features)) == training.gallery_recall(*features)


def tiled_pairs(n, d, dtype, *, classes=False, length=1.0):
    """-> features of both sides, rounded to the dtype, and class_ids or None; on the CPU."""
    rng = np.random.default_rng(n * d)
    drawn = rng.standard_normal((2, n, d))
    drawn *= length / np.linalg.norm(drawn, axis=2, keepdims=True)
    return *torch.tensor(drawn).to(dtype), torch.tensor(rng.integers(0, n // 2 + 1, n)) if classes else None


def tiled_as_float64(image, text, ids, factor, tile_size):
    """The tiled loss on the GPU, value and gradients, against the loss of scores in float64 on the CPU."""
    given = [x.cuda().requires_grad_() for x in (image, text)]
    factor = torch.tensor(factor, device="cuda", dtype=tiles.accumulator(image), requires_grad=True)
    loss = at_scale.tiled_matching_loss(
        *given, scale=factor, class_ids=None if ids is None else ids.cuda(), tile_size=tile_size
    )
    loss.backward()
    exact = [x.detach().cpu().double().requires_grad_() for x in (image, text, factor)]
    s = exact[0] @ exact[1].T
    s.retain_grad()
    expected = losses.matching_loss(s, scale=exact[2], mask=None if ids is None else same_class_mask(ids))
    expected.backward()
    (n, d), eps, stored = image.shape, torch.finfo(loss.dtype).eps, torch.finfo(image.dtype).eps
    largest = factor.item() * s.abs().max().item()
    longest = factor.item() * image.double().norm(dim=1).max().item() * text.double().norm(dim=1).max().item()
    bound = eps * (8 * max(1.0, largest) + d**0.5 * longest)
    assert loss.dtype == tiles.accumulator(image) and abs(loss.item() - expected.item()) <= bound
    for x, e, other in zip(given, exact, exact[1::-1], strict=False):
        assert x.grad.dtype == image.dtype
        reach = torch.linalg.matrix_norm(other.detach(), 2).item()
        allowed = bound * factor.item() / n**0.5 * reach * (1 + n**0.5 / 8)
        if image.dtype.itemsize < 4:  # each cell of a tile is rounded to the features' dtype, and the sum once more
            allowed += stored * (s.grad.norm().item() * reach + e.grad.norm().item()) + 1e-7 * x.numel() ** 0.5
        assert (x.grad.double().cpu() - e.grad).norm().item() <= allowed
    size = s.detach().norm().item()
    allowed = bound * size / n**0.5 + eps * exact[0].grad.norm().item() * image.double().norm().item() / factor.item()
    if image.dtype.itemsize < 4:
        allowed += stored * s.grad.norm().item() * size / factor.item()
    assert abs(factor.grad.item() - exact[2].grad.item()) <= allowed


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("n, d, tile_size", [
    (n, d, tile_size) for n, d in [(1, 3), (2, 64), (13, 5), (200, 64), (300, 70)]
    for tile_size in (1, 7, 64, 128, None) if tile_size is None or n <= 30 * tile_size])  # fmt: skip
def test_the_tiled_loss_as_float64_on_the_cpu(n, d, classes, tile_size, dtype):
    for factor, length in [(1.0, 1.0), (100.0, 1.0), (1.0, 30.0), (1e4, 1.0)]:
        tiled_as_float64(*tiled_pairs(n, d, dtype, classes=classes, length=length), factor, tile_size)


@pytest.mark.parametrize("tile_size", [7, None])
@pytest.mark.parametrize("classes", [True, False])
def test_bfloat16_without_the_kernel(classes, tile_size, monkeypatch):
    monkeypatch.setattr(tiles, "_room", lambda image: passes)
    for factor in (1.0, 100.0):
        tiled_as_float64(*tiled_pairs(100, 33, torch.bfloat16, classes=classes), factor, tile_size)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("learned", [True, False])
def test_the_tiled_loss_waits_for_nothing(learned, classes, dtype):
    image, text, ids = (None if x is None else x.cuda() for x in tiled_pairs(40, 16, dtype, classes=classes))
    factor = torch.tensor(5.0, device="cuda", requires_grad=True) if learned else 5.0
    image.requires_grad_()
    options = {"scale": factor, "class_ids": ids, "tile_size": 16}
    at_scale.tiled_matching_loss(image, text, **options).backward()  # what is compiled is compiled here
    torch.cuda.set_sync_debug_mode("error")
    try:
        at_scale.tiled_matching_loss(image, text, **options).backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert image.grad.isfinite().all() and (not learned or factor.grad.isfinite())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_changes_no_number_of_the_tiled_loss(dtype):
    image, text, _ = (None if x is None else x.cuda() for x in tiled_pairs(40, 16, torch.float32))
    image.requires_grad_()

    def found():
        loss = at_scale.tiled_matching_loss(image, text, scale=20.0, tile_size=16)
        return loss.item(), torch.autograd.grad(loss, image)[0]

    plain_loss, plain = found()
    with torch.autocast("cuda", dtype=dtype):
        loss, gradient = found()
    assert loss == pytest.approx(plain_loss, rel=1e-6)
    assert torch.dist(gradient, plain) <= 1e-5 * plain.norm()


def test_the_tiled_loss_takes_a_scale_of_the_cpu_and_names_classes_of_it():
    image, text, ids = tiled_pairs(13, 5, torch.float32, classes=True)
    image, text = image.cuda(), text.cuda()
    factors = [torch.tensor(5.0, device=device, requires_grad=True) for device in ("cpu", "cuda")]
    for factor in factors:
        at_scale.tiled_matching_loss(image, text, scale=factor).backward()
    assert factors[0].grad.device.type == "cpu" and factors[0].grad.item() == pytest.approx(factors[1].grad.item())
    with pytest.raises(ValueError, match=r"class_ids and image_features must be on one device"):
        at_scale.tiled_matching_loss(image, text, scale=5.0, class_ids=ids)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_tiled_loss_never_holds_the_matrix(dtype):
    n = 16384
    image, text = torch.nn.functional.normalize(torch.randn(2, n, 64, device="cuda"), dim=2).to(dtype)
    image.requires_grad_()

    def step():
        at_scale.tiled_matching_loss(image, text, scale=20.0, tile_size=2048).backward()

    step()
    assert 0 < measure.process_bytes(step, gpu=True) < n**2 * 4 / 8


def test_a_cached_step_is_the_big_batch_with_dropout_of_both_kinds_of_random_numbers():
    torch.manual_seed(0)
    branches = torch.nn.ModuleList(torch.nn.Linear(6, 8) for _ in range(2)).cuda()
    dropout = torch.nn.Dropout(0.4)
    pieces = torch.randn(40, 6).split([20, 1, 19])  # on the CPU, and made noisy there

    def encode(piece):
        piece = (piece + 0.1 * torch.randn_like(piece)).cuda()
        return branches[0](dropout(piece)), dropout(branches[1](piece))

    def loss(image_features, text_features):
        return at_scale.tiled_matching_loss(image_features, text_features, scale=2.0)

    torch.manual_seed(3)
    expected_loss = loss(*(torch.cat(side) for side in zip(*map(encode, pieces), strict=True)))
    expected_loss.backward()
    drawn_next = torch.rand(3), torch.rand(3, device="cuda")
    expected = [w.grad.clone() for w in branches.parameters()]
    branches.zero_grad()
    torch.manual_seed(3)
    value = at_scale.cached_step(encode, pieces, loss)
    assert torch.equal(torch.rand(3), drawn_next[0]) and torch.equal(torch.rand(3, device="cuda"), drawn_next[1])
    assert value.is_cuda and value.item() == pytest.approx(expected_loss.item(), rel=1e-5)
    for w, e in zip(branches.parameters(), expected, strict=True):
        assert torch.dist(w.grad, e) <= 1e-4 * max(1e-2, e.norm().item())


def test_a_cached_step_under_autocast_is_the_big_batch():
    """Autocast remembers the weights it has rounded: those of the pass without a graph must not serve in the other."""
    torch.manual_seed(0)
    branches = torch.nn.ModuleList(torch.nn.Linear(6, 8) for _ in range(2)).cuda()
    x = torch.randn(40, 6, device="cuda")

    def encode(piece):
        return branches[0](piece), branches[1](piece)

    def loss(image_features, text_features):
        return at_scale.tiled_matching_loss(image_features, text_features, scale=2.0)

    found = []
    with torch.autocast("cuda", dtype=torch.bfloat16):
        at_scale.cached_step(encode, x.split(16), loss)
        found.append([w.grad.clone() for w in branches.parameters()])
        branches.zero_grad()
        loss(*encode(x)).backward()
        found.append([w.grad.clone() for w in branches.parameters()])
    assert all(torch.dist(a, b) <= 0.02 * max(1e-2, b.norm().item()) for a, b in zip(*found, strict=True))

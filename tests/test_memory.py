"""training.SampleMemory against a list that forgets, and its losses against the loops."""

from collections import deque

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu import loops, losses
from xmatch_edu.models.training import SampleMemory
from xmatch_edu.scores import distance_scores

WIDTH = 3


def batch(n, seed=0, ids=None, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    sides = [torch.randn(n, WIDTH, generator=generator, dtype=dtype) for _ in range(2)]
    return *sides, torch.randint(0, 9, (n,), generator=generator) if ids is None else torch.tensor(ids)


def held(memory):
    """What it holds, in no order."""
    rows = torch.cat([memory.image_features, memory.text_features, memory.ids[:, None]], dim=1)
    return sorted(map(tuple, rows.tolist()))


@given(st.sampled_from([1, 2, 5, 8]), st.lists(st.integers(1, 12), max_size=6))
def test_it_holds_the_last_samples(size, batches):
    """Batches below, of and above its size, and any wrap-around."""
    memory, last = SampleMemory(size, WIDTH), deque(maxlen=size)
    for number, n in enumerate(batches):
        image, text, ids = batch(n, number)
        memory.remember(image, text, ids)
        last.extend(map(tuple, torch.cat([image, text, ids[:, None]], dim=1).tolist()))
        assert len(memory) == len(last) and held(memory) == sorted(last)


@given(st.integers(1, 5), st.lists(st.integers(1, 5), max_size=3), st.integers(0, 100),
       st.sampled_from(["all", "hardest", 2]))  # fmt: skip
def test_its_losses_are_the_loops_over_batch_and_memory(n, past, seed, negatives):
    """Written once more with loops: for image i its own text against every text that is not of its id."""
    memory = SampleMemory(6, WIDTH, dtype=torch.float64)
    for number, count in enumerate(past):
        memory.remember(*batch(count, seed + number + 1, dtype=torch.float64))
    image, text, ids = batch(n, seed, dtype=torch.float64)
    views = memory.directions(image, text, ids, score=distance_scores)
    matching = sum(losses.matching_loss(**one, scale=3.0) for one in views) / 2
    ranking = sum(losses.ranking_loss(**one, margin=0.3, negatives=negatives) for one in views)

    expected_matching, expected_ranking = [], 0.0
    for anchors, others, remembered in ((image, text, memory.text_features), (text, image, memory.image_features)):
        candidates = torch.cat([others, remembered]).numpy()
        whose = torch.cat([ids, memory.ids]).tolist()
        for i in range(n):
            keep = [i] + [k for k in range(len(whose)) if whose[k] != ids[i]]
            S = loops.distance_scores(anchors[i:i + 1].numpy(), candidates[keep])
            first = np.array([0])
            expected_matching.append(loops.matching_loss(S, first, scale=3.0, direction="image_to_text"))
            expected_ranking += loops.ranking_loss(S, first, margin=0.3, negatives=negatives, direction="image_to_text")
    assert matching.item() == pytest.approx(np.mean(expected_matching), rel=1e-9, abs=1e-12)
    assert ranking.item() == pytest.approx(expected_ranking, rel=1e-9, abs=1e-12)


def test_a_sample_is_never_its_own_negative():
    memory = SampleMemory(4, WIDTH)
    image, text, ids = batch(3, ids=[5, 6, 7])
    memory.remember(image, text, ids)
    rows, columns = memory.directions(image, text, torch.tensor([7, 8, 7]))
    assert rows["mask"].tolist() == [[False, False, True, False, False, True], [False] * 6,
                                     [True, False, False, False, False, True]]  # fmt: skip
    assert columns["mask"].T.tolist() == rows["mask"].tolist()


def test_no_gradient_runs_into_the_memory_and_none_is_kept():
    weights = torch.randn(WIDTH, WIDTH, requires_grad=True)
    memory = SampleMemory(4, WIDTH)
    for step in range(3):
        image, text, ids = batch(2, step)
        image, text = image @ weights, text @ weights
        views = memory.directions(image, text, ids)
        weights.grad = None
        sum(losses.ranking_loss(**one, margin=2.0) for one in views).backward()  # fails where an old graph is kept
        assert weights.grad.abs().sum() > 0
        memory.remember(image, text, ids)
        kept = image.detach().clone()
        with torch.no_grad():
            image.zero_()  # it holds copies
        assert not memory.image_features.requires_grad and (memory.image_features == kept[0]).all(dim=1).any()
    assert not list(memory.parameters())


def test_it_comes_back_from_its_state_dict(tmp_path):
    memory = SampleMemory(4, WIDTH)
    for step in range(3):
        memory.remember(*batch(3, step))
    torch.save(memory.state_dict(), tmp_path / "memory.pt")
    again = SampleMemory(4, WIDTH)
    again.load_state_dict(torch.load(tmp_path / "memory.pt", weights_only=True))
    for each in (memory, again):  # also where the next one goes
        each.remember(*batch(2, 9))
    assert len(again) == 4 and held(again) == held(memory)
    with pytest.raises(RuntimeError, match="size mismatch"):
        SampleMemory(5, WIDTH).load_state_dict(memory.state_dict())


IMAGE, TEXT, IDS = batch(2)


@pytest.mark.parametrize(("given", "words"), [
    ((IMAGE.to("meta"), TEXT.to("meta"), IDS.to("meta")), r"image_features \(image side\) and the memory must"),
    ((IMAGE, TEXT, IDS.to("meta")), "ids and the memory must be on one device"),
    ((IMAGE, TEXT[:1], IDS), r"text_features \(text side\) must have one row for each of the 2 ids"),
    ((IMAGE, TEXT, IDS[:1]), r"image_features \(image side\) must have one row for each of the 1 ids"),
    ((IMAGE[:, :2], TEXT[:, :2], IDS), "the width of the memory, 3"),
    ((IMAGE.double(), TEXT.double(), IDS), "dtype of the memory, torch.float32; got torch.float64"),
    ((IMAGE, TEXT, IDS.float()), "ids must be integers"),
    ((IMAGE * float("nan"), TEXT, IDS), "image_features must be finite"),
])  # fmt: skip
def test_a_wrong_batch_is_named_and_not_remembered(given, words):
    memory = SampleMemory(4, WIDTH)
    for use in (memory.remember, memory.directions):
        with pytest.raises((ValueError, TypeError), match=words):
            use(*given)
    assert len(memory) == 0


@pytest.mark.parametrize("wrong", [0, -1, 2.0, True, None])
def test_a_wrong_size_is_named(wrong):
    with pytest.raises(ValueError, match="size of a memory"):
        SampleMemory(wrong, 3)
    with pytest.raises(ValueError, match="width of a memory"):
        SampleMemory(3, wrong)

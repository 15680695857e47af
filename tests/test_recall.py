"""recall_at_k against every order that ties allow, and its twin for galleries of any size."""

from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu.models import training
from xmatch_edu.models.training import recall as room
from xmatch_edu.scores import cosine_scores

SIZES = st.integers(1, 5)


def orders(row):
    """Every order of the places that sorts the row from high to low, each as likely as the others."""
    return [order for order in permutations(range(len(row)))
            if all(row[a] >= row[b] for a, b in pairwise(order))]  # fmt: skip


def literally(scores, matches, k):
    """Of one direction: (R@k, median of the expected places), over all orders of all rows that have a match."""
    shares, places = [], []
    for row, own in zip(scores.tolist(), matches.tolist(), strict=True):
        if any(own):
            first = [min(place for place, column in enumerate(order) if own[column]) + 1 for order in orders(row)]
            shares.append(np.mean([place <= k for place in first]))
            places.append(np.mean(first))
    return np.mean(shares), np.median(places)


@st.composite
def batches(draw):
    """Few different scores, so that nearly every row has ties; labels in all forms."""
    n, m = draw(SIZES), draw(SIZES)
    scores = torch.tensor(draw(st.lists(st.sampled_from([-1.0, 0.0, 0.5]), min_size=n * m, max_size=n * m)))
    form = draw(st.sampled_from(["none", "numbers", "matrix"]))
    scores = scores[: n * n].reshape(n, n) if form == "none" and m >= n else scores.reshape(n, m)
    n, m = scores.shape
    if form == "none" and n == m:
        return scores, None, torch.eye(n, dtype=torch.bool)
    if form == "matrix":
        matches = torch.tensor(draw(st.lists(st.booleans(), min_size=n * m, max_size=n * m))).reshape(n, m)
        matches[0, 0] = True
        return scores, matches.float() * 0.3, matches
    labels = torch.tensor(draw(st.lists(st.integers(0, m - 1), min_size=n, max_size=n)))
    return scores, labels, torch.nn.functional.one_hot(labels, m).bool()


@given(batches(), st.integers(1, 6))
def test_it_is_the_mean_over_all_orders_of_the_ties(batch, k):
    scores, labels, matches = batch
    found = training.recall_at_k(scores, ks=(k,), labels=labels)
    for direction, s, y in (("image_to_text", scores, matches), ("text_to_image", scores.T, matches.T)):
        share, place = literally(s, y, k)
        assert getattr(found, direction)[k] == pytest.approx(share)
        assert found.median_rank[direction] == pytest.approx(place)


def test_labels_of_true_and_false_and_of_weights_are_one():
    scores = torch.tensor([[0.5, 0.5, 0.1], [0.2, 0.2, 0.2]])
    matches = torch.tensor([[True, False, True], [False, False, False]])
    found = training.recall_at_k(scores, ks=(1, 2, 3), labels=matches)
    assert found == training.recall_at_k(scores.half(), ks=[1, 2, 3], labels=matches * 7)
    assert found.image_to_text == {1: 0.5, 2: 1.0, 3: 1.0} and found.median_rank["image_to_text"] == 1.5
    assert found.text_to_image == {1: 0.5, 2: 1.0, 3: 1.0}  # text 0 finds its image first, text 2 finds it last


def test_a_perfect_scorer_and_its_opposite():
    """And a constant one between them, which gets what chance gets."""
    assert training.recall_at_k(torch.eye(12)).text_to_image == {1: 1.0, 5: 1.0, 10: 1.0}
    constant = training.recall_at_k(torch.full((12, 12), 0.3))
    assert constant.text_to_image == pytest.approx({1: 1 / 12, 5: 5 / 12, 10: 10 / 12})
    assert constant.median_rank == {"image_to_text": 6.5, "text_to_image": 6.5}
    worst = training.recall_at_k(-torch.eye(12))
    assert worst.image_to_text == {1: 0.0, 5: 0.0, 10: 0.0} and worst.median_rank["image_to_text"] == 12


@pytest.mark.parametrize("cells", [1, 37, 4000])
def test_in_pieces_it_is_the_same(cells, monkeypatch):
    """Also with twins: equal features have equal scores, which are ties."""
    monkeypatch.setattr(room, "_CELLS", cells)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(-2, 3, (23, 4), generator=generator).float()
    texts = images + torch.randint(-1, 2, (23, 4), generator=generator).float()
    images[5:8], texts[9] = images[5], texts[5]
    whole = cosine_scores(images.double(), texts.double()).float()
    assert training.gallery_recall(images, texts) == training.recall_at_k(whole)


@pytest.mark.parametrize("n", [7, 33, 129])
@pytest.mark.parametrize("cells", [1000, 10**6])
def test_a_gallery_of_twins_gets_chance(n, cells, monkeypatch):
    """A product adds up its terms in another order at its edges: without rounding, some twins would be better."""
    monkeypatch.setattr(room, "_CELLS", cells)
    one, other = torch.randn(2, 333, generator=torch.Generator().manual_seed(n))
    found = training.gallery_recall(one.repeat(n, 1), other.repeat(n, 1), ks=(1,))
    assert found.image_to_text[1] == found.text_to_image[1] == pytest.approx(1 / n)
    assert found.median_rank["image_to_text"] == (n + 1) / 2


BAD = {
    "k of 0": (lambda: training.recall_at_k(torch.eye(3), ks=(1, 0)), ValueError, "ks must be ints of at least 1.*0"),
    "k of True": (lambda: training.recall_at_k(torch.eye(3), ks=(True,)), ValueError, "ks must be ints"),
    "k in words": (lambda: training.recall_at_k(torch.eye(3), ks="5"), ValueError, "ks must be ints.*'5'"),
    "gallery NaN": (lambda: training.gallery_recall(torch.ones(3, 2), torch.full((3, 2), torch.nan)), ValueError,
                    "text_features must be finite"),
    "one k": (lambda: training.recall_at_k(torch.eye(3), ks=10), TypeError, "ks must be a sequence.*10"),
    "no labels": (lambda: training.recall_at_k(torch.ones(2, 3)), ValueError, "labels is needed"),
    "no match": (lambda: training.recall_at_k(torch.ones(2, 3), labels=torch.zeros(2, 3)), ValueError, "no match"),
    "sides": (lambda: training.gallery_recall(torch.ones(3, 2), torch.ones(4, 2)), ValueError,
              "3 on the image side and 4 on the text side"),
    "gallery k": (lambda: training.gallery_recall(torch.ones(3, 2), torch.ones(3, 2), ks=(-1,)), ValueError, "ks"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_named(bad):
    call, kind, words = BAD[bad]
    with pytest.raises(kind, match=words):
        call()

"""MatchingExplorer without a browser: its numbers are the losses', and so is its still picture."""

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from test_live_pictures import CAPTIONS, DEAL, PICTURES, S

from xmatch_edu import _inputs, loops, losses
from xmatch_edu.explore import MatchingExplorer, batch
from xmatch_edu.plots import heatmaps


@pytest.mark.parametrize("direction", _inputs.DIRECTIONS)
@pytest.mark.parametrize("order", [list(range(5)), DEAL, DEAL[::-1]])
@pytest.mark.parametrize("follow", [True, False])
def test_the_numbers_are_those_of_the_losses(direction, order, follow):
    explorer = MatchingExplorer(S, scale=4.0)
    explorer.direction, explorer.order, explorer.labels_follow = direction, order, follow
    shown = torch.tensor(S[:, order], requires_grad=True)
    labels = torch.tensor([order.index(i) for i in range(5)] if follow else range(5))
    loss = losses.matching_loss(shown, labels, scale=4.0, direction=direction)
    loss.backward()
    numbers = explorer.numbers()
    assert numbers["loss"] == pytest.approx(loss.item(), abs=1e-12)
    assert np.allclose(numbers["gradient"], shown.grad)
    assert np.allclose(numbers["text given image"], torch.softmax(4 * shown, 1).detach())
    assert np.allclose(numbers["image given text"], torch.softmax(4 * shown, 0).detach())
    assert np.array_equal(numbers["scores"], S[:, order])
    assert np.array_equal(numbers["labels"].argmax(1), labels) and numbers["labels"].sum() == 5
    assert np.array_equal(explorer.labels, labels)


@pytest.mark.parametrize("direction", _inputs.DIRECTIONS)
@pytest.mark.parametrize("negatives", ["all", "hardest", 1, 2, 9])
@pytest.mark.parametrize(("order", "follow"), [(list(range(5)), True), (DEAL, True), (DEAL, False)])
def test_the_violations_are_those_of_the_ranking_loss(direction, negatives, order, follow):
    explorer = MatchingExplorer(S, view="violations", margin=1.5, negatives=negatives)
    explorer.direction, explorer.order, explorer.labels_follow = direction, order, follow
    shown = S[:, order]
    labels = np.array([order.index(i) for i in range(5)] if follow else range(5))
    options = {"margin": 1.5, "negatives": negatives, "direction": direction}
    numbers = explorer.numbers()
    assert numbers["ranking loss"] == loops.ranking_loss(shown, labels, **options) > 0
    in_torch = losses.ranking_loss(torch.tensor(shown), torch.tensor(labels), **options).item()
    assert numbers["ranking loss"] == pytest.approx(in_torch, abs=1e-12)
    # Of both directions it is the sum of the two matrices.
    assert numbers["violations"].sum() == pytest.approx(numbers["ranking loss"], abs=1e-12)
    assert (numbers["violations"] >= 0).all() and (numbers["violations"][range(5), labels] == 0).all()
    most = {"all": 4, "hardest": 1, 1: 1, 2: 2, 9: 4}[negatives]
    if direction != "both":
        axis = 1 if direction == "image_to_text" else 0
        assert (np.count_nonzero(numbers["violations"], axis=axis) <= most).all()


def test_of_equal_violations_the_first_counts():
    explorer = MatchingExplorer(np.zeros((3, 3)), view="violations", negatives="hardest")
    explorer.direction = "image_to_text"
    assert np.array_equal(explorer.numbers()["violations"] > 0, [[0, 1, 0], [1, 0, 0], [1, 0, 0]])
    assert explorer.numbers()["ranking loss"] == pytest.approx(0.2 * 3)  # the mark of the meter: m·N
    explorer.direction = "both"
    assert np.allclose(explorer.numbers()["violations"], 0.2 * np.array([[0, 2, 1], [2, 0, 0], [1, 0, 0]]))


def test_labels_that_follow_a_shuffle_keep_the_loss_and_labels_that_stay_do_not():
    explorer = MatchingExplorer(S + 3 * np.eye(5), scale=2.0)
    before = explorer.numbers()["loss"]
    for order in explorer.shuffles:
        explorer.order, explorer.labels_follow = order, True
        assert explorer.numbers()["loss"] == pytest.approx(before)
        explorer.labels_follow = False
        assert explorer.numbers()["loss"] > before + 1


@pytest.mark.parametrize("n", [1, 2, 3, 8, 64])
def test_the_shuffles_are_the_same_each_time_and_hide_nothing(n):
    assert (deals := batch.shuffles(n)) == batch.shuffles(n)
    assert all(sorted(order) == list(range(n)) for order in deals)
    if n > 1:
        assert list(range(n)) not in deals
    if n > 2:  # with a deal that is its own inverse, p and argsort(p) would look the same
        assert all(list(np.argsort(order)) != order for order in deals)


def test_the_still_picture_shows_the_view_as_it_stands():
    explorer = MatchingExplorer(S, pictures=PICTURES, captions=CAPTIONS, scale=3)
    explorer.order, explorer.view = DEAL, "text given image"
    assert "P(text | image) · scale 3" in repr(explorer) and f"{explorer.numbers()['loss']:.2f}" in repr(explorer)
    ax = explorer.still().figure.axes[0]
    assert np.allclose(ax.images[0].get_array(), explorer.numbers()["text given image"])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [CAPTIONS[k] for k in DEAL]
    frames = {(round(p.get_y() + 0.5), round(p.get_x() + 0.5)) for p in ax.patches}
    assert frames == {(i, DEAL.index(i)) for i in range(5)}
    explorer.view, explorer.margin, explorer.negatives = "violations", 0.7, 2
    ax = explorer.still().figure.axes[0]
    assert ax.get_title() == (
        "violations · margin 0.7 · negatives: the hardest 2\n"
        f"hinge loss (both, summed) {explorer.numbers()['ranking loss']:.2f}"
    )
    assert np.array_equal(ax.images[0].get_array(), explorer.numbers()["violations"])
    costly = np.count_nonzero(explorer.numbers()["violations"])
    assert f"{costly} cells cost something, {explorer.numbers()['ranking loss']:.2f} in all" in repr(explorer)
    assert "1 image (rows) by 1 text" in repr(MatchingExplorer([[2]]))


def test_the_colours_are_those_of_the_still_pictures():
    for kind, table in MatchingExplorer(S).data["colours"].items():
        expected = colormaps[heatmaps._STYLES[kind][0]](range(256), bytes=True)[:, :3]
        assert bytes.fromhex(table) == expected.tobytes()

"""MatchingExplorer without a browser: its numbers are the losses', its traits are checked, its pages stand alone."""

import ast
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import traitlets
from matplotlib import colormaps

from xmatch_edu import _inputs, loops, losses
from xmatch_edu.explore import MatchingExplorer, batch, matching
from xmatch_edu.plots import heatmaps

RANDOM = np.random.default_rng(7)
S = RANDOM.normal(size=(5, 5))
PICTURES = np.stack([np.full((6, 6, 3), 40 * i, dtype=np.uint8) for i in range(5)])
CAPTIONS = ["dog", "red apple", "sun", "</script><b>tea</b>", "a \"cup\" & more"]
DEAL = [2, 0, 4, 1, 3]


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


def test_every_trait_is_set_and_read_from_python():
    explorer = MatchingExplorer(torch.tensor(S, dtype=torch.float32), low=1, high=20, scale=2)
    assert (explorer.view, explorer.scale, explorer.direction) == ("scores", 2.0, "both")
    assert (explorer.order, explorer.labels_follow, explorer.cell) == ([0, 1, 2, 3, 4], True, [0, 0])
    explorer.order, explorer.cell, explorer.scale = np.array(DEAL), (np.int64(3), 4), np.float32(4.0)
    assert (explorer.order, explorer.cell, explorer.scale) == (DEAL, [3, 4], 4.0)
    assert type(explorer.order) is list and type(explorer.scale) is float  # what a message can carry
    assert (explorer.margin, explorer.negatives) == (0.2, "all")
    explorer.margin = np.float32(0.5)
    assert explorer.margin == 0.5 and type(explorer.margin) is float
    for negatives in (3, "hardest", "all"):
        explorer.negatives = negatives
        assert explorer.negatives == negatives
    other = MatchingExplorer(S, view="violations", margin=1, negatives=2)
    assert (other.view, other.margin, other.negatives) == ("violations", 1.0, 2)
    for view in matching.VIEWS:
        explorer.view = view
    for direction in _inputs.DIRECTIONS:
        explorer.direction = direction
    assert explorer.loss is None and explorer.ranking_loss is None  # no browser has shown it
    for name in ("loss", "ranking_loss", "data"):
        with pytest.raises(traitlets.TraitError):
            setattr(explorer, name, getattr(explorer, name))


BAD_TRAITS = {
    "view": (["probabilities", 3, None], "view must be one of"),
    "direction": (["rows"], "direction must be one of"),
    "scale": ([0.4, 31, -1, math.nan, math.inf], "scale must"),
    "margin": ([0, 0.019, 2.1, -1, math.nan, math.inf], "margin must"),
    "negatives": (["top 3", "some", 0, -1, 2.0, True, None, [1]], "negatives must be"),
    "labels_follow": ([1, "yes", None], "labels_follow must be True or False"),
    "order": ([[0, 1, 2, 3], [0, 0, 1, 2, 3], [1, 2, 3, 4, 5], 7, None, [0.0, 1, 2, 3, 4]], r"order .*text side"),
    "cell": ([[0, 5], [-1, 0], [0], 3, None, [0.5, 1]], "cell must be"),
}


@pytest.mark.parametrize("name", BAD_TRAITS)
def test_a_wrong_trait_is_named_and_changes_nothing(name):
    values, words = BAD_TRAITS[name]
    explorer = MatchingExplorer(S)
    before = getattr(explorer, name)
    for value in values:
        with pytest.raises(ValueError, match=words):
            setattr(explorer, name, value)
        assert getattr(explorer, name) == before
    with pytest.raises(TypeError, match="scale must be a number"):
        explorer.scale = "large"
    with pytest.raises(TypeError, match="margin must be a number"):
        explorer.margin = "0.2"


F = RANDOM.normal(size=(5, 3))
BAD = {
    "rank 1": ({"scores": S[0]}, r"scores must be \(N, N\)"),
    "not square": ({"scores": S[:4]}, "a row for each image and a column for each text"),
    "empty": ({"scores": np.zeros((0, 0))}, "N from 1 to 64"),
    "too large": ({"scores": np.zeros((65, 65))}, r"N from 1 to 64; got \(65, 65\)"),
    "not finite": ({"scores": np.where(np.eye(5) > 0, np.nan, S)}, "scores must be finite; got nan at image 0, text 0"),
    "ragged": ({"scores": [[1, 2], [3]]}, "scores must hold real numbers"),
    "words": ({"scores": [["a"]]}, "scores must hold real numbers"),
    "complex": ({"scores": S + 1j}, "scores must hold real numbers"),
    "too few pictures": ({"pictures": PICTURES[:4]}, r"pictures: .*image side.*5; got 4"),
    "float pictures": ({"pictures": PICTURES / 255}, r"pictures \(image side\) must be .* uint8"),
    "grey pictures": ({"pictures": PICTURES[..., 0]}, r"pictures \(image side\)"),
    "too many captions": ({"captions": [*CAPTIONS, "moon"]}, r"captions: .*text side.*5; got 6"),
    "no captions": ({"captions": []}, r"captions: .*text side.*5; got 0"),
    "one string": ({"captions": "abcde"}, "captions: a list of strings.*text side"),
    "one side's features": ({"image_features": F}, r"text_features \(the text side\) is missing"),
    "other features": ({"image_features": F, "text_features": F[:, :2]}, "same width D"),
    "too few features": ({"image_features": F, "text_features": F[:4]}, r"text_features: .*text side.*5; got 4"),
    "a slider from 0": ({"low": 0.0}, "0 < low < high; got 0.0"),
    "a slider without end": ({"high": math.inf}, "low and high.* got 0.5 and inf"),
    "a slider turned round": ({"low": 9, "high": 3, "scale": 5}, "0 < low < high"),
    "a scale beyond the slider": ({"scale": 50}, "scale must lie on the slider"),
    "an unknown view": ({"view": "hinges"}, "view must be one of"),
    "a margin beyond the slider": ({"margin": 3}, "margin must lie on the slider, from 0.02 to 2; got 3"),
    "no negatives": ({"negatives": 0}, "negatives must be"),
    "a margin on top overflows": ({"scores": 1e308 * np.eye(2), "high": 1, "scale": 1}, r"margin \+ .* may overflow"),
    "overflow": ({"scores": 1e308 * np.eye(2)}, "overflows"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_named(what):
    arguments, words = BAD[what]
    with pytest.raises(ValueError, match=words):
        MatchingExplorer(**{"scores": S, **arguments})


def test_the_still_picture_shows_the_view_as_it_stands():
    explorer = MatchingExplorer(S, pictures=PICTURES, captions=CAPTIONS, scale=3)
    explorer.order, explorer.view = DEAL, "text given image"
    data, metadata = explorer._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= data.keys()
    assert data["text/plain"] == metadata["image/png"]["alt"] == repr(explorer)
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


def test_the_page_is_whole_and_calls_nobody(tmp_path):
    explorer = MatchingExplorer(S, pictures=PICTURES, captions=CAPTIONS, image_features=F, text_features=F)
    explorer.order, explorer.cell, explorer.margin, explorer.negatives = DEAL, [1, 2], 0.4, 3
    explorer.save(tmp_path / "page.html", title="A <page>", credit="Drawn by A & B")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert not re.search(r"https?://|\bimport\b|\bfetch\(|@import", page)
    assert "<title>A &lt;page&gt;</title>" in page and "Drawn by A &amp; B" in page
    assert page.count("</script>") == 2  # ours; that in the caption ends nothing
    state = json.loads(re.search(r'id="explorer-state">(.*?)</script>', page, re.DOTALL)[1])
    assert state["order"] == DEAL and state["cell"] == [1, 2] and state["data"]["captions"] == CAPTIONS
    assert (state["margin"], state["negatives"], state["data"]["margins"]) == (0.4, 3, [0.02, 2.0])
    assert np.array_equal(state["data"]["scores"], S)  # JSON keeps every digit
    assert np.array_equal(state["data"]["text_features"], F)
    assert '<noscript><img alt="Heatmap of scores S' in page


def test_the_script_needs_nothing_and_knows_every_view_and_direction():
    script = Path(matching._SCRIPT).read_text("utf-8")
    assert not re.search(r"https?:|^\s*import\b|\bfetch\(|innerHTML", script, re.MULTILINE)
    views = [(view, kind) for view, (kind, _, _) in matching.VIEWS.items()]
    assert re.findall(r'^  "([^"]+)": { kind: "(\w+)"', script, re.MULTILINE) == views
    assert re.findall(r"^  (\w+): { label: .*weights", script, re.MULTILINE) == list(_inputs.DIRECTIONS)
    state = ast.literal_eval(re.search(r"const STATE = (\[.*?\]);", script)[1])
    assert tuple(state) == matching._STATE

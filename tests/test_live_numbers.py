"""The live pictures without a browser: their numbers are those of losses and loops, and their stills show them."""

import math

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from test_live_pictures import CAPTIONS, DEAL, FRAMES, NAMES, PHOTO, PICTURES, TRUTH, S, V, W

from xmatch_edu import _inputs, loops, losses, plots
from xmatch_edu.explore import AttentionExplorer, MatchingExplorer, TileWalk, TrainingFilm, batch
from xmatch_edu.plots import heatmaps

IMAGES, TEXTS = np.random.default_rng(23).normal(size=(2, 7, 3))


# ---- One batch


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


@pytest.mark.parametrize("n", [1, 2, 3, 8, 64])
def test_the_shuffles_are_the_same_each_time_and_hide_nothing(n):
    assert (deals := batch.shuffles(n)) == batch.shuffles(n)
    assert all(sorted(order) == list(range(n)) for order in deals)
    if n > 1:
        assert list(range(n)) not in deals
    if n > 2:  # with a deal that is its own inverse, p and argsort(p) would look the same
        assert all(list(np.argsort(order)) != order for order in deals)


def test_the_still_batch_shows_the_view_as_it_stands():
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


# ---- One text and one image


@pytest.mark.parametrize("similarity", _inputs.ATTENTIONS)
@pytest.mark.parametrize("compete", [True, False])
def test_the_attention_is_that_of_the_loops(similarity, compete):
    explorer = AttentionExplorer(torch.tensor(V, dtype=torch.float32), W.tolist(), gamma1=2)
    explorer.gamma2, explorer.attention, explorer.compete_over_words = 9, similarity, compete
    expected = loops.word_region_steps(
        V.astype(np.float32).astype(float), W, gamma1=2.0, gamma2=9.0, attention=similarity, compete_over_words=compete)
    for name, numbers in explorer.numbers()._asdict().items():
        assert np.array_equal(numbers, getattr(expected, name)), name


def test_the_still_picture_shows_every_word_as_it_stands():
    explorer = AttentionExplorer(V, W, picture=PHOTO, word_names=NAMES, truth=TRUTH, gamma1=3, attention="cosine")
    steps = explorer.numbers()
    assert "γ1 = 3 · γ2 = 5 · s: cosine · words compete" in repr(explorer)
    assert f"R = {steps.score - math.log(3) / 5:.3f} + ln 3 / γ2 = {steps.score:.3f}." in repr(explorer)
    for t, (name, look) in enumerate(zip(NAMES, steps.attention, strict=True)):
        row, column = divmod(int(look.argmax()), 3)
        where = f'"{name}" (cos {steps.cosines[t]:.2f}) brightest in row {row}, column {column}'
        assert where in repr(explorer)
    assert len(explorer.still().figure.axes) == 4


# ---- A film


def test_the_numbers_of_each_frame_are_those_of_the_loops():
    explorer = TrainingFilm(FRAMES)
    for frame, (scores, scale) in enumerate(FRAMES.values()):
        explorer.frame = frame
        numbers = explorer.numbers()
        assert np.array_equal(numbers["scores"], scores)
        for view, direction in (("text given image", "image_to_text"), ("image given text", "text_to_image")):
            expected = loops.matching_steps(scores, scale=scale, direction=direction).probabilities
            assert np.array_equal(numbers[view], expected)
        assert numbers["loss"] == loops.matching_loss(scores, scale=scale)
        for side, lines in (("rows right", scores), ("columns right", scores.T)):
            expected = sum(all(line[a] > line[b] for b in range(5) if b != a) for a, line in enumerate(lines))
            assert numbers[side] == expected, (frame, side)
    assert numbers["rows right"] == numbers["columns right"] == 5


def test_a_tie_is_not_right_and_rows_are_not_columns():
    explorer = TrainingFilm({0: (np.ones((3, 3)), 1.0), 5: ([[3, 2, 9], [4, 5, 6], [7, 5, 8]], 1.0)})
    assert (explorer.numbers()["rows right"], explorer.numbers()["columns right"]) == (0, 0)
    explorer.frame = 1
    assert (explorer.numbers()["rows right"], explorer.numbers()["columns right"]) == (1, 0)
    alone = TrainingFilm({0: ([[-2.0]], 1.0)}).numbers()
    assert (alone["loss"], alone["rows right"], alone["columns right"]) == (0, 1, 1)


def test_tensors_are_read_and_numbers_come_out_plain():
    scores = torch.tensor(S, dtype=torch.float32, requires_grad=True)
    explorer = TrainingFilm({np.int64(7): (scores, torch.tensor(2.0, requires_grad=True)), 8: (S, np.float32(3))},
                            losses=torch.ones(8), batch_size=4)  # fmt: skip
    assert explorer.steps == [7, 8] and explorer.scales == [2.0, 3.0]
    assert all(type(number) is kind for number, kind in [(explorer.steps[0], int), (explorer.scales[1], float)])
    assert np.array_equal(explorer.numbers()["scores"], S.astype(np.float32))


def test_the_still_picture_shows_six_frames_evenly_from_the_first_to_the_last():
    frames = {10 * k: (0.1 * S + k * np.eye(5), 1.0) for k in range(11)}
    explorer = TrainingFilm(frames, pictures=PICTURES, captions=CAPTIONS)
    explorer.frame = 3
    axes = [ax for ax in explorer.still().figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in axes] == [f"after {step} steps" for step in (0, 20, 40, 60, 80, 100)]
    assert all(np.array_equal(ax.images[0].get_array(), frames[20 * k][0]) for k, ax in enumerate(axes))
    assert len({ax.images[0].get_clim() for ax in axes}) == 1, "one colour means one number"
    assert repr(explorer).startswith("Heatmap of after 0 steps: 5 images (rows) by 5 texts (columns).")
    assert "after 100 steps: 5 images (rows) by 5 texts (columns). The brightest cell of the row is a match in 5 of 5" \
        in repr(explorer)  # fmt: skip

    names = [tick.get_text() for tick in axes[0].get_xticklabels()]
    assert names == ["dog", "red apple", "sun", "</script><b>tea…", "a \"cup\" & more"], "none runs into the next line"

    explorer = TrainingFilm(FRAMES)
    explorer.view = "image given text"
    axes = explorer.still().figure.axes
    assert [ax.get_title() for ax in axes] == ["after 0 steps", "after 1 step", "after 10 steps", "after 40 steps"]
    expected = loops.matching_steps(*FRAMES[40][:1], scale=FRAMES[40][1], direction="text_to_image").probabilities
    assert np.array_equal(axes[-1].images[0].get_array(), expected) and axes[0].images[0].get_clim() == (0, 1)
    assert "1 image (rows)" in repr(TrainingFilm({0: ([[1.0]], 1.0)}))


# ---- A walk over tiles


def walk(**more):
    return TileWalk(IMAGES, TEXTS, **{"scale": 2.0, "size": 3, **more})


def test_the_tiles_cover_each_cell_once_and_the_last_are_short():
    covered = np.zeros((7, 7), dtype=int)
    for where in walk().tiles:
        covered[where] += 1
    assert (covered == 1).all() and len(walk().tiles) == 9 and len(walk(size=100).tiles) == 1
    assert covered[walk().tiles[-1]].shape == (1, 1)


def test_forward_the_logs_grow_to_those_of_whole_rows_and_columns():
    live, logits = walk(), 2 * IMAGES @ TEXTS.T
    assert np.isnan(live.numbers()["tile"]).all() and (live.numbers()["rows"] == -np.inf).all()
    assert (live.numbers()["held"], live.numbers()["loss"]) == (15, None)
    live.step = 2  # images 0 to 2 with texts 3 to 5
    numbers = live.numbers()
    assert np.array_equal(numbers["tile"][:3, 3:6], logits[:3, 3:6]) and np.isfinite(numbers["tile"]).sum() == 9
    assert np.allclose(numbers["rows"][:3], np.log(np.exp(logits[:3, :6]).sum(axis=1)))
    assert np.allclose(numbers["columns"][3:6], np.log(np.exp(logits[:3, 3:6]).sum(axis=0)))
    assert (numbers["rows"][3:] == -np.inf).all() and numbers["columns"][6] == -np.inf
    assert (numbers["held"], numbers["loss"]) == (9 + 14 + 1, None)
    live.step = 9
    numbers = live.numbers()
    assert np.allclose(numbers["rows"], np.log(np.exp(logits).sum(axis=1)))
    assert np.allclose(numbers["columns"], np.log(np.exp(logits).sum(axis=0)))
    assert numbers["loss"] == loops.matching_loss(IMAGES @ TEXTS.T, scale=2.0) and numbers["held"] == 1 + 14 + 1
    by_hand = (numbers["rows"] + numbers["columns"]).mean() / 2 - logits.diagonal().mean()
    assert numbers["loss"] == pytest.approx(by_hand)


def test_backward_the_gradients_grow_to_those_of_the_loops():
    live, gradient = walk(), loops.matching_gradient(IMAGES @ TEXTS.T, scale=2.0)
    live.step = 10
    numbers = live.numbers()
    assert np.allclose(numbers["tile"][:3, :3], gradient[:3, :3] * 7 / 2) and np.isfinite(numbers["tile"]).sum() == 9
    assert np.allclose(numbers["rows"][:3], np.linalg.norm(gradient[:3, :3] @ TEXTS[:3], axis=1))
    assert (numbers["rows"][3:] == 0).all() and (numbers["columns"][3:] == 0).all()
    live.step = 18
    assert np.allclose(live.numbers()["rows"], np.linalg.norm(gradient @ TEXTS, axis=1))
    assert np.allclose(live.numbers()["columns"], np.linalg.norm(gradient.T @ IMAGES, axis=1))


def test_tensors_are_read_large_logits_are_no_trouble_and_one_pair_costs_nothing():
    read = TileWalk(torch.tensor(IMAGES, requires_grad=True), torch.tensor(TEXTS), scale=2, size=3)
    assert np.array_equal(read.scores, walk().scores) and read.scale == 2.0
    large = walk(scale=1e4)
    for large.step in (9, 18):
        assert all(np.isfinite(large.numbers()[name]).all() for name in ("rows", "columns", "loss"))
    alone = TileWalk([[1.0]], [[3.0]], scale=1.0, size=5)
    alone.step = np.int64(2)
    assert alone.numbers()["loss"] == 0 and type(alone.step) is int


def test_the_still_picture_shows_six_steps_and_says_so():
    explorer = walk()
    axes = [ax for ax in explorer.still().figure.axes if ax.get_title()]
    expected = ["forward, tile 1 of 9", "forward, tile 4 of 9", "forward, tile 8 of 9", "backward, tile 2 of 9",
                "backward, tile 6 of 9", "backward, tile 9 of 9"]  # fmt: skip
    assert [ax.get_title() for ax in axes] == expected
    assert repr(explorer).startswith("forward, tile 1 of 9: 7 images by 7 texts, 9 of 49 cells in colour, in rows 0 to "
                                     "2 and columns 0 to 2, the rest grey.")  # fmt: skip


def test_pieces_are_grey_where_nothing_is_and_one_colour_is_one_number():
    half, none = np.array([[1.0, np.nan], [3.0, np.nan]]), np.full((2, 2), np.nan)
    picture = plots.pieces([
        ("a", half, "scores"), ("b", 2 * half, "scores"), ("c", -half, "gradient"), ("d", none, "scores"),
    ])  # fmt: skip
    axes = [ax for ax in picture.figure.axes if ax.get_title()]
    assert [ax.images[0].get_clim() for ax in axes] == [(1, 6), (1, 6), (-3, 3), (1, 6)]
    assert axes[0].images[0].get_array().mask.tolist() == [[False, True], [False, True]]
    assert picture.alt.startswith("a: 2 images by 2 texts, 2 of 4 cells in colour, in rows 0 to 1 and columns 0 to 0")
    assert picture.alt.endswith("d: 2 images by 2 texts, all of it grey.")
    with pytest.raises(ValueError, match="parts is empty"):
        plots.pieces([])
    with pytest.raises(ValueError, match="kind must be one of scores, gradient; got 'labels'"):
        plots.pieces([("a", half, "labels")])

"""TileWalk without a browser: its numbers are the loops', and its still picture shows them."""

import numpy as np
import pytest
import torch

from xmatch_edu import loops, plots
from xmatch_edu.explore import TileWalk

RANDOM = np.random.default_rng(23)
IMAGES, TEXTS = RANDOM.normal(size=(2, 7, 3))
CAPTIONS = ["dog", "red apple", "sun", "</script><b>tea</b>", "a \"cup\" & more", "a caption without an end", "7"]
PICTURES = np.stack([np.full((6, 6, 3), 30 * i, dtype=np.uint8) for i in range(7)])


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

"""Pictures say what they show, show what they are given, and stay readable in grey."""

import io

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from xmatch_edu import plots
from xmatch_edu.explore.slider import Slider

S = np.array([[2.0, 0.5, 0.1], [0.4, 1.5, 1.2], [0.8, 0.9, 0.3]])
PICTURES = np.full((3, 32, 32, 3), 120, dtype=np.uint8)
CAPTIONS = ["dog face", "red apple", "sun"]


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png())).convert("RGB"))


def words(picture):
    """Every text that stands in the drawing."""
    return [t.get_text() for ax in picture.figure.axes for t in ax.texts]


def test_a_heatmap_draws_the_matrix_as_it_is_with_its_numbers():
    picture = plots.heatmap(S, pictures=PICTURES, captions=CAPTIONS, title="scores S")
    ax = picture.figure.axes[0]
    assert np.array_equal(ax.images[0].get_array(), S)  # row 0 on top, as in the matrix
    assert ax.yaxis_inverted()
    assert words(picture)[:9] == ["2.00", "0.50", "0.10", "0.40", "1.50", "1.20", "0.80", "0.90", "0.30"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["dog face", "red apple", "sun"]
    assert pixels(picture).std() > 10


@pytest.mark.parametrize(("n", "numbers"), [(1, 1), (8, 64), (9, 0)])
def test_numbers_stand_in_the_cells_up_to_eight(n, numbers):
    assert len(words(plots.heatmap(np.eye(n)))) == numbers


def test_the_words_for_a_screen_reader_count_the_matches():
    alt = plots.heatmap(S, title="scores S").alt
    assert alt == (
        "Heatmap of scores S: 3 images (rows) by 3 texts (columns). "
        "The brightest cell of the row is a match in 2 of 3 rows."
    )
    assert "in 1 of 3 rows" in plots.heatmap(S, labels=np.array([0, 2, 0])).alt
    assert "(0, 2), (1, 0), (2, 1)" in plots.heatmap(np.eye(3)[[2, 0, 1]], kind="labels").alt


def test_frames_stand_on_the_matches():
    frames = plots.heatmap(S, labels=np.array([2, 0, 1])).figure.axes[0].patches
    corners = {(p.get_y() + 0.5, p.get_x() + 0.5) for p in frames}
    assert corners == {(0, 2), (1, 0), (2, 1)}


def test_matching_panels_show_what_the_loops_compute():
    picture = plots.matching_panels(S, scale=2.0, pictures=PICTURES, captions=CAPTIONS)
    shown = [ax.images[0].get_array() for ax in picture.figure.axes]
    assert len(shown) == 5
    scores, rows, columns, labels, gradient = shown
    assert np.array_equal(scores, S) and np.array_equal(labels, np.eye(3))
    assert np.allclose(rows.sum(axis=1), 1) and np.allclose(columns.sum(axis=0), 1)
    assert np.allclose(gradient, 2.0 * ((rows - labels) / 3 + (columns - labels) / 3) / 2)


def test_a_picture_carries_its_words_into_the_notebook():
    data, metadata = plots.heatmap(S)._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] != ""
    assert isinstance(data["image/png"], str)


def test_a_batch_shows_every_pair():
    picture = plots.batch(PICTURES, CAPTIONS)
    assert words(picture) == ["0: dog face", "1: red apple", "2: sun"]
    assert all(caption in picture.alt for caption in CAPTIONS)


@pytest.mark.parametrize("kind", plots._STYLES)
def test_colours_rise_steadily_in_grey(kind):
    colours = colormaps[plots._STYLES[kind][0]](np.linspace(0, 1, 64))[:, :3]
    grey = colours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(grey) > 0).all()


BAD = {
    "rank 1": (lambda: plots.heatmap(S[0]), "matrix must be"),
    "empty": (lambda: plots.heatmap(np.zeros((0, 3))), "matrix must be"),
    "unknown kind": (lambda: plots.heatmap(S, kind="loss"), "kind must be one of"),
    "too few pictures": (lambda: plots.heatmap(S, pictures=PICTURES[:2]), "image side"),
    "too many captions": (lambda: plots.heatmap(S, captions=[*CAPTIONS, "moon"]), "text side"),
    "two shapes": (lambda: plots.panels([("S", S, "scores"), ("T", S[:2], "scores")]), "every panel shows one batch"),
    "a batch with two lengths": (lambda: plots.batch(PICTURES[:2], CAPTIONS), "image side"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_named(what):
    call, words = BAD[what]
    with pytest.raises(ValueError, match=words):
        call()


def test_a_slider_redraws_its_picture_and_has_a_still_one_beside_it():
    live = Slider(
        lambda scale: plots.heatmap(scale * S, title=f"scale {scale:g}"),
        name="scale", low=1, high=20, step=1, value=2,
    )  # fmt: skip
    data, metadata = live._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= data.keys()
    assert "scale 2" in metadata["image/png"]["alt"]
    before = live.children[1].value
    live.slider.value = 5
    assert "scale 5" in live.picture.alt and "scale 5" in live.children[1].value != before

"""TrainingFilm without a browser: its numbers are the loops', its traits are checked, its page is whole."""

import ast
import json
import math
import re

import numpy as np
import pytest
import torch
import traitlets

from xmatch_edu import loops
from xmatch_edu.explore import TrainingFilm, film, live, matching

RANDOM = np.random.default_rng(13)
NOISE = RANDOM.normal(size=(5, 5))
FRAMES = {step: (0.3 * NOISE + step / 20 * np.eye(5), 1.0 + step) for step in (0, 1, 10, 40)}
PICTURES = np.stack([np.full((6, 6, 3), 40 * i, dtype=np.uint8) for i in range(5)])
CAPTIONS = ["dog", "red apple", "sun", "</script><b>tea</b>", "a \"cup\" & more"]
LOSSES = [1.6 / (1 + step) for step in range(40)]


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
    scores = torch.tensor(NOISE, dtype=torch.float32, requires_grad=True)
    explorer = TrainingFilm({np.int64(7): (scores, torch.tensor(2.0, requires_grad=True)), 8: (NOISE, np.float32(3))},
                            losses=torch.ones(8), batch_size=4)  # fmt: skip
    assert explorer.steps == [7, 8] and explorer.scales == [2.0, 3.0]
    assert all(type(number) is kind for number, kind in [(explorer.steps[0], int), (explorer.scales[1], float)])
    assert np.array_equal(explorer.numbers()["scores"], NOISE.astype(np.float32))


def test_every_trait_is_set_and_read_from_python():
    explorer = TrainingFilm(FRAMES)
    assert (explorer.frame, explorer.view, explorer.cell, explorer.loss) == (0, "scores", [0, 0], None)
    explorer.frame, explorer.cell = np.int64(3), (np.int64(3), 4)
    assert (explorer.frame, explorer.cell) == (3, [3, 4])
    assert type(explorer.frame) is int and type(explorer.cell[0]) is int  # what a message can carry
    for view in film.VIEWS:
        explorer.view = view
    for name in ("loss", "data"):
        with pytest.raises(traitlets.TraitError):
            setattr(explorer, name, getattr(explorer, name))


BAD_TRAITS = {
    "frame": ([4, -1, 0.5, "last", None], "frame must be a position in frames, from 0 to 3"),
    "view": (["labels", "gradient", 3, None], "view must be one of"),
    "cell": ([[0, 5], [-1, 0], [0], 3, None, [0.5, 1]], "cell must be"),
}


@pytest.mark.parametrize("name", BAD_TRAITS)
def test_a_wrong_trait_is_named_and_changes_nothing(name):
    values, words = BAD_TRAITS[name]
    explorer = TrainingFilm(FRAMES)
    before = getattr(explorer, name)
    for value in values:
        with pytest.raises(ValueError, match=words):
            setattr(explorer, name, value)
        assert getattr(explorer, name) == before


def one(scores=NOISE, scale=1.0):
    return {"frames": {0: (scores, scale)}}


BAD = {
    "a list": ({"frames": [(NOISE, 1.0)]}, TypeError, "frames must be a dict.*got list"),
    "no frame": ({"frames": {}}, ValueError, "frames: from 1 to 100 of them; got 0"),
    "too many frames": ({"frames": dict.fromkeys(range(101), (NOISE, 1.0))}, ValueError, "from 1 to 100 .*got 101"),
    "falling steps": ({"frames": {5: (NOISE, 1.0), 3: (NOISE, 1.0)}}, ValueError, r"rising order; got \[5, 3\]"),
    "steps below 0": ({"frames": {-1: (NOISE, 1.0)}}, ValueError, "ints from 0 in rising order"),
    "half a step": ({"frames": {0.5: (NOISE, 1.0)}}, ValueError, "ints from 0 in rising order"),
    "true steps": ({"frames": {True: (NOISE, 1.0)}}, ValueError, "ints from 0 in rising order"),
    "no scale": ({"frames": {0: (NOISE,)}}, ValueError, r"frames, after 0 steps: must be a pair .*got 1 things"),
    "scores alone": ({"frames": {1: NOISE[:2]}}, ValueError, r"frames, after 1 step: must be a pair .*got ndarray"),
    "rank 1": (one(NOISE[0]), ValueError, r"frames, after 0 steps: scores must be \(N, N\), a row for each image"),
    "not square": (one(NOISE[:4]), ValueError, "a row for each image and a column for each text"),
    "too large": (one(np.zeros((33, 33))), ValueError, r"N from 1 to 32; got \(33, 33\)"),
    "not finite": (one(NOISE * np.nan), ValueError, "after 0 steps: scores must be finite; got nan at image 0, text 0"),
    "another batch": ({"frames": {0: (NOISE, 1.0), 9: (NOISE[:4, :4], 1.0)}}, ValueError,
                      r"after 9 steps: .*same batch.*\(5, 5\) images by texts; got \(4, 4\)"),
    "a scale of 0": (one(scale=0.0), ValueError, "after 0 steps: scale must be positive"),
    "a scale in words": (one(scale="large"), TypeError, "after 0 steps: scale must be a number"),
    "a scale that overflows": (one(scale=1e308, scores=9 * NOISE), ValueError, "after 0 steps: scale .*overflows"),
    "too few pictures": ({"pictures": PICTURES[:4]}, ValueError, r"pictures: .*image side.*5; got 4"),
    "float pictures": ({"pictures": PICTURES / 255}, ValueError, r"pictures \(image side\) must be .* uint8"),
    "too many captions": ({"captions": [*CAPTIONS, "moon"]}, ValueError, r"captions: .*text side.*5; got 6"),
    "one string": ({"captions": "abcde"}, ValueError, "captions: a list of strings.*text side"),
    "too few losses": ({"losses": LOSSES[:39]}, ValueError, r"losses: .*at least 40 .*got shape \(39,\)"),
    "too many losses": ({"losses": np.ones(20_001)}, ValueError, "losses: .*at most 20,000"),
    "no loss": ({**one(), "losses": []}, ValueError, "losses: .*at least 1 "),
    "losses in two columns": ({"losses": np.ones((40, 2))}, ValueError, r"losses: .*got shape \(40, 2\)"),
    "a loss that is not finite": ({"losses": [*LOSSES[:-1], math.inf]}, ValueError, "losses must .*inf at step 39"),
    "a batch of nothing": ({"losses": LOSSES, "batch_size": 0}, ValueError, "batch_size must be at least 1"),
    "a batch of half": ({"losses": LOSSES, "batch_size": 2.5}, TypeError, "batch_size must be an int"),
    "a line without a curve": ({"batch_size": 16}, ValueError, "batch_size is for the line.*give losses too"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_named(what):
    arguments, error, words = BAD[what]
    with pytest.raises(error, match=words):
        TrainingFilm(**{"frames": FRAMES, **arguments})


def test_the_still_picture_shows_six_frames_evenly_from_the_first_to_the_last():
    frames = {10 * k: (0.1 * NOISE + k * np.eye(5), 1.0) for k in range(11)}
    explorer = TrainingFilm(frames, pictures=PICTURES, captions=CAPTIONS)
    explorer.frame = 3
    axes = [ax for ax in explorer.still().figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in axes] == [f"after {step} steps" for step in (0, 20, 40, 60, 80, 100)]
    assert all(np.array_equal(ax.images[0].get_array(), frames[20 * k][0]) for k, ax in enumerate(axes))
    assert len({ax.images[0].get_clim() for ax in axes}) == 1, "one colour means one number"
    data, metadata = explorer._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= data.keys()
    assert data["text/plain"] == metadata["image/png"]["alt"] == repr(explorer)
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


def test_the_page_is_whole_and_calls_nobody(tmp_path):
    explorer = TrainingFilm(FRAMES, pictures=PICTURES, captions=CAPTIONS, losses=LOSSES, batch_size=16)
    explorer.frame, explorer.view, explorer.cell = 2, "text given image", [1, 2]
    explorer.save(tmp_path / "page.html", credit="Drawn by A & B")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert not re.search(r"https?://|\bimport\b|\bfetch\(|@import", page)
    assert "<title>A film of training</title>" in page and "Drawn by A &amp; B" in page
    assert page.count("</script>") == 2  # ours; that in the caption ends nothing
    state = json.loads(re.search(r'id="explorer-state">(.*?)</script>', page, re.DOTALL)[1])
    assert (state["frame"], state["view"], state["cell"]) == (2, "text given image", [1, 2])
    data = state["data"]
    assert (data["steps"], data["scales"], data["captions"]) == ([0, 1, 10, 40], [1, 2, 11, 41], CAPTIONS)
    assert np.array_equal(data["scores"], [scores for scores, _ in FRAMES.values()])  # JSON keeps every digit
    assert (data["losses"], data["batch_size"]) == (LOSSES, 16)
    assert '<noscript><img alt="Heatmap of after 0 steps' in page


def test_the_script_needs_nothing_and_knows_every_view():
    script, parts = film._SCRIPT.read_text("utf-8"), live._PARTS.read_text("utf-8")
    assert not re.search(r"https?:|^\s*import\b|\bfetch\(|innerHTML", parts + script, re.MULTILINE)
    views = [(view, kind) for view, (kind, _, _) in film.VIEWS.items()]
    assert re.findall(r'^  "([^"]+)": { kind: "(\w+)"', script, re.MULTILINE) == views
    assert tuple(ast.literal_eval(re.search(r"const STATE = (\[.*?\]);", script)[1])) == film._STATE
    # The same view looks the same in every live picture.
    lines = re.findall(r'^  "[^"]+": { kind: .*$', script, re.MULTILINE)
    assert all(line in matching._SCRIPT.read_text("utf-8") for line in lines)

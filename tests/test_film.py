"""TrainingFilm without a browser: its numbers are the loops', and its still picture shows them."""

import numpy as np
import torch
from test_live_pictures import CAPTIONS, FRAMES, PICTURES
from test_live_pictures import S as NOISE

from xmatch_edu import loops
from xmatch_edu.explore import TrainingFilm


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


def test_the_still_picture_shows_six_frames_evenly_from_the_first_to_the_last():
    frames = {10 * k: (0.1 * NOISE + k * np.eye(5), 1.0) for k in range(11)}
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

"""The README's moving picture: is it the film that chapter 08 shows today?"""

import re

import numpy as np
import pytest
from PIL import Image

from tools import moving_picture


def opened(path):
    """(F, height, width, 3) uint8, the milliseconds of each frame, and how often the film starts anew."""
    with Image.open(path) as film:
        again = film.info.get("loop")
        frames, times = [], []
        for number in range(film.n_frames):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")))
            times.append(film.info["duration"])
    return np.stack(frames), times, again


@pytest.mark.slow
def test_it_is_the_film_of_the_notebook(tmp_path):
    moving_picture.write(tmp_path / "new.gif")
    new, old = opened(tmp_path / "new.gif"), opened(moving_picture.PICTURE)
    assert new[0].shape == old[0].shape and new[1:] == old[1:]
    off = np.abs(new[0].astype(int) - old[0]).mean(axis=(1, 2, 3))
    # Not 0: other systems draw letters a little otherwise.
    assert off.max() < 1, "draw it again: python tools/moving_picture.py"


def test_it_lights_up_and_comes_to_rest():
    frames, times, again = opened(moving_picture.PICTURE)
    assert len(frames) == len(moving_picture.stored_film()["steps"])
    assert frames[-1].mean() != frames[0].mean() and (frames[-1] > 240).sum() > (frames[0] > 240).sum()
    assert again == moving_picture.TIMES - 1 and times[-1] == moving_picture.LAST
    assert moving_picture.PICTURE.stat().st_size < 500_000


def test_the_readme_shows_it_and_says_in_words_what_it_shows():
    readme = (moving_picture.ROOT / "README.md").read_text("utf-8")
    alt, address = re.search(r"!\[([^\]]+)\]\(([^)]+\.gif)\)", readme).groups()
    assert (moving_picture.ROOT / address).samefile(moving_picture.PICTURE)
    film = moving_picture.stored_film()
    assert f"{len(film['captions'])} " in alt and f"{film['steps'][-1]} steps" in alt

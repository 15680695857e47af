"""Draw the README's moving picture: the film of chapter 08, as it is stored in the notebook.

    python tools/moving_picture.py [FILE]

Without a file: docs/heatmap.gif. Nothing is trained here. When chapter 08 is executed again, draw it again.
"""

import base64
import io
import json
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from xmatch_edu import loops, plots
from xmatch_edu.explore.live import PAGE

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = ROOT / "notebooks" / "08_train_two_branches.ipynb"
PICTURE = ROOT / "docs" / "heatmap.gif"
FIRST, EACH, LAST = 1200, 180, 3000  # milliseconds that a frame stays
SIZE = 480  # pixels a side, at most
TIMES = 3  # then it rests on the last frame, since what moves for ever takes the eye off the words


def stored_film(notebook=CHAPTER):
    """What the chapter's film holds: {"steps", "scores", "scales", "pictures", "captions", …}."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    shown = [output.get("data", {}).get(PAGE) for cell in cells for output in cell.get("outputs", [])]
    (film,) = [live["state"]["data"] for live in shown if live and live["kind"] == "TrainingFilm"]
    return film


def frames(film):
    """One image a frame: P(text | image) with what was trained so far."""
    pictures = np.stack([np.asarray(_opened(base64.b64decode(one.partition(",")[2]))) for one in film["pictures"]])
    for steps, scores, scale in zip(film["steps"], map(np.array, film["scores"]), film["scales"], strict=True):
        rows = loops.matching_steps(scores, scale=scale)
        loss = loops.matching_loss(scores, scale=scale, direction="image_to_text")
        title = f"P(text | image) after {steps} steps of training\n"
        title += f"loss {loss:.2f} · blind guessing {math.log(len(scores)):.2f}"
        heatmap = plots.heatmap(rows.probabilities, kind="probabilities", title=title, pictures=pictures)
        image = _opened(heatmap.png())
        image.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
        yield image


def write(path=PICTURE):
    images = list(frames(stored_film()))
    size = tuple(max(image.size[axis] for image in images) for axis in (0, 1))
    images = [_on_white(image, size) for image in images]
    palette = images[-1].quantize(256)
    images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    times = [FIRST, *[EACH] * (len(images) - 2), LAST]
    images[0].save(path, save_all=True, append_images=images[1:], duration=times, loop=TIMES - 1, optimize=True)


def _opened(content):
    return Image.open(io.BytesIO(content)).convert("RGB")


def _on_white(image, size):
    sheet = Image.new("RGB", size, "white")
    sheet.paste(image, (0, 0))
    return sheet


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:2]))

"""Runs that need a GPU, or more time than a chapter has, as JSON: how each says where it comes from, and is written and
read. What is measured or trained lives with those who do it.

One file a GPU: `python -m xmatch_edu.course.bench --record` writes it, on a machine with an NVIDIA GPU; its docstrings
say what the figures mean. In tiles/ stands the same of the loss in tiles, by --record-tiles; in scenes/ the trainings
of chapter 06, which `grounding` writes and reads; in emoji/ those of chapters 08 and 09, which `comparison` does.
Nothing here is typed by hand.
"""

import json
import platform
from datetime import date
from pathlib import Path

from xmatch_edu._files import write

FOLDER = Path(__file__).parent
TILES = FOLDER / "tiles"
FIELDS = {"device", "date", "command", "versions", "threads", "width", "rows", "parts", "checks"}
TILE_FIELDS = {"device", "date", "command", "versions", "threads", "rows"}


def stamp(command, **versions):
    """What each run says of itself, with what else the caller names -> {"date", "command", "versions"}.

    command: of python -m, with its words. versions: of packages, by name; Python's comes first.
    """
    return {"date": date.today().isoformat(), "command": f"python -m {command}",
            "versions": {"python": platform.python_version(), **versions}}  # fmt: skip


def save(path, run, *, indent=1):
    """Write a run, a dict, as JSON into the file path, in one stroke; make its folder -> path. indent: as in json."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, (json.dumps(run, indent=indent) + "\n").encode())
    return path


def curves(parts):
    """The `parts` of a run, ready to be drawn: the product, the loss and the wrong clock -> {name: {N: seconds}}."""
    names = {"product_seconds": "product", "loss_seconds": "loss", "product_launch_seconds": "product, wrong clock"}
    found = {}
    for part in parts:
        for field, name in names.items():
            if part[field] is not None:  # it did not fit into memory
                found.setdefault(f"{name}, {part['dtype']}", {})[part["n"]] = part[field]
    return found


def tile_runs(folder=TILES):
    """The recorded runs of the loss in tiles. Arguments and errors: those of `runs` -> what that gives."""
    return runs(folder, TILE_FIELDS)


def runs(folder=FOLDER, fields=FIELDS):
    """The recorded runs of a folder -> dicts, newest first; [] where there is none. What a run was cut before stands in
    its "lacks", in words.

    fields: what each must have. Errors: ValueError naming a file that is damaged.
    """
    found = []
    for path in sorted(Path(folder).glob("*.json")):
        try:
            run = json.loads(path.read_text("utf-8"))
            if lacks := fields - set(run):
                raise ValueError(f"it lacks {', '.join(sorted(lacks))}")
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is damaged: {error}") from None
        found.append(run)
    return sorted(found, key=lambda run: run["date"], reverse=True)

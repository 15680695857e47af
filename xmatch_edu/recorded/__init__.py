"""Runs that need a GPU, or more time than a chapter has, as JSON.

One file a GPU: `python -m xmatch_edu.bench --record` writes it, on a machine with an NVIDIA GPU; its docstrings say
what the figures mean. In scenes/ stand the trainings of chapter 06, which `grounding` writes and reads; in emoji/ those
of chapters 08 and 09, which `comparison` does. Nothing here is typed by hand.
"""

import json
from pathlib import Path

FOLDER = Path(__file__).parent
FIELDS = {"device", "date", "command", "versions", "threads", "width", "rows", "parts", "checks"}


def curves(parts):
    """The `parts` of a run as {name: {N: seconds}}, ready to be drawn: the product, the loss and the wrong clock."""
    names = {"product_seconds": "product", "loss_seconds": "loss", "product_launch_seconds": "product, wrong clock"}
    found = {}
    for part in parts:
        for field, name in names.items():
            if part[field] is not None:  # it did not fit into memory
                found.setdefault(f"{name}, {part['dtype']}", {})[part["n"]] = part[field]
    return found


def runs(folder=FOLDER):
    """The recorded runs as dicts, newest first; [] where there is none. ValueError names a file that is damaged."""
    found = []
    for path in sorted(Path(folder).glob("*.json")):
        try:
            run = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}") from None
        if not isinstance(run, dict) or (lacks := FIELDS - run.keys()):
            raise ValueError(f"{path} is damaged: " + (f"it lacks {', '.join(sorted(lacks))}" if isinstance(run, dict)
                                                       else "it is no JSON object"))
        found.append(run)
    return sorted(found, key=lambda run: run["date"], reverse=True)

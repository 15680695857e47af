"""What the website and the slides share: the outputs of a notebook as HTML that needs no kernel.

A live picture becomes a figure that answers in the reader's browser; any other picture an <img> with its words. Both
stand inside the page, so that it works as a file too. What else a cell printed is left to the page's own tools.
"""

import base64
import copy
import html
import struct
from importlib.util import find_spec
from pathlib import Path

import nbformat

from xmatch_edu import explore
from xmatch_edu.explore.live import PAGE, figure

NEEDS_PYTHON = (
    '<p class="needs-python">A still picture: the live one asks Python for its answers. '
    "<code>python3 -m xmatch_edu lab</code> opens this chapter on your machine, with Python beside it.</p>"
)
_ASKING = [name for name in explore.__all__ if getattr(explore, name).needs_kernel]


def mathjax():
    """Where MathJax lies, one file that draws formulas -> its path. Its package has a name that no import spells."""
    return Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax" / "tex-svg.js"


def alive(notebook):
    """A copy of the notebook whose pictures are HTML: live where no Python is needed, otherwise still.

    notebook: of nbformat 4, executed; it stays as it is. In the copy the live pictures are the elements `live-1`,
    `live-2`, … of their page, each with its `.model`.
    Errors: ValueError for a picture without words.
    """
    notebook, live = copy.deepcopy(notebook), 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" not in data:
                continue
            live += PAGE in data
            made = _picture(data, _alt(output, cell), f"live-{live}")
            if any(f"{name}(" in cell.source for name in _ASKING):
                made += NEEDS_PYTHON
            output.data, output.metadata = nbformat.from_dict({"text/html": made}), nbformat.from_dict({})
    return notebook


def _alt(output, cell):
    words = output.metadata.get("image/png", {}).get("alt")
    if not words:
        raise ValueError(f"cell {cell.get('id')} shows a picture without words; its source begins {cell.source[:60]!r}")
    return words


def _picture(data, alt, name):
    png = base64.b64decode(data["image/png"])
    if PAGE in data:
        kind, state = data[PAGE]["kind"], data[PAGE]["state"]
        return figure(getattr(explore, kind), state, alt=alt, png=png, name=name)
    return image(png, alt)


def image(png, alt):
    """A still picture that stands inside its page -> str of HTML. png: bytes; alt: its words."""
    width, height = struct.unpack(">II", png[16:24])  # said beforehand, so that the text below does not jump
    source = base64.b64encode(png).decode()
    return f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" src="data:image/png;base64,{source}">'

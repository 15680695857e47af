"""Slides: a deck for every chapter, to show in a browser from a folder, without a network.

The notebooks hold no slides: `cutting` finds them by rule. nbconvert makes the HTML with the template in deck/;
reveal.js shows it. The files that all decks share are beside them, with their licences.
"""

import html
import re
import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbconvert.exporters import SlidesExporter
from pygments.formatters import HtmlFormatter

from xmatch_edu.course.publish import chapters, cutting, pages

DECK = Path(__file__).with_name("deck")
REVEAL = Path(find_spec("sphinx_revealjs").origin).parent / "_static" / "revealjs"
FONTS = REVEAL / "dist" / "theme" / "fonts" / "source-sans-pro"
SHARED = {  # in the decks' folder -> where it comes from
    "shared/reveal/reset.css": REVEAL / "dist" / "reset.css",
    "shared/reveal/reveal.css": REVEAL / "dist" / "reveal.css",
    "shared/reveal/reveal.js": REVEAL / "dist" / "reveal.js",
    "shared/reveal/notes.js": REVEAL / "plugin" / "notes" / "notes.js",
    "shared/reveal/LICENSE": REVEAL / "LICENSE",
    "shared/mathjax/tex-svg.js": pages.mathjax(),
    "shared/mathjax/LICENSE": DECK / "MATHJAX_LICENSE",
    "shared/fonts/LICENSE": FONTS / "LICENSE",
    "shared/deck.js": DECK / "deck.js",
} | {f"shared/fonts/{one}.woff": FONTS / f"source-sans-pro-{one}.woff"
     for one in ("regular", "italic", "semibold", "semibolditalic")}  # fmt: skip


def make(folder):
    """Write a deck for every chapter into `folder`, and a page that lists them -> that page."""
    for name, source in SHARED.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / name)
    colours = HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".highlight")
    _write(folder / "shared/deck.css", (DECK / "deck.css").read_text("utf-8") + colours + "\n")
    exporter = SlidesExporter(template_name="deck", extra_template_basedirs=[str(DECK.parent)],
                              exclude_anchor_links=True)  # fmt: skip
    listed = []
    for chapter in chapters.every():
        name = name_of(chapter)
        _write(folder / name, deck(chapter, exporter))
        listed.append(f'<li value="{int(chapter.number)}"><a href="{name}">{html.escape(chapter.title)}</a> '
                      f"<span>{html.escape(chapter.question)}</span></li>")  # fmt: skip
    contents = (DECK / "contents.html").read_text("utf-8")
    _write(folder / "index.html", contents.replace("<!-- decks -->", "\n".join(listed)))
    return "index.html"


def name_of(chapter):
    return f"{Path(chapter.file).stem}.slides.html"


def deck(chapter, exporter):
    """The chapter as a page of slides -> str of HTML."""
    chapter = replace(chapter, notebook=pages.alive(chapter.notebook))
    cells = [cell for section in cutting.slides(chapter) for cell in _section(section)]
    for place, cell in enumerate(cells):
        cell.id = f"block-{place}"
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=chapter.notebook.metadata)
    formulas = any("$" in cell.source for cell in cells if cell.cell_type == "markdown")
    told = {"title": f"{chapter.number} · {chapter.title}", "formulas": formulas}
    made, _ = exporter.from_notebook_node(notebook, resources={"deck": told})
    return re.sub(r'href="(\d\d_\w+)\.ipynb"', r'href="\1.slides.html"', made)


def _section(slides):
    """The cells that nbconvert reads as one column of slides."""
    made = []
    for number, slide in enumerate(slides):
        cells = [_cell(block) for block in slide.blocks]
        opens = [[] for _ in cells]
        closes = [0] * len(cells)
        if slide.left is not None:
            for first, last, name in ((slide.left, slide.right - 1, "one"), (slide.right, len(cells) - 1, "other")):
                opens[first].append(name)
                closes[last] += 1
            opens[slide.left].insert(0, "columns")
            closes[-1] += 1
        for k, cell in enumerate(cells):
            kind = ("subslide" if number else "slide") if k == 0 else "fragment" if k == slide.uncovered else "-"
            cell.metadata["slideshow"] = {"slide_type": kind}
            cell.metadata["deck"] |= {"opens": opens[k], "closes": closes[k], "running": slide.running}
        made += cells
    return made


def _cell(block):
    told = {"kind": block.kind, "notes": block.notes}
    settings = {"metadata": {"deck": told}}
    if block.kind in ("code", "printed"):
        told["columns"] = cutting.columns(block.source)
    if block.kind == "picture":
        told["height"] = round(cutting.LARGEST * cutting.picture_size(block)[1])
    if block.output is not None:
        return nbformat.v4.new_code_cell(outputs=[nbformat.from_dict(block.output)], **settings)
    if block.kind == "code":
        return nbformat.v4.new_code_cell(block.source, **settings)
    return nbformat.v4.new_markdown_cell(block.source, **settings)


def _write(path, text):
    path.write_text(text, "utf-8", newline="\n")

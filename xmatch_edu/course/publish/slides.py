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
    "shared": [DECK / "deck.js"],
    "shared/reveal": [*(REVEAL / "dist" / one for one in ("reset.css", "reveal.css", "reveal.js")),
                      REVEAL / "plugin" / "notes" / "notes.js", REVEAL / "LICENSE"],
    "shared/mathjax": [pages.mathjax(), DECK / "mathjax" / "LICENSE"],
    "shared/fonts": [FONTS / "LICENSE", *(FONTS / f"source-sans-pro-{one}.woff" for one in (
                     "regular", "italic", "semibold", "semibolditalic"))],
}  # fmt: skip


def make(folder):
    """Write a deck for every chapter into `folder`, and a page that lists them -> that page."""
    for name, sources in SHARED.items():
        (folder / name).mkdir()
        for source in sources:
            shutil.copyfile(source, folder / name / source.name)
    colours = HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".highlight")
    style = (DECK / "deck.css").read_text("utf-8") + colours + "\n"
    (folder / "shared" / "deck.css").write_text(style, "utf-8", newline="\n")
    exporter = SlidesExporter(template_name="deck", extra_template_basedirs=[str(DECK.parent)],
                              exclude_anchor_links=True)  # fmt: skip
    listed = []
    for chapter in chapters.every():
        name = name_of(chapter)
        (folder / name).write_text(deck(chapter, exporter), "utf-8", newline="\n")
        listed.append(f'<li value="{int(chapter.number)}"><a href="{name}">{html.escape(chapter.title)}</a> '
                      f"<span>{html.escape(chapter.question)}</span></li>")  # fmt: skip
    contents = (DECK / "contents.html").read_text("utf-8").replace("<!-- decks -->", "\n".join(listed))
    (folder / "index.html").write_text(contents, "utf-8", newline="\n")
    return "index.html"


def name_of(chapter):
    return f"{Path(chapter.file).stem}.slides.html"


def deck(chapter, exporter):
    """The chapter as a page of slides -> str of HTML."""
    chapter = replace(chapter, notebook=pages.alive(chapter.notebook))
    cells = [cell for section in cutting.slides(chapter) for cell in _section(section)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=chapter.notebook.metadata)
    formulas = any("$" in cell.source for cell in cells if cell.cell_type == "markdown")
    told = {"title": f"{chapter.number} · {chapter.title}", "formulas": formulas}
    made, _ = exporter.from_notebook_node(notebook, resources={"deck": told})
    return re.sub(r'href="(\d\d_\w+)\.ipynb"', r'href="\1.slides.html"', made)


def _section(slides):
    """The cells that nbconvert reads as one column of slides."""
    made, name = [], re.sub("^#+ ", "", slides[0][0].source)
    for number, slide in enumerate(slides):
        last = cutting.uncovered(slide)
        for k, block in enumerate(slide):
            cell = _cell(block)
            kind = ("subslide" if number else "slide") if k == 0 else "fragment" if k == last else "-"
            cell.metadata["slideshow"] = {"slide_type": kind}
            cell.metadata["deck"]["running"] = name if number else ""
            made.append(cell)
    return made


def _cell(block):
    told = {"kind": block.kind, "notes": block.notes}
    if block.kind in ("code", "printed"):
        told["columns"] = max(map(len, block.source.split("\n")))
    if block.kind == "picture":
        told["height"] = int(cutting.SIZE.match(block.source)[2])
    if block.output is not None:
        return nbformat.v4.new_code_cell(outputs=[nbformat.from_dict(block.output)], metadata={"deck": told})
    new = nbformat.v4.new_code_cell if block.kind == "code" else nbformat.v4.new_markdown_cell
    return new(block.source, metadata={"deck": told})

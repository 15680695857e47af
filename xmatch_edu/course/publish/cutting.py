"""A chapter cut into slides, by rule: no notebook says where a slide ends.

`blocks` takes a chapter apart into what is never cut: a paragraph, the code of a cell, an output. `slides` fills one
slide after the other. Some cuts must be: a heading opens a slide, and a bold question closes one, so that a class can
be asked before it sees what came out; a live picture has its own; no slide has two pictures. Otherwise a slide ends
where it is full, by a rough count of lines. One that is longer all the same scrolls.
Solutions are left out, and so is what the check says of a stub. How a slide looks stands in deck/.
"""

import math
import re
from dataclasses import dataclass

from xmatch_edu.course.publish import chapters, pages

WIDTH, HEIGHT = 1184, 648  # of a slide inside its edges, in CSS pixels; deck.css has them too
GAP, RUNNING = 14, 42  # between blocks; the section's name, above a slide that does not open it
SIZES = {  # about: letters in a line, pixels of a line, pixels beside
    "title": (45, 70, 150), "heading": (60, 50, 0), "task": (75, 41, 0), "text": (96, 37, 0), "credit": (999, 22, 0),
    "question": (72, 46, 60), "hint": (90, 37, 70), "code": (118, 27, 24), "printed": (118, 27, 8), "live": (1, 0, 0),
}  # fmt: skip

PARAGRAPH = re.compile(r"^```.*?^```$|^\S.*?(?=\n\s*\n|\n*\Z)", re.DOTALL | re.MULTILINE)
TOLD = re.compile(r"\([abc]\)|\*\*What to see|So \([abc]\)")  # what the class says first
CREDIT = re.compile(r"\*Twemoji graphics .*\*")
MARKS = re.compile(r"\]\([^)]*\)|[*`\[]")  # Markdown that takes no room
SIZE = re.compile(r'^<img [^>]*width="(\d+)" height="(\d+)"')

WORDS = {"text", "credit", "hint"}  # nothing else may follow what is uncovered last
OUTPUTS = {"printed", "table", "picture"}


@dataclass(frozen=True)
class Block:
    """What is never cut."""

    kind: str  # title, heading, task, text, credit, question, hint; code, printed, table, picture, live
    source: str  # Markdown, code, plain text or HTML
    cell: int  # where it stands in the notebook
    output: dict | None = None
    notes: str = ""  # for the speaker alone


def blocks(chapter):
    """All of the chapter that is shown, in its order -> list of Block. The outputs are those of `pages.alive`."""
    found, answers = [], {(one.cell, one.asked): one for one in chapter.questions}
    stubs = {one.cell for one in chapter.exercises}
    for place, cell in enumerate(chapter.cells):
        if cell.cell_type == "code":
            found.append(Block("code", cell.source, place))
            for output in cell.outputs if place not in stubs else []:
                found += _output(output, place)
            continue
        for k, text in enumerate(chapters.HINT.split(chapters.SOLUTION.sub("", cell.source))):
            if k % 2:
                found.append(Block("hint", text.strip(), place))
            else:
                found += [_prose(paragraph, place, answers) for paragraph in PARAGRAPH.findall(text)]
    return found


def _prose(paragraph, place, answers):
    if asked := chapters.QUESTION.fullmatch(paragraph):
        question = answers[place, asked["asked"]]
        options = "\n".join(f"- ({letter}) {words}" for letter, words in question.options)
        source = "\n\n".join(filter(None, [question.before, f"**{question.asked}**", options]))
        return Block("question", source, place, notes="\n\n".join(question.answer))
    opening = re.match("#+ ", paragraph)
    kind = {"# ": "title", "## ": "heading", "### ": "task"}[opening[0]] if opening else "text"
    return Block("credit" if CREDIT.fullmatch(paragraph) else kind, paragraph, place)


def _output(output, place):
    data = output.get("data", {})
    made = data.get("text/html")
    if made is None:
        told = f"{output.ename}: {output.evalue}" if output.output_type == "error" else None
        return [Block("printed", told or output.get("text") or data["text/plain"], place, output)]
    kind = "live" if 'class="live-picture"' in made else "picture" if SIZE.match(made) else "table"
    shown = made.removesuffix(pages.NEEDS_PYTHON)
    found = [Block(kind, shown, place, {**output, "data": {"text/html": shown}})]
    return found + [Block("text", pages.NEEDS_PYTHON, place)] * (shown != made)


def slides(chapter):
    """The chapter's slides, one list for each section -> list of lists of slides, each a list of Block."""
    sections = []
    for run in _runs(blocks(chapter)):
        if run[0].kind in ("title", "heading"):
            sections.append([])
        while at := _full(run, HEIGHT - RUNNING * bool(sections[-1])):
            sections[-1].append(run[:at])
            run = run[at:]
        sections[-1].append(run)
    return sections


def _runs(some):
    """The blocks, cut where they must be."""
    made = [[]]
    for block in some:
        if made[-1] and _must_cut(made[-1], block):
            leads = block.kind == "code" and len(made[-1]) > 1 and _bound(made[-1][-1], block) == 2
            made.append([made[-1].pop()] if leads else [])
        made[-1].append(block)
    return made


def _must_cut(before, block):
    last = before[-1]
    if any(one.kind == "live" for one in before):
        return block.kind != "credit"
    if last.kind in ("question", "hint") or block.kind in ("heading", "live") or last.cell == 0 < block.cell:
        return True
    if block.kind == "task":
        return last.kind != "heading"
    return block.kind not in WORDS and uncovered(before) is not None


def _full(run, room):
    """Where the first slide of a run ends: at the last good place before it is full. None: the run is one slide."""
    too_many = next((k for k in range(1, len(run) + 1) if _taken(run[:k]) > room), None)
    if too_many is None:
        return None
    places = [k for k in range(1, len(run)) if _bound(run[k - 1], run[k]) < 2]
    within = [k for k in places if k < too_many] or places[:1]

    def cost(k):  # a slide that is nearly empty is as bad as an output without its code; of equals the later cut
        return max(_bound(run[k - 1], run[k]), _taken(run[:k]) < 0.3 * room), -k

    return min(within, key=cost, default=None)


def _bound(one, other):
    """How these two hang together: 2, never parted; 1 or so, parted where they do not fit; 0."""
    leads = one.kind in ("heading", "task") or (one.kind == "text" and one.source.endswith(":"))
    if leads or other.kind in ("credit", "hint"):
        return 2
    if one.kind in {*OUTPUTS, "credit"} and TOLD.match(other.source):
        return 1.5
    return {"printed": 1, "table": 1, "picture": 0.5}.get(other.kind, 0)


def uncovered(some):
    """Where a slide's last words begin, which wait for the next key: what came out, a hint. None: there are none."""
    return next((k for k, block in enumerate(some) if block.kind == "hint" or (
        block.kind == "text" and TOLD.match(block.source) and any(one.kind in OUTPUTS for one in some[:k]))), None)


def _taken(some):
    """About how many pixels these take from top to bottom."""
    too_many = sum(block.kind == "picture" for block in some) > 1
    return math.inf if too_many else sum(height(block) + GAP for block in some) - GAP


def height(block):
    """About how many pixels this block takes."""
    if block.kind == "picture":
        wide, high = map(int, SIZE.match(block.source).groups())
        return 0.8 * high * min(1, WIDTH / wide)
    if block.kind == "table":
        return 38 * block.source.count("<tr")
    letters, line, edges = SIZES[block.kind]
    edges += 70 * block.source.startswith("$$")
    code = block.kind in ("code", "printed")  # its letters are smaller where its lines are long; its blank lines count
    lines = (block.source if code else MARKS.sub("", block.source)).strip("\n").split("\n")
    line *= max(0.8, min(1, 95 / max(map(len, lines)))) if code else 1
    return line * sum(math.ceil(len(one) / letters) or code for one in lines) + edges

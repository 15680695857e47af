"""A chapter cut into slides, by rule: no notebook says where a slide ends.

`blocks` takes a chapter apart into what is never cut: a paragraph, the code of a cell, an output. `slides` finds the
cuts that cost least. A slide costs something, so does a crowded one, a small picture, and a cut between things that
belong together. Some cuts must be: each heading opens a slide, and each bold question closes one, so that a class can
be asked before it sees what came out. The size of a block is estimated from its letters; tests measure it in a browser.
Solutions are left out, and so is what the check says of a stub.
"""

import math
import re
from dataclasses import dataclass, field

from xmatch_edu.course.publish import chapters, pages

WIDTH, HEIGHT = 1184, 648  # of a slide inside its edges, in CSS pixels; deck.css has them too
GAP, BETWEEN = 14, 32  # between blocks, between columns
RUNNING = 42  # the section's name, above a slide that does not open it
LETTER, MONO = 0.455, 0.61  # an average letter's width over its height; deck.css names the fonts
TEXT, CODE = 27, 20  # heights of letters
LARGEST = 1.7  # no picture is enlarged more

HIDING = re.compile(r"<details>.*?</details>", re.DOTALL)
PARAGRAPH = re.compile(r"^```.*?^```$|^\S.*?(?=\n\s*\n|\n*\Z)", re.DOTALL | re.MULTILINE)
TOLD = re.compile(r"\([abc]\)|\*\*What to see|So \([abc]\)")  # what the class says first
CREDIT = re.compile(r"\*Twemoji graphics .*\*")
SYNTAX = re.compile(r"\*\*|`|\]\([^)]*\)|\[|^[-*] |^\d+\. ", re.MULTILINE)
SIZE = re.compile(r'^<img [^>]*width="(\d+)" height="(\d+)"')

WORDS = {"text", "credit", "hint"}  # nothing else may follow what is uncovered last
OUTPUTS = {"printed", "table", "picture"}
NEVER = math.inf
SLIDE, CROWDED, SMALLER = 1.0, 1.2, 1.5  # what a slide costs, a full one, a small picture
APART = {  # what a cut between these two costs
    ("code", "printed"): 0.9, ("code", "table"): 0.7, ("code", "picture"): 0.5, ("printed", "picture"): 0.2,
    ("text", "text"): 0.1, ("text", "question"): 0.3,
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """What is never cut."""

    kind: str  # title, heading, task, text, credit, question, hint; code, printed, table, picture, live
    source: str  # Markdown, code, plain text or HTML
    cell: int  # where it stands in the notebook
    output: dict | None = None
    notes: str = ""  # for the speaker alone


@dataclass(frozen=True)
class Slide:
    """Blocks from top to bottom; those from `left` on stand in two columns, of which the second begins at `right`."""

    blocks: tuple
    left: int | None = None
    right: int | None = None
    uncovered: int | None = None  # from here on at the next key
    running: str = field(default="", compare=False)  # the section's name, where the slide does not open it


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
        text = chapters.SOLUTION.sub("", cell.source)
        at = 0
        for folded in [*chapters.HINT.finditer(text), None]:
            for paragraph in PARAGRAPH.findall(text[at : folded.start() if folded else None]):
                found.append(_prose(paragraph, place, answers))
            if folded:
                found.append(Block("hint", folded[1].strip(), place))
                at = folded.end()
    return found


def _prose(paragraph, place, answers):
    asked = chapters.QUESTION.fullmatch(paragraph)
    if asked:
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
    if 'class="live-picture"' in made:
        return [Block("live", made, place, output)]
    if not SIZE.match(made):
        return [Block("table", made, place, output)]
    picture = made.removesuffix(pages.NEEDS_PYTHON)
    found = [Block("picture", picture, place, {**output, "data": {"text/html": picture}})]
    return found + [Block("text", pages.NEEDS_PYTHON, place)] * (picture != made)


def slides(chapter):
    """The chapter's slides, one list for each section -> list of lists of Slide."""
    sections, all_blocks = [[]], blocks(chapter)
    for block in all_blocks:
        if block.kind == "heading":
            sections.append([])
        sections[-1].append(block)
    return [_cut(section, re.sub("^#+ ", "", section[0].source)) for section in sections]


def _cut(section, name):
    """The cheapest way from the first block to the last."""
    best = [(0.0, [])]
    for end in range(1, len(section) + 1):
        ways = []
        for start in range(end - 1, -1, -1):
            if start < end - 1 and _must_cut(section[start], section[start + 1]):
                break
            cost, slide = _laid_out(section[start:end], name if start else "")
            before, path = best[start]
            between = _apart(section[start - 1], section[start]) if start else 0
            ways.append((before + cost + between + SLIDE, [*path, slide]))
        best.append(min(ways, key=lambda way: way[0]))
    return best[-1][1]


def _must_cut(one, other):
    if one.kind == "live":
        return other.kind != "credit"
    if one.kind in ("question", "hint") or other.kind == "live" or one.cell == 0 < other.cell:
        return True
    return other.kind == "task" and one.kind != "heading"


def _apart(one, other):
    if _must_cut(one, other):
        return 0
    if one.kind in ("heading", "task") or other.kind in ("credit", "hint"):
        return 5 if other.kind != "hint" else 1
    if one.kind == "text" and one.source.endswith(":"):
        return 2
    if one.kind in {*OUTPUTS, "credit"} and TOLD.match(other.source):
        return 0.8
    return APART.get((one.kind, other.kind), 0)


def _laid_out(some, running):
    """What this slide costs, and the slide: the best of all ways to set its blocks -> (cost, Slide)."""
    pictures = [k for k, block in enumerate(some) if block.kind == "picture"]
    ways = [(None, None)]
    if len(pictures) == 1:
        (k,) = pictures
        if k == len(some) - 1:
            ways += [(left, k) for left in range(k)]
        elif all(block.kind in WORDS for block in some[k + 1 :]):
            ways += [(k, k + 1)]
    uncovered = _uncovered(some)
    return min(((_cost(some, running, *way, uncovered), Slide(tuple(some), *way, uncovered, running)) for way in ways),
               key=lambda way: way[0])  # fmt: skip


def _uncovered(some):
    seen = False
    for k, block in enumerate(some):
        if block.kind == "hint" or (seen and block.kind == "text" and TOLD.match(block.source)):
            return k
        seen = seen or block.kind in OUTPUTS
    return None


def _cost(some, running, left, right, uncovered):
    if uncovered is not None and any(block.kind not in WORDS for block in some[uncovered:]):
        return NEVER if len(some) > 1 else 0
    room = HEIGHT - (RUNNING if running else 0)
    top = some if left is None else some[:left]
    fixed = [height(block, WIDTH) for block in top if block.kind != "picture"]
    pictures = [picture_size(block) for block in some if block.kind == "picture"]
    rows = len(top) + (left is not None)
    free = room - sum(fixed) - GAP * max(0, rows - 1)
    cost = 0
    if left is None:
        for wide, high in pictures:
            cost += _smaller(wide, high, WIDTH, free / len(pictures))
        filled = 1 - free / room if not pictures else 0
    else:
        picture, words = (some[left], some[right:]) if some[left].kind == "picture" else (some[right], some[left:right])
        wide, high = picture_size(picture)
        scale = min(LARGEST, free / high, (WIDTH - BETWEEN - 380) / wide)
        if scale <= 0:
            return NEVER
        beside = WIDTH - BETWEEN - scale * wide
        narrow = (beside - 30) / (16 * MONO)
        if any(block.kind in ("code", "printed") and columns(block.source) > narrow for block in words):
            return NEVER
        filled = (sum(height(block, beside) for block in words) + GAP * (len(words) - 1)) / max(free, 1)
        cost += _smaller(wide, high, scale * wide, free)
    return cost + CROWDED * max(0, filled - 0.8) + (100 * (filled - 1) if filled > 1 else 0)


def _smaller(wide, high, width, room):
    """What it costs to show a picture of this size in this width and room."""
    scale = min(LARGEST, width / wide, room / high)
    area = scale * scale * wide * high / (WIDTH * HEIGHT)
    if scale < 0.7 or room < 100:
        return 100
    return 2 * SMALLER * max(0, 1 - scale) + SMALLER * max(0, min(0.5, wide * high / 250_000) - area)


def picture_size(block):
    return tuple(map(int, SIZE.match(block.source).groups()))


def columns(text):
    return max(map(len, text.split("\n")))


def letters(text, width):
    """The height of letters in which code, or what it printed, fits a width; 16 pixels at least."""
    return max(16, min(CODE, (width - 30) / (MONO * columns(text))))


def _lines(text, width, size, letter=LETTER):
    return sum(max(1, math.ceil(len(line) * size * letter / width)) for line in text.split("\n"))


def height(block, width):
    """About how many pixels this block takes, if it is this wide."""
    words, size = SYNTAX.sub("", block.source), TEXT
    if block.kind in ("title", "heading", "task"):
        size = {"title": 56, "heading": 42, "task": 34}[block.kind]
        return _lines(words.lstrip("# "), width, size) * size * 1.25
    if block.kind == "credit":
        return 22
    if block.kind in ("code", "printed"):
        size, text = letters(block.source, width), block.source.strip("\n")
        return _lines(text, width - 30, size, MONO) * size * 1.35 + (24 if block.kind == "code" else 8)
    if block.kind == "live":
        return HEIGHT - RUNNING - 60
    if block.kind == "table":
        rows = block.source.count("<tr") + block.source.count("<caption")
        return rows * (40 if rows < 11 else 34) + 10
    if block.source.startswith("$$"):
        return 110
    if block.source.startswith("|"):
        return sum(_table_row(line, width) for line in block.source.split("\n") if not line.startswith("|--"))
    if block.source.startswith("```"):
        return len(block.source.split("\n")) * 18 * 1.35
    indent = 40 if re.match(r"[-*] |\d+\. ", block.source) else 0
    if block.kind == "question":
        return sum(_lines(line, width - 30, 34) * 48 for line in words.split("\n") if line) + 60
    extra = 70 if block.kind == "hint" else 0
    return _lines(words, width - indent - extra, size) * size * 1.36 + 6 * block.source.count("\n") + extra


def _table_row(line, width):
    cells = re.sub(r"\]\([^)]*\)|[*`\[]", "", line).strip("| ").split("|")
    return max(math.ceil(len(cell.strip()) * 22 * LETTER / (width / len(cells))) for cell in cells) * 29 + 10

"""Reading the notebooks: a chapter's sections, its bold questions with their answers, its exercises with their help.

Here stands how a chapter is written (CONTRIBUTING.md says it in words), once for all that is made from the notebooks
and for the tests. What is made of it stands in learner, solved, notes, slides and site.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat

from xmatch_edu.course.launch import working_copy
from xmatch_edu.course.launch.environment import ROOT

FOLDER = ROOT / "notebooks"

TITLE = re.compile(r"# (\d\d) · (.+)\n\n\*\*(.+)\*\* · (\d+) minutes(?:, and (\d+) for the exercises)?")
HEADING = re.compile(r"^(#{2,3}) (.+)$", re.MULTILINE)
STUB = re.compile(r"^def (\w+)\((.*)\):\n    \.\.\.$", re.MULTILINE)
TASK = re.compile(
    r"### (\d+) · (.+)\n\n\*(\d+) minutes · difficulty ([123]) of 3 · importance ([123]) of 3\.\*\n\n([^#]*)$"
)
HINT = re.compile(r"<details><summary>Hint</summary>\n(.*?)\n</details>", re.DOTALL)
SOLUTION = re.compile(
    r"<details><summary>Solution</summary>\s*```python\n(?P<code>.*?)```\n(?P<after>.*?)</details>", re.DOTALL
)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

QUESTION = re.compile(r"(?P<before>.*?)\*\*(?P<asked>(?:(?!\*\*).)+)\*\*\s(?P<options>\(a\) .+ · \(b\) .+)", re.DOTALL)
OPTION = re.compile(r"(?<![\w`])\(([abc])\)")
STATED = re.compile(r"(?<![\w`])\([abc]\)(?=[.:,])|So \([abc]\) ")  # "(b).", "(b):", "(b), about", "So (b) for …"
IN_WORDS = re.compile(r"neither, and both")  # an answer that names no letter


@dataclass(frozen=True)
class Section:
    """A heading: its level (2, or 3 for an exercise), its words, and the place of its cell."""

    level: int
    heading: str
    cell: int


@dataclass(frozen=True)
class Question:
    """What to guess before a run. `letter`: "b"; several where several are right; "" where the answer is in words."""

    cell: int  # where it stands
    section: str  # under which heading
    before: str  # the sentences that lead to it, in the same paragraph
    asked: str  # the bold words
    options: tuple[tuple[str, str], ...]  # (letter, words)
    letter: str
    answer: tuple[str, ...]  # the paragraphs that answer it and say why the other one tempts
    answered: int  # the place of the cell where the first of them stands


@dataclass(frozen=True)
class Exercise:
    """What `check.<name>` looks at, its stub, and the help that is folded away under it."""

    name: str
    number: int
    heading: str  # "1 · Labels for a shuffle"
    minutes: int
    difficulty: int  # 1 to 3, and so is the importance
    importance: int
    task: str
    cell: int  # the place of the stub's cell; the task stands at the end of the cell before it, the help in the next
    takes: str  # the stub's arguments
    hint: str
    solution: str  # the code
    after: str  # what the solution adds in words, often nothing


@dataclass(frozen=True)
class Chapter:
    """One notebook. Its cells are nbformat's, and belong to whoever read it."""

    file: str
    notebook: nbformat.NotebookNode

    @property
    def cells(self):
        return self.notebook.cells

    @cached_property
    def _title(self):
        found = TITLE.match(self.cells[0].source)
        if not found:
            raise ValueError(f"{self.file}: the first cell should be the title, the question and the minutes")
        return found

    @property
    def number(self):
        """"05"."""
        return self._title[1]

    @property
    def title(self):
        return self._title[2]

    @property
    def question(self):
        """The question that the chapter answers."""
        return self._title[3]

    @property
    def minutes(self):
        """(to read, for the exercises)"""
        return int(self._title[4]), int(self._title[5] or 0)

    @cached_property
    def sections(self):
        return tuple(
            Section(len(level), heading, place)
            for place, text in _prose(self.cells)
            for level, heading in HEADING.findall(FENCE.sub("", text))
        )

    @cached_property
    def questions(self):
        return tuple(_questions(self))

    @cached_property
    def exercises(self):
        return tuple(
            _exercise(self, place, stub)
            for place, cell in enumerate(self.cells)
            if cell.cell_type == "code" and (stub := STUB.search(cell.source))
        )

    @cached_property
    def remember(self):
        """The three lines of the last cell."""
        last = self.cells[-1].source
        return tuple(re.findall(r"^(?:-|\d\.) (.+)$", last[last.index("## Three lines to remember"):], re.MULTILINE))


def read(path):
    """The chapter in a notebook's file."""
    path = Path(path)
    return Chapter(path.name, nbformat.read(path, as_version=4))


def every(folder=FOLDER):
    """All chapters, in their order."""
    return [read(path) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]


def hand_out(notebook, folder, chapter):
    """Write what was made from a chapter into `folder`, with a note of its origin, by which `lab --dir` knows it.

    It is written in the form in which the course's own are stored: the same notebook makes the same bytes.
    """
    notebook.metadata[working_copy.ORIGIN] = working_copy.fingerprint((FOLDER / chapter.file).read_bytes())
    (folder / chapter.file).write_text(nbformat.v4.writes(notebook) + "\n", "utf-8", newline="\n")


def _prose(cells):
    return [(place, cell.source) for place, cell in enumerate(cells) if cell.cell_type == "markdown"]


def _paragraphs(chapter):
    """(place of the cell, heading above, paragraph), in order; what is fenced or folded away is left out."""
    heading = ""
    for place, text in _prose(chapter.cells):
        text = re.sub(r"<details>.*?</details>", "", FENCE.sub("", text), flags=re.DOTALL)
        for paragraph in filter(None, map(str.strip, re.split(r"\n\s*\n", text))):
            if found := HEADING.match(paragraph):
                heading = found[2]
            yield place, heading, paragraph


def _questions(chapter):
    """Read from above: an answer belongs to the last question that is still open; more paragraphs that speak of its
    options belong to it, until the next question or answer."""
    asked, still_open, answering = [], [], None
    for place, heading, paragraph in _paragraphs(chapter):
        if found := QUESTION.fullmatch(paragraph):
            parts = re.split(OPTION, found["options"])[1:]
            options = tuple((letter, words.strip(" ·\n")) for letter, words in zip(*[iter(parts)] * 2, strict=True))
            fields = {"cell": place, "section": heading, "before": found["before"].strip(), "asked": found["asked"],
                      "options": options}  # fmt: skip
            asked.append(fields)
            still_open.append(fields)
            answering = None
        elif still_open and (stated := STATED.search(paragraph) or IN_WORDS.search(paragraph)):
            answering = still_open.pop()
            sentence = re.split(r"[.:] ", paragraph[stated.start():])[0]
            letter = "" if stated.re is IN_WORDS else "".join(OPTION.findall(sentence))
            answering.update(letter=letter, answer=(paragraph,), answered=place)
        elif answering and OPTION.search(paragraph):
            answering["answer"] += (paragraph,)
    for fields in asked:
        if "answer" not in fields:
            raise ValueError(f"{chapter.file}, {fields['section']}: no answer follows the question {fields['asked']}")
        yield Question(**fields)


def _exercise(chapter, place, stub):
    name, takes = stub.groups()
    task = TASK.search(chapter.cells[place - 1].source)
    below = chapter.cells[place + 1].source
    hint = HINT.match(below)
    solution = hint and SOLUTION.match(below, hint.end() + 1)
    if not (task and hint and solution):
        raise ValueError(f"{chapter.file}, {name}: above the stub stand a heading, minutes and so on; below it a hint, "
                         "then a solution")
    number, words, *levels, text = task.groups()
    minutes, difficulty, importance = map(int, levels)
    return Exercise(
        name, int(number), f"{number} · {words}", minutes, difficulty, importance, text.strip(), place, takes,
        hint[1].strip(), solution["code"].strip(), solution["after"].strip(),
    )  # fmt: skip

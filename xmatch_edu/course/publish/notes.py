"""The teacher's notes: a page for each chapter, as Markdown and as HTML that needs nothing else.

Plans, what to say and what to discuss are written by hand, in docs/teaching/: index.md, and NN.md for each chapter. The
questions with their answers come from the notebooks, the misconceptions from the checks. What is written by hand names
headings, exercises and misconceptions; where a notebook or a check has changed its names, `make` stops and says where.
"""

import html
import re

import mistune

from xmatch_edu import check
from xmatch_edu.course.launch.environment import ROOT
from xmatch_edu.course.publish import chapters

FOLDER = ROOT / "docs" / "teaching"
PLANS = {"A plan of 45 minutes": 45, "A plan of 90 minutes": 90}
IDEAS, PROMPTS = "Misconceptions to expect", "To discuss"

ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
EXERCISE = re.compile(r"`check\.(\w+)`")
IDEA = re.compile(r"^- `(\w+)`, \*\*(.+?)\*\*: (.+)$", re.MULTILINE)
PROMPT = re.compile(r"^\*\*(.+?)\*\*\n\n(.+?)\n\(See: ([^\n]+)\)$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((\d\d)_\w+\.ipynb(?:#[^)]*)?\)")  # to a notebook; here it leads to the notes of that chapter


class Drift(Exception):
    """docs/teaching/ and the course do not fit together any more; the message says where."""


def make(folder):
    """Write the notes of the whole course into `folder` -> index.html. Errors: Drift."""
    every = chapters.every()
    rows = []
    for chapter in every:
        name = f"{chapter.number} {chapter.title}"
        to_read, to_do = chapter.minutes
        rows.append(f"| [{name}]({chapter.number}.html) | {chapter.question} | {to_read} | {to_do} |")
        written = (FOLDER / f"{chapter.number}.md").read_text("utf-8")
        _write(folder / f"{chapter.number}.md", f"{name}: teacher's notes", notes(chapter, written))
    head = ["## The chapters", "", "| notes | the question it answers | minutes to read | minutes for the exercises |"]
    index = [(FOLDER / "index.md").read_text("utf-8"), *head, "|---|---|---|---|", *rows, ""]
    _write(folder / "index.md", "Teacher's notes", "\n".join(index))
    return "index.html"


def notes(chapter, written):
    """The page of a chapter, in Markdown. written: the text of its NN.md. Errors: Drift."""
    opening, parts = _parts(chapter, written)
    to_read, to_do = chapter.minutes
    page = [
        f"# {chapter.number} · {chapter.title}",
        f"**{chapter.question}** · {to_read} minutes to read, {to_do} for the exercises",
        opening,
        *(f"## {title}\n\n{_plan(chapter, minutes, parts[title])}" for title, minutes in PLANS.items()),
        "## What to ask before each run\n\nEach question stands under the heading that it has in the notebook.",
        *map(_question, chapter.questions),
    ]
    if chapter.exercises:
        page += ["## The exercises", _exercises(chapter), f"## {IDEAS}", *_ideas(chapter, parts[IDEAS])]
    page += [f"## {PROMPTS}", *_prompts(chapter, parts[PROMPTS])]
    page += ["## Three lines to remember", "\n".join(f"- {line}" for line in chapter.remember)]
    if chapter.exercises:
        page += ["## Every misconception that the checks know\n\nOpen an exercise. The number says how many it has."]
        page += map(_known, chapter.exercises)
    return LINK.sub(r"](\1.html)", "\n\n".join(page) + "\n")


def _parts(chapter, written):
    """The opening lines, and {heading: text} of what a hand-written page must have, in this order."""
    opening, *rest = re.split(r"^## (.+)\n", written, flags=re.MULTILINE)
    parts = {title: text.strip() for title, text in zip(*[iter(rest)] * 2, strict=True)}
    wanted = [*PLANS, *[IDEAS] * bool(chapter.exercises), PROMPTS]
    if list(parts) != wanted:
        raise Drift(f"docs/teaching/{chapter.number}.md should have the parts {wanted}, and has {list(parts)}")
    return opening.strip(), parts


def _plan(chapter, minutes, text):
    """The table, each exercise with its heading. Do its rows add up, and is all in the notebook that they name?"""
    where = f"docs/teaching/{chapter.number}.md, the plan of {minutes} minutes"
    rows = ROW.findall(text)
    if (total := sum(int(row[0]) for row in rows)) != minutes:
        raise Drift(f"{where}: its rows add up to {total}")
    known = {one.name: one for one in chapter.exercises}
    for taken, _, places in rows:
        exercises = EXERCISE.findall(places)
        for name in exercises:
            _known_exercise(chapter, name, where)
        if int(taken) < sum(known[name].minutes for name in exercises):
            raise Drift(f"{where}: {taken} minutes are less than {places} is said to take in {chapter.file}")
        _check_headings(chapter, [place for place in places.split("; ") if not EXERCISE.fullmatch(place)], where)
    return EXERCISE.sub(lambda named: f"exercise {known[named[1]].heading}, {named[0]}", text)


def _check_headings(chapter, headings, where):
    known = [section.heading for section in chapter.sections]
    for heading in headings:
        if heading not in known:
            raise Drift(f"{where}: {chapter.file} has no heading {heading!r}. It has {known}")


def _known_exercise(chapter, name, where):
    if name not in [one.name for one in chapter.exercises]:
        raise Drift(f"{where}: {chapter.file} has no exercise {name}")


def _question(question):
    options = [f"- **({letter}) {words}** ← right" if letter in question.letter else f"- ({letter}) {words}"
               for letter, words in question.options]  # fmt: skip
    asked = f"{question.before} **{question.asked}**".strip()
    answer = [re.sub(":$", " …", paragraph) for paragraph in question.answer]  # what comes next is a cell
    return "\n\n".join([f"### {question.section}", asked, "\n".join(options), *answer])


def _exercises(chapter):
    rows = [f"| {one.heading}, `check.{one.name}` | {one.minutes} | {one.difficulty} | {one.importance} |"
            for one in chapter.exercises]  # fmt: skip
    return "\n".join(["| exercise | minutes | difficulty, 1 to 3 | importance, 1 to 3 |", "|---|---|---|---|", *rows])


def _ideas(chapter, text):
    """Each misconception chosen by hand: what the check says to it, and what to say in class."""
    where = f"docs/teaching/{chapter.number}.md, {IDEAS}"
    if len(IDEA.findall(text)) != len(text.splitlines()):
        raise Drift(f"{where}: each line is a name of an exercise, a misconception, and what to say")
    for name, idea, say in IDEA.findall(text):
        _known_exercise(chapter, name, where)
        says = {one.name: one.says for one in getattr(check, name).misconceptions}
        if idea not in says:
            raise Drift(f"{where}: check.{name} knows no misconception {idea!r}. It knows {list(says)}")
        yield f"### **{_plain(idea)}**, in `{name}`\n\n*In class:* {say}\n\n*The check says:* {_plain(says[idea])}"


def _prompts(chapter, text):
    where, prompts = f"docs/teaching/{chapter.number}.md, {PROMPTS}", PROMPT.findall(text)
    if PROMPT.sub("", text).strip():
        raise Drift(f"{where}: a bold question, an answer, (See: headings)")
    for asked, answer, headings in prompts:
        _check_headings(chapter, headings.split("; "), where)
        yield f"**{asked}**\n\n{answer}\n\n*See: {headings}*"


def _known(exercise):
    """All misconceptions of an exercise, folded away."""
    ideas = [f"- **{_plain(one.name)}.** {_plain(one.says)}" for one in getattr(check, exercise.name).misconceptions]
    return "\n".join([f"<details><summary>{exercise.name}: {len(ideas)}</summary>", "", *ideas, "", "</details>"])


def _plain(text):
    """Plain text, so that Markdown leaves it as it is; what stands between backticks is code there too."""
    parts = re.split("(`[^`]+`)", text)
    return "".join(part if place % 2 else re.sub(r"([\\*_\[\]<>])", r"\\\1", part) for place, part in enumerate(parts))


def _write(path, title, text):
    """The page as Markdown, and the same as HTML beside it."""
    path.write_text(text, "utf-8", newline="\n")
    body = mistune.create_markdown(escape=False, plugins=["table"])(text)
    body = body.replace("<th>", '<th scope="col">')
    page = PAGE.format(title=html.escape(title), body=body.strip())
    path.with_suffix(".html").write_text(page, "utf-8", newline="\n")


PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ max-width: 46rem; margin: 0 auto; padding: 0 1rem 3rem; font: 1.05rem/1.55 system-ui, sans-serif }}
h2 {{ margin: 2.4rem 0 .6rem; border-bottom: 1px solid }}
h3 {{ margin: 1.8rem 0 .3rem; font: italic 1.05rem/1.4 system-ui, sans-serif }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ padding: .35rem .6rem; border: 1px solid #8888; text-align: left; vertical-align: top }}
code {{ font-size: .92em }}
main {{ overflow-x: auto }}
details {{ margin: .5rem 0 }}
summary {{ cursor: pointer }}
@media print {{
  nav {{ display: none }}
  h2, h3 {{ break-after: avoid }}
  tr {{ break-inside: avoid }}
  body {{ font-size: 10.5pt }}
}}
</style>
<nav><a href="index.html">Teacher's notes</a></nav>
<main>
{body}
</main>
</html>
"""

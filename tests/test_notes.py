"""The teacher's notes: complete, and red as soon as a notebook or a check no longer has what they name."""

import html
import os
import re

import nbformat
import pytest

from xmatch_edu import __main__ as words
from xmatch_edu import check
from xmatch_edu.course.publish import chapters, notes

EVERY = chapters.every()
CHAPTERS = pytest.mark.parametrize("chapter", EVERY, ids=lambda chapter: chapter.number)
LABELS = EVERY[2]  # the chapter that is spoilt below


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder with the notes."""
    place = tmp_path_factory.mktemp("notes")
    assert notes.make(place) == "index.html"
    return place


def written(chapter):
    return (notes.FOLDER / f"{chapter.number}.md").read_text("utf-8")


def seen(page):
    """The words of an HTML page, as a reader sees them."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())


def plain(markdown):
    """The words of a paragraph of a notebook: without emphasis, code marks and links."""
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", markdown)
    return " ".join(re.sub(r"(?<!\\)[*`]", "", text).split())


@CHAPTERS
def test_the_notes_hold_every_question_with_its_answer_and_every_misconception(made, chapter):
    text = seen((made / f"{chapter.number}.html").read_text("utf-8"))
    for question in chapter.questions:
        after = text[text.index(plain(f"{question.before} {question.asked}")):]
        for letter, option in question.options:
            right = " ← right" if letter in question.letter else ""
            assert f"({letter}) {plain(option)}{right}" in after
        for paragraph in question.answer:
            assert plain(paragraph).removesuffix(":") in after
    assert text.count("← right") == sum(len(question.letter) for question in chapter.questions)
    for one in chapter.exercises:
        ideas = getattr(check, one.name).misconceptions
        listed = text[text.index(f"{one.name}: {len(ideas)}"):]
        for idea in ideas:
            assert f"{plain(idea.name)}. {idea.says.replace('`', '')}" in listed, idea.name
    chosen = notes.IDEA.findall(written(chapter))
    assert (3 <= len(chosen) <= 6) == bool(chapter.exercises)
    for name, idea, say in chosen:
        assert f"{plain(idea)}, in {name} In class: {plain(say)} The check says:" in text
    assert 2 <= len(notes.PROMPT.findall(written(chapter))) <= 3
    for line in chapter.remember:
        assert plain(line) in text


NUMBER = re.compile(r"(?<![\w.,·])\d[\d,]*(?:\.\d+)?(?![\w⁰¹²³⁴⁵⁶⁷⁸⁹⁻])")


def numbers(text):
    """[(the number, how many decimals it is given with)]"""
    text = re.sub(r"[Cc]hapters? \d\d( and \d\d)?", "", text)
    found = [one.rstrip(",").replace(",", "") for one in NUMBER.findall(text)]
    return [(float(one), len(one.partition(".")[2])) for one in found]


def shown(chapter):
    """All that a chapter says and prints."""
    outputs = [str(output.get("text") or output.get("data", {}).get("text/plain", ""))
               for cell in chapter.cells if cell.cell_type == "code" for output in cell.outputs]  # fmt: skip
    return "\n".join([cell.source for cell in chapter.cells] + outputs)


def backed(chapter, text):
    """The numbers of `text` that the chapter does not show, rounded alike. Single digits are left to the reader."""
    known = [number for number, _ in numbers(shown(chapter))]
    return [number for number, decimals in numbers(text)
            if (number >= 10 or decimals) and all(round(one, decimals) != number for one in known)]  # fmt: skip


@CHAPTERS
def test_each_figure_in_the_answers_is_one_that_the_chapter_shows(chapter):
    for asked, answer, _ in notes.PROMPT.findall(written(chapter)):
        assert not backed(chapter, f"{asked} {answer}"), asked
    for _, idea, say in notes.IDEA.findall(written(chapter)):
        assert not backed(chapter, say), idea


def test_a_figure_that_no_chapter_shows_is_found():
    assert backed(LABELS, "It is 1.5744, or 4.91, and 4.92 for 33 pairs of 32,768.") == [4.92, 33]


def spoilt(old, new):
    """The notes of a chapter whose notebook says `new` where it said `old`."""
    notebook = nbformat.from_dict(LABELS.notebook)
    assert any(old in cell.source + "\n" for cell in notebook.cells)
    for cell in notebook.cells:
        cell.source = (cell.source + "\n").replace(old, new)[:-1]
    return notes.notes(chapters.Chapter(LABELS.file, notebook), written(LABELS))


@pytest.mark.parametrize("heading", [section.heading for section in LABELS.sections[:11]])
def test_a_heading_that_the_notebook_renames_is_found(heading):
    where = rf"02\.md, the plan of (45|90) minutes: 02_\w+\.ipynb has no heading '{re.escape(heading)}'"
    with pytest.raises(notes.Drift, match=where):
        spoilt(f"## {heading}\n", f"## {heading}, renamed\n")


@pytest.mark.parametrize(("old", "new", "words"), [
    ("labels_after", "labels_then", r"02\.md, the plan of 45 minutes: .* has no exercise labels_after"),
    ("*10 minutes · difficulty 2", "*11 minutes · difficulty 2", "10 minutes are less than `check.labels_after`"),
])  # fmt: skip
def test_an_exercise_that_the_notebook_changes_is_found(old, new, words):
    with pytest.raises(notes.Drift, match=words):
        spoilt(old, new)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("| 4 | All point", "| 5 | All point", "the plan of 45 minutes: its rows add up to 46"),
        ("| 4 | Read the picture", "| 3 | Read the picture", "the plan of 90 minutes: its rows add up to 89"),
        ("**either one will do**", "**any will do**", "check.two_caption_loss knows no misconception 'any will do'"),
        ("- `two_caption_loss`", "- `three_caption_loss`", "has no exercise three_caption_loss"),
        ("- `two_caption_loss`", "* `two_caption_loss`", "each line is a name of an exercise"),
        ("(See: A model that knows nothing;", "(See: A model that knows all;", "no heading 'A model that knows all'"),
        ("(See: A model that knows nothing; Read it at a glance)", "", "a bold question, an answer"),
        ("## To discuss", "## To talk about", "should have the parts"),
        ("; Sum or mean |", "; Mean or sum |", "no heading 'Mean or sum'"),
    ],
)
def test_a_slip_in_what_is_written_by_hand_is_found(old, new, words):
    assert written(LABELS).count(old) == 1
    with pytest.raises(notes.Drift, match=words):
        notes.notes(LABELS, written(LABELS).replace(old, new))


def test_the_notes_need_nothing_else(made):
    pages = {path.name: path.read_text("utf-8") for path in made.glob("*.html")}
    assert set(pages) == {"index.html", *(f"{chapter.number}.html" for chapter in EVERY)}
    for name, page in pages.items():
        assert not re.search(r"src=|url\(|@import|<script|<link", page), name
        for target in re.findall(r'href="([^"]*)"', page):
            assert target in pages, f"{name} leads to {target}"
        assert page.count("<h1>") == 1 and "<th>" not in page
    assert all(f'href="{chapter.number}.html"' in pages["index.html"] for chapter in EVERY)


def test_the_opening_page_names_commands_that_exist_and_counts_right():
    text = (notes.FOLDER / "index.md").read_text("utf-8")
    named = set(re.findall(r"`python3 -m xmatch_edu ([\w-]+)", text))
    assert {"learner", "solved", "notes", "slides", "class-map", "doctor", "lab"} <= named
    assert named - set(words.PUBLISHED) <= {"class-map", "doctor", "lab"}
    assert set(os.listdir(notes.FOLDER)) == {"index.md", *(f"{chapter.number}.md" for chapter in EVERY)}


@pytest.mark.parametrize("path", sorted(notes.FOLDER.glob("*.md")), ids=lambda path: path.name)
def test_chapters_and_plans_that_are_named_exist(path):
    text = path.read_text("utf-8")
    numbers = set(re.findall(r"\b[Cc]hapters? (\d\d)", text))
    assert numbers <= {chapter.number for chapter in EVERY}
    assert set(re.findall(r"plans? of (\d+)", text)) <= {"45", "90"}

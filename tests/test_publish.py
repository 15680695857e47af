"""What teachers hand out: the learner's notebooks and the solved ones, how they are read, and the folder they go to.

The solved notebooks are run elsewhere, and pass every check; the notes have test_notes.py.
"""

import importlib
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import nbformat
import pytest

from xmatch_edu.course import exercises
from xmatch_edu.course.launch import environment
from xmatch_edu.course.launch.working_copy import ORIGIN, RECORD, lay_down
from xmatch_edu.course.publish import chapters, folder, learner, site

EVERY = chapters.every()
CHAPTERS = pytest.mark.parametrize("chapter", EVERY, ids=lambda chapter: chapter.number)


def by_number(number):
    return next(chapter for chapter in EVERY if chapter.number == number)


def files(place):
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """{what: the folder where it was made, when it was first asked for}"""

    class Made(dict):
        def __missing__(self, what):
            place = tmp_path_factory.mktemp(what)
            assert (place / importlib.import_module(f"xmatch_edu.course.publish.{what}").make(place)).is_file(), what
            return self.setdefault(what, place)

    return Made()


# ---- The folder


def test_a_folder_is_made_and_made_anew(tmp_path):
    place = tmp_path / "deep" / "product"
    place.mkdir(parents=True)  # empty
    for text in ("old", "new"):
        with folder.fresh(place) as half:
            assert not list(half.iterdir())
            (half / f"{text}.txt").write_text(text)
    assert sorted(path.name for path in place.iterdir()) == [folder.MARK, "new.txt"]
    assert [path.name for path in place.parent.iterdir()] == ["product"], "something was left beside it"
    if os.name == "posix":
        assert place.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", ["mine", "mine/thesis.txt", "mine/.hidden", "mine/folder/thesis.txt"])
def test_what_is_somebody_elses_is_left_alone(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("years of work")
    reason = "mine is a file" if name == "mine" else r"mine holds other files.* new or an empty folder"
    with pytest.raises(folder.NotOurs, match=reason), folder.fresh(tmp_path / "mine"):
        pytest.fail("it was opened")
    assert files(tmp_path) == {name: b"years of work"}


def test_a_failure_on_the_way_leaves_the_old_one(tmp_path):
    with folder.fresh(tmp_path / "product") as half:
        (half / "old").touch()
    before = files(tmp_path)
    with pytest.raises(ZeroDivisionError), folder.fresh(tmp_path / "product") as half:
        (half / "new").touch()
        1 / 0  # noqa: B018
    assert files(tmp_path) == before


# ---- All three


@pytest.mark.slow
@pytest.mark.parametrize("what", ["learner", "solved", "notes", "slides", "site"])
def test_a_second_build_makes_the_same_bytes(made, what, tmp_path):
    """In another process, from another folder, into another one. The file tells nothing of where it was made."""
    if what in ("slides", "site") and find_spec("sphinx_revealjs") is None and not os.environ.get("CI"):
        pytest.skip("the extra `pages` is not here: python3 -m xmatch_edu site brings it")
    call = [sys.executable, "-m", "xmatch_edu.course.publish", what, "elsewhere"]
    done = subprocess.run(call, cwd=tmp_path, check=True, capture_output=True, text=True, encoding="utf-8",
                          env={**os.environ, "PYTHONHASHSEED": "7", "TMPDIR": str(tmp_path)})  # fmt: skip
    first, again = files(made[what]), files(tmp_path / "elsewhere")
    assert again.pop(folder.MARK) and again.keys() == first.keys()
    assert [name for name in first if again[name] != first[name]] == []
    here = [name for name in first if str(environment.ROOT).encode() in first[name] or b"/tmp/" in first[name]]
    assert here == [], "paths of one machine"
    assert (tmp_path / done.stdout.strip()).is_file(), "it says what to open"


@pytest.mark.parametrize("what", ["learner", "solved"])
def test_lab_opens_a_copy_as_it_is(made, what, tmp_path):
    """Otherwise `lab --dir` would lay the course's own chapter next to each, with its solutions."""
    before = {name: content for name, content in files(made[what]).items() if name.endswith(".ipynb")}
    assert sorted(before) == [chapter.file for chapter in EVERY]
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    for _ in range(2):
        assert lay_down(chapters.FOLDER, tmp_path) == []
        assert {**before, RECORD: files(tmp_path)[RECORD]} == files(tmp_path)


# ---- Reading the notebooks


@CHAPTERS
def test_every_bold_question_is_read_with_its_answer(chapter):
    text = "\n\n".join(cell.source for cell in chapter.cells if cell.cell_type == "markdown")
    assert len(chapter.questions) == len(re.findall(r"\(a\) .+ · \(b\) ", text)) > 0
    for question in chapter.questions:
        assert [letter for letter, _ in question.options] == list("abc"[: len(question.options)])
        assert set(question.letter) <= set("abc"[: len(question.options)])
        assert all(words for _, words in question.options)
        assert question.answer[0] in chapter.cells[question.answered].source
        between = chapter.cells[question.cell + 1 : question.answered]
        assert any(cell.cell_type == "code" for cell in between), f"{question.asked} Nothing is run before the answer."


def test_answers_that_are_not_plain():
    answers = {(chapter.number, question.asked): question for chapter in EVERY for question in chapter.questions}
    assert {key: one.letter for key, one in answers.items() if len(one.letter) != 1} == {
        ("05", "How would you join them?"): "",  # "neither, and both"
        ("11", "Without gradient, what comes out?"): "bc",
    }
    assert answers["02", "Which labels give the old loss back, along the rows?"].letter == "c"
    late = answers["05", "Before you go on: which of these seven words can find their place in the picture?"]
    assert late.letter == "b" and "the answer to the first question" in late.answer[0]
    assert "a person finds the triangle at once" in late.answer[1]


def test_no_letter_is_the_safe_guess():
    """Where one letter is right nearly always, a learner guesses the letter and not the answer."""
    for chapter in EVERY:
        letters = [question.letter for question in chapter.questions]
        assert len(letters) < 4 or max(map(letters.count, "abc")) <= 2 / 3 * len(letters), chapter.number
    letters = [question.letter for chapter in EVERY for question in chapter.questions]
    assert max(map(letters.count, "abc")) <= len(letters) / 2


def test_a_question_without_an_answer_is_refused():
    notebook = nbformat.from_dict(by_number("02").notebook)
    notebook.cells[6].source = "Pair i came in as row i and as column i."
    with pytest.raises(ValueError, match=r"02\.ipynb, The loss wants labels.*no answer follows the question Where do"):
        _ = chapters.Chapter("02.ipynb", notebook).questions


@pytest.mark.parametrize("gone", ["difficulty 2 of 3", "<summary>Hint", "<summary>Solution", "```python"])
def test_an_exercise_without_its_help_is_refused(gone):
    notebook = nbformat.from_dict(by_number("02").notebook)
    place = by_number("02").exercises[0].cell
    for cell in (notebook.cells[place - 1], notebook.cells[place + 1]):
        cell.source = cell.source.replace(gone, "", 1)
    with pytest.raises(ValueError, match="labels_after: above the stub"):
        _ = chapters.Chapter("02.ipynb", notebook).exercises


@CHAPTERS
def test_a_chapter_is_read_to_its_last_line(chapter):
    names = {one.notebook: [exercise.name for exercise in one.exercises] for one in exercises.CHAPTERS}
    assert [one.name for one in chapter.exercises] == names.get(chapter.file, [])
    assert len(chapter.remember) == 3 and chapter.sections[-1].heading == "Three lines to remember"
    assert sum(one.minutes for one in chapter.exercises) == chapter.minutes[1]
    assert not any("#" in section.heading or "details" in section.heading for section in chapter.sections)


def test_what_is_fenced_or_folded_is_neither_heading_nor_question():
    notebook = nbformat.from_dict(by_number("02").notebook)
    question = "**Which?** (a) this · (b) that"
    notebook.cells[4].source += f"\n\n```\n## no heading\n\n{question}\n```\n\n<details>\n\n{question}\n\n</details>"
    spoilt = chapters.Chapter("02.ipynb", notebook)
    assert (spoilt.sections, spoilt.questions) == (by_number("02").sections, by_number("02").questions)


# ---- The learner's notebooks


@CHAPTERS
def test_a_learner_gets_the_same_cells_with_nothing_run_and_nothing_solved(made, chapter):
    handed_out = nbformat.read(made["learner"] / chapter.file, as_version=4)
    nbformat.validate(handed_out)
    assert set(handed_out.metadata) - set(chapter.notebook.metadata) == {ORIGIN}
    assert [cell.id for cell in handed_out.cells] == [cell.id for cell in chapter.cells]
    below = {one.cell + 1: one for one in chapter.exercises}
    for place, (cell, ours) in enumerate(zip(handed_out.cells, chapter.cells, strict=True)):
        assert (cell.cell_type, cell.metadata) == (ours.cell_type, ours.metadata)
        if cell.cell_type == "code":
            assert (cell.source, cell.outputs, cell.execution_count) == (ours.source, [], None)
        elif place in below:
            before, after = ours.source.split("<details><summary>Solution</summary>")
            after = after.split("</details>", 1)[1]
            assert cell.source == f"{before}\n*The solution is in the solved notebooks. Your teacher has them.*{after}"
            assert below[place].hint in cell.source
        elif (chapter.number, place) != ("00", 17):
            assert cell.source == ours.source
    sources = "\n".join(cell.source for cell in handed_out.cells)
    for one in chapter.exercises:  # no solution is left
        assert one.solution.split(":\n", 1)[1] not in sources and (not one.after or one.after not in sources), one.name
    assert "Solution</summary>" not in sources and "a solution" not in sources.lower()


def test_what_chapter_00_says_of_the_course_is_true_of_the_learners_copy(made, monkeypatch):
    start = (made["learner"] / EVERY[0].file).read_text("utf-8")
    for old, new in learner.REWORDED.items():
        assert old not in start and new in start
    monkeypatch.setitem(learner.REWORDED, "These words stand in no notebook.", "")
    with pytest.raises(ValueError, match="no notebook says any more"):
        learner.make(made["learner"])


# ---- The solved ones


@CHAPTERS
def test_in_a_solved_notebook_each_stub_is_filled_and_all_else_is_the_same(made, chapter):
    filled = nbformat.read(made["solved"] / chapter.file, as_version=4)
    nbformat.validate(filled)
    stubs = {one.cell: one for one in chapter.exercises}
    assert len(filled.cells) == len(chapter.cells)
    runs = [place for place, cell in enumerate(chapter.cells) if cell.cell_type == "code"]
    assert runs[len(runs) - len(stubs):] == list(stubs), "a stored output below a solution may not be true any more"
    for place, (cell, ours) in enumerate(zip(filled.cells, chapter.cells, strict=True)):
        if place not in stubs:
            assert cell == ours
            continue
        one = stubs[place]
        assert (cell.id, cell.outputs, cell.execution_count) == (ours.id, [], None)
        assert cell.source == ours.source.replace(f"def {one.name}({one.takes}):\n    ...", one.solution)
        assert one.solution in cell.source and not chapters.STUB.search(cell.source)
        compile(cell.source, chapter.file, "exec")


# ---- What Sphinx gets to read; the website itself has test_site.py


@pytest.fixture
def with_repository(tmp_path):
    """The project as it would stand in a repository of this address -> what Sphinx would read."""

    def lay_out(address):
        root = tmp_path / "root"
        root.mkdir()
        for name in ("docs", "notebooks", "README.md"):
            (root / name).symlink_to(environment.ROOT / name)
        urls = f'\n[project.urls]\nRepository = "{address}"\n'
        (root / "pyproject.toml").write_text((environment.ROOT / "pyproject.toml").read_text("utf-8") + urls, "utf-8")
        site.lay_out(root, tmp_path / "source")
        return tmp_path / "source"

    return lay_out


def test_the_buttons_lead_to_the_chapter_in_its_repository(with_repository):
    source = with_repository("https://github.com/somebody/course.git")
    for chapter in EVERY:
        stem = chapter.file.removesuffix(".ipynb")
        top = nbformat.read(source / "notebooks" / f"{stem}.ipynb", 4).cells[0].source
        assert re.findall(r'class="launch" href="([^"]+)"', top) == [
            f"https://mybinder.org/v2/gh/somebody/course/main?urlpath=lab/tree/notebooks/{stem}.ipynb",
            f"https://colab.research.google.com/github/somebody/course/blob/main/notebooks/{stem}.ipynb",
        ]
    online = (source / "docs" / "online.md").read_text("utf-8")
    assert "git+https://github.com/somebody/course@main" in online and "OWNER" not in online
    assert (environment.ROOT / "environment.yml").is_file(), "what Binder builds from"


def test_an_address_that_no_button_can_reach_is_refused(with_repository):
    with pytest.raises(ValueError, match=r"Repository in pyproject\.toml must be .* got ftp"):
        with_repository("ftp://somewhere/else")

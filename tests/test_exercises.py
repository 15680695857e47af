"""The exercises where they stand: stub, check, levels, help. (tools/one_run.py sees whether the help helps.)"""

import re
from pathlib import Path

import pytest
from planted import WRONG

from xmatch_edu import check
from xmatch_edu.course import exercises
from xmatch_edu.course.publish import chapters

FOLDER = Path(__file__).parent.parent / "notebooks"



def read(chapter):
    return chapters.read(FOLDER / chapter.notebook)


CHAPTERS = pytest.mark.parametrize("chapter", exercises.CHAPTERS, ids=lambda chapter: chapter.notebook)


@CHAPTERS
def test_each_exercise_has_its_stub_its_check_its_levels_and_its_help(chapter):
    stored = read(chapter)  # which refuses a stub without minutes, difficulty, importance, hint and solution around it
    assert [one.name for one in stored.exercises] == [one.name for one in chapter.exercises]
    assert len(stored.exercises) >= (3 if chapter.title < "03" else 4)
    for number, one in enumerate(stored.exercises, start=1):
        cell = stored.cells[one.cell].source
        assert cell.endswith(f"\n\n\ncheck.{one.name}({one.name})"), one.name
        assert one.takes == ", ".join(getattr(check, one.name).takes), f"{one.name}: the check calls it otherwise"
        assert one.number == number, f"{one.name} is number {number}"
        assert one.task and one.hint and re.search(rf"^def {one.name}\({one.takes}\):$", one.solution, re.MULTILINE)


@CHAPTERS
def test_a_chapter_has_one_title(chapter):
    stored = read(chapter)
    title = f"{stored.number} {stored.title}"
    assert title == chapter.title, "check/ calls it otherwise"
    for page in (FOLDER.parent / "README.md", *sorted(FOLDER.glob("*.ipynb"))):
        words = re.findall(rf"\[([^][]+)\]\((?:notebooks/)?{re.escape(chapter.notebook)}\)", page.read_text("utf-8"))
        wrong = [one for one in words if re.match(r"\d\d ", one) and one != title]
        assert not wrong, f"{page.name} calls it {wrong}"


def test_every_exercise_has_its_wrong_answer():
    names = {one.name for chapter in exercises.CHAPTERS for one in chapter.exercises}
    assert names == set(WRONG), f"tests/planted.py lacks {names - set(WRONG)} and has too many: {set(WRONG) - names}"


@CHAPTERS
def test_the_minutes_of_the_exercises_are_those_in_the_title(chapter):
    stored = read(chapter)
    minutes = sum(one.minutes for one in stored.exercises)
    assert stored.minutes[1] == minutes, f"{minutes} minutes in all: write it into the title, 00 and README"
    start, readme = FOLDER / "00_start_here.ipynb", FOLDER.parent / "README.md"
    for page in (start, readme):
        line = next(line for line in page.read_text("utf-8").splitlines() if f"[{chapter.title}](" in line)
        assert f"+ {minutes} for the exercises" in line, page.name

"""The learner's notebooks: refreshed while untouched, never overwritten once changed."""

import pytest

from xmatch_edu.launch.working_copy import RECORD, lay_down

NAME = "01_one_text_every_image.ipynb"


@pytest.fixture
def rooms(tmp_path):
    """(the course's chapters, the learner's folder), laid down once."""
    chapters, folder = tmp_path / "notebooks", tmp_path / "work"
    chapters.mkdir()
    (chapters / NAME).write_text("first edition")
    (chapters / "00_start_here.ipynb").write_text("start")
    assert lay_down(chapters, folder) == []
    return chapters, folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_chapter_is_laid_down(rooms):
    assert names(rooms[1]) == [RECORD, "00_start_here.ipynb", NAME]
    assert (rooms[1] / NAME).read_text() == "first edition"


def test_an_untouched_copy_is_refreshed_and_it_is_said(rooms):
    chapters, folder = rooms
    (chapters / NAME).write_text("second edition")
    (said,) = lay_down(chapters, folder)
    assert NAME in said and "refreshed" in said
    assert (folder / NAME).read_text() == "second edition"
    assert lay_down(chapters, folder) == []


def test_a_changed_copy_survives_and_the_newer_chapter_lies_beside_it_once(rooms):
    chapters, folder = rooms
    (folder / NAME).write_text("my work")
    assert lay_down(chapters, folder) == [], "no newer chapter, nothing to say"
    (chapters / NAME).write_text("second edition")
    (said,) = lay_down(chapters, folder)
    (beside,) = folder.glob("*.newer-*")
    assert beside.name in said and beside.suffix == ".ipynb"
    assert (folder / NAME).read_text() == "my work"
    assert beside.read_text() == "second edition"
    beside.unlink()
    assert lay_down(chapters, folder) == []
    assert names(folder) == [RECORD, "00_start_here.ipynb", NAME]
    (chapters / NAME).write_text("third edition")
    lay_down(chapters, folder)
    assert (folder / NAME).read_text() == "my work"
    assert len(list(folder.glob("*.newer-*"))) == 1


def test_what_lies_beside_is_never_overwritten_either(rooms):
    chapters, folder = rooms
    (folder / NAME).write_text("my work")
    (chapters / NAME).write_text("second edition")
    lay_down(chapters, folder)
    (beside,) = folder.glob("*.newer-*")
    beside.write_text("my second work")
    (folder / RECORD).unlink()
    lay_down(chapters, folder)
    assert beside.read_text() == "my second work"
    assert (folder / NAME).read_text() == "my work"


@pytest.mark.parametrize("record", [None, "", "{", "[]", "7", '{"01_one_text_every_image.ipynb": 3}', "\udcff"])
def test_without_a_record_what_differs_is_the_learners(rooms, record):
    chapters, folder = rooms
    (folder / RECORD).unlink()
    if record is not None:
        (folder / RECORD).write_bytes(record.encode(errors="surrogateescape"))
    (chapters / NAME).write_text("second edition")
    lay_down(chapters, folder)
    assert (folder / NAME).read_text() == "first edition"
    assert [path.read_text() for path in folder.glob("*.newer-*")] == ["second edition"]
    assert (folder / "00_start_here.ipynb").read_text() == "start"


def test_a_deleted_copy_comes_back(rooms):
    chapters, folder = rooms
    (folder / NAME).unlink()
    lay_down(chapters, folder)
    assert (folder / NAME).read_text() == "first edition"


def test_a_copy_that_the_learner_brought_up_to_date_counts_as_untouched_again(rooms):
    chapters, folder = rooms
    (folder / NAME).write_text("my work")
    (chapters / NAME).write_text("second edition")
    lay_down(chapters, folder)
    (folder / NAME).write_text("second edition")
    lay_down(chapters, folder)
    (chapters / NAME).write_text("third edition")
    lay_down(chapters, folder)
    assert (folder / NAME).read_text() == "third edition"

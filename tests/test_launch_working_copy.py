"""The learner's notebooks: refreshed while untouched, never overwritten once changed."""

import json

import pytest

from xmatch_edu.course.launch.working_copy import ORIGIN, RECORD, fingerprint, lay_down

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


@pytest.mark.parametrize("record", [None, "", "{", "[]", "7", f'{{"{NAME}": 3}}', f'{{"{NAME}": []}}', "\udcff"])
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


def notebook(source, language_info, count, text):
    """A chapter of one cell. Its texts may be one string each, or lists of lines as JupyterLab stores them."""
    result = {"output_type": "execute_result", "execution_count": count, "metadata": {}, "data": {"text/plain": text}}
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": "one",
                "metadata": {},
                "source": source,
                "execution_count": count,
                "outputs": [result],
            }
        ],
        "metadata": {"language_info": language_info},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def test_opening_a_notebook_is_no_change_but_running_or_editing_it_is(rooms):
    """JupyterLab notes the kernel's version in a notebook as soon as it is opened, and stores texts as lists."""
    chapters, folder = rooms
    laid = notebook("x = 1\nx", {"name": "python"}, 1, "1")
    opened = notebook(["x = 1\n", "x"], {"name": "python", "version": "3.11.7"}, 5, ["1"])
    ran = notebook(["x = 1\n", "x"], {"name": "python", "version": "3.11.7"}, 5, ["2"])
    edited = notebook(["x = 1\n", "x\n", "# why?"], {"name": "python"}, 1, ["1"])
    for copy, kept in [(opened, False), (ran, True), (edited, True)]:
        (folder / NAME).unlink()
        (chapters / NAME).write_text(json.dumps(laid))
        lay_down(chapters, folder)
        (folder / NAME).write_text(json.dumps(copy, indent=1))
        (chapters / NAME).write_text(json.dumps(notebook("x = 3", {"name": "python"}, 1, "3")))
        lay_down(chapters, folder)
        assert (json.loads((folder / NAME).read_text()) == copy) is kept


ORIGIN_SPOILT = json.dumps({"metadata": {ORIGIN: []}})
SPOILT = ["{}", "[]", '{"cells": 3}', '{"cells": [{"source": 1}]}', "\ufeff", "null", ORIGIN_SPOILT]


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_copy_that_is_no_notebook_any_more_is_the_learners_too(rooms, spoilt):
    chapters, folder = rooms
    (folder / NAME).write_text(spoilt)
    (chapters / NAME).write_text("second edition")
    lay_down(chapters, folder)
    assert (folder / NAME).read_text() == spoilt


def test_a_handed_out_notebook_is_known_without_a_record(rooms):
    """It came alone, from a learning platform, say. Beside a newer chapter the newer one is laid, as ever."""
    chapters, folder = rooms
    (chapters / NAME).write_text(json.dumps(notebook("solution", {}, 1, "1")))
    handed_out = notebook("stub", {}, None, "")
    handed_out["metadata"][ORIGIN] = fingerprint((chapters / NAME).read_bytes())
    for record in ({}, {NAME: "of an earlier edition"}):
        (folder / NAME).write_text(json.dumps(handed_out))
        (folder / RECORD).write_text(json.dumps(record))
        assert lay_down(chapters, folder) == []
        assert json.loads((folder / NAME).read_text()) == handed_out
        assert not list(folder.glob("*.newer-*"))
    (chapters / NAME).write_text("second edition")
    (said,) = lay_down(chapters, folder)
    assert NAME in said and lay_down(chapters, folder) == []
    assert json.loads((folder / NAME).read_text()) == handed_out
    assert [path.read_text() for path in folder.glob("*.newer-*")] == ["second edition"]

"""tools/notebooks.py: the normal form of a notebook, and running it again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import v4

from tools import notebooks

SANITIZE = Path(__file__).parent / "nbval_sanitize.cfg"


def normal(*cells, **changes):
    """The normal form of a notebook of these cells, as plain data."""
    notebook = {**v4.new_notebook(), "cells": cells, **changes}
    return json.loads(notebooks.normal_form(json.dumps(notebook)))


def outputs(*outputs):
    return normal(v4.new_code_cell("x", execution_count=3, outputs=list(outputs)))["cells"][0]["outputs"]


def test_it_drops_what_differs_between_machines():
    volatile = {"collapsed": True, "execution": {"iopub.status.busy": "now"}, "trusted": True, "tags": ["one"]}
    cell = v4.new_code_cell("x", metadata=volatile)
    found = normal(cell, metadata={"widgets": {"x": 1}, "kernelspec": {"name": "mine", "display_name": "Mine"}})
    assert found["cells"][0]["metadata"] == {"tags": ["one"]}
    assert found["metadata"] == notebooks.METADATA


def test_it_counts_the_cells_that_ran_and_no_others():
    counts = [7, None, 9]
    found = normal(*[v4.new_code_cell("x", execution_count=count) for count in counts])
    assert [cell["execution_count"] for cell in found["cells"]] == [1, None, 2]


def test_ids_stay_and_missing_or_repeated_ones_are_made_from_the_source():
    cells = [v4.new_markdown_cell(text) for text in ["a", "b", "b", "b"]]
    cells[0].id, cells[1].id, cells[2].id = "kept", "kept", "not valid!"
    del cells[3]["id"]
    found = [cell["id"] for cell in normal(*cells)["cells"]]
    assert found[0] == "kept" and len(set(found)) == 4
    assert found == [cell["id"] for cell in normal(*cells)["cells"]]


def test_of_a_bar_that_moves_only_the_end_is_kept():
    moving = "before\n\rstep 1\rstep 2\rstep 3, done\nafter\r\n"
    assert "".join(outputs(v4.new_output("stream", name="stdout", text=moving))[0]["text"]) == (
        "before\nstep 3, done\nafter\r\n")


def test_streams_between_two_displays_become_one_of_each():
    parts = [("stdout", "a"), ("stderr", "b"), ("stdout", "c")]
    streams = [v4.new_output("stream", name=name, text=text) for name, text in parts]
    shown = v4.new_output("display_data", {"text/plain": "x"})
    found = outputs(*streams, shown, v4.new_output("stream", name="stdout", text="d"))
    assert [(one.get("name"), one.get("text")) for one in found] == [
        ("stdout", ["ac"]),
        ("stderr", ["b"]),
        (None, None),
        ("stdout", ["d"]),
    ]


def test_a_widget_leaves_its_picture_and_the_words_about_it():
    data = {notebooks.WIDGET_VIEW: {"model_id": "1"}, "image/png": "iVBO\nRw0K\n", "text/plain": "<f at 0x7f00ab>"}
    metadata = {"image/png": {"alt": "a red square", "width": 3}, "needs_background": "light"}
    [found] = outputs(v4.new_output("execute_result", data, metadata=metadata, execution_count=9))
    assert found["data"] == {"image/png": "iVBORw0K", "text/plain": ["<f at 0x0>"]}
    assert found["metadata"] == {"image/png": {"alt": "a red square"}}
    assert found["execution_count"] == 1


def test_an_error_keeps_its_words_and_no_paths():
    frames = ["File /home/me/x.py", "ValueError: no"]
    [found] = outputs(v4.new_output("error", ename="ValueError", evalue="no", traceback=frames))
    assert found["traceback"] == ["ValueError: no"]


def test_the_normal_form_is_its_own_normal_form():
    text = notebooks.normal_form(v4.writes(v4.new_notebook(cells=[v4.new_markdown_cell("γ × 3\n\n- a")])))
    assert notebooks.normal_form(text) == text
    assert "γ × 3" in text and text.endswith("}\n") and text.startswith('{\n "cells"')


@pytest.mark.parametrize("text", ["", "x = 1", "[]", "{}", '{"nbformat": 4}', '{"nbformat": 3, "worksheets": []}'])
def test_a_file_that_is_no_notebook_is_named(tmp_path, capsys, text):
    path = tmp_path / "page.ipynb"
    path.write_text(text)
    assert notebooks.main(["normalise", str(path)]) == 1
    assert f"{path} " in capsys.readouterr().err
    assert path.read_text() == text


def test_check_writes_nothing_and_normalise_writes_once(tmp_path, capsys):
    path = tmp_path / "page.ipynb"
    path.write_text(v4.writes(v4.new_notebook(metadata={"widgets": {}})))
    before = path.read_text()
    assert notebooks.main(["normalise", "--check", str(path)]) == 1
    assert "not in normal form" in capsys.readouterr().out and path.read_text() == before
    assert notebooks.main(["normalise", str(path)]) == 0
    assert notebooks.main(["normalise", "--check", str(path)]) == 0
    assert os.listdir(tmp_path) == ["page.ipynb"]


def test_a_missing_file_is_named(tmp_path, capsys):
    assert notebooks.main(["normalise", str(tmp_path / "none.ipynb")]) == 1
    assert "none.ipynb cannot be read" in capsys.readouterr().err


@pytest.mark.slow
def test_an_error_in_a_cell_is_shown_and_the_file_stays(tmp_path, capsys):
    path = tmp_path / "page.ipynb"
    path.write_text(v4.writes(v4.new_notebook(cells=[v4.new_code_cell("whole = 1\nwhole / 0")])))
    before = path.read_bytes()
    assert notebooks.main(["execute", str(path)]) == 1
    told = capsys.readouterr().err
    assert "whole / 0" in told and "ZeroDivisionError" in told and "page.ipynb stopped" in told
    assert path.read_bytes() == before


WIDGET = """import base64
import ipywidgets
class Explorer(ipywidgets.HBox):
    def _repr_mimebundle_(self, **options):
        picture = base64.b64encode(bytes(100)).decode()
        return {**super()._repr_mimebundle_(**options), "image/png": picture}, {"image/png": {"alt": "black"}}
Explorer([ipywidgets.IntSlider()])"""


@pytest.mark.slow
def test_executed_twice_it_is_the_same_file_and_strict_nbval_passes(tmp_path):
    path = tmp_path / "page.ipynb"
    cells = ["import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')", WIDGET, "object()", "print(2)"]
    path.write_text(v4.writes(v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])))
    assert notebooks.main(["execute", str(path)]) == 0
    first = path.read_text()
    assert "image/png" in first and "vnd.jupyter.widget" not in first
    assert notebooks.main(["execute", str(path)]) == 0
    assert path.read_text() == first
    # The sanitise file hides no number: a wrong one is found, and nothing else.
    (tmp_path / "wrong.ipynb").write_text(first.replace('"2\\n"', '"3\\n"'))
    options = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=120", f"--nbval-sanitize-with={SANITIZE}"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, f"--rootdir={tmp_path}"]
    strict = subprocess.run([*command, tmp_path], capture_output=True, text=True, encoding="utf-8", check=False)
    assert "1 failed, 7 passed" in strict.stdout and "wrong.ipynb::Cell 3" in strict.stdout, strict.stdout

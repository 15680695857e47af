"""The planted faults of tools/faults.py can still be planted. Which test sees each of them, that tool says itself."""

import ast
import re

import pytest

from tools import faults


@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: f"{fault.file}, {fault.breaks}")
def test_a_fault_can_be_planted(fault):
    broken = faults.planted(fault)  # which refuses a text that does not stand there exactly once
    assert broken != (faults.ROOT / fault.file).read_text("utf-8")
    if fault.file.endswith(".py"):
        ast.parse(broken)
    assert fault.breaks and fault.likely and all((faults.ROOT / file).is_file() for file in fault.likely)


def test_there_are_enough_and_no_two_are_the_same():
    assert len({(fault.file, fault.text) for fault in faults.FAULTS}) == len(faults.FAULTS) >= 48


def test_a_text_that_is_gone_is_an_error():
    gone = faults.FAULTS[0]._replace(text="this stands nowhere")
    with pytest.raises(ValueError, match=rf"{gone.file} should hold this text once, and holds it 0 times: {gone.text}"):
        faults.planted(gone)


@pytest.mark.slow
@pytest.mark.parametrize(("word", "code", "said"), [
    ("measure.py", 0, r"\n +caught after \d+ s by tests/test_measure\.py::test_array.*\n1 of 1 faults are caught"),
    ("labels.py", 1, r"\n +NOT CAUGHT after \d+ s\n0 of 1 faults are caught"),
], ids=("caught", "not caught"))  # fmt: skip
def test_the_tool_says_what_is_caught_and_what_is_not(word, code, said, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["faults.py", "--only", word, "--tests", "tests/test_measure.py"])
    assert faults.main() == code
    assert re.search(said, capsys.readouterr().out)

"""What is remembered of attempts: one file, never half written, never lost, and only where there was an attempt."""

import json
import subprocess
import sys

import pytest

from xmatch_edu import check
from xmatch_edu.check import progress
from xmatch_edu.check.result import PASS

ATTEMPTS = """import pathlib, time
from xmatch_edu import check
from xmatch_edu.check import progress
from xmatch_edu.check.result import WRONG, Result
pathlib.Path(".ready-{own}").touch()
while len(list(pathlib.Path().glob(".ready-*"))) < 2:  # begin together
    time.sleep(0.01)
for k in range(50):
    for name in ("{own}", "two_caption_loss"):
        progress.note(getattr(check, name), eval(f"lambda p: ('{own}', {{k}})"), Result(name, WRONG))
"""


def right(loss, N):
    return check.diagnose.right(loss, N)


def wrong(p):
    return p


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stored(folder):
    return json.loads((folder / progress.FILE).read_text("utf-8"))["exercises"]


def test_an_untouched_stub_leaves_nothing(folder):
    check.labels_after(lambda p: None)
    check.course_map()
    assert list(folder.iterdir()) == []


def test_attempts_misconceptions_and_success_are_noted(folder):
    check.labels_after(wrong)
    check.labels_after(wrong)  # Run All asks about the same answer again
    assert stored(folder)["labels_after"] | {"last": ""} == {
        "attempts": 1, "passed": False, "misconceptions": {"the columns' answer": 1}, "last": ""}  # fmt: skip
    check.labels_after(lambda p: p + 0)
    assert stored(folder)["labels_after"]["attempts"] == 2
    assert stored(folder)["labels_after"]["misconceptions"] == {"the columns' answer": 2}
    assert check.diagnose(right).outcome == PASS and stored(folder)["diagnose"]["passed"]
    check.diagnose(lambda loss, N: "goes on")
    assert stored(folder)["diagnose"]["passed"], "once solved stays solved"


def test_no_code_of_the_learner_is_kept(folder):
    check.labels_after(lambda p: ["a secret"])
    assert "secret" not in (folder / progress.FILE).read_text("utf-8")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"version": 1}', b'{"version": 1, "exercises": {"labels_after": 3}}',
     b'{"version": 1, "exercises": {"labels_after": {"attempts": "9", "passed": true, "misconceptions": {}}}}',
     b'{"version": 99, "exercises": {}}', b"[" * 200_000],
)  # fmt: skip
def test_a_spoilt_file_is_set_aside_and_said(folder, content):
    (folder / progress.FILE).write_bytes(content)
    (folder / "progress.spoilt-1.json").write_bytes(b"an older one")
    result = check.labels_after(wrong)
    assert "set aside as progress.spoilt-2.json" in repr(result)
    assert (folder / "progress.spoilt-2.json").read_bytes() == content
    assert (folder / "progress.spoilt-1.json").read_bytes() == b"an older one"
    assert stored(folder)["labels_after"]["attempts"] == 1


def test_odd_letters_and_the_mark_of_an_editor_are_no_harm(folder):
    (folder / progress.FILE).write_bytes(b'\xef\xbb\xbf{"version": 1, "exercises": {}, "x": "\\ud800"}')
    assert "set aside" not in repr(check.labels_after(wrong))
    assert stored(folder)["labels_after"]["attempts"] == 1


def test_what_is_no_file_is_left_alone(folder):
    (folder / progress.FILE).mkdir()
    assert "could not be noted" in repr(check.labels_after(wrong)) and "could not be read" in repr(check.course_map())


def test_the_same_answer_is_known_again_after_a_restart(folder):
    """A set of letters has another order in each process."""
    answer = "lambda loss, N: str(loss in {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})"
    check.diagnose(eval(answer))
    subprocess.run([sys.executable, "-c", f"from xmatch_edu import check; check.diagnose({answer})"], check=True)
    assert stored(folder)["diagnose"]["attempts"] == 1


def test_the_map_shows_what_is_noted(folder):
    check.labels_after(wrong)
    check.diagnose(right)
    words = repr(check.course_map())
    assert "◐ labels_after" in words and "● diagnose" in words and "○ newton" in words
    assert "04 torch and the GPU: 1 of 6 solved" in words and "met in labels_after: the columns' answer" in words
    page = check.course_map()._repr_mimebundle_()["text/html"]
    assert 'href="02_labels_are_the_diagonal.ipynb"' in page and "the columns&#x27; answer" in page


def test_the_map_says_so_where_the_file_is_spoilt(folder):
    (folder / progress.FILE).write_text("no", "utf-8")
    assert "set aside" in repr(check.course_map())


@pytest.mark.parametrize("what", ["write", "FileLock"])
def test_a_file_that_cannot_be_written_does_no_harm_to_the_answer(folder, monkeypatch, what):
    def full(*given, **options):
        raise OSError("no space left")

    monkeypatch.setattr(progress, what, full)
    result = check.diagnose(right)
    assert result.outcome == PASS and "could not be noted" in repr(result)


def test_a_cut_while_the_file_is_written_leaves_the_one_from_before(folder, monkeypatch):
    def cut(*given):
        raise KeyboardInterrupt

    check.diagnose(right)
    before = (folder / progress.FILE).read_bytes()
    monkeypatch.setattr("os.replace", cut)
    with pytest.raises(KeyboardInterrupt):
        check.labels_after(right)
    assert (folder / progress.FILE).read_bytes() == before


def test_two_kernels_at_once_lose_nothing(folder):
    """Two real processes, each with 50 attempts at an exercise of its own and at one that they share."""
    codes = [ATTEMPTS.format(own=name) for name in ("labels_after", "column_gradient")]
    running = [subprocess.Popen([sys.executable, "-c", code], cwd=folder) for code in codes]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    assert {name: one["attempts"] for name, one in stored(folder).items()} == {
        "labels_after": 50, "column_gradient": 50, "two_caption_loss": 100}  # fmt: skip
    assert sorted(file.name for file in folder.iterdir() if not file.name.startswith(".")) == [progress.FILE]

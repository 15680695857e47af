"""The one run of a notebook judges as plain strict nbval does, cell by cell; and sees what nbval does not look for."""

import re
import subprocess
import sys
from pathlib import Path

from nbformat import v4

SANITIZE = Path(__file__).parent / "nbval_sanitize.cfg"
TEXT = {"text/plain": "1"}


def printed(text, name="stdout"):
    return v4.new_output("stream", name=name, text=text)


def shown(**data):
    return v4.new_output("display_data", {key.replace("_", "/"): value for key, value in data.items()})


def error(words):
    return v4.new_output("error", ename="ValueError", evalue=words, traceback=[])


# What was changed in the stored notebook -> the cell's source, what is stored, its tags, its count, and the verdict.
RAISES = "raise ValueError('no')"
SHOWS = "from IPython.display import display\ndisplay({'text/plain': '1'}, raw=True)"
CHANGES = {
    "nothing": ("print(1)", [printed("1\n")], [], 1, "passed"),
    "stdout": ("print(1)", [printed("2\n")], [], 1, "failed"),
    "stderr for stdout": ("print(1)", [printed("1\n", "stderr")], [], 1, "failed"),
    "missing output": ("print(1)", [], [], 1, "failed"),
    "extra output": (SHOWS, [shown(text_plain="1"), shown(text_plain="1")], [], 1, "failed"),
    "another text shown": (SHOWS, [shown(text_plain="2")], [], 1, "failed"),
    "another type shown": (SHOWS, [shown(text_html="1")], [], 1, "failed"),
    "an error": (RAISES, [], [], 1, "failed"),
    "stale count": ("print(1)", [printed("1\n")], [], 99, "passed"),
    "ignored output": ("print(1)", [printed("2\n")], ["nbval-ignore-output"], 1, "passed"),
    "ignored output, an error": (RAISES, [], ["nbval-ignore-output"], 1, "failed"),
    "wanted error": (RAISES, [error("no")], ["raises-exception"], 1, "passed"),
    "wanted error, other words": (RAISES, [error("yes")], ["raises-exception"], 1, "failed"),
    "wanted error that does not come": ("x = 2", [], ["raises-exception"], 1, "passed"),
    "never run": ("print(1)", [], [], None, "passed"),
    "never run, with output": ("print(1)", [printed("1\n")], [], None, "failed"),
    "an address": ("print(object())", [printed("<object object at 0x0>\n")], [], 1, "passed"),
    "a picture": (SHOWS.replace("text/plain", "image/png"), [shown(image_png="2")], [], 1, "passed"),
    "left out": ("print(1)", [printed("2\n")], ["nbval-skip"], 1, "skipped"),
}
EXERCISE = """### 1 · The row

*1 minutes · difficulty 1 of 3 · importance 1 of 3.*

Do it."""
STUB = "def row_probabilities(row, scale):\n    ...\n\n\ncheck.row_probabilities(row_probabilities)"
HELP = """<details><summary>Hint</summary>
None.
</details>
<details><summary>Solution</summary>

```python
def row_probabilities(row, scale):
    return SOLUTION
```
</details>"""


def run(path, *options):
    """Run pytest on a notebook -> {name of a cell: passed, failed or skipped}, and all that was printed."""
    command = [sys.executable, "-m", "pytest", "-v", "-c", "pyproject.toml", f"--nbval-sanitize-with={SANITIZE}",
               "-p", "no:cacheprovider", "--nbval-cell-timeout=60", *options, path]  # fmt: skip
    done = subprocess.run(command, cwd=SANITIZE.parent.parent, capture_output=True, text=True, encoding="utf-8")
    found = re.findall(r"::(.+?) (PASSED|FAILED|SKIPPED)", done.stdout)
    return {name: verdict.lower() for name, verdict in found}, done.stdout


def test_each_planted_change_gets_the_verdict_of_strict_nbval(tmp_path):
    cells = [v4.new_code_cell(source, outputs=outputs, metadata={"tags": tags}, execution_count=count)
             for source, outputs, tags, count, _ in CHANGES.values()]  # fmt: skip
    path = tmp_path / "changed.ipynb"
    path.write_text(v4.writes(v4.new_notebook(cells=cells)), "utf-8")
    strict, _ = run(path, "--nbval", "--nbval-current-env")
    ours, _ = run(path, "-p", "tools.one_run")
    assert ours.pop("what it leaves") == "passed"
    assert {name: ours[f"alone: {name}"] for name in strict} == strict and len(strict) == len(CHANGES)
    assert dict(zip(CHANGES, strict.values(), strict=True)) == {name: change[-1] for name, change in CHANGES.items()}


def chapter(path, solution, *sources):
    """A chapter with one exercise and these cells -> what the one run says of it."""
    sources = "import numpy as np\nfrom xmatch_edu import check", *sources
    cells = [v4.new_code_cell(source, execution_count=1) for source in sources]
    stub = v4.new_code_cell(STUB, execution_count=2, metadata={"tags": ["nbval-ignore-output"]})
    cells += [v4.new_markdown_cell(EXERCISE), stub, v4.new_markdown_cell(HELP.replace("SOLUTION", solution))]
    path.write_text(v4.writes(v4.new_notebook(cells=cells)), "utf-8")
    verdicts, said = run(path, "-p", "tools.one_run")
    verdicts = {name: verdict for name, verdict in verdicts.items() if "Cell" not in name}
    return {name.removeprefix("row_probabilities, "): verdict for name, verdict in verdicts.items()}, said


RIGHT = "np.exp(scale * row) / np.exp(scale * row).sum()"
# Addresses that are kept for documentation and lead nowhere; code that survives the refusal is found out too.
OUTSIDE = """import contextlib, socket
for reach, address in [(socket.create_connection, "course.example"), (socket.socket().connect, "192.0.2.1"),
                       (socket.socket().connect_ex, "192.0.2.2")]:
    with contextlib.suppress(OSError):
        reach((address, 80))"""
ALONE = "import os\nassert not os.listdir()\nserver = __import__('socket').create_server(('127.0.0.1', 0)).close()"


def test_answers_are_judged_where_they_stand(tmp_path):
    found, _ = chapter(tmp_path / "a.ipynb", RIGHT, ALONE)
    assert found == dict.fromkeys(("wrong", "solved", "what it leaves"), "passed")
    found, _ = chapter(tmp_path / "b.ipynb", "scale * row")
    assert found == {"wrong": "passed", "solved": "failed", "what it leaves": "failed"}
    # A check that calls everything right, and a call to the outside.
    spoilt = "check.row_probabilities = lambda function: '✓ row_probabilities: Right.'"
    found, said = chapter(tmp_path / "c.ipynb", RIGHT, OUTSIDE, spoilt)
    assert found == {"wrong": "failed", "solved": "passed", "what it leaves": "failed"}
    assert "it reached for course.example" in said and "192.0.2.1" in said and "192.0.2.2" in said

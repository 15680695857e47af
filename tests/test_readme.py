"""The README: its commands exist, its links lead somewhere, and its troubles are those that the commands tell of."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
TROUBLES = re.findall(r"^\| `([^`]+)` \|", README, re.MULTILINE)


def said(folder):
    """All that the files of a folder can say: their strings, each expression's parts joined."""
    texts = []
    for file in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                texts.append("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
    return "\n".join(texts)


def test_the_table_of_troubles_is_there():
    assert len(TROUBLES) > 5


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_trouble_is_told_in_the_words_of_the_commands(trouble):
    assert trouble in said(ROOT / "xmatch_edu" / "course" / "launch")


@pytest.mark.parametrize("word", sorted(set(re.findall(r"python3 -m xmatch_edu ([a-z-]+)", README))))
def test_a_command_that_it_names_exists(word):
    asked = [sys.executable, "-m", "xmatch_edu", word, "--help"]
    run = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0 and word in run.stdout, run.stderr


def test_no_command_is_kept_from_the_reader():
    run = subprocess.run([sys.executable, "-m", "xmatch_edu", "--help"], cwd=ROOT, capture_output=True, text=True)
    words = re.findall(r"^    ([a-z-]+) ", run.stdout, re.MULTILINE)
    assert len(words) > 5 and not [word for word in words if f"xmatch_edu {word}" not in README]


@pytest.mark.parametrize("address", sorted(set(re.findall(r"\]\(([^)#]+)", README))))
def test_a_link_leads_somewhere(address):
    assert (ROOT / address).exists()


def test_the_paths_are_those_of_chapter_00():
    start = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", 4)
    (paths,) = [cell.source.partition("## Your path")[2] for cell in start.cells if "## Your path" in cell.source]
    ours = README[README.index("## Your path"):README.index("## Teach it")]
    for name, here, there in (("A", "Question A", "question A"), ("B", "Question B", "question B"),
                              ("one", "One hour", "one hour"), ("three", "Three hours", "three hours")):  # fmt: skip
        chapters = []
        for text, what in ((ours, here), (paths, there)):
            (line,) = [line for line in text.splitlines() if what in line]
            chapters.append(set(re.findall(r"\b(?:0\d|1[01])\b", line)))
        assert chapters[0] >= chapters[1] > set(), name

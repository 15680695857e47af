"""Every notebook against every rule, and every rule against a notebook that breaks it. (tools/one_run.py runs them.)"""

from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from nbformat import v4

from tools import notebooks

FOLDER = Path(__file__).parent.parent / "notebooks"
CHAPTERS = sorted(FOLDER.glob("*.ipynb"))
PNG = "iVBORw0KGgo="


def test_there_are_chapters():
    assert CHAPTERS, f"no notebooks in {FOLDER}"


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.name)
def test_chapter_keeps_rule(path, rule):
    complaints = rule(nbformat.read(path, as_version=4), path)
    assert not complaints, "\n".join([path.name, *complaints])


# From here on the rules themselves are tested.


def clean():
    """A small notebook that keeps every rule."""
    picture = v4.new_output("display_data", {"image/png": PNG, "text/plain": "<Figure>"})
    picture.metadata["image/png"] = {"alt": "Four scores; the diagonal is the brightest"}
    cells = [
        v4.new_markdown_cell("# A title\n\nThe sum $S[i, j](t)$, [below](#What-is-it?), `[no](link)`, https://python.org"),
        v4.new_code_cell("x = 1\nprint(x)", outputs=[v4.new_output("stream", name="stdout", text="1\n")]),
        v4.new_markdown_cell("## What is it?\n\n```\n# no heading\n```"),
        v4.new_code_cell("picture", outputs=[picture]),
        v4.new_code_cell("print(2.5)", metadata={"tags": ["nbval-ignore-output"]}),
        v4.new_code_cell("assert x == 1"),
        v4.new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}),
    ]
    cells[2].source += "\n\n![a red square on grey](attachment:a.png)"
    cells[2].attachments = {"a.png": {"image/png": PNG}}
    cells[6].outputs = [error("division by zero")]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
        if cell.cell_type == "code":
            cell.execution_count = number
    return v4.new_notebook(cells=cells)


def source(number, text):
    return lambda notebook: notebook.cells[number].update(source=text)


def added(number, text):
    return lambda notebook: notebook.cells[number].update(source=notebook.cells[number].source + text)


def tagged(number, *tags):
    return lambda notebook: notebook.cells[number].metadata.update(tags=list(tags))


def output(number, *outputs):
    return lambda notebook: notebook.cells[number].update(outputs=list(outputs))


def printed(text):
    return output(1, v4.new_output("stream", name="stdout", text=text))


def alt(text):
    return lambda notebook: notebook.cells[3].outputs[0].metadata.update({"image/png": {"alt": text}})


def error(text):
    return v4.new_output("error", ename="ValueError", evalue=text, traceback=[])


NO_ALT = v4.new_output("display_data", {"image/png": PNG})
HTML_PICTURE = v4.new_output("display_data", {"text/html": "<img src='data:,'>"})
# rule, how the notebook is spoilt, words of the complaint. More of "normal_form" is in the tests of the tool.
SPOILT = [
    ("normal_form", lambda notebook: notebook.metadata.update(widgets={}), "run python tools/notebooks.py normalise"),
    ("normal_form", lambda notebook: notebook.metadata.kernelspec.update(display_name=".venv"), "not in normal form"),
    ("normal_form", lambda notebook: notebook.metadata.pop("kernelspec"), "not in normal form"),
    ("executed", lambda notebook: notebook.cells[1].update(execution_count=None), "cell 2 was never run"),
    ("errors", output(1, error("no")), "cell 2 stopped with ValueError"),
    ("errors", tagged(1, "raises-exception"), "cell 2 has the tag raises-exception but raised nothing"),
    ("errors", tagged(1, "nbval-raises-exception"), "cell 2 has the tag nbval-raises-exception"),
    ("no_absolute_paths", added(0, " Open /home/me/file."), "cell 1 holds a path"),
    ("no_absolute_paths", added(1, "\nopen('/tmp/x')"), "cell 2 holds a path"),
    ("no_absolute_paths", added(1, "\nopen(r'C:\\Users\\me')"), "cell 2 holds a path"),
    ("no_absolute_paths", printed("saved in /Users/me/x\n"), "output of cell 2 holds a path"),
    ("no_absolute_paths", output(6, error("no file /work/x")), "output of cell 7 holds a path"),
    ("no_network", added(1, "\nimport requests"), "import requests"),
    ("no_network", added(1, "\nfrom urllib.request import urlopen"), "cell 2 reaches"),
    ("no_network", added(1, "\nurl = 'https://python.org'"), "https://python.org"),
    ("no_network", added(1, "\n!wget x"), "!wget"),
    ("no_network", added(1, "\n%pip install x"), "%pip"),
    ("no_network", added(1, "\ntorch.hub.load('x')"), "torch.hub"),
    ("no_network", added(1, "\nload_dataset('x')"), "load_dataset"),
    ("headings_in_order", source(0, "## A title"), "opens with its title (# …), not ## A title"),
    ("headings_in_order", lambda notebook: notebook.cells.reverse(), "opens with its title"),
    ("headings_in_order", source(2, "### What is it?"), "cell 3: ### What is it? skips a level after #"),
    ("headings_in_order", source(2, "# What is it?"), "cell 3: a second title"),
    ("headings_in_order", lambda notebook: notebook.cells.clear(), "no heading"),
    ("alt_text", added(2, "\n\n![](attachment:a.png)"), "cell 3: the picture attachment:a.png"),
    ("alt_text", added(2, "\n\n<img src='data:,'>"), "cell 3: the picture data:,"),
    ("alt_text", output(3, NO_ALT), "output of cell 4: image/png"),
    ("alt_text", alt(""), "found ''"),
    ("alt_text", alt("Heatmap"), "found 'Heatmap'"),
    ("alt_text", alt("an image of the figure"), "found 'an image of the figure'"),
    ("alt_text", output(3, HTML_PICTURE), "output of cell 4: <img>"),
    ("local_links", added(0, " [next](nowhere.ipynb)"), "nowhere.ipynb leads to no notebook"),
    ("local_links", added(0, " [there](#Nowhere)"), "no heading; notebook.ipynb has A-title, What-is-it?"),
    ("local_links", added(0, " [there](notebook.ipynb#Nowhere)"), "leads to no heading"),
    ("local_links", added(0, " [code](../xmatch_edu/loops.py)"), "leaves the notebooks"),
    ("local_links", added(0, " [up](../notebook.ipynb)"), "leaves the notebooks"),
    ("local_links", added(0, " <a href='LICENSE'>licence</a>"), "leaves the notebooks"),
    ("local_links", added(0, " ![a red square on grey](square.png)"), "square.png is a file"),
    ("small_file", added(0, "x" * 1_000_000), "a notebook stays under 1,000,000"),
    ("no_trailing_semicolon", added(1, ";"), "cell 2 ends in a semicolon"),
    ("no_trailing_semicolon", added(1, ";  # quiet\n"), "cell 2 ends in a semicolon"),
    ("asserted", source(5, "x == 1"), "cell 5 has the tag nbval-ignore-output: assert"),
    ("asserted", tagged(5, "nbval-skip"), "cell 6 has the tag nbval-skip: assert"),
    ("tags_not_comments", added(1, "\n# NBVAL_IGNORE_OUTPUT"), "cell 2 has a comment for what is a cell tag"),
    ("short_cells", added(1, "\ny = 1" * 15), "cell 2 has 17 lines"),
]


def stored(notebook, folder):
    path = folder / "notebook.ipynb"
    path.write_text(v4.writes(notebook), encoding="utf-8")
    return nbformat.read(path, as_version=4), path


@pytest.fixture
def normal():
    return v4.reads(notebooks.normal_form(v4.writes(clean())))


def test_a_clean_notebook_keeps_every_rule(normal, tmp_path):
    path = tmp_path / "notebook.ipynb"
    path.write_text(notebooks.normal_form(v4.writes(normal)), encoding="utf-8")
    assert [rule(normal, path) for rule in rules.RULES] == [[]] * len(rules.RULES)


@pytest.mark.parametrize(("name", "spoil", "words"), SPOILT, ids=[f"{one[0]}: {one[2]}" for one in SPOILT])
def test_a_spoilt_notebook_is_refused(normal, tmp_path, name, spoil, words):
    spoil(normal)
    complaints = getattr(rules, name)(*stored(normal, tmp_path))
    assert any(words in complaint for complaint in complaints), complaints


def test_every_rule_is_seen_to_refuse():
    assert {rule.__name__ for rule in rules.RULES} == {name for name, _, _ in SPOILT}


@pytest.mark.parametrize(
    "text", ["# Not compared: it names the machine\nprint(2.5)", "t = 2.5\nassert t > 0"], ids=["why", "assert"]
)
def test_an_uncompared_cell_may_explain_or_assert_by_itself(normal, tmp_path, text):
    source(4, text)(normal)
    source(5, "x")(normal)
    assert rules.asserted(*stored(normal, tmp_path)) == []

"""The website: every chapter with its pictures alive, the pages of docs/, and the API from the docstrings.

Here live what Sphinx gets to read and what is kept of what it writes; its settings stand in docs/conf.py. Nothing is
run: a page shows what its notebook has stored. The pages ask nobody but their own folder, so they work as files too.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import nbformat

from xmatch_edu.course import exercises
from xmatch_edu.course.launch.environment import ROOT
from xmatch_edu.course.publish import notes, pages

BRANCH = "main"  # of the repository that Binder and Colab read
FIRST = "00_start_here"  # its live picture stands on the front page too
NOT_PAGES = ("xmatch_edu", "tests", "tools")  # a page may link to a file of these, and the reader gets it as it is


def make(folder):
    """Build the website into `folder`, which is empty -> the name of its first page.

    Errors: SystemExit with Sphinx's words, for anything that it warns of.
    """
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"
        lay_out(ROOT, source)
        command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--no-color"]
        command += ["-c", str(source / "docs"), "-d", str(Path(temporary) / "doctrees"), str(source), str(folder)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit((done.stdout + done.stderr).replace(f"{source}/", ""))
    _finish(folder)
    return "index.html"


def _finish(folder):
    """Take out what nobody reads, and mend what the theme tells a screen reader wrongly."""
    (folder / ".buildinfo").unlink()  # for a build that goes on from this one: there is none
    (folder / "_sources").rmdir()
    (folder / "_modules" / "index.html").unlink()  # a list to which nothing leads
    for path in folder.rglob("*.html"):
        page = path.read_text("utf-8").replace('role="heading">', 'role="heading" aria-level="2">')
        path.write_text(page, "utf-8", newline="\n")


def lay_out(root, source):
    """What Sphinx reads: the project's folders and pages at their places, and the front page above them."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    repository = project.get("urls", {}).get("Repository")
    source.mkdir()
    for path in root.iterdir():
        if path.is_file() and not path.name.startswith("."):
            shutil.copy(path, source)
    for name in ("docs", *NOT_PAGES):
        if (root / name).is_dir():
            shutil.copytree(root / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    docs = source / "docs"
    (docs / "index.md").rename(source / "index.md")
    (source / "notebooks").mkdir()
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if path.stem == FIRST:
            (docs / "_first.html").write_text(_first_live(notebook), "utf-8")
        nbformat.write(_page(notebook, path.stem, repository), source / "notebooks" / path.name)
    (docs / "api" / "_exercises.md").write_text(_exercises(), "utf-8")
    _lay_out_notes(docs / "teaching")
    online = docs / "online.md"
    online.write_text(online.read_text("utf-8").replace("OWNER/NAME", _owner_and_name(repository)), "utf-8")
    (docs / "_static" / "mathjax").mkdir()
    shutil.copy(pages.mathjax(), docs / "_static" / "mathjax")


def _lay_out_notes(folder):
    """The teacher's notes in place of the parts that are written by hand."""
    shutil.rmtree(folder)
    folder.mkdir()
    notes.make(folder)
    for path in folder.glob("*.html"):
        path.unlink()
    for path in folder.glob("*.md"):
        page = re.sub(r"\]\((\d\d)\.html", r"](\1.md", path.read_text("utf-8"))
        path.write_text(re.sub(r"\A(# \d\d .+)", r"\1: teaching", page), "utf-8")  # not the chapter's own title
    with open(folder / "index.md", "a", encoding="utf-8") as index:
        index.write("\n```{toctree}\n:hidden:\n:glob:\n\n[0-9]*\n```\n")


def _page(notebook, stem, repository):
    """The chapter as a page: pictures alive, links to pages, the buttons under its title."""
    notebook = pages.alive(notebook)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            made = output.get("data", {}).get("text/html")
            if made:
                output.data["text/html"] = re.sub(r'(href="\w+)\.ipynb"', r'\1.html"', made)
    title, rest = notebook.cells[0].source.split("\n", 1)
    notebook.cells[0].source = f"{title}\n\n{buttons(stem, repository)}\n{rest}"
    return notebook


def buttons(stem, repository):
    """The way from a chapter's page to the chapter where it runs -> str of HTML.

    repository: its address on GitHub, or None; then the buttons lead to the page that says how to name it.
    """
    where = {"Binder": "../docs/online.html#binder", "Colab": "../docs/online.html#colab"}
    if repository:
        name = _owner_and_name(repository)
        where["Binder"] = f"https://mybinder.org/v2/gh/{name}/{BRANCH}?urlpath=lab/tree/notebooks/{stem}.ipynb"
        where["Colab"] = f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/notebooks/{stem}.ipynb"
    links = " ".join(f'<a class="launch" href="{to}">Run it on {service}</a>' for service, to in where.items())
    return f'<p class="launches">{links} <a href="../docs/online.html">before you do</a></p>\n'


def _owner_and_name(repository):
    """"owner/name" of https://github.com/owner/name. ValueError for another address."""
    if repository is None:
        return "OWNER/NAME"
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", repository)
    if not found:
        raise ValueError(f"Repository in pyproject.toml must be https://github.com/owner/name; got {repository}")
    return found[1]


def _first_live(notebook):
    """The first live picture of a chapter as a piece of another page."""
    outputs = (output for cell in pages.alive(notebook).cells for output in cell.get("outputs", []))
    made = (output.get("data", {}).get("text/html", "") for output in outputs)
    return next(one for one in made if 'class="live-picture"' in one)


def _exercises():
    """The names of all exercises, chapter by chapter, as Markdown."""
    lines = []
    for chapter in exercises.CHAPTERS:
        names = ", ".join(f"`check.{one.name}({', '.join(one.takes)})`" for one in chapter.exercises)
        lines.append(f"- [{chapter.title}](/notebooks/{chapter.notebook}): {names}")
    return "\n".join(lines) + "\n"

"""The floors of the house: what each room may know, what it imports without, and how small the part is that one reads.

docs/architecture.md is the plan; here the files are held to it.
"""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import xmatch_edu

PACKAGE = Path(xmatch_edu.__file__).parent
PLAN = (PACKAGE.parent / "docs" / "architecture.md").read_text("utf-8")
MODULES = {  # dotted name below the package, "" for the package itself -> its file
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip("."): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
JUPYTER = ("IPython", "ipywidgets", "ipykernel", "jupyter_client", "jupyterlab", "nbformat")
PICTURES = ("matplotlib", "PIL")
BARE = {  # what must not be needed -> by which modules. (A folder's name stands for its __init__.)
    ("numpy", "torch", *PICTURES, *JUPYTER): [
        "__main__", "_files", "_inputs", "course.launch.commands", "course.launch.doctor", "course.measure",
        "course.recorded"],
    ("torch", *PICTURES, *JUPYTER): ["loops"],
    ("torch", *JUPYTER): ["plots", "course.certificate"],
    ("tqdm", "triton", *PICTURES, *JUPYTER): [
        "scores", "labels", "losses", "scale", "scale.tasks", "scale.torchrun", "data.shapes", "data.words",
        "models.training", "course.grounding", "course.bench.__main__", "course.bench.worker"],
    ("tqdm", "matplotlib", *JUPYTER): ["data.emoji", "models", "course.comparison"],
    JUPYTER: ["check", "course.exercises"],
}  # fmt: skip


@pytest.mark.parametrize("blocked", BARE, ids=lambda blocked: f"without {blocked[0]} and {len(blocked) - 1} more")
def test_a_room_imports_without_what_it_must_not_need(blocked):
    """One process a set, with None in place of each module: that makes its import fail."""
    imports = "; ".join(f"import xmatch_edu.{module}" for module in BARE[blocked])
    subprocess.run([sys.executable, "-c", f"import sys; sys.modules.update(dict.fromkeys({blocked})); {imports}"],
                   check=True)  # fmt: skip


def imported(module):
    """The modules of the package that a module imports, wherever in it -> their dotted names."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[2] for one in node.names if one.name.split(".")[0] == "xmatch_edu"}
        elif isinstance(node, ast.ImportFrom):
            if node.level:  # from .environment import Stop: in launch/ alone, whose folder is its own
                start = ".".join([module.rpartition(".")[0], *filter(None, [node.module])])
            elif (node.module or "").split(".")[0] == "xmatch_edu":
                start = node.module.partition(".")[2]
            else:
                continue
            parts = {f"{start}.{one.name}".lstrip(".") for one in node.names}
            found |= {part if part in MODULES else start for part in parts}
    return found - {module}


def room(module, depth):
    """The room that a module is in: course.bench.report, 1 -> course; 2 -> course.bench."""
    return ".".join(module.split(".")[:depth])


def plan(heading):
    """The rooms on a drawing and in the table under a heading -> {room: floor}, {room: the rooms that it imports}."""
    part = re.search(rf"^### {heading}\n(.*?)(?=^##)", PLAN, re.MULTILINE | re.DOTALL)[1]
    floors = {name: int(floor) for floor, names in re.findall(r"^    floor (\d) +(.+)$", part, re.MULTILINE)
              for name in names.split()}  # fmt: skip
    rows = re.findall(r"^\| (\w+) \| [^|]+ \|([^|]*)\|$", part, re.MULTILINE)[1:]
    return floors, {name: set(imports.replace(",", " ").split()) for name, imports in rows}


@pytest.mark.parametrize(("heading", "inside"), [("The doors", ""), ("Behind the door course", "course")])
def test_the_plan_is_what_the_files_do(heading, inside):
    depth, does = (2 if inside else 1), {}
    for module in MODULES:
        if module.startswith(inside and f"{inside}.") and not room(module, depth).startswith("__") and module:
            others = {room(one, depth).removeprefix(f"{inside}.") for one in imported(module) if one.startswith(inside)}
            own = room(module, depth).removeprefix(f"{inside}.")
            does.setdefault(own, set()).update(others - {own, ""})
    floors, told = plan(heading)
    assert told == does
    assert floors.keys() == does.keys()
    assert not [(one, other) for one in does for other in does[one] if floors[other] >= floors[one]]


def test_there_are_few_doors_and_no_circle():
    doors = {room(module, 1) for module in MODULES} - {"", "__main__", "course"}
    assert len([door for door in doors if not door.startswith("_")]) <= 10, doors
    # A door into the course would let its machinery in. (`check` looks it up by name when it is asked.)
    let_in = {module for module in MODULES if any(room(one, 1) == "course" for one in imported(module))}
    assert {room(module, 1) for module in let_in} <= {"__main__", "course"}
    graphlib.TopologicalSorter({module: imported(module) for module in MODULES}).prepare()  # CycleError names a circle


def test_what_a_reader_meets_is_small():
    """"Small": the lines of Python, comments and blank ones included, outside course/."""
    lines = {module: len(path.read_text("utf-8").splitlines()) for module, path in MODULES.items()}
    assert sum(count for module, count in lines.items() if room(module, 1) != "course") <= 7000


def test_the_package_itself_imports_nothing():
    assert not imported("") and xmatch_edu.__doc__ and xmatch_edu.__version__


def test_every_file_says_what_lives_in_it():
    silent = [module for module, path in MODULES.items() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert silent == []

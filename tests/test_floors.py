"""The floors of the house: each room imports alone, with what it may know and without what it may not."""

import ast
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

import xmatch_edu

PACKAGE = Path(xmatch_edu.__file__).parent
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
HOUSE = (PACKAGE.parent / "docs" / "architecture.md").read_text("utf-8")
JUPYTER = ["IPython", "ipywidgets", "ipykernel", "jupyter_client", "jupyterlab", "nbformat"]
BARE = {  # room -> what must not be needed to import it
    "loops": ["torch", "matplotlib", "PIL", *JUPYTER],
    "inputs": ["numpy", "torch", *JUPYTER],
    "scores": ["matplotlib", "PIL", *JUPYTER],
    "labels": ["matplotlib", "PIL", *JUPYTER],
    "losses": ["matplotlib", "PIL", *JUPYTER],
    "models": ["matplotlib", *JUPYTER],
    "data.emoji": ["matplotlib", *JUPYTER],
    "data.shapes": ["matplotlib", "PIL", *JUPYTER],
    "data.words": ["matplotlib", "PIL", *JUPYTER],
    "grounding": ["matplotlib", "PIL", *JUPYTER],
    "training": ["matplotlib", "PIL", "tqdm", *JUPYTER],
    "comparison": ["matplotlib", "tqdm", *JUPYTER],
    "scale": ["matplotlib", "PIL", "triton", *JUPYTER],
    "scale.tiles": ["matplotlib", "PIL", "triton", *JUPYTER],
    "scale.passes": ["matplotlib", "PIL", "triton", *JUPYTER],
    "scale.cached": ["matplotlib", "PIL", "triton", *JUPYTER],
    "scale.processes": ["matplotlib", "PIL", *JUPYTER],
    "scale.ring": ["matplotlib", "PIL", *JUPYTER],
    "scale.torchrun": ["matplotlib", "PIL", *JUPYTER],
    "scale.tasks": ["matplotlib", "PIL", *JUPYTER],
    "plots": ["torch", *JUPYTER],
    "measure": ["numpy", "torch", "matplotlib", "PIL", *JUPYTER],
    "certificate": ["torch", *JUPYTER],
    "bench.__main__": ["matplotlib", "PIL", *JUPYTER],
    "bench.worker": ["matplotlib", "PIL", *JUPYTER],
    "check": JUPYTER,
    "recorded": ["numpy", "torch", "matplotlib", "PIL", *JUPYTER],
    "launch.commands": ["numpy", "torch", "matplotlib", "PIL", *JUPYTER],
    "launch.doctor": ["numpy", "torch", "matplotlib", "PIL", *JUPYTER],
    "__main__": ["numpy", "torch", "matplotlib", "PIL", *JUPYTER],
}
KNOWS = {  # file, or a folder as a whole -> the only rooms of the package that it may import
    "__init__": set(),
    "__main__": {"launch"},
    "launch": {"launch"},
    "publish": {"publish", "check", "explore", "launch"},
    "class_map": {"class_map", "check", "publish"},
    "inputs/__init__": {"inputs"},
    "inputs/arrays": set(),
    "inputs/settings": {"inputs"},
    "inputs/matches": {"inputs"},
    "inputs/scores": {"inputs"},
    "inputs/features": {"inputs"},
    "loops/__init__": {"loops"},
    "loops/scores": {"inputs"},
    "loops/words": {"inputs", "loops"},
    "loops/matching": {"inputs", "loops"},
    "loops/damsm": {"inputs", "loops"},
    "loops/ranking": {"inputs", "loops"},
    "loops/sigmoid": {"inputs", "loops"},
    "scores": {"inputs"},
    "labels": {"inputs"},
    "cross_entropy": set(),
    "losses": {"inputs", "cross_entropy", "labels", "loops", "scores"},
    "training/memory": {"inputs", "labels", "scores"},
    "training/recall": {"inputs", "labels"},
    "training/batches": {"data"},
    "training/safety": set(),
    "training/fitting": {"inputs", "data", "training"},
    "training/__init__": {"training"},
    "comparison": {"data", "labels", "launch", "losses", "models", "recorded", "scores", "training"},
    "scale/__init__": {"scale"},
    "scale/tiles": {"inputs", "scale"},
    "scale/passes": set(),
    "scale/kernel": set(),
    "scale/cached": {"inputs"},
    "scale/processes": {"inputs", "losses", "scale"},
    "scale/ring": {"scale"},
    "scale/torchrun": set(),
    "scale/tasks": {"losses", "scale"},
    "keras_ranking": set(),
    "models": {"data", "inputs"},
    "data/__init__": set(),
    "data/emoji": {"inputs"},
    "data/shapes": {"inputs"},
    "data/words": set(),
    "grounding": {"data", "models", "scores", "labels", "launch", "losses", "recorded"},
    "measure": set(),
    "plots/__init__": {"plots"},
    "plots/picture": set(),
    "plots/heatmaps": {"plots", "loops", "inputs"},
    "plots/attention": {"plots", "inputs"},
    "plots/shapes": {"plots"},
    "plots/arrows": {"plots"},
    "plots/costs": {"plots"},
    "plots/spread": {"plots"},
    "plots/pieces": {"plots"},
    "certificate": {"loops", "measure", "plots"},
    "bench/__init__": set(),
    "bench/contenders": {"losses", "scores"},
    "bench/damsm": {"losses", "scores", "bench"},
    "bench/ranking": {"losses", "scores", "bench"},
    "bench/tiles": {"losses", "scale", "bench"},
    "bench/worker": {"measure", "bench"},
    "bench/rounds": set(),
    "bench/report": set(),
    "bench/record": {"loops", "losses", "measure", "recorded", "bench", "launch"},  # launch: as in check/progress
    "bench/__main__": {"bench"},
    "recorded/__init__": set(),
    "explore/readers": set(),
    "explore/live": set(),
    "explore/batch": {"inputs", "explore"},
    "explore/attention": {"inputs", "loops", "plots", "explore"},
    "explore/matching": {"inputs", "loops", "plots", "explore"},
    "explore/film": {"inputs", "loops", "plots", "explore"},
    "explore/search": {"inputs", "plots", "data", "explore"},
    "explore/tiles": {"inputs", "loops", "plots", "explore"},
    "explore/__init__": {"explore"},
    "check/__init__": {"check"},
    "check/calm": set(),
    "check/ideas": set(),
    "check/result": {"plots"},
    "check/pictures": {"plots"},
    "check/progress": {"check", "launch"},  # launch: to write a file in one stroke
    "check/answers": {"check"},
    "check/words": {"check"},
    "check/engine": {"check"},
    "check/chapter_01": {"check", "loops"},
    "check/chapter_02": {"check", "loops"},
    "check/chapter_03": {"check", "loops", "measure"},
    "check/chapter_04": {"check", "loops"},
    "check/chapter_05": {"check", "loops"},
    "check/chapter_06": {"check", "loops", "losses", "scores"},
    "check/chapter_07": {"check", "loops"},
    "check/chapter_08": {"check"},
    "check/chapter_09": {"check", "loops"},
    "check/chapter_10": {"check", "loops", "measure"},
    "check/chapter_11": {"check", "loops"},
}


def room_of(file):
    return file.split("/")[0].removesuffix(".py")


def around(file):
    """The file's name, then the folders around it."""
    path = Path(file).with_suffix("")
    return [path.as_posix(), *(folder.as_posix() for folder in path.parents)]


@pytest.mark.parametrize("room", BARE)
def test_a_room_imports_without_what_it_must_not_need(room):
    blocked = f"import sys; sys.modules.update(dict.fromkeys({BARE[room]}))"  # None makes an import fail
    subprocess.run([sys.executable, "-c", f"{blocked}; import xmatch_edu.{room}"], check=True)


def known_by(file):
    known = set()
    for node in ast.walk(ast.parse((PACKAGE / file).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "xmatch_edu":
            known |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("xmatch_edu."):
            known.add(node.module.split(".")[1])
    return known


@pytest.mark.parametrize("file", FILES)
def test_a_file_knows_only_the_floors_below(file):
    (name,) = islice((name for name in around(file) if name in KNOWS), 1)
    assert known_by(file) <= KNOWS[name]


def test_a_floor_for_a_file_that_is_gone_is_gone():
    assert not KNOWS.keys() - {name for file in FILES for name in around(file)}


def test_the_page_of_the_house_has_each_room_on_its_floor():
    """docs/architecture.md: the drawing and the table say what KNOWS says, and no more than the files do."""
    knows, does = {}, {}
    for name, rooms in KNOWS.items():
        knows.setdefault(room_of(name), set()).update(rooms - {room_of(name)})
    for file in FILES:
        does.setdefault(room_of(file), set()).update(known_by(file) - {room_of(file)})
    assert knows == does
    knows = {room: rooms for room, rooms in knows.items() if not room.startswith("__")}
    floors = {room: int(floor) for floor, rooms in re.findall(r"^    floor (\d) +(.+)$", HOUSE, re.MULTILINE)
              for room in rooms.split()}  # fmt: skip
    table = re.findall(r"^\| (\w+) \| [^|]+ \|([^|]*)\|$", HOUSE.partition("## The data's way")[0], re.MULTILINE)
    told = {room: set(imports.replace(",", " ").split()) for room, imports in table[1:]}
    assert told == knows and len(told) == len(table) - 1
    assert floors.keys() == knows.keys()
    assert not [(room, other) for room in knows for other in knows[room] if floors[other] >= floors[room]]


def test_the_package_itself_imports_nothing():
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert xmatch_edu.__doc__ and xmatch_edu.__version__


def test_every_room_says_what_lives_in_it():
    for file in PACKAGE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(file.read_text("utf-8"))), f"{file.name} has no docstring"

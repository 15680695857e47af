"""The words of the command: read the class's folder, draw, and say where the map is."""

import argparse
import sys
from pathlib import Path

from xmatch_edu.course.class_map import drawing, names, reading, tables
from xmatch_edu.course.publish.folder import NotOurs, fresh


def run(words):
    """Read, draw, say where -> nothing. Leaves with a sentence and code 1 where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python3 -m xmatch_edu class-map")
    parser.add_argument("folder", help="one hand-in a learner: NAME.json, NAME.zip, or NAME/ with progress.json in it")
    parser.add_argument("--pseudonyms", action="store_true", help="numbers in place of names, dealt anew in each run")
    parser.add_argument("--out", default="class-map", help="where to (otherwise class-map/ in this folder)")
    chosen = parser.parse_args(words)
    folder, out = Path(chosen.folder).expanduser().resolve(), Path(chosen.out).expanduser()
    if not folder.is_dir():
        sys.exit(f"{folder} is {'no folder' if folder.exists() else 'not there'}. Name the folder with the hand-ins.")
    if Path.cwd().resolve().is_relative_to(folder):
        sys.exit("Start this from another folder, the course's say: where it is started, Python looks for parts of "
                 "itself, and a learner could have handed in a folder that it takes for one.")  # fmt: skip
    try:
        found = reading.read(folder)
        if not found.learners and not found.refused:
            sys.exit(f"{folder} holds no hand-in: no NAME.json, no NAME.zip, no folder with progress.json in it.")
        if chosen.pseudonyms:
            found = names.hide(found)
        with fresh(out) as half:
            (half / "class_map.html").write_text(drawing.page(found), "utf-8", newline="\n")
            tables.write(half, found)
    except NotOurs as reason:
        sys.exit(str(reason))
    except OSError as error:
        sys.exit(f"The computer refused: {error}.")
    print(f"Read: {len(found.learners)}. Could not be read: {len(found.refused)}"
          f"{', each with its reason on the page' if found.refused else ''}.")  # fmt: skip
    print(out.resolve() / "class_map.html")

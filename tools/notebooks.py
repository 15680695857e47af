"""Put notebooks into their one normal form, or run them again from the top and store what they print.

    python tools/notebooks.py normalise [--check] [files ...]
    python tools/notebooks.py execute [--timeout SECONDS] [files ...]

Without files: every notebook in notebooks/. The normal form holds only what a reader sees or a test compares,
so that a difference between two versions is a difference in the course.
"""

import argparse
import hashlib
import itertools
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parent.parent
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)")  # a bar that moves: only where it ended stays on the page
ANSI_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class NotebookError(Exception):
    """Something a maintainer can mend; the message says what and where."""


def normal_form(text, name="notebook"):
    """The normal form of the notebook in `text`, as the text of a file."""
    try:
        # Read by nbformat.v4 itself: nbformat.read would fill in missing ids at random.
        notebook = nbformat.v4.reads(text)
        if notebook.nbformat != 4:
            raise NotebookError(f"{name} has format {notebook.nbformat}, not 4: save it in JupyterLab")
        _normalise(notebook)
        nbformat.validate(notebook)
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as error:
        raise NotebookError(f"{name} is not a notebook: {type(error).__name__}: {error}") from error
    return nbformat.v4.writes(notebook).rstrip("\n") + "\n"


def _normalise(notebook):
    notebook.nbformat_minor = 5
    notebook.metadata = nbformat.from_dict(METADATA)
    present, taken, executed = {cell.get("id") for cell in notebook.cells}, set(), 0
    for cell in notebook.cells:
        cell.id = _cell_id(cell, present, taken)
        taken.add(cell.id)
        tags = cell.get("metadata", {}).get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            executed += cell.get("execution_count") is not None
            cell.execution_count = executed if cell.get("execution_count") is not None else None
            cell.outputs = _outputs(cell.get("outputs", []), cell.execution_count)


def _cell_id(cell, present, taken):
    """The cell's own id; one made from its source where it has none, or where a cell above has the same."""
    own = cell.get("id")
    if isinstance(own, str) and re.fullmatch("[A-Za-z0-9_-]{1,64}", own) and own not in taken:
        return own
    tries = (f"{number} {cell.cell_type} {cell.source}" for number in itertools.count())
    made = (hashlib.sha256(one.encode()).hexdigest()[:8] for one in tries)
    return next(new for new in made if new not in present and new not in taken)


def _outputs(outputs, execution_count):
    """The outputs without what differs between two runs or two machines."""
    kept = []
    for is_stream, run in itertools.groupby(outputs, lambda output: output.output_type == "stream"):
        if is_stream:
            # A kernel sends stdout and stderr each on its own clock: between two displays, one of each.
            texts = {"stdout": "", "stderr": ""}
            for output in run:
                texts[output.name] += output.text
            streams = {name: text for name, text in texts.items() if text}
            kept += [nbformat.v4.new_output("stream", name=name, text=text) for name, text in streams.items()]
        else:
            kept += run
    for output in kept:
        if output.output_type == "stream":
            output.text = ADDRESS.sub("at 0x0", OVERWRITTEN.sub("", output.text))
        elif output.output_type == "error":
            # The frames hold the paths of one machine. The reader who runs the cell sees them.
            output.traceback = [f"{output.ename}: {output.evalue}"]
        else:
            _normalise_display(output, execution_count)
    return kept


def _normalise_display(output, execution_count):
    # A view names a model that died with its kernel. Without it the page shows the picture beside it.
    output.data.pop(WIDGET_VIEW, None)
    for mime, value in output.data.items():
        if mime in ("image/png", "image/jpeg"):
            output.data[mime] = "".join(value.split())
        elif isinstance(value, str):
            output.data[mime] = ADDRESS.sub("at 0x0", value)
    about = {mime: entry for mime, entry in output.metadata.items() if mime in output.data}
    alts = {mime: {"alt": entry["alt"]} for mime, entry in about.items() if "alt" in entry}
    output.metadata = nbformat.from_dict(alts)
    if output.output_type == "execute_result":
        output.execution_count = execution_count


def execute(text, folder, name="notebook", timeout=120):
    """Run the notebook in `text` in a fresh kernel in `folder`; the normal form of the result."""
    notebook = nbformat.v4.reads(normal_form(text, name))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = None, []
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        told = ANSI_COLOUR.sub("", str(error))
        raise NotebookError(f"{name} stopped, and was left as it was.\n{told}") from error
    return normal_form(nbformat.v4.writes(notebook), name)


def read(path):
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotebookError(f"{path} cannot be read: {error}") from error


def write(path, text):
    """All or nothing: a crash half-way leaves the old file."""
    path = Path(path).resolve()
    half = path.with_name(f".{path.name}.half")
    half.write_text(text, encoding="utf-8", newline="\n")
    shutil.copymode(path, half)
    os.replace(half, path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    normalise = verbs.add_parser("normalise", help="write the normal form")
    normalise.add_argument("--check", action="store_true", help="only say which files are not in it")
    run = verbs.add_parser("execute", help="run from the top, store the outputs, normalise")
    run.add_argument("--timeout", type=int, default=120, help="seconds that one cell may take (120)")
    for verb in (normalise, run):
        verb.add_argument("files", nargs="*", type=Path, help="notebooks (default: all of notebooks/)")
    options = parser.parse_args(arguments)
    faults = 0
    for path in options.files or sorted((ROOT / "notebooks").glob("*.ipynb")):
        try:
            old = read(path)
            if options.verb == "execute":
                with tempfile.TemporaryDirectory() as folder:  # no progress of the maintainer's own
                    new = execute(old, folder, path, options.timeout)
            else:
                new = normal_form(old, path)
        except NotebookError as error:
            print(error, file=sys.stderr)
            faults += 1
            continue
        if new == old:
            continue
        if options.verb == "normalise" and options.check:
            print(f"{path} is not in normal form: run python tools/notebooks.py normalise {path}")
            faults += 1
        else:
            write(path, new)
            print(f"{path} written")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

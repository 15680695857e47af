"""A pytest plugin: each notebook is executed once, and everything that needs its kernel is looked at in that one run.

The stored cells are compared by nbval's own code, as strictly as `--nbval` does. Then, in the same kernel, each
exercise gets its planted wrong answer, which must be named, and its solution, which must pass. The kernel runs alone,
as a learner has it: in an empty folder, where only the installed package is found, and without a network.

`python3 -m xmatch_edu test` loads it. With `--all`, and in CI, plain strict nbval runs over all notebooks besides.
"""

import json
import os
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from nbformat import v4
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

from xmatch_edu.course.publish import chapters

OPTIONS = ("check", "check_exception", "skip")  # nbval's, of a cell

# Python imports this first in a kernel whose PYTHONPATH begins with its folder. It notes each attempt, so that
# code which survives the refusal is found out too.
NO_NETWORK = '''
import os, socket

def refuse(address):
    # A socket of this machine's own kind has a path for an address.
    host = str(address[0]) if isinstance(address, tuple) else "localhost"
    if host in ("", "localhost", "::1", "0.0.0.0", socket.gethostname()) or host.startswith("127."):
        return
    with open(os.environ["REFUSED_CONNECTIONS"], "a") as log:
        print(host, file=log)
    raise OSError(f"the course works without a network, and this reached for {host}")

def guarded(name):
    method = getattr(socket.socket, name)
    def call(self, address, *rest):
        refuse(address)
        return method(self, address, *rest)
    return call

def resolve(host, *rest, _resolve=socket.getaddrinfo, **options):
    refuse((host.decode() if isinstance(host, bytes) else host or "", None))
    return _resolve(host, *rest, **options)

for name in ("connect", "connect_ex"):
    setattr(socket.socket, name, guarded(name))
socket.getaddrinfo = resolve
'''


def planted():
    """One wrong answer an exercise. (Not at the top: pytest finds the tests' folder after its plugins.)"""
    from planted import WRONG

    return WRONG


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".ipynb":
        return Notebook.from_parent(parent, path=file_path)


def pytest_collection_modifyitems(items):
    """The long ones begin first, so that no process waits long for the other at the end."""
    items.sort(key=lambda item: item.path.suffix != ".ipynb")


class Notebook(IPyNbFile):
    """nbval's reading of a notebook, with a kernel that is alone, and with more items after the stored cells."""

    def setup(self):
        self.temporary = tempfile.TemporaryDirectory()
        folder = Path(self.temporary.name)
        (folder / "guard").mkdir()
        (folder / "alone").mkdir()
        (folder / "guard" / "sitecustomize.py").write_text(NO_NETWORK, "utf-8")
        self.refused, self.folder = folder / "refused", folder / "alone"
        paths = [str(folder / "guard"), *filter(None, [os.environ.get("PYTHONPATH")])]
        guard = {"PYTHONPATH": os.pathsep.join(paths), "REFUSED_CONNECTIONS": str(self.refused)}
        with mock.patch.dict(os.environ, guard):
            self.kernel = RunningKernel(CURRENT_ENV_KERNEL_NAME, cwd=str(self.folder))
        self.setup_sanitize_files()

    def collect(self):
        self.compare_outputs = True
        for item in super().collect():
            yield IPyNbCell.from_parent(self, name=f"alone: {item.name}", cell_num=item.cell_num, cell=item.cell,
                                        options=item.options)  # fmt: skip
        self.exercises = chapters.Chapter(self.path.name, self.nb).exercises
        for exercise in self.exercises:
            stub = self.nb.cells[exercise.cell].source
            wrong, named = planted()[exercise.name]
            answers = {
                "wrong": (stub.replace("    ...", f"    {wrong}", 1), f"This looks like: {named}."),
                "solved": (stub[: stub.index("def ")] + exercise.solution + stub[stub.index("    ...") + 7 :],
                           f"✓ {exercise.name}: Right."),
            }  # fmt: skip
            for kind, (source, told) in answers.items():
                item = Answer.from_parent(self, name=f"{exercise.name}, {kind}", cell_num=exercise.number,
                                          cell=v4.new_code_cell(source), options=dict.fromkeys(OPTIONS, False))
                item.told = told
                yield item
        yield Traces.from_parent(self, name="what it leaves")

    def teardown(self):
        super().teardown()
        self.temporary.cleanup()


class Answer(IPyNbCell):
    """A learner's answer to an exercise, run as a cell that was never counted; `told` stands in what the check says."""

    def runtest(self):
        super().runtest()
        said = self.test_outputs[-1]["data"]["text/plain"]
        if self.told not in said:
            self.raise_cell_error(f"The check should say: {self.told}", said)


class Traces(pytest.Item):
    """What a run leaves: no call to the outside, and in progress.json each exercise's wrong idea, then its pass."""

    def runtest(self):
        notebook = self.parent
        refused = notebook.refused.read_text("utf-8") if notebook.refused.exists() else ""
        assert not refused, f"it reached for {refused}"
        expected = {one.name: {"attempts": 2, "passed": True, "misconceptions": {planted()[one.name][1]: 1}}
                    for one in notebook.exercises}  # fmt: skip
        kept = notebook.folder / "progress.json"
        found = json.loads(kept.read_text("utf-8"))["exercises"] if kept.exists() else {}
        assert {name: {key: entry[key] for key in ("attempts", "passed", "misconceptions")}
                for name, entry in found.items()} == expected  # fmt: skip

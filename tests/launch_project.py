"""A course in miniature: real venvs and real pip, two requirements of a few lines and one extra, and no network."""

import inspect
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from xmatch_edu.course.launch.environment import ROOT

# The miniature builds itself, so that pip fetches no build tool. Where a file `slow` lies, the build waits for ever.
BACKEND = '''
import sys, time, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from wheels import wheel

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    pathlib.Path("building").touch()
    while pathlib.Path("slow").exists():
        time.sleep(0.1)
    return wheel(wheel_directory, "xmatch_edu", "0.1", {"xmatch_edu.pth": str(pathlib.Path.cwd())},
                 ["tiny>=1.0", "pytest>=9; extra == 'test'", "rival>=1.0; extra == 'peers'"]).name
'''
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["build"]
[project]
name = "xmatch_edu"
version = "0.1"
dependencies = ["tiny>=1.0"]
optional-dependencies.test = ["pytest>=9"]
optional-dependencies.peers = ["rival>=1.0"]
"""
PINS = "tiny==1.0\npytest==9.0\nrival==1.0\n"
# Stands in for pytest: says with what it was called, and ends as it is told to.
PYTEST = "import os, sys, tiny\nprint('pytest got', sys.argv[1:])\nsys.exit(int(os.environ.get('END_WITH', 0)))\n"
# Stands in for xmatch_edu.course.bench.
BENCH = "import os, sys\nprint('bench got', sys.argv[1:], 'in', os.getcwd())\n" + PYTEST.split("\n")[2] + "\n"


def wheel(folder, name, version, files, requires=()):
    """Write a wheel by hand; returns its path."""
    info = f"{name}-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: test\nProvides-Extra: peers\n"
    files = {**files, f"{info}/METADATA": head + "".join(f"Requires-Dist: {one}\n" for one in requires),
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = Path(folder) / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    return path


class Miniature:
    """The project in `root`, the package index in `root.parent / index`."""

    def __init__(self, folder):
        self.root, self.index = Path(folder, "course").resolve(), Path(folder, "index").resolve()
        self.venv = self.root / ".venv"
        (self.root / "build").mkdir(parents=True)
        self.index.mkdir()
        shutil.copytree(ROOT / "xmatch_edu" / "course" / "launch", self.root / "xmatch_edu" / "course" / "launch",
                        ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("__init__.py", "__main__.py", "_files.py", "course/__init__.py"):
            shutil.copy(ROOT / "xmatch_edu" / name, self.root / "xmatch_edu" / name)
        (self.root / "pyproject.toml").write_text(PYPROJECT)
        (self.root / "xmatch_edu" / "course" / "bench.py").write_text(BENCH)
        (self.root / "constraints.txt").write_text(PINS)
        (self.root / "build" / "backend.py").write_text(BACKEND)
        source = "import zipfile\nfrom pathlib import Path\n\n" + inspect.getsource(wheel)
        (self.root / "build" / "wheels.py").write_text(source)
        wheel(self.index, "tiny", "1.0", {"tiny.py": "VERSION = '1.0'\n"})
        wheel(self.index, "pytest", "9.0", {"pytest.py": PYTEST})
        wheel(self.index, "rival", "1.0", {"rival.py": ""})

    def start(self, *words, python=sys.executable, **variables):
        """`python -m xmatch_edu words…` as a process of its own, with pip kept to the index folder."""
        kept = {name: value for name, value in os.environ.items()
                if name != "CI" and not name.startswith(("PIP_", "PYTHON"))}
        ours = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index)}
        return subprocess.Popen([str(python), "-m", "xmatch_edu", *words], cwd=self.root, text=True,
                                env={**kept, **ours, **variables}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def call(self, *words, **more):
        """The same, to its end: (exit code, what it said)."""
        process = self.start(*words, **more)
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err

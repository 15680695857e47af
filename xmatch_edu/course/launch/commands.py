"""The commands: set up what each needs, then hand over to JupyterLab, to pytest, or to the room that does the work."""
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

from .environment import Stop, optional, prepare
from .working_copy import lay_down

PAGE = "/lab/tree/00_start_here.ipynb"
# Nothing may call out: no news, no look for updates, no catalogue of extensions. The folder holds a JupyterLab setting
# that has no option: not to ask whether news are wanted.
SETTINGS = Path(__file__).parent / "jupyter"
SILENT = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
          "--LabApp.extension_manager=readonly"]


def surroundings(python):
    """The variables of what we start. This Python's own scripts come first on the path; MPLBACKEND stays
    outside, because a kernel that finds it set shows no pictures."""
    variables = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    return {**variables, "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])}


def lab(root, browser, port, folder, extras=()):
    """Set up, lay down the learner's notebooks, and run JupyterLab on them until Ctrl-C."""
    python = prepare(root, extras)
    folder = Path(folder).expanduser().resolve() if folder else root / "work"
    if folder == root / "notebooks":
        raise Stop("notebooks/ is the course's own. Your copies need another folder: choose one with --dir.")
    for sentence in lay_down(root / "notebooks", folder):
        print(sentence)
    if port and taken(port):
        raise Stop(f"Port {port} is taken. Choose another with --port, or leave --port away.")
    port = port or next(candidate for candidate in range(8888, 65536) if not taken(candidate))
    command = [str(python), "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", f"--ServerApp.port={port}",
               "--ServerApp.port_retries=0", "--ServerApp.base_url=/", f"--LabApp.default_url={PAGE}",
               f"--ServerApp.open_browser={browser}", "--ServerApp.answer_yes=True",
               "--Application.log_level=WARN", *SILENT]
    if hasattr(os, "getuid") and os.getuid() == 0:
        command.append("--allow-root")  # in a container everyone is root, and Jupyter would refuse
    # The token travels in a variable, because others on the machine can read a command line.
    token = secrets.token_hex(16)
    settings = os.pathsep.join(filter(None, [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH")]))
    variables = {**surroundings(python), "JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": settings}
    server = subprocess.Popen(command, cwd=folder, env=variables)
    try:
        while server.poll() is None and not taken(port):
            time.sleep(0.1)
        if server.poll() is None:
            print(f"\nYour notebooks: {folder}\nJupyterLab:     http://localhost:{port}{PAGE}?token={token}\n"
                  "Stop it with Ctrl-C.", flush=True)
        if code := server.wait():
            raise Stop(f"JupyterLab ended with code {code}. To find the cause: python3 -m xmatch_edu doctor")
    except KeyboardInterrupt:
        print("\nStopping JupyterLab.", flush=True)
        # On Windows Ctrl-C has reached the server too, and terminate() would leave its kernels behind.
        if os.name != "nt":
            server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
    return 0


def taken(port):
    """True when somebody answers on this port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test(root, more):
    """Set up, then run the fast tier of the tests, or all with `--all` and in CI; or what `more` names.

    Each notebook is run once, by tools/one_run.py; in the slow tier plain strict nbval runs all of them besides. In CI
    with every extra, because a test that needs one may not be skipped there."""
    everything, in_ci = "--all" in more, bool(os.environ.get("CI"))
    more = [word for word in more if word != "--all"]
    python = prepare(root, extras=tuple(optional(root)) if in_ci else ())
    command = [str(python), "-m", "pytest", "-p", "tools.one_run", "--nbval-current-env", "--nbval-cell-timeout=120",
               "--nbval-sanitize-with", "tests/nbval_sanitize.cfg"]
    if everything or in_ci:
        command += ["--nbval", "--hypothesis-profile=all"]
    elif not any("::" in word for word in more):  # one test, by its name, is wanted whatever its tier
        command += ["-m", "not slow"]
    variables = surroundings(python)
    if not any((root / word.split("::")[0]).exists() for word in more if not word.startswith("-")):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        tier, minutes = ("Every test", 20) if everything or in_ci else ("The fast tier (--all: every test)", 6)
        print(f"{tier}, {cores} at a time: on two idle cores at most {minutes} minutes.", flush=True)
        # One thread each: processes that outnumber the cores wait for each other. A file's tests stay together.
        variables["OMP_NUM_THREADS"] = "1"
        command += ["-n", str(cores), "--dist=loadfile", "--no-loadscope-reorder", "tests", "notebooks"]
    return subprocess.call([*command, *more], cwd=root, env=variables)


def bench(root, more):
    """Set up, with the losses of others to compare with; then measure, in the folder where the command was given."""
    python = prepare(root, extras=("peers",))
    return subprocess.call([str(python), "-m", "xmatch_edu.course.bench", *more], env=surroundings(python))


def publish(root, what, folder):
    """Set up, then make `what` from the notebooks: the site, slides, the learner's or solved notebooks, the notes."""
    python = prepare(root, extras=("pages",) if what in ("site", "slides") else ())
    folder = Path(folder).expanduser().resolve() if folder else root / "build" / what
    call = [str(python), "-m", "xmatch_edu.course.publish", what, str(folder)]
    return subprocess.call(call, env=surroundings(python))


def class_map(root, more):
    """Set up, then read a class's progress files, in the folder where the command was given."""
    python = prepare(root)
    # -P: Python would import from that folder, and a class's folder is full of other people's files.
    return subprocess.call([str(python), "-P", "-m", "xmatch_edu.course.class_map", *more], env=surroundings(python))

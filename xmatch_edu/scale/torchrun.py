"""Starting processes from a notebook or a test, by torch's own `torchrun`, and hearing from each what it found.

Here lives `run`. What the processes do lives in `tasks`, or in a module of yours.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


def run(task, *, processes=2, limit=120, **arguments):
    """Run a task in several processes on this machine, one thread each -> [what each rank returned], from JSON.

    task: the name of a function of `tasks`, or "module:function" of any module that this Python finds, taking a `Place`
        and the arguments. arguments: what JSON can say. limit: seconds after which all processes are ended.
    Errors: RuntimeError with the last lines of the rank that failed first; TimeoutError after `limit`.
    They find what this Python finds. The port is a free one of this machine, so that jobs side by side do not meet.
    Tried on Linux; written for macOS too. (torch has gloo for Windows, but nobody has tried it there.)
    """
    with tempfile.TemporaryDirectory(prefix="xmatch_edu-") as folder:
        folder = Path(folder)
        (folder / "arguments.json").write_text(json.dumps(arguments), "utf-8")
        command = [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr=localhost",
            f"--nproc-per-node={processes}", "-m", "xmatch_edu.scale.tasks", task, str(folder),
        ]  # fmt: skip
        with (folder / "output").open("w", encoding="utf-8") as output:
            # A session of its own: an interrupted notebook ends it through `_wait`, and not half of it by itself.
            torchrun = subprocess.Popen(command, env=_environment(), stdin=subprocess.DEVNULL, stdout=output,
                                        stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
            code = _wait(torchrun, task, limit)
        if code != 0:
            raise RuntimeError(f"{task}: {_what_failed(folder)}")
        return [json.loads((folder / f"{rank}.json").read_text("utf-8")) for rank in range(processes)]


def _wait(torchrun, task, limit):
    """-> its exit code. It is never left behind: asked to end, it ends its processes and then itself."""
    try:
        return torchrun.wait(limit)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{task} was not done after {limit} s, and was ended") from None
    finally:
        torchrun.terminate()
        try:
            torchrun.wait(10)
        except subprocess.TimeoutExpired:
            torchrun.kill()
            torchrun.wait()


def _environment():
    loopback = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        "OMP_NUM_THREADS": "1",
        # Nothing leaves the machine, and no network has to know its name.
        **({"GLOO_SOCKET_IFNAME": loopback} if loopback else {}),
    }


def _what_failed(folder):
    output = (folder / "output").read_text("utf-8", errors="replace")
    # Once one rank is gone, torchrun ends the others by SIGTERM, or they fail for want of it. What came first counts.
    for rank, code in re.findall(r"rank +: (\d+) .*\n *exitcode +: (-\d+)", output):
        if int(code) != -signal.SIGTERM:
            return f"rank {rank} was killed ({signal.Signals(-int(code)).name}), and torchrun ended the others"
    failures = {file.stem: json.loads(file.read_text("utf-8")) for file in folder.glob("*.failed")}
    if failures:
        rank = min(failures, key=lambda rank: failures[rank]["time"])
        return f"rank {rank} failed first, and torchrun ended the others:\n{_last_lines(failures[rank]['traceback'])}"
    return _last_lines(output)


def _last_lines(text):
    return "\n".join(text.rstrip().splitlines()[-8:])

"""What the processes of chapter 11 do: each task takes a `Place` and plain arguments, and returns what JSON can say.

Started by `torchrun.run`, never by hand.
"""

import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import torch

from xmatch_edu.scale import processes, ring


def whose(place):
    """Whose texts does this process hold at each step of the ring? -> their ranks."""
    texts = torch.full((1,), place.rank)
    return [held.item() for _, (held,), _ in ring.around([texts], [])]


def lose(place, victim, seconds):
    """The victim is killed in the middle of its work; the others go on asking it."""
    for step in range(10 * seconds):
        if place.rank == victim and step == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        processes.gather(torch.ones(2, 3))
        time.sleep(0.1)


def main(task, folder):
    folder, rank = Path(folder), int(os.environ["RANK"])
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    torch.set_num_threads(1)
    module, _, name = task.rpartition(":")
    try:
        found = getattr(importlib.import_module(module or "xmatch_edu.scale.tasks"), name)
        with processes.joined() as place:
            result = found(place, **json.loads((folder / "arguments.json").read_text("utf-8")))
        (folder / f"{rank}.json").write_text(json.dumps(result), "utf-8")
    except BaseException:
        failure = {"time": time.time(), "rank": rank, "traceback": traceback.format_exc()}
        (folder / f"{rank}.failed").write_text(json.dumps(failure), "utf-8")
        raise


def _end_with(parent):
    """Where whoever started this process is gone, nobody wants its result."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])

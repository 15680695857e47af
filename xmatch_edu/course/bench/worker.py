"""One contender at one size, in a process of its own: what it holds, breaks or is killed for touches no other.

The first argument says what to measure, as JSON. Each line "go" on stdin is one call: loss forward and backward. Each
answer is one line of JSON: first whether it is ready, then the peak bytes of the first call, then seconds.
Whatever goes wrong becomes {"problem": words}.
"""

import contextlib
import importlib
import json
import os
import re
import sys
import time
from pathlib import Path

import torch

from xmatch_edu.course import measure
from xmatch_edu.course.bench.contenders import Contender
from xmatch_edu.course.bench.report import size

UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def main():
    # Packages print what they like. The answers keep the real stdout, and the rest goes to stderr.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**said):
        print(json.dumps(said), file=answers, flush=True)

    try:
        asked = json.loads(sys.argv[1])
        step = prepare(Contender(*asked["contender"]), asked["n"], asked["width"], asked["dtype"], asked["device"])
        answer(ready=True)
        for number, _ in enumerate(sys.stdin):
            if asked["device"] == "cpu":
                limit_memory()
            if number == 0:
                answer(peak_bytes=measure.process_bytes(step, gpu=asked["device"] == "cuda"))
            else:
                answer(**clock(step, asked["launch"]))
    except BaseException as error:  # a rival may raise anything, and the parent waits for an answer
        answer(problem=in_words(error))


def prepare(contender, n, width, dtype, device):
    """-> a call without arguments: from features to gradients; for the floor, the bare products."""
    call = contender.load()
    workload = importlib.import_module(contender.workload)
    inputs = workload.features(n, width, getattr(torch, dtype), device)
    if contender.direction is None:
        call(*inputs)  # makes the gradient that stands still, before anything is weighed
        return lambda: call(*inputs)
    if workload.differs(call, contender.direction, device):
        raise ArithmeticError("another value")
    wanted = [one for one in inputs if one.requires_grad]
    return lambda: torch.autograd.grad(call(*inputs), wanted) and None


def clock(step, launch):
    """Seconds of one call; with `launch` also by the wrong clock: until Python goes on, while the GPU still works."""
    measure.synchronize()
    start = time.perf_counter()
    step()
    measure.synchronize()
    times = {"seconds": time.perf_counter() - start}
    if launch:
        start = time.perf_counter()
        step()
        times["launch_seconds"] = time.perf_counter() - start
        measure.synchronize()
    return times


def limit_memory():
    """Linux: a call that wants more than what is free gets a memory error here, before the machine runs out of it.

    What is free is asked anew before each call. Should it run out all the same, the kernel ends this process first.
    """
    with contextlib.suppress(ImportError, OSError, ValueError, StopIteration):
        import resource

        def field(file, name):
            lines = Path(file).read_text().splitlines()
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

        Path("/proc/self/oom_score_adj").write_text("1000")
        margin = max(2**30, field("/proc/meminfo", "MemTotal") // 20)
        free = max(0, field("/proc/meminfo", "MemAvailable") - margin)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (field("/proc/self/status", "VmData") + free, hard))


def in_words(error):
    """What went wrong, as a few words for a table."""
    asked = re.search(r"[Tt]ried to allocate ([\d.]+) (bytes|[KMG]iB)", str(error))
    if asked:
        return f"no memory: asked for {size(float(asked[1]) * UNITS[asked[2]])}"
    if isinstance(error, MemoryError):
        return "no memory"
    if isinstance(error, ModuleNotFoundError):
        return f"not installed: {error.name}"
    if isinstance(error, ArithmeticError):
        return str(error)
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:80]}"


if __name__ == "__main__":
    main()

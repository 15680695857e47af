"""One contender at one size, in a process of its own: what it holds, breaks or is killed for touches no other.

The first argument says what to measure, as JSON. Each answer is one line of JSON: first whether it is ready, then the
peak bytes of the first call (loss forward and backward), then seconds; for each but the first a line "go" on stdin must
ask. Whatever goes wrong becomes {"problem": words}.
"""

import contextlib
import itertools
import json
import os
import pkgutil
import re
import sys
from pathlib import Path

import torch

from xmatch_edu.course import measure
from xmatch_edu.course.bench.report import size

UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def main():
    # Packages print what they like. The answers keep the real stdout, and the rest goes to stderr.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for answer in answers(json.loads(sys.argv[1])):
        print(json.dumps(answer), file=out, flush=True)
        if not sys.stdin.readline():
            break


def answers(asked):
    """What is measured, one after another, each when the caller wants it."""
    on_gpu = asked["device"] == "cuda"
    try:
        step = prepare(asked)
        yield {"ready": True}
        for call in itertools.count():
            if not on_gpu:
                limit_memory()
            if call == 0:
                yield {"peak_bytes": measure.process_bytes(step, gpu=on_gpu)}
            else:
                times = {"seconds": measure.once(step)}
                yield times | ({"launch_seconds": measure.once(step, wait=False)} if asked["launch"] else {})
    except (Exception, SystemExit) as error:  # a rival may raise anything, and the parent waits for an answer
        yield {"problem": in_words(error)}


def prepare(asked):
    """-> a call without arguments: from features to gradients; for the floor, the bare products."""
    workload, direction, device = pkgutil.resolve_name(asked["workload"]), asked["direction"], asked["device"]
    call = workload.make(asked["name"], direction)
    inputs = workload.features(asked["n"], asked["width"], getattr(torch, asked["dtype"]), device)
    if direction is None:
        call(*inputs)  # makes the gradient that stands still, before anything is weighed
        return lambda: call(*inputs)
    if workload.differs(call, direction, device):
        raise ArithmeticError("another value")
    wanted = [one for one in inputs if one.requires_grad]
    return lambda: torch.autograd.grad(call(*inputs), wanted) and None


def limit_memory():
    """Linux: a call that wants more than what is free gets a memory error here, before the machine runs out of it.

    What is free is asked anew before each call. Should it run out all the same, the kernel ends this process first.
    """
    with contextlib.suppress(ImportError, OSError, ValueError, StopIteration):
        import resource

        Path("/proc/self/oom_score_adj").write_text("1000")
        margin = max(2**30, measure.kernel_says("MemTotal", "/proc/meminfo") // 20)
        free = max(0, measure.kernel_says("MemAvailable", "/proc/meminfo") - margin)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (measure.kernel_says("VmData") + free, hard))


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

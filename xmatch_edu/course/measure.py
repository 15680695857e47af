"""What a call costs: seconds, and bytes at its peak.

Here live the clock and the scales. What is weighed lives elsewhere: chapters weigh their rungs, `bench` weighs losses
against their peers. Nothing here imports torch unless the caller has, so that NumPy alone can be measured.
"""

import contextlib
import ctypes
import statistics
import sys
import time
import tracemalloc


def synchronize():
    """Wait until the GPU has done what it was given: it works on while Python runs ahead. Without a GPU, nothing."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def once(call, *, wait=True):
    """One `call()` -> seconds at the clock, GPU work included.

    wait: False stops the clock when Python goes on, while the GPU still works, or has hardly begun: the wrong clock.
    """
    synchronize()
    start = time.perf_counter()
    call()
    if wait:
        synchronize()
    return time.perf_counter() - start


def seconds(call, *, repeats=7, at_most=0.5, wait=True):
    """Median time of `call()`, after one untimed call that warms caches -> seconds at the clock, as `once` gives them.

    repeats: calls to time. at_most: seconds after which no further one is begun; at least one is timed. wait: as in
    `once`.
    """
    call()
    times = []
    while not times or (len(times) < repeats and sum(times) < at_most):
        times.append(once(call, wait=wait))
    return statistics.median(times)


def array_bytes(call):
    """The most that NumPy (and Python) held at once for `call()`, beyond what was there before -> bytes, exact.

    Blind to torch, whose memory Python does not see. Slows pure Python loops several times: weigh and time apart.
    """
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def process_bytes(call, *, gpu=False):
    """The most that this process held at once for `call()`, beyond what it held before, torch included -> bytes.

    gpu: weigh the memory of the GPU, not of the computer. On Linux: of the process, to the page (4 kB). Elsewhere None:
    only Linux can set the high-water mark back.
    """
    if gpu:
        torch = sys.modules["torch"]
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        call()
        synchronize()
        return torch.cuda.max_memory_allocated() - before
    try:
        with open("/proc/self/clear_refs", "w") as marks:
            _give_back()  # or a call that fits into memory freed before would look like 0
            marks.write("5")  # sets VmHWM, the high-water mark, back to what is held now
        before = kernel_says("VmRSS")
        call()
        return max(0, kernel_says("VmHWM") - before)
    except OSError:
        call()
        return None


def _give_back():
    """Let the system have what this process has freed and keeps for later. Without the GNU C library, nothing."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def kernel_says(field, file="/proc/self/status"):
    """A figure of Linux's own -> bytes. field, file: VmRSS, what this process holds, or MemTotal of /proc/meminfo.

    Errors: OSError where there is no such file.
    """
    with open(file) as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

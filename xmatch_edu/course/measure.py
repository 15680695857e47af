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


def seconds(call, *, repeats=7, at_most=0.5):
    """Median time of `call()`, after one untimed call that warms caches -> seconds at the clock, GPU work included.

    repeats: calls to time. at_most: seconds after which no further one is begun; at least one is timed.
    """
    call()
    synchronize()
    times = []
    while not times or (len(times) < repeats and sum(times) < at_most):
        start = time.perf_counter()
        call()
        synchronize()
        times.append(time.perf_counter() - start)
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
        before = _status("VmRSS")
        call()
        return max(0, _status("VmHWM") - before)
    except OSError:
        call()
        return None


def _give_back():
    """Let the system have what this process has freed and keeps for later. Without the GNU C library, nothing."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

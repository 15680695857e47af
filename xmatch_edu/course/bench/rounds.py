"""The parent of the workers: all contenders at one size take turns, so that the noise of a machine hits all alike."""

import json
import statistics
import subprocess
import sys
import threading
import time

from xmatch_edu.course.bench.report import tell

START_LIMIT = 180  # seconds for a worker to import what it measures, all of them at once


class Worker:
    """A process that measures one contender at one size. Its first failure is kept, and it is asked no more."""

    def __init__(self, contender, asked):
        self.contender, self.problem, self.answers, self.spent = contender, None, [], 0.0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "xmatch_edu.course.bench.worker", json.dumps(asked)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip

    def ask(self, word, limit):
        """Send a word and keep the answer; wait for it `limit` seconds at most."""
        if self.problem:
            return
        start, line = time.perf_counter(), ""
        watch = threading.Timer(limit, self.process.kill)
        watch.start()
        try:
            self.process.stdin.write(word)
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:  # it has ended already
            pass
        finally:
            watch.cancel()
        took = time.perf_counter() - start
        if not line:
            code = self.process.wait()
            how = "killed, perhaps because memory ran out" if code == -9 else f"ended with code {code}"
            line = json.dumps({"problem": how if took < limit else f"took longer than {limit:g} s"})
        self.answers.append(json.loads(line))
        self.problem = self.answers[-1].get("problem")
        if word:  # the start is a wait for all of them, and no work of this one's
            self.spent += took

    def close(self):
        self.process.kill()
        self.process.communicate()


def measure(workload, n, plan, *, width, dtype="float32", device="cpu", launch=False):
    """One row for each contender at N = n: {"name", "direction", "n", "dtype", "seconds", …}.

    plan: its rounds, fewer for a contender that has had its share of the budget, but one at least. launch: also the
    time without waiting for the GPU.
    A row's seconds are the median; its ratios are the median of each round's own ratio. With a "problem" in words, what
    could not be measured is None.
    """
    what = {"workload": workload.place, "n": n, "width": width, "dtype": dtype, "device": device, "launch": launch}
    tell("starting", moving=True)
    workers = [Worker(one, {**what, "name": one.name, "direction": one.direction}) for one in workload.contenders]
    try:
        for worker in workers:
            worker.ask("", START_LIMIT)
        for turn in range(plan.rounds + 1):  # the first is the warm-up, whose memory is weighed
            for worker in workers:
                if turn <= 1 or worker.spent < plan.budget / len(workers):
                    tell(f"{worker.contender.name}, round {turn} of {plan.rounds}", moving=True)
                    worker.ask("go\n", plan.limit)
                    time.sleep(0.01)  # threads that spin for a moment after their work must not disturb the next one
    finally:
        for worker in workers:
            worker.close()
        tell("", moving=True)
    return rows(workers, n, dtype)


def rows(workers, n, dtype):
    times = {worker.contender[:2]: timed(worker, "seconds") for worker in workers}
    return [{
        "name": worker.contender.name, "direction": worker.contender.direction, "n": n, "dtype": dtype,
        "seconds": median(own), "launch_seconds": median(timed(worker, "launch_seconds")),
        "to_floor": median(ratios(own, times.get(("floor", None), []))),
        "to_ours": median(ratios(own, times.get(("ours", worker.contender.direction), []))),
        "peak_bytes": next(iter(timed(worker, "peak_bytes")), None),
        "rounds": len(own), "problem": worker.problem,
    } for worker, own in zip(workers, times.values(), strict=True)]


def timed(worker, what):
    """What the worker's rounds said, in their order: it takes part from the first one on, until it rests."""
    return [said[what] for said in worker.answers if what in said]


def ratios(own, others):
    """Round by round, as long as both took part."""
    return [one / other for one, other in zip(own, others, strict=False)]


def median(numbers):
    return statistics.median(numbers) if numbers else None

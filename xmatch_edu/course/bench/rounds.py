"""The parent of the workers: all contenders at one size take turns, so that the noise of a machine hits all alike."""

import json
import statistics
import subprocess
import sys
import threading
import time

START_LIMIT = 180  # seconds for a worker to import what it measures, all of them at once


class Worker:
    """A process that measures one contender at one size. Its first failure is kept, and it is asked no more."""

    def __init__(self, contender, **what):
        self.contender, self.problem, self.answers, self.spent = contender, None, [], 0.0
        asked = json.dumps({"contender": contender, **what})
        self.process = subprocess.Popen([sys.executable, "-m", "xmatch_edu.course.bench.worker", asked], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def ask(self, word, limit):
        """Send a word and wait for the answer, `limit` seconds at most. True where it measured something."""
        if self.problem:
            return False
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
        answer = json.loads(line) if line else {"problem": self.how_it_ended(took, limit)}
        self.problem = answer.get("problem")
        if word:  # the start is a wait for all of them, and no work of this one's
            self.spent += took
        self.answers.append(answer)
        return self.problem is None

    def how_it_ended(self, took, limit):
        code = self.process.wait()
        if took >= limit:
            return f"took longer than {limit:g} s"
        if code == -9:
            return "killed, perhaps because memory ran out"
        return f"ended with code {code}"

    def close(self):
        self.process.kill()
        self.process.communicate()


def measure(contenders, n, *, width, rounds, budget, limit, dtype="float32", device="cpu", launch=False, tell=None):
    """One row for each contender at N = n: {"name", "direction", "n", "dtype", "seconds", …}.

    rounds: repetitions of each contender, fewer for one that has had its share of `budget` seconds, but one at least.
    limit: seconds for one call. launch: also the time without waiting for the GPU. tell(share, words): is called before
    each step.
    A row's seconds are the median; its ratios are the median of each round's own ratio. With a "problem" in words, what
    could not be measured is None.
    """
    what = {"n": n, "width": width, "dtype": dtype, "device": device, "launch": launch}
    tell = tell or (lambda share, words: None)
    tell(0, "starting")
    workers = [Worker(contender, **what) for contender in contenders]
    try:
        for worker in workers:
            worker.ask("", START_LIMIT)
        for turn in range(rounds + 1):  # the first is the warm-up, whose memory is weighed
            for number, worker in enumerate(workers):
                if turn <= 1 or worker.spent < budget / len(workers):
                    words = f"{worker.contender.name}, round {turn} of {rounds}"
                    tell((turn + number / len(workers)) / (rounds + 1), words)
                    worker.ask("go\n", limit)
                    time.sleep(0.01)  # threads that spin for a moment after their work must not disturb the next one
    finally:
        for worker in workers:
            worker.close()
    return rows(workers, n, dtype)


def rows(workers, n, dtype):
    times = {worker.contender[:2]: timed(worker, "seconds") for worker in workers}
    return [{
        "name": worker.contender.name, "direction": worker.contender.direction, "n": n, "dtype": dtype,
        "seconds": median(own), "launch_seconds": median(timed(worker, "launch_seconds")),
        "to_floor": median(ratios(own, times.get(("floor", None), []))),
        "to_ours": median(ratios(own, times.get(("ours", worker.contender.direction), []))),
        "peak_bytes": next((said["peak_bytes"] for said in worker.answers if "peak_bytes" in said), None),
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

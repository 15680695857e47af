"""The clock and the scales, on calls whose cost is known."""

import time
import tracemalloc

import numpy as np
import pytest
import torch

from xmatch_edu.course import measure


def test_seconds_are_the_median_of_calls_that_are_warm():
    calls = []

    def slow_at_first():
        calls.append(None)
        time.sleep(0.2 if len(calls) == 1 else 0.01)

    assert 0.01 <= measure.seconds(slow_at_first, repeats=3) < 0.2
    assert len(calls) == 4


def test_the_median_is_not_the_mean(monkeypatch):
    ticks = iter([0, 1, 10, 12, 20, 29])
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(ticks))
    assert measure.seconds(lambda: None, repeats=3, at_most=99) == 2


def test_the_wrong_clock_stops_before_the_waiting(monkeypatch):
    waits = []
    monkeypatch.setattr(measure, "synchronize", lambda: waits.append(time.sleep(0.02 * len(waits))))
    assert measure.once(lambda: None) >= 0.02 and len(waits) == 2  # the first one is free, and before the clock starts
    assert measure.seconds(lambda: None, repeats=3, wait=False) < 0.02 and len(waits) == 5


def test_a_slow_call_is_timed_once():
    calls = []
    measure.seconds(lambda: calls.append(time.sleep(0.02)), repeats=50, at_most=0.01)
    assert len(calls) == 2


def test_array_bytes_are_those_at_the_peak_not_those_that_remain():
    held = measure.array_bytes(lambda: np.concatenate([np.ones(500_000)] * 2).sum())  # 4 MB and 8 MB at once
    assert 12_000_000 <= held < 12_100_000
    assert measure.array_bytes(lambda: None) < 1000
    tracemalloc.start()  # somebody is tracing already: what was held before is not counted
    before = np.ones(500_000)
    assert 800_000 <= measure.array_bytes(lambda: np.ones(100_000).sum()) < 900_000
    assert len(before) and not tracemalloc.is_tracing()


@pytest.mark.skipif(measure.process_bytes(lambda: None) is None, reason="only Linux can weigh a process's call")
def test_process_bytes_see_torch():
    held = measure.process_bytes(lambda: torch.ones(20_000_000).sum())
    assert 79_000_000 <= held < 120_000_000
    torch.ones(20_000_000).sum()  # what came before leaves no mark
    assert measure.process_bytes(lambda: None) < 10_000_000


@pytest.mark.skipif(measure.process_bytes(lambda: None) is None, reason="only Linux can weigh a process's call")
def test_process_bytes_see_a_call_that_fits_into_what_was_freed_before():
    for _ in range(3):
        torch.ones(7_000_000).sum()  # 28 MB: freed, and kept by the C library for the next
    assert 15_000_000 <= measure.process_bytes(lambda: torch.ones(4_000_000).sum()) < 30_000_000


def test_where_nothing_can_be_weighed_the_call_still_runs(monkeypatch):
    def refuse(*_):
        raise OSError

    calls = []
    monkeypatch.setattr("builtins.open", refuse)
    assert measure.process_bytes(lambda: calls.append(None)) is None and len(calls) == 1

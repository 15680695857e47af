"""Contenders that go wrong after the check in float64, for the workers of tests/test_bench.py."""

import os
import time
from dataclasses import replace
from pathlib import Path

import torch

from xmatch_edu.course.bench.workloads import MATCHING, Contender


def raise_memory_error(image):
    raise MemoryError


def nearly_the_whole_machine(image):
    """More than is free, and not so much that Linux refuses on its own. It is never touched, so nothing is harmed."""
    total = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    torch.empty(int(0.97 * total) * 1024, dtype=torch.uint8)
    raise AssertionError("it was given")


def chatter(image):
    print("packages print what they like")
    raise ValueError("odd\nand more lines")


def contender(name, what):
    right = MATCHING.make("ours", "both")
    return Contender(name, "both", lambda direction: lambda image, *more: (
        what(image) if image.dtype == torch.float32 else right(image, *more)))  # fmt: skip


BROKEN = replace(MATCHING, place="bench_faults:BROKEN", contenders=[
    contender("greedy", raise_memory_error),
    contender("killed", lambda image: os.kill(os.getpid(), 9)),
    contender("slow", lambda image: time.sleep(60)),
    contender("odd", chatter),
    Contender("wrong", "both", lambda direction: lambda image, text, scale: (image @ text.T).sum() * scale),
    MATCHING.contenders[1],
    contender("hungry", nearly_the_whole_machine),
])  # fmt: skip

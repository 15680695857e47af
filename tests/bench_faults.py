"""Contenders that go wrong, for tests/test_bench.py, beside those of each workload that the course measures."""

import os
import time
from dataclasses import replace
from pathlib import Path

import torch

from xmatch_edu.course.bench import workloads
from xmatch_edu.course.bench.workloads import Contender


def with_faults(name, *faults):
    """A workload, and what is wrong with it: in place of each function one that wraps our own, or raises."""
    whole = getattr(workloads, name)
    contenders = [Contender(fault.__name__, "both", fault) for fault in faults]
    return replace(whole, place=f"bench_faults:{name}", contenders=whole.contenders + contenders)


def faulty(name, what):
    """In float32, after the check in float64."""
    def make(direction):
        right = workloads.ours(direction)
        return lambda image, *more: what(image) if image.dtype == torch.float32 else right(image, *more)

    make.__name__ = name
    return make


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


def wrong(direction):
    right = workloads.ours(direction)
    return lambda *inputs: right(*inputs) * (1 + 1e-6)


def wrong_gradient(direction):
    right = workloads.ours(direction)
    return lambda image, text, scale: right(image, text.detach() + 0 * text, scale)


def not_a_number(direction):
    right = workloads.ours(direction)
    return lambda *inputs: right(*inputs) * float("nan")


def float32_whatever_comes(direction):
    right = workloads.ours(direction)
    return lambda *inputs: right(*(one.float() for one in inputs))


def float32_and_wrong(direction):
    right = float32_whatever_comes(direction)
    return lambda *inputs: right(*inputs) * 1.02


def without_lengths(direction):
    return lambda regions, words, lengths: workloads.per_caption_loop(
        regions, words, torch.full_like(lengths, words.shape[1]))


def no_gradient_of_regions(direction):
    return lambda regions, words, lengths: workloads.per_caption_loop(regions.detach() + 0 * regions, words, lengths)


def with_the_diagonal(direction):
    return lambda image, text: workloads.broadcast(image, text) + 2 * workloads.MARGIN * len(image)


def no_gradient_of_texts(direction):
    return lambda image, text: workloads.broadcast(image, text.detach() + 0 * text)


def longer_images(direction):
    return lambda image, text: workloads.broadcast(image, text) + (image.norm(dim=1) - 1).sum()


def absent(direction):
    import no_such_package

    return no_such_package.loss


MATCHING = with_faults(
    "MATCHING", wrong, wrong_gradient, not_a_number, float32_whatever_comes, absent,
    faulty("greedy", raise_memory_error), faulty("hungry", nearly_the_whole_machine),
    faulty("killed", lambda image: os.kill(os.getpid(), 9)), faulty("slow", lambda image: time.sleep(60)),
    faulty("odd", chatter))  # fmt: skip
TILES = with_faults("TILES", wrong, wrong_gradient, float32_and_wrong, float32_whatever_comes, absent)
TILES_ON_A_GPU = with_faults("TILES_ON_A_GPU", absent)
RANKING = with_faults("RANKING", with_the_diagonal, no_gradient_of_texts, longer_images)
DAMSM = with_faults("DAMSM", without_lengths, no_gradient_of_regions)

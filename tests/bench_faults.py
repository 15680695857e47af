"""Contenders that go wrong, for tests/test_bench.py: in float32, after the check in float64, or so that it sees it."""

import os
import time
from pathlib import Path

import torch

from xmatch_edu.course.bench import damsm, ranking
from xmatch_edu.course.bench.contenders import ours


def faulty(what):
    def load(direction):
        right = ours(direction)
        return lambda image, *more: what(image) if image.dtype == torch.float32 else right(image, *more)

    return load


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


greedy = faulty(raise_memory_error)
hungry = faulty(nearly_the_whole_machine)
killed = faulty(lambda image: os.kill(os.getpid(), 9))
slow = faulty(lambda image: time.sleep(60))
odd = faulty(chatter)


def wrong(direction):
    right = ours(direction)
    return lambda *inputs: right(*inputs) * (1 + 1e-6)


def wrong_gradient(direction):
    right = ours(direction)
    return lambda image, text, scale: right(image, text.detach() + 0 * text, scale)


def not_a_number(direction):
    right = ours(direction)
    return lambda *inputs: right(*inputs) * float("nan")


def float32_whatever_comes(direction):
    right = ours(direction)
    return lambda *inputs: right(*(one.float() for one in inputs))


def float32_and_wrong(direction):
    right = float32_whatever_comes(direction)
    return lambda *inputs: right(*inputs) * 1.02


def damsm_without_lengths(direction):
    loop = damsm.per_caption_loop(direction)
    return lambda regions, words, lengths: loop(regions, words, torch.full_like(lengths, words.shape[1]))


def damsm_wrong_gradient(direction):
    loop = damsm.per_caption_loop(direction)
    return lambda regions, words, lengths: loop(regions.detach() + 0 * regions, words, lengths)


def ranking_with_the_diagonal(direction):
    lines = ranking.broadcast(direction)
    return lambda image, text: lines(image, text) + 2 * ranking.MARGIN * len(image)


def ranking_wrong_gradient(direction):
    lines = ranking.broadcast(direction)
    return lambda image, text: lines(image, text.detach() + 0 * text)


def absent(direction):
    import no_such_package

    return no_such_package.loss

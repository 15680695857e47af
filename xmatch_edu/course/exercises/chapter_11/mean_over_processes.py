"""The mean over processes of unequal size."""

import functools

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas

mean_over_processes = Exercise(
    name="mean_over_processes",
    takes=("losses", "counts"),
    gives=(Part("the mean over all pairs"),),
    right=lambda losses, counts: sum(a * b for a, b in zip(losses, counts, strict=True)) / sum(counts),
    cases={
        "1 process": (np.array([2.5]), np.array([4])),
        "2 processes of 1 and 3 pairs": (np.array([4.0, 1.0]), np.array([1, 3])),
        "3 processes, as many pairs each": (np.array([0.5, 2.0, 3.2]), np.array([5, 5, 5])),
        "3 processes, the last with a short rest": (np.array([1.2, 0.9, 3.5]), np.array([8, 8, 3])),
        "5 processes": (np.array([0.3, 2.1, 1.4, 5.0, 0.7]), np.array([7, 2, 9, 1, 30])),
    },
    error=1e-8,
    misconceptions=(
        Misconception(
            "the plain mean of the losses",
            "You gave every process the same weight. A pair of a small process then counts more than one of a large "
            "process: weigh each mean by how many pairs stand behind it.",
            lambda losses, counts: losses.mean(),
        ),
        Misconception(
            "the weights are not divided out",
            "You multiplied by the counts and did not divide by their sum. That is the sum over all pairs, or a "
            "multiple of it: all weights together must make 1.",
            lambda losses, counts: (losses * counts).sum(),
            lambda losses, counts: (losses * counts).mean(),
            lambda losses, counts: (losses * counts).sum() / counts.max(),
            lambda losses, counts: (losses * counts).mean() / counts.max(),
        ),
        Misconception(
            "the sum of the losses",
            "You added the losses of the processes. They are means already: their mean, weighed by the counts, is that "
            "of all pairs.",
            lambda losses, counts: losses.sum(),
        ),
        Misconception(
            "the counts only below the line",
            "You divided by the counts and never multiplied by them. Each loss is a mean already: multiply it by its "
            "count first, and it is a sum over pairs again.",
            lambda losses, counts: losses.sum() / counts.sum(),
            lambda losses, counts: (losses / counts).sum(),
            lambda losses, counts: (losses / counts).mean(),
        ),
        Misconception(
            "the smallest process weighs most",
            "Your weights are 1 / count. A mean over few pairs says less about all of them: the weight is the count "
            "itself.",
            lambda losses, counts: np.average(losses, weights=1 / counts),
        ),
        Misconception(
            "divided by W once more",
            "You weighed the losses rightly and divided by the number of processes besides, or multiplied by it. The "
            "weights add up to 1 already.",
            lambda losses, counts: np.average(losses, weights=counts) / len(losses),
            lambda losses, counts: np.average(losses, weights=counts) * len(losses),
        ),
        Misconception(
            "one process speaks for all",
            "You gave back the loss of a single process: the first, the last, or the largest one. The others' pairs "
            "are pairs of the batch too.",
            lambda losses, counts: losses[0],
            lambda losses, counts: losses[-1],
            lambda losses, counts: losses[counts.argmax()],
        ),
        Misconception(
            "two at a time",
            "You took the mean of the first two, then of that and the third, and so on. The last process then weighs "
            "as much as all before it, and the counts say nothing.",
            lambda losses, counts: functools.reduce(lambda so_far, loss: (so_far + loss) / 2, losses),
        ),
        Misconception(
            "the middle, the smallest or the largest loss",
            "You picked one of the losses by its size. The mean over all pairs lies between the smallest and the "
            "largest, and nearest to those with the most pairs.",
            lambda losses, counts: np.median(losses),
            lambda losses, counts: losses.min(),
            lambda losses, counts: losses.max(),
        ),
        Misconception(
            "weights bent",
            "You weighed by something that grows with the count, its root, its square, its logarithm, or a softmax. "
            "A process of twice as many pairs stands for exactly twice as much.",
            lambda losses, counts: np.average(losses, weights=np.sqrt(counts)),
            lambda losses, counts: np.average(losses, weights=counts**2),
            lambda losses, counts: np.average(losses, weights=np.log1p(counts)),
            lambda losses, counts: np.average(losses, weights=ideas.softmax(counts)),
        ),
        Misconception(
            "whole numbers only",
            "You divided counts by their sum with //, and weights below 1 became 0. Use /, which keeps the fraction.",
            lambda losses, counts: (losses * (counts // counts.sum())).sum(),
            lambda losses, counts: (losses * counts).sum() // counts.sum(),
        ),
        Misconception(
            "the counts themselves averaged",
            "You gave a mean of the counts, or one weight for each process. Asked is one number, the mean of the "
            "prices of all pairs.",
            lambda losses, counts: counts.mean(),
            lambda losses, counts: counts / counts.sum(),
            lambda losses, counts: losses * counts / counts.sum(),
        ),
    ),
)  # fmt: skip

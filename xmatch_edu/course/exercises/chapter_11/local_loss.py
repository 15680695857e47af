"""The local loss of one process."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_11 import shared

_random = np.random.default_rng(11)


def _prices(logits, at, left_out=np.zeros_like):
    """The price of each row; the cells in left_out(where the matches are) are missing below the line."""
    match = at[:, None] == np.arange(logits.shape[1])
    return np.logaddexp.reduce(np.where(left_out(match), -np.inf, logits), axis=1) - logits[match]


def _both(image_blocks, text_blocks, rank, scale, labels=shared.labels, prices=_prices):
    """(the prices of the own images, those of the own texts), each (n,)."""
    at = labels(rank, len(image_blocks[rank]))
    sides = (image_blocks[rank], np.concatenate(text_blocks)), (text_blocks[rank], np.concatenate(image_blocks))
    return tuple(prices(scale * (own @ all_of.T), at) for own, all_of in sides)


def _mean(prices):
    return sum(map(np.mean, prices)) / 2


def _local_loss(*a):
    return _mean(_both(*a, prices=lambda x, at: loops.matching_loss(x, at, direction="image_to_text")))


def _own_only(image_blocks, text_blocks, rank, scale):
    return _both([image_blocks[rank]], [text_blocks[rank]], 0, scale)


def _whole(image_blocks, text_blocks, rank, scale):
    return _both([np.concatenate(image_blocks)], [np.concatenate(text_blocks)], 0, scale)


def _unit(blocks):
    return [block / np.linalg.norm(block, axis=1, keepdims=True) for block in blocks]


def _blocks(world_size, n, width=3, size=1.0):
    return [size * _random.normal(size=(n, width)) for _ in range(world_size)]


local_loss = Exercise(
    name="local_loss",
    takes=("image_blocks", "text_blocks", "rank", "scale"),
    gives=(Part("the loss of this process"),),
    right=_local_loss,
    cases={
        "1 process, one pair": (_blocks(1, 1), _blocks(1, 1), 0, 2.0),
        "2 processes, one pair each, rank 1": (_blocks(2, 1), _blocks(2, 1), 1, 1.0),
        "1 process, 3 pairs": (_blocks(1, 3), _blocks(1, 3), 0, 1.5),
        "2 processes, 2 pairs each, rank 0": (_blocks(2, 2), _blocks(2, 2), 0, 1.0),
        "3 processes, 2 pairs each, rank 1": (_blocks(3, 2), _blocks(3, 2), 1, 3.0),
        "4 processes, 3 pairs each, rank 2": (_blocks(4, 3, 5), _blocks(4, 3, 5), 2, 0.7),
        "3 processes, 3 pairs each, rank 2, logits of thousands": (_blocks(3, 3, 4, 8), _blocks(3, 3, 4, 8), 2, 50.0),
    },
    error=1e-8,
    misconceptions=(
        Misconception(
            "labels without the offset of the rank",
            "Your images find their match in columns 0 to n − 1. Those are the texts of process 0: the own texts begin "
            "at column rank · n of what was gathered.",
            lambda *a: _mean(_both(*a, labels=lambda rank, n: np.arange(n))),
        ),
        Misconception(
            "labels moved by the rank, not by rank · n",
            "You moved the labels by one for each process before this one. Each of those has brought n texts: the own "
            "ones begin at column rank · n.",
            lambda *a: _mean(_both(*a, labels=lambda rank, n: np.arange(n) + rank)),
        ),
        Misconception(
            "nothing gathered",
            "You compared the own images with the own texts only. That is the loss of a small batch: the texts of the "
            "other processes are the rivals that the gather was for.",
            lambda *a: _mean(_own_only(*a)),
        ),
        Misconception(
            "one direction stays at home",
            "One of your two directions has all rivals, and the other only those of its own block. It happens when one "
            "matrix, own images against all texts, is read both ways: the own texts need a matrix of their own, "
            "against all images.",
            lambda *a: _mean((_both(*a)[0], _own_only(*a)[1])),
            lambda *a: _mean((_own_only(*a)[0], _both(*a)[1])),
        ),
        Misconception(
            "the loss of the whole batch",
            "You worked out all rows, those of the other processes too. Each process pays for its own n pairs here: "
            "the mean over the processes is the whole loss, and nobody does the work of the others.",
            lambda *a: _mean(_whole(*a)),
            lambda *a: _mean((_both(*a)[0], _whole(*a)[1])),
            lambda *a: _mean((_whole(*a)[0], _both(*a)[1])),
        ),
        Misconception(
            "always process 0",
            "You gave the loss of process 0 to everybody, or of the last process. Each works out its own: the blocks "
            "and the labels are those of `rank`.",
            lambda images, texts, rank, scale: _mean(_both(images, texts, 0, scale)),
            lambda images, texts, rank, scale: _mean(_both(images, texts, len(images) - 1, scale)),
        ),
        Misconception(
            "one direction only",
            "You asked only which text belongs to each own image, or only which image belongs to each own text. Both "
            "are asked for: own images times all texts, and then own texts times all images.",
            lambda *a: _both(*a)[0].mean(),
            lambda *a: _both(*a)[1].mean(),
            lambda *a: _both(*a)[0].mean() / 2,
            lambda *a: _both(*a)[1].mean() / 2,
        ),
        Misconception(
            *ideas.ADDED,
            lambda *a: 2 * _mean(_both(*a)),
        ),
        Misconception(
            "the sum in place of the mean",
            "You added up the own pairs. Here their mean is asked for: divide by n, the pairs of this process.",
            lambda *a: sum(side.sum() for side in _both(*a)) / 2,
            lambda *a: sum(side.sum() for side in _both(*a)),
        ),
        Misconception(
            "a mean over all pairs of all processes",
            "You added up the n own pairs and divided by all W · n. The mean over the processes comes later and "
            "divides by W: yours would be divided by it twice.",
            lambda *a: _mean(_both(*a)) / len(a[0]),
        ),
        Misconception(
            "multiplied by the number of processes",
            "You multiplied by W, perhaps to make up for a mean over the processes. That mean is wanted: the mean of "
            "the W local losses is the loss of the whole batch.",
            lambda *a: _mean(_both(*a)) * len(a[0]),
        ),
        Misconception(
            "a mean over cells",
            "You took the mean over all cells of the matrix, own images by all texts. Only one cell a row is a match: "
            "divide by the number of rows.",
            lambda *a: _mean(_both(*a)) / (len(a[0]) * len(a[0][0])),
        ),
        Misconception(
            "the scale has no effect",
            "Your answer is that of scale 1, or of a scale put on after the loss was done. It multiplies the scores, "
            "before exp.",
            lambda images, texts, rank, scale: _mean(_both(images, texts, rank, 1.0)),
            lambda images, texts, rank, scale: scale * _mean(_both(images, texts, rank, 1.0)),
        ),
        Misconception(
            "the scale twice, or the wrong way",
            "You multiplied by the scale twice, or only in one direction, or divided by it. Both directions read "
            "scale · S, and each score is multiplied once.",
            lambda images, texts, rank, scale: _mean(_both(images, texts, rank, scale**2)),
            lambda images, texts, rank, scale: _mean(_both(images, texts, rank, 1 / scale)),
            lambda images, texts, rank, scale: _mean((
                _both(images, texts, rank, scale)[0], _both(images, texts, rank, 1.0)[1])),
            lambda images, texts, rank, scale: _mean((
                _both(images, texts, rank, 1.0)[0], _both(images, texts, rank, scale)[1])),
        ),
        Misconception(
            "the own block twice",
            "You put the own block beside the gathered ones, and a gather brings it too. Each image then meets its own "
            "text twice below the line, so that its probability can never reach 1.",
            lambda images, texts, rank, scale: _mean(
                _both([*images, images[rank]], [*texts, texts[rank]], rank, scale)),
        ),
        Misconception(
            "the other own pairs are no rivals",
            "Below the line you left out the rest of the own block. Every text but the match is a rival, those of this "
            "process as much as those of the others.",
            lambda *a: _mean(_both(*a, prices=lambda x, at: _prices(x, at, lambda match: match.any(0) & ~match))),
        ),
        Misconception(
            *ideas.OWN_LEFT_OUT,
            lambda *a: _mean(_both(*a, prices=lambda x, at: _prices(x, at, lambda match: match))),
        ),
        Misconception(
            "the features made one long",
            "You divided the features by their lengths. They come as they are here, and a score is their dot product.",
            lambda images, texts, rank, scale: _mean(_both(_unit(images), _unit(texts), rank, scale)),
        ),
        Misconception(
            "exp overflows",
            "For logits in the hundreds exp is infinite, or 0, and its logarithm is no number any more. Subtract each "
            "row's largest logit first, or use np.logaddexp.reduce.",
            lambda *a: _mean(_both(
                *a, prices=lambda x, at: -np.log(np.exp(x)[np.arange(len(at)), at] / np.exp(x).sum(1)))),
        ),
        Misconception(
            *ideas.MISSING_MINUS,
            lambda *a: -_mean(_both(*a)),
        ),
        Misconception(
            *ideas.OTHER_LOGARITHM,
            lambda *a: _mean(_both(*a)) / np.log(2),
            lambda *a: _mean(_both(*a)) / np.log(10),
        ),
        Misconception(
            *ideas.NO_SOFTMAX,
            lambda *a: _mean(_both(*a, prices=lambda logits, at: -logits[np.arange(len(at)), at])),
        ),
    ),
)  # fmt: skip

"""Chapter 11, many machines: the labels and the loss of one process, the way back through a gather, the ring, and a
mean over processes of unequal size."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import ideas
from xmatch_edu.check.answers import Part
from xmatch_edu.check.engine import Exercise, Misconception

TITLE = "11 Many machines"
NOTEBOOK = "11_many_machines.ipynb"

_random = np.random.default_rng(11)


def _labels(rank, n):
    return np.arange(n) + rank * n


def _labels_as_matrix(run, arguments, parts):
    """Own images down, the texts as far as the next process's across."""
    rank, n = arguments
    columns = np.arange((rank + 2) * n)
    return (parts[0][:, None] == columns).astype(float)


local_labels = Exercise(
    name="local_labels",
    takes=("rank", "n"),
    gives=(Part("the labels", "one per own image", "integer"),),
    right=_labels,
    cases={
        "process 0, one pair each": (0, 1),
        "process 0, 3 pairs each": (0, 3),
        "process 1, 2 pairs each": (1, 2),
        "process 1, 4 pairs each": (1, 4),
        "process 2, one pair each": (2, 1),
        "process 3, 5 pairs each": (3, 5),
        "process 7, 3 pairs each": (7, 3),
    },
    picture=(_labels_as_matrix, ("labels", "own images", "all texts"), "The labels as a matrix"),
    misconceptions=(
        Misconception(
            "the labels of one machine",
            "Your labels are 0 to n − 1 for every process. Only for process 0 are those its own texts: for all others "
            "they are the texts of process 0, because the gathered texts stand in the order of the ranks.",
            lambda rank, n: np.arange(n),
        ),
        Misconception(
            "moved by the rank, not by rank · n",
            "You moved the labels by one column for each process before yours. Each of those brings n texts, and so "
            "moves yours by n columns.",
            lambda rank, n: np.arange(n) + rank,
        ),
        Misconception(
            "always moved by one block",
            "You moved the labels by n, whatever the rank. That is right for process 1 alone: process 0 is not moved, "
            "process 2 by two blocks.",
            lambda rank, n: np.arange(n) + n,
        ),
        Misconception(
            "one block too far or too near",
            "You counted the processes from 1, or the blocks after yours. Ranks begin at 0, and there are exactly "
            "`rank` blocks before that of process `rank`.",
            lambda rank, n: np.arange(n) + (rank + 1) * n,
            lambda rank, n: np.arange(n) + (rank - 1) * n,
        ),
        Misconception(
            "one label for all",
            "All of your images have the same label. That is where the block begins, or whose block it is: within it "
            "each image has a text of its own, one column further each time.",
            lambda rank, n: np.full(n, rank * n),
            lambda rank, n: np.full(n, rank),
            lambda rank, n: np.zeros(n, dtype=int),
        ),
        Misconception(
            "the wrong end of a range",
            "np.arange(start, end) stops before `end`, and you gave it how many you want, or another column. Begin at "
            "rank · n, and end n further on; or add rank · n to np.arange(n).",
            lambda rank, n: np.arange(rank * n, n),
            lambda rank, n: np.arange(rank * n, rank * (n + 1)),
            lambda rank, n: np.arange(rank * n, rank + n),
        ),
        Misconception(
            "dealt out in turn",
            "You took every n-th column, as if the pairs had been dealt like cards. The gathered texts stand block by "
            "block: all of process 0, then all of process 1.",
            lambda rank, n: np.arange(n) * n + rank,
            lambda rank, n: np.arange(n) * (rank + 1) + rank,
        ),
        Misconception(
            "multiplied, not moved",
            "You multiplied the labels by the rank. Then their distances grow: a block is moved by adding rank · n to "
            "all of them.",
            lambda rank, n: np.arange(n) * rank,
            lambda rank, n: np.arange(n) * (rank + 1),
            lambda rank, n: np.arange(n) * rank * n,
        ),
        Misconception(
            "counted from 1",
            "Your labels are one too high. Columns are counted from 0: the first text of process 0 stands in column 0.",
            lambda rank, n: np.arange(1, n + 1) + rank * n,
        ),
        Misconception(
            "the labels run backwards",
            "Your block is the right one, and within it you count down. The own texts stand in the same order as the "
            "own images.",
            lambda rank, n: np.arange(n)[::-1] + rank * n,
        ),
        Misconception(
            "the labels of the others too",
            "You gave labels for all the images up to your block. The matrix of a process has n rows, its own images: "
            "n labels.",
            lambda rank, n: np.arange((rank + 1) * n),
        ),
        Misconception(
            "a label too many or too few",
            "Your block begins in the right column and ends in the wrong one. The end of a range is left out already: "
            "rank · n to (rank + 1) · n gives n numbers.",
            lambda rank, n: np.arange(rank * n, (rank + 1) * n - 1),
            lambda rank, n: np.arange(rank * n, (rank + 1) * n + 1),
        ),
        Misconception(
            "fractions in place of whole numbers",
            "Your numbers are right and of the wrong kind. A label says which column, and indexing and cross_entropy "
            "want a whole number for that.",
            lambda rank, n: _labels(rank, n).astype(float),
        ),
    ),
)  # fmt: skip


def _log_sum_exp(x, axis):
    return np.logaddexp.reduce(x, axis=axis)


def _both(image_blocks, text_blocks, rank, scale, labels=_labels, prices=None):
    """(the prices of the own images, those of the own texts), each (n,)."""
    at = labels(rank, len(image_blocks[rank]))
    sides = (image_blocks[rank], np.concatenate(text_blocks)), (text_blocks[rank], np.concatenate(image_blocks))
    return tuple((prices or _prices)(scale * own @ all_of.T, at) for own, all_of in sides)


def _prices(logits, at):
    return _log_sum_exp(logits, 1) - logits[np.arange(len(at)), at]


def _mean(prices):
    return sum(side.mean() for side in prices) / 2


def _local_loss(image_blocks, text_blocks, rank, scale):
    n = len(image_blocks[rank])
    sides = (image_blocks[rank], np.concatenate(text_blocks)), (text_blocks[rank], np.concatenate(image_blocks))
    return sum(loops.matching_loss(own @ all_of.T, _labels(rank, n), scale=scale, direction="image_to_text")
               for own, all_of in sides) / 2  # fmt: skip


def _right_prices(image_blocks, text_blocks, rank, scale):
    return _both(image_blocks, text_blocks, rank, scale)


def _own_only(image_blocks, text_blocks, rank, scale):
    return _both([image_blocks[rank]], [text_blocks[rank]], 0, scale)


def _whole(image_blocks, text_blocks, rank, scale):
    return _both([np.concatenate(image_blocks)], [np.concatenate(text_blocks)], 0, scale)


def _own_twice(image_blocks, text_blocks, rank, scale):
    return _both([*image_blocks, image_blocks[rank]], [*text_blocks, text_blocks[rank]], rank, scale)


def _unit(blocks):
    return [block / np.linalg.norm(block, axis=1, keepdims=True) for block in blocks]


def _overflowing(logits, at):
    return -np.log(np.exp(logits)[np.arange(len(at)), at] / np.exp(logits).sum(1))


def _without_the_match(logits, at):
    others = logits.copy()
    others[np.arange(len(at)), at] = -np.inf
    return _log_sum_exp(others, 1) - logits[np.arange(len(at)), at]


def _without_own_rivals(logits, at):
    """The other pairs of the own block are left out of the sum."""
    others = logits.copy()
    others[:, at] = -np.inf
    rows = np.arange(len(at))
    others[rows, at] = logits[rows, at]
    return _log_sum_exp(others, 1) - logits[rows, at]


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
            lambda *a: _mean((_right_prices(*a)[0], _own_only(*a)[1])),
            lambda *a: _mean((_own_only(*a)[0], _right_prices(*a)[1])),
        ),
        Misconception(
            "the loss of the whole batch",
            "You worked out all rows, those of the other processes too. Each process pays for its own n pairs here: "
            "the mean over the processes is the whole loss, and nobody does the work of the others.",
            lambda *a: _mean(_whole(*a)),
            lambda *a: _mean((_right_prices(*a)[0], _whole(*a)[1])),
            lambda *a: _mean((_whole(*a)[0], _right_prices(*a)[1])),
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
            lambda *a: _right_prices(*a)[0].mean(),
            lambda *a: _right_prices(*a)[1].mean(),
            lambda *a: _right_prices(*a)[0].mean() / 2,
            lambda *a: _right_prices(*a)[1].mean() / 2,
        ),
        Misconception(
            *ideas.ADDED,
            lambda *a: 2 * _mean(_right_prices(*a)),
        ),
        Misconception(
            "the sum in place of the mean",
            "You added up the own pairs. Here their mean is asked for: divide by n, the pairs of this process.",
            lambda *a: sum(side.sum() for side in _right_prices(*a)) / 2,
            lambda *a: sum(side.sum() for side in _right_prices(*a)),
        ),
        Misconception(
            "a mean over all pairs of all processes",
            "You added up the n own pairs and divided by all W · n. The mean over the processes comes later and "
            "divides by W: yours would be divided by it twice.",
            lambda *a: _mean(_right_prices(*a)) / len(a[0]),
        ),
        Misconception(
            "multiplied by the number of processes",
            "You multiplied by W, perhaps to make up for a mean over the processes. That mean is wanted: the mean of "
            "the W local losses is the loss of the whole batch.",
            lambda *a: _mean(_right_prices(*a)) * len(a[0]),
        ),
        Misconception(
            "a mean over cells",
            "You took the mean over all cells of the matrix, own images by all texts. Only one cell a row is a match: "
            "divide by the number of rows.",
            lambda *a: _mean(_right_prices(*a)) / (len(a[0]) * len(a[0][0])),
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
            lambda *a: _mean(_own_twice(*a)),
        ),
        Misconception(
            "the other own pairs are no rivals",
            "Below the line you left out the rest of the own block. Every text but the match is a rival, those of this "
            "process as much as those of the others.",
            lambda *a: _mean(_both(*a, prices=_without_own_rivals)),
        ),
        Misconception(
            *ideas.OWN_LEFT_OUT,
            lambda *a: _mean(_both(*a, prices=_without_the_match)),
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
            lambda *a: _mean(_both(*a, prices=_overflowing)),
        ),
        Misconception(
            *ideas.MISSING_MINUS,
            lambda *a: -_mean(_right_prices(*a)),
        ),
        Misconception(
            *ideas.OTHER_LOGARITHM,
            lambda *a: _mean(_right_prices(*a)) / np.log(2),
            lambda *a: _mean(_right_prices(*a)) / np.log(10),
        ),
        Misconception(
            *ideas.NO_SOFTMAX,
            lambda *a: _mean(_both(*a, prices=lambda logits, at: -logits[np.arange(len(at)), at])),
        ),
    ),
)  # fmt: skip


def _added(parts):
    return parts.sum(axis=0)


def _own_parts(parts):
    """parts[r][r], (W, n, D)."""
    return parts[np.arange(len(parts)), np.arange(len(parts))]


def _parts(world_size, n, width):
    return _random.normal(size=(world_size, world_size, n, width)) + 0.5


backward_of_gather = Exercise(
    name="backward_of_gather",
    takes=("parts",),
    gives=(Part("the gradients of the own blocks", "process, pair of its block, feature"),),
    right=lambda parts: np.array([sum(parts[p][r] for p in range(len(parts))) for r in range(len(parts))]),
    cases={
        "1 process, one pair": (_parts(1, 1, 2),),
        "2 processes, one pair each": (_parts(2, 1, 3),),
        "2 processes, 3 pairs each": (_parts(2, 3, 2),),
        "3 processes, 2 pairs each": (_parts(3, 2, 4),),
        "3 processes, as many pairs and features": (_parts(3, 3, 3),),
        "4 processes, 2 pairs each": (_parts(4, 2, 2),),
    },
    error=1e-8,
    picture=(lambda run, arguments, parts: parts[0].reshape(-1, parts[0].shape[-1]),
             ("gradient", "pairs, process after process", "features"), "The gradients of the own blocks"),
    misconceptions=(
        Misconception(
            "parts read the other way",
            "You added up what the loss of process r wants of all blocks. Asked is what the losses of all processes "
            "want of block r: parts[p][r] over p, the first axis.",
            lambda parts: parts.sum(axis=1),
        ),
        Misconception(
            "the own part only",
            "You kept parts[r][r], what a process's own loss wants of its own block. That is a gather without a "
            "gradient: what the losses of the others want of it is lost.",
            _own_parts,
        ),
        Misconception(
            "the mean over processes in place of the sum",
            "You divided by the number of processes. A block was copied to all of them, and the gradients of copies "
            "add up; the mean that DDP takes comes later, and over the weights' gradients.",
            lambda parts: parts.mean(axis=0),
            lambda parts: _added(parts) / len(parts) ** 2,
        ),
        Misconception(
            "the others' parts only",
            "You left out parts[r][r]. A process's own loss uses its own block as well, so its part belongs to the "
            "sum.",
            lambda parts: _added(parts) - _own_parts(parts),
            lambda parts: np.array([sum(parts[p][r] for p in range(len(parts)) if p != r) for r in range(len(parts))]),
        ),
        Misconception(
            "one process alone",
            "You gave back what a single process's loss wants of the blocks, the first one's or the last one's. All of "
            "the losses used the gathered copies: add their parts up.",
            lambda parts: parts[0],
            lambda parts: parts[-1],
            lambda parts: parts[:, 0],
            lambda parts: parts[:, -1],
        ),
        Misconception(
            "one sum for all blocks",
            "You added over both processes and blocks, so that every block gets the same. Block r gets only what is "
            "meant for it: parts[p][r].",
            lambda parts: np.broadcast_to(parts.sum(axis=(0, 1)), parts.shape[1:]).copy(),
        ),
        Misconception(
            "the own part times W",
            "You multiplied the own part by the number of processes. That has the right size, and not the right "
            "direction: the other processes want something else of the block than its own.",
            lambda parts: len(parts) * _own_parts(parts),
        ),
        Misconception(
            "the own part counted twice",
            "You added the own part to a sum that holds it already. Each process gives its part once, the own one too.",
            lambda parts: _added(parts) + _own_parts(parts),
        ),
        Misconception(
            "nothing added up",
            "You gave back as many gradients for each block as there are processes. A block has one gradient: the sum "
            "of what all losses want of it.",
            lambda parts: parts,
            lambda parts: parts.swapaxes(0, 1),
        ),
        Misconception(
            "all blocks in one",
            "Your numbers are those of the whole batch, one block under the other; or you added over the pairs. Asked "
            "is one block for each process, each with its n pairs.",
            lambda parts: _added(parts).reshape(-1, parts.shape[-1]),
            lambda parts: parts.sum(axis=(0, 1)),
            lambda parts: parts.sum(axis=2),
            lambda parts: parts.sum(axis=(0, 2)),
        ),
        Misconception(
            "passed on to a neighbour",
            "The sums are right, and each stands with the neighbour of the process that it belongs to. Block r came "
            "from process r, and its gradient goes back there.",
            lambda parts: np.roll(_added(parts), 1, axis=0),
            lambda parts: np.roll(_added(parts), -1, axis=0),
            lambda parts: _added(parts)[::-1],
        ),
        Misconception(
            "the minus of a step",
            "Right in size, wrong in sign. A gradient points uphill; the minus comes with the step.",
            lambda parts: -_added(parts),
        ),
    ),
)  # fmt: skip


def _ring(rank, world_size):
    return [(rank - step) % world_size for step in range(world_size)]


ring_blocks = Exercise(
    name="ring_blocks",
    takes=("rank", "world_size"),
    gives=(Part("whose texts at each step", "one per step", "integer"),),
    right=_ring,
    cases={
        "1 process": (0, 1),
        "2 processes, rank 0": (0, 2),
        "2 processes, rank 1": (1, 2),
        "3 processes, rank 0": (0, 3),
        "3 processes, rank 1": (1, 3),
        "4 processes, rank 3": (3, 4),
        "5 processes, rank 2": (2, 5),
        "7 processes, rank 4": (4, 7),
    },
    misconceptions=(
        Misconception(
            "the ring in the other direction",
            "You counted upwards. What a process gets comes from the one before it, because each passes on to the next:"
            " after one step process 2 holds the texts of process 1.",
            lambda rank, world_size: [(rank + step) % world_size for step in range(world_size)],
        ),
        Misconception(
            "the own block last",
            "You began with what comes from the neighbour. At the first step nothing has been passed on yet, and each "
            "process holds its own texts; after W steps they would be back.",
            lambda rank, world_size: [(rank - 1 - step) % world_size for step in range(world_size)],
            lambda rank, world_size: [(rank + 1 + step) % world_size for step in range(world_size)],
        ),
        Misconception(
            "everybody holds block 0 first",
            "You gave every process the same list. At each step the W processes hold W different blocks, no two the "
            "same: the list begins with the own rank.",
            lambda rank, world_size: list(range(world_size)),
            lambda rank, world_size: [-step % world_size for step in range(world_size)],
            lambda rank, world_size: list(range(world_size))[::-1],
        ),
        Misconception(
            "the ring is not closed",
            "Your numbers leave the ring, below 0 or beyond W − 1. The last process passes on to process 0: "
            "% world_size leads round.",
            lambda rank, world_size: [rank - step for step in range(world_size)],
            lambda rank, world_size: [rank + step for step in range(world_size)],
        ),
        Misconception(
            "the own block for ever",
            "Your process holds its own texts at every step. They are passed on, and at the next step those of the "
            "process before it have come.",
            lambda rank, world_size: [rank] * world_size,
        ),
        Misconception(
            "to whom, not whose",
            "You named the neighbour, at every step. That is whom a process sends to or gets from; what it gets has "
            "come further each time, from a process one more step away.",
            lambda rank, world_size: [(rank + 1) % world_size] * world_size,
            lambda rank, world_size: [(rank - 1) % world_size] * world_size,
            lambda rank, world_size: [rank] + [(rank - 1) % world_size] * (world_size - 1),
            lambda rank, world_size: [rank] + [(rank + 1) % world_size] * (world_size - 1),
        ),
        Misconception(
            "there and back",
            "You let two neighbours exchange their blocks again and again. In a ring what has come is passed on to the "
            "next, and never back.",
            lambda rank, world_size: [(rank - step % 2) % world_size for step in range(world_size)],
            lambda rank, world_size: [(rank + step % 2) % world_size for step in range(world_size)],
        ),
        Misconception(
            "the own block, then the rest in order",
            "You put the own block first and then the others by their number. They come in the order of the ring: the "
            "process before this one, the one before that, and so on.",
            lambda rank, world_size: [rank] + [r for r in range(world_size) if r != rank],
            lambda rank, world_size: [rank] + [r for r in reversed(range(world_size)) if r != rank],
        ),
        Misconception(
            "a step too many or too few",
            "Your list has the right order and the wrong length. W blocks are seen in W steps, the own one among them: "
            "W − 1 times something is passed on.",
            lambda rank, world_size: _ring(rank, world_size)[1:],
            lambda rank, world_size: _ring(rank, world_size)[:-1],
            lambda rank, world_size: [*_ring(rank, world_size), rank],
        ),
        Misconception(
            "two places a step",
            "You moved by two places at each step: what a process holds and what its neighbour holds both moved, and "
            "you counted both. Between two steps a block moves one place.",
            lambda rank, world_size: [(rank - 2 * step) % world_size for step in range(world_size)],
            lambda rank, world_size: [(rank + 2 * step) % world_size for step in range(world_size)],
        ),
        Misconception(
            "the step less the rank",
            "You exchanged the rank and the step. The block has come `step` places round to `rank`, so its owner is "
            "`step` places before: rank − step.",
            lambda rank, world_size: [(step - rank) % world_size for step in range(world_size)],
        ),
    ),
)  # fmt: skip


def _weighted(losses, weights):
    return (losses * weights).sum() / weights.sum()


def _pairwise(losses):
    """A mean of means, one process after the other."""
    so_far = losses[0]
    for loss in losses[1:]:
        so_far = (so_far + loss) / 2
    return so_far


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
            lambda losses, counts: _weighted(losses, 1 / counts),
        ),
        Misconception(
            "divided by W once more",
            "You weighed the losses rightly and divided by the number of processes besides, or multiplied by it. The "
            "weights add up to 1 already.",
            lambda losses, counts: _weighted(losses, counts) / len(losses),
            lambda losses, counts: _weighted(losses, counts) * len(losses),
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
            lambda losses, counts: _pairwise(losses),
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
            lambda losses, counts: _weighted(losses, np.sqrt(counts)),
            lambda losses, counts: _weighted(losses, counts**2),
            lambda losses, counts: _weighted(losses, np.log1p(counts)),
            lambda losses, counts: _weighted(losses, ideas.softmax(counts)),
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

EXERCISES = (local_labels, local_loss, backward_of_gather, ring_blocks, mean_over_processes)

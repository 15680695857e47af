"""The way back through a gather."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part

_random = np.random.default_rng(11)


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
            lambda parts: parts.sum(axis=0) / len(parts) ** 2,
        ),
        Misconception(
            "the others' parts only",
            "You left out parts[r][r]. A process's own loss uses its own block as well, so its part belongs to the "
            "sum.",
            lambda parts: parts.sum(axis=0) - _own_parts(parts),
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
            lambda parts: parts.sum(axis=0) + _own_parts(parts),
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
            lambda parts: parts.sum(axis=0).reshape(-1, parts.shape[-1]),
            lambda parts: parts.sum(axis=(0, 1)),
            lambda parts: parts.sum(axis=2),
            lambda parts: parts.sum(axis=(0, 2)),
        ),
        Misconception(
            "passed on to a neighbour",
            "The sums are right, and each stands with the neighbour of the process that it belongs to. Block r came "
            "from process r, and its gradient goes back there.",
            lambda parts: np.roll(parts.sum(axis=0), 1, axis=0),
            lambda parts: np.roll(parts.sum(axis=0), -1, axis=0),
            lambda parts: parts.sum(axis=0)[::-1],
        ),
        Misconception(
            "the minus of a step",
            "Right in size, wrong in sign. A gradient points uphill; the minus comes with the step.",
            lambda parts: -parts.sum(axis=0),
        ),
    ),
)  # fmt: skip

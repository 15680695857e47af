"""Whose texts a process of the ring holds at each step."""

from xmatch_edu.check.engine import Exercise, Misconception, Part


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

"""Wrong answers to the exercises of chapter 11 that look like a known mistake: what each is called, or None."""

import numpy as np

# ---- local_loss


def log_sum_exp(x, axis=1):
    return np.logaddexp.reduce(x, axis=axis)


def price(logits, at):
    return (log_sum_exp(logits) - logits[np.arange(len(at)), at]).mean()


def both(images, texts, rank, scale, at=None, one=price):
    n = len(images[rank])
    at = np.arange(n) + rank * n if at is None else at
    return (one(scale * images[rank] @ np.concatenate(texts).T, at)
            + one(scale * texts[rank] @ np.concatenate(images).T, at)) / 2


def one_matrix_both_ways(images, texts, rank, scale):
    """Own images by all texts, read along both axes."""
    S = scale * images[rank] @ np.concatenate(texts).T
    n = len(S)
    at = np.arange(n) + rank * n
    match = S[np.arange(n), at]
    return ((log_sum_exp(S, 1) - match).mean() + (log_sum_exp(S, 0)[at] - match).mean()) / 2


def softmax_over_all_columns(images, texts, rank, scale):
    """The columns of the same matrix, all of them: those of other processes have no match here."""
    S = scale * images[rank] @ np.concatenate(texts).T
    n = len(S)
    at = np.arange(n) + rank * n
    return (price(S, at) + log_sum_exp(S, 0).mean() - S[np.arange(n), at].mean()) / 2


def own_against_own_and_all(images, texts, rank, scale):
    n = len(images[rank])
    own = scale * images[rank] @ texts[rank].T
    return (both(images, texts, rank, scale) + (price(own, np.arange(n)) + price(own.T, np.arange(n))) / 2) / 2


def whole(images, texts, rank, scale):
    S = scale * np.concatenate(images) @ np.concatenate(texts).T
    at = np.arange(len(S))
    return (price(S, at) + price(S.T, at)) / 2


def mean_of_blocks(images, texts, rank, scale):
    """The own images against each process's texts, one small softmax a block: no block but the own has a match."""
    return np.mean([both([images[rank], images[r]], [texts[rank], texts[r]], 0, scale) for r in range(len(images))])


def next_process(images, texts, rank, scale):
    return both(images, texts, (rank + 1) % len(images), scale)


def rank_forgotten_in_one(images, texts, rank, scale):
    n = len(images[rank])
    own = np.arange(n) + rank * n
    return (price(scale * images[rank] @ np.concatenate(texts).T, own)
            + price(scale * texts[rank] @ np.concatenate(images).T, np.arange(n))) / 2


def others_only(images, texts, rank, scale):
    """The own match beside the blocks of the others."""
    n = len(images[rank])
    total = 0
    for own, blocks in ((images[rank], texts), (texts[rank], images)):
        match = scale * (own * blocks[rank]).sum(1, keepdims=True)
        rivals = [scale * own @ block.T for r, block in enumerate(blocks) if r != rank]
        total += price(np.concatenate([match, *rivals], axis=1), np.zeros(n, dtype=int)) / 2
    return total


# ---- ring_blocks


def passed_the_other_way(rank, world_size):
    held, seen = list(range(world_size)), []
    for _ in range(world_size):
        seen.append(held[rank])
        held = [*held[1:], held[0]]
    return seen


def passed_before_it_is_seen(rank, world_size):
    held, seen = list(range(world_size)), []
    for _ in range(world_size):
        held = [held[-1], *held[:-1]]
        seen.append(held[rank])
    return seen


def added(parts):
    return parts.sum(axis=0)


def diagonal(parts):
    return np.stack([parts[r][r] for r in range(len(parts))])


LOOKALIKES = {
    "local_labels": [
        (lambda rank, n: list(range(n)), "the labels of one machine"),
        (lambda rank, n: range(rank, rank + n), "moved by the rank, not by rank · n"),
        (lambda rank, n: np.arange(n, 2 * n), "always moved by one block"),
        (lambda rank, n: np.arange((rank + 1) * n, (rank + 2) * n), "one block too far or too near"),
        (lambda rank, n: [rank * n] * n, "one label for all"),
        (lambda rank, n: np.ones(n, dtype=int), None),
        (lambda rank, n: range(rank * n, n), "the wrong end of a range"),
        (lambda rank, n: list(range(rank * n, rank * n + rank)), "the wrong end of a range"),
        (lambda rank, n: np.arange(rank, n * n, n)[:n], None),
        (lambda rank, n: np.arange(n) * n + rank, "dealt out in turn"),
        (lambda rank, n: (np.arange(n) + 1) * rank, None),
        (lambda rank, n: (np.arange(n) + rank * n) % n, "the labels of one machine"),
        (lambda rank, n: np.arange(n) + n**rank, None),
        (lambda rank, n: np.arange(n) + rank**n, None),
        (lambda rank, n: np.arange(n) + rank * n / 1, "fractions in place of whole numbers"),
        (lambda rank, n: np.eye(n, (rank + 1) * n, rank * n), None),
        (lambda rank, n: (rank * n, (rank + 1) * n), None),
        (lambda rank, n: np.arange(n) - rank * n, None),
        (lambda rank, n: np.arange(n) + (rank > 0) * n, None),
        (lambda rank, n: np.arange(n) + rank * (n - 1), None),
        (lambda rank, n: np.arange(n) + rank * (n + 1), None),
    ],
    "local_loss": [
        (one_matrix_both_ways, "one direction stays at home"),
        (softmax_over_all_columns, None),
        (own_against_own_and_all, None),
        (whole, "the loss of the whole batch"),
        (mean_of_blocks, None),
        (next_process, None),
        (others_only, "the other own pairs are no rivals"),
        (rank_forgotten_in_one, None),
        (lambda q, t, rank, scale: both(q, t, rank, scale, at=np.arange(len(q[rank]))),
         "labels without the offset of the rank"),
        (lambda q, t, rank, scale: both(q, t, rank, scale, at=np.arange(len(q[rank])) + rank),
         "labels moved by the rank, not by rank · n"),
        (lambda q, t, rank, scale: both([q[rank]], [t[rank]], 0, scale), "nothing gathered"),
        (lambda q, t, rank, scale: both(q, t, rank, scale) * 2, "both directions added, not averaged"),
        (lambda q, t, rank, scale: both(q, t, rank, scale) * len(q[rank]), "the sum in place of the mean"),
        (lambda q, t, rank, scale: both(q, t, rank, scale) / len(q), "a mean over all pairs of all processes"),
        (lambda q, t, rank, scale: both(q, t, rank, scale) * len(q),
         "multiplied by the number of processes"),
        (lambda q, t, rank, scale: both(q, t, rank, scale) / len(q) ** 0.5, None),
        (lambda q, t, rank, scale: both(q[:rank + 1], t[:rank + 1], rank, scale), None),
        (lambda q, t, rank, scale: both(q[::-1], t[::-1], rank, scale), None),
        (lambda q, t, rank, scale: both(q, t, rank, 1.0), "the scale has no effect"),
        (lambda q, t, rank, scale: np.mean([both(q, t, r, scale) for r in range(len(q))]),
         "the loss of the whole batch"),
        (lambda q, t, rank, scale: both(q, q, rank, scale), None),
        (lambda q, t, rank, scale: both(q, t, rank, scale, at=np.zeros(len(q[rank]), dtype=int)), None),
    ],
    "backward_of_gather": [
        (lambda parts: np.array([sum(parts[r][p] for p in range(len(parts))) for r in range(len(parts))]),
         "parts read the other way"),
        (diagonal, "the own part only"),
        (lambda parts: diagonal(parts) * len(parts), "the own part times W"),
        (lambda parts: added(parts) / len(parts), "the mean over processes in place of the sum"),
        (lambda parts: diagonal(parts) / len(parts), None),
        (lambda parts: [sum(part[r] for p, part in enumerate(parts) if p != r) for r in range(len(parts))],
         "the others' parts only"),
        (lambda parts: parts.mean(axis=1), None),
        (lambda parts: np.stack([added(parts).sum(0)] * len(parts)), "one sum for all blocks"),
        (lambda parts: added(parts) - diagonal(parts), "the others' parts only"),
        (lambda parts: added(parts) - (1 - 1 / len(parts)) * diagonal(parts), None),
        (lambda parts: parts.max(axis=0), None),
        (lambda parts: np.concatenate(added(parts)), "all blocks in one"),
        (lambda parts: parts[0] + diagonal(parts), None),
        (lambda parts: np.cumsum(parts, axis=0)[-2:].sum(0), None),
        (lambda parts: added(parts) * len(parts), None),
    ],
    "ring_blocks": [
        (passed_the_other_way, "the ring in the other direction"),
        (passed_before_it_is_seen, "the own block last"),
        (lambda rank, world_size: list(range(world_size)), "everybody holds block 0 first"),
        (lambda rank, world_size: [rank - step for step in range(world_size)], "the ring is not closed"),
        (lambda rank, world_size: [abs(rank - step) for step in range(world_size)], None),
        (lambda rank, world_size: [(rank - step) % (world_size - 1 or 1) for step in range(world_size)], None),
        (lambda rank, world_size: [max(0, rank - step) for step in range(world_size)], None),
        (lambda rank, world_size: [rank, *range(rank), *range(rank + 1, world_size)],
         "the own block, then the rest in order"),
        (lambda rank, world_size: [rank ^ step for step in range(world_size)], None),
        (lambda rank, world_size: [rank], None),
        (lambda rank, world_size: [(rank - step) % world_size for step in range(1, world_size)],
         "a step too many or too few"),
        (lambda rank, world_size: [(rank - step) % world_size for step in range(1, world_size + 1)],
         "the own block last"),
        (lambda rank, world_size: [(rank - step) % world_size for step in range(world_size)][::-1],
         "the own block last"),
        (lambda rank, world_size: [(rank - step) / 1 % world_size for step in range(world_size)], None),
    ],
    "mean_over_processes": [
        (lambda losses, counts: np.mean(losses), "the plain mean of the losses"),
        (lambda losses, counts: losses @ counts, "the weights are not divided out"),
        (lambda losses, counts: losses @ counts / len(losses), "the weights are not divided out"),
        (lambda losses, counts: sum(losses) / sum(counts), "the counts only below the line"),
        (lambda losses, counts: np.average(losses, weights=1 / counts), "the smallest process weighs most"),
        (lambda losses, counts: np.average(losses, weights=counts) / len(losses), "divided by W once more"),
        (lambda losses, counts: np.average(losses, weights=counts - 0.5), None),
        (lambda losses, counts: np.average(losses, weights=np.cumsum(counts)), None),
        (lambda losses, counts: np.average(losses, weights=counts**0.5), "weights bent"),
        (lambda losses, counts: np.exp(np.average(np.log(losses), weights=counts)), None),
        (lambda losses, counts: np.average(losses, weights=counts[::-1]), None),
        (lambda losses, counts: np.average(losses, weights=counts.max() - counts + 1), None),
        (lambda losses, counts: np.repeat(losses, counts).sum(), "the weights are not divided out"),
        (lambda losses, counts: np.median(np.repeat(losses, counts)), None),
        (lambda losses, counts: losses * counts / counts.sum(), "the counts themselves averaged"),
        (lambda losses, counts: (losses * counts).sum() / counts.mean(), "divided by W once more"),
    ],
}  # fmt: skip

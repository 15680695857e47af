"""Right answers to the exercises of chapter 11, each by another formula: none may be refused."""

import functools
import math
from collections import deque
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu import losses as package

# ---- local_labels


def labels_plain(rank, n):
    return np.arange(n) + rank * n


def labels_ends(rank, n):
    return np.arange(rank * n, (rank + 1) * n)


def labels_range(rank, n):
    return range(rank * n, rank * n + n)


def labels_list(rank, n):
    return [rank * n + i for i in range(n)]


def labels_grid(rank, n):
    """Number all texts, and cut out the block."""
    return np.arange((rank + 1) * n).reshape(rank + 1, n)[-1]


def labels_diagonal(rank, n):
    return np.eye((rank + 1) * n)[-n:].argmax(1)


def labels_linspace(rank, n):
    return np.linspace(rank * n, (rank + 1) * n, n, endpoint=False).round().astype(int)


def labels_torch(rank, n):
    return torch.arange(n) + n * rank


# ---- local_loss


def log_sum_exp(x, axis):
    return np.logaddexp.reduce(x, axis=axis)


def local_plain(image_blocks, text_blocks, rank, scale):
    images, texts = np.concatenate(image_blocks), np.concatenate(text_blocks)
    n = len(image_blocks[rank])
    own = np.arange(n) + rank * n
    S, T = scale * image_blocks[rank] @ texts.T, scale * text_blocks[rank] @ images.T
    rows = log_sum_exp(S, 1) - S[np.arange(n), own]
    columns = log_sum_exp(T, 1) - T[np.arange(n), own]
    return (rows.mean() + columns.mean()) / 2


def local_cut_from_the_whole(image_blocks, text_blocks, rank, scale):
    S = scale * np.concatenate(image_blocks) @ np.concatenate(text_blocks).T
    n = len(image_blocks[rank])
    own = slice(rank * n, (rank + 1) * n)
    prices = log_sum_exp(S, 1) + log_sum_exp(S, 0) - 2 * np.diag(S)
    return prices[own].mean() / 2


def local_log_softmax(image_blocks, text_blocks, rank, scale):
    def one_way(own, others):
        logits = scale * own @ np.vstack(others).T
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return -np.diag(logits[:, rank * len(own):]).mean()

    return 0.5 * one_way(image_blocks[rank], text_blocks) + 0.5 * one_way(text_blocks[rank], image_blocks)


def local_own_first(image_blocks, text_blocks, rank, scale):
    """In another order, with the labels of that order."""
    total = 0.0
    for own, blocks in ((image_blocks[rank], text_blocks), (text_blocks[rank], image_blocks)):
        others = np.concatenate(blocks[rank:] + blocks[:rank])
        logits = scale * (own @ others.T)
        total += np.mean(log_sum_exp(logits, 1) - logits.diagonal())
    return total / 2


def local_ring(image_blocks, text_blocks, rank, scale):
    """Block after block, with a running log-sum-exp."""
    world_size, total = len(image_blocks), 0
    for own, blocks in ((image_blocks[rank], text_blocks), (text_blocks[rank], image_blocks)):
        log = -np.inf
        for step in range(world_size):
            log = np.logaddexp(log, log_sum_exp(scale * own @ blocks[(rank - step) % world_size].T, 1))
        total += (log - scale * (own * blocks[rank]).sum(1)).mean() / 2
    return total


def local_loops(image_blocks, text_blocks, rank, scale):
    total, n = 0.0, len(image_blocks[rank])
    for blocks, others in ((image_blocks, text_blocks), (text_blocks, image_blocks)):
        for i, own in enumerate(blocks[rank]):
            logits = [scale * float(own @ other) for block in others for other in block]
            high = max(logits)
            total += high + math.log(math.fsum(math.exp(x - high) for x in logits)) - logits[rank * n + i]
    return total / (2 * n)


def local_torch(image_blocks, text_blocks, rank, scale):
    images, texts = (torch.from_numpy(np.stack(blocks)) for blocks in (image_blocks, text_blocks))
    n = images.shape[1]
    labels = torch.arange(n) + rank * n
    return (F.cross_entropy(scale * images[rank] @ texts.flatten(0, 1).T, labels)
            + F.cross_entropy(scale * texts[rank] @ images.flatten(0, 1).T, labels)) / 2


def local_package(image_blocks, text_blocks, rank, scale):
    images, texts = (torch.from_numpy(np.concatenate(blocks)) for blocks in (image_blocks, text_blocks))
    n = len(image_blocks[rank])
    own = slice(rank * n, rank * n + n)
    directions = ("image_to_text", "text_to_image")
    return np.mean([package.matching_loss(images @ texts.T, scale=scale, direction=direction, reduction="none")[own]
                    .mean().item() for direction in directions])


# ---- backward_of_gather


def backward_plain(parts):
    return parts.sum(axis=0)


def backward_list(parts):
    return [sum(part[r] for part in parts) for r in range(len(parts))]


def backward_einsum(parts):
    return np.einsum("prnd->rnd", parts)


def backward_turned(parts):
    return parts.transpose(1, 0, 2, 3).sum(1)


def backward_product(parts):
    return np.tensordot(np.ones(len(parts)), parts, 1)


def backward_mean(parts):
    return parts.mean(0) * len(parts)


def backward_functools(parts):
    return functools.reduce(np.add, parts)


def backward_autograd(parts):
    """Each process weighs its copies by its parts."""
    blocks = torch.zeros(parts.shape[1:], dtype=torch.float64, requires_grad=True)
    for part in torch.from_numpy(parts):
        (blocks * part).sum().backward()
    return blocks.grad


# ---- ring_blocks


def ring_plain(rank, world_size):
    return [(rank - step) % world_size for step in range(world_size)]


def ring_walked(rank, world_size):
    """Every process passes on what it holds, and this one writes down what it sees."""
    held, seen = list(range(world_size)), []
    for _ in range(world_size):
        seen.append(held[rank])
        held = [held[-1], *held[:-1]]
    return seen


def ring_deque(rank, world_size):
    held, seen = deque(range(world_size)), []
    for _ in range(world_size):
        seen.append(held[rank])
        held.rotate(1)
    return seen


def ring_two_ranges(rank, world_size):
    return [*range(rank, -1, -1), *range(world_size - 1, rank, -1)]


def ring_numpy(rank, world_size):
    return (rank - np.arange(world_size)) % world_size


def ring_rolled(rank, world_size):
    return np.roll(np.arange(world_size)[::-1], rank + 1)


def ring_previous(rank, world_size):
    seen = [rank]
    while len(seen) < world_size:
        seen.append(seen[-1] - 1 if seen[-1] > 0 else world_size - 1)
    return tuple(seen)


def ring_messages(rank, world_size):
    """Each sends to the next; what comes is looked up by its sender."""
    held, seen = {r: r for r in range(world_size)}, []
    for _ in range(world_size):
        seen.append(held[rank])
        held = {(sender + 1) % world_size: block for sender, block in held.items()}
    return seen


# ---- mean_over_processes


def mean_plain(losses, counts):
    return (losses * counts).sum() / counts.sum()


def mean_average(losses, counts):
    return np.average(losses, weights=counts)


def mean_dot(losses, counts):
    return losses @ (counts / counts.sum())


def mean_repeated(losses, counts):
    """As if each pair had the mean of its process."""
    return np.repeat(losses, counts).mean()


def mean_of_products(losses, counts):
    return np.mean(losses * counts) / np.mean(counts)


def mean_fractions(losses, counts):
    pairs = zip(losses.tolist(), counts.tolist(), strict=True)
    return float(sum(Fraction(loss) * count for loss, count in pairs) / sum(counts.tolist()))


def mean_ddp(losses, counts):
    """Each process multiplies its loss by its share and by W, and the mean over processes does the rest."""
    return np.mean([loss * count * len(losses) / counts.sum() for loss, count in zip(losses, counts, strict=True)])


def mean_torch(losses, counts):
    losses, counts = torch.from_numpy(losses), torch.from_numpy(counts)
    return (losses * counts).sum() / counts.sum()


RIGHT = {
    "local_labels": [labels_plain, labels_ends, labels_range, labels_list, labels_grid, labels_diagonal,
                     labels_linspace, labels_torch],
    "local_loss": [local_plain, local_cut_from_the_whole, local_log_softmax, local_own_first, local_ring, local_loops,
                   local_torch, local_package],
    "backward_of_gather": [backward_plain, backward_list, backward_einsum, backward_turned,
                           backward_product, backward_mean, backward_functools, backward_autograd],
    "ring_blocks": [ring_plain, ring_walked, ring_deque, ring_two_ranges, ring_numpy, ring_rolled, ring_previous,
                    ring_messages],
    "mean_over_processes": [mean_plain, mean_average, mean_dot, mean_repeated, mean_of_products,
                            mean_fractions, mean_ddp, mean_torch],
}  # fmt: skip

"""Right answers to the exercises of chapter 09, each by another formula: none may be refused."""

import math
from collections import Counter
from itertools import combinations, permutations

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu import labels as package_labels
from xmatch_edu import losses

# ---- false_negatives


def negatives_plain(concepts):
    return int((concepts[:, None] == concepts[None, :]).sum()) - len(concepts)


def negatives_loops(concepts):
    count = 0
    for i in range(len(concepts)):
        for j in range(len(concepts)):
            if i != j and concepts[i] == concepts[j]:
                count += 1
    return count


def negatives_counter(concepts):
    return sum(n * (n - 1) for n in Counter(concepts.tolist()).values())


def negatives_permutations(concepts):
    return sum(a == b for a, b in permutations(concepts.tolist(), 2))


def negatives_combinations(concepts):
    return 2 * sum(a == b for a, b in combinations(concepts.tolist(), 2))


def negatives_unique(concepts):
    n = np.unique(concepts, return_counts=True)[1]
    return (n**2).sum() - n.sum()


def negatives_package(concepts):
    return int(package_labels.same_class_mask(torch.from_numpy(concepts)).sum())


def negatives_triangle(concepts):
    return 2 * np.count_nonzero(np.triu(np.equal.outer(concepts, concepts), k=1))


# ---- loss_floor


def floor_plain(concepts):
    return np.log((concepts[:, None] == concepts[None, :]).sum(axis=1)).mean()


def floor_loop(concepts):
    listed = concepts.tolist()
    return sum(math.log(listed.count(one)) for one in listed) / len(listed)


def floor_counter(concepts):
    return sum(n * math.log(n) for n in Counter(concepts.tolist()).values()) / len(concepts)


def floor_unique(concepts):
    _, number, counts = np.unique(concepts, return_inverse=True, return_counts=True)
    return np.mean(np.log(counts[number]))


def floor_probability(concepts):
    P = (concepts[:, None] == concepts[None, :]).astype(float)
    P /= P.sum(axis=1, keepdims=True)
    return -np.log(np.diag(P)).mean()


def floor_softmax(concepts):
    """The loss of a model that is as sure as can be: 0 for a twin, −1000 for a stranger."""
    S = np.where(concepts[:, None] == concepts[None, :], 0.0, -1000.0)
    return F.cross_entropy(torch.from_numpy(S), torch.arange(len(S)))


def floor_product(concepts):
    sizes = [int((concepts == one).sum()) for one in concepts]
    return math.log(math.prod(sizes)) / len(sizes)


# ---- false_negative_mask


def mask_plain(image_concepts, text_concepts, labels):
    mask = image_concepts[:, None] == text_concepts[None, :]
    mask[np.arange(len(mask)), labels] = False
    return mask


def mask_loops(image_concepts, text_concepts, labels):
    return [[bool(a == b and labels[i] != j) for j, b in enumerate(text_concepts)]
            for i, a in enumerate(image_concepts)]  # fmt: skip


def mask_outer(image_concepts, text_concepts, labels):
    return np.equal.outer(image_concepts, text_concepts) & (np.arange(len(text_concepts)) != labels[:, None])


def mask_one_hot(image_concepts, text_concepts, labels):
    matches = np.eye(len(text_concepts), dtype=bool)[labels]
    return (image_concepts.reshape(-1, 1) == text_concepts) > matches


def mask_minus(image_concepts, text_concepts, labels):
    same = (image_concepts[:, None] == text_concepts).astype(int)
    same[range(len(same)), labels] -= 1
    return same == 1


def mask_package(image_concepts, text_concepts, labels):
    return package_labels.same_class_mask(*map(torch.from_numpy, (image_concepts, text_concepts, labels)))


def mask_xor(image_concepts, text_concepts, labels):
    matches = labels[:, None] == np.arange(len(text_concepts))
    return np.logical_xor(image_concepts[:, None] == text_concepts[None, :], matches)


# ---- soft_targets


def soft_plain(concepts, share):
    same = concepts[:, None] == concepts[None, :]
    return (1 - share) * np.eye(len(concepts)) + share * same / same.sum(axis=1, keepdims=True)


def soft_columns(concepts, share):
    """The shares of a row are those of a column: twins have equally many twins."""
    same = (concepts[:, None] == concepts[None, :]) * 1.0
    return share * same / same.sum(axis=0) + (1 - share) * np.identity(len(concepts))


def soft_loops(concepts, share):
    n = len(concepts)
    Y = np.zeros((n, n))
    for i in range(n):
        size = (concepts == concepts[i]).sum()
        for j in range(n):
            if concepts[j] == concepts[i]:
                Y[i, j] += share / size
        Y[i, i] += 1 - share
    return Y


def soft_where(concepts, share):
    size = np.array([concepts.tolist().count(one) for one in concepts])[:, None]
    part = share / size
    return np.where(np.eye(len(concepts)) > 0, 1 - share + part,
                    np.where(concepts[:, None] == concepts, part, 0))  # fmt: skip


def soft_groups(concepts, share):
    Y = (1 - share) * np.eye(len(concepts))
    for one in set(concepts.tolist()):
        rows = np.flatnonzero(concepts == one)
        Y[np.ix_(rows, rows)] += share / len(rows)
    return Y


def soft_mixture(concepts, share):
    same = package_labels.class_labels(torch.from_numpy(concepts)).double()
    return torch.lerp(torch.eye(len(same), dtype=torch.float64), same / same.sum(1, keepdim=True), share)


def soft_softmax(concepts, share):
    """A softmax with −inf for strangers is an equal share."""
    Z = torch.where(torch.from_numpy(concepts[:, None] == concepts), 0.0, -math.inf).double()
    return share * Z.softmax(1) + (1 - share) * torch.eye(len(Z))


# ---- sigmoid_cross_entropy


def sigmoid_plain(S, Y, scale, bias):
    z = (2 * Y - 1) * (scale * S + bias)
    return np.logaddexp(0, -z).sum() / len(S)


def sigmoid_loops(S, Y, scale, bias):
    total = 0.0
    for i in range(S.shape[0]):
        for j in range(S.shape[1]):
            z = (scale * S[i, j] + bias) * (1 if Y[i, j] else -1)
            total += math.log1p(math.exp(-z)) if z > -30 else -z
    return total / S.shape[0]


def sigmoid_where(S, Y, scale, bias):
    z = scale * S + bias
    return np.where(Y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)).sum(axis=1).mean()


def sigmoid_max(S, Y, scale, bias):
    z = np.where(Y > 0, -1, 1) * (scale * S + bias)
    return (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))).sum() / len(S)


def sigmoid_torch(S, Y, scale, bias):
    z = torch.from_numpy(scale * S + bias)
    return F.binary_cross_entropy_with_logits(z, torch.from_numpy(Y).double(), reduction="sum") / len(S)


def sigmoid_logsigmoid(S, Y, scale, bias):
    z = torch.from_numpy((2 * Y - 1) * (scale * S + bias))
    return -F.logsigmoid(z).sum(dim=1).mean()


def sigmoid_package(S, Y, scale, bias):
    return losses.sigmoid_loss(torch.from_numpy(S), torch.from_numpy(Y), scale=scale, bias=bias)


RIGHT = {
    "false_negatives": [negatives_plain, negatives_loops, negatives_counter, negatives_permutations,
                        negatives_combinations, negatives_unique, negatives_package, negatives_triangle],
    "loss_floor": [floor_plain, floor_loop, floor_counter, floor_unique, floor_probability, floor_softmax,
                   floor_product],
    "false_negative_mask": [mask_plain, mask_loops, mask_outer, mask_one_hot, mask_minus, mask_package, mask_xor],
    "soft_targets": [soft_plain, soft_columns, soft_loops, soft_where, soft_groups, soft_mixture, soft_softmax],
    "sigmoid_cross_entropy": [sigmoid_plain, sigmoid_loops, sigmoid_where, sigmoid_max, sigmoid_torch,
                              sigmoid_logsigmoid, sigmoid_package],
}  # fmt: skip

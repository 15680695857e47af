"""Right answers to the exercises of chapter 08, each by another formula: none may be refused."""

import math
from collections import Counter
from fractions import Fraction
from itertools import permutations

import numpy as np
import torch
import torch.nn.functional as F

# ---- split_by_concept


def split_plain(concepts, share):
    different = np.unique(concepts)
    count = int(share * len(different))
    return np.isin(concepts, different[len(different) - count:])


def split_set(concepts, share):
    different = sorted(set(concepts.tolist()))
    hidden = set(different[len(different) - int(len(different) * share):])
    return [concept in hidden for concept in concepts.tolist()]


def split_inverse(concepts, share):
    different, number = np.unique(concepts, return_inverse=True)
    return number >= len(different) - math.floor(share * len(different))


def split_threshold(concepts, share):
    different = np.unique(concepts)
    count = int(share * len(different))
    return concepts >= (different[-count] if count else np.inf)


def split_loop(concepts, share):
    different = np.unique(concepts)
    mask = np.zeros(len(concepts), dtype=bool)
    for concept in different[::-1][: int(share * len(different))]:
        mask[concepts == concept] = True
    return mask


def split_not_kept(concepts, share):
    different = np.unique(concepts)
    return ~np.isin(concepts, different[: len(different) - int(share * len(different))])


def split_rank(concepts, share):
    """How many different concepts are above mine?"""
    different = np.unique(concepts)
    return (different[None, :] > concepts[:, None]).sum(1) < int(share * len(different))


def split_torch(concepts, share):
    different = torch.unique(torch.from_numpy(concepts))
    hidden = different[len(different) - int(share * len(different)):]
    return torch.isin(torch.from_numpy(concepts), hidden).numpy()


# ---- mean_of_words


def words_plain(vectors, numbers):
    known = (numbers > 0)[:, :, None]
    return (vectors[numbers] * known).sum(axis=1) / np.maximum(1, known.sum(axis=1))


def words_loop(vectors, numbers):
    out = np.zeros((len(numbers), vectors.shape[1]))
    for i, row in enumerate(numbers):
        words = row[row > 0]
        if len(words):
            out[i] = vectors[words].mean(axis=0)
    return out


def words_table(vectors, numbers):
    table = vectors.copy()
    table[0] = 0
    return table[numbers].sum(1) / (numbers > 0).sum(1).clip(min=1)[:, None]


def words_counts(vectors, numbers):
    """A matrix of counts, and one product."""
    counts = np.array([np.bincount(row, minlength=len(vectors)) for row in numbers]).astype(float)
    counts[:, 0] = 0
    return counts @ vectors / np.maximum(counts.sum(1, keepdims=True), 1)


def words_one_hot(vectors, numbers):
    hot = np.eye(len(vectors))[numbers]
    hot[:, :, 0] = 0
    return np.einsum("ntv,vd->nd", hot, vectors) / np.maximum(1, hot.sum((1, 2)))[:, None]


def words_where(vectors, numbers):
    total = np.where((numbers == 0)[..., None], 0.0, vectors[numbers]).sum(1)
    count = np.count_nonzero(numbers, axis=1)
    return np.divide(total, count[:, None], out=np.zeros_like(total), where=count[:, None] > 0)


def words_nan(vectors, numbers):
    with np.errstate(all="ignore"):
        known = (numbers > 0)[..., None]
        return np.nan_to_num((vectors[numbers] * known).sum(1) / known.sum(1))


def words_bag(vectors, numbers):
    table, places = torch.from_numpy(vectors), torch.from_numpy(numbers)
    return F.embedding_bag(places, table, mode="mean", padding_idx=0)


# ---- scale_step


def step_plain(scale, slope, rate, largest):
    return min(largest, np.exp(np.log(scale) - rate * slope * scale))


def step_product(scale, slope, rate, largest):
    return min(scale * math.exp(-rate * slope * scale), largest)


def step_in_logs(scale, slope, rate, largest):
    return math.exp(min(math.log(largest), math.log(scale) - rate * scale * slope))


def step_power(scale, slope, rate, largest):
    return np.clip(scale / math.e ** (rate * slope * scale), 0, largest)


def step_autograd(scale, slope, rate, largest):
    log = torch.tensor(math.log(scale), dtype=torch.float64, requires_grad=True)
    (slope * log.exp()).backward()
    return (log - rate * log.grad).exp().clamp(max=largest)


def step_optimizer(scale, slope, rate, largest):
    log = torch.nn.Parameter(torch.tensor(math.log(scale), dtype=torch.float64))
    optimizer = torch.optim.SGD([log], lr=rate)
    (log.exp() * slope).backward()
    optimizer.step()
    log.data.clamp_(max=math.log(largest))
    return log.exp()


def step_base_two(scale, slope, rate, largest):
    return min(largest, 2 ** (math.log2(scale) - rate * slope * scale / math.log(2)))


# ---- fair_recall


def recall_plain(S, k):
    own = np.diag(S)[:, None]
    above, level = (own < S).sum(1), (own == S).sum(1)
    return np.clip((k - above) / level, 0, 1).mean()


def recall_loops(S, k):
    total = 0.0
    for i, row in enumerate(S):
        above = sum(score > row[i] for score in row)
        level = sum(score == row[i] for score in row)
        total += min(1, max(0, k - above) / level)
    return total / len(S)


def recall_places(S, k):
    """Of the places that the own text may have, how many are within k."""
    shares = []
    for i, row in enumerate(S.tolist()):
        above, level = sum(x > row[i] for x in row), row.count(row[i])
        shares.append(np.mean([place <= k for place in range(above + 1, above + level + 1)]))
    return np.mean(shares)


def recall_orders(S, k):
    """Every order of the equals, where they are few."""
    shares = []
    for i, row in enumerate(S):
        above = int((row > row[i]).sum())
        equals = np.flatnonzero(row == row[i]).tolist()
        if len(equals) > 5:
            shares.append(min(1, max(0, k - above) / len(equals)))
            continue
        orders = list(permutations(equals))
        shares.append(sum(above + order.index(i) < k for order in orders) / len(orders))
    return sum(shares) / len(S)


def recall_between(S, k):
    """The pessimist's and the optimist's place, and the straight line between them."""
    own = S.diagonal().reshape(-1, 1)
    first, last = (own < S).sum(1) + 1, (own <= S).sum(1)
    return np.where(k >= last, 1.0, np.where(k < first, 0.0, (k - first + 1) / (last - first + 1))).mean()


def recall_fractions(S, k):
    total = Fraction(0)
    for i, row in enumerate(S.tolist()):
        counts = Counter((x > row[i]) - (x < row[i]) for x in row)
        total += min(Fraction(1), max(Fraction(0), Fraction(k - counts[1], counts[0])))
    return float(total / len(S))


def recall_torch(S, k):
    S = torch.from_numpy(S)
    own = S.diagonal()[:, None]
    return ((k - (own < S).sum(1)) / (own == S).sum(1)).clamp(0, 1).mean()


def recall_averaged(S, k):
    """The mean over k of "place k is mine": the chance of each place, added up."""
    own = np.diag(S)[:, None]
    first, level = (own < S).sum(1), (own == S).sum(1)
    return sum(((place >= first) & (place < first + level)) / level for place in range(k)).mean()


# ---- held_out_recall


def held_out_plain(S, split):
    test = S[split == 2][:, split == 2]
    return (test.argmax(axis=1) == np.arange(len(test))).mean()


def held_out_ix(S, split):
    rows = np.flatnonzero(split == 2)
    test = S[np.ix_(rows, rows)]
    return np.mean(np.diag(test) == test.max(1))


def held_out_loop(S, split):
    rows = [k for k, part in enumerate(split) if part == 2]
    return sum(max(rows, key=lambda j: S[i, j]) == i for i in rows) / len(rows)


def held_out_masked(S, split):
    """The columns of the others far below."""
    masked = np.where(split[None, :] == 2, S, -np.inf)
    return (masked.argmax(1) == np.arange(len(S)))[split == 2].mean()


def held_out_counted(S, split):
    test = S[:, split == 2][split == 2]
    return ((test > test.diagonal()[:, None]).sum(1) == 0).mean()


def held_out_list(S, split):
    test = [[score for score, part in zip(row, split, strict=True) if part == 2]
            for row, part in zip(S.tolist(), split, strict=True) if part == 2]
    return np.mean([row.index(max(row)) == i for i, row in enumerate(test)])


def held_out_torch(S, split):
    test = torch.from_numpy(S[split == 2][:, split == 2])
    return (test.argmax(1) == torch.arange(len(test))).double().mean()


RIGHT = {
    "split_by_concept": [split_plain, split_set, split_inverse, split_threshold, split_loop, split_not_kept, split_rank,
                         split_torch],
    "mean_of_words": [words_plain, words_loop, words_table, words_counts, words_one_hot, words_where, words_nan,
                      words_bag],
    "scale_step": [step_plain, step_product, step_in_logs, step_power, step_autograd, step_optimizer, step_base_two],
    "fair_recall": [recall_plain, recall_loops, recall_places, recall_orders, recall_between, recall_fractions,
                    recall_torch, recall_averaged],
    "held_out_recall": [held_out_plain, held_out_ix, held_out_loop, held_out_masked, held_out_counted, held_out_list,
                        held_out_torch],
}  # fmt: skip

"""What several exercises of chapter 06 stand on: masks, logits, prices."""

import math

import numpy as np
import torch
import torch.nn.functional as F

_random = np.random.default_rng(6)


def same(class_ids):
    return class_ids[:, None] == class_ids


def own(x):
    return torch.eye(len(x), dtype=torch.bool)


def mask(class_ids):
    return same(class_ids) & ~own(class_ids)


def batch(n, gamma3, masked=(), middle=0.0, width=0.4):
    """Cosines, the own pairs a little better than the others. masked: (image, text); no symmetry is asked for."""
    S = np.clip(middle + width * (0.75 * np.eye(n) + _random.normal(size=(n, n))), -1, 1)
    mask = torch.zeros(n, n, dtype=torch.bool)
    for i, j in masked:
        mask[i, j] = True
    return torch.tensor(S, dtype=torch.float32), mask, gamma3


BATCHES = {
    "one pair": batch(1, 10.0),
    "2 pairs, each with the other's text left out": batch(2, 10.0, [(0, 1), (1, 0)]),
    "3 pairs, nothing left out": batch(3, 4.0),
    "3 pairs, only text 2 left out for image 0": batch(3, 4.0, [(0, 2)]),
    "5 pairs, γ3 = 10": batch(5, 10.0, [(0, 3), (3, 0), (1, 2), (4, 2)]),
    "5 pairs, γ3 = ½": batch(5, 0.5, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 4)]),
    "3 pairs, none of them alike": batch(3, 20.0, [(0, 1), (1, 0)], -0.9, 0.06),  # logits as low as −18
}


def logits(S, mask, gamma3, fill=-math.inf):
    return (gamma3 * S).masked_fill(mask, fill)


def prices(logits, labels=None, **options):
    """Of the rows of these logits."""
    return F.cross_entropy(logits, torch.arange(len(logits)) if labels is None else labels, **options)

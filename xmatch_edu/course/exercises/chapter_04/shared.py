"""What several exercises of chapter 04 stand on: the line that people ship."""

import torch
import torch.nn.functional as F


def line(S, labels=None, **options):
    labels = torch.arange(len(S)) if labels is None else labels
    return (F.cross_entropy(S, labels, **options) + F.cross_entropy(S.T, labels, **options)) / 2

"""The hinge ranking loss: who is measured, on which features. Each makes the scores itself and gives the sum of both
directions, with all negatives.
"""

import torch

from xmatch_edu import losses, scores
from xmatch_edu.course.bench import contenders
from xmatch_edu.course.bench.contenders import Contender, far

MARGIN = 0.2


def ours(direction):
    return lambda image, text: losses.ranking_loss(scores.cosine_scores(image, text), margin=MARGIN)


def broadcast(direction):
    """The lines that public code has for it: S beside its diagonal, twice."""

    def call(image, text):
        S = scores.cosine_scores(image, text)
        matches = S.diagonal()
        rows, columns = (MARGIN + S - matches[:, None]).clamp(min=0), (MARGIN + S - matches).clamp(min=0)
        own = torch.eye(len(S), dtype=torch.bool, device=S.device)
        return rows.masked_fill(own, 0).sum() + columns.masked_fill(own, 0).sum()

    return call


def per_pair_loop(direction):
    """Pair by pair: what its row pays, and what its column pays."""

    def call(image, text):
        S = scores.cosine_scores(image, text)
        total = 0
        for i in range(len(S)):
            for line in (S[i], S[:, i]):
                violations = (MARGIN + line - S[i, i]).clamp(min=0)
                total = total + violations[:i].sum() + violations[i + 1 :].sum()
        return total

    return call


def pytorch_metric_learning(direction):
    """Its triplet loss of all triplets, once from each side: nothing nearer sums over all negatives of a batch."""
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.losses import TripletMarginLoss
    from pytorch_metric_learning.reducers import SumReducer

    triplets = TripletMarginLoss(margin=MARGIN, distance=CosineSimilarity(), reducer=SumReducer())

    def call(image, text):
        image_ids = torch.arange(len(image), device=image.device)
        text_ids = image_ids.clone()  # the same tensor would mean: the same samples, none its own match
        return (triplets(image, image_ids, ref_emb=text, ref_labels=text_ids)
                + triplets(text, text_ids, ref_emb=image, ref_labels=image_ids))  # fmt: skip

    return call


def floor(direction):
    """The three products of the matching loss: the hinge needs the same."""
    products = contenders.floor(direction)
    return lambda image, text: products(image, text, None)


CONTENDERS = [
    Contender("floor", None, __name__, workload=__name__),
    Contender("ours", "both", __name__, workload=__name__),
    Contender("broadcast", "both", __name__, workload=__name__),
    Contender("per-pair loop", "both", __name__, workload=__name__),
    Contender("pytorch-metric-learning", "both", __name__, "pytorch-metric-learning", __name__),
]
INPUTS = f"features to gradients of the ranking loss, margin {MARGIN}, all negatives"


def features(n, width, dtype, device):
    """The same for every contender: seeded unit features of both sides, N×D, text i near image i."""
    return contenders.features(n, width, dtype, device)[:2]


def differs(call, direction, device="cpu"):
    """True where `call` gives another value or gradient than ours, in float64, on a small batch."""
    sides = features(48, 32, torch.float64, device)
    results = []
    for loss in (call, ours(direction)):
        value = loss(*sides)
        results.append([value.detach(), *torch.autograd.grad(value, sides)])
    return far(*results)

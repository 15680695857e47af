"""The matching loss: who is measured, one function a contender, which imports it and gives back how it is called.

Each call takes unit features (N, D) of both sides and a 0-d scale and gives the loss, a 0-d tensor. Like against like:
every contender makes the scores itself, and ours takes its lengths although they are 1 already, as the others do
(open_clip alone trusts the caller with that).

A workload is a module like this one: CONTENDERS, INPUTS in words, features() for all of them, and differs().
"""

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import NamedTuple

import torch

from xmatch_edu import losses, scores


class Contender(NamedTuple):
    """`name` is a function of the module `place`, with underscores; direction: both, image_to_text, or None (floor).

    workload: the module that makes its inputs and checks it before it is timed.
    """

    name: str
    direction: str | None
    place: str = __name__
    package: str | None = None  # on PyPI; None: part of the course
    workload: str = __name__

    def load(self):
        """-> a function of the workload's features. ImportError where it is not installed."""
        return getattr(importlib.import_module(self.place), re.sub("[- ]", "_", self.name))(self.direction)


def ours(direction):
    return lambda image, text, scale: losses.matching_loss(
        scores.cosine_scores(image, text), scale=scale, direction=direction)


def floor(direction):
    """What no exact loss with gradients can do without: S, and its gradient G carried back to both sides.

    No loss: the three matrix products, in no autograd, with G standing still.
    """
    gradient = None

    @torch.no_grad()
    def products(image, text, scale):
        nonlocal gradient
        if gradient is None:
            gradient = torch.full((len(image), len(text)), 1 / len(image), dtype=image.dtype, device=image.device)
        image @ text.T
        gradient @ text
        gradient.T @ image

    return products


def open_clip(direction):
    """Its loss.py alone, by file: the package wants torchvision, whose import may fail beside a CPU build of torch."""
    package = importlib.util.find_spec("open_clip")
    if package is None:
        raise ModuleNotFoundError("No module named 'open_clip'", name="open_clip")
    spec = importlib.util.spec_from_file_location("open_clip_loss", Path(package.origin).with_name("loss.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ClipLoss()


def info_nce(direction):
    from info_nce import info_nce

    return lambda image, text, scale: info_nce(image, text, temperature=1 / scale)


def sentence_transformers(direction):
    """Takes embeddings that are there already, so no model is needed but something in its place."""
    # transformers asks whether torchvision is there and fails where it is but cannot be imported. None says no.
    sys.modules.setdefault("torchvision", None)
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    both = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}

    def call(image, text, scale):
        loss = MultipleNegativesRankingLoss(
            torch.nn.Identity(), scale=scale, **(both if direction == "both" else {}))
        return loss.compute_loss_from_embeddings([image, text], None)

    return call


def pytorch_metric_learning(direction):
    """symmetric=False: its symmetric form is SimCLR's, with each side's own pairs among the negatives, not CLIP's."""
    from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss

    return lambda image, text, scale: SelfSupervisedLoss(
        NTXentLoss(temperature=1 / scale), symmetric=False)(image, text)


CONTENDERS = [
    Contender("floor", None),
    Contender("ours", "both"),
    Contender("open_clip", "both", package="open-clip-torch"),
    Contender("sentence-transformers", "both", package="sentence-transformers"),
    Contender("ours", "image_to_text"),
    Contender("info_nce", "image_to_text", package="info-nce-pytorch"),
    Contender("sentence-transformers", "image_to_text", package="sentence-transformers"),
    Contender("pytorch-metric-learning", "image_to_text", package="pytorch-metric-learning"),
]


INPUTS = "features to gradients"


def features(n, width, dtype, device):
    """The same for every contender: seeded unit features of both sides, N×D, text i near image i; and the scale."""
    random = torch.Generator().manual_seed(n)
    image = torch.randn(n, width, generator=random, dtype=torch.float64)
    text = image + torch.randn(n, width, generator=random, dtype=torch.float64)
    sides = [torch.nn.functional.normalize(side, dim=1).to(device, dtype).requires_grad_() for side in (image, text)]
    at_least_float32 = torch.promote_types(dtype, torch.float32)
    return *sides, torch.tensor(20.0, dtype=at_least_float32, device=device, requires_grad=True)


def differs(call, direction, device="cpu"):
    """True where `call` gives another value or gradient than ours, in float64, on a small batch.

    Of a feature's gradient only what turns the feature is compared. What would lengthen it is 0 for a loss that divides
    by the length, and something else for one that takes the length to be 1.
    """
    inputs = features(48, 32, torch.float64, device)
    results = []
    for loss in (call, ours(direction)):
        value = loss(*inputs)
        by_image, by_text, by_scale = torch.autograd.grad(value, inputs)
        results.append([value.detach(), *turning(inputs, by_image, by_text), by_scale])
    return far(*results)


def turning(inputs, *gradients):
    """The part of each side's gradient that turns its unit features, (N, D)."""
    return [gradient - (gradient * side).sum(1, keepdim=True) * side
            for gradient, side in zip(gradients, inputs, strict=False)]


def far(found, expected):
    """True where one of the tensors is not what it should be in float64. A NaN is a difference too."""
    return not all((one - two).norm() <= 1e-9 * max(1, two.norm()) for one, two in zip(found, expected, strict=True))

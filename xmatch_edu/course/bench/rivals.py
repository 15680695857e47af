"""The same losses by others: each function imports one and gives back how it is called, as the workload asks.

ImportError where it is not installed. Who is measured beside whom, and on what, stands in `workloads`.
"""

import importlib.util
import sys
from pathlib import Path

import torch

_CHUNK = 512  # rows at a time, where a rival asks for that


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
    """It has one direction: both are one after the other."""
    from info_nce import info_nce

    if direction == "both":
        return lambda image, text, scale: (info_nce(image, text, temperature=1 / scale)
                                           + info_nce(text, image, temperature=1 / scale)) / 2  # fmt: skip
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


def s_transformers_cached(direction):
    """Its loss of cached embeddings, which walks chunk by chunk: forward and backward of each at once."""
    sys.modules.setdefault("torchvision", None)  # as above
    from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss

    def call(image, text, scale):
        own = [one.detach().requires_grad_() for one in (image, text, scale)]
        loss = CachedMultipleNegativesRankingLoss(
            torch.nn.Sequential(torch.nn.Identity()), scale=own[2], mini_batch_size=_CHUNK,
            directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction")
        value = loss.calculate_loss([[own[0]], [own[1]]], with_backward=True)
        # It has gone back already. This hands on what it found, as the gradient of a number that adds 0.
        pairs = zip((image, text, scale), own, strict=True)
        return value + sum(((one - one.detach()) * two.grad).sum() for one, two in pairs)

    return call


def metric_learning(direction):
    """symmetric=False: its symmetric form is SimCLR's, with each side's own pairs among the negatives, not CLIP's."""
    from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss

    return lambda image, text, scale: SelfSupervisedLoss(
        NTXentLoss(temperature=1 / scale), symmetric=False)(image, text)


def triplets(direction, margin):
    """pytorch-metric-learning's loss of all, once from each side: nothing nearer sums over all negatives of a batch."""
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.losses import TripletMarginLoss
    from pytorch_metric_learning.reducers import SumReducer

    loss = TripletMarginLoss(margin=margin, distance=CosineSimilarity(), reducer=SumReducer())

    def call(image, text):
        image_ids = torch.arange(len(image), device=image.device)
        text_ids = image_ids.clone()  # the same tensor would mean: the same samples, none its own match
        return (loss(image, image_ids, ref_emb=text, ref_labels=text_ids)
                + loss(text, text_ids, ref_emb=image, ref_labels=image_ids))  # fmt: skip

    return call


def inf_cl(direction):
    """Its Triton kernels for one GPU, one direction at a time, in float32 whatever comes in."""
    from inf_cl import cal_flash_loss

    def call(image, text, scale):
        head = min(256, image.shape[1])  # so many features at a time
        there, back = (cal_flash_loss(*sides, scale=scale, head_dim=head) for sides in ((image, text), (text, image)))
        return (there.mean() + back.mean()) / 2

    return call

"""The DAMSM's score of words and regions: who is measured, on which features. Each gives the loss from them.

Each call takes regions (N, R, D), words (N, T, D) and their true lengths (N,), makes the N×N scores R(Q, D) and gives
the average of their two matching losses, a 0-d tensor.
"""

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from xmatch_edu import losses, scores
from xmatch_edu.course.bench.contenders import Contender, far

WORDS, REGIONS = 18, 289  # AttnGAN's: texts of at most 18 words, and 17×17 regions
GAMMA1, GAMMA2, GAMMA3 = 5.0, 5.0, 10.0


def ours(direction):
    return lambda regions, words, lengths: losses.matching_loss(
        scores.word_region_scores(regions, words, lengths, gamma1=GAMMA1, gamma2=GAMMA2), scale=GAMMA3)


def per_caption_loop(direction):
    """The literal way: text by text, its words repeated for every image; each text gives one column of S."""

    def call(regions, words, lengths):
        columns = []
        for text, length in zip(words, lengths.tolist(), strict=True):
            repeated = text[:length].repeat(len(regions), 1, 1)
            shares = (repeated @ regions.mT).softmax(dim=1)
            looks = (GAMMA1 * shares).softmax(dim=2)
            cosines = functional.cosine_similarity(looks @ regions, repeated, dim=2)
            columns.append((GAMMA2 * cosines).logsumexp(dim=1, keepdim=True) / GAMMA2)
        logits = GAMMA3 * torch.cat(columns, dim=1)
        own = torch.arange(len(logits), device=logits.device)
        return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2

    return call


def floor(direction):
    """The six matrix products between the words and the regions, in no autograd: two forward, four back.

    No softmax, no cosine, no loss: what a product makes stands in for what would come of it. Image by image, which was
    the fastest of four layouts, because all of it stays in the cache.
    """

    @torch.no_grad()
    def products(regions, words, lengths):
        words = words.flatten(0, 1)
        for image in regions:
            looks = words @ image.T
            contexts = looks @ image
            contexts @ image.T  # back to the attention, and from both of its products to the regions and the words
            looks.T @ contexts
            looks.T @ words
            looks @ image

    return products


CONTENDERS = [
    Contender("floor", None, __name__, workload=__name__),
    Contender("ours", "both", __name__, workload=__name__),
    Contender("per-caption loop", "both", __name__, workload=__name__),
]
INPUTS = f"words and regions to gradients, T = {WORDS}, R = {REGIONS}"


def features(n, width, dtype, device):
    """The same for every contender: seeded regions and words, words i near regions of image i; all lengths T."""
    random = torch.Generator().manual_seed(n)
    regions = torch.randn(n, REGIONS, width, generator=random, dtype=torch.float64)
    words = regions[:, :WORDS] + torch.randn(n, WORDS, width, generator=random, dtype=torch.float64)
    lengths = torch.full((n,), WORDS, device=device)
    # Divided so that the product of a word with a strange region is about 1, and no softmax is all or nothing.
    sides = [(side / width**0.25).to(device, dtype).requires_grad_() for side in (regions, words)]
    return *sides, lengths


def differs(call, direction, device="cpu"):
    """True where `call` gives another value or gradient than ours, in float64, on a small batch.

    """
    # What torch loads when it first works out something twice must not be weighed later.
    checkpoint(torch.sin, torch.ones(1, requires_grad=True), use_reentrant=False)
    *sides, lengths = features(4, 8, torch.float64, device)
    lengths[::2] = 8  # and with padding
    results = []
    for loss in (call, ours(direction)):
        value = loss(*sides, lengths)
        results.append([value.detach(), *torch.autograd.grad(value, sides)])
    return far(*results)

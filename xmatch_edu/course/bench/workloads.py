"""What is measured beside what: a workload holds its contenders, what they get, and the check that all give the same.

Here live the workloads: the matching loss, the same at size (on a CPU and on a GPU), the ranking loss, and the DAMSM's
score of words and regions; of each what is ours, the floor, and the lines that public code has. Losses that are
imported from others live in `rivals`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from xmatch_edu import losses, scores
from xmatch_edu.course.bench import rivals
from xmatch_edu.scale import passes, tiled_matching_loss, tiles


class Contender(NamedTuple):
    """One of those who are measured. make(direction) imports it and gives back how it is called: from the workload's
    features to the loss. ImportError where it is not installed.

    direction: both, image_to_text, or None: the floor, which makes the bare products and no loss.
    """

    name: str
    direction: str | None
    make: Callable
    package: str | None = None  # on PyPI; None: part of the course


def simply(call):
    """The `make` of a contender that is there already, and has one direction."""
    return lambda direction: call


class Plan(NamedTuple):
    """How much: repetitions of each contender, seconds for them all at one size, and seconds for one call."""

    sizes: list
    rounds: int = 15
    budget: float = 24
    limit: float = 20


@dataclass(frozen=True)
class Workload:
    """Contenders, their inputs, and how much of them is measured as a rule and with --full.

    place: "module:name", where a worker finds this object. inputs: in words. features(n, width, dtype, device): the
    same for all; gradients go to those that require them. small(device): few, in float64, for the check.
    right: the name of the one whose value and gradient each must give. unit_sides: compare only what turns a unit
    feature; what would lengthen it is 0 for a loss that divides by the length, and something else for one that takes it
    to be 1.
    float32_will_do: who answers in float32 whatever comes in is compared to three digits, because a GPU may round the
    factors of such products; otherwise it is refused.
    """

    place: str
    inputs: str
    contenders: list
    features: Callable
    small: Callable
    usual: Plan
    full: Plan
    right: str = "ours"
    unit_sides: bool = False
    float32_will_do: bool = False

    def make(self, name, direction):
        """How this contender is called. Errors: those of its `make`."""
        return next(one for one in self.contenders if one[:2] == (name, direction)).make(direction)

    def differs(self, call, direction, device="cpu"):
        """True where `call` gives another value or gradient than the right one. A NaN is a difference too."""
        inputs = self.small(device)
        wanted = [one for one in inputs if one.requires_grad]
        results = []
        for loss in (call, self.make(self.right, direction)):
            value = loss(*inputs)
            gradients = list(torch.autograd.grad(value, wanted))
            for k, side in enumerate(wanted[:2] if self.unit_sides else []):
                gradients[k] = gradients[k] - (gradients[k] * side).sum(1, keepdim=True) * side
            results.append([value.detach(), *gradients])
        rough = self.float32_will_do and results[0][0].dtype != torch.float64
        return not all((one - two).norm() <= (5e-3 * two.norm() if rough else 1e-9 * max(1, two.norm()))
                       for one, two in zip(*results, strict=True))


# The matching loss. Each call takes unit features (N, D) of both sides and a 0-d scale and gives the loss, a 0-d
# tensor. Like against like: every contender makes the scores itself, and ours takes its lengths although they are 1
# already, as the others do (open_clip alone trusts the caller with that).


def ours(direction):
    return lambda image, text, scale: losses.matching_loss(
        scores.cosine_scores(image, text), scale=scale, direction=direction)


def floor(direction):
    """What no exact loss with gradients can do without: S, and its gradient G carried back to both sides.

    No loss: the three matrix products, in no autograd, with G standing still.
    """
    gradient = None

    @torch.no_grad()
    def products(image, text, scale=None):
        nonlocal gradient
        if gradient is None:
            gradient = torch.full((len(image), len(text)), 1 / len(image), dtype=image.dtype, device=image.device)
        image @ text.T
        gradient @ text
        gradient.T @ image

    return products


def features(n, width, dtype, device):
    """The same for every contender: seeded unit features of both sides, N×D, text i near image i; and the scale."""
    random = torch.Generator().manual_seed(n)
    image = torch.randn(n, width, generator=random, dtype=torch.float64)
    text = image + torch.randn(n, width, generator=random, dtype=torch.float64)
    sides = [F.normalize(side, dim=1).to(device, dtype).requires_grad_() for side in (image, text)]
    at_least_float32 = torch.promote_types(dtype, torch.float32)
    return *sides, torch.tensor(20.0, dtype=at_least_float32, device=device, requires_grad=True)


def small(device):
    return features(48, 32, torch.float64, device)


MATCHING = Workload(
    place=f"{__name__}:MATCHING", inputs="features to gradients",
    contenders=[
        Contender("floor", None, floor),
        Contender("ours", "both", ours),
        Contender("open_clip", "both", rivals.open_clip, "open-clip-torch"),
        Contender("sentence-transformers", "both", rivals.sentence_transformers, "sentence-transformers"),
        Contender("ours", "image_to_text", ours),
        Contender("info_nce", "image_to_text", rivals.info_nce, "info-nce-pytorch"),
        Contender("sentence-transformers", "image_to_text", rivals.sentence_transformers, "sentence-transformers"),
        Contender("pytorch-metric-learning", "image_to_text", rivals.metric_learning, "pytorch-metric-learning"),
    ],
    features=features, small=small, unit_sides=True,
    usual=Plan([1024, 4096, 8192]), full=Plan([256, 512, 1024, 2048, 4096, 8192, 16384], 31, 150, 120),
)  # fmt: skip


# The same at size. info_nce and sentence-transformers divide by the length once more, all others take the features as
# they are.


@torch.no_grad()
def floor_in_tiles(image, text, scale):
    """What a loss that keeps no S cannot do without: S twice, and its gradient carried back to both sides; 8N²D.

    No loss: the four matrix products, tile by tile, in no autograd.
    """
    image, text, scale = tiles.prepare(image, text, scale, None)
    size = tiles.tile_size_on(image.device, None)
    wide = tiles.accumulator(image)
    by_image, by_text = (torch.zeros_like(side, dtype=wide) for side in (image, text))
    for rows in range(0, len(image), size):
        for columns in range(0, len(text), size):
            one, two = image[rows : rows + size], text[columns : columns + size]
            passes.product(one, two.T)
            tile = passes.product(one, two.T).to(image.dtype)
            by_image[rows : rows + size] += passes.product(tile, two)
            by_text[columns : columns + size] += passes.product(tile.T, one)


def in_tiles(direction):
    return lambda image, text, scale: tiled_matching_loss(image, text, scale=scale)


def without_kernel(direction):
    """On a GPU: torch alone."""
    tiles._room = lambda image: passes
    return in_tiles(direction)


def two_lines(image, text, scale):
    """The usual ones, to be compiled by torch."""
    own = torch.arange(len(image), device=image.device)
    logits = scale * (image @ text.T)
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


_FLOOR, _OURS = Contender("floor", None, simply(floor_in_tiles)), Contender("ours", "both", in_tiles)
_DENSE = Contender("dense", "both", simply(
    lambda image, text, scale: losses.matching_loss(image @ text.T, scale=scale)))  # fmt: skip
_OPEN_CLIP = MATCHING.contenders[2]
TILES = replace(
    MATCHING, place=f"{__name__}:TILES", inputs="features to gradients, floor: four products",
    contenders=[
        _FLOOR, _OURS, _DENSE, _OPEN_CLIP,
        Contender("info_nce", "both", rivals.info_nce, "info-nce-pytorch"),
        Contender("s-transformers cached", "both", rivals.s_transformers_cached, "sentence-transformers"),
    ],
    right="dense", float32_will_do=True,
    usual=Plan([4096, 8192], rounds=9, budget=90), full=Plan([4096, 8192, 16384, 32768], 9, 300, 120),
)  # fmt: skip
TILES_ON_A_GPU = replace(
    TILES, place=f"{__name__}:TILES_ON_A_GPU",
    contenders=[
        _FLOOR, _OURS,
        Contender("without kernel", "both", without_kernel),
        Contender("inf_cl", "both", rivals.inf_cl, "inf-cl"),
        _DENSE,
        Contender("compiled", "both", lambda direction: torch.compile(two_lines)),
        _OPEN_CLIP,
    ],
)  # fmt: skip


# The hinge ranking loss. Each makes the scores itself and gives the sum of both directions, with all negatives.
MARGIN = 0.2


def broadcast(image, text):
    """The lines that public code has for it: S beside its diagonal, twice."""
    S = scores.cosine_scores(image, text)
    matches = S.diagonal()
    rows, columns = (MARGIN + S - matches[:, None]).clamp(min=0), (MARGIN + S - matches).clamp(min=0)
    own = torch.eye(len(S), dtype=torch.bool, device=S.device)
    return rows.masked_fill(own, 0).sum() + columns.masked_fill(own, 0).sum()


def per_pair_loop(image, text):
    """Pair by pair: what its row pays, and what its column pays."""
    S = scores.cosine_scores(image, text)
    total = 0
    for i in range(len(S)):
        for line in (S[i], S[:, i]):
            violations = (MARGIN + line - S[i, i]).clamp(min=0)
            total = total + violations[:i].sum() + violations[i + 1 :].sum()
    return total


RANKING = Workload(
    place=f"{__name__}:RANKING", inputs=f"features to gradients of the ranking loss, margin {MARGIN}, all negatives",
    contenders=[
        Contender("floor", None, floor),  # the hinge needs the same three products
        Contender("ours", "both", simply(
            lambda image, text: losses.ranking_loss(scores.cosine_scores(image, text), margin=MARGIN))),
        Contender("broadcast", "both", simply(broadcast)),
        Contender("per-pair loop", "both", simply(per_pair_loop)),
        Contender("pytorch-metric-learning", "both", partial(rivals.triplets, margin=MARGIN),
                  "pytorch-metric-learning"),
    ],
    features=lambda *what: features(*what)[:2], small=lambda device: small(device)[:2],
    usual=Plan([128, 512, 2048]), full=Plan([64, 128, 256, 512, 1024, 2048, 4096], 31, 150, 120),
)  # fmt: skip


# The DAMSM. Each call takes regions (N, R, D), words (N, T, D) and their true lengths (N,), makes the N×N scores
# R(Q, D) and gives the average of their two matching losses, a 0-d tensor.
WORDS, REGIONS = 18, 289  # AttnGAN's: texts of at most 18 words, and 17×17 regions
GAMMA1, GAMMA2, GAMMA3 = 5.0, 5.0, 10.0


def per_caption_loop(regions, words, lengths):
    """The literal way: text by text, its words repeated for every image; each text gives one column of S."""
    columns = []
    for text, length in zip(words, lengths.tolist(), strict=True):
        repeated = text[:length].repeat(len(regions), 1, 1)
        shares = (repeated @ regions.mT).softmax(dim=1)
        looks = (GAMMA1 * shares).softmax(dim=2)
        cosines = F.cosine_similarity(looks @ regions, repeated, dim=2)
        columns.append((GAMMA2 * cosines).logsumexp(dim=1, keepdim=True) / GAMMA2)
    logits = GAMMA3 * torch.cat(columns, dim=1)
    own = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


@torch.no_grad()
def floor_of_words(regions, words, lengths):
    """The six matrix products between the words and the regions, in no autograd: two forward, four back.

    No softmax, no cosine, no loss: what a product makes stands in for what would come of it. Image by image, which was
    the fastest of four layouts, because all of it stays in the cache.
    """
    words = words.flatten(0, 1)
    for image in regions:
        looks = words @ image.T
        contexts = looks @ image
        contexts @ image.T  # back to the attention, and from both of its products to the regions and the words
        looks.T @ contexts
        looks.T @ words
        looks @ image


def words_and_regions(n, width, dtype, device):
    """The same for every contender: seeded regions and words, words i near regions of image i; all lengths T."""
    random = torch.Generator().manual_seed(n)
    regions = torch.randn(n, REGIONS, width, generator=random, dtype=torch.float64)
    words = regions[:, :WORDS] + torch.randn(n, WORDS, width, generator=random, dtype=torch.float64)
    lengths = torch.full((n,), WORDS, device=device)
    # Divided so that the product of a word with a strange region is about 1, and no softmax is all or nothing.
    sides = [(side / width**0.25).to(device, dtype).requires_grad_() for side in (regions, words)]
    return *sides, lengths


def small_with_padding(device):
    # What torch loads when it first works out something twice must not be weighed later.
    checkpoint(torch.sin, torch.ones(1, requires_grad=True), use_reentrant=False)
    *sides, lengths = words_and_regions(4, 8, torch.float64, device)
    lengths[::2] = 8
    return *sides, lengths


DAMSM = Workload(
    place=f"{__name__}:DAMSM", inputs=f"words and regions to gradients, T = {WORDS}, R = {REGIONS}",
    contenders=[
        Contender("floor", None, simply(floor_of_words)),
        Contender("ours", "both", simply(lambda *inputs: losses.matching_loss(
            scores.word_region_scores(*inputs, gamma1=GAMMA1, gamma2=GAMMA2), scale=GAMMA3))),
        Contender("per-caption loop", "both", simply(per_caption_loop)),
    ],
    features=words_and_regions, small=small_with_padding,
    usual=Plan([16, 32, 48], 15, 45, 60), full=Plan([16, 32, 48, 64, 96], 31, 150, 120),
)  # fmt: skip

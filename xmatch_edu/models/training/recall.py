"""How good is a ranking? Recall at k and the median rank, in both directions, with ties counted fairly.

Here live the measures of retrieval. What is ranked, S, comes from `scores`.

N: images (rows of S)    M: texts (columns of S)    D: features
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F

from xmatch_edu import _inputs
from xmatch_edu.labels import match_matrix

_CELLS = 2**22  # so many scores stand in memory at once, of a gallery in pieces


class Recall(NamedTuple):
    """What a search finds. Images look for their text, texts for their image."""

    image_to_text: dict[int, float]  # k -> share of the images with a match among their k best texts, 0 to 1
    text_to_image: dict[int, float]  # k -> share of the texts with a match among their k best images
    median_rank: dict[str, float]  # direction -> the middle place of the best match, 1 is the top


def recall_at_k(scores, ks=(1, 5, 10), labels=None):
    """Recall at each k and the median rank, of both directions.

    scores (N, M), floating, finite. ks: ints of at least 1. labels: which pairs match, as in the losses, weights above
    0 being matches; an image or a text without a match does not count.
    -> Recall. Ties are counted fairly: where others have exactly the score of the best match, each order of them is
    equally likely. So a scorer that gives all pairs one score reaches what chance reaches, k / M, not 1; its median
    rank is the middle one, (M + 1) / 2.
    Errors: TypeError or ValueError naming scores, ks or labels.
    """
    _inputs.check_scores(scores)
    _inputs.check_labels(labels, scores)
    ks = _checked(ks)
    matches = match_matrix(labels, *scores.shape, scores.device) > 0
    return _recall({
        "image_to_text": _places(scores, matches),
        "text_to_image": _places(scores.T, matches.T),
    }, ks)  # fmt: skip


def gallery_recall(image_features, text_features, ks=(1, 5, 10)):
    """`recall_at_k` of the cosines of N pairs, for any N: never more than a few million scores at once.

    image_features (N, D), text_features (N, D): text i belongs to image i. ks: as in `recall_at_k` -> Recall.
    The cosines are computed in float64 and rounded to float32: so equal features have equal scores, however the product
    is cut, and are ties.
    Errors: TypeError or ValueError naming the argument and the side.
    """
    _inputs.check_features(image_features, text_features)
    _inputs.check_as_many(image_features, text_features)
    n, ks = len(image_features), _checked(ks)
    sides = F.normalize(image_features.double(), dim=1), F.normalize(text_features.double(), dim=1)
    found = {}
    for direction, (ask, answer) in {"image_to_text": sides, "text_to_image": sides[::-1]}.items():
        pieces = []
        for rows in torch.arange(n, device=ask.device).split(max(1, _CELLS // n)):
            own = torch.zeros(len(rows), n, dtype=torch.bool, device=ask.device)
            own[torch.arange(len(rows)), rows] = True
            pieces.append(_places((ask[rows] @ answer.T).float(), own))
        found[direction] = [torch.cat(parts) for parts in zip(*pieces, strict=True)]
    return _recall(found, ks)


def _places(scores, matches):
    """Of each row that has a match: how many non-matches are above its best match, and how many matches and non-matches
    share its score -> three (rows,) tensors."""
    found = matches.any(dim=1)
    scores, matches = scores[found], matches[found]
    best = scores.masked_fill(~matches, -torch.inf).amax(dim=1, keepdim=True)
    level = scores == best
    return (scores > best).sum(1), (level & matches).sum(1), (level & ~matches).sum(1)


def _recall(found, ks):
    at = {direction: {k: _chance(k, *places).mean().item() for k in ks} for direction, places in found.items()}
    median = {direction: _middle(*places).quantile(0.5).item() for direction, places in found.items()}
    return Recall(**at, median_rank=median)


def _chance(k, above, own, others):
    """How likely a match stands in the first k, when those of equal score stand in any order -> (rows,) float64.

    Of the own + others places of that score, k − above are in the first k. No match is among them with probability
    C(others, places) / C(own + others, places), written as a product over the matches.
    """
    places = (k - above).clamp(min=0).double()
    missed = torch.ones_like(places)
    for match in range(int(own.max())):
        left = own + others - match
        missed = torch.where(match < own, missed * ((left - places) / left).clamp(min=0), missed)
    return 1 - missed


def _middle(above, own, others):
    """The expected place of the best match, 1 is the top -> (rows,) float64."""
    return above + 1 + others.double() / (own + 1)


def _checked(ks):
    try:
        ks = tuple(ks)
    except TypeError:
        raise TypeError(f"ks must be a sequence of ints, such as (1, 5, 10); got {ks!r}") from None
    for k in ks:
        if not _inputs.is_count(k):
            raise ValueError(f"ks must be ints of at least 1, how many of the best count; got {k!r}")
    return ks

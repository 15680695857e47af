"""From features to the score matrix S: S[i, j] is the score of image i with text j.

Here live the ways to compare every image with every text of a batch. What counts as a match lives in `labels`,
what a score costs in `losses`. The literal twin of each function is in `loops`.

N: images    M: texts    D: features    R: regions of an image    T: words of a text
"""

import torch
from torch.utils.checkpoint import checkpoint

from xmatch_edu import _inputs

# So many (image, text, word, region) cells are worked on at once: 4 MB of float32 on a CPU, 256 MB on a GPU.
_CELLS_ON_CPU, _CELLS_ON_GPU = 2**20, 2**26


def cosine_scores(image_features, text_features):
    """Cosine of every image with every text, as one matrix product of unit vectors.

    image_features (N, D), text_features (M, D), floating, one dtype and device -> (N, M) in that dtype.
    A zero vector scores 0 with everything. Lengths are computed in float32 at least, and without overflow.
    Errors: ValueError or TypeError naming the argument and the side, for other shapes, widths, dtypes, empty or
    (on the CPU) non-finite input.
    Source: CLIP (Radford et al. 2021), figure 3; R(Q, D) of question A, read as a plain cosine.
    """
    _inputs.check_features(image_features, text_features)
    return _unit(image_features) @ _unit(text_features).T


def distance_scores(image_features, text_features):
    """Closeness of every image with every text: −|q − d|, the Euclidean distance with a minus sign.

    image_features (N, D), text_features (M, D), floating, one dtype and device; half precision is raised to float32
    -> (N, M), float32 or float64, at most 0. Both may be of one view, image with image or text with text. Where two are
    the same, the distance has a kink; its gradient is 0 there.
    Errors: as in `cosine_scores`.
    Source: the distance d of Wang, Li and Lazebnik (CVPR 2016), section 3; larger is closer, as for every score here.
    """
    _inputs.check_features(image_features, text_features)
    dtype = torch.promote_types(image_features.dtype, torch.float32)
    image_features, text_features = image_features.to(dtype), text_features.to(dtype)
    # First about the largest entry, so that squares neither overflow nor vanish: a power of two, which rounds nothing,
    # and a factor that cancels, which needs no gradient.
    largest = torch.maximum(image_features.detach().abs().amax(), text_features.detach().abs().amax())
    unit = torch.ldexp(torch.ones_like(largest), torch.frexp(largest).exponent - 1)
    # Not by a matrix product, q² − 2qd + d²: for close features almost nothing but rounding would be left of it.
    distances = torch.cdist(image_features / unit, text_features / unit,
                            compute_mode="donot_use_mm_for_euclid_dist")  # fmt: skip
    return -unit * distances


def word_region_scores(regions, words, lengths=None, *, gamma1=5.0, gamma2=5.0, attention="dot",
                       compete_over_words=True, divide_by_gamma2=True, return_attention=False):  # fmt: skip
    """R(Q, D) of every image with every text, from regions and words: where each word looks, and what it sees there.

    s = word · region; s̄: softmax of s over the words; α: softmax of γ1 · s̄ over the regions; c = Σ α · region;
    R(Q, D) = 1/γ2 · log Σ_words exp(γ2 · cos(c, word)). `loops.word_region_scores` has it sum by sum.

    regions (N, R, D), words (M, T, D), floating, one dtype and device; half precision is raised to float32 first. More
    of the arguments: those of `loops.word_region_scores`. What stands behind the lengths changes no score, and gets no
    gradient. -> (N, M), float32 or float64; with return_attention also α, (N, M, T, R).
    Some images and texts are worked on at a time, and again for the gradient, so that beyond what comes in and goes out
    no more is held for many pairs than for a few.
    Errors: ValueError or TypeError naming the argument and the side. Values are looked at on the CPU only.
    Source: AttnGAN (Xu et al., CVPR 2018), section 3.2, equations 7 to 10. Its published code leaves 1/γ2 out.
    """
    _inputs.check_regions_and_words(regions, words)
    _inputs.check_lengths(lengths, words)
    gammas = _inputs.check_gammas(gamma1=gamma1, gamma2=gamma2)
    _inputs.check_choice("attention", attention, _inputs.ATTENTIONS)
    dtype = torch.promote_types(regions.dtype, torch.float32)
    regions, words = regions.to(dtype), words.to(dtype)
    m, longest = words.shape[:2]
    padding = torch.zeros(m, longest, dtype=torch.bool, device=words.device)
    if lengths is not None:
        padding = torch.arange(longest, device=words.device) >= lengths[:, None]
    words = words.masked_fill(padding[:, :, None], 0)  # on a GPU nobody has looked whether it is NaN
    options = *gammas, attention, compete_over_words, divide_by_gamma2, return_attention

    cells = _CELLS_ON_CPU if regions.device.type == "cpu" else _CELLS_ON_GPU
    if len(regions) * m * longest * regions.shape[1] <= 2 * cells:
        cells *= 2  # all at once, and nothing worked out twice
    texts_at_once = max(1, min(m, cells // (longest * regions.shape[1])))
    images_at_once = max(1, cells // (texts_at_once * longest * regions.shape[1]))
    texts = list(zip(words.split(texts_at_once), padding.split(texts_at_once), strict=True))
    rows = []
    for some_images in regions.split(images_at_once):
        if len(texts) == 1 and len(some_images) == len(regions):
            row = [_word_region_piece(some_images, *texts[0], *options)]
        else:
            row = [checkpoint(_word_region_piece, some_images, *some_texts, *options, use_reentrant=False,
                              preserve_rng_state=False) for some_texts in texts]  # fmt: skip
        rows.append([torch.cat(parts, dim=1) for parts in zip(*row, strict=True)])
    found = tuple(torch.cat(parts) for parts in zip(*rows, strict=True))
    return found if return_attention else found[0]


def _word_region_piece(regions, words, padding, gamma1, gamma2, attention, compete_over_words, divide_by_gamma2,
                       return_attention):  # fmt: skip
    """All of `word_region_scores` for n images and m texts -> (n, m) scores, and (n, m, T, R) attention if wanted."""
    (n, r, _), (m, t, _) = regions.shape, words.shape
    unit_words = _unit(words)
    for_images = (unit_words if attention == "cosine" else words).reshape(1, m * t, -1).expand(n, -1, -1)
    similarities = for_images @ (_unit(regions) if attention == "cosine" else regions).mT
    shares = similarities.view(n, m, t, r)
    never = torch.zeros_like(unit_words[:, :, 0]).masked_fill_(padding, -torch.inf)  # 0 where there is a word
    if compete_over_words:
        shares = shares.add_(never[:, :, None]).softmax(dim=2)
    looks = (gamma1 * shares).softmax(dim=3)
    contexts = (looks.view(n, m * t, r) @ regions).view(n, m, t, -1)
    # As in _unit, but the length is divided out of the sums, which are D times fewer.
    largest = contexts.detach().abs().amax(dim=3, keepdim=True)
    contexts = contexts.div_(torch.where(largest > 0, largest, 1))
    length = contexts.norm(dim=3)
    cosines = (contexts * unit_words).sum(dim=3) / torch.where(length > 0, length, 1)
    scores = (gamma2 * cosines + never).logsumexp(dim=2)
    scores = scores / gamma2 if divide_by_gamma2 else scores
    return (scores, looks.masked_fill(padding[:, :, None], 0)) if return_attention else (scores,)


def _unit(features):
    raised = features.float() if features.dtype.itemsize < 4 else features
    # A zero vector has no direction: dividing it by 1 keeps it 0, where 0/0 would be NaN.
    # The largest entry first, so that squares neither overflow nor vanish; a factor that cancels needs no gradient.
    largest = raised.detach().abs().amax(dim=-1, keepdim=True)
    raised = raised / torch.where(largest > 0, largest, 1)
    length = raised.norm(dim=-1, keepdim=True)
    return (raised / torch.where(length > 0, length, 1)).to(features.dtype)

"""Right answers to the exercises of chapter 05, each by another formula: none may be refused."""

import functools
import math

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu import loops, scores

# ---- word_similarities


def similarities_loops(regions, words):
    s = np.zeros((len(words), len(regions)))
    for t in range(len(words)):
        for r in range(len(regions)):
            s[t, r] = words[t] @ regions[r]
    return s


def similarities_lists(regions, words):
    return [[sum(x * y for x, y in zip(w, r, strict=True)) for r in regions.tolist()] for w in words.tolist()]


def similarities_filled(regions, words):
    s = np.empty((len(words), len(regions)), dtype=np.float32)
    for row, word in zip(s, words, strict=True):
        row[:] = np.dot(regions, word)
    return s


def similarities_torch(regions, words):
    return F.linear(torch.tensor(words), torch.tensor(regions))


def similarities_single(regions, words):
    return torch.tensor(words, dtype=torch.float32) @ torch.tensor(regions, dtype=torch.float32).mT


# ---- where_words_look


def careful(x, axis):
    positive = np.exp(x - x.max(axis=axis, keepdims=True))
    return positive / positive.sum(axis=axis, keepdims=True)


def look_plain(similarities, gamma1):
    return careful(gamma1 * careful(similarities, 0), 1)


def look_logaddexp(similarities, gamma1):
    x = gamma1 * np.exp(similarities - np.logaddexp.reduce(similarities, axis=0))
    return np.exp(x - np.logaddexp.reduce(x, axis=1)[:, None])


def look_in_place(similarities, gamma1):
    similarities -= similarities.max(axis=0)
    np.exp(similarities, out=similarities)
    similarities /= similarities.sum(axis=0)
    similarities *= gamma1
    np.exp(similarities, out=similarities)
    similarities /= similarities.sum(axis=1).reshape(-1, 1)
    return similarities


def look_powers(similarities, gamma1):
    """exp(γ1 · x) = exp(x) to the power γ1"""
    raised = np.exp(careful(similarities, 0)) ** gamma1
    return (raised.T / raised.sum(axis=1)).T


def look_mean_of_the_ends(similarities, gamma1):
    """Any number may be taken off that keeps the sum from 0 and from infinity."""
    return careful(gamma1 * careful(similarities + 3.0, 0) - 1.0, 1)


def look_torch(similarities, gamma1):
    return (gamma1 * torch.tensor(similarities).softmax(dim=0)).softmax(dim=-1)


def look_single(similarities, gamma1):
    return F.softmax(gamma1 * F.softmax(torch.tensor(similarities, dtype=torch.float32), 0), 1)


def look_columns_then_rows(similarities, gamma1):
    shares = np.stack([careful(column, 0) for column in similarities.T], axis=1)
    return [careful(gamma1 * row, 0).tolist() for row in shares]


# ---- what_words_see


def see_matrices(attention, regions, words):
    contexts = attention @ regions
    return (contexts * words).sum(1) / (np.linalg.norm(contexts, axis=1) * np.linalg.norm(words, axis=1))


def see_loops(attention, regions, words):
    cosines = []
    for look, word in zip(attention, words, strict=True):
        context = sum(share * region for share, region in zip(look, regions, strict=True))
        cosines.append(context @ word / math.sqrt(context @ context * (word @ word)))
    return cosines


def see_units(attention, regions, words):
    contexts = np.matmul(attention, regions)
    contexts /= np.linalg.norm(contexts, axis=1, keepdims=True)
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    return np.diag(contexts @ words.T)


def see_similarities(attention, regions, words):
    """c · w = Σ α s, and |c|² = α (regions · regions) α: the contexts themselves are never made."""
    dots = (attention * (words @ regions.T)).sum(axis=1)
    squares = np.einsum("tr,rs,ts->t", attention, regions @ regions.T, attention)
    return dots / np.sqrt(squares * (words**2).sum(axis=1))


def see_unnormalised(attention, regions, words):
    """A cosine does not ask how long the context is: any multiple of α will do."""
    return see_matrices(7 * attention, regions, 3 * words)


def see_block(attention, regions, words):
    contexts = (attention[:, :, None] * regions[None]).sum(axis=1)
    return np.diagonal(loops.cosine_scores(contexts, words))


def see_average(attention, regions, words):
    contexts = np.array([np.average(regions, axis=0, weights=look) for look in attention])
    return [np.dot(c, w) / (math.hypot(*c) * math.hypot(*w)) for c, w in zip(contexts, words, strict=True)]


def see_torch(attention, regions, words):
    attention, regions, words = map(torch.tensor, (attention, regions, words))
    return F.cosine_similarity(attention @ regions, words)


def see_single(attention, regions, words):
    attention, regions, words = (torch.tensor(x, dtype=torch.float32) for x in (attention, regions, words))
    return F.cosine_similarity(torch.mm(attention, regions), words, dim=-1)


# ---- caption_score


def score_plain(cosines, length, gamma2):
    return np.log(np.exp(gamma2 * cosines[:length]).sum()) / gamma2


def score_loop(cosines, length, gamma2):
    total = 0.0
    for t in range(length):
        total += math.exp(gamma2 * cosines[t])
    return 1 / gamma2 * math.log(total)


def score_logaddexp(cosines, length, gamma2):
    return np.logaddexp.reduce(gamma2 * cosines[:length]) / gamma2


def score_running(cosines, length, gamma2):
    return functools.reduce(np.logaddexp, [gamma2 * c for c in cosines.tolist()[:length]]) / gamma2


def score_largest(cosines, length, gamma2):
    """The largest cosine, and what the others add to it."""
    largest = cosines[:length].max()
    return largest + np.log(np.exp(gamma2 * (cosines[:length] - largest)).sum()) / gamma2


def score_base_two(cosines, length, gamma2):
    return math.log2(sum(2 ** (gamma2 * c / math.log(2)) for c in cosines[:length])) * math.log(2) / gamma2


def score_mean(cosines, length, gamma2):
    return (np.log(np.exp(gamma2 * cosines[:length]).mean()) + np.log(length)) / gamma2


def score_torch(cosines, length, gamma2):
    return (gamma2 * torch.tensor(cosines)[:length]).logsumexp(0) / gamma2


def score_single(cosines, length, gamma2):
    real = torch.arange(len(cosines)) < length
    return torch.tensor(gamma2 * cosines, dtype=torch.float32).masked_fill(~real, -torch.inf).logsumexp(-1) / gamma2


# ---- every_pair


def pair_loops(regions, words, lengths, gamma1, gamma2):
    R = np.zeros((len(regions), len(words)))
    for i in range(len(regions)):
        for j in range(len(words)):
            real = words[j, : lengths[j]]
            look = look_plain(real @ regions[i].T, gamma1)
            R[i, j] = score_plain(see_matrices(look, regions[i], real), len(real), gamma2)
    return R


def pair_oracle(regions, words, lengths, gamma1, gamma2):
    steps = functools.partial(loops.word_region_steps, gamma1=gamma1, gamma2=gamma2)
    return [[steps(image, text[:length]).score for text, length in zip(words, lengths, strict=True)]
            for image in regions]  # fmt: skip


def pair_four_axes(regions, words, lengths, gamma1, gamma2):
    real = np.arange(words.shape[1]) < lengths[:, None]
    s = np.einsum("mtd,nrd->nmtr", words, regions)
    look = careful(gamma1 * careful(np.where(real[None, :, :, None], s, -np.inf), 2), 3)
    contexts = np.einsum("nmtr,nrd->nmtd", look, regions)
    cosines = (contexts * words).sum(-1) / np.linalg.norm(contexts, axis=-1) / np.linalg.norm(words, axis=-1)
    return np.log((np.exp(gamma2 * cosines) * real).sum(-1)) / gamma2


def pair_by_length(regions, words, lengths, gamma1, gamma2):
    """Texts of one length at a time: none of them has padding then."""
    R = np.zeros((len(regions), len(words)))
    for length in np.unique(lengths):
        these = np.flatnonzero(lengths == length)
        R[:, these] = loops.word_region_scores(regions, words[these, :length], gamma1=gamma1, gamma2=gamma2)
    return R


def pair_no_contexts(regions, words, lengths, gamma1, gamma2):
    """c · w = Σ α s, and |c|² = α (regions · regions) α"""
    R = np.zeros((len(regions), len(words)))
    for i, image in enumerate(regions):
        for j, length in enumerate(lengths):
            text = words[j][:length]
            cosines = see_similarities(look_logaddexp(text @ image.T, gamma1), image, text)
            R[i, j] = score_largest(cosines, length, gamma2)
    return R


def pair_torch(regions, words, lengths, gamma1, gamma2, dtype=torch.float64):
    regions, words = (torch.tensor(x, dtype=dtype) for x in (regions, words))
    real = torch.arange(words.shape[1]) < torch.tensor(lengths)[:, None]
    s = torch.einsum("mtd,nrd->nmtr", words, regions).masked_fill(~real[..., None], -torch.inf)
    contexts = torch.einsum("nmtr,nrd->nmtd", (gamma1 * s.softmax(2)).softmax(3), regions)
    cosines = F.cosine_similarity(contexts, words[None], dim=-1)
    return (gamma2 * cosines).masked_fill(~real, -torch.inf).logsumexp(2) / gamma2


def pair_package(regions, words, lengths, gamma1, gamma2):
    regions, words, lengths = map(torch.tensor, (regions, words, lengths))
    return scores.word_region_scores(regions, words, lengths, gamma1=gamma1, gamma2=gamma2)


RIGHT = {
    "word_similarities": [
        similarities_loops, similarities_lists,
        similarities_filled, similarities_torch, similarities_single,
        lambda regions, words: words @ regions.T, lambda regions, words: np.inner(words, regions),
        lambda regions, words: (regions @ words.T).T, lambda regions, words: np.einsum("rd,td->tr", regions, words),
        lambda regions, words: np.array([regions @ word for word in words]),
    ],
    "where_words_look": [
        look_plain, look_logaddexp, look_in_place, look_powers,
        look_mean_of_the_ends, look_torch, look_single, look_columns_then_rows,
    ],
    "what_words_see": [
        see_matrices, see_loops, see_units, see_similarities, see_unnormalised, see_block,
        see_average, see_torch, see_single,
    ],
    "caption_score": [
        score_plain, score_loop, score_logaddexp, score_running,
        score_largest, score_base_two, score_mean, score_torch, score_single,
    ],
    "every_pair": [
        pair_loops, pair_oracle, pair_four_axes,
        pair_by_length, pair_no_contexts, pair_torch,
        functools.partial(pair_torch, dtype=torch.float32), pair_package,
    ],
}  # fmt: skip

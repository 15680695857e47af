"""Right answers to the exercises of chapter 06, each by another formula: none may be refused."""

import functools
import math
from collections import namedtuple

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu import labels, losses, scores

INF = math.inf

# ---- caption_bonus


def bonus_plain(lengths, gamma2, gamma3, divide_by_gamma2):
    return gamma3 * torch.log(lengths) / (gamma2 if divide_by_gamma2 else 1)


def bonus_list(lengths, gamma2, gamma3, divide_by_gamma2):
    bonus = []
    for length in lengths:
        one = gamma3 * math.log(length)
        if divide_by_gamma2:
            one /= gamma2
        bonus.append(one)
    return bonus


def bonus_numpy(lengths, gamma2, gamma3, divide_by_gamma2=False):
    return np.log(lengths.numpy()) * gamma3 * gamma2 ** -float(divide_by_gamma2)


def bonus_of_two_scores(lengths, gamma2, gamma3, divide_by_gamma2, cosine=0.3):
    """The logit of T equal words, less that of one word."""
    factor = gamma3 / gamma2 if divide_by_gamma2 else gamma3
    logits = [factor * torch.full((int(T),), gamma2 * cosine, dtype=torch.float64).logsumexp(0) for T in lengths]
    return torch.stack(logits) - factor * gamma2 * cosine


def bonus_of_a_power(lengths, gamma2, gamma3, divide_by_gamma2):
    return (lengths.double() ** (gamma3 / (gamma2 if divide_by_gamma2 else 1.0))).log()


def bonus_base_two(lengths, gamma2, gamma3, divide_by_gamma2):
    return lengths.log2() * math.log(2) * (gamma3 / gamma2 if divide_by_gamma2 else gamma3)


def bonus_by_package(lengths, gamma2, gamma3, divide_by_gamma2):
    regions, words = torch.ones(1, 1, 2).double(), torch.ones(len(lengths), int(lengths.max()), 2).double()
    options = {"gamma2": gamma2, "divide_by_gamma2": divide_by_gamma2}
    R = [scores.word_region_scores(regions, words, some, **options)[0] for some in (lengths, torch.ones_like(lengths))]
    return gamma3 * (R[0] - R[1])


def bonus_harmonic(lengths, gamma2, gamma3, divide_by_gamma2):
    """ln T = ln 2/1 + ln 3/2 + …"""
    steps = torch.cat([torch.zeros(1), torch.log1p(1 / torch.arange(1, 100))]).cumsum(0)
    return steps[lengths - 1] * gamma3 / [1, gamma2][divide_by_gamma2]


# ---- class_mask


def mask_plain(class_ids):
    same = class_ids[:, None] == class_ids[None, :]
    return same & ~torch.eye(len(class_ids), dtype=torch.bool)


def mask_in_place(class_ids):
    same = class_ids.unsqueeze(1).eq(class_ids)
    same.fill_diagonal_(False)
    return same


def mask_loops(class_ids):
    N = len(class_ids)
    mask = torch.zeros(N, N, dtype=bool)
    for i in range(N):
        for j in range(N):
            mask[i, j] = i != j and class_ids[i] == class_ids[j]
    return mask


def mask_triangles(class_ids):
    same = torch.eq(*torch.meshgrid(class_ids, class_ids, indexing="ij"))
    return same.triu(1) | same.tril(-1)


def mask_one_hot(class_ids):
    Y = F.one_hot(class_ids).float()
    return (Y @ Y.T - torch.eye(len(Y))) > 0.5


def mask_outer(class_ids):
    mask = np.equal.outer(class_ids.numpy(), class_ids.numpy())
    np.fill_diagonal(mask, False)
    return mask


def mask_lists(class_ids):
    ids = list(enumerate(class_ids.tolist()))
    return [[a == b and i != j for j, b in ids] for i, a in ids]


def mask_rows(class_ids):
    where = torch.arange(len(class_ids))
    return [torch.logical_and(class_ids == one, where != i) for i, one in enumerate(class_ids)]


def mask_xor(class_ids):
    return (class_ids[:, None] == class_ids) ^ torch.eye(len(class_ids)).bool()


def mask_differences(class_ids):
    far = (class_ids[:, None] - class_ids[None]).abs() + torch.diag(torch.ones_like(class_ids))
    return far.logical_not()


def mask_package(class_ids):
    return labels.same_class_mask(class_ids)


# ---- masked_probabilities


def masked_plain(scores, mask, gamma3):
    return (gamma3 * scores).masked_fill(mask, -INF).softmax(dim=1)


def masked_in_place(scores, mask, gamma3):
    scores *= gamma3
    scores[mask] = torch.finfo(scores.dtype).min
    return torch.softmax(scores, 1)


def masked_billion(scores, mask, gamma3):
    return torch.softmax(gamma3 * scores - 1e9 * mask, 1)


def masked_normalize(scores, mask, gamma3):
    return F.normalize((gamma3 * scores).softmax(1) * ~mask, p=1, dim=1)


def masked_log_of_the_mask(scores, mask, gamma3):
    """log 1 = 0 and log 0 = −inf"""
    return (gamma3 * scores + (~mask).double().log()).log_softmax(1).exp()


def masked_numpy(scores, mask, gamma3):
    x = np.where(mask.numpy(), -np.inf, gamma3 * scores.numpy())
    positive = np.exp(x - x.max(axis=1, keepdims=True))
    return positive / positive.sum(axis=1, keepdims=True)


def masked_lists(scores, mask, gamma3):
    rows = []
    for row, left_out in zip(scores.tolist(), mask.tolist(), strict=True):
        positive = [0.0 if out else math.exp(gamma3 * s) for s, out in zip(row, left_out, strict=True)]
        rows.append([p / math.fsum(positive) for p in positive])
    return rows


def masked_columns_of_the_turned(scores, mask, gamma3):
    return (gamma3 * scores.T).masked_fill(mask.T, -INF).softmax(0).T


# ---- both_directions


def both_cross_entropy(scores, mask, gamma3):
    logits = (gamma3 * scores).masked_fill(mask, -INF)
    labels = torch.arange(len(scores))
    return F.cross_entropy(logits, labels), F.cross_entropy(logits.T, labels)


def both_in_steps(scores, mask, gamma3):
    def loss(scores, mask):
        return -masked_plain(scores, mask, gamma3).diagonal().log().mean()

    return loss(scores, mask), loss(scores.T, mask.T)


def both_gathered(scores, mask, gamma3):
    x = torch.where(mask, -INF, gamma3 * scores)
    own = torch.arange(len(x))
    rows, columns = (-x.log_softmax(dim)[own, own] for dim in (1, 0))
    return torch.stack([rows.mean(), columns.mean()])


def both_gather(scores, mask, gamma3):
    x = (scores * gamma3).masked_fill(mask, torch.finfo(scores.dtype).min)
    where = torch.arange(len(x))[:, None]
    return [-F.log_softmax(y, dim=1).gather(1, where).sum() / len(y) for y in (x, x.t())]


def both_logsumexp(scores, mask, gamma3):
    x = (gamma3 * scores).masked_fill(mask, -INF)
    Losses = namedtuple("Losses", "rows columns")
    return Losses(*[(x.logsumexp(dim) - x.diag()).mean().item() for dim in (1, 0)])


def both_numpy(scores, mask, gamma3):
    positive = np.exp(gamma3 * scores.numpy().astype(float)) * ~mask.numpy()
    own = positive.diagonal()
    return np.array([-np.log(own / positive.sum(axis)).mean() for axis in (1, 0)])


def both_loops(scores, mask, gamma3):
    N, S, rows, columns = len(scores), scores.tolist(), 0.0, 0.0
    for i in range(N):
        stays = [j for j in range(N) if not mask[i][j]]
        rows += math.log(sum(math.exp(gamma3 * S[i][j]) for j in stays)) - gamma3 * S[i][i]
        stays = [j for j in range(N) if not mask[j][i]]
        columns += math.log(sum(math.exp(gamma3 * S[j][i]) for j in stays)) - gamma3 * S[i][i]
    return rows / N, columns / N


def both_nan_to_num(scores, mask, gamma3):
    P = [masked_plain(s, m, gamma3) for s, m in ((scores, mask), (scores.T, mask.T))]
    return [-(torch.eye(len(p)) * p.log()).nan_to_num().sum(1).mean() for p in P]


def both_softplus(scores, mask, gamma3):
    """log(1 + Σ over the others exp of their lead)"""
    lead = gamma3 * (scores - scores.diagonal()[:, None]), gamma3 * (scores - scores.diagonal())
    left_out = mask | torch.eye(len(scores), dtype=torch.bool)
    return [F.softplus(x.masked_fill(left_out, -1e9).logsumexp(dim)).mean()
            for x, dim in zip(lead, (1, 0), strict=True)]  # fmt: skip


def both_package(scores, mask, gamma3):
    return tuple(losses.matching_loss(scores, scale=gamma3, mask=mask, direction=direction)
                 for direction in ("image_to_text", "text_to_image"))  # fmt: skip


# ---- whole_damsm


def cosines(images, texts):
    return F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T


def whole_in_steps(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
    mask = mask_plain(class_ids)
    by_words = scores.word_region_scores(regions, words, lengths, gamma1=gamma1, gamma2=gamma2)
    by_sentences = scores.cosine_scores(image_codes, sentence_codes)
    return sum(both_in_steps(by_words, mask, gamma3)) + sum(both_in_steps(by_sentences, mask, gamma3))


def whole_stacked(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
    """All four in one call: a batch of 4 N rows, with the mean of one."""
    S = torch.stack([scores.word_region_scores(regions, words, lengths, gamma1=gamma1, gamma2=gamma2),
                     cosines(image_codes, sentence_codes)])  # fmt: skip
    S = (gamma3 * S).masked_fill(mask_in_place(class_ids), -INF)
    N = len(words)
    return 4 * F.cross_entropy(torch.cat([S, S.mT]).view(4 * N, N), torch.arange(N).repeat(4))


def whole_logsumexp(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
    total = 0
    for S in (scores.word_region_scores(regions, words, lengths, gamma1=gamma1, gamma2=gamma2),
              cosines(image_codes, sentence_codes)):  # fmt: skip
        x = torch.where(mask_xor(class_ids), torch.finfo(S.dtype).min, gamma3 * S)
        total = total + (x.logsumexp(0) + x.logsumexp(1) - 2 * x.diagonal()).mean()
    return total


def scores_pair_by_pair(regions, words, lengths, gamma1, gamma2):
    def score(image, text):
        shares = (text @ image.T).softmax(0)
        contexts = (gamma1 * shares).softmax(1) @ image
        return (gamma2 * F.cosine_similarity(contexts, text, dim=1)).logsumexp(0) / gamma2

    texts = [text[:T] for text, T in zip(words, lengths.tolist(), strict=True)]
    return torch.stack([torch.stack([score(image, text) for text in texts]) for image in regions])


def whole_pair_by_pair(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
    mask = mask_loops(class_ids)
    S = scores_pair_by_pair(regions, words, lengths, gamma1, gamma2)
    terms = *both_gathered(S, mask, gamma3), *both_gathered(cosines(image_codes, sentence_codes), mask, gamma3)
    return torch.stack(terms).sum()


def whole_in_double(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
    regions, words, image_codes, sentence_codes = (
        x.double() for x in (regions, words, image_codes, sentence_codes))  # fmt: skip
    mask = mask_differences(class_ids)
    kinds = [scores.word_region_scores(regions, words, lengths, gamma1=gamma1, gamma2=gamma2),
             scores.cosine_scores(image_codes, sentence_codes)]  # fmt: skip
    return functools.reduce(torch.add, [loss for S in kinds for loss in both_softplus(S, mask, gamma3)])


def whole_sides_exchanged(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
    """Texts down, images across: the sum of both directions is the same."""
    mask = mask_one_hot(class_ids)
    S = scores.word_region_scores(regions, words, lengths, gamma1=gamma1, gamma2=gamma2).T
    kinds = S, scores.cosine_scores(sentence_codes, image_codes)
    return sum(sum(both_cross_entropy(S, mask, gamma3)) for S in kinds)


def whole_package(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
    return losses.damsm_loss(regions, words, image_codes, sentence_codes, lengths, class_ids=class_ids, gamma1=gamma1,
                             gamma2=gamma2, gamma3=gamma3)  # fmt: skip


def whole_matching(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
    options = {"scale": gamma3, "mask": labels.same_class_mask(class_ids)}
    S = scores.word_region_scores(regions, words, lengths, gamma1=gamma1, gamma2=gamma2)
    return 2 * (losses.matching_loss(S, **options)
                + losses.matching_loss(scores.cosine_scores(image_codes, sentence_codes), **options))  # fmt: skip


RIGHT = {
    "caption_bonus": [
        bonus_plain, bonus_list, bonus_numpy, bonus_of_two_scores, bonus_of_a_power,
        bonus_base_two, bonus_by_package, bonus_harmonic,
    ],
    "class_mask": [
        mask_plain, mask_in_place, mask_loops, mask_triangles, mask_one_hot, mask_outer, mask_lists, mask_rows,
        mask_xor, mask_differences, mask_package,
    ],
    "masked_probabilities": [
        masked_plain, masked_in_place, masked_billion, masked_normalize,
        masked_log_of_the_mask, masked_numpy, masked_lists,
        masked_columns_of_the_turned,
    ],
    "both_directions": [
        both_cross_entropy, both_in_steps, both_gathered, both_gather, both_logsumexp,
        both_numpy, both_loops, both_nan_to_num, both_softplus, both_package,
    ],
    "whole_damsm": [
        whole_in_steps, whole_stacked, whole_logsumexp, whole_pair_by_pair, whole_in_double,
        whole_sides_exchanged, whole_package, whole_matching,
    ],
}  # fmt: skip

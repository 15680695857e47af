"""Wrong answers to the exercises of chapter 06 that look like a known mistake: what each is called, or None."""

import math

import torch
import torch.nn.functional as F

from xmatch_edu import losses, scores

INF = math.inf


def eye(N):
    return torch.eye(N, dtype=torch.bool)


def same(class_ids):
    return class_ids[:, None] == class_ids


def apart(class_ids):
    return same(class_ids) & ~eye(len(class_ids))


def cut(S, mask, gamma3, out=-INF):
    return torch.where(mask, out, gamma3 * S)


def prices(x):
    return F.cross_entropy(x, torch.arange(len(x)), reduction="none")


def line(S, mask, gamma3):
    x = cut(S, mask, gamma3)
    return prices(x).mean() + prices(x.T).mean()


def whole(r, w, i, s, T, c, g1, g2, g3, *, mask=apart, line=line, twice=1):
    by_words = scores.word_region_scores(r, w, T, gamma1=g1, gamma2=g2)
    return twice * line(by_words, mask(c), g3) + line(scores.cosine_scores(i, s), mask(c), g3)


def package(r, w, i, s, T, c, g1, g2, g3, **other):
    options = {"lengths": T, "class_ids": c, "gamma1": g1, "gamma2": g2, "gamma3": g3, **other}
    return losses.damsm_loss(r, w, i, s, **options)


def changed(**change):
    """The package's loss, with other arguments."""

    def loss(*arguments):
        return package(*arguments, **{name: other(*arguments) for name, other in change.items()})

    return loss


def halved_gradient(*arguments):
    loss = package(*arguments)
    return loss.detach() + (loss - loss.detach()) / 2


LOOKALIKES = {
    "caption_bonus": [
        (lambda T, g2, g3, divide: g3 * T.log10() / (g2 if divide else 1), "another logarithm"),
        (lambda T, g2, g3, divide: [g3 * (g2 + math.log(t)) / g2 ** divide for t in T],
         "the whole logit, not what it gains"),
        (lambda T, g2, g3, divide: torch.exp(g3 * T.log() / g2 ** divide), "the factor, not the summand"),
        (lambda T, g2, g3, divide: T.log() * g3 / g2 ** (not divide), "the switch turned round"),
        (lambda T, g2, g3, divide: (T.log() / g2 if divide else T.log()), "γ3 forgotten"),
        (lambda T, g2, g3, divide: g3 * T.double().sqrt() / g2 ** divide, None),
        (lambda T, g2, g3, divide: T.log(), None),
        (lambda T, g2, g3, divide: g3 * T.log() / g2 ** divide + 1, None),
        (lambda T, g2, g3, divide: g3 * torch.log2(T), None),
        (lambda T, g2, g3, divide: (g3 / g2 if divide else g3), None),
        (lambda T, g2, g3, divide: g3 * T.log().sum() / g2 ** divide, None),
    ],
    "class_mask": [
        (lambda c: torch.eq(c.view(-1, 1), c.view(1, -1)), "the mask hits the pairs themselves"),
        (lambda c: (c[:, None] - c[None]).bool(), "True where the classes differ"),
        (lambda c: [[int(a == b and i != j) for j, b in enumerate(c)] for i, a in enumerate(c)],
         "numbers where True and False were asked"),
        (lambda c: apart(c) * 1, "numbers where True and False were asked"),
        (lambda c: ~eye(len(c)), "every wrong text left out"),
        (lambda c: same(c).tril(-1), "one triangle only"),
        (lambda c: c[None] == torch.arange(len(c))[:, None], "classes compared with positions"),
        (lambda c: torch.where(apart(c), -INF, 0.0), "−inf and 0, to be added"),
        (lambda c: torch.where(apart(c), -1e9, 0.0), None),
        (lambda c: same(c).triu(), None),
        (lambda c: torch.ones(len(c), len(c)).bool(), None),
        (lambda c: torch.tensor([len(set(c.tolist())) < len(c)] * len(c)), None),
        (lambda c: (c[:, None] - c).abs() <= 1, None),
        (lambda c: apart(c)[0], None),
        (lambda c: ~apart(c) * 1, None),
        (lambda c: torch.isin(c, c[:1])[:, None] & torch.isin(c, c[:1]) & ~eye(len(c)), None),
    ],
    "masked_probabilities": [
        (lambda S, M, g: (g * S * ~M).softmax(1), "a score of 0 in place of −inf"),
        (lambda S, M, g: cut(S, M, g, -1.0).softmax(1), "some number in place of −inf"),
        (lambda S, M, g: cut(S, M, g, -20.0).softmax(1), "some number in place of −inf"),
        (lambda S, M, g: cut(S, M, g, 1.0).softmax(1), None),
        (lambda S, M, g: (g * S).softmax(1) * (1 - M.float()), "set to 0 after the softmax"),
        (lambda S, M, g: torch.where(M, INF, g * S).softmax(1), "the wrong sign of infinity"),
        (lambda S, M, g: (g * S - M * INF).softmax(1), "0 · (−inf) is no number"),
        (lambda S, M, g: cut(S, ~M, g).softmax(1), "the mask turned round"),
        (lambda S, M, g: cut(S.T, M.T, g).softmax(1).T, "the softmax runs along the wrong axis"),
        (lambda S, M, g: cut(S.T, M.T, g).softmax(1), "the softmax runs along the wrong axis"),
        (lambda S, M, g: (g * S.softmax(1)).masked_fill(M, 0), None),
        (lambda S, M, g: cut(S.T, M, g).softmax(1), None),
        (lambda S, M, g: torch.sigmoid(cut(S, M, g)), None),
        (lambda S, M, g: cut(S, M, g).exp(), None),
        (lambda S, M, g: cut(S, M, g), None),
        (lambda S, M, g: (g * S).softmax(0).masked_fill(M, 0), None),
        (lambda S, M, g: 100 * cut(S, M, g).softmax(1), None),
        (lambda S, M, g: cut(S, M | M.T, g).softmax(1), None),
    ],
    "both_directions": [
        (lambda S, M, g: [prices(cut(S, M, g).T).mean(), prices(cut(S, M, g)).mean()], "the columns first"),
        (lambda S, M, g: [prices(cut(S, M, g)).mean(), prices(cut(S.T, M, g)).mean()],
         "the mask turned over once too often or too rarely"),
        (lambda S, M, g: [prices(cut(x, torch.zeros_like(M), g)).mean() for x in (S, S.T)], "nothing is left out"),
        (lambda S, M, g: [prices(x).sum() for x in (cut(S, M, g), cut(S, M, g).T)], "the sum in place of the mean"),
        (lambda S, M, g: [prices(x).sum() / 32 for x in (cut(S, M, g), cut(S, M, g).T)],
         "the batch size of another batch"),
        (lambda S, M, g: [prices(x).sum() / x.numel() for x in (cut(S, M, g), cut(S, M, g).T)],
         "a mean over N×N cells"),
        (lambda S, M, g: [-cut(S, M, g).softmax(dim).log().trace() for dim in (1, 0)], "the sum in place of the mean"),
        (lambda S, M, g: [-(torch.eye(len(S)) * cut(S, M, g).log_softmax(dim)).sum() / len(S) for dim in (1, 0)],
         "0 times the logarithm of 0"),
        (lambda S, M, g: [cut(S, M, g).softmax(dim).diag().log().mean() for dim in (1, 0)], "the minus is missing"),
        (lambda S, M, g: [-(g * S).softmax(dim).masked_fill(M, 0).diag().log().mean() for dim in (1, 0)],
         "nothing is left out"),
        (lambda S, M, g: line(S, M, g), None),
        (lambda S, M, g: line(S, M, g) / 2, None),
        (lambda S, M, g: [prices(x).max() for x in (cut(S, M, g), cut(S, M, g).T)], None),
        (lambda S, M, g: [prices(x).median() for x in (cut(S, M, g), cut(S, M, g).T)], None),
        (lambda S, M, g: [prices(cut(S, M, g)), prices(cut(S, M, g).T)], None),
        (lambda S, M, g: [prices(cut(S, M, g).T).sum(), prices(cut(S, M, g)).sum()], None),
        (lambda S, M, g: [prices(x).sum() / (~M).sum() for x in (cut(S, M, g), cut(S, M, g).T)], None),
        (lambda S, M, g: [prices(x).exp().mean() for x in (cut(S, M, g), cut(S, M, g).T)], None),
    ],
    "whole_damsm": [
        (changed(class_ids=lambda *_: None), "the class mask is missing"),
        (changed(lengths=lambda *_: None), "the padding counted"),
        (changed(divide_by_gamma2=lambda *_: False), "the code's form, without 1/γ2"),
        (changed(gamma1=lambda *a: a[7], gamma2=lambda *a: a[6]), "γ1 and γ2 changed places"),
        (changed(gamma1=lambda *_: 5.0, gamma2=lambda *_: 5.0), "the usual γs in place of those given"),
        (changed(gamma1=lambda *_: 4.0), None),
        (lambda *arguments: whole(*arguments, mask=same), "no finite loss"),
        (lambda *arguments: package(*arguments) / 4, "averaged, not added"),
        (lambda *arguments: float(package(*arguments)), "the value is right, and no gradient comes back"),
        (lambda *arguments: whole(
            *arguments, line=lambda S, M, g: (prices(cut(S, M, g)) + prices(cut(S, M, g).T)).sum()),
         "the sum in place of the mean"),
        (lambda *arguments: whole(*arguments, line=lambda S, M, g: line(S * ~M, torch.zeros_like(M), g)),
         "a score of 0 in place of −inf"),
        (lambda *arguments: whole(*arguments, line=lambda S, M, g: 2 * prices(cut(S, M, g)).mean()), "the rows twice"),
        (lambda *arguments: whole(
            *arguments, line=lambda S, M, g: -(torch.eye(len(S)) * (
                cut(S, M, g).log_softmax(1) + cut(S, M, g).log_softmax(0))).sum() / len(S)),
         "0 times the logarithm of 0"),
        (lambda *arguments: whole(*arguments, mask=lambda c: ~eye(len(c))), "the wrong answers left out"),
        (lambda *arguments: losses.damsm_terms(*arguments[:5])[0], None),
        (lambda *arguments: package(*arguments, lengths=None, class_ids=None), None),
        (lambda *arguments: package(*arguments, class_ids=None) / 2, None),
        (lambda *arguments: whole(*arguments, twice=2), None),
        (lambda *arguments: 2 * package(*arguments), None),
        (halved_gradient, None),
        (lambda *arguments: losses.damsm_terms(*arguments[:5], class_ids=arguments[5]), None),
        (changed(gamma3=lambda *a: a[8] / 2), None),
    ],
}  # fmt: skip

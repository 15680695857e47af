"""The whole DAMSM loss with its gradient, in torch."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu import loops, losses, scores
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_06 import shared

_random = np.random.default_rng(6)


def _pairs(class_ids, lengths, regions, width, codes, gammas):
    """One batch; its padding holds numbers, so that it shows when it is counted."""
    n = len(class_ids)
    words = 1.5 * _random.normal(size=(n, max(lengths), width))
    seen = 1.5 * _random.normal(size=(n, regions, width)) + 0.5 * words[:, :1]
    texts = _random.normal(size=(n, codes)) * _random.uniform(0.5, 2, size=(n, 1))
    images = 0.6 * texts + _random.normal(size=(n, codes)) * _random.uniform(0.5, 2, size=(n, 1))
    features = [torch.tensor(x, dtype=torch.float32) for x in (seen, words, images, texts)]
    return *features, torch.tensor(lengths), torch.tensor(class_ids), *gammas


def _right_whole(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
    """The loss by loops; its gradients from the package, whose own tests hold them against gradients by hand."""
    gammas = {"gamma1": gamma1, "gamma2": gamma2, "gamma3": gamma3}
    leaves = [x.double().requires_grad_() for x in (regions, words, image_codes, sentence_codes)]
    arrays = [x.detach().numpy() for x in leaves]
    value = loops.damsm_loss(*arrays, lengths.numpy(), class_ids=class_ids.numpy(), **gammas)
    loss = losses.damsm_loss(*leaves, lengths, class_ids=class_ids, **gammas)
    return value, *(slope.numpy() for slope in torch.autograd.grad(loss, leaves))


def _no_mask(class_ids):
    return torch.zeros_like(shared.mask(class_ids))


def _cosines(images, texts):
    return F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T


def _whole(add=sum, *, terms=lambda logits: (shared.prices(logits), shared.prices(logits.T)),
           by_words=scores.word_region_scores, cosines=_cosines, options=dict,
           before=lambda *features: features, masks=(shared.mask, shared.mask), logits=shared.logits, padding=False,
           scale=lambda gamma3: (gamma3, gamma3)):  # fmt: skip
    """The exercise, with another idea of one of its parts.

    add: of the four terms, those of the words first, images → texts before texts → images. terms: of one kind, from
    its logits. options: of the words' scores, from gamma1 and gamma2 as they are named. logits: from scores, mask and
    γ3. masks, scale: for the words, and for the sentences.
    """

    def whole(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
        regions, words, image_codes, sentence_codes = before(regions, words, image_codes, sentence_codes)
        kinds = (by_words(regions, words, None if padding else lengths, **options(gamma1=gamma1, gamma2=gamma2)),
                 cosines(image_codes, sentence_codes))  # fmt: skip
        return add([term for S, mask, gamma in zip(kinds, masks, scale(gamma3), strict=True)
                    for term in terms(logits(S, mask(class_ids), gamma))])  # fmt: skip

    return whole


def _one_direction_masked(rows, columns):
    """No −inf in one of the two directions."""
    return _whole(logits=lambda S, M, gamma3: (gamma3 * S, M), terms=lambda of: (
        shared.prices(of[0].masked_fill(of[1] & rows, -math.inf)),
        shared.prices(of[0].T.masked_fill(of[1].T & columns, -math.inf))))


def _added_scores(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3, share=1.0):
    S = scores.word_region_scores(regions, words, lengths, gamma1=gamma1, gamma2=gamma2)
    logits = shared.logits(share * (S + _cosines(image_codes, sentence_codes)), shared.mask(class_ids), gamma3)
    return shared.prices(logits) + shared.prices(logits.T)


def _of_sentence_pulls(run, arguments, parts):
    """How strongly do the terms of the sentences pull image i towards text j?"""
    return -parts[3] @ F.normalize(arguments[3].double(), dim=1).numpy().T


whole_damsm = Exercise(
    name="whole_damsm",
    takes=("regions", "words", "image_codes", "sentence_codes", "lengths", "class_ids", "gamma1", "gamma2", "gamma3"),
    gives=(Part("the loss"),),
    right=_right_whole,
    gradients=(0, 1, 2, 3),
    cases={
        "one pair": _pairs([0], [2], 3, 4, 5, (5.0, 5.0, 10.0)),
        "2 pairs of two classes": _pairs([4, 7], [3, 3], 2, 3, 3, (4.0, 6.0, 10.0)),
        "2 pairs of one class": _pairs([5, 5], [2, 4], 3, 3, 2, (4.0, 5.0, 8.0)),
        "4 pairs, three of one class, 1 to 5 words": _pairs([6, 1, 6, 6], [5, 1, 3, 2], 4, 6, 4, (4.0, 2.0, 6.0)),
        "5 pairs, two and two of one class, 2 to 6 words": _pairs(
            [2, 8, 8, 0, 2], [4, 2, 6, 3, 3], 6, 8, 6, (2.0, 3.0, 3.0)),
    },
    error=2e-4,
    picture=(_of_sentence_pulls, "gradient", "How the sentence terms pull each image towards each text"),
    misconceptions=(
        Misconception(
            "the words only",
            "Your loss is that of words and regions. The whole sentence with the whole image is missing: its cosines "
            "get a loss of their own, in both directions.",
            _whole(lambda terms: sum(terms[:2])),
        ),
        Misconception(
            "the sentences only",
            "Your loss is that of whole images and whole sentences. The scores of words and regions are missing: they "
            "get a loss of their own, in both directions.",
            _whole(lambda terms: sum(terms[2:])),
        ),
        Misconception(*ideas.ROWS_ONLY, *[_whole(lambda terms, k=k: terms[k] + terms[k + 2]) for k in (0, 1)]),
        Misconception(
            "the rows twice",
            "Your second direction did not turn the scores over, so both softmaxes run along the rows (or both down "
            "the columns). P(image | text) needs scores.T, and mask.T with it.",
            _whole(lambda terms: 2 * (terms[0] + terms[2])), _whole(lambda terms: 2 * (terms[1] + terms[3])),
        ),
        Misconception(
            "one direction of one kind is missing",
            "Three of the four terms are there. Words and sentences both ask in both directions.",
            *[_whole(lambda terms, k=k: sum(terms) - terms[k]) for k in range(4)],
        ),
        Misconception(
            "one term of the four",
            "Yours is one direction of one kind of score. Words and sentences both ask in both directions, and the "
            "four losses are added.",
            *[_whole(lambda terms, k=k: terms[k]) for k in range(4)],
        ),
        Misconception(
            "averaged, not added",
            "The four terms are there, and you divided their sum by 2 or by 4. In this loss they are added: where "
            "all scores are equal and nothing is left out, that costs 4 · ln N.",
            _whole(lambda terms: sum(terms) / 2), _whole(lambda terms: sum(terms) / 4),
        ),
        Misconception(*ideas.SUM_FOR_MEAN, _whole(terms=lambda logits: (
            shared.prices(logits, reduction="sum"), shared.prices(logits.T, reduction="sum")))),
        Misconception(*ideas.MEAN_OVER_N2, _whole(terms=lambda logits: [
            shared.prices(x) / len(x) for x in (logits, logits.T)])),
        Misconception(
            "the class mask is missing",
            "The texts of an image's own class are still in its softmax, or left it when it was done. They may "
            "describe the image as well as its own text does, and you punish the model for saying so.",
            _whole(masks=(_no_mask, _no_mask)),
        ),
        Misconception(
            "the wrong answers left out",
            "You left out the texts of other classes, or all but the right one. Those are the wrong answers that the "
            "loss needs; only a rival of the same class is left out.",
            _whole(masks=(lambda c: ~shared.same(c), lambda c: ~shared.same(c))),
            _whole(masks=(lambda c: ~shared.own(c), lambda c: ~shared.own(c))),
        ),
        Misconception(
            "the class mask in one place only",
            "Only the words have the mask, or only the sentences, or one direction of both. A text of the same class "
            "is no wrong answer in any of the four softmaxes.",
            _whole(masks=(shared.mask, _no_mask)), _whole(masks=(_no_mask, shared.mask)),
            _one_direction_masked(True, False), _one_direction_masked(False, True),
        ),
        Misconception(*ideas.MASK_ZERO, _whole(logits=lambda S, M, gamma3: shared.logits(S, M, gamma3, 0))),
        Misconception(*ideas.NO_FINITE_LOSS, _whole(masks=(shared.same, shared.same)),
                      _whole(masks=(lambda c: ~shared.mask(c), lambda c: ~shared.mask(c))),
                      _whole(masks=(shared.mask, shared.same)), _whole(masks=(shared.same, shared.mask)),
                      _whole(logits=lambda S, M, gamma3: gamma3 * S + M * -math.inf)),
        Misconception(*ideas.ZERO_TIMES_LOG, _whole(terms=lambda logits: [
            -(torch.eye(len(logits)) * P.log()).sum() / len(logits) for P in (logits.softmax(1), logits.softmax(0))]),
                      _whole(terms=lambda logits: [F.cross_entropy(x, torch.eye(len(x))) for x in (logits, logits.T)])),
        Misconception(
            "the value is right, and the gradient is no number",
            "You took log P of pairs that are left out, −inf, and mended it afterwards. On the way back the slope of "
            "log at 0 is infinite, and 0 times that is NaN: take log_softmax of the logits, or the logarithm of "
            "the right texts' P alone.",
            _whole(terms=lambda logits: [-(torch.eye(len(logits)) * P.log().nan_to_num(neginf=0)).sum() / len(logits)
                                         for P in (logits.softmax(1), logits.softmax(0))]),
        ),
        Misconception(
            "the padding counted",
            "The lengths did not reach the scores. What stands behind the last word of a text is no word: it must "
            "neither look at regions nor add to R.",
            _whole(padding=True),
        ),
        Misconception(
            "γ3 on one kind only",
            "Only the words have γ3, or only the sentences. Both kinds of score are about as small as cosines, "
            "and both are stretched before their softmax.",
            _whole(scale=lambda gamma3: (gamma3, 1.0)), _whole(scale=lambda gamma3: (1.0, gamma3)),
        ),
        Misconception(*ideas.GAMMA3_FORGOTTEN, _whole(scale=lambda gamma3: (1.0, 1.0))),
        Misconception(*ideas.GAMMA3_DIVIDES, _whole(scale=lambda gamma3: (1 / gamma3, 1 / gamma3))),
        Misconception(*ideas.GAMMA3_AFTER, lambda *arguments: arguments[-1] * _whole()(*arguments[:-1], 1.0)),
        Misconception(
            "regions and words changed places",
            "You handed the words in where the regions belong. The images come first, as everywhere: regions, words, "
            "lengths.",
            _whole(by_words=lambda r, w, T, **options: scores.word_region_scores(w, r, T, **options)),
            _whole(by_words=lambda r, w, T, **options: scores.word_region_scores(w, r, **options)),
        ),
        Misconception(
            "γ1 and γ2 changed places",
            "You gave γ1 where γ2 belongs. γ1 says how sharply a word looks at regions, γ2 how much the best word "
            "counts among the words: write gamma1=gamma1, gamma2=gamma2.",
            _whole(options=lambda gamma1, gamma2: {"gamma1": gamma2, "gamma2": gamma1}),
        ),
        Misconception(
            "the usual γs in place of those given",
            "One γ or more did not reach its place: you have the scores, or the softmax, of the usual 5, 5 and 10. "
            "They are arguments here, and others are asked for too.",
            _whole(options=lambda gamma1, gamma2: {}), _whole(options=lambda gamma1, gamma2: {"gamma1": gamma1}),
            _whole(options=lambda gamma1, gamma2: {"gamma2": gamma2}), _whole(scale=lambda gamma3: (10.0, 10.0)),
            _whole(options=lambda gamma1, gamma2: {}, scale=lambda gamma3: (10.0, 10.0)),
        ),
        Misconception(
            "the code's form, without 1/γ2",
            "You left 1/γ2 out of R, as AttnGAN's published code does. The paper divides by γ2, and the package does "
            "so if you ask for nothing else.",
            _whole(options=lambda **gammas: {**gammas, "divide_by_gamma2": False}),
        ),
        Misconception(
            "another attention",
            "You switched off the competition of the words, or took cosines where the paper has dot products. Both are "
            "choices of the package, and the paper's are what it does unasked.",
            _whole(options=lambda **gammas: {**gammas, "compete_over_words": False}),
            _whole(options=lambda **gammas: {**gammas, "attention": "cosine"}),
            _whole(options=lambda **gammas: {**gammas, "compete_over_words": False, "attention": "cosine"}),
        ),
        Misconception(*ideas.NO_LENGTHS, _whole(cosines=lambda images, texts: images @ texts.T)),
        Misconception(*ideas.ONE_LENGTH, _whole(cosines=lambda images, texts: F.normalize(images, dim=1) @ texts.T),
                      _whole(cosines=lambda images, texts: images @ F.normalize(texts, dim=1).T)),
        Misconception(*ideas.BATCH_AXIS, _whole(
            cosines=lambda images, texts: F.normalize(images, dim=0) @ F.normalize(texts, dim=0).T)),
        Misconception(
            "one softmax for both kinds",
            "You added the two kinds of score, or averaged them, and made one loss of them. Each kind has its own "
            "softmax and its own loss; only the losses are added.",
            *[lambda *arguments, times=times, share=share: times * _added_scores(*arguments, share=share)
              for times in (1, 2) for share in (1.0, 0.5)],
        ),
        Misconception(
            "probabilities where logits belong",
            "You handed cross_entropy a softmax (or one of your own came before it). The softmax is inside already: it "
            "wants γ3 · S, with −inf where the mask is True, and nothing else.",
            _whole(terms=lambda logits: (shared.prices(logits.softmax(1)), shared.prices(logits.T.softmax(1)))),
            _whole(logits=lambda S, M, gamma3: shared.logits(S, M, gamma3).softmax(1)),
        ),
        Misconception(
            "the class numbers as labels",
            "You gave class_ids to the loss as its labels. The label of an image is the column of its own text, 0, 1 "
            "and so on in this batch; the classes only say what to leave out.",
            *[lambda *arguments, mask=mask: _whole(masks=(mask, mask), terms=lambda logits: (
                shared.prices(logits, arguments[5]), shared.prices(logits.T, arguments[5])))(*arguments)
              for mask in (shared.mask, _no_mask)],
        ),
        Misconception(*ideas.MISSING_MINUS, _whole(lambda terms: -sum(terms))),
        Misconception(*ideas.DETACHED, _whole(lambda terms: sum(terms).detach())),
        Misconception(
            "a part of it is detached",
            "The value is right, and one side, or one kind of score, gets no gradient: it was cut off on the way (by "
            ".detach(), .data, .item() or no_grad). Two encoders learn from this loss, and both from words and "
            "sentences.",
            *[_whole(before=lambda *x, cut=cut: [y.detach() if place in cut else y for place, y in enumerate(x)])
              for cut in ((0, 2), (1, 3), (0, 1), (2, 3), (0,), (1,), (2,), (3,))],
        ),
    ),
)  # fmt: skip

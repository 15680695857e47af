"""Chapter 06, the whole DAMSM: what a long text gains, the class mask, the softmax without what it leaves out, both
directions, and the total of four means, with its gradient, in torch."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu import loops, losses, scores
from xmatch_edu.check import ideas, pictures
from xmatch_edu.check.answers import Part
from xmatch_edu.check.engine import Exercise, Misconception

TITLE = "06 The whole DAMSM"
NOTEBOOK = "06_the_whole_damsm.ipynb"

_random = np.random.default_rng(6)


def _right_bonus(lengths, gamma2, gamma3, divide_by_gamma2):
    """The difference of two logits by loops, for a cosine of 1: every word is the one region itself."""

    def logit(words):
        options = {"gamma2": gamma2, "divide_by_gamma2": divide_by_gamma2}
        return gamma3 * loops.word_region_steps(np.eye(1), np.ones((words, 1)), **options).score

    return np.array([logit(length) - logit(1) for length in lengths.tolist()])


def _bonus(of_length, factor=lambda gamma2, gamma3, divide: gamma3 / gamma2 if divide else gamma3):
    """The exercise, with another idea of what to do with the lengths, or with the γs."""
    return lambda lengths, gamma2, gamma3, divide: factor(gamma2, gamma3, divide) * of_length(lengths.double())


caption_bonus = Exercise(
    name="caption_bonus",
    takes=("lengths", "gamma2", "gamma3", "divide_by_gamma2"),
    gives=(Part("the bonus", "one number per text"),),
    right=_right_bonus,
    cases={
        "one text of 6 words, as the paper has it": (torch.tensor([6]), 5.0, 10.0, True),
        "one text of 6 words, as the code has it": (torch.tensor([6]), 5.0, 10.0, False),
        "1, 4, 12 and 20 words, as the paper has it": (torch.tensor([1, 4, 12, 20]), 4.0, 10.0, True),
        "3, 18, 2, 7 and 7 words, as the code has it": (torch.tensor([3, 18, 2, 7, 7]), 0.5, 3.0, False),
        "5 and 9 words, γ2 = 25, as the paper has it": (torch.tensor([5, 9]), 25.0, 2.0, True),
    },
    picture=(pictures.of_line, ("scores", "bonus", "texts"), "The bonus of each text"),
    misconceptions=(
        Misconception(
            "the number of words itself, not its logarithm",
            "Your bonus grows with T. The words are added up inside a logarithm, so T equal words give ln T: twenty "
            "words gain 1.3 times as much as ten, not twice as much.",
            _bonus(lambda T: T), _bonus(lambda T: T - 1),
        ),
        Misconception(
            "another logarithm",
            "Your log is not the natural one: base 2 makes the bonus 1.44 times as large, base 10 makes it 0.43 times. "
            "The formula means the inverse of exp, which NumPy and torch call log.",
            _bonus(torch.log2), _bonus(torch.log10),
        ),
        Misconception(
            "one word too many or too few",
            "You took the logarithm of T + 1, or of T − 1. A text of one word must get 0, since it is what the others "
            "are compared with: ln T does that.",
            _bonus(torch.log1p), _bonus(lambda T: (T - 1).log()),
        ),
        Misconception(
            "γ3 forgotten",
            "Yours is what R gains. The logit is γ3 · R, so all that R gains is multiplied by γ3 too.",
            _bonus(torch.log, lambda gamma2, gamma3, divide: 1 / gamma2 if divide else 1.0),
        ),
        Misconception(
            "1/γ2 left out of both",
            "You gave the code's bonus every time. In the paper's form R is divided by γ2, and all that it gains with "
            "it.",
            _bonus(torch.log, lambda gamma2, gamma3, divide: gamma3),
        ),
        Misconception(
            "1/γ2 in both",
            "You gave the paper's bonus every time. The code leaves 1/γ2 out of R, and the bonus is not made smaller "
            "by it.",
            _bonus(torch.log, lambda gamma2, gamma3, divide: gamma3 / gamma2),
        ),
        Misconception(
            "the switch turned round",
            "You divided by γ2 where it is left out, and not where it belongs. divide_by_gamma2=True is the paper's "
            "form.",
            _bonus(torch.log, lambda gamma2, gamma3, divide: gamma3 if divide else gamma3 / gamma2),
        ),
        Misconception(
            "γ2 multiplies",
            "You multiplied by γ2. It stands inside exp, beside the cosine, and not beside the number of words: it "
            "reaches the bonus only through the factor 1/γ2 before the logarithm.",
            _bonus(torch.log, lambda gamma2, gamma3, divide: gamma3 * gamma2),
            _bonus(torch.log, lambda gamma2, gamma3, divide: gamma3 * gamma2 if divide else gamma3),
            _bonus(torch.log, lambda gamma2, gamma3, divide: gamma3 if divide else gamma3 * gamma2),
        ),
        Misconception(
            "γ2 and γ3 changed places",
            "You multiplied by γ2, and divided by γ3 where a division is asked for. γ2 is inside R, which is divided "
            "by it; γ3 multiplies the finished R.",
            _bonus(torch.log, lambda gamma2, gamma3, divide: gamma2 / gamma3 if divide else gamma2),
        ),
        Misconception(
            "γ3 divides",
            "You divided by γ3. That is right for a temperature, which is 1/γ3; the logit is γ3 · R.",
            _bonus(torch.log, lambda gamma2, gamma3, divide: 1 / (gamma2 * gamma3) if divide else 1 / gamma3),
        ),
        Misconception(
            "a γ inside the logarithm",
            "One of your γs stands inside the logarithm. There it would be added, as ln γ + ln T; γ3 and 1/γ2 stand "
            "before the logarithm and multiply it.",
            lambda T, gamma2, gamma3, divide: (gamma3 * T).log() / (gamma2 if divide else 1),
            lambda T, gamma2, gamma3, divide: gamma3 * (gamma2 * T).log() / (gamma2 if divide else 1),
            lambda T, gamma2, gamma3, divide: (gamma3 * T / (gamma2 if divide else 1)).log(),
            lambda T, gamma2, gamma3, divide: gamma3 * (T / (gamma2 if divide else 1)).log(),
        ),
        Misconception(
            "the whole logit, not what it gains",
            "Yours is the logit of a text whose cosines are all 1. Subtract what a text of one word with that cosine "
            "has: γ2 times the cosine goes, and ln T stays.",
            lambda T, gamma2, gamma3, divide: gamma3 * (T.log() + gamma2) / (gamma2 if divide else 1),
        ),
        Misconception(
            "a mean over the words",
            "Your bonus is 0 for every text. That would be so if R averaged over the words; it adds up, and the "
            "logarithm of a sum of T equal things is larger by ln T.",
            _bonus(torch.zeros_like),
        ),
        Misconception(
            "compared with another text of the batch",
            "You compared with the shortest, the longest or the average text of the batch. Each is compared with a "
            "text of one word, whatever else is in the batch.",
            _bonus(lambda T: (T / T.min()).log()), _bonus(lambda T: (T / T.max()).log()),
            _bonus(lambda T: (T / T.mean()).log()), _bonus(lambda T: T.log() - T.log().mean()),
        ),
        Misconception(
            "the factor, not the summand",
            "Yours is the factor by which exp(logit) grows, T to the power γ3 (or γ3/γ2). Asked for is what the logit "
            "itself gains: the logarithm of that.",
            lambda T, gamma2, gamma3, divide: T.double() ** (gamma3 / gamma2 if divide else gamma3),
        ),
        Misconception(
            "the wrong sign",
            "Yours says that a long text loses. More words make the sum larger, and so the logit: the bonus is "
            "positive.",
            _bonus(lambda T: -T.log()),
        ),
    ),
)  # fmt: skip


def _same(class_ids):
    return class_ids[:, None] == class_ids


def _eye(class_ids):
    return torch.eye(len(class_ids), dtype=torch.bool)


def _mask(class_ids):
    return _same(class_ids) & ~_eye(class_ids)


def _literal_mask(class_ids):
    n = len(class_ids)
    return np.array([[i != j and int(class_ids[i] == class_ids[j]) for j in range(n)] for i in range(n)])


class_mask = Exercise(
    name="class_mask",
    takes=("class_ids",),
    gives=(Part("the mask", "one row per image, one column per text", "bool"),),
    right=_literal_mask,
    cases={
        "one pair": (torch.tensor([2]),),
        "2 pairs of one class": (torch.tensor([7, 7]),),
        "3 pairs, classes 5, 2 and 5": (torch.tensor([5, 2, 5]),),
        "4 pairs of four classes": (torch.tensor([3, 0, 1, 2]),),
        "6 pairs, three of one class and two of another": (torch.tensor([4, 1, 4, 9, 1, 4]),),
    },
    picture=(pictures.of_part(0), "labels", "The mask, True drawn as 1"),
    misconceptions=(
        Misconception(
            "the mask hits the pairs themselves",
            "Each image is of its own class, so your diagonal is True. The right text must stay in its softmax: "
            "without it there is no right answer left.",
            _same,
        ),
        Misconception(
            "turned round: True for what stays",
            "Yours says which texts stay in the softmax. Asked for is the other thing, as in the package and in "
            "masked_fill: True where a pair is left out.",
            lambda c: ~_mask(c),
        ),
        Misconception(
            "True where the classes differ",
            "You left out the texts of other classes. Those are the wrong answers that the loss needs; the doubtful "
            "ones are those of the same class.",
            lambda c: ~_same(c),
        ),
        Misconception(
            "every wrong text left out",
            "All is True but the diagonal, whatever the classes are. Then the right text has no rival, and the loss is "
            "always 0: only a rival of the same class is left out.",
            lambda c: ~_eye(c),
        ),
        Misconception(
            "True on the diagonal only",
            "You marked the pairs themselves, and nothing else. They are just what must not be left out: text i is the "
            "right one for image i.",
            _eye,
        ),
        Misconception(
            "one triangle only",
            "Half of your mask is missing. If image 0 and text 2 are of one class, so are image 2 and text 0: (0, 2) "
            "and (2, 0) are both True.",
            lambda c: _mask(c).triu(), lambda c: _mask(c).tril(),
        ),
        Misconception(
            "nothing is left out",
            "Your mask is False everywhere, which is right only where no class comes twice. Compare each class with "
            "each: class_ids[:, None] against class_ids[None, :].",
            lambda c: torch.zeros_like(_eye(c)),
        ),
        Misconception(
            "classes compared with positions",
            "You compared a class with the number of a row or a column. Class 2 has nothing to do with text 2: compare "
            "the class of image i with the class of text j.",
            *[lambda c, f=f: f(c[:, None] == torch.arange(len(c)), c) for f in (
                lambda m, c: m, lambda m, c: m.T, lambda m, c: m & ~_eye(c), lambda m, c: m.T & ~_eye(c))],
        ),
        Misconception(
            "a whole row for one twin",
            "An image whose class comes twice has lost all its texts, or all but its own. Only the text of the same "
            "class is left out, and the others of its row stay.",
            lambda c: (_mask(c).any(1, keepdim=True) & ~_eye(c)).expand(len(c), len(c)),
            lambda c: (_mask(c).any(0, keepdim=True) & ~_eye(c)).expand(len(c), len(c)),
            lambda c: _mask(c).any(1, keepdim=True).expand(len(c), len(c)),
            lambda c: _mask(c).any(0, keepdim=True).expand(len(c), len(c)),
        ),
        Misconception(
            "numbers where True and False were asked",
            "The places are right, and they hold 0 and 1 as numbers. masked_fill refuses those, and ~ of the number 1 "
            "is −2: a comparison gives True and False, and & keeps them.",
            *[lambda c, dtype=dtype: _mask(c).to(dtype)
              for dtype in (torch.int64, torch.int32, torch.uint8, torch.float32, torch.float64)],
            lambda c: _mask(c).int().tolist(),
        ),
        Misconception(
            "−inf and 0, to be added",
            "Yours is what one could add to the logits: −inf for what is left out, 0 for the rest. Here the question "
            "comes first, which pairs those are: True and False.",
            lambda c: torch.zeros(len(c), len(c)).masked_fill(_mask(c), -math.inf),
            lambda c: torch.zeros(len(c), len(c)).double().masked_fill(_mask(c), -math.inf),
        ),
    ),
)  # fmt: skip


def _batch(n, gamma3, masked=(), middle=0.0, width=0.4):
    """Cosines, the own pairs a little better than the others. masked: (image, text); no symmetry is asked for."""
    S = np.clip(middle + width * (0.75 * np.eye(n) + _random.normal(size=(n, n))), -1, 1)
    mask = torch.zeros(n, n, dtype=torch.bool)
    for i, j in masked:
        mask[i, j] = True
    return torch.tensor(S, dtype=torch.float32), mask, gamma3


_BATCHES = {
    "one pair": _batch(1, 10.0),
    "2 pairs, each with the other's text left out": _batch(2, 10.0, [(0, 1), (1, 0)]),
    "3 pairs, nothing left out": _batch(3, 4.0),
    "3 pairs, only text 2 left out for image 0": _batch(3, 4.0, [(0, 2)]),
    "5 pairs, γ3 = 10": _batch(5, 10.0, [(0, 3), (3, 0), (1, 2), (4, 2)]),
    "5 pairs, γ3 = ½": _batch(5, 0.5, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 4)]),
    "3 pairs, none of them alike": _batch(3, 20.0, [(0, 1), (1, 0)], -0.9, 0.06),  # logits as low as −18
}


def _right_probabilities(S, mask, gamma3):
    return loops.matching_steps(S.double().numpy(), scale=gamma3, mask=mask.numpy()).probabilities


def _logits(S, mask, gamma3, fill=-math.inf):
    return (gamma3 * S).masked_fill(mask, fill)


def _own(S):
    return torch.eye(len(S), dtype=torch.bool)


def _shares(change=lambda S: S, mask=lambda mask: mask, of=lambda S, mask, gamma3: _logits(S, mask, gamma3), dim=1):
    """The exercise, with another idea of the scores, of the mask, or of the logits."""
    return lambda S, M, gamma3: of(change(S), mask(M), gamma3).softmax(dim)


def _filled(fill):
    return _shares(of=lambda S, M, gamma3: _logits(S, M, gamma3, fill(gamma3)))


masked_probabilities = Exercise(
    name="masked_probabilities",
    takes=("scores", "mask", "gamma3"),
    gives=(Part("P(text | image)", "one row per image, one column per text"),),
    right=_right_probabilities,
    cases=_BATCHES,
    error=1e-4,
    picture=(pictures.of_part(0), "probabilities", "P(text | image)"),
    misconceptions=(
        Misconception(*ideas.MASK_ZERO, _filled(lambda gamma3: 0)),
        Misconception(
            "some number in place of −inf",
            "The pairs that are left out have a low score, and still a part of the 1. No number is sure to be low "
            "enough, since exp of it is above 0: exp(−inf) is 0.",
            *[_filled(lambda gamma3, low=low: -low) for low in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)],
            *[_filled(lambda gamma3, low=low: -low * gamma3) for low in (1, 2, 5, 10)],
        ),
        Misconception(
            "set to 0 after the softmax",
            "The pairs that are left out took their part of the 1 first, and then you threw it away: a row sums to "
            "less than 1. Leave them out before the softmax (or divide each row by its sum again).",
            lambda S, M, gamma3: (gamma3 * S).softmax(1).masked_fill(M, 0),
        ),
        Misconception(
            "left out below the line only",
            "The sum below the line is right, but above it the pairs that are left out are still there. A row sums to "
            "more than 1: they need P = 0.",
            lambda S, M, gamma3: (gamma3 * S - _logits(S, M, gamma3).logsumexp(1, keepdim=True)).exp(),
        ),
        Misconception(
            "the mask turned round",
            "You left out what should stay, and kept what the mask marks. True means left out: masked_fill(mask, …) "
            "changes the places where the mask is True.",
            _shares(mask=lambda M: ~M), lambda S, M, gamma3: (gamma3 * S).softmax(1) * M,
            lambda S, M, gamma3: (gamma3 * S * M).softmax(1), lambda S, M, gamma3: F.normalize(
                (gamma3 * S).softmax(1) * M, p=1, dim=1),
        ),
        Misconception(
            "the mask turned over",
            "You used mask.T, so where (0, 2) should be left out it was (2, 0). Row i of the mask is image i, as in "
            "the scores: both are used as they are.",
            _shares(mask=lambda M: M.T),
        ),
        Misconception(*ideas.MASK_IGNORED, _shares(mask=torch.zeros_like)),
        Misconception(*ideas.MASK_HITS_PAIRS, _shares(mask=lambda M: M | _own(M))),
        Misconception(
            "0 · (−inf) is no number",
            "You multiplied the mask by −inf. Where the mask is False that is 0 · (−inf), which is NaN and spreads "
            "over the row: let masked_fill or where choose the places instead.",
            lambda S, M, gamma3: (gamma3 * S + M * -math.inf).softmax(1),
        ),
        Misconception(
            "the wrong sign of infinity",
            "You put +inf where −inf belongs, or subtracted −inf. exp(+inf) is infinite, and a row with it comes out "
            "as NaN; exp(−inf) is 0.",
            _filled(lambda gamma3: math.inf),
        ),
        Misconception(
            "the softmax runs along the wrong axis",
            "Your columns sum to 1, not your rows. P(text | image) shares a 1 among the texts of one image, and they "
            "stand in its row: dim=1.",
            _shares(dim=0), lambda S, M, gamma3: _logits(S, M, gamma3).T.softmax(1),
        ),
        Misconception(*ideas.WHOLE_MATRIX,
                      lambda S, M, gamma3: _logits(S, M, gamma3).flatten().softmax(0).view_as(S)),
        Misconception(*ideas.GAMMA3_FORGOTTEN, lambda S, M, gamma3: _logits(S, M, 1).softmax(1)),
        Misconception(*ideas.GAMMA3_DIVIDES, lambda S, M, gamma3: _logits(S, M, 1 / gamma3).softmax(1)),
        Misconception(*ideas.GAMMA3_AFTER, lambda S, M, gamma3: gamma3 * _logits(S, M, 1).softmax(1)),
        Misconception(*ideas.SOFTMAX_TWICE, lambda S, M, gamma3: _logits(S, M, gamma3).softmax(1).softmax(1),
                      lambda S, M, gamma3: _logits((gamma3 * S).softmax(1), M, 1).softmax(1),
                      lambda S, M, gamma3: _logits(_logits(S, M, gamma3).softmax(1), M, 1).softmax(1)),
        Misconception(
            "the logarithm of P",
            "Yours are log P: none is above 0, and what is left out is −inf. Here P itself is asked for, softmax and "
            "not log_softmax.",
            lambda S, M, gamma3: _logits(S, M, gamma3).log_softmax(1),
        ),
    ),
)  # fmt: skip


def _right_directions(S, mask, gamma3):
    S, mask = S.double().numpy(), mask.numpy()
    return tuple(loops.matching_loss(S, scale=gamma3, mask=mask, direction=direction)
                 for direction in ("image_to_text", "text_to_image"))  # fmt: skip


def _prices(logits, labels=None, **options):
    """Of the rows of these logits."""
    return F.cross_entropy(logits, torch.arange(len(logits)) if labels is None else labels, **options)


def _from_logits(rows=_prices, columns=None, logits=_logits):
    """The exercise, with another idea of what to do with the logits; the columns get them turned over."""
    return lambda S, M, gamma3: (rows(logits(S, M, gamma3)), (columns or rows)(logits(S, M, gamma3).T))


def _two_masks(rows, columns):
    """The exercise, with another mask for the rows of S, and another for the rows of S.T."""
    return lambda S, M, gamma3: (_prices(_logits(S, rows(M), gamma3)), _prices(_logits(S.T, columns(M), gamma3)))


def _pieces(price):
    """The exercise from P and the match matrix of one direction: (N, N) -> one number."""
    return _from_logits(lambda logits: price(logits.softmax(1), torch.eye(len(logits))))


_both = _from_logits()
_OTHER_SIZES = (2, 4, 8, 16, 32, 48, 64)  # a batch size that stood somewhere else


def _of_nudges(run, arguments, parts):
    """How both losses together answer when a score is nudged."""

    def total(moved):
        return (sum(float(loss) for loss in run((torch.from_numpy(moved[0]), *moved[1:]))),)

    return pictures.of_nudges(total, (arguments[0].double().numpy(), *arguments[1:]), parts)


both_directions = Exercise(
    name="both_directions",
    takes=("scores", "mask", "gamma3"),
    gives=(Part("the loss image → text"), Part("the loss text → image")),
    right=_right_directions,
    cases=_BATCHES,
    error=1e-4,
    picture=(_of_nudges, "gradient", "How the two losses together answer when a score is nudged"),
    misconceptions=(
        Misconception(
            "the columns first",
            "Both losses are there, in the other order. The first one is image → text: a softmax along the rows, in "
            "which the texts of one image compete.",
            lambda S, M, gamma3: _both(S, M, gamma3)[::-1],
        ),
        Misconception(
            "the rows twice",
            "Your two losses are one and the same. For text → image the softmax runs down the columns: the same line, "
            "with the scores and the mask turned over.",
            lambda S, M, gamma3: (_both(S, M, gamma3)[0],) * 2, lambda S, M, gamma3: (_both(S, M, gamma3)[1],) * 2,
        ),
        Misconception(
            "the mask in one direction only",
            "One of your two losses has the mask, the other has not. Image i and text j are of one class whichever of "
            "the two is asked.",
            _two_masks(lambda M: M, torch.zeros_like), _two_masks(torch.zeros_like, lambda M: M.T),
        ),
        Misconception(
            "the mask turned over once too often or too rarely",
            "In one direction the mask and the scores do not lie alike. Rows of both are images, columns are texts: "
            "scores with mask, scores.T with mask.T. A mask from classes is the same on its side, but not every mask "
            "is.",
            _two_masks(lambda M: M, lambda M: M), _two_masks(lambda M: M.T, lambda M: M.T),
            _two_masks(lambda M: M.T, lambda M: M),
        ),
        Misconception(*ideas.MASK_IGNORED, _two_masks(torch.zeros_like, torch.zeros_like)),
        Misconception(*ideas.MASK_ZERO, _from_logits(logits=lambda S, M, gamma3: _logits(S, M, gamma3, 0))),
        Misconception(*ideas.NO_FINITE_LOSS,
                      _two_masks(lambda M: M | _own(M), lambda M: M.T | _own(M)),
                      _two_masks(lambda M: ~M, lambda M: ~M.T),
                      _from_logits(logits=lambda S, M, gamma3: gamma3 * S + M * -math.inf)),
        Misconception(*ideas.ZERO_TIMES_LOG, _pieces(lambda P, Y: -(Y * P.log()).sum(1).mean())),
        Misconception(
            "all cells, not only the matches",
            "You added up −log P of every cell. Only the right text of each row counts; the others are in its P "
            "already, below the line, and those that are left out have an infinite −log P.",
            _pieces(lambda P, Y: -P.log().mean()), _pieces(lambda P, Y: -P.log().sum(1).mean()),
        ),
        Misconception(*ideas.SUM_FOR_MEAN, _from_logits(lambda logits: _prices(logits, reduction="sum"))),
        Misconception(
            "the batch size of another batch",
            "Your labels, or your division, belong to a batch of a fixed size. The last batch of an epoch is smaller, "
            "and this one may be of any size: take N from the scores, as torch.arange(len(scores)).",
            *[_from_logits(lambda logits, n=n: _prices(logits, torch.arange(n))) for n in _OTHER_SIZES],
            *[_from_logits(lambda logits, n=n: _prices(logits, reduction="sum") / n) for n in _OTHER_SIZES],
            *[_pieces(lambda P, Y, n=n: sum(-P[i, i].log() for i in range(n)) / n) for n in _OTHER_SIZES],
        ),
        Misconception(*ideas.MEAN_OVER_N2, _from_logits(lambda logits: _prices(logits) / len(logits)),
                      _pieces(lambda P, Y: -(Y * P.log()).mean())),
        Misconception(*ideas.MISSING_MINUS, _from_logits(lambda logits: -_prices(logits))),
        Misconception(*ideas.P_FOR_LOG, _pieces(lambda P, Y: P.diagonal().mean()),
                      _pieces(lambda P, Y: -P.diagonal().mean()), _pieces(lambda P, Y: 1 - P.diagonal().mean())),
        Misconception(
            "the logarithm of the mean",
            "You averaged the probabilities and took the logarithm at the end. Each pair has its own price, −log P, "
            "and the prices are averaged.",
            _pieces(lambda P, Y: -P.diagonal().mean().log()),
        ),
        Misconception(
            "probabilities where logits belong",
            "Your scores went through a softmax, and then through another one: cross_entropy and log_softmax have one "
            "inside. Give them the logits, γ3 · S with −inf in it, or take log of the P that you have.",
            _from_logits(lambda logits: _prices(logits.softmax(1))),
            _from_logits(logits=lambda S, M, gamma3: _logits(S, M, gamma3).softmax(1)),
        ),
        Misconception(*ideas.GAMMA3_FORGOTTEN, _from_logits(logits=lambda S, M, gamma3: _logits(S, M, 1))),
        Misconception(*ideas.GAMMA3_DIVIDES, _from_logits(logits=lambda S, M, gamma3: _logits(S, M, 1 / gamma3))),
        Misconception(*ideas.GAMMA3_AFTER, lambda S, M, gamma3: [gamma3 * loss for loss in _both(S, M, 1)]),
        Misconception(
            "one number, given twice or cut in half",
            "You mixed the two directions: their average or their sum came twice, or each came as its half. Here they "
            "stay apart, each a mean of its own; what is done with them comes next.",
            lambda S, M, gamma3: (sum(_both(S, M, gamma3)) / 2,) * 2,
            lambda S, M, gamma3: (sum(_both(S, M, gamma3)),) * 2,
            lambda S, M, gamma3: [loss / 2 for loss in _both(S, M, gamma3)],
        ),
        Misconception(*ideas.LABELS_ZERO,
                      _from_logits(lambda logits: _prices(logits, torch.zeros(len(logits)).long()))),
        Misconception(*ideas.OTHER_LOGARITHM, _from_logits(lambda logits: _prices(logits) / math.log(2)),
                      _from_logits(lambda logits: _prices(logits) / math.log(10))),
    ),
)  # fmt: skip


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
    return torch.zeros_like(_mask(class_ids))


def _cosines(images, texts):
    return F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T


def _detach(*features):
    return [x.detach() for x in features]


def _whole(add=sum, *, terms=lambda logits: (_prices(logits), _prices(logits.T)), by_words=scores.word_region_scores,
           options=lambda gamma1, gamma2: {"gamma1": gamma1, "gamma2": gamma2}, cosines=_cosines,
           before=lambda *features: features, masks=(_mask, _mask), logits=_logits, padding=False,
           scale=lambda gamma3: (gamma3, gamma3)):  # fmt: skip
    """The exercise, with another idea of one of its parts.

    add: of the four terms, those of the words first, images → texts before texts → images. terms: of one kind, from
    its logits. logits: from scores, mask and γ3. masks, scale: for the words, and for the sentences.
    """

    def whole(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3):
        regions, words, image_codes, sentence_codes = before(regions, words, image_codes, sentence_codes)
        kinds = (by_words(regions, words, None if padding else lengths, **options(gamma1, gamma2)),
                 cosines(image_codes, sentence_codes))  # fmt: skip
        return add([term for S, mask, gamma in zip(kinds, masks, scale(gamma3), strict=True)
                    for term in terms(logits(S, mask(class_ids), gamma))])  # fmt: skip

    return whole


def _one_direction_masked(rows, columns):
    """No −inf in one of the two directions."""

    def terms(of):
        S, mask = of
        return _prices(S.masked_fill(mask & rows, -math.inf)), _prices(S.T.masked_fill(mask.T & columns, -math.inf))

    return _whole(logits=lambda S, M, gamma3: (gamma3 * S, M), terms=terms)


def _added_scores(regions, words, image_codes, sentence_codes, lengths, class_ids, gamma1, gamma2, gamma3, share=1.0):
    S = scores.word_region_scores(regions, words, lengths, gamma1=gamma1, gamma2=gamma2)
    logits = _logits(share * (S + _cosines(image_codes, sentence_codes)), _mask(class_ids), gamma3)
    return _prices(logits) + _prices(logits.T)


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
        Misconception(*ideas.ROWS_ONLY, _whole(lambda terms: terms[0] + terms[2]),
                      _whole(lambda terms: terms[1] + terms[3])),
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
            _prices(logits, reduction="sum"), _prices(logits.T, reduction="sum")))),
        Misconception(*ideas.MEAN_OVER_N2, _whole(terms=lambda logits: [
            _prices(x) / len(x) for x in (logits, logits.T)])),
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
            _whole(masks=(lambda c: ~_same(c), lambda c: ~_same(c))),
            _whole(masks=(lambda c: ~_eye(c), lambda c: ~_eye(c))),
        ),
        Misconception(
            "the class mask in one place only",
            "Only the words have the mask, or only the sentences, or one direction of both. A text of the same class "
            "is no wrong answer in any of the four softmaxes.",
            _whole(masks=(_mask, _no_mask)), _whole(masks=(_no_mask, _mask)),
            _one_direction_masked(True, False), _one_direction_masked(False, True),
        ),
        Misconception(*ideas.MASK_ZERO, _whole(logits=lambda S, M, gamma3: _logits(S, M, gamma3, 0))),
        Misconception(*ideas.NO_FINITE_LOSS, _whole(masks=(_same, _same)),
                      _whole(masks=(lambda c: ~_mask(c), lambda c: ~_mask(c))), _whole(masks=(_mask, _same)),
                      _whole(masks=(_same, _mask)), _whole(logits=lambda S, M, gamma3: gamma3 * S + M * -math.inf)),
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
            _whole(options=lambda gamma1, gamma2: {"gamma1": gamma1, "gamma2": gamma2, "divide_by_gamma2": False}),
        ),
        Misconception(
            "another attention",
            "You switched off the competition of the words, or took cosines where the paper has dot products. Both are "
            "choices of the package, and the paper's are what it does unasked.",
            *[_whole(options=lambda gamma1, gamma2, choice=choice: {"gamma1": gamma1, "gamma2": gamma2, **choice})
              for choice in ({"compete_over_words": False}, {"attention": "cosine"},
                             {"compete_over_words": False, "attention": "cosine"})],
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
            _added_scores, lambda *arguments: _added_scores(*arguments, share=0.5),
            lambda *arguments: 2 * _added_scores(*arguments),
            lambda *arguments: 2 * _added_scores(*arguments, share=0.5),
        ),
        Misconception(
            "probabilities where logits belong",
            "You handed cross_entropy a softmax (or one of your own came before it). The softmax is inside already: it "
            "wants γ3 · S, with −inf where the mask is True, and nothing else.",
            _whole(terms=lambda logits: (_prices(logits.softmax(1)), _prices(logits.T.softmax(1)))),
            _whole(logits=lambda S, M, gamma3: _logits(S, M, gamma3).softmax(1)),
        ),
        Misconception(
            "the class numbers as labels",
            "You gave class_ids to the loss as its labels. The label of an image is the column of its own text, 0, 1 "
            "and so on in this batch; the classes only say what to leave out.",
            *[lambda *arguments, mask=mask: _whole(masks=(mask, mask), terms=lambda logits: (
                _prices(logits, arguments[5]), _prices(logits.T, arguments[5])))(*arguments)
              for mask in (_mask, _no_mask)],
        ),
        Misconception(*ideas.MISSING_MINUS, _whole(lambda terms: -sum(terms))),
        Misconception(*ideas.DETACHED, _whole(lambda terms: sum(terms).detach())),
        Misconception(
            "a part of it is detached",
            "The value is right, and one side, or one kind of score, gets no gradient: it was cut off on the way (by "
            ".detach(), .data, .item() or no_grad). Two encoders learn from this loss, and both from words and "
            "sentences.",
            _whole(before=lambda r, w, i, s: (*_detach(r), w, *_detach(i), s)),
            _whole(before=lambda r, w, i, s: (r, *_detach(w), i, *_detach(s))),
            _whole(before=lambda r, w, i, s: (*_detach(r, w), i, s)),
            _whole(before=lambda r, w, i, s: (r, w, *_detach(i, s))),
            *[_whole(before=lambda *x, k=k: [y.detach() if k == place else y for place, y in enumerate(x)])
              for k in range(4)],
        ),
    ),
)  # fmt: skip

EXERCISES = [caption_bonus, class_mask, masked_probabilities, both_directions, whole_damsm]

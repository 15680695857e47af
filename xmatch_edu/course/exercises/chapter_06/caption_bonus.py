"""What a long text gains where 1/γ2 is left out."""

import numpy as np
import torch

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part


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

"""The class mask: which texts are left out of the softmax of an image."""

import math

import numpy as np
import torch

from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_06 import shared

class_mask = Exercise(
    name="class_mask",
    takes=("class_ids",),
    gives=(Part("the mask", "one row per image, one column per text", "bool"),),
    right=lambda class_ids: np.array([[i != j and int(a == b) for j, b in enumerate(class_ids)]
                                      for i, a in enumerate(class_ids)]),
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
            shared.same,
        ),
        Misconception(
            "turned round: True for what stays",
            "Yours says which texts stay in the softmax. Asked for is the other thing, as in the package and in "
            "masked_fill: True where a pair is left out.",
            lambda c: ~shared.mask(c),
        ),
        Misconception(
            "True where the classes differ",
            "You left out the texts of other classes. Those are the wrong answers that the loss needs; the doubtful "
            "ones are those of the same class.",
            lambda c: ~shared.same(c),
        ),
        Misconception(
            "every wrong text left out",
            "All is True but the diagonal, whatever the classes are. Then the right text has no rival, and the loss is "
            "always 0: only a rival of the same class is left out.",
            lambda c: ~shared.own(c),
        ),
        Misconception(
            "True on the diagonal only",
            "You marked the pairs themselves, and nothing else. They are just what must not be left out: text i is the "
            "right one for image i.",
            shared.own,
        ),
        Misconception(
            "one triangle only",
            "Half of your mask is missing. If image 0 and text 2 are of one class, so are image 2 and text 0: (0, 2) "
            "and (2, 0) are both True.",
            lambda c: shared.mask(c).triu(), lambda c: shared.mask(c).tril(),
        ),
        Misconception(
            "nothing is left out",
            "Your mask is False everywhere, which is right only where no class comes twice. Compare each class with "
            "each: class_ids[:, None] against class_ids[None, :].",
            lambda c: torch.zeros_like(shared.own(c)),
        ),
        Misconception(
            "classes compared with positions",
            "You compared a class with the number of a row or a column. Class 2 has nothing to do with text 2: compare "
            "the class of image i with the class of text j.",
            *[lambda c, f=f: f(c[:, None] == torch.arange(len(c)), c) for f in (
                lambda m, c: m, lambda m, c: m.T, lambda m, c: m & ~shared.own(c), lambda m, c: m.T & ~shared.own(c))],
        ),
        Misconception(
            "a whole row for one twin",
            "An image whose class comes twice has lost all its texts, or all but its own. Only the text of the same "
            "class is left out, and the others of its row stay.",
            *[lambda c, dim=dim: shared.mask(c).any(dim, keepdim=True) & ~shared.own(c) for dim in (1, 0)],
            *[lambda c, dim=dim: shared.mask(c).any(dim, keepdim=True).expand(len(c), len(c)) for dim in (1, 0)],
        ),
        Misconception(
            "numbers where True and False were asked",
            "The places are right, and they hold 0 and 1 as numbers. masked_fill refuses those, and ~ of the number 1 "
            "is −2: a comparison gives True and False, and & keeps them.",
            *[lambda c, dtype=dtype: shared.mask(c).to(dtype)
              for dtype in (torch.int64, torch.int32, torch.uint8, torch.float32, torch.float64)],
            lambda c: shared.mask(c).int().tolist(),
        ),
        Misconception(
            "−inf and 0, to be added",
            "Yours is what one could add to the logits: −inf for what is left out, 0 for the rest. Here the question "
            "comes first, which pairs those are: True and False.",
            lambda c: torch.zeros(len(c), len(c)).masked_fill(shared.mask(c), -math.inf),
            lambda c: torch.zeros(len(c), len(c)).double().masked_fill(shared.mask(c), -math.inf),
        ),
    ),
)  # fmt: skip

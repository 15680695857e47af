"""Targets that are shared with the false negatives."""

import numpy as np

from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_09 import shared


def _shared(concepts):
    return shared.same(concepts) / shared.sizes(concepts)[:, None]


def _dealt(part):
    """The exercise, with another idea of what the share is multiplied by. part: from the concepts (N, N)."""
    return lambda concepts, share: (1 - share) * np.eye(len(concepts)) + share * part(concepts)


def _mask_shared(concepts):
    """The twins without the pair itself, each row adding up to 1 where there is one."""
    return shared.mask(concepts) / np.maximum(1, shared.mask(concepts).sum(1, keepdims=True))


soft_targets = Exercise(
    name="soft_targets",
    takes=("concepts", "share"),
    gives=(Part("the targets", "one row per image, one column per text"),),
    right=_dealt(_shared),
    cases={
        f"{case}, share {share:g}": (concepts, share)
        for (case, concepts), share in zip(shared.BATCHES.items(), (0.5, 0.4, 1.0, 0.0, 0.25), strict=True)
    } | {"7 pairs, share 0.3": (np.array([1, 1, 2, 1, 2, 0, 1]), 0.3)},
    picture=(pictures.of_part(0), "labels", "The targets"),
    misconceptions=(
        Misconception(
            "the rows do not add up to 1",
            "You gave every twin the whole share. A row is a distribution over the texts: it must add up to 1, "
            "whatever the number of twins. Divide by how many share the concept.",
            _dealt(shared.same),
            lambda concepts, share: np.where(shared.eye(concepts), 1.0, share * shared.mask(concepts)),
            lambda concepts, share: np.where(shared.eye(concepts), 1 - share, share * shared.mask(concepts)),
            lambda concepts, share: shared.same(concepts) * 1.0,
        ),
        Misconception(
            "the own text gets nothing of the shared part",
            "You dealt the share among the twins only. The own text belongs to the concept as well, and takes an equal "
            "part of it.",
            _dealt(_mask_shared),
            _dealt(lambda concepts: np.where(shared.sizes(concepts) > 1, _mask_shared(concepts), shared.eye(concepts))),
            lambda concepts, share: np.where(shared.eye(concepts), 1 - share, share * _shared(concepts)),
        ),
        Misconception(
            "the share is dealt among all texts",
            "You spread the share over the whole batch. That is label smoothing: it calls every stranger a little "
            "right. Here only the twins are.",
            _dealt(lambda concepts: 1 / len(concepts)),
            _dealt(lambda concepts: ~shared.eye(concepts) / (len(concepts) - 1)),
        ),
        Misconception(
            "the share turned round",
            "`share` is what all of the concept have together, and 1 − share is what the own text keeps for itself. "
            "You exchanged the two.",
            lambda concepts, share: _dealt(_shared)(concepts, 1 - share),
        ),
        Misconception(
            "shared in full, whatever the share",
            "You dealt everything equally among the concept. That is share = 1: the own text should keep 1 − share "
            "first.",
            lambda concepts, share: _shared(concepts),
        ),
        Misconception(
            "the identity again",
            "Nothing is shared in yours. Twins should get a part of the target.",
            lambda concepts, share: np.eye(len(concepts)),
        ),
        Misconception(
            "divided by the batch",
            "You divided by N, or by the whole matrix. Each row is divided by the number of pairs of its own concept.",
            _dealt(lambda concepts: shared.same(concepts) / len(concepts)),
            _dealt(lambda concepts: shared.same(concepts) / shared.same(concepts).sum()),
        ),
        Misconception(
            "a softmax to make it 1",
            "A softmax does add up to 1, but it gives strangers a part too: exp(0) is 1, not 0. Divide by the sum.",
            lambda concepts, share: (1 - share) * np.eye(len(concepts))
            + share * np.exp(shared.same(concepts)) / np.exp(shared.same(concepts)).sum(1, keepdims=True),
        ),
    ),
)  # fmt: skip

"""The lowest loss that the false negatives leave."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_09 import shared


def _floor(concepts):
    return np.log(shared.sizes(concepts)).mean()


loss_floor = Exercise(
    name="loss_floor",
    takes=("concepts",),
    gives=(Part("the lowest loss"),),
    right=_floor,
    cases={case: (concepts,) for case, concepts in shared.BATCHES.items()} | {
        "4 pairs of one concept": (np.full(4, 3),),
    },
    misconceptions=(
        Misconception(
            "the floor is 0",
            "0 would need a probability of 1 for the own text. The twins have the same picture, so the same row of "
            "scores: their texts get the same probabilities in all of their rows, and share 1.",
            lambda concepts: 0.0,
        ),
        Misconception(
            "a model that knows nothing",
            "ln N is the loss when all texts are alike. The best model tells all concepts apart, and only the twins "
            "are alike to it.",
            lambda concepts: np.log(len(concepts)),
        ),
        Misconception(
            "the concepts counted, not the twins",
            "ln of the number of concepts is what it costs to know none of them. The best model tells all concepts "
            "apart; what it cannot tell apart are the m pairs of one concept.",
            lambda concepts: np.log(len(shared.counts(concepts))),
        ),
        Misconception(
            "the sum in place of the mean",
            "You added up the rows. The loss is their mean.",
            lambda concepts: np.log(shared.sizes(concepts)).sum(),
        ),
        Misconception(
            "a mean over concepts, not over pairs",
            "You took the mean over the different concepts. Each *pair* has a row: a concept that comes three times "
            "counts three times.",
            lambda concepts: np.log(shared.counts(concepts)).mean(),
        ),
        Misconception(
            "the logarithm of the mean",
            "You took the mean of the sizes first and the logarithm then. Each row pays the logarithm of its own size; "
            "the mean comes last.",
            *[lambda concepts, of=of: np.log(of(concepts).mean()) for of in (shared.sizes, shared.counts)],
        ),
        Misconception(
            "the twins without the pair itself",
            "You counted the twins only. The pair itself is one of those that share the probability: with one twin "
            "each gets a half.",
            lambda concepts: np.log(np.maximum(1, shared.sizes(concepts) - 1)).mean(),
        ),
        Misconception(
            "the probability, not its price",
            "1/size is the probability that is left for the own text. What it costs is −log of that.",
            lambda concepts: (1 / shared.sizes(concepts)).mean(),
            lambda concepts: (1 - 1 / shared.sizes(concepts)).mean(),
        ),
        Misconception(
            "the size, not its logarithm",
            "You took the mean of how many share a concept. The price of a probability of 1/size is log(size).",
            lambda concepts: shared.sizes(concepts).mean(),
            lambda concepts: (shared.sizes(concepts) - 1).mean(),
        ),
        Misconception(
            "the entropy of the concepts",
            "That is how surprising the concept of a pair is. The model sees the picture and knows the concept; what "
            "it cannot know is which of the twins is meant.",
            lambda concepts: np.log(len(concepts)) - _floor(concepts),
        ),
        Misconception(
            *ideas.OTHER_LOGARITHM,
            *[lambda concepts, log=log: log(shared.sizes(concepts)).mean() for log in (np.log2, np.log10)],
        ),
    ),
)  # fmt: skip

"""How many false negatives a batch has."""

import numpy as np

from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises.chapter_09 import shared

false_negatives = Exercise(
    name="false_negatives",
    takes=("concepts",),
    gives=(Part("the number of false negatives", dtype="integer"),),
    right=lambda concepts: int(shared.mask(concepts).sum()),
    cases={case: (concepts,) for case, concepts in shared.BATCHES.items()},
    misconceptions=(
        Misconception(
            "the diagonal is counted too",
            "You counted every cell whose image and text share a concept, and N of them are the pairs themselves. "
            "Those are the matches, no false negatives.",
            lambda concepts: int(shared.same(concepts).sum()),
        ),
        Misconception(
            "each two pairs once",
            "You counted two twins as one. They make two cells: the picture of the first with the text of the second, "
            "and the other way round. The loss pushes on both.",
            lambda concepts: int(shared.mask(concepts).sum() // 2),
        ),
        Misconception(
            "pairs that have a twin",
            "You counted the pairs that have a twin, not the cells. A pair with two twins has two wrong cells in its "
            "row.",
            lambda concepts: int((shared.sizes(concepts) > 1).sum()),
        ),
        Misconception(
            "the repetitions only",
            "You counted how many pairs come again: N less the different concepts. Three of one kind are two "
            "repetitions, and six wrong cells.",
            lambda concepts: len(concepts) - len(np.unique(concepts)),
        ),
        Misconception(
            "concepts, not cells",
            "You counted concepts that come more than once, or the different ones. Asked are the cells of S: how many "
            "pairs of image and text are called wrong and are right.",
            lambda concepts: int((shared.counts(concepts) > 1).sum()),
            lambda concepts: len(np.unique(concepts)),
        ),
        Misconception(
            "the true negatives",
            "You counted the cells whose image and text differ in concept. Those are rightly called wrong.",
            lambda concepts: int((~shared.same(concepts)).sum()),
        ),
        Misconception(
            "neighbours only",
            "You compared each pair with the next one. Twins can stand anywhere in a batch: compare each with all, "
            "concepts[:, None] == concepts[None, :].",
            lambda concepts: int((concepts[1:] == concepts[:-1]).sum()),
            lambda concepts: 2 * int((concepts[1:] == concepts[:-1]).sum()),
        ),
        Misconception(
            "a share, not a number",
            "You divided. Asked is how many cells there are, a whole number.",
            lambda concepts: float(shared.mask(concepts).mean()),
            lambda concepts: float(shared.mask(concepts).sum() / len(concepts)),
        ),
    ),
)  # fmt: skip

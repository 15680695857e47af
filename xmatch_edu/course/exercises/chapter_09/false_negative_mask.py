"""The mask of false negatives, where the texts may stand in another order."""

import numpy as np

from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part

false_negative_mask = Exercise(
    name="false_negative_mask",
    takes=("image_concepts", "text_concepts", "labels"),
    gives=(Part("the mask", "one row per image, one column per text", "bool"),),
    right=lambda image_concepts, text_concepts, labels: _mask_of(image_concepts, text_concepts, labels),
    cases={
        "3 pairs in order, no twins": (np.array([5, 2, 9]), np.array([5, 2, 9]), np.arange(3)),
        "4 pairs in order, two of one concept": (np.array([5, 2, 5, 1]), np.array([5, 2, 5, 1]), np.arange(4)),
        "4 pairs, the texts shuffled": (np.array([5, 2, 5, 1]), np.array([1, 5, 5, 2]), np.array([2, 3, 1, 0])),
        "3 images, 5 texts": (np.array([7, 4, 7]), np.array([7, 7, 4, 7, 4]), np.array([1, 2, 3])),
        "6 pairs, shuffled, three of one concept": (
            np.array([3, 8, 3, 3, 1, 8]), np.array([8, 3, 1, 3, 8, 3]), np.array([3, 4, 1, 5, 2, 0])),
    },
    picture=(pictures.of_part(0), "labels", "The mask"),
    misconceptions=(
        Misconception(
            "the matches are masked too",
            "Your mask leaves out the match as well. Then the row has no right answer left: take the matches out of "
            "the mask, with the labels.",
            lambda a, b, labels: a[:, None] == b[None, :],
        ),
        Misconception(
            "the diagonal is spared, not the matches",
            "You took the diagonal out of the mask. The texts stand in another order here: the match of image i is in "
            "column labels[i].",
            lambda a, b, labels: (a[:, None] == b[None, :]) & ~np.eye(len(a), len(b), dtype=bool),
        ),
        Misconception(
            "the labels read the other way",
            "You read labels[k] as the image of text k. It is the text of image k: the match of image i stands in "
            "column labels[i] of row i.",
            lambda a, b, labels: _spared(a[:, None] == b[None, :], labels, np.arange(len(labels))),
        ),
        Misconception(
            "the columns of all matches",
            "You spared whole columns: mask[:, labels] is every row in each of these columns. One cell a row is "
            "mask[np.arange(N), labels].",
            lambda a, b, labels: _spared(a[:, None] == b[None, :], slice(None), labels),
        ),
        Misconception(
            "the matches alone are masked",
            "You left out the matches, which is the one thing that must stay. Masked is what shares the concept and is "
            "no match.",
            lambda a, b, labels: _matches(a, b, labels),
            lambda a, b, labels: np.eye(len(a), len(b), dtype=bool),
        ),
        Misconception(
            "turned round: True where the pair stays",
            "In this package True leaves a pair out. Yours is True for what stays in the softmax.",
            lambda a, b, labels: ~_mask_of(a, b, labels),
        ),
        Misconception(
            "all true negatives are masked",
            "You left out what differs in concept. Those are the real rivals that a row learns from; the twins should "
            "go.",
            lambda a, b, labels: a[:, None] != b[None, :],
        ),
        Misconception(
            "texts down, images across",
            "Your mask lies on its side. Rows are images, columns are texts.",
            lambda a, b, labels: _mask_of(a, b, labels).T,
        ),
        Misconception(
            "images with images",
            "You compared the images' concepts with each other. A column is a text: compare with the texts' concepts, "
            "which stand in another order.",
            lambda a, b, labels: (a[:, None] == a[None, :]) & ~np.eye(len(a), dtype=bool),
            lambda a, b, labels: (b[:, None] == b[None, :]) & ~np.eye(len(b), dtype=bool),
        ),
        Misconception(
            "numbers in place of True and False",
            "You gave a matrix of numbers. A mask is True or False for each cell: comparisons, and & and ~, keep it "
            "so.",
            lambda a, b, labels: _mask_of(a, b, labels).astype(float),
            lambda a, b, labels: _mask_of(a, b, labels).astype(int),
        ),
    ),
)  # fmt: skip


def _spared(mask, rows, columns):
    mask[rows, columns] = False
    return mask


def _matches(image_concepts, text_concepts, labels):
    return np.arange(len(text_concepts))[None, :] == labels[:, None]


def _mask_of(image_concepts, text_concepts, labels):
    same = image_concepts[:, None] == text_concepts[None, :]
    return same & ~_matches(image_concepts, text_concepts, labels)

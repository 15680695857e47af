"""The hinge loss where an image has several texts."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import pictures
from xmatch_edu.check.engine import Exercise, Misconception, Part
from xmatch_edu.course.exercises import ideas
from xmatch_edu.course.exercises.chapter_07 import shared

_random = np.random.default_rng(7)


def _captions(n, image_of_text, margin):
    """The own texts a little ahead of the others."""
    image_of_text = np.array(image_of_text)
    own = image_of_text == np.arange(n)[:, None]
    return 0.5 * own + _random.normal(size=own.shape), image_of_text, margin


def _differ(image_of_text):
    """(M, M): does text k belong to another image than text j?"""
    return image_of_text[:, None] != image_of_text


def _texts(add=np.sum, price=shared.hinge, counts=_differ, own=shared.own):
    """Exercise 5, with another idea of one of its parts. counts: which text k is a non-match for text j, (M, M)."""

    def total(S, image_of_text, margin):
        rows = S[image_of_text]  # (M, M): of each text j, the row of its image
        return add(np.where(counts(image_of_text), price(rows - own(rows), margin), 0))

    return total


def _one_match(pick, *, each=False, siblings=False, empty=None):
    """One match for each image. each: charged for each of its texts. siblings: the others of the image are non-matches.

    pick: from the scores of the image's texts. empty: what an image without text does: an error, a score, or nothing.
    """

    def total(S, image_of_text, margin):
        loss = 0.0
        for i, row in enumerate(S):
            own = row[image_of_text == i]
            if isinstance(empty, type) and not len(own):
                raise empty("no text")
            if len(own) or empty is not None:
                match = pick(own) if len(own) else empty
                rivals = row if siblings else row[image_of_text != i]
                costs = shared.hinge(rivals - match, margin).sum() - siblings * margin  # the match against itself
                loss += len(own) * costs if each else costs
        return loss

    return total


# Which text k a row i with one match compares it with.
_OTHERS = (
    lambda i, k, match, image_of_text: image_of_text[k] != i,
    lambda i, k, match, image_of_text: k != match,
    lambda i, k, match, image_of_text: image_of_text[k] != image_of_text[match],
)


def _diagonal_again(count, others, own=lambda i, image_of_text: i):
    """Row i with its match at own(i), as if each image had one text. count: of the rows gone through, from S."""

    def total(S, image_of_text, margin):
        cells = [(i, k, own(i, image_of_text)) for i in range(count(S)) for k in range(S.shape[1])]
        return sum((shared.hinge(S[i, k] - S[i, match], margin) for i, k, match in cells
                    if others(i, k, match, image_of_text)), 0.0)

    return total


def _columns_of_texts(S, image_of_text, margin):
    costs = shared.hinge(S - S[image_of_text, np.arange(S.shape[1])], margin)
    return costs[image_of_text != np.arange(len(S))[:, None]].sum()


def _same_image(S, image_of_text):
    """(N, M): does text k belong to image i?"""
    return image_of_text == np.arange(len(S))[:, None]


several_texts = Exercise(
    name="several_texts",
    takes=("S", "image_of_text", "margin"),
    gives=(Part("the loss"),),
    right=lambda S, image_of_text, margin: loops.ranking_loss(
        S, _same_image(S, image_of_text), margin=margin, direction="image_to_text"),
    cases={
        "one image, one text": _captions(1, [0], 0.5),
        "one image, 2 texts": _captions(1, [0, 0], 0.5),
        # Image 0 has its better text first, image 1 its better text last.
        "2 images, 2 texts each": (
            np.array([[0.9, 0.4, 0.8, 0.1], [0.3, 0.6, 0.2, 0.7]]), np.array([0, 0, 1, 1]), 0.2),
        "3 images, 5 texts in another order": _captions(3, [2, 0, 2, 1, 0], 0.5),
        "4 images, 6 texts, none of image 2": _captions(4, [3, 0, 3, 1, 1, 3], 1.0),
        "5 images, 3 texts, two of image 4": _captions(5, [4, 1, 4], 2.0),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        Misconception(
            "texts of the same image as non-matches",
            "You left out text j alone, so the other texts of its image pay too. They are right for it as well: leave "
            "out all whose image is the same.",
            _texts(counts=lambda image_of_text: ~shared.eye(image_of_text)),
        ),
        Misconception(
            "nothing left out",
            "Every text is a non-match in yours, the match itself and those of its image too. Only texts of other "
            "images are: image_of_text[k] differs from image_of_text[j].",
            _texts(counts=lambda image_of_text: np.ones_like(shared.eye(image_of_text))),
        ),
        Misconception(*ideas.DIAGONAL_COUNTED,
                      _texts(counts=lambda image_of_text: _differ(image_of_text) | shared.eye(image_of_text))),
        Misconception(
            "the mask turned round",
            "You kept the texts of the same image and left out all others. Those of the same image are right for it: "
            "the rivals are the texts whose image is another, !=.",
            _texts(counts=lambda image_of_text: ~_differ(image_of_text)),
            _texts(counts=lambda image_of_text: ~_differ(image_of_text) & ~shared.eye(image_of_text)),
        ),
        Misconception(
            "the number of the image as a column",
            "You left out column i, where i is the number of the image. That is where its text stood while each image "
            "had one; now image_of_text says whose text k is.",
            _texts(counts=lambda image_of_text: image_of_text[:, None] != np.arange(len(image_of_text))),
        ),
        Misconception(
            "one text of each image",
            "You took the first text of each image as its match, or the last. Each of its texts is a match, and each "
            "must be ahead of the others.",
            *[_one_match(pick, siblings=siblings, each=each, empty=empty) for siblings in (False, True)
              for pick in (lambda own: own[0], lambda own: own[-1])
              for each, empty in ((False, None), (True, None), (False, IndexError), (False, ValueError))],
        ),
        Misconception(
            "only the best of its own texts",
            "You compared with the own text that scores highest. Then one good text is enough, and the others of the "
            "image may score what they like: each text is a match of its own.",
            *[_one_match(np.max, each=each, empty=empty)
              for each, empty in ((False, None), (True, None), (False, ValueError), (False, -np.inf))],
        ),
        Misconception(
            "only the worst of its own texts",
            "You compared with the own text that scores lowest. The others of the image are matches too, and what each "
            "of them owes is added.",
            *[_one_match(np.min, each=each, empty=empty)
              for each, empty in ((False, None), (True, None), (False, ValueError))],
        ),
        Misconception(
            "the mean of its own texts",
            "You averaged the scores of an image's own texts and compared with that. A good one then makes up for a "
            "bad one: each of them has its own max(0, …).",
            *[_one_match(np.mean, each=each, empty=empty)
              for each, empty in ((False, None), (True, None), (False, np.nan))],
        ),
        Misconception(
            "the sum of its own texts",
            "You added up the scores of an image's own texts and compared with that. With two texts the match seems "
            "twice as good, with none it is 0: each text is a match of its own, with its own score.",
            *[_one_match(np.sum, each=each, empty=empty)
              for each, empty in ((False, None), (True, None), (False, 0.0))],
        ),
        Misconception(
            "the diagonal again",
            "You took text i as the match of image i, or row j as that of text j. That holds where each image has one "
            "text, in the same order: now image_of_text[j] is the row, and j is the column.",
            *[_diagonal_again(count, others) for others in _OTHERS
              for count in (lambda S: S.shape[0], lambda S: S.shape[1], lambda S: min(S.shape))],
            *[lambda S, image_of_text, margin, out=out: shared.hinge(
                S - shared.own(S), margin)[~out(S, image_of_text)].sum()
              for out in (_same_image, lambda S, image_of_text: np.eye(*S.shape, dtype=bool))],
        ),
        Misconception(
            "image_of_text read the other way round",
            "You read image_of_text[i] as the text of image i. It goes from texts to images: image_of_text[j] is a row "
            "number, and belongs in the first place, S[image_of_text[j], j].",
            *[_diagonal_again(count, others, lambda i, image_of_text: image_of_text[i]) for others in _OTHERS
              for count in (lambda S: S.shape[0], lambda S: S.shape[1], lambda S: min(S.shape))],
        ),
        Misconception(
            "the columns in place of the rows",
            "You compared the images of each text, or held each text against its own image's score (a flat array of "
            "matches is laid along every row). Asked are the rows: an image with its own texts, against the texts of "
            "other images.",
            _columns_of_texts, _texts(own=np.diag),
        ),
        Misconception(
            "both directions",
            "Yours holds what the texts pay as well. Here only the images compare their texts.",
            *[lambda *arguments, share=share: share * (_texts()(*arguments) + _columns_of_texts(*arguments))
              for share in (1, 0.5)],
        ),
        Misconception(
            "divided by a number",
            "You divided by the number of texts, of images or of comparisons. Here the sum is asked for, of all that "
            "is owed.",
            _texts(lambda costs: costs.sum() / len(costs)), _texts(np.mean),
            lambda S, image_of_text, margin: _texts()(S, image_of_text, margin) / len(S),
            *[lambda *arguments, least=least: _texts()(*arguments) / np.maximum(least, _differ(arguments[1]).sum())
              for least in (0, 1)],
        ),
        Misconception(
            "one share for each image",
            "You took the mean over the texts of each image first, so that an image with five texts pays no more than "
            "one with a single text. Here all is added: every text counts once.",
            lambda S, image_of_text, margin: _texts(lambda costs: (
                costs.sum(1) / np.bincount(image_of_text)[image_of_text]).sum())(S, image_of_text, margin),
        ),
        *shared.prices(lambda price: _texts(price=price)),
        Misconception(
            *ideas.HARDEST_ONLY,
            _texts(lambda costs: costs.max(1).sum()),
            # Where all texts are of one image, this max has nothing to choose from.
            lambda S, image_of_text, margin: sum(shared.hinge(S[i, image_of_text != i].max() - S[i, j], margin)
                                                 for j, i in enumerate(image_of_text)),
        ),
    ),
)  # fmt: skip

"""Chapter 09, when the diagonal lies: counting the false negatives of a batch, the floor that they give the loss, the
mask, shared targets, and the sigmoid loss."""

import numpy as np

from xmatch_edu import loops
from xmatch_edu.check import ideas, pictures
from xmatch_edu.check.answers import Part
from xmatch_edu.check.engine import Exercise, Misconception

TITLE = "09 When the diagonal lies"
NOTEBOOK = "09_when_the_diagonal_lies.ipynb"

_random = np.random.default_rng(9)


def _same(concepts):
    return concepts[:, None] == concepts[None, :]


def _eye(concepts):
    return np.eye(len(concepts), dtype=bool)


def _mask(concepts):
    return _same(concepts) & ~_eye(concepts)


_BATCHES = {
    "2 pairs of two concepts": np.array([4, 9]),
    "3 pairs, the first and the last of one concept": np.array([5, 2, 5]),
    "5 pairs, three of one concept": np.array([1, 7, 1, 1, 3]),
    "6 pairs, two and three of a kind": np.array([8, 3, 8, 3, 3, 0]),
    "9 pairs": np.array([2, 2, 6, 1, 6, 2, 4, 6, 2]),
}


def _sizes(concepts):
    """For each pair, how many of the batch have its concept."""
    return _same(concepts).sum(1)


def _counts(concepts):
    return np.unique(concepts, return_counts=True)[1]


false_negatives = Exercise(
    name="false_negatives",
    takes=("concepts",),
    gives=(Part("the number of false negatives", dtype="integer"),),
    right=lambda concepts: int(_mask(concepts).sum()),
    cases={case: (concepts,) for case, concepts in _BATCHES.items()},
    misconceptions=(
        Misconception(
            "the diagonal is counted too",
            "You counted every cell whose image and text share a concept, and N of them are the pairs themselves. "
            "Those are the matches, no false negatives.",
            lambda concepts: int(_same(concepts).sum()),
        ),
        Misconception(
            "each two pairs once",
            "You counted two twins as one. They make two cells: the picture of the first with the text of the second, "
            "and the other way round. The loss pushes on both.",
            lambda concepts: int(_mask(concepts).sum() // 2),
        ),
        Misconception(
            "pairs that have a twin",
            "You counted the pairs that have a twin, not the cells. A pair with two twins has two wrong cells in its "
            "row.",
            lambda concepts: int((_sizes(concepts) > 1).sum()),
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
            lambda concepts: int((_counts(concepts) > 1).sum()),
            lambda concepts: len(np.unique(concepts)),
        ),
        Misconception(
            "the true negatives",
            "You counted the cells whose image and text differ in concept. Those are rightly called wrong.",
            lambda concepts: int((~_same(concepts)).sum()),
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
            lambda concepts: float(_mask(concepts).mean()),
            lambda concepts: float(_mask(concepts).sum() / len(concepts)),
        ),
    ),
)  # fmt: skip


def _floor(concepts):
    return np.log(_sizes(concepts)).mean()


def _entropy(concepts):
    p = _counts(concepts) / len(concepts)
    return float(-(p * np.log(p)).sum())


loss_floor = Exercise(
    name="loss_floor",
    takes=("concepts",),
    gives=(Part("the lowest loss"),),
    right=_floor,
    cases={case: (concepts,) for case, concepts in _BATCHES.items()} | {"4 pairs of one concept": (np.full(4, 3),)},
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
            lambda concepts: np.log(len(_counts(concepts))),
        ),
        Misconception(
            "the sum in place of the mean",
            "You added up the rows. The loss is their mean.",
            lambda concepts: np.log(_sizes(concepts)).sum(),
        ),
        Misconception(
            "a mean over concepts, not over pairs",
            "You took the mean over the different concepts. Each *pair* has a row: a concept that comes three times "
            "counts three times.",
            lambda concepts: np.log(_counts(concepts)).mean(),
        ),
        Misconception(
            "the logarithm of the mean",
            "You took the mean of the sizes first and the logarithm then. Each row pays the logarithm of its own size; "
            "the mean comes last.",
            lambda concepts: np.log(_sizes(concepts).mean()),
            lambda concepts: np.log(_counts(concepts).mean()),
        ),
        Misconception(
            "the twins without the pair itself",
            "You counted the twins only. The pair itself is one of those that share the probability: with one twin "
            "each gets a half.",
            lambda concepts: np.log(np.maximum(1, _sizes(concepts) - 1)).mean(),
        ),
        Misconception(
            "the probability, not its price",
            "1/size is the probability that is left for the own text. What it costs is −log of that.",
            lambda concepts: (1 / _sizes(concepts)).mean(),
            lambda concepts: (1 - 1 / _sizes(concepts)).mean(),
        ),
        Misconception(
            "the size, not its logarithm",
            "You took the mean of how many share a concept. The price of a probability of 1/size is log(size).",
            lambda concepts: _sizes(concepts).mean(),
            lambda concepts: (_sizes(concepts) - 1).mean(),
        ),
        Misconception(
            "the entropy of the concepts",
            "That is how surprising the concept of a pair is. The model sees the picture and knows the concept; what "
            "it cannot know is which of the twins is meant.",
            _entropy,
        ),
        Misconception(
            *ideas.OTHER_LOGARITHM,
            lambda concepts: np.log2(_sizes(concepts)).mean(),
            lambda concepts: np.log10(_sizes(concepts)).mean(),
        ),
    ),
)  # fmt: skip


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


def _shared(concepts):
    return _same(concepts) / _sizes(concepts)[:, None]


def _softened(concepts, share):
    return (1 - share) * np.eye(len(concepts)) + share * _shared(concepts)


def _mask_shared(concepts):
    """The twins without the pair itself, each row adding up to 1 where there is one."""
    return _mask(concepts) / np.maximum(1, _mask(concepts).sum(1, keepdims=True))


soft_targets = Exercise(
    name="soft_targets",
    takes=("concepts", "share"),
    gives=(Part("the targets", "one row per image, one column per text"),),
    right=_softened,
    cases={
        f"{case}, share {share:g}": (concepts, share)
        for (case, concepts), share in zip(_BATCHES.items(), (0.5, 0.4, 1.0, 0.0, 0.25), strict=True)
    } | {"7 pairs, share 0.3": (np.array([1, 1, 2, 1, 2, 0, 1]), 0.3)},
    picture=(pictures.of_part(0), "labels", "The targets"),
    misconceptions=(
        Misconception(
            "the rows do not add up to 1",
            "You gave every twin the whole share. A row is a distribution over the texts: it must add up to 1, "
            "whatever the number of twins. Divide by how many share the concept.",
            lambda concepts, share: (1 - share) * np.eye(len(concepts)) + share * _same(concepts),
            lambda concepts, share: np.where(_eye(concepts), 1.0, share * _mask(concepts)),
            lambda concepts, share: np.where(_eye(concepts), 1 - share, share * _mask(concepts)),
            lambda concepts, share: _same(concepts) * 1.0,
        ),
        Misconception(
            "the own text gets nothing of the shared part",
            "You dealt the share among the twins only. The own text belongs to the concept as well, and takes an equal "
            "part of it.",
            lambda concepts, share: (1 - share) * np.eye(len(concepts)) + share * _mask_shared(concepts),
            lambda concepts, share: np.where(_sizes(concepts)[:, None] > 1, (1 - share) * np.eye(len(concepts))
                                             + share * _mask_shared(concepts), np.eye(len(concepts))),
            lambda concepts, share: np.where(_eye(concepts), 1 - share, share * _shared(concepts)),
        ),
        Misconception(
            "the share is dealt among all texts",
            "You spread the share over the whole batch. That is label smoothing: it calls every stranger a little "
            "right. Here only the twins are.",
            lambda concepts, share: (1 - share) * np.eye(len(concepts)) + share / len(concepts),
            lambda concepts, share: (1 - share) * np.eye(len(concepts))
            + share * (1 - np.eye(len(concepts))) / (len(concepts) - 1),
        ),
        Misconception(
            "the share turned round",
            "`share` is what all of the concept have together, and 1 − share is what the own text keeps for itself. "
            "You exchanged the two.",
            lambda concepts, share: _softened(concepts, 1 - share),
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
            lambda concepts, share: (1 - share) * np.eye(len(concepts)) + share * _same(concepts) / len(concepts),
            lambda concepts, share: (1 - share) * np.eye(len(concepts))
            + share * _same(concepts) / _same(concepts).sum(),
        ),
        Misconception(
            "a softmax to make it 1",
            "A softmax does add up to 1, but it gives strangers a part too: exp(0) is 1, not 0. Divide by the sum.",
            lambda concepts, share: (1 - share) * np.eye(len(concepts))
            + share * np.exp(_same(concepts)) / np.exp(_same(concepts)).sum(1, keepdims=True),
        ),
    ),
)  # fmt: skip


def _logits(S, scale, bias):
    return scale * S + bias


def _price(z):
    """−log σ(z)."""
    return np.logaddexp(0, -z)


def _signed(S, Y, scale, bias):
    return np.where(Y > 0, 1, -1) * _logits(S, scale, bias)


def _sigmoid(S, Y, scale, bias):
    return _price(_signed(S, Y, scale, bias)).sum() / len(S)


def _naive(z):
    """−log σ(z), word for word, in float32: it overflows."""
    with np.errstate(all="ignore"):
        z = np.asarray(z, dtype=np.float32)
        return -np.log(1 / (1 + np.exp(-z)))


def _softmax_prices(S, Y, scale, bias):
    logits = _logits(S, scale, bias)
    share = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return -(share * Y / Y.sum(1, keepdims=True)).sum() / len(S)


# What people add to a probability, or clip it at, and where they clip a logit. The largest price is −log of it.
_CEILINGS = (*(-np.log(10.0**-digits) for digits in (6, 7, 8, 9, 10, 12, 15, 16)), 10, 20, 30, 50, 100, 500)

_TWINS = np.array([[1, 0, 1, 0, 0], [0, 1, 0, 0, 0], [1, 0, 1, 0, 0], [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]], dtype=float)

sigmoid_cross_entropy = Exercise(
    name="sigmoid_cross_entropy",
    takes=("S", "Y", "scale", "bias"),
    gives=(Part("the loss"),),
    right=lambda S, Y, scale, bias: loops.sigmoid_loss(S, Y, scale=scale, bias=bias),
    cases={
        "one pair": (np.array([[0.4]]), np.ones((1, 1)), 2.0, -1.0),
        "2 pairs": (np.array([[0.9, 0.1], [0.3, 0.6]]), np.eye(2), 3.0, -1.5),
        "5 pairs, some twins": (_random.normal(size=(5, 5)) + 1.5 * _TWINS, _TWINS, 1.5, -2.0),
        "3 images, 4 texts": (_random.normal(size=(3, 4)), np.eye(3, 4), 2.0, 0.5),
        "4 pairs, logits of hundreds": (4 * _random.normal(size=(4, 4)), np.eye(4), 200.0, -10.0),
    },
    picture=(pictures.of_nudges, "gradient", "How the loss answers when a score is nudged"),
    misconceptions=(
        Misconception(
            "a mean over N×N cells",
            "You took the mean over all cells. SigLIP adds all cells up and divides by N: with the batch grows the "
            "number of negatives, and their weight.",
            lambda S, Y, scale, bias: _price(_signed(S, Y, scale, bias)).mean(),
        ),
        Misconception(
            "the sum of all",
            "You added all cells up and did not divide. Divide by the number of images.",
            lambda S, Y, scale, bias: _price(_signed(S, Y, scale, bias)).sum(),
        ),
        Misconception(
            "yes and no exchanged",
            "Your matches pay for a high score, and your non-matches for a low one. −log σ(z) is small where z is "
            "large: that is for the matches, and −z for the others.",
            lambda S, Y, scale, bias: _price(-_signed(S, Y, scale, bias)).sum() / len(S),
        ),
        Misconception(
            "the negatives pay nothing",
            "You counted the matches only. Then a model that says yes to everything is perfect: each non-match pays "
            "−log σ(−z).",
            lambda S, Y, scale, bias: (Y * _price(_logits(S, scale, bias))).sum() / len(S),
        ),
        Misconception(
            "the negatives as if they were matches",
            "Every cell pays for not being a match in yours. A non-match pays −log σ(−z), with its sign turned round.",
            lambda S, Y, scale, bias: _price(_logits(S, scale, bias)).sum() / len(S),
        ),
        Misconception(
            "0 in place of −1",
            "You multiplied the logits by Y, which is 0 for a non-match. The sign must be −1 there: 2 · Y − 1.",
            lambda S, Y, scale, bias: _price(Y * _logits(S, scale, bias)).sum() / len(S),
        ),
        Misconception(
            "the bias is missing",
            "You left the bias out, or gave it the other sign. It is added to scale · S: so the model can say no to "
            "nearly all pairs from the start.",
            lambda S, Y, scale, bias: _sigmoid(S, Y, scale, 0),
            lambda S, Y, scale, bias: _sigmoid(S, Y, scale, -bias),
        ),
        Misconception(
            "the bias before the scale",
            "You added the bias to the scores and multiplied both. The scale is for S alone.",
            lambda S, Y, scale, bias: _sigmoid(S + bias, Y, scale, 0),
        ),
        Misconception(
            "a softmax along the rows",
            "Your cells compete within a row. That is the matching loss; here each cell is a question of its own.",
            _softmax_prices,
        ),
        Misconception(
            "the logarithm of 0",
            "For large logits your sigmoid is exactly 0, and its logarithm is infinite. Write −log σ(z) as "
            "log(1 + exp(−z)) with np.logaddexp(0, −z), which never overflows.",
            lambda S, Y, scale, bias: float(_naive(_signed(S, Y, scale, bias)).sum() / len(S)),
            lambda S, Y, scale, bias: float(np.log1p(np.exp(-np.float32(_signed(S, Y, scale, bias)))).sum() / len(S)),
        ),
        Misconception(
            "a price with a ceiling",
            "You kept the logarithm away from 0 with a small number or a clip. Then no cell can pay more than some "
            "fixed price, and beyond it nudging a score changes nothing. np.logaddexp(0, −z) needs no such help.",
            *(lambda S, Y, scale, bias, most=most: float(
                np.minimum(most, _price(_signed(S, Y, scale, bias))).sum() / len(S)) for most in _CEILINGS),
        ),
        Misconception(
            "the sign without the bias",
            "You turned the sign of scale · S, and not that of the bias. It is the whole logit z that is turned round "
            "for a non-match: put it in brackets.",
            lambda S, Y, scale, bias: _price(np.where(Y > 0, 1, -1) * scale * S + bias).sum() / len(S),
        ),
        Misconception(
            "divided by the matches",
            "You divided by the number of matches. SigLIP divides by the number of images, also where an image has "
            "several.",
            lambda S, Y, scale, bias: _price(_signed(S, Y, scale, bias)).sum() / Y.sum(),
        ),
        Misconception(
            "divided by the texts",
            "You divided by the number of columns. Rows are images, and their number is N.",
            lambda S, Y, scale, bias: _price(_signed(S, Y, scale, bias)).sum() / S.shape[1],
        ),
    ),
)  # fmt: skip

EXERCISES = (false_negatives, loss_floor, false_negative_mask, soft_targets, sigmoid_cross_entropy)

"""From pairs to features without learning: tiny pictures, and what words look like on average.

K: pairs    S: pixels a side    R: regions, 289 = 17×17    T: words    D: features
"""

import torch
import torch.nn.functional as F

from xmatch_edu import _inputs
from xmatch_edu.data import shapes


def thumbnail_features(train, pairs, *, size=4):
    """Features that you can check with your eyes: tiny pictures, and what words look like on average.

    An image's features are its own thumbnail of size×size pixels, minus the average thumbnail of `train`.
    A word's are the average of those over the training pairs that carry it. A text's are the average over its words
    (caption and keywords); unknown words are left out, and a text without a known word is all zeros.
    Nothing is learned by gradient, and the text side never looks at the picture it is to be compared with.

    train, pairs: EmojiPairs. size: pixels a side, 1 (one colour) to 32, a divisor of the pictures' side.
    -> image_features (K, D), text_features (K, D), float32, D = size·size·3, red-green-blue from −1 to 1.
    Errors: ValueError naming size or train.
    """
    side = pairs.pictures.shape[1]
    if not _inputs.is_count(size) or side % size:
        raise ValueError(f"size must be an int that divides the side of a picture, {side} (image side); got {size!r}")
    if len(train) == 0:
        raise ValueError("train is empty: no pair to average, on the image side or the text side")
    train_images = _thumbnails(train.pictures, size)
    average = train_images.mean(dim=0)
    seen = {}
    for k in range(len(train)):
        for word in _words(train, k):
            seen.setdefault(word, []).append(k)
    looks = {word: (train_images[rows] - average).mean(dim=0) for word, rows in seen.items()}
    texts = torch.zeros(len(pairs), len(average), dtype=torch.float64)
    for k in range(len(pairs)):
        known = [looks[word] for word in _words(pairs, k) if word in looks]
        if known:
            texts[k] = torch.stack(known).mean(dim=0)
    # Summed in float64, so that the same features come out on every machine.
    return (_thumbnails(pairs.pictures, size) - average).float(), texts.float()


def _thumbnails(pictures, size):
    """(K, S, S, 3) uint8 -> (K, size·size·3) float64, 0 to 1."""
    channels_first = pictures.permute(0, 3, 1, 2).double() / 255
    small = F.avg_pool2d(channels_first, pictures.shape[1] // size)
    return small.permute(0, 2, 3, 1).flatten(1)


def _words(pairs, k):
    """The different words of a caption and its keywords, in a fixed order."""
    return sorted({word for phrase in (pairs.captions[k], *pairs.keywords[k]) for word in phrase.lower().split()})


def colour_features(train, scenes):
    """Features of regions and words that you can check with your eyes: the colour that is there, or that is meant.

    A region's features are the mean colour of its cell of 4×4 pixels, minus the ground's, averaged over `train` (the
    ground of a scene is the median of its cells: most of them show nothing else).
    A word's are the average of those over all cells that are its truth in `train`. So "red" is red; "circle" is an
    average over all colours, and so is nearly nothing. A word without a cell there (every relation) is all zeros, and
    so is padding. Nothing is learned by gradient, and a word never looks at the picture it is to be compared with.

    train, scenes: Scenes of data.shapes.
    -> regions (K, R, 3), row by row from the top left, words (K, T, 3), float32, red-green-blue from −1 to 1.
    Errors: ValueError naming train.
    """
    if len(train) == 0:
        raise ValueError("train is empty: no scene to average, on the image side or the text side")
    ground = _cell_colours(train).median(dim=1).values.mean(dim=0)
    # For each word of each training scene the sum of its cells' colours, and how many cells there are.
    cells = train.truth.flatten(2).double()
    sums = cells @ (_cell_colours(train) - ground)
    looks = torch.zeros(len(shapes.VOCABULARY), 3, dtype=torch.float64)
    looks.index_add_(0, train.words.flatten(), sums.flatten(0, 1))
    counts = torch.zeros(len(looks), dtype=torch.float64)
    counts.index_add_(0, train.words.flatten(), cells.sum(dim=2).flatten())
    looks /= counts.clamp(min=1)[:, None]
    return (_cell_colours(scenes) - ground).float(), looks[scenes.words].float()


def _cell_colours(scenes):
    """-> (K, R, 3) float64, 0 to 1."""
    return _thumbnails(scenes.pictures, shapes.GRID).unflatten(1, (-1, 3))

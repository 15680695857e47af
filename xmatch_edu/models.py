"""From pairs to features: the branches that turn a picture, and a text, into D numbers.

Here lives the plainest pair of branches there is, an average. How features are compared lives in `scores`.

K: pairs    S: pixels a side    D: features
"""

import torch
import torch.nn.functional as F


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
    if isinstance(size, bool) or not isinstance(size, int) or size < 1 or side % size:
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

"""Thumbnail features: an average that can be checked by hand, and that knows something about unseen pairs."""

import numpy as np
import pytest
import torch

from xmatch_edu import models, scores
from xmatch_edu.data.emoji import EmojiPairs, load


def tiny(pictures, captions, keywords):
    k = len(captions)
    return EmojiPairs(
        emoji=tuple("?" * k),
        pictures=torch.tensor(pictures, dtype=torch.uint8),
        captions=tuple(captions),
        keywords=tuple(keywords),
        concepts=torch.arange(k),
        categories=("",) * k,
        split=torch.zeros(k, dtype=torch.int64),
    )


RED, BLUE, GREEN = [[[[255, 0, 0]]]], [[[[0, 0, 255]]]], [[[[0, 255, 0]]]]


def test_the_average_by_hand():
    train = tiny(RED + BLUE, ["cherry", "sea"], [("fruit",), ("water",)])
    pairs = tiny(GREEN + RED, ["water melon", "unknown"], [("fruit",), ()])
    images, texts = models.thumbnail_features(train, pairs, size=1)
    assert images.dtype == texts.dtype == torch.float32
    assert images.tolist() == [[-0.5, 1.0, -0.5], [0.5, 0.0, -0.5]]  # minus the average of red and blue
    # water looks like blue − average, fruit like red − average; melon and unknown are unknown
    assert texts.tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    only_water = tiny(GREEN, ["water"], [()])
    assert models.thumbnail_features(train, only_water, size=1)[1].tolist() == [[-0.5, 0.0, 0.5]]


def test_a_thumbnail_keeps_its_corners_in_place():
    picture = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    picture[0, :2, 2:] = [255, 0, 0]  # red at the top right
    blank = tiny(np.zeros((1, 4, 4, 3), dtype=np.uint8), ["nothing"], [()])
    images, _ = models.thumbnail_features(blank, tiny(picture, ["flag"], [()]), size=2)
    assert images.reshape(2, 2, 3)[0, 1].tolist() == [1, 0, 0] and images.sum() == 1


@pytest.fixture(scope="module")
def pairs():
    return load()


@pytest.mark.parametrize(("size", "width"), [(1, 3), (4, 48), (8, 192)])
def test_it_knows_something_about_pairs_it_has_not_seen(pairs, size, width):
    held_out = pairs.take(pairs.validation)
    images, texts = models.thumbnail_features(pairs.take(pairs.train), held_out, size=size)
    assert images.shape == texts.shape == (len(held_out), width)
    s = scores.cosine_scores(images, texts)
    better = (s > s.diagonal()[:, None]).sum(dim=1)
    chance = 10 / len(held_out)
    assert (better < 10).float().mean() > 3 * chance  # the right text is among the first ten


def test_the_text_side_never_looks_at_its_own_picture(pairs):
    train, some = pairs.take(pairs.train), pairs.take(pairs.test[:5])
    other_pictures = EmojiPairs(**{**vars(some), "pictures": 255 - some.pictures})
    (images, texts), (other_images, same_texts) = (
        models.thumbnail_features(train, p) for p in (some, other_pictures)
    )
    assert torch.equal(texts, same_texts) and not torch.equal(images, other_images)


@pytest.mark.parametrize("size", [0, 3, 64, 4.0, True])
def test_a_bad_size_is_named(pairs, size):
    few = pairs.take([0, 1])
    with pytest.raises(ValueError, match=r"size must be .* \(image side\)"):
        models.thumbnail_features(few, few, size=size)


def test_no_training_pair_is_an_error(pairs):
    with pytest.raises(ValueError, match=r"train is empty.*image side"):
        models.thumbnail_features(pairs.take([]), pairs.take([0]))


def test_words_are_the_same_in_capitals(pairs):
    train = tiny(RED + BLUE, ["ok", "sea"], [(), ()])
    assert models.thumbnail_features(train, tiny(GREEN, ["OK"], [()]), size=1)[1].tolist() == [[0.5, 0.0, -0.5]]

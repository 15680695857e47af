"""The branches: averages that can be checked by hand and know something about unseen pairs, and two that learn."""

import numpy as np
import pytest
import torch

from xmatch_edu import models, scores
from xmatch_edu.data import shapes
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
    only_water = tiny(GREEN, ["WATER"], [()])  # capitals or not
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


@pytest.fixture(scope="module")
def scenes():
    return shapes.make(600, seed=1)


def test_a_region_is_the_colour_of_its_cell_minus_the_ground(scenes):
    few = scenes.take([3, 4])
    train = scenes.take([0, 1, 2])
    regions, words = models.colour_features(train, few)
    assert regions.shape == (2, 289, 3) and words.shape == (2, 7, 3)
    assert regions.dtype == words.dtype == torch.float32
    ground = sum(picture.flatten(0, 1).median(dim=0).values.double() / 255 for picture in train.pictures) / 3
    for row, column in [(0, 0), (0, 16), (5, 11), (16, 0), (9, 4)]:
        cell = few.pictures[1, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].double().mean((0, 1)) / 255
        torch.testing.assert_close(regions[1, 17 * row + column], (cell - ground).float())


def test_a_word_is_the_average_of_its_cells(scenes):
    regions, words = models.colour_features(scenes, scenes)
    for name in ("small", "yellow", "ring"):
        number = shapes.VOCABULARY.index(name)
        cells = [
            region
            for k, t in (scenes.words == number).nonzero().tolist()
            for region in regions[k][scenes.truth[k, t].flatten()]
        ]
        k, t = (scenes.words == number).nonzero()[0]
        torch.testing.assert_close(words[k, t], torch.stack(cells).mean(0), atol=1e-6, rtol=0)
    nothing = (scenes.kinds == shapes.RELATION) | (scenes.kinds == shapes.PADDING)
    assert (words[nothing] == 0).all() and words[~nothing].abs().amax(dim=1).min() > 0.01
    # A shape is an average over all colours, and so is much less than a colour.
    length = words.norm(dim=2)
    assert length[scenes.kinds == shapes.SHAPE].max() < 0.7 * length[scenes.kinds == shapes.COLOUR].min()


def test_a_colour_word_finds_its_object_in_scenes_it_has_not_seen(scenes):
    fresh = shapes.make(200, seed=2, composition="new")
    regions, words = models.colour_features(scenes, fresh)
    best = (words @ regions.transpose(1, 2)).argmax(dim=2)
    found = fresh.truth.flatten(2).gather(2, best[:, :, None])[:, :, 0]
    assert found[fresh.kinds == shapes.COLOUR].float().mean() > 0.9


def test_words_of_scenes_never_look_at_their_own_picture(scenes):
    train, some = scenes.take(range(50)), scenes.take(range(50, 60))
    other = shapes.Scenes(**{**vars(some), "pictures": 255 - some.pictures, "truth": ~some.truth})
    assert torch.equal(models.colour_features(train, some)[1], models.colour_features(train, other)[1])


def test_a_word_that_training_never_showed_is_zero(scenes):
    train = scenes.take([k for k in range(len(scenes)) if "red" not in scenes.captions[k]])
    _, words = models.colour_features(train, scenes)
    assert (words[scenes.words == shapes.VOCABULARY.index("red")] == 0).all()


def encoders(width=8):
    torch.manual_seed(0)
    return models.RegionEncoder(width), models.WordEncoder(len(shapes.VOCABULARY), width)


def test_a_pair_is_encoded_alike_alone_and_in_a_batch(scenes):
    of_regions, of_words = encoders()
    some = scenes.take(range(12))
    together = *of_regions(some.pictures), *of_words(some.words, some.lengths)
    assert [tuple(x.shape) for x in together] == [(12, 289, 8), (12, 8), (12, 7, 8), (12, 8)]
    for k in range(12):
        one = some.take([k])
        alone = *of_regions(one.pictures), *of_words(one.words, one.lengths)
        for a, b in zip(alone, together, strict=True):
            assert a.dtype == torch.float32 and a.shape == (1, *b.shape[1:])
            torch.testing.assert_close(a[0], b[k], atol=1e-5, rtol=1e-4)


def test_a_region_sees_only_what_is_around_its_place():
    """Row by row from the top left: region 17·row + column sees 7 pixels on from the first of its own cell."""
    of_regions, _ = encoders()
    picture = torch.full((1, 68, 68, 3), 128, dtype=torch.uint8)
    before, _ = of_regions(picture)
    for y, x in [(0, 0), (10, 33), (40, 21), (67, 67)]:
        changed = picture.clone()
        changed[0, y, x] = 255
        touched = (of_regions(changed)[0] != before).any(dim=2).reshape(17, 17)
        rows, columns = touched.nonzero().T
        assert touched[y // 4, x // 4]
        assert (4 * rows - y).abs().max() <= 7 and (4 * columns - x).abs().max() <= 7


def test_what_stands_in_the_padding_is_not_read(scenes):
    _, of_words = encoders()
    padding = scenes.kinds == shapes.PADDING
    assert 0 < scenes.lengths.min() < scenes.lengths.max() == 7
    features, codes = of_words(scenes.words, scenes.lengths)
    assert (features[padding] == 0).all() and (features[~padding] != 0).any(dim=1).all()
    for other in (3, 10**6, -1):
        same_features, same_codes = of_words(scenes.words.masked_fill(padding, other), scenes.lengths)
        assert torch.equal(features, same_features) and torch.equal(codes, same_codes)
    # Nor does it matter how much room there is, or that no text fills it.
    roomy, same_codes = of_words(torch.nn.functional.pad(scenes.words, (0, 3)), scenes.lengths)
    assert torch.equal(roomy[:, :7], features) and (roomy[:, 7:] == 0).all() and torch.equal(same_codes, codes)


def test_a_word_carries_its_phrase_and_its_end_is_the_texts_own():
    _, of_words = encoders()
    red, blue, circle = (shapes.VOCABULARY.index(name) for name in ("red", "blue", "circle"))
    features, codes = of_words(torch.tensor([[red, circle, 0], [blue, circle, 0]]), torch.tensor([2, 2]))
    forwards, backwards = features[:, 1].chunk(2, dim=1)
    assert not torch.allclose(forwards[0], forwards[1]) and torch.equal(backwards[0], backwards[1])
    assert torch.equal(codes, torch.cat([forwards, features[:, 0].chunk(2, dim=1)[1]], dim=1))


def test_gradients_reach_all_parameters(scenes):
    some = scenes.take(range(40))
    of_regions, of_words = encoders()
    for encoder, given in ((of_regions, [some.pictures]), (of_words, [some.words, some.lengths])):
        for used in range(2):  # the parts and the code of the whole, each for itself
            encoder.zero_grad()
            encoder(*given)[used].square().sum().backward()
            reached = {name for name, x in encoder.named_parameters() if x.grad is not None and x.grad.any()}
            own = {"to_regions", "to_code"} - {("to_regions", "to_code")[used]}
            assert reached == {name for name, _ in encoder.named_parameters() if name.split(".")[0] not in own}


PAIRS, SCENES = tiny(RED + BLUE, ["cherry", "sea"], [(), ()]), shapes.make(2, seed=3)
NO_PAIR, NO_SCENE = (one.take(torch.tensor([], dtype=torch.int64)) for one in (PAIRS, SCENES))
(OF_REGIONS, OF_WORDS), PICTURES = encoders(), torch.zeros(2, 68, 68, 3, dtype=torch.uint8)
WORDS, LENGTHS = torch.ones(2, 3, dtype=torch.int64), torch.tensor([3, 1])


def thumbnails(size, train=PAIRS):
    return models.thumbnail_features(train, PAIRS, size=size)


@pytest.mark.parametrize(("call", "given", "error", "message"), [
    *((thumbnails, [size], ValueError, r"size must be .* \(image side\)") for size in (0, 2, 1.0, True)),
    (thumbnails, [1, NO_PAIR], ValueError, "train is empty.*image side"),
    (models.colour_features, [NO_SCENE, SCENES], ValueError, "train is empty.*image side"),
    *((OF_REGIONS, [pictures], TypeError, r"pictures \(image side\) must be a")
      for pictures in (PICTURES.float(), PICTURES.numpy(), None)),
    *((OF_REGIONS, [pictures], ValueError, r"pictures \(image side\) must be a tensor of shape")
      for pictures in (PICTURES[0], PICTURES[:0], PICTURES.permute(0, 3, 1, 2), PICTURES[:, :64])),
    *((OF_WORDS, [words, LENGTHS], TypeError, r"words \(text side\) must be an int64")
      for words in (WORDS.float(), WORDS.tolist())),
    *((OF_WORDS, [words, LENGTHS], ValueError, r"words \(text side\) must have shape")
      for words in (WORDS[0], WORDS[:0])),
    (OF_WORDS, [WORDS * 18, LENGTHS], ValueError, r"words \(text side\) must be places .*, 0 to 17; got 18"),
    (OF_WORDS, [-WORDS, LENGTHS], ValueError, r"words \(text side\) must be places.*got -1"),
    (OF_WORDS, [WORDS, LENGTHS + 1], ValueError, "lengths must be from 1 to T = 3.*got 4 for text 0"),
    (OF_WORDS, [WORDS, None], TypeError, "lengths must be"),
    *((make, [width], ValueError, r"width \(image and text side\) must be an int") for width in (0, 4.0, True, None)
      for make in (models.RegionEncoder, lambda width: models.WordEncoder(18, width))),
    (models.WordEncoder, [18, 7], ValueError, "width of the text side must be even.*got 7"),
    *((models.WordEncoder, [size, 8], ValueError, r"vocabulary_size \(text side\) must be an int")
      for size in (0, 18.0, True)),
])  # fmt: skip
def test_a_wrong_input_is_named(call, given, error, message):
    with pytest.raises(error, match=message):
        call(*given)

"""The drawn scenes: pictures, captions and truth tell one story, and what is held out stays out."""

import hashlib
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xmatch_edu.data import shapes
from xmatch_edu.data.shapes import COLOURS, HELD_OUT, RELATIONS, SHAPES, SIZES, VOCABULARY

COMPOSITIONS = ["known", "new"]


@pytest.fixture(scope="module", params=COMPOSITIONS)
def scenes(request):
    return shapes.make(1500, seed=11, composition=request.param)


def painted(picture):
    """{colour: (68, 68) bool}: for the two objects of a picture, read off its pixels alone."""
    ground = picture.flatten(0, 1).median(dim=0).values  # objects have less than half of the pixels
    palette = torch.stack([ground, *(torch.tensor(colour) for colour in COLOURS.values())]).double()
    nearest = torch.cdist(picture.flatten(0, 1).double(), palette).argmin(1).reshape(68, 68)
    return {colour: nearest == k for k, colour in enumerate(COLOURS, start=1) if (nearest == k).any()}


def in_cells(pixels):
    """(68, 68) bool -> (17, 17): how many of a cell's 16 pixels."""
    return pixels.reshape(17, 4, 17, 4).sum((1, 3))


def phrases(scenes, k):
    """[(size or None, colour, shape, its words' places)], one or two."""
    found, begin = [], 0
    for end, word in enumerate(scenes.word_names(k)):
        if word in SHAPES:
            names = scenes.word_names(k)[begin : end + 1]
            found.append((names[0] if names[0] in SIZES else None, *names[-2:], range(begin, end + 1)))
            begin = end + 2  # past the relation
    return found


def shape_of(pixels):
    """What is drawn, from its outline alone: how much of its box is filled, and where."""
    ys, xs = pixels.nonzero().T
    box = pixels[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1].double()
    middle = box[len(box) // 2, box.shape[1] // 2]
    if not middle:
        return "ring"
    if box.mean() == 1:
        return "square"
    if box[: len(box) // 2].sum() < 0.8 * box[-(len(box) // 2) :].sum():
        return "triangle"
    return "circle" if box.mean() > 0.7 else "cross"


def test_the_fields_have_their_shapes_and_types(scenes):
    k = len(scenes)
    assert k == 1500 and len(scenes.captions) == k
    for x, shape, dtype in [
        (scenes.pictures, (k, 68, 68, 3), torch.uint8),
        (scenes.words, (k, 7), torch.int64),
        (scenes.lengths, (k,), torch.int64),
        (scenes.kinds, (k, 7), torch.int64),
        (scenes.truth, (k, 7, 17, 17), torch.bool),
        (scenes.class_ids, (k,), torch.int64),
    ]:
        assert tuple(x.shape) == shape and x.dtype == dtype and x.is_contiguous()
    assert VOCABULARY[0] == "" and len(set(VOCABULARY)) == len(VOCABULARY) == 1 + 2 + 6 + 5 + 4


def test_captions_words_lengths_and_kinds_say_the_same(scenes):
    kind = {"": shapes.PADDING, **dict.fromkeys(SIZES, shapes.SIZE), **dict.fromkeys(COLOURS, shapes.COLOUR)}
    kind |= {**dict.fromkeys(SHAPES, shapes.SHAPE), **dict.fromkeys(RELATIONS, shapes.RELATION)}
    assert len(set(kind.values())) == 5
    for k in range(len(scenes)):
        names = scenes.word_names(k)
        padded = names + [""] * (7 - len(names))
        assert scenes.lengths[k] == len(names)
        assert [VOCABULARY[word] for word in scenes.words[k]] == padded
        assert scenes.kinds[k].tolist() == [kind[word] for word in padded]


def test_captions_are_phrases_and_a_relation_between_them(scenes):
    forms = {"zcs", "cs", *(f"{one}r{other}" for one in ("zcs", "cs") for other in ("zcs", "cs"))}
    letters = {shapes.SIZE: "z", shapes.COLOUR: "c", shapes.SHAPE: "s", shapes.RELATION: "r", shapes.PADDING: ""}
    seen = Counter("".join(letters[kind] for kind in row) for row in scenes.kinds.tolist())
    assert set(seen) == forms
    share = {form: seen[form] / len(scenes) for form in seen}
    assert abs(share["zcsrzcs"] - 0.6) < 0.05
    assert abs(share["zcsrcs"] + share["csrzcs"] + share["csrcs"] - 0.2) < 0.05
    assert abs(share["zcs"] + share["cs"] - 0.2) < 0.05


def test_every_word_is_about_as_frequent_as_the_others_of_its_kind():
    counts = Counter(word for caption in shapes.make(3000).captions for word in caption.split())
    for words in (SIZES, COLOURS, SHAPES, RELATIONS):
        assert max(counts[word] for word in words) < 1.6 * min(counts[word] for word in words)


def test_truth_is_where_the_pixels_of_the_phrase_are(scenes):
    for k in range(0, len(scenes), 3):
        objects = painted(scenes.pictures[k])
        assert len(objects) == 2
        covered = torch.zeros(7, dtype=torch.bool)
        for _, colour, shape, places in phrases(scenes, k):
            expected = in_cells(objects[colour]) >= 4
            assert expected.sum() >= 4
            assert shape_of(objects[colour]) == shape, (k, scenes.captions[k])
            for place in places:
                assert torch.equal(scenes.truth[k, place], expected), (k, scenes.captions[k])
                covered[place] = True
        assert not scenes.truth[k, ~covered].any()


def test_two_objects_differ_in_colour_and_shape_and_share_no_cell(scenes):
    for k in range(0, len(scenes), 3):
        one, other = painted(scenes.pictures[k]).values()
        assert not ((in_cells(one) > 0) & (in_cells(other) > 0)).any()
        assert shape_of(one) != shape_of(other)
    for k in range(len(scenes)):
        if len(phrases(scenes, k)) == 2:
            (_, *one, _), (_, *other, _) = phrases(scenes, k)
            assert one[0] != other[0] and one[1] != other[1]


def box(pixels):
    """-> top, bottom, left, right; both ends included."""
    ys, xs = pixels.nonzero().T
    return int(ys.min()), int(ys.max()), int(xs.min()), int(xs.max())


def test_relations_and_sizes_are_true(scenes):
    seen = set()
    for k in range(0, len(scenes), 3):
        objects = painted(scenes.pictures[k])
        for size, colour, *_ in phrases(scenes, k):
            top, bottom, left, right = box(objects[colour])
            shortest, longest = SIZES[size] if size else (12, 27)
            assert bottom - top == right - left and shortest <= bottom - top + 1 <= longest
        if len(phrases(scenes, k)) == 2:
            relation = next(word for word in scenes.word_names(k) if word in RELATIONS)
            one, other = (box(objects[colour]) for _, colour, *_ in phrases(scenes, k))
            down, right = (other[i] + other[i + 1] - one[i] - one[i + 1] for i in (0, 2))
            by_eye = ("above" if down > 0 else "below") if abs(down) > abs(right) else None
            by_eye = by_eye or ("left-of" if right > 0 else "right-of")
            assert abs(down) != abs(right) and by_eye == relation
            assert one[1] < other[0] or other[1] < one[0] or one[3] < other[2] or other[3] < one[2]
            seen.add(relation)
    assert seen == set(RELATIONS)


def test_sizes_of_two_objects_are_drawn_apart(scenes):
    sizes = [tuple(size for size, *_ in phrases(scenes, k)) for k in range(len(scenes))]
    full = Counter(pair for pair in sizes if len(pair) == 2 and None not in pair)
    assert len(full) == 4 and max(full.values()) < 1.5 * min(full.values())


def things(scenes, k):
    """The colour–shape pairs of a picture, said or not."""
    return {(colour, shape_of(pixels)) for colour, pixels in painted(scenes.pictures[k]).items()}


def test_held_out_pairs_are_in_no_known_scene_and_in_every_new_one():
    assert len(HELD_OUT) == len({colour for colour, _ in HELD_OUT}) == len({shape for _, shape in HELD_OUT}) == 4
    known, new = (shapes.make(400, seed=4, composition=composition) for composition in COMPOSITIONS)
    places = set()
    for k in range(400):
        assert not things(known, k) & set(HELD_OUT)
        said = [(colour, shape) for _, colour, shape, _ in phrases(new, k)]
        assert set(said) & set(HELD_OUT) and set(said) <= things(new, k)
        places |= {place for place, thing in enumerate(said) if thing in HELD_OUT and len(said) == 2}
    assert places == {0, 1}  # a new pair is not always the first that is named
    assert {word for caption in known.captions for word in caption.split()} == set(VOCABULARY) - {""}


def test_class_ids_are_equal_where_captions_are(scenes):
    assert len(set(scenes.captions)) < len(scenes)
    first = {}
    for caption, number in zip(scenes.captions, scenes.class_ids.tolist(), strict=True):
        assert first.setdefault(caption, len(first)) == number


def test_scenes_vary_in_ground_place_and_tint():
    scenes = shapes.make(300)
    grounds = scenes.pictures.flatten(1, 2).median(dim=1).values
    assert (grounds == grounds[:, :1]).all() and len(grounds[:, 0].unique()) > 10
    assert grounds.min() >= 118 and grounds.max() <= 138
    red = [scenes.pictures[k][pixels["red"]] for k in range(300) if "red" in (pixels := painted(scenes.pictures[k]))]
    assert all((tint == tint[0]).all() for tint in red)  # one tint an object
    assert len({tuple(tint[0].tolist()) for tint in red}) > 0.9 * len(red)
    for along in (1, 2):  # an object may be anywhere, also at each of the four edges
        assert (scenes.truth[:, 0].any(along).float().mean(0) > 0.02).all()


@pytest.mark.parametrize(("composition", "checksum"), [("known", "131ba1a755a2695b"), ("new", "1664f6106181a8b4")])
def test_the_same_on_every_machine(composition, checksum):
    scenes = shapes.make(200, seed=7, composition=composition)
    seen = hashlib.sha256("\n".join(scenes.captions).encode())
    for x in vars(scenes).values():
        if isinstance(x, torch.Tensor):
            seen.update(x.numpy().astype("<i8").tobytes())
    assert seen.hexdigest()[:16] == checksum


@settings(max_examples=25)
@given(st.integers(0, 2**64), st.integers(1, 20), st.integers(1, 20), st.sampled_from(COMPOSITIONS))
def test_more_scenes_of_a_seed_begin_with_the_same_ones(seed, few, more, composition):
    short = shapes.make(few, seed=seed, composition=composition)
    long = shapes.make(few + more, seed=seed, composition=composition).take(range(few))
    assert short.captions == long.captions
    assert not torch.equal(shapes.make(few, seed=seed + 1, composition=composition).pictures, short.pictures)
    for name in ("pictures", "words", "lengths", "kinds", "truth", "class_ids"):
        assert torch.equal(getattr(short, name), getattr(long, name))


def test_take_keeps_scenes_together(scenes):
    some = scenes.take(torch.tensor([5, 3, 5]))
    assert len(some) == 3 and some.captions == tuple(scenes.captions[k] for k in (5, 3, 5))
    for name in ("pictures", "words", "lengths", "kinds", "truth", "class_ids"):
        assert torch.equal(getattr(some, name), getattr(scenes, name)[[5, 3, 5]])
    assert len(scenes.take([])) == 0
    with pytest.raises(ValueError, match=r"positions must be .*scene"):
        scenes.take([5000])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"count": 0}, ValueError, r"count must be at least 1.*image and a text"),
        ({"count": 2.0}, TypeError, r"count must be an int.*image and a text.*float"),
        ({"count": True}, TypeError, "count must be an int"),
        ({"count": 2, "seed": -1}, ValueError, r"seed must be at least 0.*images and texts.*-1"),
        ({"count": 2, "seed": None}, TypeError, "seed must be an int.*NoneType"),
        ({"count": 2, "composition": "old"}, ValueError, r"composition must be.*image side.*text side.*'old'"),
        ({"count": 2, "composition": None}, ValueError, "composition must be"),
    ],
)
def test_a_bad_argument_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        shapes.make(**arguments)

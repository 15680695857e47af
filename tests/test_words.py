"""Vocabulary: which words it knows, and what it makes of a text."""

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu.data import emoji, words
from xmatch_edu.data.words import UNKNOWN, Vocabulary

WORDS = ["one", "two", "Three", "flag", "sun", "☀", "...", "日", "x2"]
PHRASE = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)


class Texts:
    """What a Vocabulary reads of EmojiPairs: captions and keywords."""

    def __init__(self, *texts):
        self.captions, self.keywords = [text[0] for text in texts], [text[1:] for text in texts]

    def __len__(self):
        return len(self.captions)


def spelt(vocabulary, row):
    """The words of a row of numbers."""
    return [vocabulary.words[number - 1] for number in row.tolist() if number != UNKNOWN]


def test_it_counts_texts_and_not_occurrences():
    pairs = Texts(("sun", "sun sun", "sun"), ("moon", "a moon"), ("a night", "moon"))
    assert Vocabulary(pairs).words == ("a", "moon")
    assert Vocabulary(pairs, least=1).words == ("a", "moon", "night", "sun")
    with pytest.raises(ValueError, match=r"pairs: no word of the text side comes up 3 times among these 3 pairs"):
        Vocabulary(pairs, least=3)


@given(st.lists(st.lists(PHRASE, min_size=1, max_size=4), min_size=1, max_size=6), st.integers(1, 3))
def test_it_is_the_count_written_once_more(texts, least):
    """Split by hand at spaces: for these words that is the same. In alphabetical order, numbered from 1."""
    counted = Counter(word for text in texts for word in set(" ".join(text).lower().split()) - {"☀", "..."})
    wanted = tuple(sorted(word for word, count in counted.items() if count >= least))
    if not wanted:
        with pytest.raises(ValueError, match="pairs: no word"):
            Vocabulary(Texts(*texts), least)
        return
    vocabulary = Vocabulary(Texts(*texts), least)
    assert vocabulary.words == wanted and len(vocabulary) == len(wanted)
    assert all((word in vocabulary) == (word in wanted) for word in [*counted, "", "☀", "never"])
    numbers, of_phrase = vocabulary.read(texts)
    assert numbers.shape == of_phrase.shape and numbers.dtype == of_phrase.dtype == torch.int64
    assert numbers.min() >= 0 and numbers.max() <= len(vocabulary)
    for row, places, text in zip(numbers, of_phrase, texts, strict=True):
        every = [(place, word) for place, phrase in enumerate(text) for word in phrase.lower().split()]
        known = [(place, word) for place, word in every if word in wanted]
        assert spelt(vocabulary, row) == [word for _, word in known]
        assert places[: len(known)].tolist() == [place for place, _ in known]
        assert not row[len(known):].any() and not places[len(known):].any(), "padding stands at the end"
    assert numbers.shape[1] == max(1, *(len(spelt(vocabulary, row)) for row in numbers), 1), "no wider than needed"


@pytest.mark.parametrize(("phrase", "found"), [
    ("Red Apple", ["red", "apple"]),
    ("man’s hat: O-K, no_end (100%)!", ["man", "s", "hat", "o", "k", "no", "end", "100"]),
    (":-) ☀️ ¯\\_(ツ)_/¯ 🍏 … ♥", ["ツ"]),
    ("雪だるま", ["雪", "だ", "る", "ま"]),
    ("ハート2個 red", ["ハ", "ー", "ト", "2", "個", "red"]),
    ("T恤 okの手", ["t", "恤", "ok", "の", "手"]),  # also straight after a letter or a digit
    ("フルール・ド", ["フ", "ル", "ー", "ル", "ド"]),  # the dot is punctuation
    ("빨간 사과", ["빨간", "사과"]),
    ("улыбка ÉTÉ", ["улыбка", "été"]),
    ("", []), ("  \t\n", []), ("?!", []),
])  # fmt: skip
def test_what_a_word_is(phrase, found):
    """Chinese and Japanese character by character, other scripts by run; no smileys, no punctuation, small letters."""
    assert words.words(phrase) == found


def test_a_text_without_a_known_word_is_a_row_of_padding():
    vocabulary = Vocabulary(Texts(("sun", "a sun"), ("a moon", "moon"), ("sun", "moon")))
    numbers, of_phrase = vocabulary.read([("xyzzy", "a sun"), (), ("",), ("xyzzy",)])
    assert [spelt(vocabulary, row) for row in numbers] == [["a", "sun"], [], [], []]
    assert of_phrase[0, 0] == 1, "the word of the second phrase, although the first has none"
    for only in ([()], [("xyzzy",)], [("",), ()]):
        read = vocabulary.read(only)
        assert read.numbers.tolist() == read.phrases.tolist() == [[UNKNOWN]] * len(only)
    assert vocabulary.read([]).numbers.shape == (0, 1)


def test_no_known_word_has_the_number_of_padding():
    vocabulary = Vocabulary(Texts(("a", "b"), ("a", "b")))
    assert vocabulary.read([("a b",)]).numbers.tolist() == [[1, 2]]


@pytest.mark.parametrize("pairs", [Texts(), Texts(("sun",), ("moon",)), Texts(("☀ ...",), ("☀ ...",))])
def test_an_empty_vocabulary_is_named(pairs):
    with pytest.raises(ValueError, match=f"pairs: no word of the text side .* these {len(pairs)} pairs"):
        Vocabulary(pairs)


def test_of_the_emoji():
    """A word of the training pairs, one only of others, and each text read back."""
    pairs = emoji.load(size=8)
    train = pairs.take(pairs.train)
    vocabulary = Vocabulary(train)
    assert "ocean" in vocabulary and "Ocean" not in vocabulary and 1000 < len(vocabulary) < 3000
    elsewhere = {w for k in pairs.test.tolist() for phrase in words.phrases(pairs, k) for w in words.words(phrase)}
    of_train = {w for k in range(len(train)) for phrase in words.phrases(train, k) for w in words.words(phrase)}
    assert elsewhere - of_train and not any(word in vocabulary for word in elsewhere - of_train)
    assert words.phrases(pairs, 3) == (pairs.captions[3], *pairs.keywords[3])
    numbers, of_phrase = vocabulary.read([words.phrases(pairs, k) for k in range(len(pairs))])
    assert numbers.shape == of_phrase.shape and len(numbers) == len(pairs)
    unread = {pairs.captions[k] for k in pairs.train.tolist() if not numbers[k].any()}
    assert unread == {"sled", "diya lamp", "receipt", "mirror", "donkey", "jellyfish", "splatter"}

"""Texts as numbers: which words a model knows, and the words of a caption and its keywords as their numbers.

Here lives the vocabulary. What the numbers become lives in `models`.

K: pairs    T: words of the longest text
"""

import re
from collections import Counter
from typing import NamedTuple

import torch

# Runs of letters and digits: no smileys, no punctuation. Scripts that put no space between words, character by
# character (Chinese, Japanese).
_SINGLE = r"\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"(?=\w)[{_SINGLE}]|[^\W_{_SINGLE}]+")

UNKNOWN = 0  # the number of no word: of padding, and of what is not in the vocabulary


class Words(NamedTuple):
    """K texts as numbers. A text is some phrases: the caption, and each keyword."""

    numbers: torch.Tensor  # (K, T) int64, from 1; UNKNOWN at padding
    phrases: torch.Tensor  # (K, T) int64: which phrase the word is from, 0 for the caption


class Vocabulary:
    """The words that come up in at least `least` texts of `pairs`, in alphabetical order, numbered from 1.

    pairs: EmojiPairs to learn from. A word seen once cannot be told from its one picture, so by default it is left out.
    Errors: ValueError naming pairs.
    """

    def __init__(self, pairs, least=2):
        seen = Counter()
        for k in range(len(pairs)):
            seen.update({word for phrase in phrases(pairs, k) for word in words(phrase)})
        self.words = tuple(sorted(word for word, count in seen.items() if count >= least))
        if not self.words:
            raise ValueError(f"pairs: no word of the text side comes up {least} times among these {len(pairs)} pairs")
        self._number = {word: number for number, word in enumerate(self.words, start=1)}

    def __len__(self):
        return len(self.words)

    def __contains__(self, word):
        return word in self._number

    def read(self, texts):
        """K texts, each a sequence of phrases -> Words. Unknown words are left out."""
        rows = [
            [(self._number[word], place) for place, phrase in enumerate(text) for word in words(phrase) if word in self]
            for text in texts
        ]
        longest = max([1, *map(len, rows)])
        padded = torch.tensor([row + [(UNKNOWN, 0)] * (longest - len(row)) for row in rows], dtype=torch.int64)
        return Words(*padded.reshape(-1, longest, 2).unbind(dim=2))


def words(phrase):
    """A phrase -> its words, in small letters."""
    return _WORD.findall(phrase.lower())


def phrases(pairs, k):
    """Of EmojiPairs, pairs, those of pair k -> its caption, then its keywords."""
    return (pairs.captions[k], *pairs.keywords[k])

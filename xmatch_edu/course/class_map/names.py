"""Names as they can be shown without harm, and pseudonyms in their place."""

import secrets
import unicodedata
from dataclasses import replace

_JOINERS = "\u200c\u200d"  # invisible, and part of the spelling in Persian, Hindi and others


def readable(text):
    """What cannot be seen, or would turn the rest of the line around, is written out: \\x00, \\u202e, half a letter."""
    return "".join(letter if letter.isprintable() or letter in _JOINERS
                   else letter.encode("unicode_escape").decode() for letter in text)  # fmt: skip


def key(name):
    """Equal for names that a person would take for the same: Anna and anna, and é in either of its spellings.

    Sorted by it, é stands beside e.
    """
    return unicodedata.normalize("NFD", name.casefold()).strip()


def hide(found):
    """The `Class` with "learner 07" and so on in place of every name, marked as `hidden`.

    The numbers are dealt at random, so they say nothing of the order of the names.
    """
    keys = sorted({key(one.name) for one in (*found.learners, *found.refused)})
    numbers = list(range(1, len(keys) + 1))
    secrets.SystemRandom().shuffle(numbers)
    dealt = {one: f"learner {number:0{len(str(len(keys)))}}" for one, number in zip(keys, numbers, strict=True)}
    learners = [replace(one, name=dealt[key(one.name)]) for one in found.learners]
    refused = [replace(one, name=dealt[key(one.name)], shown=dealt[key(one.name)]) for one in found.refused]
    return replace(found, learners=sorted(learners, key=lambda one: one.name),
                   refused=sorted(refused, key=lambda one: one.name), hidden=True)  # fmt: skip

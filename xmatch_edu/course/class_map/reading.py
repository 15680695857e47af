"""A progress file is read whole, or refused with a reason: what is in it was written by somebody else."""

import json
from dataclasses import dataclass, field

from xmatch_edu.check.progress import VERSION
from xmatch_edu.course import exercises
from xmatch_edu.course.class_map import hand_ins
from xmatch_edu.course.class_map.hand_ins import Refused
from xmatch_edu.course.class_map.names import key

MOST_ATTEMPTS = 1_000_000
EXERCISES = exercises.EXERCISES
SAYS = {name: {idea.name: idea.says for idea in one.misconceptions} for name, one in EXERCISES.items()}


@dataclass(frozen=True)
class Tries:
    """One exercise of one learner. met: {misconception: how often}, only those that the course has."""

    attempts: int = 0
    solved: bool = False
    met: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Learner:
    """tries: {exercise: Tries}, those of the course alone. strange: how many names the course does not have."""

    name: str
    tries: dict
    strange: int = 0


@dataclass(frozen=True)
class NotRead:
    """A hand-in that was refused. shown: its name in the folder."""

    name: str
    shown: str
    reason: str


@dataclass(frozen=True)
class Class:
    """All that the folder held: [Learner], [NotRead], and the names of files that are no hand-in.

    hidden: the names of learners are pseudonyms, and what was left aside may only be counted.
    """

    learners: list
    refused: list
    aside: list
    hidden: bool = False


def read(path):
    """Read every hand-in of the folder -> Class. A hand-in harms no other, whatever is in it."""
    found, twice, aside = hand_ins.look(path)
    refused = [(one, "Another hand-in bears the same name. Keep one of them.") for one in twice]
    learners = []
    for one in found:
        try:
            learners.append(parse(one.name, hand_ins.read(one.path)))
        except Refused as reason:
            refused.append((one, str(reason)))
        except Exception as error:  # nobody has thought of every file that can be made
            refused.append((one, f"It could not be read: it is damaged or locked ({type(error).__name__})."))
    refused.sort(key=lambda pair: key(pair[0].shown))
    return Class(learners, [NotRead(one.name, one.shown, reason) for one, reason in refused], aside)


def parse(name, content):
    """The bytes of a progress file -> Learner. Errors: Refused, in words that hold nothing of the file."""
    record = _json(content)
    if not isinstance(record, dict) or not isinstance(record.get("exercises"), dict):
        raise Refused("It is no progress file: it has no exercises.")
    if type(record.get("version")) is not int or record["version"] != VERSION:
        raise Refused(f"It is not of version {VERSION}, the only one that this course reads.")
    tries, strange = {}, 0
    for exercise, entry in record["exercises"].items():
        one = _tries(exercise if exercise in EXERCISES else "an exercise that the course does not have", entry)
        if exercise in EXERCISES:
            known = {idea: times for idea, times in one.met.items() if idea in SAYS[exercise]}
            strange += len(one.met) - len(known)
            tries[exercise] = Tries(one.attempts, one.solved, known)
        else:
            strange += 1
    return Learner(name, tries, strange)


def _json(content):
    if not content:
        raise Refused("It is empty.")
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once_each)  # an editor may have put a mark
    except UnicodeDecodeError:
        raise Refused("It is not text in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Refused(f"It is no JSON, or cut off: line {error.lineno}, column {error.colno}.") from None
    except ValueError:  # a number with thousands of digits
        raise Refused("It holds a number that is no count.") from None
    except RecursionError:
        raise Refused("It is nested without end.") from None


def _once_each(pairs):
    if len(whole := dict(pairs)) < len(pairs):
        raise Refused("A name stands in it twice, and which one counts is not clear.")
    return whole


def _tries(exercise, entry):
    if not isinstance(entry, dict) or not isinstance(entry.get("misconceptions"), dict):
        raise Refused(f"{exercise}: the entry has no misconceptions.")
    if not isinstance(entry.get("passed"), bool):
        raise Refused(f"{exercise}: passed is neither true nor false.")
    counts = [("attempts", entry.get("attempts")), *(("misconceptions", n) for n in entry["misconceptions"].values())]
    for what, count in counts:
        if type(count) is not int or not 0 <= count <= MOST_ATTEMPTS:
            raise Refused(f"{exercise}: {what} holds no whole number from 0 to {MOST_ATTEMPTS:,}.")
    return Tries(entry["attempts"], entry["passed"], entry["misconceptions"])

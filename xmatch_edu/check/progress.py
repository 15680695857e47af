"""What the learner has tried and solved: one JSON file in their own folder. Nothing leaves the machine.

{"version": 1, "exercises": {name: {"attempts": 3, "passed": true, "misconceptions": {name: how often}, "last": …}}}
A real attempt is noted, once for each version of the answer; an untouched stub leaves no file. The file is written in
one stroke and under a lock, since two chapters may be open at once. A spoilt file is set aside, never overwritten.
"""

import hashlib
import html
import inspect
import json
from pathlib import Path

from filelock import FileLock, Timeout

from xmatch_edu.check.result import NOT_ATTEMPTED, PASS
from xmatch_edu.launch.working_copy import write

FILE = "progress.json"
VERSION = 1


def note(exercise, learner, result):
    """Note one attempt -> what there is to say about it, as sentences: none, unless something is in the way."""
    if result.outcome == NOT_ATTEMPTED:
        return []
    path = Path.cwd() / FILE
    try:
        with FileLock(path.with_name(f".{FILE}.lock"), timeout=5):
            record, said = _read(path)
            one = record["exercises"].setdefault(exercise.name, {"attempts": 0, "passed": False, "misconceptions": {}})
            fingerprint = _fingerprint(learner)
            if one.get("last") != fingerprint:  # Run All asks again about the same answer: no new attempt
                one["attempts"] += 1
                one["last"] = fingerprint
                if result.misconception:
                    met = one["misconceptions"]
                    met[result.misconception] = met.get(result.misconception, 0) + 1
            one["passed"] = one["passed"] or result.outcome == PASS
            write(path, json.dumps(record, indent=1, ensure_ascii=False).encode())
            return said
    except (OSError, Timeout) as error:
        return [f"(Your progress could not be noted in {FILE}: {type(error).__name__}. The answer above stands.)"]


def read():
    """What is noted so far -> ({exercise: its record}, sentences about it)."""
    try:
        record, said = _read(Path.cwd() / FILE)
    except OSError as error:
        return {}, [f"{FILE} could not be read: {type(error).__name__}."]
    return record["exercises"], said


def _read(path):
    """The record and what there is to say; a file that does not hold one is set aside under another name."""
    empty = {"version": VERSION, "exercises": {}}
    if not path.exists():
        return empty, []
    try:
        record = json.loads(path.read_text("utf-8"))
    except ValueError:  # no JSON, or no UTF-8
        record = None
    if _is_record(record):
        return record, []
    number = 1
    while (aside := path.with_name(f"{path.stem}.spoilt-{number}.json")).exists():
        number += 1
    path.rename(aside)
    return empty, [f"({FILE} could not be understood. It was set aside as {aside.name}, and a new one begun.)"]


def _is_record(record):
    exercises = record.get("exercises") if isinstance(record, dict) else None
    return isinstance(exercises, dict) and record.get("version") == VERSION and all(map(_is_entry, exercises.values()))


def _is_entry(one):
    counts = [one.get("attempts"), *one["misconceptions"].values()] if (
        isinstance(one, dict) and isinstance(one.get("misconceptions"), dict)) else [None]  # fmt: skip
    return all(type(count) is int for count in counts) and isinstance(one.get("passed"), bool)


def _fingerprint(function):
    """Of the answer's text, not kept itself; of its name where Python does not know the text."""
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        text = repr(type(function))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_SIGNS = {"solved": "●", "tried": "◐", "not yet": "○"}


class CourseMap:
    """The exercises of the course and how far you are, drawn from the file in this folder.

    chapters: {title: [exercises]}. As the last line of a cell it shows itself.
    """

    def __init__(self, chapters):
        noted, self._said = read()
        self._lines = [(title, [(one.name, *self._state(noted.get(one.name))) for one in exercises])
                       for title, exercises in chapters.items()]  # fmt: skip

    @staticmethod
    def _state(one):
        if one is None:
            return "not yet", ""
        met = ", ".join(one["misconceptions"])
        return "solved" if one["passed"] else "tried", f"met: {met}" if met else ""

    def __repr__(self):
        lines = []
        for title, exercises in self._lines:
            solved = sum(state == "solved" for _, state, _ in exercises)
            lines.append(f"{title}: {solved} of {len(exercises)} solved")
            lines += [f"  {_SIGNS[state]} {name}, {state}{met and '; ' + met}" for name, state, met in exercises]
        return "\n".join([*lines, *self._said])

    def _repr_mimebundle_(self, include=None, exclude=None):
        rows = "".join(
            f'<tr><th scope="row" style="text-align: left">{html.escape(title)}</th>'
            f'<td style="text-align: left">{"<br>".join(self._cell(*one) for one in exercises)}</td></tr>'
            for title, exercises in self._lines
        )
        said = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self._said)
        return {"text/plain": repr(self), "text/html": f"<table>{rows}</table>{said}"}

    def _cell(self, name, state, met):
        words = f"{_SIGNS[state]} {name}, {state}"
        return words + (f" <small>({html.escape(met)})</small>" if met else "")

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

from xmatch_edu._files import write
from xmatch_edu.check.result import NOT_ATTEMPTED, PASS

FILE = "progress.json"
VERSION = 1


def note(exercise, learner, result):
    """Note one attempt at an exercise: the learner's function, and its Result, result.

    -> what there is to say about it, as sentences: none, unless something is in the way.
    """
    if result.outcome == NOT_ATTEMPTED:
        return []
    try:
        path = Path.cwd() / FILE
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
            write(path, json.dumps(record, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace"))
            return said
    except (OSError, Timeout, ValueError, RecursionError) as error:
        return [f"(Your progress could not be noted in {FILE}: {type(error).__name__}. The answer above stands.)"]


def read():
    """What is noted so far -> ({exercise: its record}, sentences about it)."""
    try:
        path = Path.cwd() / FILE
        if not path.exists():
            return {}, []
        with FileLock(path.with_name(f".{FILE}.lock"), timeout=5):
            record, said = _read(path)
    except (OSError, Timeout) as error:
        return {}, [f"{FILE} could not be read: {type(error).__name__}."]
    return record["exercises"], said


def _read(path):
    """The record and what there is to say; a file that does not hold one is set aside under another name."""
    empty = {"version": VERSION, "exercises": {}}
    if not path.exists():
        return empty, []
    if not path.is_file():  # a pipe would keep the reader waiting
        raise OSError(f"{FILE} is no file")
    try:
        record = json.loads(path.read_text("utf-8-sig"))  # an editor may have put a mark at its beginning
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested without end
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
    """Of what the answer does, not of its comments; the answer itself is not kept."""
    function = getattr(function, "func", function)  # of a functools.partial
    code = getattr(function, "__code__", None)
    what = _steps(code) if inspect.iscode(code) else type(function).__qualname__
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def _steps(code):
    inner = [_steps(one) if inspect.iscode(one) else repr(sorted(map(repr, one)) if isinstance(one, frozenset) else one)
             for one in code.co_consts]  # fmt: skip
    return repr((code.co_code, code.co_names, inner))


_SIGNS = {"solved": "●", "tried": "◐", "not yet": "○"}


class CourseMap:
    """The exercises of the course and how far you are, drawn from the file in this folder.

    chapters: [(title, notebook, [exercises])]. As the last line of a cell it shows itself.
    """

    def __init__(self, chapters):
        noted, self._said = read()
        self._chapters = [(title, notebook, [(one.name, *_state(noted.get(one.name))) for one in exercises])
                          for title, notebook, exercises in chapters]  # fmt: skip

    def __repr__(self):
        lines = []
        for title, _, exercises in self._chapters:
            lines.append(f"{title}: {_count(exercises)}")
            lines.append("  " + "  ".join(f"{_SIGNS[state]} {name}" for name, state, _ in exercises))
            lines += [f"  met in {name}: {', '.join(met)}" for name, _, met in exercises if met]
        return "\n".join([*lines, *self._said])

    def _repr_mimebundle_(self, include=None, exclude=None):
        rows = []
        for title, notebook, exercises in self._chapters:
            signs = " &nbsp; ".join(f'<span style="white-space: nowrap" title="{state}">{_SIGNS[state]} {name}</span>'
                                    for name, state, _ in exercises)  # fmt: skip
            met = "".join(f"<br><small>met in {name}: {html.escape(', '.join(met))}</small>"
                          for name, _, met in exercises if met)  # fmt: skip
            rows.append(f'<tr><th scope="row" style="text-align: left"><a href="{notebook}">{title}</a></th>'
                        f'<td style="text-align: left; white-space: nowrap">{_count(exercises)}</td>'
                        f'<td style="text-align: left">{signs}{met}</td></tr>')  # fmt: skip
        legend = ", ".join(f"{sign} {state}" for state, sign in _SIGNS.items())
        said = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self._said)
        return {"text/plain": repr(self), "text/html": f"<table>{''.join(rows)}</table><p>{legend}</p>{said}"}


def _state(one):
    """("solved", "tried" or "not yet", the misconceptions met)."""
    if one is None:
        return "not yet", []
    return "solved" if one["passed"] else "tried", list(one["misconceptions"])


def _count(exercises):
    return f"{sum(state == 'solved' for _, state, _ in exercises)} of {len(exercises)} solved"

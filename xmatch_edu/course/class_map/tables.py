"""The same as CSV, for a spreadsheet: class_map.csv and misconceptions.csv.

A spreadsheet takes a cell that begins with = + - or @ for a formula and runs it, so such a cell gets a ' in front.
Every cell is in quotes, because a spreadsheet that parts at ; would otherwise find a beginning in the middle of a name.
"""

import csv

from xmatch_edu.course.class_map import figures

_FORMULA = "=+-@\t\r＝＋－＠"


def write(folder, found):
    """Write both files of a `Class` into the folder."""
    rows = [
        [learner.name, chapter, exercise, figures.outcome(one), one.attempts,
         "; ".join(f"{idea} ({times})" for idea, times in one.met.items())]
        for learner in found.learners for chapter, exercise in figures.COURSE
        for one in [figures.tries(learner, exercise)]
    ]  # fmt: skip
    _write(folder / "class_map.csv", ["learner", "chapter", "exercise", "outcome", "attempts", "misconceptions"], rows)
    rows = [[one.chapter, one.exercise, one.idea, one.learners, one.times, one.says]
            for one in figures.met(found.learners)]  # fmt: skip
    _write(folder / "misconceptions.csv",
           ["chapter", "exercise", "misconception", "learners", "times", "what the check says"], rows)  # fmt: skip


def _write(path, head, rows):
    with open(path, "w", encoding="utf-8-sig", newline="") as file:  # without its mark Excel spoils é
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(head)
        writer.writerows([_safe(cell) for cell in row] for row in rows)


def _safe(cell):
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(tuple(_FORMULA)) else cell

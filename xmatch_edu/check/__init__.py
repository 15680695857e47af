"""The course answers back: `check.<exercise>(your_function)` says right, not yet and why, or not attempted.

    engine       how an answer is judged: what an exercise and a misconception are
    answers      reading what a function gives
    words        the words for an answer that no misconception explains
    calm         calling a learner's function without harm
    pictures     the N×N picture of an answer, yours beside the right one
    result       what an answer is told, on the page and in plain text
    progress     what was tried and solved, in one file in the learner's folder

The exercises themselves live in `course.exercises`, and are looked up by name at the moment of asking.
"""

from importlib import import_module

from xmatch_edu.check import progress


def __getattr__(name):
    """check.first_loss, check.labels_after and so on: each exercise under its own name."""
    if name.startswith("_") or name not in (found := _exercises().EXERCISES):
        raise AttributeError(f"the course has no exercise {name!r}")
    return found[name]


def __dir__():
    return [*globals(), *_exercises().EXERCISES]


def course_map():
    """How far you are, from the file in the notebook's folder -> a table that shows itself."""
    return progress.CourseMap([(one.title, one.notebook, one.exercises) for one in _exercises().CHAPTERS])


def _exercises():
    return import_module("xmatch_edu.course.exercises")

"""The course answers back: `check.<exercise>(your_function)` says right, not yet and why, or not attempted.

    engine       how an answer is judged: what an exercise and a misconception are
    answers      reading what a function gives
    words        the words for an answer that no misconception explains
    calm         calling a learner's function without harm
    pictures     the N×N picture of an answer, yours beside the right one
    result       what an answer is told, on the page and in plain text
    progress     what was tried and solved, in one file in the learner's folder
    ideas        wrong ideas that several exercises meet
    chapter_…    one file a chapter, or a folder with one an exercise: its reference, its cases, its misconceptions
"""

from xmatch_edu.check import (
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_07,
    chapter_08,
    chapter_09,
    chapter_10,
    chapter_11,
    progress,
)

CHAPTERS = (
    chapter_01, chapter_02, chapter_03, chapter_04, chapter_05, chapter_06, chapter_07, chapter_08, chapter_09,
    chapter_10, chapter_11,
)  # fmt: skip

# check.first_loss, check.labels_after and so on: each exercise under its own name.
globals().update({one.name: one for chapter in CHAPTERS for one in chapter.EXERCISES})


def course_map():
    """How far you are, from the file in the notebook's folder -> a table that shows itself."""
    return progress.CourseMap([(chapter.TITLE, chapter.NOTEBOOK, chapter.EXERCISES) for chapter in CHAPTERS])

"""The exercises: one file a chapter, or a folder with one an exercise, and the wrong ideas that several of them meet.

How an answer is judged lives in `check`.
"""

from xmatch_edu.course.exercises import (
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
)

CHAPTERS = (
    chapter_01, chapter_02, chapter_03, chapter_04, chapter_05, chapter_06, chapter_07, chapter_08, chapter_09,
    chapter_10, chapter_11,
)  # fmt: skip
EXERCISES = {one.name: one for chapter in CHAPTERS for one in chapter.EXERCISES}

"""The solved notebooks: in each exercise the solution stands where the stub stood.

Nothing is run here. The cells of the exercises have no output: run them, and their checks say "right". All others keep
the outputs of the course. tests/test_exercises.py runs these very notebooks to their end.
"""

import nbformat

from xmatch_edu.course.publish import chapters


def make(folder):
    """Write all notebooks into `folder` -> the first one with exercises."""
    every = chapters.every()
    for chapter in every:
        chapters.hand_out(filled(chapter), folder, chapter)
    return next(chapter.file for chapter in every if chapter.exercises)


def filled(chapter):
    """The chapter's notebook -> one whose exercises are solved."""
    notebook = nbformat.from_dict(chapter.notebook)
    for one in chapter.exercises:
        cell = notebook.cells[one.cell]
        cell.source = chapters.STUB.sub(lambda stub, one=one: one.solution, cell.source, count=1)
        cell.outputs, cell.execution_count = [], None
    return notebook

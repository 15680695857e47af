"""The solved notebooks: in each exercise the solution stands where the stub stood.

Nothing is run here. The cells of the exercises have no output: run them, and their checks say "right". All others keep
the outputs of the course. tests/test_exercises.py runs these very notebooks to their end.
"""

import nbformat

from xmatch_edu.launch.working_copy import lay_down
from xmatch_edu.publish import chapters


def make(folder):
    """Write all notebooks into `folder` -> the first one with exercises."""
    lay_down(chapters.FOLDER, folder)  # its record makes `lab --dir` take these for copies that somebody changed
    every = chapters.every()
    for chapter in every:
        chapters.write(filled(chapter), folder / chapter.file)
    return next(chapter.file for chapter in every if chapter.exercises)


def filled(chapter):
    """The chapter's notebook -> one whose exercises are solved."""
    notebook = nbformat.from_dict(chapter.notebook)
    for one in chapter.exercises:
        cell = notebook.cells[one.cell]
        cell.source = chapters.STUB.sub(lambda stub, one=one: one.solution, cell.source, count=1)
        cell.outputs, cell.execution_count = [], None
    return notebook

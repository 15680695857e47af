"""The notebooks to hand out: nothing run, the hints folded away, the solutions left out.

A stored picture would answer the bold question above it, so no output is kept. The solutions are in `solved`, for the
teacher to give when the time has come; where one stood, a line says so.
"""

import nbformat

from xmatch_edu.course.publish import chapters

ELSEWHERE = "\n*The solution is in the solved notebooks. Your teacher has them.*"
REWORDED = {  # what chapter 00 says of the course's own notebooks -> what is true of these
    "A hint and a solution are folded away under it.":
        "A hint is folded away under it. The solutions are in the solved notebooks: your teacher has them.",
    "For a fresh copy, rename yours and start `python3 -m xmatch_edu lab` again.":
        "For a fresh copy, ask your teacher.",
}  # fmt: skip


def make(folder):
    """Write all notebooks into `folder` -> the first one. They run where the package is installed."""
    every = chapters.every()
    for chapter in every:
        chapters.hand_out(to_hand_out(chapter), folder, chapter)
    for old in REWORDED:
        if sum(old in cell.source for chapter in every for cell in chapter.cells) != 1:
            raise ValueError(f"no notebook says any more, or two say: {old}")
    return every[0].file


def to_hand_out(chapter):
    """The chapter's notebook -> one for a learner: the same cells, without outputs and solutions."""
    notebook = nbformat.from_dict(chapter.notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = chapters.SOLUTION.sub(ELSEWHERE, cell.source)
            for old, new in REWORDED.items():
                cell.source = cell.source.replace(old, new)
    return notebook

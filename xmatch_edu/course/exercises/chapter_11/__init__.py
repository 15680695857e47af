"""Chapter 11, many machines: the labels and the loss of one process, the way back through a gather, the ring, and a
mean over processes of unequal size."""

from xmatch_edu.course.exercises.chapter_11.backward_of_gather import backward_of_gather
from xmatch_edu.course.exercises.chapter_11.local_labels import local_labels
from xmatch_edu.course.exercises.chapter_11.local_loss import local_loss
from xmatch_edu.course.exercises.chapter_11.mean_over_processes import mean_over_processes
from xmatch_edu.course.exercises.chapter_11.ring_blocks import ring_blocks

TITLE = "11 Many machines"
NOTEBOOK = "11_many_machines.ipynb"

EXERCISES = (local_labels, local_loss, backward_of_gather, ring_blocks, mean_over_processes)

"""Chapter 09, when the diagonal lies: counting the false negatives of a batch, the floor that they give the loss, the
mask, shared targets, and the sigmoid loss."""

from xmatch_edu.course.exercises.chapter_09.false_negative_mask import false_negative_mask
from xmatch_edu.course.exercises.chapter_09.false_negatives import false_negatives
from xmatch_edu.course.exercises.chapter_09.loss_floor import loss_floor
from xmatch_edu.course.exercises.chapter_09.sigmoid_cross_entropy import sigmoid_cross_entropy
from xmatch_edu.course.exercises.chapter_09.soft_targets import soft_targets

TITLE = "09 When the diagonal lies"
NOTEBOOK = "09_when_the_diagonal_lies.ipynb"

EXERCISES = (false_negatives, loss_floor, false_negative_mask, soft_targets, sigmoid_cross_entropy)

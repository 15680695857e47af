"""Chapter 08, training two branches: a split by concept, the mean of a text's words, a step of the temperature, recall
with fair ties, and the recall of the held-out pairs alone."""

from xmatch_edu.course.exercises.chapter_08.fair_recall import fair_recall
from xmatch_edu.course.exercises.chapter_08.held_out_recall import held_out_recall
from xmatch_edu.course.exercises.chapter_08.mean_of_words import mean_of_words
from xmatch_edu.course.exercises.chapter_08.scale_step import scale_step
from xmatch_edu.course.exercises.chapter_08.split_by_concept import split_by_concept

TITLE = "08 Train two branches"
NOTEBOOK = "08_train_two_branches.ipynb"

EXERCISES = (split_by_concept, mean_of_words, fair_recall, held_out_recall, scale_step)

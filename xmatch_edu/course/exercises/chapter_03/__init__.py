"""Chapter 03: all columns at once, distances without a block, how large N may be, letters, and what a rung holds."""

from xmatch_edu.course.exercises.chapter_03.all_columns import all_columns
from xmatch_edu.course.exercises.chapter_03.every_word_with_every_region import every_word_with_every_region
from xmatch_edu.course.exercises.chapter_03.largest_batches import largest_batches
from xmatch_edu.course.exercises.chapter_03.multiples_of_S import multiples_of_S
from xmatch_edu.course.exercises.chapter_03.squared_distances import squared_distances

TITLE = "03 From loops to one line"
NOTEBOOK = "03_from_loops_to_matmul.ipynb"

EXERCISES = [all_columns, squared_distances, largest_batches, every_word_with_every_region, multiples_of_S]

"""Chapter 10, bigger batches: the running log-sum-exp, the logs of rows and columns tile by tile, the gradient tile by
tile, and the gradient of a batch that is embedded in pieces."""

from xmatch_edu.course.exercises.chapter_10.gradient_by_pieces import gradient_by_pieces
from xmatch_edu.course.exercises.chapter_10.image_gradient_by_tiles import image_gradient_by_tiles
from xmatch_edu.course.exercises.chapter_10.logs_by_tiles import logs_by_tiles
from xmatch_edu.course.exercises.chapter_10.running_log_sum_exp import running_log_sum_exp

TITLE = "10 Bigger batches"
NOTEBOOK = "10_bigger_batches.ipynb"

EXERCISES = (running_log_sum_exp, logs_by_tiles, image_gradient_by_tiles, gradient_by_pieces)

"""Chapter 04: the whole loss from features, its way back, labels after a shuffle, reading a loss, Newton's scale, and a
guard in half precision, in torch."""

from xmatch_edu.course.exercises.chapter_04.diagnose import diagnose
from xmatch_edu.course.exercises.chapter_04.loss_from_features import loss_from_features
from xmatch_edu.course.exercises.chapter_04.newton import newton
from xmatch_edu.course.exercises.chapter_04.shuffled_line import shuffled_line
from xmatch_edu.course.exercises.chapter_04.to_features import to_features
from xmatch_edu.course.exercises.chapter_04.unit_half import unit_half

TITLE = "04 torch and the GPU"
NOTEBOOK = "04_torch_and_the_gpu.ipynb"

EXERCISES = [loss_from_features, to_features, shuffled_line, diagnose, newton, unit_half]

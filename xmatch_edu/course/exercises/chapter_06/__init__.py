"""Chapter 06, the whole DAMSM: what a long text gains, the class mask, the softmax without what it leaves out, both
directions, and the total of four means, with its gradient, in torch."""

from xmatch_edu.course.exercises.chapter_06.both_directions import both_directions
from xmatch_edu.course.exercises.chapter_06.caption_bonus import caption_bonus
from xmatch_edu.course.exercises.chapter_06.class_mask import class_mask
from xmatch_edu.course.exercises.chapter_06.masked_probabilities import masked_probabilities
from xmatch_edu.course.exercises.chapter_06.whole_damsm import whole_damsm

TITLE = "06 The whole DAMSM"
NOTEBOOK = "06_the_whole_damsm.ipynb"

EXERCISES = [caption_bonus, class_mask, masked_probabilities, both_directions, whole_damsm]

"""Chapter 07, ranking the batch: what each non-match costs, both directions, the hardest only, distances, several texts
an image, and the loss as Keras calls it, with its gradient, in torch."""

from xmatch_edu.course.exercises.chapter_07.distance_hinge import distance_hinge
from xmatch_edu.course.exercises.chapter_07.hardest_hinge import hardest_hinge
from xmatch_edu.course.exercises.chapter_07.loss_for_keras import loss_for_keras
from xmatch_edu.course.exercises.chapter_07.several_texts import several_texts
from xmatch_edu.course.exercises.chapter_07.two_way_hinge import two_way_hinge
from xmatch_edu.course.exercises.chapter_07.violations import violations

TITLE = "07 Ranking the batch"
NOTEBOOK = "07_ranking_the_batch.ipynb"

EXERCISES = [violations, two_way_hinge, hardest_hinge, distance_hinge, several_texts, loss_for_keras]

"""Chapter 05: words against regions, where a word looks, what it sees there, the score of a caption, and R(Q, D) of
every image with every text, in NumPy.

T words down, R regions across, D features; N images, M texts.
"""

from xmatch_edu.course.exercises.chapter_05.caption_score import caption_score
from xmatch_edu.course.exercises.chapter_05.every_pair import every_pair
from xmatch_edu.course.exercises.chapter_05.what_words_see import what_words_see
from xmatch_edu.course.exercises.chapter_05.where_words_look import where_words_look
from xmatch_edu.course.exercises.chapter_05.word_similarities import word_similarities

TITLE = "05 Words and regions"
NOTEBOOK = "05_words_and_regions.ipynb"

EXERCISES = [word_similarities, where_words_look, what_words_see, caption_score, every_pair]

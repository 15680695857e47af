"""The exercises: one file each, or all in the file of a short chapter; and the wrong ideas that several of them meet.

Here stands which chapter asks for what. How an answer is judged lives in `check`.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple


class Chapter(NamedTuple):
    """A chapter that asks for something: its title, its notebook's file, and its exercises in the notebook's order."""

    title: str
    notebook: str
    exercises: tuple

    @classmethod
    def of(cls, title, notebook, names):
        """The exercises of these names: of chapter_NN.py, or each of the file of its own name in chapter_NN/."""
        place = f"{__name__}.chapter_{title[:2]}"
        is_folder = find_spec(place).submodule_search_locations
        names = names.split()
        return cls(title, notebook, tuple(
            getattr(import_module(f"{place}.{name}" if is_folder else place), name) for name in names))  # fmt: skip


CHAPTERS = tuple(Chapter.of(*row) for row in [
    ("01 One text, every image", "01_one_text_every_image.ipynb",
     "cosine_matrix row_probabilities column_probabilities first_loss"),
    ("02 Labels are the diagonal", "02_labels_are_the_diagonal.ipynb",
     "labels_after matrix_loss column_gradient two_caption_loss"),
    ("03 From loops to one line", "03_from_loops_to_matmul.ipynb",
     "all_columns squared_distances largest_batches every_word_with_every_region multiples_of_S"),
    ("04 torch and the GPU", "04_torch_and_the_gpu.ipynb",
     "loss_from_features to_features shuffled_line diagnose newton unit_half"),
    ("05 Words and regions", "05_words_and_regions.ipynb",
     "word_similarities where_words_look what_words_see caption_score every_pair"),
    ("06 The whole DAMSM", "06_the_whole_damsm.ipynb",
     "caption_bonus class_mask masked_probabilities both_directions whole_damsm"),
    ("07 Ranking the batch", "07_ranking_the_batch.ipynb",
     "violations two_way_hinge hardest_hinge distance_hinge several_texts loss_for_keras"),
    ("08 Train two branches", "08_train_two_branches.ipynb",
     "split_by_concept mean_of_words fair_recall held_out_recall scale_step"),
    ("09 When the diagonal lies", "09_when_the_diagonal_lies.ipynb",
     "false_negatives loss_floor false_negative_mask soft_targets sigmoid_cross_entropy"),
    ("10 Bigger batches", "10_bigger_batches.ipynb",
     "running_log_sum_exp logs_by_tiles image_gradient_by_tiles gradient_by_pieces"),
    ("11 Many machines", "11_many_machines.ipynb",
     "local_labels local_loss backward_of_gather ring_blocks mean_over_processes"),
])
EXERCISES = {one.name: one for chapter in CHAPTERS for one in chapter.exercises}

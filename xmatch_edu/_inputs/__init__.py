"""What a wrong input is told. Every room asks here first, so that a mistake is named once and in one voice.

    arrays     the type, the dtype, the device and the values of an array, and how it is named
    settings   numbers and words: direction, scale, margin, how many
    features   of images and texts, of regions and words, pair beside pair
    scores     the score matrix S
    matches    which pairs match: labels, masks, classes, positions

Each check takes NumPy arrays (from `loops`) and torch tensors (from every other room) alike, and imports neither.
A message names the argument, its side (image or text), what was expected and what came.
On the CPU the values are looked at. On a GPU only types, shapes and devices are: a look at the values would make
the program wait for the device.
"""

from xmatch_edu._inputs.arrays import check_finite, check_same_device
from xmatch_edu._inputs.features import (
    check_as_many,
    check_features,
    check_lengths,
    check_paired_features,
    check_pairs,
    check_regions_and_words,
)
from xmatch_edu._inputs.matches import (
    check_class_ids,
    check_hard_labels,
    check_labels,
    check_mask,
    check_positions,
)
from xmatch_edu._inputs.scores import check_one_view, check_scores
from xmatch_edu._inputs.settings import (
    ATTENTIONS,
    DIRECTIONS,
    REDUCTIONS,
    check_bias,
    check_choice,
    check_count,
    check_direction_and_reduction,
    check_gammas,
    check_margin,
    check_negatives,
    check_scale,
    check_shifted_logits,
)

__all__ = [
    "ATTENTIONS", "DIRECTIONS", "REDUCTIONS", "check_as_many", "check_bias", "check_choice", "check_class_ids",
    "check_count", "check_direction_and_reduction", "check_features", "check_finite", "check_gammas",
    "check_hard_labels", "check_labels", "check_lengths", "check_margin", "check_mask", "check_negatives",
    "check_one_view", "check_paired_features", "check_pairs", "check_positions", "check_regions_and_words",
    "check_same_device", "check_scale", "check_scores", "check_shifted_logits",
]  # fmt: skip

"""The three forms of labels, and the mask of false negatives."""

import numpy as np
import pytest
import torch

from xmatch_edu import labels, loops


def test_arange_and_the_identity_say_one_thing():
    assert torch.equal(labels.identity_labels(4), labels.match_matrix(torch.arange(4), 4, 4, "cpu"))


def test_match_matrix_is_the_literal_one_for_every_form():
    weights = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 2.0]])
    for form, n, m in [(None, 3, 3), (torch.tensor([2, 0, 2]), 3, 4), (weights, 2, 3)]:
        literal = loops.match_matrix(None if form is None else form.numpy(), n, m)
        assert np.array_equal(labels.match_matrix(form, n, m, "cpu").numpy(), literal)


def test_same_class_mask_is_true_where_classes_agree_and_the_pair_is_no_match():
    mask = labels.same_class_mask(torch.tensor([7, 8, 7]))
    assert mask.tolist() == [[False, False, True], [False, False, False], [True, False, False]]


def test_same_class_mask_follows_shuffled_texts():
    classes, p = torch.tensor([7, 8, 7, 9]), torch.tensor([2, 0, 3, 1])  # column k holds text p[k]
    shuffled = labels.same_class_mask(classes, classes[p], labels=p.argsort())
    assert torch.equal(shuffled, labels.same_class_mask(classes)[:, p])


def test_same_class_mask_where_the_sides_differ():
    mask = labels.same_class_mask(torch.tensor([1, 2]), torch.tensor([1, 1, 2]), labels=torch.tensor([0, 2]))
    assert mask.tolist() == [[False, True, False], [False, False, False]]


def test_a_soft_match_is_no_false_negative():
    weights = torch.tensor([[0.9, 0.1], [0.0, 1.0]])
    classes = torch.tensor([7, 7])
    assert labels.same_class_mask(classes, classes, labels=weights).tolist() == [[False, False], [True, False]]


def test_class_labels_make_every_twin_a_match():
    classes = torch.tensor([7, 8, 7])
    assert labels.class_labels(classes).tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    other = torch.tensor([8, 7])
    assert labels.class_labels(classes, other).tolist() == [[0, 1], [1, 0], [0, 1]]
    assert torch.equal(labels.class_labels(classes) - torch.eye(3), labels.same_class_mask(classes).float())
    with pytest.raises(TypeError, match=r"text_class_ids must be integers.*text"):
        labels.class_labels(classes, torch.tensor([1.0]))

"""Bad input gets one clear error that names the argument and the side; the loops name what has no place in them."""

import numpy as np
import pytest
import torch

from xmatch_edu import labels, loops, losses, scores

S = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
WIDE = torch.zeros(4, 5)
Q, D = torch.ones(4, 3), torch.ones(5, 3)


def at(matrix, i, j, value):
    changed = matrix.clone()
    changed[i, j] = value
    return changed


# what is wrong -> (arguments, keywords), the error, words that the message must hold
LOSS_CASES = {
    "a list": (([[1.0, 2.0], [3.0, 4.0]],), {}, TypeError, ["scores", "images", "texts", "list"]),
    "None": ((None,), {}, TypeError, ["scores", "images", "NoneType"]),
    "rank 1": ((S[0],), {}, ValueError, ["scores", "(N, M)", "images", "texts", "(4,)"]),
    "rank 3": ((S[None],), {}, ValueError, ["scores", "(N, M)", "(1, 4, 4)"]),
    "no images": ((torch.zeros(0, 4),), {}, ValueError, ["scores", "empty", "image side"]),
    "no texts": ((torch.zeros(4, 0),), {}, ValueError, ["scores", "empty", "text side"]),
    "integer scores": ((S.long(),), {}, TypeError, ["scores", "floating", "images"]),
    "bool scores": ((S > 0,), {}, TypeError, ["scores", "floating", "bool"]),
    "complex scores": ((S.to(torch.complex64),), {}, TypeError, ["scores", "floating", "complex"]),
    "NaN": ((at(S, 1, 2, float("nan")),), {}, ValueError, ["scores", "finite", "nan", "image 1", "text 2"]),
    "+inf": ((at(S, 3, 0, float("inf")),), {}, ValueError, ["scores", "finite", "inf", "image 3", "text 0"]),
    "-inf": ((at(S, 0, 3, -float("inf")),), {}, ValueError, ["scores", "-inf", "image 0", "text 3", "mask"]),
    "N ≠ M, no labels": ((WIDE,), {}, ValueError, ["labels", "4 images", "5 texts"]),
    "labels too few": ((S, torch.arange(3)), {}, ValueError, ["labels", "each image", "4", "3"]),
    "label out of range": ((S, torch.tensor([0, 1, 2, 4])), {}, ValueError, ["labels", "text side", "4"]),
    "label negative": ((S, torch.tensor([0, -1, 2, 3])), {}, ValueError, ["labels", "text side", "-1"]),
    "float column numbers": ((S, torch.arange(4.0)), {}, TypeError, ["labels", "integers", "image", "float32"]),
    "labels a list": ((S, [0, 1, 2, 3]), {}, TypeError, ["labels", "image", "list"]),
    "labels (N, 1)": ((S, torch.arange(4)[:, None]), {}, ValueError, ["labels", "(4, 4)", "images", "texts", "(4, 1)"]),
    "labels rank 3": ((S, torch.ones(1, 4, 4)), {}, ValueError, ["labels", "image", "(1, 4, 4)"]),
    "labels of another shape": ((WIDE, torch.eye(4)), {}, ValueError, ["labels", "(4, 5)", "(4, 4)", "images"]),
    "negative weight": ((S, torch.eye(4) - 0.1), {}, ValueError, ["labels", "at least 0", "image", "-0.1"]),
    "NaN weight": ((S, at(torch.eye(4), 2, 2, float("nan"))), {}, ValueError, ["labels", "finite", "image 2"]),
    "labels that learn": ((S, torch.eye(4, requires_grad=True)), {}, ValueError, ["labels", "image", "detach"]),
    "no match at all": ((S, torch.zeros(4, 4)), {}, ValueError, ["labels", "no match", "image", "text"]),
    "complex labels": ((S, torch.eye(4) * 1j), {}, TypeError, ["labels", "weights", "complex"]),
    "mask of another shape": ((S,), {"mask": WIDE > 0}, ValueError, ["mask", "(4, 4)", "(4, 5)", "images"]),
    "mask of numbers": ((S,), {"mask": torch.zeros(4, 4)}, TypeError, ["mask", "bool", "image", "float32"]),
    "mask a list": ((S,), {"mask": [[False] * 4] * 4}, TypeError, ["mask", "image", "list"]),
    "mask on a match": ((S,), {"mask": torch.eye(4) > 0}, ValueError, ["mask", "match", "image"]),
    "mask on an index match": (
        (WIDE, torch.tensor([4, 0, 1, 2])),
        {"mask": at(WIDE, 0, 4, 1) > 0},
        ValueError,
        ["mask", "match", "image"],
    ),
    "mask on a faint match": (
        (S, torch.full((4, 4), 0.1)),
        {"mask": at(torch.zeros(4, 4), 0, 3, 1) > 0},
        ValueError,
        ["mask", "match", "image"],
    ),
    "scale beyond every float": ((S,), {"scale": 10**400}, ValueError, ["scale", "finite", "inf"]),
    "unknown direction": ((S,), {"direction": "rows"}, ValueError, ["direction", "image_to_text", "'rows'"]),
    "direction a number": ((S,), {"direction": 1}, ValueError, ["direction", "image_to_text", "1"]),
    "unknown reduction": ((S,), {"reduction": "max"}, ValueError, ["reduction", "mean", "'max'"]),
    "none and both": ((S,), {"reduction": "none"}, ValueError, ["reduction", "direction", "image side", "text side"]),
    "scale zero": ((S,), {"scale": 0}, ValueError, ["scale", "positive", "0"]),
    "scale negative": ((S,), {"scale": -10.0}, ValueError, ["scale", "positive", "-10"]),
    "scale NaN": ((S,), {"scale": float("nan")}, ValueError, ["scale", "finite", "nan"]),
    "scale infinite": ((S,), {"scale": float("inf")}, ValueError, ["scale", "finite", "inf"]),
    "scale a string": ((S,), {"scale": "10"}, TypeError, ["scale", "number", "str"]),
    "scale True": ((S,), {"scale": True}, TypeError, ["scale", "number", "bool"]),
    "an array": ((S.numpy(),), {}, TypeError, ["scores", "torch.Tensor", "ndarray"]),
    "scale a vector": ((S,), {"scale": torch.ones(1)}, TypeError, ["scale", "0-d", "(1,)"]),
    "scale an integer tensor": ((S,), {"scale": torch.tensor(3)}, TypeError, ["scale", "0-d", "floating"]),
    "scale a negative tensor": ((S,), {"scale": torch.tensor(-3.0)}, ValueError, ["scale", "positive", "-3"]),
    "labels an array": ((S, np.arange(4)), {}, TypeError, ["labels", "torch.Tensor", "ndarray"]),
    "scale that overflows float32": ((S,), {"scale": 1e39}, ValueError, ["scale", "scores", "overflows", "float32"]),
    "float8 scores": ((S.to(torch.float8_e4m3fn),), {}, TypeError, ["scores", "floating", "images", "float8"]),
    "sparse scores": ((S.to_sparse(),), {}, TypeError, ["scores", "dense", "images", "sparse"]),
    "sparse labels": ((S, torch.eye(4).to_sparse()), {}, TypeError, ["labels", "dense", "image", "sparse"]),
    "sparse mask": ((S,), {"mask": (torch.eye(4) > 0).to_sparse()}, TypeError, ["mask", "dense", "image", "sparse"]),
    "unsigned labels": ((S, torch.arange(4).to(torch.uint16)), {}, TypeError, ["labels", "int64", "image", "uint16"]),
    "mask elsewhere": ((S,), {"mask": torch.zeros(4, 4, device="meta") > 0}, ValueError, ["mask", "scores", "meta"]),
    "scale elsewhere": ((S,), {"scale": torch.tensor(1.0, device="meta")}, ValueError, ["scale", "scores", "meta"]),
    "labels elsewhere": ((S, torch.arange(4, device="meta")), {}, ValueError, ["labels", "scores", "meta", "cpu"]),
}
# Without these the loops would look for a number where none is, or take one word for another.
FOR_LOOPS = [
    "None", "rank 1", "rank 3", "no images", "no texts", "bool scores", "complex scores", "N ≠ M, no labels",
    "labels too few", "label out of range", "label negative", "float column numbers", "labels (N, 1)", "labels rank 3",
    "labels of another shape", "no match at all", "mask of another shape", "mask of numbers", "unknown direction",
    "direction a number", "unknown reduction", "none and both",
]  # fmt: skip


def as_numpy(x):
    return x.numpy() if isinstance(x, torch.Tensor) else x


def check(function, arguments, keywords, error, words):
    with pytest.raises(error) as raised:
        function(*arguments, **keywords)
    assert type(raised.value) is error  # not a subclass from below
    for word in words:
        assert word in str(raised.value), f"{word!r} is not in: {raised.value}"


@pytest.mark.parametrize("what", LOSS_CASES)
def test_matching_loss_names_what_is_wrong(what):
    check(losses.matching_loss, *LOSS_CASES[what])


@pytest.mark.parametrize("what", FOR_LOOPS)
@pytest.mark.parametrize("loop", ["matching_loss", "matching_gradient", "ranking_loss", "ranking_gradient"])
def test_loops_name_what_has_no_place_in_them(what, loop):
    arguments, keywords, _, words = LOSS_CASES[what]
    with pytest.raises((TypeError, ValueError), match=f"^{words[0]}"):
        getattr(loops, loop)(*map(as_numpy, arguments), **{name: as_numpy(x) for name, x in keywords.items()})


def test_loops_take_lists_tensors_and_whole_numbers():
    whole = [[3, 1], [0, 2]]
    expected = loops.matching_loss(np.array(whole, dtype=float), np.array([1, 0]))
    for scores_, labels_ in ((whole, [1, 0]), (torch.tensor(whole), torch.tensor([1, 0])), (np.array(whole), (1, 0))):
        assert loops.matching_loss(scores_, labels_) == expected


def test_steps_need_one_direction_and_a_gradient_one_number():
    check(loops.matching_steps, (S.numpy(),), {"direction": "both"}, ValueError, ["direction", "image_to_text"])
    one = {"direction": "image_to_text", "reduction": "none"}
    check(loops.matching_gradient, (S.numpy(),), one, ValueError, ["reduction", "mean", "sum", "none"])


FEATURE_CASES = {
    "image features a list": (([[1.0]], D), TypeError, ["image_features", "image side", "list"]),
    "text features None": ((Q, None), TypeError, ["text_features", "text side", "NoneType"]),
    "image features rank 1": ((Q[0], D), ValueError, ["image_features", "(N, D)", "(3,)"]),
    "text features rank 3": ((Q, D[None]), ValueError, ["text_features", "(M, D)", "(1, 5, 3)"]),
    "widths differ": ((Q, torch.ones(5, 2)), ValueError, ["width", "3 on the image side", "2 on the text side"]),
    "no images": ((Q[:0], D), ValueError, ["image_features", "empty", "image side"]),
    "no texts": ((Q, D[:0]), ValueError, ["text_features", "empty", "text side"]),
    "no features": ((Q[:, :0], D[:, :0]), ValueError, ["image_features", "empty"]),
    "bool features": ((Q > 0, D), TypeError, ["image_features", "floating", "image side"]),
    "NaN in an image": ((at(Q, 2, 1, float("nan")), D), ValueError, ["image_features", "finite", "image 2, feature 1"]),
    "inf in a text": ((Q, at(D, 4, 0, float("inf"))), ValueError, ["text_features", "finite", "text 4, feature 0"]),
    "integer features": ((Q, D.long()), TypeError, ["text_features", "floating", "text side"]),
    "dtypes differ": ((Q, D.double()), TypeError, ["dtype", "float32 on the image side", "float64 on the text side"]),
    "devices differ": ((Q, D.to("meta")), ValueError, ["text_features", "text side", "meta", "image side", "cpu"]),
}


@pytest.mark.parametrize("what", FEATURE_CASES)
def test_cosine_scores_names_what_is_wrong(what):
    arguments, error, words = FEATURE_CASES[what]
    check(scores.cosine_scores, arguments, {}, error, words)


@pytest.mark.parametrize("what", list(FEATURE_CASES)[1:9])
@pytest.mark.parametrize("loop", [loops.cosine_scores, loops.distance_scores])
def test_loops_of_scores_name_a_shape_that_has_no_place_in_them(what, loop):
    arguments, _, words = FEATURE_CASES[what]
    with pytest.raises((TypeError, ValueError), match=words[0]):
        loop(*map(as_numpy, arguments))


IDS = torch.tensor([0, 1, 0, 2])
LABEL_CASES = {
    "n a float": (labels.identity_labels, (4.0,), {}, TypeError, ["n", "int", "pairs", "float"]),
    "n zero": (labels.identity_labels, (0,), {}, ValueError, ["n", "at least 1", "pairs"]),
    "n True": (labels.identity_labels, (True,), {}, TypeError, ["n", "int", "bool"]),
    "n negative": (labels.identity_labels, (-1,), {}, ValueError, ["n", "at least 1", "-1"]),
    "class ids a list": (labels.same_class_mask, ([0, 1],), {}, TypeError, ["class_ids", "image", "list"]),
    "class ids (N, 1)": (labels.same_class_mask, (IDS[:, None],), {}, ValueError, ["class_ids", "image", "(4, 1)"]),
    "class ids floating": (labels.same_class_mask, (IDS.float(),), {}, TypeError, ["class_ids", "integers", "image"]),
    "text class ids floating": (
        labels.same_class_mask,
        (IDS, IDS.float()),
        {},
        TypeError,
        ["text_class_ids", "integers", "text"],
    ),
    "labels, but no text classes": (
        labels.same_class_mask,
        (IDS,),
        {"labels": torch.tensor([1, 2, 3, 0])},
        ValueError,
        ["text_class_ids", "labels", "text side"],
    ),
    "N ≠ M, no labels": (labels.same_class_mask, (IDS, IDS[:3]), {}, ValueError, ["labels", "4 images", "3 texts"]),
    "classes elsewhere": (
        labels.same_class_mask,
        (IDS, IDS.to("meta")),
        {},
        ValueError,
        ["text_class_ids", "text side", "class_ids", "image side", "meta"],
    ),
}


@pytest.mark.parametrize("what", LABEL_CASES)
def test_labels_name_what_is_wrong(what):
    function, arguments, keywords, error, words = LABEL_CASES[what]
    check(function, arguments, keywords, error, words)


def test_nothing_is_changed_in_place():
    before = S.clone(), torch.eye(4), torch.zeros(4, 4, dtype=torch.bool)
    s, y, mask = (x.clone() for x in before)
    losses.matching_loss(s, y, mask=mask, scale=3.0)
    loops.matching_loss(s.numpy(), y.numpy(), mask=mask.numpy(), scale=3.0)
    assert all(torch.equal(a, b) for a, b in zip(before, (s, y, mask), strict=True))

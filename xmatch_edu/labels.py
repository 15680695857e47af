"""What counts as a match: which text of the batch belongs to which image.

Here live the labels, in the forms that every loss takes: None, (N,) column numbers, or (N, M) weights. All say one
thing, the match matrix Y. What the labels cost lives in `losses`.

N: images    M: texts
"""

import torch

from xmatch_edu import _inputs


def identity_labels(n):
    """Text i belongs to image i, as a row of zeros and a one for each image: question A's identity.

    n: int ≥ 1 -> (N, N) float32. It says the same as torch.arange(n), and as None. Errors: ValueError or TypeError
    naming n.
    """
    _inputs.check_count("n", n, "the number of image-text pairs")
    return torch.eye(n)


def match_matrix(labels, n, m, device):
    """Y[i, j] > 0 where text j belongs to image i: labels in any form -> (N, M), weights as they are, else 0 and 1.

    n, m: N and M. device: where it is made; weights stay where they are. The labels have been checked by the caller.
    """
    if labels is None:
        return torch.eye(n, m, device=device)
    if labels.ndim == 1:
        return torch.nn.functional.one_hot(labels.long(), m).float()
    return labels


def class_labels(class_ids, text_class_ids=None):
    """1 where image i and text j share a class, else 0: every twin is a match.

    class_ids (N,) integers; text_class_ids (M,) integers, None when text i has the class of image i -> (N, M) float32,
    labels for any loss here. In a softmax loss the matches of a row share its probability of 1.
    Errors: ValueError or TypeError naming the argument and the side.
    Source: as targets of several positives, SupCon (Khosla et al., NeurIPS 2020), equation 2.
    """
    return _same_class(class_ids, text_class_ids).float()


def same_class_mask(class_ids, text_class_ids=None, labels=None):
    """True where image i and text j share a class but are no pair: a false negative, for a loss's `mask`.

    class_ids (N,) integers; text_class_ids (M,) integers, None when text i has the class of image i; labels as in
    the losses (then text_class_ids must be given, since the texts may stand in another order) -> (N, M) bool.
    Errors: ValueError or TypeError naming the argument and the side.
    Source: AttnGAN's losses.py, which masks the captions of the same class in its DAMSM losses.
    """
    if text_class_ids is None and labels is not None:
        raise ValueError("text_class_ids is needed with labels: the class of each text (column) on the text side")
    same_class = _same_class(class_ids, text_class_ids)
    _inputs.check_labels(labels, same_class)
    matches = match_matrix(labels, *same_class.shape, same_class.device)
    return same_class & (matches == 0)


def _same_class(class_ids, text_class_ids):
    _inputs.check_one_each("class_ids", class_ids, None, "class", "image")
    text_class_ids = class_ids if text_class_ids is None else text_class_ids
    _inputs.check_one_each("text_class_ids", text_class_ids, None, "class", "text")
    _inputs.check_same_device("text_class_ids (text side)", text_class_ids, "class_ids (image side)", class_ids)
    return class_ids[:, None] == text_class_ids[None, :]

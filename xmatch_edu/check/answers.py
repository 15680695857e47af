"""Reading what a function gives: is the form right, and as which numbers is it compared?

Here live `Part`, what an exercise asks for, and `look`, which calls a function in one case and reads its answer. What
the numbers mean is judged in `engine`.
"""

from typing import NamedTuple

import numpy as np
import torch

from xmatch_edu.check import calm


class Part(NamedTuple):
    """One value that an exercise asks for."""

    name: str  # "the loss"
    axes: str = ""  # what its shape counts: "one row per image, one column per text"
    dtype: str = "number"  # "number", "integer", "bool", "text", or a tensor's: "float32"


class Seen(NamedTuple):
    """What a function did in one case."""

    parts: tuple  # its values and gradients, as arrays (or words); empty where it could not be read
    complaint: str = ""  # in words, for the learner
    form: tuple = ()  # the same without numbers, to compare two answers that both have the wrong form


def look(exercise, run, arguments, wanted):
    """Call `run` with copies of the arguments and read what it gives, the values of the exercise -> Seen.

    wanted: what `wanted_by` gives. Raises calm.NotAttempted.
    """
    dealt = list(calm.copies(arguments))
    leaves = [dealt[index].requires_grad_() for index in exercise.gradients]
    for index in exercise.gradients:
        dealt[index] = dealt[index].clone()  # no leaf: torch would forbid to change a leaf in place

    try:
        return run(dealt, lambda answer: _read_all(exercise, answer, wanted, leaves))
    except calm.Trouble as trouble:
        return Seen((), str(trouble), ("raised", trouble.kind))


def _read_all(exercise, answer, wanted, leaves):
    slopes = [None] * len(leaves)
    if leaves and isinstance(answer, torch.Tensor) and answer.requires_grad and answer.ndim == 0:
        try:
            slopes = torch.autograd.grad(answer, leaves, allow_unused=True)
        except RuntimeError as error:
            words = f"The loss came, and its gradient could not be computed: {str(error).split('.')[0][:200]}."
            return Seen((), f"{words} The check calls backward itself, so leave that out.", ("backward",))
    slopes = [torch.zeros_like(x) if s is None else s for x, s in zip(leaves, slopes, strict=True)]
    answers = (answer,) if len(exercise.gives) == 1 else answer
    listed = isinstance(answers, tuple | list) or (isinstance(answers, np.ndarray | torch.Tensor) and answers.ndim > 0)
    if not listed or len(answers) != len(exercise.gives):
        came = f"{len(answers)} value{'s' * (len(answers) != 1)}" if listed else _described(answers)
        names = " and ".join(part.name for part in exercise.gives)
        return Seen((), f"It gave {came}, expected {len(exercise.gives)}: {names}.", ("count",))
    device = leaves[0].device if leaves else None
    parts = []
    for part, value, want in zip(exercise.gives, answers, wanted, strict=False):
        array, complaint = _read(part, value, want, device)
        if complaint:
            complaint = complaint[0].upper() + complaint[1:]
            return Seen((*parts, *([] if array is None else [array])), complaint, ("form", part.name, complaint))
        parts.append(array)
    return Seen((*parts, *(as_array(slope) for slope in slopes)))


def wanted_by(exercise, arguments):
    """What the reference of an exercise gives for these arguments -> its values and gradients, as arrays or words."""
    values = exercise.right(*calm.copies(arguments))
    values = values if isinstance(values, tuple) else (values,)
    return tuple(value if isinstance(value, str) else np.asarray(value, dtype=np.float64) for value in values)


def _read(part, value, want, device):
    """(the value as float64 array or words, or None; what is wrong with its form in words, or "")."""
    if part.dtype == "text":
        if not isinstance(value, str):
            return None, f"It gave {_described(value)}, expected words."
        return str.__str__(value)[:200], ""
    if isinstance(value, torch.Tensor) and device is not None and value.device != device:
        return None, f"{part.name}: a tensor on {value.device}, and what your function was given lies on {device}."
    try:
        array = as_array(value, "iufb" if part.dtype == "bool" else "iuf")
    except (ValueError, TypeError, RuntimeError, OverflowError):
        expected = "numbers" if want.shape else "one number"
        return None, f"For {part.name} it gave {_described(value)}, expected {expected}."
    if array.shape != want.shape:
        expected = f"{want.shape}: {part.axes}" if want.shape else "one number"
        turned = " Yours is that, turned on its side." if array.shape == want.shape[::-1] and array.ndim > 1 else ""
        return array, f"{part.name}: shape {array.shape}, expected {expected}.{turned}"
    name = str(getattr(value, "dtype", type(value).__name__)).removeprefix("torch.")
    if part.dtype == "integer":
        if "int" not in name and not all(isinstance(one, int) for one in np.ravel(value).tolist()):
            return array, f"{part.name}: {name}, expected whole numbers. int(…) makes one, dtype=int an array."
    elif part.dtype == "bool":
        if "bool" not in name and not all(isinstance(one, bool) for one in np.ravel(value).tolist()):
            return array, f"{part.name}: {name}, expected True and False, as a comparison gives them."
    elif part.dtype != "number":
        if not isinstance(value, torch.Tensor):
            return array, f"{part.name}: {_described(value)}, expected a torch tensor of {part.dtype}."
        if name != part.dtype:
            return array, f"{part.name}: {name}, expected {part.dtype}."
    return array, ""


def as_array(value, kinds="iuf"):
    """A value that holds numbers of any kind -> a float64 array. kinds: NumPy's letters; b is bool.

    Errors: TypeError where they are no plain numbers.
    """
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.numpy() if value.dtype == torch.bool or value.is_complex() else value.double().numpy()
    elif isinstance(value, list | tuple) and any(isinstance(one, torch.Tensor | list | tuple) for one in value):
        value = [as_array(one, kinds) for one in value]
    array = np.asarray(value)
    if array.dtype.kind not in kinds or isinstance(value, np.ma.MaskedArray):
        raise TypeError("no plain numbers")
    return array.astype(np.float64)


def _described(value):
    name = type(value).__name__
    shape = f" of shape {tuple(value.shape)}" if isinstance(value, np.ndarray | torch.Tensor) else ""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}{shape}"


def same(one, other, error):
    """Did two functions do the same, form and numbers? one, other: `Seen`; error: as in `Exercise` -> bool."""
    if one.form != other.form or len(one.parts) != len(other.parts):
        return False
    return all(close(a, b, error) for a, b in zip(one.parts, other.parts, strict=True))


def close(one, other, error):
    """Are two parts of `Seen` the same? error: what one may be off by, relative to the largest of the other -> bool."""
    if isinstance(other, str):
        return one == other
    if not np.isfinite(other).all():  # only a wrong version does this: NaN here and infinity there is one mistake
        return not np.isfinite(one).all()
    return one.shape == other.shape and bool((np.abs(one - other) <= error * np.abs(other).max(initial=1)).all())

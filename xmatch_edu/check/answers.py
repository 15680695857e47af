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
    dtype: str = "number"  # "number", "integer", "text", or a tensor's: "float32"


class Seen(NamedTuple):
    """What a function did in one case."""

    parts: tuple  # its values and gradients, as arrays (or words); empty where it could not be read
    complaint: str = ""  # in words, for the learner
    form: tuple = ()  # the same without numbers, to compare two answers that both have the wrong form


def look(exercise, run, arguments, wanted):
    """Call `run` with copies of the arguments and read what it gives -> Seen. Raises calm.NotAttempted."""
    dealt = list(calm.copies(arguments))
    leaves = [dealt[index].requires_grad_() for index in exercise.gradients]
    for index in exercise.gradients:
        dealt[index] = dealt[index].clone()  # no leaf: torch would forbid to change a leaf in place

    def differentiated(answer):
        slopes = [None] * len(leaves)
        if leaves and isinstance(answer, torch.Tensor) and answer.requires_grad and answer.ndim == 0:
            slopes = torch.autograd.grad(answer, leaves, allow_unused=True)
        return answer, [torch.zeros_like(x) if s is None else s for x, s in zip(leaves, slopes, strict=True)]

    try:
        answer, slopes = run(dealt, differentiated)
    except calm.Trouble as trouble:
        return Seen((), str(trouble), ("raised", trouble.kind))
    answers = (answer,) if len(exercise.gives) == 1 else answer
    if isinstance(answers, np.ndarray | torch.Tensor) and answers.ndim == 1:
        answers = tuple(answers)  # two numbers may come as one array
    if not isinstance(answers, tuple | list) or len(answers) != len(exercise.gives):
        count = f"{len(answers)} value{'s' * (len(answers) != 1)}" if isinstance(answers, tuple | list) else ""
        came = count or _described(answers)
        names = " and ".join(part.name for part in exercise.gives)
        return Seen((), f"It gave {came}, expected {len(exercise.gives)}: {names}.", ("count",))
    device = next((x.device for x in dealt if isinstance(x, torch.Tensor)), None)
    parts = []
    for part, value, want in zip(exercise.gives, answers, wanted, strict=False):
        array, complaint = _read(part, value, want, device)
        if complaint:
            complaint = complaint[0].upper() + complaint[1:]
            return Seen((*parts, *([] if array is None else [array])), complaint, ("form", part.name, complaint))
        parts.append(array)
    return Seen((*parts, *(as_array(slope) for slope in slopes)))


def wanted_by(exercise, arguments):
    """What the reference gives in one case: its values, then its gradients."""
    values = exercise.right(*calm.copies(arguments))
    values = values if isinstance(values, tuple) else (values,)
    return tuple(value if isinstance(value, str) else np.asarray(value, dtype=np.float64) for value in values)


def _read(part, value, want, device):
    """(the value as float64 array or words, or None; what is wrong with its form in words, or "")."""
    if part.dtype == "text":
        return (value, "") if isinstance(value, str) else (None, f"It gave {_described(value)}, expected words.")
    if isinstance(value, torch.Tensor) and device is not None and value.device != device:
        return None, f"{part.name} lies on {value.device}, and what your function was given lies on {device}."
    try:
        array = as_array(value)
    except (ValueError, TypeError, RuntimeError, OverflowError):
        return None, f"For {part.name} it gave {_described(value)}, expected numbers."
    if array.shape != want.shape:
        expected = f"{want.shape}: {part.axes}" if want.shape else "one number"
        turned = " Yours is that, turned on its side." if array.shape == want.shape[::-1] and array.ndim > 1 else ""
        return None, f"{part.name} has the shape {array.shape}, expected {expected}.{turned}"
    name = str(getattr(value, "dtype", type(value).__name__)).removeprefix("torch.")
    if part.dtype == "integer":
        if "int" not in name and not all(isinstance(one, int) for one in np.ravel(value).tolist()):
            return array, f"{part.name} came as {name}, expected whole numbers: int(…) makes one, dtype=int an array."
    elif part.dtype != "number":
        if not isinstance(value, torch.Tensor):
            return array, f"{part.name} came as {_described(value)}, expected a torch tensor of {part.dtype}."
        if name != part.dtype:
            return array, f"{part.name} came as {name}, expected {part.dtype}."
    return array, ""


def as_array(value):
    """Numbers of any kind as a float64 array; TypeError where they are none."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.double().numpy() if value.dtype != torch.bool else value.numpy()
    elif isinstance(value, list | tuple):
        value = [as_array(one) for one in value]
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"no numbers: {array.dtype}")
    return array.astype(np.float64)


def _described(value):
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + (f" of shape {tuple(shape)}" if shape is not None else "")


def same(one, other, error):
    """Did two functions do the same, form and numbers?"""
    if one.form != other.form or len(one.parts) != len(other.parts):
        return False
    return all(close(a, b, error) for a, b in zip(one.parts, other.parts, strict=True))


def close(one, other, error):
    if isinstance(other, str):
        return one == other
    if not np.isfinite(other).all():  # only a wrong version does this: NaN here and infinity there is one mistake
        return not np.isfinite(one).all()
    return one.shape == other.shape and bool((np.abs(one - other) <= error * max(1, np.abs(other).max())).all())

"""How an answer is judged: can it be called as asked, is it right, and if not, which misconception is it?

Here live `Exercise`, `Misconception` and `judge`. What a chapter asks lives in that chapter's file; calling somebody's
function without harm in `calm`; the answer's picture in `pictures`; its words on the page in `result`; what is
remembered in `progress`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from xmatch_edu.check import calm, pictures, progress
from xmatch_edu.check.result import NOT_ATTEMPTED, PASS, WRONG, Result


class Part(NamedTuple):
    """One value that an exercise asks for."""

    name: str  # "the loss"
    axes: str = ""  # what its shape counts: "one row per image, one column per text"
    dtype: str = "number"  # "number", "integer", "text", or a tensor's: "float32"


class Misconception:
    """One wrong idea, recognised by what it computes."""

    def __init__(self, name, says, *wrongs):
        self.name = name
        self.says = says  # what happened, and why it is another thing: two sentences
        self.wrongs = wrongs  # the exercise done with this idea in mind, in each way that gives other numbers


@dataclass(frozen=True)
class Exercise:
    """One thing that a chapter asks for: call it with the learner's function -> `Result`. It raises nothing.

    takes: the names of the arguments. gives: the values asked for. right: computes them, from the literal loops where
    they have them, followed by the gradients. cases: {words: arguments}, the smallest first. gradients: which
    arguments the first value must have a gradient for. error: what two right answers may differ by, relative to the
    largest value (at least 1). picture: (an `of_…` of `pictures`, the kind of heatmap, what a cell holds).
    demand: a last look at an answer whose values are right -> a Misconception or None.
    """

    name: str
    chapter: str
    takes: tuple[str, ...]
    gives: tuple[Part, ...]
    right: Callable
    cases: dict[str, tuple]
    misconceptions: tuple[Misconception, ...]
    gradients: tuple[int, ...] = ()
    error: float = 1e-5
    picture: tuple | None = None
    demand: Callable = lambda run: None

    def __call__(self, learner):
        result = judge(self, learner)
        said = progress.note(self, learner, result)
        return replace(result, sentences=(*result.sentences, *said))


class Seen(NamedTuple):
    """What a function did in one case."""

    parts: tuple  # its values and gradients, as arrays (or words); empty where it could not be read
    complaint: str = ""  # in words, for the learner
    form: tuple = ()  # the same without numbers, to compare two answers that both have the wrong form


def judge(exercise, learner):
    """Call the learner's function on every case and say what its answers are -> Result, without noting it."""
    if not callable(learner):
        came = "None" if learner is None else f"a {type(learner).__name__}"
        how = f"write its name, without calling it: check.{exercise.name}(…)."
        return Result(exercise.name, WRONG, (f"The check wants your function itself, and got {came}: {how}",))
    run = calm.Caller(learner, exercise.takes)
    wanted = {case: _wanted(exercise, arguments) for case, arguments in exercise.cases.items()}
    seen = {}
    for case, arguments in exercise.cases.items():
        try:
            seen[case] = look(exercise, run, arguments, wanted[case])
        except calm.NotAttempted as nothing:
            if not seen:
                return Result(exercise.name, NOT_ATTEMPTED, tuple(filter(None, [str(nothing)])))
            seen[case] = Seen((), str(nothing), ("nothing",))
        if seen[case].form == ("raised", "time"):
            return Result(exercise.name, WRONG, (seen[case].complaint, f"The case: {case}."))
    notes = ("What it printed is not shown here: call it yourself to see that.",) if run.printed else ()
    failing = [case for case in seen if not _same(seen[case], Seen(wanted[case]), exercise.error)]
    if not failing:
        idea = exercise.demand(run)
        if idea is None:
            return Result(exercise.name, PASS, notes)
        return Result(exercise.name, WRONG, (idea.says, *notes), idea.name)
    idea = recognise(exercise, seen, wanted)
    case = next((case for case in failing if seen[case].complaint), failing[0])
    sentences = [seen[case].complaint, f"The case: {case}."] if seen[case].complaint else []
    if idea:
        sentences.append(idea.says)
    elif not sentences:
        sentences += _hints(exercise, seen[case], wanted[case])
    numbers = "" if seen[case].complaint else _side_by_side(exercise, case, seen[case].parts, wanted[case])
    picture = _picture(exercise, run, failing, seen, wanted)
    return Result(exercise.name, WRONG, (*sentences, *notes), idea.name if idea else None, numbers, picture)


def recognise(exercise, seen, wanted):
    """The misconception that gives the same answers in all cases, or None."""
    for idea in exercise.misconceptions:
        for wrong in idea.wrongs:
            run = calm.Caller(wrong, exercise.takes)
            if all(_same(seen[case], look(exercise, run, arguments, wanted[case]), exercise.error)
                   for case, arguments in exercise.cases.items()):  # fmt: skip
                return idea
    return None


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
    return Seen((*parts, *(_array(slope) for slope in slopes)))


def _wanted(exercise, arguments):
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
        array = _array(value)
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


def _array(value):
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.double().numpy() if value.dtype != torch.bool else value.numpy()
    elif isinstance(value, list | tuple):
        value = [_array(one) for one in value]
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"no numbers: {array.dtype}")
    return array.astype(np.float64)


def _described(value):
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + (f" of shape {tuple(shape)}" if shape is not None else "")


def _same(one, other, error):
    if one.form != other.form or len(one.parts) != len(other.parts):
        return False
    return all(_close(a, b, error) for a, b in zip(one.parts, other.parts, strict=True))


def _close(one, other, error):
    if isinstance(other, str):
        return one == other
    if not np.isfinite(other).all():  # only a wrong version does this: NaN here and infinity there is one mistake
        return not np.isfinite(one).all()
    return one.shape == other.shape and bool((np.abs(one - other) <= error * max(1, np.abs(other).max())).all())


def _names(exercise):
    """Of the values and then of the gradients, as `Seen.parts` holds them."""
    return [part.name for part in exercise.gives] + [f"the gradient of {exercise.takes[i]}" for i in exercise.gradients]


def _hints(exercise, seen, wanted):
    """What can be said of values that no misconception explains: which are right, and what is nearly so."""
    names = _names(exercise)
    ok = [_close(one, other, exercise.error) for one, other in zip(seen.parts, wanted, strict=True)]
    right, wrong = ([name for name, good in zip(names, ok, strict=True) if good is said] for said in (True, False))
    if right:
        yield f"{' and '.join(right)}: right. {' and '.join(wrong)}: another value."
    pairs = [(one, other) for one, other, good in zip(seen.parts, wanted, ok, strict=True) if not good]
    if isinstance(pairs[0][1], str):
        if all(one.strip(" .").lower() == other.lower() for one, other in pairs):
            yield "Only the letters differ: these words are compared one by one."
    elif all(_close(one, other, 2e-3) for one, other in pairs):
        yield "The first digits agree. Is your answer rounded, or of low precision?"


def _side_by_side(exercise, case, parts, wanted):
    """Computed beside expected in the smallest case that fails, the first part that differs."""
    name, one, other = next((name, one, other) for name, one, other in zip(_names(exercise), parts, wanted, strict=True)
                            if not _close(one, other, exercise.error))  # fmt: skip
    head = f"The smallest case that fails: {case}."
    if isinstance(other, str):
        return f"{head}\nyours     {one}\nexpected  {other}"
    if other.size > 20:
        apart = np.abs(np.nan_to_num(one, nan=np.inf, posinf=np.inf, neginf=-np.inf) - other)
        at = tuple(int(place) for place in np.unravel_index(np.argmax(apart), other.shape))
        name, one, other = f"{name}, at {list(at)}, where it is furthest off", one[at], other[at]
    digits = 7 if _close(one, other, 2e-3) else 4
    one, other = (_numbers(array, digits) for array in (one, other))
    if "\n" in one + other:
        return f"{head} {name}:\nyours\n{one}\nexpected\n{other}"
    return f"{head} {name}:\nyours     {one}\nexpected  {other}"


def _numbers(array, digits):
    array = array.astype(int) if np.isfinite(array).all() and (array == np.round(array)).all() else array + 0.0
    return np.array2string(array, precision=digits, separator=", ", suppress_small=True)


def _picture(exercise, run, failing, seen, wanted):
    """Of the first failing case that has one, of at least nine cells if there is such a case."""
    if exercise.picture is None:
        return None
    of, kind, what = exercise.picture

    def right(arguments):
        return _wanted(exercise, arguments)

    def yours(arguments):
        answer = run(calm.copies(arguments))
        return tuple(map(_array, answer if isinstance(answer, tuple) else (answer,)))

    first = None
    for case in [case for case in failing if not seen[case].complaint]:
        arguments = exercise.cases[case]
        try:
            own, other = of(yours, arguments, seen[case].parts), of(right, arguments, wanted[case])
        except (calm.Trouble, calm.NotAttempted):
            continue
        picture = pictures.beside(own, other, kind, f"{what}, {case}")
        if picture and other.size >= 9:
            return picture
        first = first or picture
    return first

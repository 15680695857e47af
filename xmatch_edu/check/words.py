"""The words for a wrong answer that no misconception explains: what is right in it, its numbers beside the right ones."""

import numpy as np

from xmatch_edu.check.answers import close


def _names(exercise):
    """Of the values and then of the gradients, as `Seen.parts` holds them."""
    return [part.name for part in exercise.gives] + [f"the gradient of {exercise.takes[i]}" for i in exercise.gradients]


def hints(exercise, seen, wanted):
    """What can be said of values that no misconception explains: which are right, and what is nearly so."""
    names = _names(exercise)
    ok = [close(one, other, exercise.error) for one, other in zip(seen.parts, wanted, strict=True)]
    right, wrong = ([name for name, good in zip(names, ok, strict=True) if good is said] for said in (True, False))
    if right:
        yield f"{' and '.join(right)}: right. {' and '.join(wrong)}: another value."
    pairs = [(one, other) for one, other, good in zip(seen.parts, wanted, ok, strict=True) if not good]
    if isinstance(pairs[0][1], str):
        if all(one.strip(" .").lower() == other.lower() for one, other in pairs):
            yield "Only the letters differ: these words are compared one by one."
    elif all(close(one, other, 2e-3) for one, other in pairs):
        yield "The first digits agree. Is your answer rounded, or of low precision?"


def side_by_side(exercise, case, parts, wanted):
    """Computed beside expected in the smallest case that fails, the first part that differs."""
    name, one, other = next((name, one, other) for name, one, other in zip(_names(exercise), parts, wanted, strict=True)
                            if not close(one, other, exercise.error))  # fmt: skip
    head = f"The smallest case that fails: {case}."
    if isinstance(other, str):
        return f"{head}\nyours     {one}\nexpected  {other}"
    if other.size > 20:
        apart = np.abs(np.nan_to_num(one, nan=np.inf, posinf=np.inf, neginf=-np.inf) - other)
        at = tuple(int(place) for place in np.unravel_index(np.argmax(apart), other.shape))
        name, one, other = f"{name}, at {list(at)}, where it is furthest off", one[at], other[at]
    digits = 7 if close(one, other, 2e-3) else 4
    one, other = (_numbers(array, digits) for array in (one, other))
    if "\n" in one + other:
        return f"{head} {name}:\nyours\n{one}\nexpected\n{other}"
    return f"{head} {name}:\nyours     {one}\nexpected  {other}"


def _numbers(array, digits):
    array = array.astype(int) if np.isfinite(array).all() and (array == np.round(array)).all() else array + 0.0
    return np.array2string(array, precision=digits, separator=", ", suppress_small=True)

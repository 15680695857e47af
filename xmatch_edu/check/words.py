"""The words for a wrong answer that no misconception explains: what is right in it, and its numbers beside ours."""

import numpy as np

from xmatch_edu.check.answers import close


def _names(exercise):
    """Of the values and then of the gradients, as `Seen.parts` holds them."""
    return [part.name for part in exercise.gives] + [f"the gradient of {exercise.takes[i]}" for i in exercise.gradients]


def hints(exercise, seen, wanted):
    """Of values that no misconception explains: what is right in all cases, and what is nearly so -> sentences.

    exercise: whose values they are. seen, wanted: {case: what came, what was expected}.
    """
    if any(one.complaint for one in seen.values()):
        return
    pairs = {name: [(one.parts[place], wanted[case][place]) for case, one in seen.items()]
             for place, name in enumerate(_names(exercise))}  # fmt: skip
    ok = {name: all(close(one, other, exercise.error) for one, other in both) for name, both in pairs.items()}
    right, wrong = ([name for name in pairs if ok[name] is said] for said in (True, False))
    if right:
        told = f"{' and '.join(right)}: right. {' and '.join(wrong)}: not yet."
        yield told[0].upper() + told[1:]
    apart = [pair for name in wrong for pair in pairs[name]]
    if isinstance(apart[0][1], str):
        if all(one.strip(" .").lower() == other.lower() for one, other in apart):
            yield "Only the letters differ: these words are compared one by one."
    elif all(_nearly(one, other) for one, other in apart) and exercise.gives[0].dtype != "integer":
        yield "The first digits agree. Is your answer rounded, or of low precision?"


def _nearly(one, other):
    return np.isfinite(one).all() and (np.abs(one - other) <= 2e-3 * np.abs(other).max() + 1e-4).all()


def side_by_side(exercise, case, parts, wanted):
    """Computed beside expected in the smallest case of the exercise that fails, the first part that differs -> lines.

    parts, wanted: as in `Seen`, and as `wanted_by` gives them.
    """
    name, one, other = next((name, one, other) for name, one, other in zip(_names(exercise), parts, wanted, strict=True)
                            if not close(one, other, exercise.error))  # fmt: skip
    head = f"The smallest case that fails: {case}."
    if isinstance(other, str):
        return f"{head}\nyours     {one}\nexpected  {other}"
    if other.size > 20:
        apart = np.abs(np.nan_to_num(one, nan=np.inf, posinf=np.inf, neginf=-np.inf) - other)
        at = tuple(int(place) for place in np.unravel_index(np.argmax(apart), other.shape))
        name, one, other = f"{name}, at {list(at)}, where it is furthest off", one[at], other[at]
    digits = 7 if _nearly(one, other) else 4
    one, other = (_numbers(array, digits) for array in (one, other))
    if "\n" in one + other:
        return f"{head} {name}:\nyours\n{one}\nexpected\n{other}"
    return f"{head} {name}:\nyours     {one}\nexpected  {other}"


def _numbers(array, digits):
    whole = np.isfinite(array).all() and (np.abs(array) < 2**53).all() and (array == np.round(array)).all()
    array = array.astype(int) if whole else array + 0.0
    return np.array2string(array, precision=digits, separator=", ", suppress_small=True)

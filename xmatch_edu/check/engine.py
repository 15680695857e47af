"""How an answer is judged: can it be called as asked, is it right, and if not, which misconception is it?

Here live `Exercise` and `Misconception`, with which exercises are written (`Part` comes from `answers`), and `judge`.
What a chapter asks lives in that chapter's file; calling somebody's function without harm in `calm`; the answer's
picture in `pictures`; its words on the page in `result`; what is remembered in `progress`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from xmatch_edu.check import calm, pictures, progress, words
from xmatch_edu.check.answers import Part, Seen, as_array, look, same, wanted_by
from xmatch_edu.check.result import NOT_ATTEMPTED, PASS, WRONG, Result


class Misconception:
    """One wrong idea, recognised by what it computes.

    name: in a few words. says: what happened, and why it is another thing, in two sentences. wrongs: the exercise done
    with this idea in mind, in each way that gives other numbers; none where only the exercise's `demand` can see it.
    """

    def __init__(self, name, says, *wrongs):
        self.name, self.says, self.wrongs = name, says, wrongs


@dataclass(frozen=True)
class Exercise:
    """One thing that a chapter asks for: call it with the learner's function -> `Result`. It raises nothing.

    takes: the names of the arguments. gives: the values asked for. right: computes them, from the literal loops where
    they have them, followed by the gradients. cases: {words: arguments}, the smallest first. gradients: which
    arguments the first value must have a gradient for. error: what two right answers may differ by, relative to the
    largest value (at least 1). picture: (an `of_…` of `pictures`, the kind of heatmap, what a cell holds).
    demand: a last look at an answer whose values are right -> one of the misconceptions, or None.
    """

    name: str
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
        try:
            result = judge(self, learner)
        except Exception as error:  # whatever a learner's objects do: Run All goes on
            said = f"The check could not read this answer, and stopped with {type(error).__name__}."
            result = Result(self.name, WRONG, (said, "Did your function change what others use, NumPy itself, say?"))
        said = progress.note(self, learner, result)
        return replace(result, sentences=(*result.sentences, *said))


def judge(exercise, learner):
    """Call the learner's function on every case of the exercise and say what its answers are -> Result, not noted."""
    if not callable(learner):
        came = "None" if learner is None else f"something else, of type {type(learner).__name__}"
        how = f"write its name, without calling it: check.{exercise.name}(…)."
        return Result(exercise.name, WRONG, (f"The check wants your function itself, and got {came}: {how}",))
    run = calm.Caller(learner, exercise.takes)
    wanted = {case: wanted_by(exercise, arguments) for case, arguments in exercise.cases.items()}
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
    failing = [case for case in seen if not same(seen[case], Seen(wanted[case]), exercise.error)]
    if not failing:
        try:
            idea = exercise.demand(run)
        except (calm.Trouble, calm.NotAttempted) as trouble:
            return Result(exercise.name, WRONG, (str(trouble), "The case: a larger batch."))
        if idea is None:
            return Result(exercise.name, PASS, notes)
        return Result(exercise.name, WRONG, (idea.says, *notes), idea.name)
    idea = recognise(exercise, seen, wanted)
    case = next((case for case in failing if seen[case].complaint), failing[0])
    sentences = [seen[case].complaint, f"The case: {case}."] if seen[case].complaint else []
    if idea:
        sentences.append(idea.says)
    elif not sentences:
        sentences += words.hints(exercise, seen, wanted)
    numbers = "" if seen[case].complaint else words.side_by_side(exercise, case, seen[case].parts, wanted[case])
    picture = _picture(exercise, run, failing, seen, wanted)
    return Result(exercise.name, WRONG, (*sentences, *notes), idea.name if idea else None, numbers, picture)


def recognise(exercise, seen, wanted):
    """The misconception of the exercise that gives the same answers in all cases -> Misconception or None.

    seen, wanted: {case: what came, what was expected}.
    """
    for idea in exercise.misconceptions:
        for wrong in idea.wrongs:
            run = calm.Caller(wrong, exercise.takes)
            if all(same(seen[case], look(exercise, run, arguments, wanted[case]), exercise.error)
                   for case, arguments in exercise.cases.items()):  # fmt: skip
                return idea
    return None


def _picture(exercise, run, failing, seen, wanted):
    """Of the first failing case that has one, of at least nine cells if there is such a case."""
    if exercise.picture is None:
        return None
    of, kind, what = exercise.picture

    def right(arguments):
        return wanted_by(exercise, arguments)

    def yours(arguments):
        answer = run(calm.copies(arguments))
        return tuple(map(as_array, answer if isinstance(answer, tuple) else (answer,)))

    first = None
    for case in [case for case in failing if not seen[case].complaint]:
        arguments = exercise.cases[case]
        try:
            own, other = of(yours, arguments, seen[case].parts), of(right, arguments, wanted[case])
        except (calm.Trouble, calm.NotAttempted, TypeError, ValueError, IndexError):  # nudged, it did something else
            continue
        picture = pictures.beside(own, other, kind, f"{what}, {case}")
        if picture and other.size >= 9:
            return picture
        first = first or picture
    return first

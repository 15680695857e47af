"""The checks: every misconception gets its own name and no other, no right answer is refused, and nothing is harmed."""

import contextlib
import json
import os
import random
import re
import sys
import threading
import time
from itertools import combinations

import numpy as np
import pytest
import torch
from lookalikes import LOOKALIKES
from right_answers import RIGHT

from xmatch_edu import check
from xmatch_edu.check import calm, engine, pictures
from xmatch_edu.check.result import NOT_ATTEMPTED, PASS, WRONG
from xmatch_edu.course import exercises

EXERCISES = exercises.EXERCISES
ANSWERS = [
    pytest.param(EXERCISES[name], answer, id=f"{name} {number}")
    for name, answers in RIGHT.items()
    for number, answer in enumerate(answers, start=1)
]

NEAR_MISSES = [
    pytest.param(EXERCISES[name], wrong, told, id=f"{name} {number}")
    for name, wrongs in LOOKALIKES.items()
    for number, (wrong, told) in enumerate(wrongs, start=1)
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Progress is noted where the notebook is: here."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_no_misconception_can_be_taken_for_another_or_for_right(exercise):
    wanted = {case: engine.wanted_by(exercise, arguments) for case, arguments in exercise.cases.items()}

    def seen(function):
        run = calm.Caller(function, exercise.takes)
        return [engine.look(exercise, run, arguments, wanted[case]) for case, arguments in exercise.cases.items()]

    def alike(one, other):
        return all(engine.same(a, b, exercise.error) for a, b in zip(one, other, strict=True))

    right, all_seen = seen(exercise.right), []
    for idea in exercise.misconceptions:
        for wrong in idea.wrongs:
            all_seen.append((idea.name, one := seen(wrong)))
            assert ("raised", "time") not in [each.form for each in one], f"{idea.name} takes too long"
            if alike(one, right):  # then only the last look finds it
                assert exercise.demand(calm.Caller(wrong, exercise.takes)) is idea, f"{idea.name} is right"
    for (name, one), (other_name, other) in combinations(all_seen, 2):
        assert name == other_name or not alike(one, other), f"{name} and {other_name} are the same in every case"


def test_a_misconception_is_told_by_its_name_and_its_sentences():
    idea = check.first_loss.misconceptions[1]
    result = engine.judge(check.first_loss, idea.wrongs[0])
    assert (result.outcome, result.misconception) == (WRONG, idea.name)
    assert idea.says in " ".join(result.sentences) and f"This looks like: {idea.name}." in repr(result)


@pytest.mark.parametrize(("exercise", "answer"), ANSWERS)
def test_a_right_answer_passes(exercise, answer):
    result = engine.judge(exercise, answer)
    assert result.outcome == PASS, result


@pytest.mark.parametrize(("exercise", "wrong", "told"), NEAR_MISSES)
def test_what_looks_like_a_misconception_is_called_what_it_is(exercise, wrong, told):
    result = engine.judge(exercise, wrong)
    assert (result.outcome, result.misconception) == (WRONG, told)


def test_there_are_enough_of_all():
    assert set(RIGHT) == set(EXERCISES), f"tests/right_answers*.py: {set(RIGHT) ^ set(EXERCISES)}"
    assert set(LOOKALIKES) == set(EXERCISES), f"tests/lookalikes*.py: {set(LOOKALIKES) ^ set(EXERCISES)}"
    assert all(len(wrongs) >= 3 for wrongs in LOOKALIKES.values())
    assert all(len(answers) >= 5 for answers in RIGHT.values())
    assert all(len(exercise.misconceptions) >= 5 for exercise in EXERCISES.values())
    names = [idea.name for exercise in EXERCISES.values() for idea in exercise.misconceptions]
    assert len(set(names)) >= 30
    for exercise in EXERCISES.values():
        own = [idea.name for idea in exercise.misconceptions]
        assert len(own) == len(set(own)), f"{exercise.name} names two ideas alike"
        told = {told for _, told in LOOKALIKES[exercise.name]}
        assert told <= {None, *own}, f"{exercise.name}: an idea that is in no list"
        never = [idea.name for idea in exercise.misconceptions if not idea.wrongs and idea.name not in told]
        assert not never, f"{exercise.name}: no test has met {never}"


def test_a_misconception_is_told_in_two_sentences_or_so():
    for exercise in EXERCISES.values():
        for idea in exercise.misconceptions:
            assert 2 <= len(re.findall(r"[.?](?: |$|\))", idea.says)) <= 5, idea.name


# The first exercise stands for all in what follows. What a learner's function does to the world around it:


def right(row, scale):
    return np.exp(scale * row) / np.exp(scale * row).sum()


def judged(function):
    return engine.judge(check.row_probabilities, function)


def test_a_stub_is_not_attempted_and_says_no_more():
    def dots(row, scale):
        ...

    def documented(row, scale):
        """What to do."""

    def announced(row, scale):
        raise NotImplementedError

    def given_back(row, scale):
        return ...

    for stub in (dots, documented, announced):
        assert judged(stub).outcome == NOT_ATTEMPTED and judged(stub).sentences == ()
    assert judged(given_back).outcome == NOT_ATTEMPTED


def test_a_missing_return_is_guessed():
    def forgot(row, scale):
        positive = np.exp(scale * row)
        positive / positive.sum()

    assert judged(forgot).outcome == NOT_ATTEMPTED and "return missing" in repr(judged(forgot))


def test_none_in_some_cases_is_wrong():
    def sometimes(row, scale):
        return right(row, scale) if len(row) > 1 or scale != 3.0 else None

    def later(row, scale):
        return right(row, scale) if len(row) < 7 else None

    assert judged(sometimes).outcome == NOT_ATTEMPTED  # the first case already
    assert judged(later).outcome == WRONG and "7 texts" in repr(judged(later))


def test_an_error_deep_inside_names_the_learners_line():
    def deep(row, scale):
        table = np.zeros((2, 3))
        return np.linalg.inv(table)

    assert judged(deep).outcome == WRONG
    assert "`return np.linalg.inv(table)`" in repr(judged(deep)) and "LinAlgError" in repr(judged(deep))


def test_the_number_of_arguments_is_said_in_words():
    assert "It takes (row), and it is called with row and scale" in repr(judged(lambda row: row))


def test_something_else_than_a_function_is_named():
    for other, words in [(None, "got None"), (np.ones(3), "of type ndarray"), (3.0, "of type float")]:
        assert judged(other).outcome == WRONG and words in repr(judged(other))


def test_inputs_and_generators_are_as_before():
    def vandal(row, scale):
        np.random.seed(0)
        torch.manual_seed(0)
        random.seed(0)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(3)
        torch.set_default_device("meta")
        os.chdir("/")
        sys.setrecursionlimit(500)
        np.seterr(all="raise")
        np.set_printoptions(precision=1)
        row -= row.max()
        row *= scale
        np.exp(row, out=row)
        row /= row.sum()
        return row

    for seed in (np.random.seed, torch.manual_seed, random.seed):
        seed(7)  # what another test left behind may be just what the vandal leaves
    before = [arguments[0].copy() for arguments in check.row_probabilities.cases.values()]
    states = np.random.get_state()[1].copy(), torch.get_rng_state(), random.getstate(), np.geterr()

    def settings():
        of_torch = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_default_device()
        return *of_torch, torch.get_num_threads(), np.get_printoptions(), os.getcwd(), sys.getrecursionlimit()

    before_all = settings()
    assert judged(vandal).outcome == PASS
    assert all((then == now[0]).all() for then, now in zip(before, check.row_probabilities.cases.values(), strict=True))
    assert (np.random.get_state()[1] == states[0]).all() and (torch.get_rng_state() == states[1]).all()
    assert (random.getstate(), np.geterr()) == states[2:]
    assert settings() == before_all


def test_printing_is_kept_back_and_said(capsys):
    def talker(row, scale):
        print("here I am")
        return right(row, scale)

    result = judged(talker)
    assert result.outcome == PASS and "What it printed" in repr(result)
    assert capsys.readouterr().out == ""
    assert "printed" not in repr(judged(right))


def test_an_endless_loop_ends(monkeypatch):
    ends = time.monotonic() + 30  # if nothing stops them

    def forever(row, scale):
        while time.monotonic() < ends:
            with contextlib.suppress(Exception):
                row = row + 0

    def stubborn(row, scale):
        while time.monotonic() < ends:
            with contextlib.suppress(BaseException):
                row = row + 0

    monkeypatch.setattr(calm, "SECONDS", 0.3)
    for endless in (forever, stubborn):
        start = time.monotonic()
        result = judged(endless)
        assert result.outcome == WRONG and "never ends" in repr(result) and time.monotonic() - start < 12
    assert judged(right).outcome == PASS  # and the alarm is off again


def test_without_signals_it_is_judged_all_the_same():
    results = []
    thread = threading.Thread(target=lambda: results.append(judged(right)))
    thread.start()
    thread.join()
    assert results[0].outcome == PASS


def test_exit_ends_nothing_and_the_stop_button_does():
    def leaves(row, scale):
        raise SystemExit

    def stopped(row, scale):
        raise KeyboardInterrupt

    assert judged(leaves).outcome == WRONG and "SystemExit" in repr(judged(leaves))
    with pytest.raises(KeyboardInterrupt):
        judged(stopped)


def test_a_promise_is_no_answer(recwarn):
    async def later(row, scale):
        return right(row, scale)

    assert "Leave out async" in repr(judged(later)) and not recwarn.list


def test_not_implemented_counts_as_a_stub_in_ones_own_line_only():
    def below(row, scale):
        return torch.softmax(torch.tensor(row).to_sparse(), 0)

    def announced(row, scale):
        raise NotImplementedError("later: the softmax")

    assert judged(below).outcome == WRONG and "to_sparse(), 0)`" in repr(judged(below))
    assert judged(announced).outcome == NOT_ATTEMPTED and "later: the softmax" in repr(judged(announced))


def test_a_loss_that_went_back_already_is_told_so():
    def eager(S, p):
        loss = RIGHT["shuffled_line"][0](S, p)
        loss.backward()
        return loss

    assert "The check calls backward itself" in repr(engine.judge(check.shuffled_line, eager))


class Evil:
    """What goes wrong when somebody looks at it."""

    def __init__(self, **hooks):
        self.hooks = hooks

    def __array__(self, *_, **__):
        raise KeyError("no")

    def __repr__(self):
        raise ValueError("no")

    __str__ = __repr__


class EqualToAll(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


def gone(row, scale):
    folder = os.getcwd()
    if folder != os.sep:
        os.chdir(os.sep)
        os.rmdir(folder)
    return right(row, scale)


def closing(row, scale):
    sys.stdout.close()
    return right(row, scale)


def speechless(row, scale):
    raise ValueError(Evil())


def half_a_letter(row, scale):
    raise ValueError("\ud800")


def patching(row, scale):
    np.isfinite = None
    return 2 * row


def too_wide(q, t):
    if q.shape[1] > 10:
        raise ValueError("too wide")
    return RIGHT["squared_distances"][0](q, t)


def only_small(q, t):
    return RIGHT["squared_distances"][0](q, t) if q.shape[1] < 10 else None


def complex_when_nudged(S, scale):
    return RIGHT["first_loss"][0](S, scale) + np.emath.sqrt(S.min() + 1) if S.min() != 0 else 7.0


@pytest.mark.parametrize(
    ("exercise", "function", "outcome"),
    [
        ("row_probabilities", gone, PASS),
        ("row_probabilities", closing, PASS),
        ("row_probabilities", speechless, WRONG),
        ("row_probabilities", half_a_letter, WRONG),
        ("row_probabilities", patching, WRONG),
        ("row_probabilities", lambda row, scale: Evil(), WRONG),
        ("row_probabilities", lambda row, scale: [0.0] * 1_000_000, WRONG),
        ("row_probabilities", lambda row, scale: (x for x in row), WRONG),
        ("row_probabilities", lambda row, scale: row * 1e300, WRONG),
        ("row_probabilities", lambda row, scale: judged, WRONG),
        ("squared_distances", too_wide, WRONG),
        ("squared_distances", only_small, WRONG),
        ("first_loss", complex_when_nudged, WRONG),
        ("diagnose", lambda loss, N: EqualToAll("well"), WRONG),
        ("diagnose", lambda loss, N: "x" * 5_000_000, WRONG),
        ("diagnose", lambda loss, N: "\ud800", WRONG),
        ("largest_batches", lambda memory, D: (10**400, 1), WRONG),
        ("loss_from_features", lambda q, t, scale: torch.nn.Parameter(torch.zeros(())), WRONG),
        ("loss_from_features", lambda q, t, scale: torch.zeros(2, 2).to_sparse(), WRONG),
    ],
)
def test_nothing_comes_out_of_a_check_but_its_answer(monkeypatch, exercise, function, outcome):
    monkeypatch.setattr(np, "isfinite", np.isfinite)  # to be put back after the one that changes it
    result = EXERCISES[exercise](function)
    assert result.outcome == outcome, result
    message = json.dumps(result._repr_mimebundle_(), ensure_ascii=False).encode()
    assert len(message) < 300_000


def test_a_warning_is_not_shown(recwarn):
    judged(lambda row, scale: row / 0)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("exercise", "function", "words"),
    [
        ("cosine_matrix", lambda q, d: np.ones(len(q)), "S: shape (1,), expected (1, 1): one row per image"),
        ("cosine_matrix", lambda q, d: (d @ q.T), "turned on its side"),
        ("cosine_matrix", lambda q, d: "0.5", "it gave a str, expected numbers"),
        ("cosine_matrix", lambda q, d: [[1.0], [1.0, 2.0]], "it gave a list, expected numbers"),
        ("cosine_matrix", lambda q, d: np.ones((len(q), len(d)), dtype=complex), "expected numbers"),
        ("cosine_matrix", lambda q, d: np.ones((len(q), len(d)), dtype=bool), "expected numbers"),
        ("cosine_matrix", lambda q, d: np.ma.masked_all((len(q), len(d))), "expected numbers"),
        ("cosine_matrix", lambda q, d: torch.ones(len(q), len(d)) * 1j, "expected numbers"),
        ("cosine_matrix", lambda q, d: np.ndarray, "it gave a type, expected numbers"),
        ("false_negatives", lambda c: c[:, None] == c, "expected one number"),
        ("class_mask", lambda c: (c[:, None] == c) * 2, "The mask: int64, expected True and False"),
        ("class_mask", lambda c: [["no"] * len(c)] * len(c), "it gave a list, expected numbers"),
        ("first_loss", lambda S, scale: np.ones(len(S)), "The loss L₁: shape (1,), expected one number"),
        ("labels_after", lambda p: np.argsort(p).astype(float), "Labels: float64, expected whole numbers"),
        ("all_columns", lambda S: 0.5, "It gave a float, expected 2: the loss and the gradient"),
        ("all_columns", lambda S: (0.5, 1, 2), "It gave 3 values, expected 2"),
        ("all_columns", lambda S: np.ones(1), "It gave 1 value, expected 2"),
        ("loss_from_features", lambda q, t, scale: 0.0, "The loss: a float, expected a torch tensor of float32"),
        ("loss_from_features", lambda q, t, scale: torch.zeros(()).half(), "The loss: float16, expected float32"),
        ("unit_half", lambda x: x.numpy(), ": a ndarray of shape (1, 2), expected a torch tensor of float16"),
        ("loss_from_features", lambda q, t, scale: torch.zeros((), device="meta"), "a tensor on meta, and what"),
        ("diagnose", lambda loss, N: loss, "It gave a float, expected words"),
        ("largest_batches", lambda memory, D: (1.5, 2.5), "N of the block: float, expected whole numbers"),
    ],
)
def test_the_form_is_said_in_words(exercise, function, words):
    result = engine.judge(EXERCISES[exercise], function)
    assert result.outcome == WRONG and words in repr(result), result


def test_an_unknown_mistake_shows_the_smallest_case_that_fails():
    result = judged(lambda row, scale: right(row, scale) + (0.01 * np.arange(len(row)) if len(row) > 2 else 0))
    assert result.outcome == WRONG and result.misconception is None
    assert result.sentences == ()
    assert "4 texts, scale 3" in result.numbers and "yours" in result.numbers and "expected" in result.numbers
    assert "3 of 4 cells differ, and are outlined: (0, 1), (0, 2), (0, 3)." in result.picture.alt


def test_a_wrong_gradient_beside_a_right_value_is_told_apart():
    def half(S, p):
        loss = RIGHT["shuffled_line"][0](S, p)
        return loss.detach() + (loss - loss.detach()) / 2

    result = engine.judge(check.shuffled_line, half)
    assert "The loss: right. the gradient of S: not yet." in repr(result)


@pytest.mark.parametrize("leave", [torch.Tensor.item, lambda loss: loss.detach().numpy(), float])
def test_a_loss_that_left_torch_is_told_of_its_gradient(leave):
    result = engine.judge(check.shuffled_line, lambda S, p: leave(RIGHT["shuffled_line"][0](S, p)))
    assert result.misconception == "the value is right, and no gradient comes back"


def test_a_rounded_answer_is_not_shown_as_two_equal_numbers():
    result = engine.judge(check.first_loss, lambda S, scale: round(RIGHT["first_loss"][0](S, scale), 4))
    assert "Is your answer rounded" in repr(result)
    yours, expected = (line.split()[1] for line in result.numbers.splitlines()[1:])
    assert yours != expected


def test_words_that_differ_in_their_letters_only_are_told_so():
    result = engine.judge(check.diagnose, lambda loss, N: check.diagnose.right(loss, N).capitalize() + ".")
    assert "Only the letters differ" in repr(result)


def test_the_picture_outlines_exactly_the_cells_that_differ():
    ours, other = np.eye(3), np.eye(3)
    other[0, 2] = other[2, 1] = 0.5
    picture = pictures.beside(other, ours, "scores", "S")
    frames = {(round(patch.get_y() + 0.5), round(patch.get_x() + 0.5)) for patch in picture.figure.axes[0].patches}
    assert frames == {(0, 2), (2, 1)} and "2 of 9 cells differ, and are outlined: (0, 2), (2, 1)." in picture.alt
    assert pictures.beside(ours, ours, "scores", "S") is None


def test_a_picture_says_what_stands_down_and_across():
    for kind, sides in [("scores", ("images", "texts")), (("scores", "words", "regions"), ("words", "regions"))]:
        figure = pictures.beside(np.zeros((2, 3)), np.ones((2, 3)), kind, "S").figure
        assert [(ax.get_ylabel(), ax.get_xlabel()) for ax in figure.axes] == [sides] * 3


def test_a_nudge_finds_the_gradient_of_any_loss():
    from xmatch_edu import loops

    S = np.random.default_rng(0).normal(size=(3, 3))
    slopes = pictures.of_nudges(lambda arguments: (loops.matching_loss(*arguments),), (S,), None)
    assert np.abs(slopes - loops.matching_gradient(S)).max() < 1e-9


def test_what_a_result_shows_is_safe_on_a_page():
    def odd(row, scale):
        raise ValueError("<script>alert(1)</script> & more")

    page = judged(odd)._repr_mimebundle_()["text/html"]
    assert "<script>" not in page and "&lt;script&gt;" in page


@pytest.mark.parametrize("exercise", [one for one in EXERCISES.values() if one.picture], ids=lambda one: one.name)
def test_every_exercise_draws_its_picture(exercise):
    """The pictures are drawn when they are looked at, so judging alone would not meet a fault in the drawing."""
    results = (engine.judge(exercise, wrong) for idea in exercise.misconceptions for wrong in idea.wrongs)
    assert "data:image/png" in next(result for result in results if result.picture)._repr_mimebundle_()["text/html"]


def test_every_picture_has_a_description():
    page = engine.judge(check.first_loss, check.first_loss.misconceptions[2].wrongs[0])._repr_mimebundle_()["text/html"]
    assert 'alt="Heatmaps side by side' in page and "<p>How the loss answers when a score is nudged" in page

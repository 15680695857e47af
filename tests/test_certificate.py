"""The equivalence certificate: it lets rounding pass, and nothing else."""

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from xmatch_edu import losses
from xmatch_edu.course import certificate as room
from xmatch_edu.course.certificate import LossCertificate, ScoresCertificate


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch):
    monkeypatch.setattr(room, "SIZES", (4, 256))


def matmul(images, texts):
    return images @ texts.T


def stable(scores):
    below = scores - scores.max(axis=1, keepdims=True)
    total = np.exp(below).sum(axis=1, keepdims=True)
    n = len(scores)
    return (np.log(total[:, 0]) - np.diag(below)).mean(), (np.exp(below) / total - np.eye(n)) / n


SCORES_RUNGS = {
    "per row": lambda q, d: np.stack([d @ one for one in q]),
    "broadcast": lambda q, d: (q[:, None] * d[None]).sum(axis=-1),
    "einsum": lambda q, d: np.einsum("nd,md->nm", q, d),
    "float32": lambda q, d: q.astype(np.float32) @ d.astype(np.float32).T,
    "torch": lambda q, d: torch.tensor(q) @ torch.tensor(d).T,
    "bfloat16": lambda q, d: torch.tensor(q).bfloat16() @ torch.tensor(d).bfloat16().T,
}
WRONG_SCORES = {
    "transposed": lambda q, d: d @ q.T,
    "absolute": lambda q, d: np.abs(q @ d.T),
    "no last feature": lambda q, d: q[:, :-1] @ d[:, :-1].T,
    "a little too large": lambda q, d: (q @ d.T) * (1 + 1e-12),
    "right values, dead gradient": lambda q, d: np.round(q @ d.T, 14),
    "float32 called float64": lambda q, d: (q.astype(np.float32) @ d.T.astype(np.float32)).astype(np.float64),
}


def torch_rung(dtype):
    def rung(scores):
        scores = torch.tensor(scores, dtype=dtype, requires_grad=True)
        loss = losses.matching_loss(scores, direction="image_to_text")
        loss.backward()
        return loss, scores.grad

    return rung


LOSS_RUNGS = {f"torch {dtype}": torch_rung(dtype) for dtype in (torch.float64, torch.float32, torch.bfloat16)}
WRONG_LOSSES = {
    "columns": lambda s: (stable(s.T)[0], stable(s.T)[1].T),
    "sum": lambda s: (stable(s)[0] * len(s), stable(s)[1] * len(s)),
    "another gradient": lambda s: (stable(s)[0], -stable(s)[1]),
    "gradient of the sum": lambda s: (stable(s)[0], stable(s)[1] * len(s)),
    "softmax twice": lambda s: (F.cross_entropy(torch.tensor(s).softmax(1), torch.arange(len(s))), stable(s)[1]),
}


@pytest.mark.parametrize("name", SCORES_RUNGS)
def test_every_way_to_make_scores_holds(name):
    certificate = ScoresCertificate().add("matmul", matmul).add(name, SCORES_RUNGS[name])
    assert certificate.holds and [rung.name for rung in certificate.rungs] == ["matmul", name]
    assert certificate.check(name, SCORES_RUNGS[name]) == f"{name}: the same as all before it"


@pytest.mark.parametrize("name", WRONG_SCORES)
def test_wrong_scores_do_not(name):
    certificate = ScoresCertificate().add("matmul", matmul).add(name, WRONG_SCORES[name])
    assert not certificate.holds and certificate.rungs[0].holds and "✗" in repr(certificate)
    assert "the same as" not in certificate.check(name, WRONG_SCORES[name])


@pytest.mark.parametrize("name", LOSS_RUNGS)
def test_every_precision_of_the_loss_holds_within_its_own_budget(name):
    certificate = LossCertificate().add("NumPy", stable).add(name, LOSS_RUNGS[name])
    assert certificate.holds
    assert [bool(rung.bytes) for rung in certificate.rungs] == [True, False]  # torch's memory is not NumPy's


@pytest.mark.parametrize("name", WRONG_LOSSES)
def test_wrong_losses_do_not(name):
    certificate = LossCertificate()
    assert certificate.check("stable", stable) == "stable: the same as all before it"
    assert not certificate.add(name, WRONG_LOSSES[name]).holds


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_overflow_is_named_with_its_case():
    def naive(scores):
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return -np.log(np.diag(p)).mean(), (p - np.eye(len(p))) / len(p)

    certificate = LossCertificate()
    said = certificate.check("naive", naive)
    assert "NOT the same" in said and "10,000" in said and "NaN" in said
    said = certificate.check("wrong from the start", lambda scores: (2 * naive(scores)[0], naive(scores)[1]))
    assert "'4 pairs'" in said and "NaN" not in said  # the first case that fails, not the loudest
    certificate.add("naive", naive).add("stable", stable)  # what came after is not measured against it
    assert [rung.holds for rung in certificate.rungs] == [False, True] and not certificate.holds


@pytest.mark.parametrize("unfinished, words", [
    (lambda q, d: None, "not returned anything"),
    (lambda q, d: ..., "not returned anything"),
    (lambda q, d: [[1.0]], "list"),
    (lambda q, d: (q @ d.T).astype(int), "floating"),
    (lambda q, d: (q @ d.T)[0], "shape"),
    (lambda q, d: (q @ d.T)[:, :1], "shape"),
])  # fmt: skip
def test_an_unfinished_exercise_stops_nothing(unfinished, words):
    certificate = ScoresCertificate()
    assert words in certificate.check("mine", unfinished)
    assert not certificate.add("mine", unfinished).holds
    assert not LossCertificate().add("mine", lambda s: unfinished(s, s)).holds


def test_both_directions():
    def both(scores):
        rows, columns = stable(scores), stable(scores.T)
        return (rows[0] + columns[0]) / 2, (rows[1] + columns[1].T) / 2

    assert LossCertificate("both").add("NumPy", both).holds
    assert not LossCertificate("both").add("NumPy", stable).holds


def off_by(share):
    """The right gradient, and a loss that is off by this share of the budget."""

    def rung(scores):
        loss, gradient = stable(scores)
        return loss + share * 8 * 2**-52 * max(1.0, np.abs(scores).max()), gradient

    return rung


def test_a_rung_is_compared_with_all_that_held_and_with_none_that_did_not():
    certificate = LossCertificate().add("up", off_by(0.7)).add("middle", off_by(0.2)).add("down", off_by(-0.6))
    assert [rung.holds for rung in certificate.rungs] == [True, True, False]
    certificate = LossCertificate().add("wrong", off_by(5)).add("right", stable)
    assert [rung.holds for rung in certificate.rungs] == [False, True]
    assert certificate.rungs[0].seconds == {}  # what is wrong is not timed


def test_the_budgets_are_those_that_the_docstrings_state():
    eps = 2**-52
    assert LossCertificate()._bounds(eps, np.full((4, 4), 3.0)) == (24 * eps, 12 * eps)
    assert LossCertificate()._bounds(eps, np.full((4, 4), 0.1)) == (8 * eps, 4 * eps)
    value, gradient = ScoresCertificate()._bounds(eps, np.ones((2, 9)), np.ones((3, 9)), np.ones((2, 3)))
    assert value == 24 * eps and gradient == pytest.approx(24 * eps * math.sqrt(6) * math.sqrt(45))
    assert {name: torch.finfo(getattr(torch, name)).eps for name in room._EPS} == room._EPS


def test_a_gradient_of_nans_is_named():
    said = LossCertificate().check("dead", lambda scores: (stable(scores)[0], stable(scores)[1] * np.nan))
    assert "NOT the same" in said and "gradient NaN" in said


def test_a_rung_may_spoil_its_input():
    def in_single(scores):
        loss, gradient = stable(scores.astype(np.float32))
        return loss, gradient.astype(np.float32)

    def greedy(scores):
        result = in_single(scores)
        scores[:] = 0
        return result

    tidy, spoiler = LossCertificate().add("tidy", in_single), LossCertificate().add("greedy", greedy)
    assert spoiler.holds and spoiler.rungs[0].value_error == tidy.rungs[0].value_error


def test_the_table_and_the_page_say_what_was_measured(tmp_path):
    certificate = ScoresCertificate().add("a < b", matmul).add("float32", SCORES_RUNGS["float32"], timed=False)
    measured, untimed = certificate.rungs
    assert measured.bytes[256] >= 256 * 256 * 8 and measured.seconds.keys() == {4, 256}
    assert untimed.seconds == {} and untimed.bytes == {}
    html = certificate._repr_html_()
    assert "a &lt; b" in html and re.search(r"<td>\d+ kB</td>", html) and html.count("<tr>") == 3
    certificate.save(tmp_path / "certificate.html")
    page = (tmp_path / "certificate.html").read_text("utf-8")
    assert html in page and np.__version__ in page


def test_a_size_that_would_take_too_long_is_foreseen(monkeypatch):
    monkeypatch.setattr(room.measure, "seconds", lambda call, **_: 0.05)  # sixteen times as long is too long
    assert ScoresCertificate().add("matmul", matmul).rungs[0].seconds.keys() == {4}


def test_what_is_too_slow_is_left_out(monkeypatch):
    monkeypatch.setattr(room, "_PATIENCE", 0.0)
    certificate = ScoresCertificate().add("matmul", matmul)
    assert certificate.rungs[0].seconds.keys() == {4} and math.isfinite(certificate.rungs[0].value_error)

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


def torch_rung(dtype):
    def rung(scores):
        scores = torch.tensor(scores, dtype=dtype, requires_grad=True)
        loss = losses.matching_loss(scores, direction="image_to_text")
        loss.backward()
        return loss, scores.grad

    return rung


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
LOSS_RUNGS = {f"torch {dtype}": torch_rung(dtype) for dtype in (torch.float64, torch.float32, torch.bfloat16)}
WRONG_LOSSES = {
    "columns": lambda s: (stable(s.T)[0], stable(s.T)[1].T),
    "sum": lambda s: (stable(s)[0] * len(s), stable(s)[1] * len(s)),
    "another gradient": lambda s: (stable(s)[0], -stable(s)[1]),
    "gradient of the sum": lambda s: (stable(s)[0], stable(s)[1] * len(s)),
    "softmax twice": lambda s: (F.cross_entropy(torch.tensor(s).softmax(1), torch.arange(len(s))), stable(s)[1]),
}
RIGHT = [(ScoresCertificate, matmul, name, rung) for name, rung in SCORES_RUNGS.items()]
RIGHT += [(LossCertificate, stable, name, rung) for name, rung in LOSS_RUNGS.items()]
WRONG = [(ScoresCertificate, matmul, name, rung) for name, rung in WRONG_SCORES.items()]
WRONG += [(LossCertificate, stable, name, rung) for name, rung in WRONG_LOSSES.items()]


@pytest.mark.parametrize("kind, first, name, rung", RIGHT, ids=[one[2] for one in RIGHT])
def test_every_way_and_every_precision_holds_within_its_own_budget(kind, first, name, rung):
    certificate = kind().add("first", first).add(name, rung)
    assert certificate.holds and [rung.name for rung in certificate.rungs] == ["first", name]
    assert certificate.check(name, rung) == f"{name}: the same as all before it"
    in_numpy = kind is ScoresCertificate and name not in ("torch", "bfloat16")
    assert [bool(rung.bytes) for rung in certificate.rungs] == [True, in_numpy]  # torch's memory is not NumPy's


@pytest.mark.parametrize("kind, first, name, rung", WRONG, ids=[one[2] for one in WRONG])
def test_what_is_wrong_does_not(kind, first, name, rung):
    certificate = kind().add("first", first).add(name, rung)
    assert not certificate.holds and not certificate.rungs[0].failing and "✗" in repr(certificate)
    assert certificate.rungs[1].seconds == {}  # what is wrong is not timed
    assert "the same as" not in certificate.check(name, rung)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_overflow_is_named_with_its_case():
    def naive(scores):
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return -np.log(np.diag(p)).mean(), (p - np.eye(len(p))) / len(p)

    certificate = LossCertificate()
    said = certificate.check("naive", naive)
    assert "NOT the same" in said and "10,000" in said and "value NaN ✗, gradient NaN ✗" in said
    said = certificate.check("wrong from the start", lambda scores: (2 * naive(scores)[0], naive(scores)[1]))
    assert "'4 pairs'" in said and "NaN" not in said and "gradient" not in said  # the first case, not the loudest
    said = certificate.check("dead", lambda scores: (stable(scores)[0], stable(scores)[1] * np.nan))
    assert "NOT the same" in said and "gradient NaN" in said and "value" not in said


@pytest.mark.parametrize("unfinished, words", [
    (lambda q, d: None, "not returned anything"),
    (lambda q, d: ..., "not returned anything"),
    (lambda q, d: [[1.0]], "list"),
    (lambda q, d: (q @ d.T).astype(int), "floating"),
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


def off_by(share, *, of_gradient=False):
    """The right answer, but for a loss, or a gradient, that is off by this share of the budget that is stated."""
    def rung(scores):
        loss, gradient = stable(scores)
        budget = share * 8 * 2**-52 * max(1.0, np.abs(scores).max())
        if of_gradient:
            gradient[0, 0] += budget / math.sqrt(len(scores))
        return loss + (0 if of_gradient else budget), gradient

    return rung


def test_a_rung_is_compared_with_all_that_held_and_with_none_that_did_not():
    certificate = LossCertificate().add("up", off_by(0.7)).add("middle", off_by(0.2)).add("down", off_by(-0.6))
    assert [bool(rung.failing) for rung in certificate.rungs] == [False, False, True]
    assert 0.6 < certificate.rungs[0].value_error < 1, "the worst of all cases"
    certificate = LossCertificate().add("wrong", off_by(5)).add("right", stable)
    assert [bool(rung.failing) for rung in certificate.rungs] == [True, False] and not certificate.holds


def test_the_budgets_are_those_that_the_docstrings_state():
    for share, case in [(0.8, ""), (1.2, "4 pairs")]:
        for of_gradient in (False, True):
            assert LossCertificate().add("", off_by(share, of_gradient=of_gradient)).rungs[0].failing == case
    rng = np.random.default_rng(0)  # as in the first case, 4×4 with D = 3
    images, _, pull = (rng.normal(size=shape) for shape in ((4, 3), (4, 3), (4, 4)))
    line = ScoresCertificate().add("", lambda q, d: q @ d.T + q[:, :1] / 1000).rungs[0]
    off = np.abs(images[:, 0] / np.linalg.norm(images, axis=1)).max() / 1000
    each = 8 * 2**-52 * math.sqrt(3)
    assert line.value_error == pytest.approx(off / each)
    off = np.linalg.norm(pull.sum(axis=1)) / 1000
    assert line.gradient_error == pytest.approx(off / (each * np.linalg.norm(pull) * math.sqrt(4 * 3 + 4 * 3)))
    assert {name: torch.finfo(getattr(torch, name)).eps for name in room._EPS} == room._EPS


@pytest.mark.parametrize("kind, tidy", [(LossCertificate, stable), (ScoresCertificate, matmul)])
def test_a_rung_may_spoil_its_input(kind, tidy):
    def greedy(*inputs):
        result = tidy(*inputs)
        for one in inputs:
            one[:] = 0
        return result

    spoiled, clean = kind().add("greedy", greedy).add("tidy", tidy), kind().add("tidy", tidy)
    assert spoiled.holds and {rung[1:3] for rung in spoiled.rungs} == {clean.rungs[0][1:3]}


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


@pytest.mark.parametrize("patience, seconds", [(0.5, 0.05), (0.0, 1e-6)])
def test_a_size_that_would_take_too_long_is_foreseen_and_left_out(patience, seconds, monkeypatch):
    monkeypatch.setattr(room, "_PATIENCE", patience)
    monkeypatch.setattr(room.measure, "seconds", lambda call, **_: seconds)  # sixteen times as long is too long
    assert ScoresCertificate().add("matmul", matmul).rungs[0].seconds.keys() == {4}

"""The equivalence certificate: is this rung of the ladder the same as all rungs before it, and what does it cost?

Here live the table that grows down a chapter, its cases and its error budgets. The clock and the scales are in
`measure`, the pictures in `plots`, and the rungs are written by whoever climbs.

N: images    M: texts    D: features
"""

import datetime
import html
import math
import platform
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from xmatch_edu import loops
from xmatch_edu.course import measure
from xmatch_edu.plots.costs import amount

SIZES = (16, 64, 256, 1024)
_PATIENCE = 0.5  # seconds: sizes at which one call would take longer are left out
_EPS = {"float64": 2**-52, "float32": 2**-23, "float16": 2**-10, "bfloat16": 2**-7}


class Rung(NamedTuple):
    """One line of the table. Errors are shares of the budget: up to 1 is rounding, more is another result."""

    name: str
    value_error: float
    gradient_error: float
    failing: str  # the first case in which it is not the same, or what is wrong with the answer; "" where all is well
    seconds: dict  # {N: median}
    bytes: dict  # {N: at the peak, beyond the inputs}


class Certificate:
    """Rungs, each compared with all before it, the first with the literal loops. Shows itself as a table.

    title: what the rungs make. cases: {name: (inputs, the answer (value, gradient) of the loops, the budgets of both in
    units of eps)}. read: (rung, *inputs) -> (its answer, eps). batch: N -> the inputs of a call to be timed.
    """

    def __init__(self, title, cases, read, batch):
        self.title, self._cases, self._read, self._batch, self.rungs = title, cases, read, batch, []
        self._known = {name: [answer] for name, (_, answer, _) in cases.items()}

    @property
    def holds(self):
        """True while every rung added is the same as all before it."""
        return not any(rung.failing for rung in self.rungs)

    def add(self, name, rung, *, timed=True):
        """Compare, time and weigh one more rung, and put it into the table -> the certificate.

        A rung that is not the same is put in too, and no later one is compared with it. timed: False for what runs
        on a GPU, where these small sizes say nothing.
        """
        line, answers = self._compare(name, rung)
        if timed and not line.failing:
            line = line._replace(**self._costs(rung))
        self.rungs.append(line)
        for case, answer in answers.items():  # none, where it is not the same
            self._known[case].append(answer)
        return self

    def check(self, name, rung):
        """Compare only -> what `add` would say of this name and rung, in words."""
        line, _ = self._compare(name, rung)
        if not line.failing:
            return f"{name}: the same as all before it"
        if math.isinf(line.value_error):
            return f"{name}: {line.failing}"
        shares = [f"{what} {_share(error)}" for what, error in
                  (("value", line.value_error), ("gradient", line.gradient_error)) if not error <= 1]  # fmt: skip
        return f"{name}: NOT the same in the case {line.failing!r}: {', '.join(shares)}"

    def save(self, path):
        """Write the table, with date, machine and versions, as an HTML page of its own, into the file path."""
        foot = (f"{datetime.date.today()} · Python {platform.python_version()} · NumPy {np.__version__} · "
                f"{platform.system()} {platform.machine()}")  # fmt: skip
        page = f'<!doctype html><meta charset="utf-8"><title>Certificate</title>{self._repr_html_()}<p>{foot}</p>'
        Path(path).write_text(page, encoding="utf-8")

    def _compare(self, name, rung):
        worst, answers = (0.0, 0.0), {}
        for case, (inputs, _, budgets) in self._cases.items():
            try:
                answer, eps = self._read(rung, *(x.copy() for x in inputs))  # it may spoil them
            except _Unusable as reason:
                return Rung(name, math.inf, math.inf, str(reason), {}, {}), {}
            for known in self._known[case]:
                off = np.abs(answer[0] - known[0]).max(), np.linalg.norm(answer[1] - known[1])
                shares = [float(error) / (eps * budget) for error, budget in zip(off, budgets, strict=True)]
                if not all(share <= 1 for share in shares):  # NaN too
                    return Rung(name, *shares, case, {}, {}), {}
                worst = tuple(map(max, worst, shares))
            answers[case] = answer
        return Rung(name, *worst, "", {}, {}), answers

    def _costs(self, rung):
        seconds, size_bytes, result = {}, {}, rung(*self._batch(4))
        is_tensor = hasattr(result[1] if isinstance(result, tuple) else result, "detach")
        for n in SIZES:
            if 16 * max(seconds.values(), default=0) > _PATIENCE:
                break
            call = partial(rung, *self._batch(n))
            seconds[n] = measure.seconds(call, at_most=0.2)
            if not is_tensor:  # torch's memory cannot be weighed in this way
                size_bytes[n] = measure.array_bytes(call)
        return {"seconds": seconds, "bytes": size_bytes}

    def _rows(self):
        yield ["rung", "value", "gradient", *(f"N = {n:,}" for n in SIZES), "memory, N = 256"]
        for rung in self.rungs:
            yield [rung.name, _share(rung.value_error), _share(rung.gradient_error),
                   *(amount(rung.seconds[n], "seconds") if n in rung.seconds else "" for n in SIZES),
                   amount(rung.bytes[256], "bytes") if 256 in rung.bytes else ""]  # fmt: skip

    def __repr__(self):
        widths = [max(map(len, column)) for column in zip(*self._rows(), strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in self._rows()]
        return "\n".join([self.title, *lines])

    def _repr_html_(self):
        head, *body = ([html.escape(word) for word in row] for row in self._rows())
        head = "".join(f'<th scope="col">{word}</th>' for word in head)
        body = "".join("<tr>" + "".join(f"<td>{word}</td>" for word in row) + "</tr>" for row in body)
        return (f"<table><caption>Certificate: {html.escape(self.title)}. Errors are shares of the budget.</caption>"
                f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")  # fmt: skip


def ScoresCertificate():
    """For rungs f(images, texts) -> S, from unit vectors (N, D) and (M, D) to (N, M) -> Certificate.

    value: S. gradient: that of Σ G · S, G random, to images and texts. S is linear in every single feature, so a nudge
    of any size gives the exact slope, and no formula is asked for.
    Budget: 8 · eps · √D a number, eps being the relative spacing of the dtype that the rung returns.
    """
    rng, cases = np.random.default_rng(0), {}
    for n, m, d in [(4, 4, 3), (5, 7, 3), (3, 2, 31), (1, 1, 1)]:
        images, texts, pull = _unit(rng, n, d), _unit(rng, m, d), rng.normal(size=(n, m))
        gradient, each = np.zeros((n + m, d)), 8 * math.sqrt(d)
        for i, j in np.ndindex(n, m):
            gradient[i] += pull[i, j] * texts[j]
            gradient[n + j] += pull[i, j] * images[i]
        cases[f"{n}×{m} scores, D = {d}"] = (
            (images, texts, pull), (loops.cosine_scores(images, texts), gradient.ravel()),
            (each, each * np.linalg.norm(pull) * math.sqrt(gradient.size)))  # fmt: skip

    def read(rung, images, texts, pull):
        both, n, slopes = np.concatenate([images, texts]), len(images), []
        value, eps = _array(rung(images, texts), pull.shape)
        for nudge in np.eye(both.size).reshape(-1, *both.shape):
            moved = both + nudge
            slopes.append((pull * (_array(rung(moved[:n], moved[n:]), pull.shape)[0] - value)).sum())
        return (value, np.array(slopes)), eps

    return Certificate("S from features", cases, read,
                       lambda n: _unit(np.random.default_rng(n), 2 * n, 48).reshape(2, n, 48))  # fmt: skip


def LossCertificate(direction="image_to_text"):
    """For rungs f(S) -> (loss, gradient), from S (N, N), scale included, text i belonging to image i; a mean
    -> Certificate.

    direction: as in the losses. The gradient's dtype says which eps counts; it may be a tensor on any device.
    Budget: 8 · eps · max(1, max |S|) for the loss; times 1/√N, the norm of N one-hot rows over N, for the gradient.
    """
    rng, cases = np.random.default_rng(0), {}
    for name, n, largest in [("4 pairs", 4, 3), ("13 pairs", 13, 3), ("one pair", 1, 3), ("logits up to 100", 7, 100),
                             ("logits up to 10,000", 7, 10_000)]:  # fmt: skip
        scores = rng.uniform(-largest, largest, (n, n))
        each = 8 * max(1.0, np.abs(scores).max())
        cases[name] = ((scores,), (np.float64(loops.matching_loss(scores, direction=direction)),
                                   loops.matching_gradient(scores, direction=direction)),
                       (each, each / math.sqrt(n)))  # fmt: skip

    def read(rung, scores):
        result = rung(scores)
        if not isinstance(result, tuple) or len(result) != 2 or any(part is None for part in result):
            raise _Unusable("it has not returned (loss, gradient) yet")
        gradient, eps = _array(result[1], scores.shape)
        return (np.float64(result[0].item() if hasattr(result[0], "item") else result[0]), gradient), eps

    return Certificate(f"loss and gradient from S, {direction.replace('_', ' ')}", cases, read,
                       lambda n: (np.random.default_rng(n).uniform(-3, 3, (n, n)),))  # fmt: skip


class _Unusable(Exception):
    """The rung gave nothing that could be compared."""


def _unit(rng, n, d):
    vectors = rng.normal(size=(n, d))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _array(x, shape):
    """An array or tensor as float64, with the eps that its dtype had."""
    if x is None or x is ...:
        raise _Unusable("it has not returned anything yet")
    eps = _EPS.get(str(getattr(x, "dtype", "")).removeprefix("torch."))
    if eps is None:
        raise _Unusable(f"it returned {type(x).__name__}, not an array of floating-point numbers")
    if tuple(x.shape) != shape:
        raise _Unusable(f"it returned the shape {tuple(x.shape)}, not {shape}: a row an image, a column a text")
    return (x.detach().cpu().double().numpy() if hasattr(x, "detach") else x.astype(np.float64)), eps


def _share(error):
    if math.isnan(error):
        return "NaN ✗"
    if math.isinf(error):
        return "✗"
    return f"{error:.1g} ✓" if error <= 1 else f"{error:.2g} × budget ✗"

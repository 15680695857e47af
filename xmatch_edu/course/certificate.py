"""The equivalence certificate: is this rung of the ladder the same as all rungs before it, and what does it cost?

Here live the table that grows down a chapter, its cases and its error budgets. The clock and the scales are in
`measure`, the pictures in `plots`, and the rungs are written by whoever climbs.

N: images    M: texts    D: features
"""

import datetime
import html
import math
import platform
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

    @property
    def holds(self):
        """True where it is the same as all before it."""
        return not self.failing


class _Certificate:
    """Rungs, each compared with all before it, the first with the literal loops. Shows itself as a table.

    Subclasses say what a rung is called with, and what is read from it.
    """

    title = ""

    def __init__(self):
        self.rungs = []
        self._known = {name: [self._literal(*case)] for name, case in self._cases().items()}

    @property
    def holds(self):
        """True while every rung added is the same as all before it."""
        return all(rung.holds for rung in self.rungs)

    def add(self, name, rung, *, timed=True):
        """Compare, time and weigh one more rung, and put it into the table -> the certificate.

        A rung that is not the same is put in too, and no later one is compared with it. timed: False for what runs
        on a GPU, where these small sizes say nothing.
        """
        line, results = self._compare(name, rung)
        if timed and line.holds:
            seconds, size_bytes = self._costs(rung)
            line = line._replace(seconds=seconds, bytes=size_bytes)
        self.rungs.append(line)
        for case, result in results.items():  # none, where it is not the same
            self._known[case].append(result)
        return self

    def check(self, name, rung):
        """Compare only: what `add` would say of it, in words."""
        line, _ = self._compare(name, rung)
        if line.holds:
            return f"{name}: the same as all before it"
        if math.isinf(line.value_error):
            return f"{name}: {line.failing}"
        shares = [f"{what} {_share(error)}" for what, error in
                  (("value", line.value_error), ("gradient", line.gradient_error)) if not error <= 1]  # fmt: skip
        return f"{name}: NOT the same in the case {line.failing!r}: {', '.join(shares)}"

    def save(self, path):
        """Write the table, with date, machine and versions, as an HTML page of its own."""
        foot = (f"{datetime.date.today()} · Python {platform.python_version()} · NumPy {np.__version__} · "
                f"{platform.system()} {platform.machine()}")  # fmt: skip
        page = f'<!doctype html><meta charset="utf-8"><title>Certificate</title>{self._repr_html_()}<p>{foot}</p>'
        Path(path).write_text(page, encoding="utf-8")

    def _compare(self, name, rung):
        value_error = gradient_error = 0.0
        results = {}
        for case, arguments in self._cases().items():
            try:
                value, gradient, eps = self._run(rung, *arguments)
            except _Unusable as reason:
                return Rung(name, math.inf, math.inf, str(reason), {}, {}), {}
            value_bound, gradient_bound = self._bounds(eps, *arguments)
            for known_value, known_gradient in self._known[case]:
                of_value = float(np.abs(value - known_value).max()) / value_bound
                of_gradient = float(np.linalg.norm(gradient - known_gradient)) / gradient_bound
                if not (of_value <= 1 and of_gradient <= 1):  # NaN too
                    return Rung(name, of_value, of_gradient, case, {}, {}), {}
                value_error, gradient_error = max(value_error, of_value), max(gradient_error, of_gradient)
            results[case] = value, gradient
        return Rung(name, value_error, gradient_error, "", {}, {}), results

    def _costs(self, rung):
        seconds, size_bytes = {}, {}
        result = rung(*self._batch(4))
        is_tensor = hasattr(result[1] if isinstance(result, tuple) else result, "detach")
        for n in SIZES:
            arguments = self._batch(n)
            if seconds and 16 * max(seconds.values()) > _PATIENCE:
                break
            seconds[n] = measure.seconds(lambda: rung(*arguments), at_most=0.2)  # noqa: B023
            if not is_tensor:  # torch's memory cannot be weighed in this way
                size_bytes[n] = measure.array_bytes(lambda: rung(*arguments))  # noqa: B023
        return seconds, size_bytes

    def _rows(self):
        for rung in self.rungs:
            yield [rung.name, *(_share(error) for error in rung[1:3]),
                   *(amount(rung.seconds[n], "seconds") if n in rung.seconds else "" for n in SIZES),
                   amount(rung.bytes[256], "bytes") if 256 in rung.bytes else ""]  # fmt: skip

    def _header(self):
        return ["rung", "value", "gradient", *(f"N = {n:,}" for n in SIZES), "memory, N = 256"]

    def __repr__(self):
        rows = [self._header(), *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([self.title, *lines])

    def _repr_html_(self):
        head = "".join(f'<th scope="col">{html.escape(word)}</th>' for word in self._header())
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(word)}</td>" for word in row) + "</tr>" for row in self._rows()
        )
        return (f"<table><caption>Certificate: {html.escape(self.title)}. Errors are shares of the budget.</caption>"
                f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")  # fmt: skip


class ScoresCertificate(_Certificate):
    """For rungs f(images, texts) -> S, from unit vectors (N, D) and (M, D) to (N, M).

    value: S. gradient: that of Σ G · S, G random, to images and texts. S is linear in every single feature, so a nudge
    of any size gives the exact slope, and no formula is asked for.
    Budget: 8 · eps · √D a number, eps being the relative spacing of the dtype that the rung returns.
    """

    title = "S from features"

    def _cases(self):
        rng = np.random.default_rng(0)
        return {
            f"{n}×{m} scores, D = {d}": (_unit(rng, n, d), _unit(rng, m, d), rng.normal(size=(n, m)))
            for n, m, d in [(4, 4, 3), (5, 7, 3), (3, 2, 31), (1, 1, 1)]
        }

    def _literal(self, images, texts, pull):
        gradient = [np.zeros_like(images), np.zeros_like(texts)]
        for i, j in np.ndindex(*pull.shape):
            for k in range(images.shape[1]):
                gradient[0][i, k] += pull[i, j] * texts[j, k]
                gradient[1][j, k] += pull[i, j] * images[i, k]
        return loops.cosine_scores(images, texts), np.concatenate([part.ravel() for part in gradient])

    def _run(self, rung, images, texts, pull):
        value, eps = _array(rung(images, texts), pull.shape)
        slopes = []
        for side in (images, texts):
            for place in np.ndindex(*side.shape):
                moved = side.copy()
                moved[place] += 1
                pair = (moved, texts) if side is images else (images, moved)
                slopes.append((pull * (_array(rung(*pair), pull.shape)[0] - value)).sum())
        return value, np.array(slopes), eps

    def _bounds(self, eps, images, texts, pull):
        each = 8 * eps * math.sqrt(images.shape[1])
        return each, each * np.linalg.norm(pull) * math.sqrt(images.size + texts.size)

    def _batch(self, n):
        rng = np.random.default_rng(n)
        return _unit(rng, n, 48), _unit(rng, n, 48)


class LossCertificate(_Certificate):
    """For rungs f(S) -> (loss, gradient), from S (N, N), scale included, text i belonging to image i; a mean.

    direction: as in the losses. The gradient's dtype says which eps counts; it may be a tensor on any device.
    Budget: 8 · eps · max(1, max |S|) for the loss; times 1/√N, the norm of N one-hot rows over N, for the gradient.
    """

    def __init__(self, direction="image_to_text"):
        self.title, self.direction = f"loss and gradient from S, {direction.replace('_', ' ')}", direction
        super().__init__()

    def _cases(self):
        rng = np.random.default_rng(0)
        cases = {"4 pairs": (4, 3), "13 pairs": (13, 3), "one pair": (1, 3)}
        cases |= {"logits up to 100": (7, 100), "logits up to 10,000": (7, 10_000)}
        return {name: (rng.uniform(-largest, largest, (n, n)),) for name, (n, largest) in cases.items()}

    def _literal(self, scores):
        return (np.float64(loops.matching_loss(scores, direction=self.direction)),
                loops.matching_gradient(scores, direction=self.direction))  # fmt: skip

    def _run(self, rung, scores):
        result = rung(scores.copy())
        if not isinstance(result, tuple) or len(result) != 2 or any(part is None for part in result):
            raise _Unusable("it has not returned (loss, gradient) yet")
        gradient, eps = _array(result[1], scores.shape)
        loss = result[0].item() if hasattr(result[0], "item") else float(result[0])
        return np.float64(loss), gradient, eps

    def _bounds(self, eps, scores):
        each = 8 * eps * max(1.0, np.abs(scores).max())
        return each, each / math.sqrt(len(scores))

    def _batch(self, n):
        return (np.random.default_rng(n).uniform(-3, 3, (n, n)),)


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

"""Chapter 04: the whole loss from features, its way back, labels after a shuffle, reading a loss, Newton's scale, and a
guard in half precision, in torch."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from xmatch_edu import loops
from xmatch_edu.check import ideas, pictures
from xmatch_edu.check.answers import Part
from xmatch_edu.check.engine import Exercise, Misconception

TITLE = "04 torch and the GPU"
NOTEBOOK = "04_torch_and_the_gpu.ipynb"

_random = np.random.default_rng(4)


def _features(n, d, scale):
    """Lengths differ, so that a missing normalisation shows."""
    q, t = _random.normal(size=(2, n, d)) * _random.uniform(0.5, 2, size=(2, n, 1))
    return torch.tensor(q + 0.6 * t, dtype=torch.float32), torch.tensor(t, dtype=torch.float32), scale


def _right_loss(q, t, scale):
    """The loss by loops, and its gradients by hand: through the product, then through the division by the length."""
    q, t = q.double().numpy(), t.double().numpy()
    S = loops.cosine_scores(q, t)
    G = loops.matching_gradient(S, scale=scale)
    units = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, t)]
    slopes = []
    for x, unit, towards in [(q, units[0], G @ units[1]), (t, units[1], G.T @ units[0])]:
        sideways = towards - (towards * unit).sum(axis=1, keepdims=True) * unit  # along x only its length changes
        slopes.append(sideways / np.linalg.norm(x, axis=1, keepdims=True))
    return loops.matching_loss(S, scale=scale), *slopes


def _cosines(q, t):
    return F.normalize(q, dim=1) @ F.normalize(t, dim=1).T


def _line(S, labels=None, **options):
    labels = torch.arange(len(S)) if labels is None else labels
    return (F.cross_entropy(S, labels, **options) + F.cross_entropy(S.T, labels, **options)) / 2


def _labelled(labels):
    return lambda q, t, scale: _line(scale * _cosines(q, t), labels(len(q)))


def _with_scores(loss):
    """The exercise, with another idea of what to do with the scores."""
    return lambda q, t, scale: loss(scale * _cosines(q, t))


def _targets(S):
    return torch.eye(len(S), dtype=S.dtype)


def _without_own(S):
    masked = S.masked_fill(torch.eye(len(S), dtype=torch.bool), -math.inf)
    return (masked.logsumexp(1) + masked.logsumexp(0) - 2 * S.diagonal()).mean() / 2


loss_from_features = Exercise(
    name="loss_from_features",
    takes=("image_features", "text_features", "scale"),
    gives=(Part("the loss", "", "float32"),),
    right=_right_loss,
    gradients=(0, 1),
    cases={
        "one pair": _features(1, 3, 5.0),
        "2 pairs, 3 features": _features(2, 3, 5.0),
        "5 pairs, 4 features, scale 10": _features(5, 4, 10.0),
        "7 pairs, 16 features, scale ½": _features(7, 16, 0.5),
        "5 pairs, 2 features, scale 100": _features(5, 2, 100.0),
    },
    error=2e-4,
    picture=(pictures.of_pulls, "gradient", "How the loss pulls each image towards each text"),
    misconceptions=(
        Misconception(*ideas.NO_LENGTHS, lambda q, t, scale: _line(scale * q @ t.T)),
        Misconception(*ideas.ONE_LENGTH, lambda q, t, scale: _line(scale * F.normalize(q, dim=1) @ t.T),
                      lambda q, t, scale: _line(scale * q @ F.normalize(t, dim=1).T)),
        Misconception(*ideas.BATCH_AXIS,
                      lambda q, t, scale: _line(scale * F.normalize(q, dim=0) @ F.normalize(t, dim=0).T)),
        Misconception(*ideas.ROWS_ONLY, _with_scores(lambda S: F.cross_entropy(S, torch.arange(len(S)))),
                      _with_scores(lambda S: F.cross_entropy(S.T, torch.arange(len(S))))),
        Misconception(*ideas.ADDED, _with_scores(lambda S: 2 * _line(S))),
        Misconception(*ideas.SCALE_DIVIDED, lambda q, t, scale: _line(_cosines(q, t) / scale)),
        Misconception(*ideas.SCALE_FORGOTTEN, lambda q, t, scale: _line(_cosines(q, t))),
        Misconception(
            "the scale exponentiated once more",
            "You took exp of the scale. That is right for a stored logarithm; here the scale itself is given.",
            lambda q, t, scale: _line(_cosines(q, t) * math.exp(scale)),
        ),
        Misconception(*ideas.SCALE_AFTER, lambda q, t, scale: scale * _line(_cosines(q, t))),
        Misconception(
            "probabilities where logits belong",
            "You handed cross_entropy a softmax (or one of your own came before it). The softmax is inside already: it"
            " wants the scores, times the scale, and nothing else.",
            _with_scores(lambda S: (F.cross_entropy(S.softmax(1), torch.arange(len(S)))
                                    + F.cross_entropy(S.T.softmax(1), torch.arange(len(S)))) / 2),
            _with_scores(lambda S: _line(S.softmax(1))),
            _with_scores(lambda S: _line(S.softmax(0))),
        ),
        Misconception(*ideas.SUM_FOR_MEAN, _with_scores(lambda S: _line(S, reduction="sum"))),
        Misconception(
            "the mean taken twice",
            "Your loss is N times too small. cross_entropy divides by N already: leave your own division out.",
            _with_scores(lambda S: _line(S) / len(S)),
        ),
        Misconception(*ideas.MISSING_MINUS, _with_scores(lambda S: -_line(S))),
        Misconception(*ideas.OTHER_LOGARITHM, _with_scores(lambda S: _line(S) / math.log(2)),
                      _with_scores(lambda S: _line(S) / math.log(10))),
        Misconception(*ideas.LABELS_ZERO, _labelled(lambda n: torch.zeros(n, dtype=torch.long))),
        Misconception(*ideas.LABELS_ONE, _labelled(lambda n: torch.ones(n, dtype=torch.long))),
        Misconception(*ideas.LABELS_REVERSED, _labelled(lambda n: torch.arange(n).flip(0))),
        Misconception(*ideas.LABELS_SHIFTED, _labelled(lambda n: (torch.arange(n) + 1) % n)),
        Misconception(*ideas.MSE, _with_scores(lambda S: F.mse_loss(S, _targets(S))),
                      _with_scores(lambda S: F.mse_loss(S.softmax(1), _targets(S))),
                      _with_scores(lambda S: sum(F.mse_loss(S.softmax(k), _targets(S)) for k in (0, 1)) / 2),
                      lambda q, t, scale: F.mse_loss(_cosines(q, t), torch.eye(len(q)))),
        Misconception(*ideas.BCE, _with_scores(lambda S: F.binary_cross_entropy_with_logits(S, _targets(S))),
                      _with_scores(lambda S: len(S) * F.binary_cross_entropy_with_logits(S, _targets(S))),
                      _with_scores(lambda S: F.binary_cross_entropy(S.softmax(1), _targets(S)))),
        Misconception(*ideas.OWN_LEFT_OUT, _with_scores(_without_own)),
        Misconception(*ideas.P_FOR_LOG, _with_scores(lambda S: (S.softmax(1) + S.softmax(0)).diagonal().mean() / 2),
                      _with_scores(lambda S: -(S.softmax(1) + S.softmax(0)).diagonal().mean() / 2),
                      _with_scores(lambda S: 1 - (S.softmax(1) + S.softmax(0)).diagonal().mean() / 2)),
        Misconception(*ideas.DETACHED, _with_scores(lambda S: _line(S).detach())),
        Misconception(
            "one side detached",
            "The value is right, but only one of the two sides gets a gradient: the other was cut off on the way (by "
            ".detach(), .data or no_grad). That branch would never learn.",
            lambda q, t, scale: _line(scale * _cosines(q.detach(), t)),
            lambda q, t, scale: _line(scale * _cosines(q, t.detach())),
        ),
        Misconception(
            "float64 where float32 was asked",
            "Your loss is float64, and the features are float32. Somewhere a float64 tensor came in (from NumPy, or by"
            " .double()): on a GPU that makes the products many times slower.",
            lambda q, t, scale: _line(scale * _cosines(q.double(), t.double())),
            lambda q, t, scale: _line(scale * _cosines(q, t)).double(),
            lambda q, t, scale: _line(scale * _cosines(q.double(), t.double())).detach(),
        ),
    ),
)  # fmt: skip


def _back(n, m, d):
    return tuple(torch.tensor(_random.normal(size=shape)) for shape in ((n, m), (n, d), (m, d)))


def _literal_back(G, q, t):
    G, q, t = G.numpy(), q.numpy(), t.numpy()
    to_q, to_t = np.zeros_like(q), np.zeros_like(t)
    for i in range(len(q)):
        for j in range(len(t)):
            to_q[i] += G[i, j] * t[j]
            to_t[j] += G[i, j] * q[i]
    return to_q, to_t


to_features = Exercise(
    name="to_features",
    takes=("G", "q", "d"),
    gives=(Part("the gradient of q", "one row per image, one column per feature"),
           Part("the gradient of d", "one row per text, one column per feature")),
    right=_literal_back,
    cases={
        "one pair": _back(1, 1, 3),
        "3 pairs, 3 features": _back(3, 3, 3),
        "3 images, 5 texts, 4 features": _back(3, 5, 4),
        "5 images, 3 texts, 2 features": _back(5, 3, 2),
    },
    misconceptions=(
        Misconception(
            "the two changed places",
            "You gave the texts' gradient first. The first one has a row for each image, as q has: it is made of "
            "texts, weighed by G.",
            lambda G, q, d: (G.T @ q, G @ d),
        ),
        Misconception(
            "each side from its own features",
            "You multiplied G with the same side's features. S[i, j] changes with image i by *text* j, so the images' "
            "gradient is made of texts, and the texts' of images.",
            lambda G, q, d: (G @ q, G.T @ d),
        ),
        Misconception(
            "G not turned over",
            "For the texts you used G as it is. Text j has a hand in column j of S, so its gradient sums down the "
            "column: G turned over.",
            lambda G, q, d: (G @ d, G @ q),
        ),
        Misconception(
            "the images from the columns",
            "For the images you turned G over. Image i has a hand in row i of S: G as it is.",
            lambda G, q, d: (G.T @ d, G.T @ q),
        ),
        Misconception(
            "the opposite sign",
            "Yours is the direction of the step, not the gradient. Training subtracts the gradient; here it is asked "
            "for itself.",
            lambda G, q, d: (-G @ d, -G.T @ q),
        ),
        Misconception(
            "divided by N once more",
            "G is the gradient of the loss with its mean already. You divided by the number of images (or texts) "
            "again.",
            lambda G, q, d: (G @ d / len(G), G.T @ q / len(G)), lambda G, q, d: (G @ d / len(q), G.T @ q / len(d)),
        ),
    ),
)  # fmt: skip


def _dealt(n, order, far=1.0):
    return torch.tensor(far * 3 * _random.normal(size=(n, n))), torch.tensor(order)


def _right_shuffled(S, p):
    S, y = S.numpy(), np.argsort(p.numpy())
    return loops.matching_loss(S, y), loops.matching_gradient(S, y)


def _two(rows, columns):
    return lambda S, p: (F.cross_entropy(S, rows(p)) + F.cross_entropy(S.T, columns(p))) / 2


def _stay(p):
    return torch.arange(len(p))


def _as_dealt(p):
    return p


def _inverse(p):
    return p.argsort()


shuffled_line = Exercise(
    name="shuffled_line",
    takes=("S", "p"),
    gives=(Part("the loss"),),
    right=_right_shuffled,
    gradients=(0,),
    cases={
        "one pair": _dealt(1, [0]),
        "4 pairs, p = [3, 1, 0, 2]": _dealt(4, [3, 1, 0, 2]),
        "5 pairs, p = [2, 4, 1, 0, 3]": _dealt(5, [2, 4, 1, 0, 3]),
        "7 pairs, scores in the thousands": _dealt(7, [6, 2, 5, 0, 3, 1, 4], far=1000),
    },
    error=1e-6,
    picture=(pictures.of_part(1), "gradient", "The gradient of the loss"),
    misconceptions=(
        Misconception(*ideas.LABELS_STAY, _two(_stay, _stay)),
        Misconception(
            "the two labels changed places",
            "You gave the columns' labels to the rows and the rows' to the columns, or reordered S by p, which deals "
            "once more. For the rows: in which column does the text of image i stand now? That is the inverse of p. "
            "For the columns: whose text stands in column k? That is p.",
            _two(_as_dealt, _inverse), lambda S, p: _line(S[:, p]),
        ),
        Misconception(
            "one label for both directions",
            "You used p in both directions, or its inverse in both (the two give the same number). The rows ask in "
            "which column their text stands now, which is the inverse of p; the columns ask whose text stands there, "
            "which is p.",
            _two(_as_dealt, _as_dealt), _two(_inverse, _inverse),
        ),
        Misconception(
            "one of the two stayed behind",
            "One direction has the labels of the new order, the other those of the old one. Both ask about texts that "
            "have moved.",
            _two(_inverse, _stay), _two(_stay, _as_dealt), _two(_as_dealt, _stay), _two(_stay, _inverse),
        ),
        Misconception(*ideas.ROWS_ONLY, lambda S, p: F.cross_entropy(S, p.argsort()),
                      lambda S, p: F.cross_entropy(S.T, p)),
        Misconception(*ideas.ADDED, lambda S, p: 2 * _two(_inverse, _as_dealt)(S, p)),
        Misconception(*ideas.SUM_FOR_MEAN, lambda S, p: len(p) * _two(_inverse, _as_dealt)(S, p)),
        Misconception(*ideas.DETACHED, lambda S, p: _two(_inverse, _as_dealt)(S, p).detach()),
        Misconception(
            "probabilities where logits belong",
            "You handed cross_entropy a softmax. It is inside already: give it the scores as they are.",
            lambda S, p: (F.cross_entropy(S.softmax(1), p.argsort()) + F.cross_entropy(S.T.softmax(1), p)) / 2,
            lambda S, p: _two(_inverse, _as_dealt)(S.softmax(1), p),
        ),
        Misconception(
            "the rows twice",
            "Your second direction did not turn S over, so both of your softmaxes run along the rows. P(image | text) "
            "needs S.T.",
            lambda S, p: (F.cross_entropy(S, p.argsort()) + F.cross_entropy(S, p)) / 2,
        ),
    ),
)  # fmt: skip

# The last ones are met by other tolerances, logarithms and floors, so that these show by saying too much.
_READINGS = [(3.8712, 48), (2.9064, 48), (float("nan"), 48), (3.4, 48), (5.9095, 1000), (3.8712, 1000), (6.9078, 1000),
             (2.9064, 1000), (0.1, 48), (float("nan"), 1000), (2.0794, 8), (3.6107, 37), (3.8718, 48), (3.8795, 48),
             (2.9, 48), (3.8735, 48), (5.9115, 1000), (5.585, 48), (1.6812, 48), (4.1931, 48), (1.2622, 48),
             (2.8501, 48), (2.8712, 48)]  # fmt: skip


def _diagnosis(loss, N, bound=1e-3, floor=lambda N: math.log(1 + (N - 1) / math.e), nothing=math.log):
    if loss != loss:
        return "not a number"
    if abs(loss - nothing(N)) < bound:
        return "nothing learned"
    return "softmax twice" if abs(loss - floor(N)) < bound else "goes on"


def _never(words, loss, N):
    said = _diagnosis(loss, N)
    return ("softmax twice" if words == "goes on" else "goes on") if said == words else said


_SWAPPED = {"nothing learned": "softmax twice", "softmax twice": "nothing learned"}

diagnose = Exercise(
    name="diagnose",
    takes=("loss", "N"),
    gives=(Part("the diagnosis", "", "text"),),
    right=_diagnosis,
    cases={f"loss {loss}, N = {N}": (loss, N) for loss, N in _READINGS},
    misconceptions=(
        Misconception(
            "NaN compared with ==",
            "You missed the readings that are not a number. NaN is equal to nothing, not even to itself, so no "
            "comparison with == or is finds it: math.isnan does.",
            lambda loss, N: "goes on" if math.isnan(loss) else _diagnosis(loss, N),
        ),
        Misconception(
            "the numbers of N = 48",
            "You compared with 3.8712 and 2.9064, which are those of a batch of 48. Both depend on N: compute them.",
            lambda loss, N: _diagnosis(loss, 48),
        ),
        Misconception(
            "the two changed places",
            "You exchanged the two diagnoses. ln N is the price of knowing nothing; the floor of a second softmax lies"
            " below it, since the right text still gets a little more than the others.",
            lambda loss, N: _SWAPPED.get(_diagnosis(loss, N), _diagnosis(loss, N)),
        ),
        Misconception(
            "too generous",
            "You call losses alike that differ in the third digit or more. A model that learns passes these numbers on"
            " its way; only one that stands on them, to a thousandth, is stuck.",
            *[lambda loss, N, bound=bound: _diagnosis(loss, N, bound) for bound in (3e-3, 5e-3, 1e-2, 5e-2, 0.1)],
        ),
        Misconception(
            "compared with ==",
            "You asked for equal numbers. The loss on the screen is rounded, and no float is exactly ln N: ask whether"
            " the two are closer than a thousandth.",
            lambda loss, N: _diagnosis(loss, N, 1e-300),
        ),
        Misconception(
            "one of them is never said",
            "One of the two diagnoses never comes out, whatever the loss. Is the test for it there, and can it be "
            "reached?",
            lambda loss, N: _never("nothing learned", loss, N), lambda loss, N: _never("softmax twice", loss, N),
            lambda loss, N: _never("goes on", loss, N),
        ),
        Misconception(
            "the floor without its 1",
            "For the second softmax you took ln((N − 1)/e), or ln(N/e). The right text's own e stands in the sum too: "
            "divided by it, that is the 1 in ln(1 + (N − 1)/e).",
            lambda loss, N: _diagnosis(loss, N, floor=lambda N: math.log(max(N - 1, 1) / math.e)),
            lambda loss, N: _diagnosis(loss, N, floor=lambda N: math.log(N / math.e)),
        ),
        Misconception(
            "another logarithm",
            "You compared with the logarithm of base 2 or 10. Losses are in natural logarithms: math.log.",
            lambda loss, N: _diagnosis(loss, N, nothing=math.log2),
            lambda loss, N: _diagnosis(loss, N, nothing=math.log10),
            lambda loss, N: _diagnosis(loss, N, floor=lambda N: math.log2(1 + (N - 1) / math.e), nothing=math.log2),
            lambda loss, N: _diagnosis(loss, N, floor=lambda N: math.log10(1 + (N - 1) / math.e), nothing=math.log10),
        ),
    ),
)  # fmt: skip


def _one_direction(S, s, axis):
    """Slope and bend of one direction's loss in the scale: E[S] under P minus the right score; the variance under P."""
    P = ideas.softmax(s * S, axis=axis)
    mean = (P * S).sum(axis=axis)
    variance = (P * S**2).sum(axis=axis) - mean**2
    return (mean - np.diag(S)).mean(), variance.mean()


def _newton(S, start, steps, *, axes=(1, 0), log=True, bend=True, sign=-1):
    S, s = S.double().numpy(), float(start)
    for _ in range(steps):
        slope, curve = np.mean([_one_direction(S, s, axis) for axis in axes], axis=0)
        if log:  # the chain rule through s = exp(l)
            slope, curve = s * slope, s * s * curve + s * slope
        step = sign * (slope / curve if bend else slope)
        with np.errstate(all="ignore"):
            s = float(s * np.exp(step)) if log else s + step
    return s


def _cosines_of(n):
    """Some right, some wrong, so that the best scale is neither 0 nor infinity."""
    return torch.tensor(np.clip(0.45 * np.eye(n) + 0.35 * _random.normal(size=(n, n)), -1, 1))


newton = Exercise(
    name="newton",
    takes=("cosines", "start", "steps"),
    gives=(Part("the scale"),),
    right=_newton,
    cases={
        "8 pairs, start 3, 1 step": (_cosines_of(8), 3.0, 1),
        "8 pairs, start 2, 2 steps": (_cosines_of(8), 2.0, 2),
        "16 pairs, start 2, 4 steps": (_cosines_of(16), 2.0, 4),
    },
    error=1e-4,  # so that it may be rounded to four digits
    misconceptions=(
        Misconception(
            "Newton on the scale, not on its logarithm",
            "Your steps are those of Newton's method on the scale itself. Differentiate by the stored number, the "
            "logarithm, and step there; only what is handed to the loss is its exp.",
            lambda S, start, steps: _newton(S, start, steps, log=False),
        ),
        Misconception(
            "a gradient step of size 1",
            "You stepped by the slope and did not divide it by the slope of the slope. That division is all of "
            "Newton's method: it says how far the slope lasts.",
            lambda S, start, steps: _newton(S, start, steps, bend=False),
        ),
        Misconception(
            "up instead of down",
            "You added the step. The loss falls against its slope: subtract.",
            lambda S, start, steps: _newton(S, start, steps, sign=1),
        ),
        Misconception(
            "the logarithm given back",
            "You gave the stored number. The scale is its exp.",
            lambda S, start, steps: math.log(_newton(S, start, steps)),
        ),
        Misconception(
            "one step too many or too few",
            "Your number belongs to another count of steps. The argument says how many: count them.",
            lambda S, start, steps: _newton(S, start, steps + 1), lambda S, start, steps: _newton(S, start, steps - 1),
        ),
        Misconception(
            "always the same number of steps, or always from 3",
            "Your number of steps, or your start, does not follow the arguments: it is fixed, or you went on until "
            "nothing moved, or a return stands inside the loop. Both arguments lead to other scales.",
            lambda S, start, steps: _newton(S, start, 5), lambda S, start, steps: _newton(S, 3.0, steps),
            lambda S, start, steps: _newton(S, 3.0, 5), lambda S, start, steps: _newton(S, start, 30),
            lambda S, start, steps: _newton(S, start, 1),
        ),
        Misconception(*ideas.ROWS_ONLY, lambda S, start, steps: _newton(S, start, steps, axes=(1,)),
                      lambda S, start, steps: _newton(S, start, steps, axes=(0,))),
        Misconception(
            "the start without its logarithm",
            "You stored the start as it is, and then took its exp. What is stored is the logarithm: begin with "
            "log(start).",
            lambda S, start, steps: _newton(S, math.exp(start), steps),
        ),
    ),
)  # fmt: skip


def _half(rows):
    return (torch.tensor(rows, dtype=torch.float32).half(),)


def _right_unit(x):
    x = x.double().numpy()
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return (x / np.where(length > 0, length, 1)).astype(np.float16)


def _in_single(x, length):
    return (x.float() / length(x.float())).half()


def _length(x, dim=1):
    return x.norm(dim=dim, keepdim=True)


def _divided(x, size):
    return _in_single(x, lambda y: torch.where(size(y) != 0, size(y), 1))


unit_half = Exercise(
    name="unit_half",
    takes=("x",),
    gives=(Part("the unit vectors", "one row per vector, one column per feature", "float16"),),
    right=_right_unit,
    cases={
        "one vector": _half([[3.0, 4.0]]),
        "2 vectors, one of them zero": _half([[0.0, 0.0, 0.0], [1.0, -2.0, 2.0]]),
        "2 vectors of 30,000s": _half([[30_000.0] * 5, [30_000.0, -30_000.0, 0.0, 0.0, 1.0]]),
        "2 vectors of the smallest float16": _half([[6e-8, 0.0], [1e-7, -1e-7]]),
        "3 vectors": _half(_random.normal(size=(3, 4)).tolist()),
    },
    error=2e-3,
    misconceptions=(
        Misconception(
            "float32 where float16 was asked",
            "The numbers are right, and they are float32. The risky part is done: turn the result back with .half().",
            lambda x: x.float() / torch.where(_length(x.float()) > 0, _length(x.float()), 1),
        ),
        Misconception(
            "the length overflows",
            "The vectors of 30,000s came out as zeros: their length does not fit into float16, and became infinity. "
            "Compute the length in float32.",
            lambda x: x / torch.where(_length(x) > 0, _length(x), 1),
            lambda x: x / torch.where((x**2).sum(1, keepdim=True).sqrt() > 0, (x**2).sum(1, keepdim=True).sqrt(), 1),
        ),
        Misconception(
            "zero divided by zero",
            "The zero vector became NaN: its length is 0 too. Where the length is 0, divide by something else.",
            lambda x: _in_single(x, _length), lambda x: x / _length(x), lambda x: x / (_length(x) + 1e-8),
            lambda x: x / (x**2).sum(1, keepdim=True).sqrt(),
        ),
        Misconception(
            "an ε that swallows small vectors",
            "NaN is kept away, but the smallest vectors are not of length 1: next to them an ε, or a threshold, is "
            "large. Divide by 1 where the length is 0, and only there.",
            *[lambda x, e=e: _in_single(x, lambda y: _length(y) + e) for e in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)],
            *[lambda x, e=e: _in_single(x, lambda y: _length(y).clamp_min(e)) for e in (1e-3, 1e-4, 1e-5, 1e-6)],
        ),
        Misconception(*ideas.BATCH_AXIS, lambda x: _divided(x, lambda y: _length(y, 0))),
        Misconception(
            "divided by the sum",
            "You divided by the sum of the entries (or of their sizes), as for probabilities. The length is the root "
            "of the sum of squares.",
            lambda x: _divided(x, lambda y: y.abs().sum(1, keepdim=True)),
            lambda x: _divided(x, lambda y: y.sum(1, keepdim=True)),
        ),
        Misconception(
            "divided by the largest",
            "You divided by the largest entry. Then that entry is 1, and not the length.",
            lambda x: _divided(x, lambda y: y.abs().amax(1, keepdim=True)),
        ),
        Misconception(
            "the square of the length",
            "You divided by the sum of squares. The length is its square root.",
            lambda x: _divided(x, lambda y: (y**2).sum(1, keepdim=True)),
        ),
        Misconception(
            "one length for the whole matrix",
            "You divided by the length of all numbers together. Each row has its own.",
            lambda x: _divided(x, lambda y: y.norm().expand(len(y), 1)),
        ),
    ),
)  # fmt: skip

EXERCISES = [loss_from_features, to_features, shuffled_line, diagnose, newton, unit_half]

"""A GPU run for xmatch_edu/course/recorded/: figures for readers without a GPU, with what was measured and how.

All of it also runs on a CPU, with small sizes and into another folder, so that a test can see it work. A run is written
anew after each step: one that was cut holds what was measured until then, and says what it lacks.
"""

import re
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import torch

from xmatch_edu import loops, losses
from xmatch_edu.course import measure, recorded
from xmatch_edu.course.bench import workloads
from xmatch_edu.course.bench.report import surroundings, tell
from xmatch_edu.course.bench.rounds import measure as side_by_side

SIZES = [1024, 2048, 4096, 8192, 16384, 32768]
WIDTH = 256
# (N, D): those that chapter 10 draws first, for a run that is cut.
TILES = [(8192, 512), (32768, 512), (131072, 512), (8192, 1024), (32768, 1024), (131072, 1024), (32768, 768)]
BATCHES, LOGITS = [1, 13, 64], [1.0, 20.0, 1e4]  # of the checks: N, and the largest logit


def record(folder=recorded.FOLDER, device="cuda", *, sizes=SIZES, rounds=15, workload=workloads.MATCHING):
    """Measure, write `folder`/<name of the device>.json -> its path.

    {"device", "date", "command", "versions", "threads", "width", "rows", "parts", "checks"}: `rows` as
    rounds.measure gives them, for float32 and bfloat16; the others as the functions below. Where something did not fit
    into memory, its seconds are None (JSON: null). A run that was cut also has "lacks".
    """
    run = {**surroundings(workload, device), "width": WIDTH, "rows": [], "parts": [], "checks": checks(device)}

    plan = workloads.Plan([], rounds, budget=15, limit=30)

    def step(n, dtype):
        run["rows"] += side_by_side(workload, n, plan, width=WIDTH, dtype=dtype, device=device, launch=True)
        run["parts"].append(parts(n, dtype, device))

    steps = {f"N = {n}, {dtype}": partial(step, n, dtype) for n in sizes for dtype in ("float32", "bfloat16")}
    return _go_through(steps, run, folder, device)


def record_tiles(folder=recorded.TILES, device="cuda", *, sizes=TILES, rounds=9, workload=workloads.TILES_ON_A_GPU):
    """Measure the loss in tiles in bfloat16, write `folder`/<name of the device>.json -> its path.

    {"device", "date", "command", "versions", "threads", "rows"}: as rounds.measure gives them, each with its "width".
    Each contender is measured beside the floor alone: what one keeps of a GPU's memory is then no other's lack.
    A run that was cut also has "lacks".
    """
    run = {**surroundings(workload, device), "rows": []}
    floor, *others = workload.contenders
    plan = workloads.Plan([], rounds, budget=12, limit=30)

    def step(n, width, contender):
        both = replace(workload, contenders=[floor, contender])
        rows = side_by_side(both, n, plan, width=width, dtype="bfloat16", device=device)
        run["rows"] += [{**row, "width": width} for row in (rows if contender is others[0] else rows[1:])]

    steps = {f"N = {n}, D = {width}, {other.name}": partial(step, n, width, other) for n, width in sizes
             for other in others}  # fmt: skip
    return _go_through(steps, run, folder, device)


def _go_through(steps, run, folder, device):
    """Each step adds to the run. "lacks" are the words of those to come."""
    if device != "cuda" and recorded.FOLDER in (folder, folder.parent):
        raise ValueError(f"recorded/ holds GPU runs; one of a {device} belongs elsewhere")
    path = folder / (re.sub(r"[^a-z0-9]+", "-", run["device"].lower()).strip("-") + ".json")
    lacks = list(steps)
    for words, step in steps.items():
        recorded.save(path, {**run, "lacks": lacks})
        tell(words)
        step()
        lacks.remove(words)
    return recorded.save(path, run)


def parts(n, dtype, device):
    """{"n", "dtype", "product_seconds", "loss_seconds", "product_launch_seconds"}: the product S = Q Dᵀ alone, the loss
    alone (forward and backward, from a given S), and the product again by the wrong clock, which does not wait."""
    found = {"n": n, "dtype": dtype, "product_seconds": None, "loss_seconds": None, "product_launch_seconds": None}
    try:
        image, text, scale = workloads.features(n, WIDTH, getattr(torch, dtype), device)
        image, text = image.detach(), text.detach()
        found["product_seconds"] = measure.seconds(lambda: image @ text.T)
        found["product_launch_seconds"] = measure.seconds(lambda: image @ text.T, wait=False)
        scores = (image @ text.T).requires_grad_()
        inputs = scores, scale
        found["loss_seconds"] = measure.seconds(
            lambda: torch.autograd.grad(losses.matching_loss(scores, scale=scale), inputs) and None)
    except (RuntimeError, MemoryError) as error:  # torch's memory errors are RuntimeErrors
        if "memory" not in str(error):
            raise
    finally:
        image = text = scores = inputs = None
        if device == "cuda":
            torch.cuda.empty_cache()  # the workers of the next size need the room
    return found


def checks(device):
    """How far `losses` on this device is from the loops in float64, as a share of what is allowed: up to 1 is good.

    Allowed: 8·eps·max(1, scale·max|S|) for the value; for the gradient, by norm, the same times scale/√N.
    Half-precision scores are rounded first, and the loops get the rounded ones; the loss is float32 then, and so is
    eps. The gradient goes back into half precision, and may lose eps of that on top.
    -> [{"n", "dtype", "logits", "value_share", "gradient_share"}]
    """
    found = []
    for n, logits, dtype in product(BATCHES, LOGITS, (torch.float64, torch.float32, torch.bfloat16)):
        scores = torch.tensor(np.random.default_rng(n).uniform(-1, 1, (n, n))).to(device, dtype).requires_grad_()
        exact = scores.detach().cpu().double().numpy()
        loss = losses.matching_loss(scores, scale=logits)
        loss.backward()
        gradient = loops.matching_gradient(exact, scale=logits)
        value_error = abs(loss.item() - loops.matching_loss(exact, scale=logits))
        gradient_error = np.linalg.norm(scores.grad.cpu().double().numpy() - gradient)
        allowed = 8 * torch.finfo(loss.dtype).eps * max(1.0, logits * np.abs(exact).max())
        rounding = 0.0 if dtype == loss.dtype else torch.finfo(dtype).eps * np.linalg.norm(gradient)
        found.append({"n": n, "dtype": str(dtype).removeprefix("torch."), "logits": logits,
                      "value_share": value_error / allowed,
                      "gradient_share": gradient_error / (allowed * logits / np.sqrt(n) + rounding)})  # fmt: skip
    return found

"""A GPU run for xmatch_edu/recorded/: figures for readers without a GPU, with what was measured and how.

All of it also runs on a CPU, with small sizes and into another folder, so that a test can see it work.
"""

import json
import re
import statistics
import time

import numpy as np
import torch

from xmatch_edu import loops, losses
from xmatch_edu._files import write
from xmatch_edu.course import measure, recorded
from xmatch_edu.course.bench import tiles
from xmatch_edu.course.bench.contenders import CONTENDERS, features
from xmatch_edu.course.bench.report import Progress, surroundings
from xmatch_edu.course.bench.rounds import measure as side_by_side

SIZES = [1024, 2048, 4096, 8192, 16384, 32768]
WIDTH = 256
TILES = [(8192, 512), (8192, 1024), (32768, 512), (32768, 768), (32768, 1024), (131072, 512), (131072, 1024)]  # (N, D)
BATCHES, LOGITS = [1, 13, 64], [1.0, 20.0, 1e4]  # of the checks: N, and the largest logit


def record(folder=recorded.FOLDER, device="cuda", *, sizes=SIZES, rounds=15, contenders=CONTENDERS):
    """Measure, write `folder`/<name of the device>.json in one stroke -> its path.

    {"device", "date", "command", "versions", "threads", "width", "rows", "parts", "checks"}: `rows` as
    rounds.measure gives them, for float32 and bfloat16; the others as the functions below. Where something did not fit
    into memory, its seconds are None (JSON: null).
    """
    if device != "cuda" and folder == recorded.FOLDER:
        raise ValueError(f"recorded/ holds GPU runs; one of a {device} belongs elsewhere")
    run = {**surroundings(contenders, device), "width": WIDTH, "rows": [], "parts": []}
    progress = Progress(2 * len(sizes))
    for n in sizes:
        for dtype in ("float32", "bfloat16"):
            progress.size(f"N = {n}, {dtype}")
            run["rows"] += side_by_side(contenders, n, width=WIDTH, rounds=rounds, budget=15, limit=30, dtype=dtype,
                                        device=device, launch=True, tell=progress.step)
            run["parts"].append(parts(n, dtype, device))
    progress.end()
    run["checks"] = checks(device)
    return _write(run, folder)


def record_tiles(folder=recorded.TILES, device="cuda", *, sizes=TILES, rounds=9, contenders=tiles.ON_A_GPU):
    """Measure the loss in tiles in bfloat16, write `folder`/<name of the device>.json in one stroke -> its path.

    {"device", "date", "command", "versions", "threads", "rows"}: as rounds.measure gives them, each with its "width".
    Each contender is measured beside the floor alone: what one keeps of a GPU's memory is then no other's lack.
    """
    if device != "cuda" and folder == recorded.TILES:
        raise ValueError(f"recorded/ holds GPU runs; one of a {device} belongs elsewhere")
    run = {**surroundings(contenders, device), "rows": []}
    progress = Progress(len(sizes) * (len(contenders) - 1))
    floor, *others = contenders
    for n, width in sizes:
        for number, contender in enumerate(others):
            progress.size(f"N = {n}, D = {width}")
            rows = side_by_side([floor, contender], n, width=width, rounds=rounds, budget=12, limit=30,
                                dtype="bfloat16", device=device, tell=progress.step)  # fmt: skip
            run["rows"] += [{**row, "width": width} for row in (rows[1:] if number else rows)]
    progress.end()
    return _write(run, folder)


def _write(run, folder):
    path = folder / (re.sub(r"[^a-z0-9]+", "-", run["device"].lower()).strip("-") + ".json")
    folder.mkdir(exist_ok=True)
    write(path, (json.dumps(run, indent=1) + "\n").encode())
    return path


def parts(n, dtype, device):
    """{"n", "dtype", "product_seconds", "loss_seconds", "product_launch_seconds"}: the product S = Q Dᵀ alone, the loss
    alone (forward and backward, from a given S), and the product again by the wrong clock, which does not wait."""
    found = {"n": n, "dtype": dtype, "product_seconds": None, "loss_seconds": None, "product_launch_seconds": None}
    try:
        image, text, scale = features(n, WIDTH, getattr(torch, dtype), device)
        image, text = image.detach(), text.detach()
        found["product_seconds"] = measure.seconds(lambda: image @ text.T)
        found["product_launch_seconds"] = without_waiting(lambda: image @ text.T)
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


def without_waiting(call):
    """Seconds until Python goes on, the median of seven: on a GPU the work has hardly begun then."""
    times = []
    for _ in range(7):
        measure.synchronize()
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    measure.synchronize()
    return statistics.median(times)


def checks(device):
    """How far `losses` on this device is from the loops in float64, as a share of what is allowed: up to 1 is good.

    Allowed: 8·eps·max(1, scale·max|S|) for the value; for the gradient, by norm, the same times scale/√N.
    Half-precision scores are rounded first, and the loops get the rounded ones; the loss is float32 then, and so is
    eps. The gradient goes back into half precision, and may lose eps of that on top.
    -> [{"n", "dtype", "logits", "value_share", "gradient_share"}]
    """
    found = []
    for n in BATCHES:
        for logits in LOGITS:
            for dtype in (torch.float64, torch.float32, torch.bfloat16):
                random = np.random.default_rng(n)
                scores = torch.tensor(random.uniform(-1, 1, (n, n))).to(dtype)
                value_share, gradient_share = shares(scores.to(device).requires_grad_(), logits)
                found.append({"n": n, "dtype": str(dtype).removeprefix("torch."), "logits": logits,
                              "value_share": value_share, "gradient_share": gradient_share})
    return found


def shares(scores, scale):
    """(of the value, of the gradient): error over what is allowed."""
    exact = scores.detach().cpu().double().numpy()
    loss = losses.matching_loss(scores, scale=scale)
    loss.backward()
    true_gradient = loops.matching_gradient(exact, scale=scale)
    value_error = abs(loss.item() - loops.matching_loss(exact, scale=scale))
    gradient_error = np.linalg.norm(scores.grad.cpu().double().numpy() - true_gradient)
    allowed = 8 * torch.finfo(loss.dtype).eps * max(1.0, scale * np.abs(exact).max())
    rounding = 0.0 if scores.dtype == loss.dtype else torch.finfo(scores.dtype).eps * np.linalg.norm(true_gradient)
    return value_error / allowed, gradient_error / (allowed * scale / np.sqrt(len(exact)) + rounding)

"""What the processes of chapter 11 do: each task takes a `Place` and plain arguments, and returns what JSON can say.

Started by `torchrun.run`, never by hand. place: where this process stands, a `Place`. A loss here takes image (n, D),
text (n, D) and scale: this process's own pairs, as `local_matching_loss` does, and gives a 0-d tensor.

n: pairs of one process    N: pairs of the batch    D: features    P, Q: numbers of a picture, of a text's words
"""

import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from xmatch_edu.losses import matching_loss
from xmatch_edu.scale import processes, ring


def blocks(place, images, texts):
    """What one process knows of S, by itself, and with the texts of all -> {how: its rows of S}.

    images, texts: lists (N, D).
    """
    image, text = own_part(place, images), own_part(place, texts)
    everyone = processes.gather(text)
    return {"alone": (image @ text.T).tolist(), "with all texts": (image @ everyone.T).tolist()}


def gradients(place, pictures, words, weights, scale):
    """For each of WAYS the loss of this process, and the mean over processes, by DDP, of the gradients.

    pictures (N, P), words (N, Q), weights ((P, D), (Q, D)): lists. -> {way: {"loss", "gradient"}}
    """
    picture, word = own_part(place, pictures), own_part(place, words)
    found = {}
    for name, loss_of in WAYS.items():
        branches = Branches(*(torch.tensor(side, dtype=torch.float64) for side in weights)).to(place.device)
        branches = DistributedDataParallel(branches)
        loss = loss_of(*branches(picture, word), scale)
        loss.backward()
        found[name] = {"loss": loss.item(), "gradient": branches.module.gradient().tolist()}
    return found


class Branches(torch.nn.Module):
    """A linear layer for each side, in float64: image_weights (P, D), text_weights (Q, D).

    forward: pictures (n, P), words (n, Q) -> features (n, D) twice, normalised.
    """

    def __init__(self, image_weights, text_weights):
        super().__init__()
        self.image = torch.nn.Parameter(image_weights.double())
        self.text = torch.nn.Parameter(text_weights.double())

    def forward(self, pictures, words):
        return F.normalize(pictures @ self.image, dim=1), F.normalize(words @ self.text, dim=1)

    def gradient(self):
        """-> that of all weights, one after the other, (P·D + Q·D,)."""
        return torch.cat([self.image.grad.flatten(), self.text.grad.flatten()])


def full_loss(image, text, scale, with_gradient=True):
    """The loss of the whole S, worked out by every process -> 0-d tensor. with_gradient: as in `gather`."""
    image, text = (processes.gather(side, with_gradient=with_gradient) for side in (image, text))
    return matching_loss(image @ text.T, scale=scale)


def local_loss_without_gradient(image, text, scale):
    """`processes.local_matching_loss`, but for the way back -> 0-d tensor."""
    images, texts = (processes.gather(side, with_gradient=False) for side in (image, text))
    labels = processes.place().rank * len(image) + torch.arange(len(image), device=image.device)
    rows = matching_loss(image @ texts.T, labels, scale=scale, direction="image_to_text")
    columns = matching_loss(text @ images.T, labels, scale=scale, direction="image_to_text")
    return (rows + columns) / 2


WAYS = {
    "full loss, gathered with gradient": full_loss,
    "full loss, without": lambda image, text, scale: full_loss(image, text, scale, with_gradient=False),
    "local loss, gathered with gradient":
        lambda image, text, scale: processes.local_matching_loss(image, text, scale=scale),
    "local loss, without": local_loss_without_gradient,
    "ring": lambda image, text, scale: ring.ring_matching_loss(image, text, scale=scale),
}


def unequal(place):
    """Each process has one pair more than the one before it -> what it is told."""
    sides = torch.ones(2, 3 + place.rank, 4, device=place.device)
    try:
        processes.local_matching_loss(*sides, scale=1.0)
    except ValueError as error:
        return str(error)


def whose(place):
    """Whose texts does this process hold at each step of the ring? -> their ranks."""
    texts = torch.full((1,), place.rank, device=place.device)
    return [held.item() for _, (held,), _ in ring.around([texts], [])]


def lose(place, victim, seconds):
    """The victim, a rank, is killed in the middle of its work; the others go on asking it, for so many seconds."""
    for step in range(10 * seconds):
        if place.rank == victim and step == 5:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows the latter kills
        processes.gather(torch.ones(2, 3, device=place.device))
        time.sleep(0.1)


def pace(place, pairs, width):
    """The local loss and the ring, there and back, for so many own pairs, D = width -> seconds, the best of five."""
    torch.manual_seed(place.rank)
    sides = [F.normalize(torch.randn(pairs, width), dim=1).to(place.device).requires_grad_() for _ in range(2)]
    seconds = {}
    for name, loss in (("local", processes.local_matching_loss), ("ring", ring.ring_matching_loss)):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            value = loss(*sides, scale=20.0)
            value.backward()
            value.item(), sides[0].grad.sum().item()  # on a GPU: wait until it is done
            times.append(time.perf_counter() - start)
        seconds[name] = min(times)
    return seconds


def own_part(place, whole):
    """The rows of this process, of the whole batch that all were given -> float64, on its device."""
    return torch.tensor(whole, dtype=torch.float64).chunk(place.world_size)[place.rank].to(place.device)


def main(task, folder):
    """One process of `torchrun.run`: do the task, and write what it gives, or its failure, into the folder."""
    folder = Path(folder)
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    torch.set_num_threads(1)
    module, _, name = task.rpartition(":")
    with processes.joined() as place, _failure_in(folder / f"{os.environ['RANK']}.failed"):
        found = getattr(importlib.import_module(module or "xmatch_edu.scale.tasks"), name)
        result = found(place, **json.loads((folder / "arguments.json").read_text("utf-8")))
    (folder / f"{place.rank}.json").write_text(json.dumps(result), "utf-8")


@contextmanager
def _failure_in(file):
    """What goes wrong is written down with its time, before the others can fail for want of this process."""
    try:
        yield
    except BaseException:
        file.write_text(json.dumps({"time": time.time(), "traceback": traceback.format_exc()}), "utf-8")
        raise


def _end_with(parent):
    """Where whoever started this process is gone, nobody wants its result."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Not through the interpreter's own end: now and then a thread of torch's is still alive there, and aborts the
    # process after its result has been written.
    os._exit(0)

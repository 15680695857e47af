"""What a run needs against the world: a stop button that waits, a file that survives a cut, a bar that tells.

Here lives nothing about losses or models.
"""

import hashlib
import os
import signal
import sys
import threading
import zipfile
from contextlib import contextmanager
from math import log
from pathlib import Path

import torch


class Checkpoint:
    """The file of one run, or none (path None). settings: what must be the same for a run to go on from it.

    Errors: ValueError naming checkpoint where its folder is missing.
    """

    def __init__(self, path, settings):
        self.path, self.settings = None if path is None else Path(path), settings
        if self.path and not self.path.parent.is_dir():  # said now, not at the first save, when steps would be lost
            raise ValueError(f"checkpoint {self.path} needs its folder to be there: there is no {self.path.parent}")
        self.written = self.path is not None and self.path.exists()

    def load(self):
        """-> what was saved last, or None. Errors: ValueError naming a file that is damaged, or of another run."""
        if not self.written:
            return None
        try:
            with zipfile.ZipFile(self.path) as parts:  # torch does not look at the check sums of its own files
                if parts.testzip():
                    raise zipfile.BadZipFile
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
            settings, state = saved["settings"], saved["state"]
        except Exception as error:  # of what kind depends on where the damage is
            raise ValueError(f"checkpoint {self.path} cannot be read ({type(error).__name__}): it is damaged, or no "
                             f"checkpoint. Nothing was changed, neither the file nor the branches; name another file, "
                             f"or move it away") from None  # fmt: skip
        for name, wanted in self.settings.items():
            if settings.get(name) != wanted:
                raise ValueError(
                    f"checkpoint {self.path} is of another run: its {name} is {settings.get(name)!r}, here it is "
                    f"{wanted!r}. Name another file for this run"
                )
        return state

    def save(self, state):
        """The state is written in one stroke: a cut leaves the file from before or the new one, never half of one."""
        if self.path is None:
            return
        fresh = self.path.with_name(self.path.name + ".part")
        torch.save({"settings": self.settings, "state": state}, fresh)
        os.replace(fresh, self.path)
        self.written = True


def fingerprint(pairs):
    """The pairs of a run -> a short name: another for other captions, pictures or another split."""
    digest = hashlib.sha256(repr((pairs.captions, pairs.keywords, pairs.split.tolist())).encode())
    digest.update(pairs.pictures.numpy().tobytes())
    return digest.hexdigest()[:16]


@contextmanager
def stop_button():
    """Let an interrupt wait for the end of the step: half a step would leave weights that belong to no step.

    -> a list, empty until somebody presses. A second press is a KeyboardInterrupt at once.
    """
    pressed = []
    if threading.current_thread() is not threading.main_thread():  # only there can Python hear it
        yield pressed
        return
    before = signal.getsignal(signal.SIGINT)

    def hear(number, frame):
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    signal.signal(signal.SIGINT, hear)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)


@contextmanager
def bar(wanted, start, steps, batch_size):
    """-> a function of (steps done, loss) that moves the bar: loss beside ln N, pairs a second, time left.

    wanted: False for no bar. It goes from start to steps; batch_size: N.
    """
    if not wanted:
        yield lambda done, loss: None
        return
    from tqdm import tqdm  # here, so that a machine without it can train without a bar

    form = "step {n_fmt} of {total_fmt} |{bar:24}| {remaining} left{postfix}"
    with tqdm(total=steps, initial=start, bar_format=form, file=sys.stdout) as moving:

        def show(done, loss):
            rate = (done - start) * batch_size / max(moving.format_dict["elapsed"], 1e-9)
            moving.set_postfix_str(f"loss {loss:.2f} (ln {batch_size} = {log(batch_size):.2f}), {rate:,.0f} pairs/s",
                                   refresh=False)  # fmt: skip
            moving.update(done - moving.n)

        yield show

"""Training of two branches: step after step, judged by the validation pairs, safe against a cut.

Here live `fit` and what a run leaves behind. Dealing batches lives in `batches`, judging in `recall`; the bar, the stop
button and the file in `safety`.

N: pairs of a batch    D: features
"""

import copy
from dataclasses import asdict, dataclass, field
from itertools import islice
from math import cos, pi

import torch
from torch import nn

from xmatch_edu import _inputs
from xmatch_edu.data.words import Words, phrases
from xmatch_edu.models.training import batches, safety
from xmatch_edu.models.training.recall import gallery_recall

WEIGHT_DECAY, WARM_UP, CHECK_EVERY = 0.05, 50, 20


@dataclass
class History:
    """What happened in a run."""

    losses: list[float] = field(default_factory=list)  # of each step
    validation: dict[int, float] = field(default_factory=dict)  # steps done -> R@10 there, the mean of both directions
    best_step: int = 0  # the model holds the weights that it had after so many steps
    stopped: str = ""  # why it ended before its last step; "" where it did not


class TrainingStopped(FloatingPointError):
    """A number that is not finite: the message says which. `step`, `ids` (places of the batch's pairs) and `checkpoint`
    (the last good one, or None) say where."""

    def __init__(self, message, step, ids, checkpoint):
        super().__init__(message)
        self.step, self.ids, self.checkpoint = step, ids, checkpoint


def fit(model, loss, pairs, *, steps=200, batch_size=256, learning_rate=2e-3, seed=0, patience=5, loss_options=None,
        one_per_concept=False, checkpoint=None, after_step=None, progress=True):  # fmt: skip
    """Train both branches on the training pairs, and keep the weights that are best on the validation pairs.

    model: models.TwoBranch, on any device; it is changed. loss: (image_features (N, D), text_features (N, D)) -> 0-d
        tensor. The weights of a loss that is a module are learned too: the scale of `losses.MatchingLoss`.
    pairs: EmojiPairs. The pairs of the split TEST are never looked at.
    loss_options: (EmojiPairs of the batch) -> dict, more arguments for the loss, such as its mask.
    learning_rate: of AdamW, at its height. seed: of batches and chances.
    one_per_concept: no two pairs of one concept in a batch.
    patience: stop when so many checks, one every 20 steps, found nothing better; None: never.
    checkpoint: a file, written at each check. Where it exists the run goes on from it, and ends (on a CPU) with the
        same bits as a run that was never cut, because each step deals its own chances.
    after_step: called with the number of steps done. progress: show a bar.
    -> History. An interrupt (Ctrl-C, Jupyter's stop button) lets the step end; then fit ends as usual. A second one
    does not wait.
    Errors: TrainingStopped where a number is not finite, before it reaches the weights; TypeError or ValueError
    naming steps, batch_size, pairs, or a checkpoint that is damaged, of another run, or in a folder that is missing.
    """
    _inputs.check_count("steps", steps, "how many batches to learn from")
    run = _Run(model, loss, pairs, learning_rate, steps, seed)
    settings = {"steps": steps, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed,
                "one_per_concept": one_per_concept, "pairs": safety.fingerprint(pairs), **run.sizes()}  # fmt: skip
    file = safety.Checkpoint(checkpoint, settings)
    if saved := file.load():
        run.load_state_dict(saved)
    concepts = run.train.concepts if one_per_concept else None
    dealt = islice(batches.deal(len(run.train), batch_size, seed, concepts), run.done, None)
    model.train()
    with safety.stop_button() as pressed, safety.bar(progress, run.done, steps, batch_size) as show:
        while run.done < steps and not run.history.stopped:
            value = run.step(next(dealt), loss_options, file)
            if after_step:
                after_step(run.done)
            judged = run.done % CHECK_EVERY == 0 or run.done == steps
            if judged:
                run.check(patience)
            if pressed and not run.history.stopped:  # a run that has ended is not to go on
                run.history.stopped = f"interrupted after {run.done} steps"
            if judged or pressed:
                file.save(run.state_dict())
            show(run.done, value)
    if run.best is None:  # stopped before the first check
        run.history.best_step = run.done
    else:
        model.load_state_dict(run.best)
    model.eval()
    return run.history


class _Run:
    """What changes from step to step, and can be cut between two steps."""

    def __init__(self, model, loss, pairs, learning_rate, steps, seed):
        for name, positions in (("training", pairs.train), ("validation", pairs.validation)):
            if len(positions) == 0:
                raise ValueError(f"pairs has no {name} pair, on the image side or the text side")
        self.model, self.loss, self.learning_rate, self.steps, self.seed = model, loss, learning_rate, steps, seed
        self.train, self.validation, self.places = pairs.take(pairs.train), pairs.take(pairs.validation), pairs.train
        self.device = next(model.parameters()).device
        self.texts = model.vocabulary.read([phrases(self.train, k) for k in range(len(self.train))])
        self.weights, of_loss = list(model.parameters()), []
        self.parts = {"model": model}
        if isinstance(loss, nn.Module):
            of_loss = list(loss.parameters())
            self.parts["loss"] = loss
        # A scale that decays would drift to 1.
        self.optimizer = self.parts["optimizer"] = torch.optim.AdamW([
            {"params": self.weights, "weight_decay": WEIGHT_DECAY}, {"params": of_loss, "weight_decay": 0.0}])
        self.weights += of_loss
        self.history, self.best = History(), None

    @property
    def done(self):
        return len(self.history.losses)

    def step(self, batch, loss_options, file):
        """One batch, positions among the training pairs (N,) -> its loss."""
        some = self.train.take(batch)
        options = loss_options(some) if loss_options else {}
        options = {name: x.to(self.device) if hasattr(x, "to") else x for name, x in options.items()}
        for group in self.optimizer.param_groups:  # a short warm-up, then half a cosine down to 0
            warm = min(1, (self.done + 1) / WARM_UP)
            group["lr"] = self.learning_rate * warm * (1 + cos(pi * self.done / self.steps)) / 2
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed * 1_000_003 + self.done)
            pictures = batches.moved(some.pictures)
            numbers = batches.shortened(Words(*(x[batch] for x in self.texts)))
            image_features = self.model.image(pictures.to(self.device))
            text_features = self.model.text(numbers.to(self.device))
        for side, features in (("image", image_features), ("text", text_features)):
            bad = ~features.detach().isfinite().all(dim=1).cpu()
            self._must_be_finite(not bad.any(), f"the {side} features are", batch[bad], file)
        value = self.loss(image_features, text_features, **options)
        self._must_be_finite(value.detach().isfinite(), "the loss is", batch, file)
        self.optimizer.zero_grad()
        value.backward()
        size = torch.nn.utils.get_total_norm([w.grad for w in self.weights if w.grad is not None])
        self._must_be_finite(size.isfinite(), "the gradient is", batch, file)
        self.optimizer.step()
        self.history.losses.append(value.item())
        return self.history.losses[-1]

    def _must_be_finite(self, fine, what, batch, file):
        if fine:
            return
        ids = self.places[batch].tolist()
        names = ", ".join(f"{k} ({name})" for k, name in zip(ids[:8], self.train.take(batch[:8]).captions, strict=True))
        names += f" and {len(ids) - 8} more: see `ids` of this error" if len(ids) > 8 else ""
        good = f"the last good one is {file.path}" if file.written else "none was written"
        raise TrainingStopped(
            f"step {self.done}: {what} not finite. "
            f"Pairs: {names}. Of the checkpoints {good}. The model holds the weights from before this step.",
            self.done, ids, file.path if file.written else None,
        )  # fmt: skip

    def check(self, patience):
        """How good is it now, on the validation pairs? Keep the best."""
        recall = gallery_recall(*self.model.encode(self.validation), ks=(10,))
        now, history = (recall.image_to_text[10] + recall.text_to_image[10]) / 2, self.history
        if self.best is None or now > history.validation[history.best_step]:
            self.best, history.best_step = copy.deepcopy(self.model.state_dict()), self.done
        history.validation[self.done] = now
        since = sum(done > history.best_step for done in history.validation)
        if patience is not None and since >= patience and self.done < self.steps:
            history.stopped = f"nothing better in {since} checks"

    def sizes(self):
        """What is trained and by what loss, and how many numbers the file holds of each."""
        told = {}
        for name, part in (("model", self.model), ("loss", self.loss)):
            held = part.state_dict().values() if name in self.parts else ()
            count = sum(x.numel() for x in held if isinstance(x, torch.Tensor))
            told[name] = f"{type(part).__name__} of {count:,} numbers"
        return told

    def state_dict(self):
        parts = {name: part.state_dict() for name, part in self.parts.items()}
        return {"parts": parts, "history": asdict(self.history), "best": self.best}

    def load_state_dict(self, state):
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        self.history, self.best = History(**state["history"]), state["best"]
        if self.history.stopped.startswith("interrupted"):
            self.history.stopped = ""  # who calls again wants to go on

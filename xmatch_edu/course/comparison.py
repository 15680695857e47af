"""The losses of the course on equal terms: the same pairs, the same branches, as many pairs seen, three seeds.

Here live the runs of chapters 08 and 09 that take longer than a chapter has (`record`), and their summary. The training
itself is `training.fit`, the losses are those of `losses`.

`python -m xmatch_edu.course.comparison` makes every run that recorded/emoji/comparison.json does not hold yet: about
an hour and a half on 2 cores from nothing. It can be cut at any time and started again.

Each way gets the learning rate, out of three, with which one more seed did best on the *validation* pairs. The test
pairs are looked at once, by the model that `fit` kept. They choose nothing.

N: pairs of a batch    D: features
"""

import json
import statistics
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn

from xmatch_edu import losses, models
from xmatch_edu.course import recorded
from xmatch_edu.data import emoji
from xmatch_edu.data.words import Vocabulary
from xmatch_edu.labels import class_labels, same_class_mask
from xmatch_edu.models import training
from xmatch_edu.scores import cosine_scores

FILE = "emoji/comparison.json"
PAIRS_SEEN = 200 * 256
SEEDS, SEED_OF_RATES = (0, 1, 2), 3
RATES = (1e-3, 2e-3, 4e-3)


def hinge(image_features, text_features, negatives):
    """The ranking loss of cosines, margin 0.2, as a mean over the anchors -> 0-d tensor.

    image_features (N, D), text_features (N, D); negatives: as in `ranking_loss`.
    """
    return losses.ranking_loss(cosine_scores(image_features, text_features), negatives=negatives, reduction="mean")


class WithMemory(nn.Module):
    """The softmax loss, both directions, of a batch with itself and with the last `size` pairs.

    width: D. forward: image_features (N, D), text_features (N, D), ids (N,) as in `SampleMemory` -> 0-d tensor.
    """

    def __init__(self, size, width):
        super().__init__()
        self.matching = losses.MatchingLoss()
        self.memory = training.SampleMemory(size, width)

    def forward(self, image_features, text_features, ids):
        scale = self.matching.logit_scale.exp()
        views = self.memory.directions(image_features, text_features, ids)
        self.memory.remember(image_features, text_features, ids)
        return sum(losses.matching_loss(**one, scale=scale) for one in views) / 2


def _half_soft(batch):
    own, shared = torch.eye(len(batch)), class_labels(batch.concepts)
    return {"labels": own / 2 + shared / shared.sum(dim=1, keepdim=True) / 2}


@dataclass(frozen=True)
class Way:
    """One way to train."""

    loss: object  # () -> the loss
    batch_size: int = 256
    loss_options: object = None  # as in `training.fit`
    one_per_concept: bool = False
    skin_tones: bool = False  # trained on the pairs with skin tones; judged on those without, as all others


def _options(name, of):
    return lambda batch: {name: of(batch.concepts)}


# Chapter 08: one loss against another.
LOSSES = {
    "softmax, both directions": Way(losses.MatchingLoss),
    "softmax, image to text": Way(partial(losses.MatchingLoss, direction="image_to_text")),
    "softmax, text to image": Way(partial(losses.MatchingLoss, direction="text_to_image")),
    "hinge, all negatives": Way(partial(partial, hinge, negatives="all")),
    "hinge, the 10 hardest": Way(partial(partial, hinge, negatives=10)),
    "hinge, the hardest": Way(partial(partial, hinge, negatives="hardest")),
    "sigmoid": Way(losses.SigmoidLoss),
    **{f"softmax, batch {size}": Way(losses.MatchingLoss, size) for size in (16, 32, 64, 128, 512)},
    "softmax, batch 16, memory of 240": Way(partial(WithMemory, 240, 128), 16, _options("ids", lambda ids: ids)),
    "softmax, batch 64, memory of 192": Way(partial(WithMemory, 192, 128), 64, _options("ids", lambda ids: ids)),
}
# Chapter 09: one idea of what matches against another, where a batch is full of twins.
LABELS = {
    f"twins: {name}": replace(way, skin_tones=True)
    for name, way in {
        "identity": Way(losses.MatchingLoss),
        "identity, twins masked": Way(losses.MatchingLoss, loss_options=_options("mask", same_class_mask)),
        "every twin a match": Way(losses.MatchingLoss, loss_options=_options("labels", class_labels)),
        "soft: half own, half shared": Way(losses.MatchingLoss, loss_options=_half_soft),
        "no twins in a batch": Way(losses.MatchingLoss, one_per_concept=True),
        "sigmoid, identity": Way(losses.SigmoidLoss),
        "sigmoid, every twin a match": Way(losses.SigmoidLoss, loss_options=_options("labels", class_labels)),
    }.items()
}
WAYS = LOSSES | LABELS


def run(name, learning_rate, seed):
    """Train in one way -> a row: what it is, and its recall on the validation and on the test pairs.

    name: a key of WAYS. learning_rate, seed: as in `fit`.
    """
    torch.set_num_threads(1)
    way = WAYS[name]
    pairs, gallery = emoji.load(skin_tones=way.skin_tones), emoji.load()
    torch.manual_seed(seed)
    model = models.TwoBranch(Vocabulary(pairs.take(pairs.train)))
    loss = way.loss()
    start = time.perf_counter()
    row = {"name": name, "learning_rate": learning_rate, "seed": seed, "batch_size": way.batch_size}
    try:
        history = training.fit(model, loss, pairs, steps=PAIRS_SEEN // way.batch_size, batch_size=way.batch_size,
                               learning_rate=learning_rate, seed=seed, patience=None, progress=False,
                               loss_options=way.loss_options, one_per_concept=way.one_per_concept)  # fmt: skip
    except training.TrainingStopped as stopped:
        return {**row, "stopped": str(stopped)}
    row |= {"seconds": round(time.perf_counter() - start, 1), "best_step": history.best_step,
            "loss": round(statistics.mean(history.losses[-5:]), 4)}  # fmt: skip
    for part, positions in (("validation", gallery.validation), ("test", gallery.test)):
        recall = training.gallery_recall(*model.encode(gallery.take(positions)))
        row[part] = {direction: {f"R@{k}": round(share, 4) for k, share in found.items()}
                     for direction, found in recall._asdict().items() if direction != "median_rank"}  # fmt: skip
        row[part]["median_rank"] = recall.median_rank
    return row


def record(folder=recorded.FOLDER):
    """Make the runs that this folder lacks, in as many processes as there are cores -> the path of the JSON file."""
    path = Path(folder) / FILE
    rows = recorded_run(folder)["rows"] if path.exists() else []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        rates = {(name, rate, SEED_OF_RATES) for name in WAYS for rate in RATES}
        _fill(rows, rates, pool, path)
        chosen = {name: best_rate(rows, name) for name in WAYS}
        _fill(rows, {(name, chosen[name], seed) for name in WAYS for seed in SEEDS}, pool, path)
    return path


def _fill(rows, wanted, pool, path):
    made = {(row["name"], row["learning_rate"], row["seed"]) for row in rows}
    running = [pool.submit(run, *job) for job in sorted(wanted - made)]
    for future in as_completed(running):
        rows.append(future.result())
        rows.sort(key=lambda row: (list(WAYS).index(row["name"]), row["learning_rate"], row["seed"]))
        stamp = recorded.stamp("xmatch_edu.course.comparison", torch=torch.__version__)
        recorded.save(path, {**stamp, "pairs_seen": PAIRS_SEEN, "rows": rows})


def best_rate(rows, name):
    """Of the rows of one name -> the learning rate with which the seed for choosing did best on validation pairs."""
    tried = [row for row in rows if row["name"] == name and row["seed"] == SEED_OF_RATES and "validation" in row]
    return max(tried, key=lambda row: recall_of(row, "validation"))["learning_rate"]


def recall_of(row, part="test", k=10):
    """R@k of a row, the mean of both directions -> 0 to 1. part: "validation" or "test"."""
    return sum(row[part][direction][f"R@{k}"] for direction in ("image_to_text", "text_to_image")) / 2


def by_way(run, ways=LOSSES):
    """The rows of a recorded run by their way, the learning rate that was chosen, best first by the median of R@10.

    ways: those that are wanted, by name. -> {name: the rows of its three seeds}
    """
    found = {}
    for name in ways:
        rate = best_rate(run["rows"], name)
        found[name] = [row for row in run["rows"] if row["name"] == name and row["learning_rate"] == rate
                       and row["seed"] in SEEDS]  # fmt: skip
    return dict(sorted(found.items(), key=lambda one: -statistics.median(map(recall_of, one[1]))))


def medians(rows):
    """Of the rows of one way -> their learning rate, and the medians of R@1 and R@10 (means of both directions)."""
    return rows[0]["learning_rate"], *(statistics.median(recall_of(row, k=k) for row in rows) for k in (1, 10))


def recorded_run(folder=recorded.FOLDER):
    """What `record` wrote into this folder -> a dict."""
    return json.loads((Path(folder) / FILE).read_text("utf-8"))


if __name__ == "__main__":
    print(f"Recorded: {record()}")

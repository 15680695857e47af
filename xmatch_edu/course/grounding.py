"""Do words look where they should? Small encoders trained on shape scenes, their attention held against the truth.

Here live one training (`train`), its judgement (`judge`) and the experiment of chapter 06 (`record`): do the words
compete at each region or not, and is attention a dot product or a cosine? Each of the four from the same five seeds.
The encoders live in `models`, the score in `scores`, the scenes in `data.shapes`.

`python -m xmatch_edu.course.grounding` runs the experiment and writes recorded/scenes/grounding.json: about ten
minutes on 2 cores.

K, N: scenes, of a set and of a batch    T: words    R: regions
"""

import json
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from math import cos, pi
from multiprocessing import get_context
from operator import getitem
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F

from xmatch_edu import losses, models, scores
from xmatch_edu.course import recorded
from xmatch_edu.data import shapes
from xmatch_edu.labels import same_class_mask

KINDS = {"colour": shapes.COLOUR, "size": shapes.SIZE, "shape": shapes.SHAPE}
SEEDS = range(5)
CELLS = [(attention, compete) for attention in ("dot", "cosine") for compete in (True, False)]
GAMMA1, GAMMA2, GAMMA3 = 5.0, 5.0, 10.0
STEPS = 240
FILE = "scenes/grounding.json"


class Encoders(NamedTuple):
    """Both branches, and how their words and regions are compared."""

    image: models.RegionEncoder
    text: models.WordEncoder
    attention: str
    compete_over_words: bool

    def compare(self, scenes, *, return_attention=False):
        """-> word–region scores (N, N) of these scenes, the sentences' cosines (N, N), and α (N, N, T, R) where
        return_attention."""
        regions, image_codes = self.image(scenes.pictures)
        words, sentence_codes = self.text(scenes.words, scenes.lengths)
        found = scores.word_region_scores(
            regions, words, scenes.lengths, gamma1=GAMMA1, gamma2=GAMMA2, attention=self.attention,
            compete_over_words=self.compete_over_words, return_attention=return_attention)  # fmt: skip
        by_words, *looks = found if return_attention else (found,)
        return by_words, scores.cosine_scores(image_codes, sentence_codes), *looks


@contextmanager
def _one_thread():
    """So much small work is little slower for it. Several threads wait for each other where a machine is busy, and then
    it takes five times as long. And the figures do not depend on how many cores there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@_one_thread()
def train(scenes, *, attention="dot", compete_over_words=True, seed=0, steps=STEPS, batch=32, width=64, told=None):
    """Encoders after `steps` batches of the DAMSM loss: words and sentences, both directions, class mask.

    scenes: Scenes to learn from. attention, compete_over_words: as in `scores.word_region_scores`; with "dot" and True
    this is the paper's loss. seed: of weights and batches. batch: N. width: D. told: called after each step with (step,
    loss). -> Encoders, the same on every run of one machine.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        image, text = models.RegionEncoder(width), models.WordEncoder(len(shapes.VOCABULARY), width)
    encoders = Encoders(image, text, attention, compete_over_words)
    weights = [*image.parameters(), *text.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=2e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(  # a short warm-up, then half a cosine down to 0
        optimizer, lambda step: min(1, (step + 1) / 20) * (1 + cos(pi * step / steps)) / 2)
    random = torch.Generator().manual_seed(seed)
    for step in range(steps):
        some = scenes.take(torch.randint(len(scenes), (batch,), generator=random))
        mask = same_class_mask(some.class_ids)
        # Of one direction "both" is the average, and the loss adds them: hence twice.
        loss = sum(2 * losses.matching_loss(s, scale=GAMMA3, mask=mask) for s in encoders.compare(some))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if told:
            told(step, loss.item())
    return encoders


@_one_thread()
@torch.no_grad()
def look(encoders, scenes):
    """Where each word of each caption looks in its own picture, by these encoders -> (K, T, R), 0 at padding."""
    # Of a batch only the pairs on the diagonal are wanted, so the batches are small.
    parts = []
    for some in torch.arange(len(scenes)).split(8):
        *_, looks = encoders.compare(scenes.take(some), return_attention=True)
        parts.append(looks[range(len(some)), range(len(some))])
    return torch.cat(parts)


def judge(looks, scenes):
    """Attention held against the truth, for each kind of word -> {kind: {measure: share from 0 to 1}}.

    looks (K, T, R): of K scenes. The measures: "inside": the brightest region is a cell of the object that the word is
    about; "near": it is, or touches one; "other": it is a cell of the other object of the caption; "mass": how much of
    the attention lies in the right cells; and "area", "area near": what share of all regions they are, which is what a
    blind guess would reach.
    """
    truth = scenes.truth.flatten(2)
    other = truth.any(dim=1, keepdim=True) & ~truth
    around = F.max_pool2d(scenes.truth.float(), 3, stride=1, padding=1).flatten(2) > 0
    brightest = looks.argmax(dim=2, keepdim=True)
    measures = {
        "inside": truth.gather(2, brightest)[..., 0],
        "near": around.gather(2, brightest)[..., 0],
        "other": other.gather(2, brightest)[..., 0],
        "mass": (looks * truth).sum(dim=2),
        "area": truth.float().mean(dim=2),
        "area near": around.float().mean(dim=2),
    }
    return {kind: {name: x[scenes.kinds == number].float().mean().item() for name, x in measures.items()}
            for kind, number in KINDS.items()}  # fmt: skip


@_one_thread()
@torch.no_grad()
def recall(encoders, scenes):
    """The share of scenes whose best score by words, among all of these, is their own -> {direction: 0 to 1}.

    encoders: as `train` gives them. scenes: a gallery, in which all captions differ.
    Errors: ValueError naming scenes where two captions are equal: there would be no one right answer.
    """
    if len(scenes.class_ids.unique()) < len(scenes):
        raise ValueError("scenes: two captions (text side) of this gallery are equal, so which is a picture's own?")
    s, _ = encoders.compare(scenes)
    own = torch.arange(len(s))
    return {"image_to_text": (s.argmax(1) == own).float().mean().item(),
            "text_to_image": (s.argmax(0) == own).float().mean().item()}  # fmt: skip


@_one_thread()
@torch.no_grad()
def relation(encoders, scenes):
    """The share of pictures that score their caption above the same one with its relation turned round (above: below).

    encoders: as `train` gives them. scenes: with a relation in every caption. -> 0 to 1.
    """
    opposite = torch.arange(len(shapes.VOCABULARY))
    one, other, left, right = (shapes.VOCABULARY.index(word) for word in shapes.RELATIONS)
    opposite[[one, other, left, right]] = torch.tensor([other, one, right, left])
    swapped = replace(scenes, words=opposite[scenes.words])
    right, wrong = (torch.cat([encoders.compare(x.take(some))[0].diag() for some in torch.arange(len(x)).split(8)])
                    for x in (scenes, swapped))  # fmt: skip
    return (right > wrong).float().mean().item()


def galleries(count=300):
    """Scenes that training never saw, `count` of each composition; two objects in each caption, and none twice.

    -> {"known": Scenes, "new": Scenes}
    """
    found = {}
    for which in shapes.COMPOSITIONS:
        scenes, first = shapes.make(800, seed=1, composition=which), {}
        for k in (scenes.kinds == shapes.RELATION).any(dim=1).nonzero()[:, 0].tolist():
            first.setdefault(scenes.class_ids[k].item(), k)
        found[which] = scenes.take(list(first.values())[:count])
    return found


def example():
    """The scene whose attention the record keeps: the first of the known gallery with all seven words -> Scenes."""
    known = galleries()["known"]
    return known.take((known.lengths == known.words.shape[1]).nonzero()[:1, 0])


def _row(attention, compete_over_words, seed, count, steps, gallery):
    start = time.perf_counter()
    options = {"attention": attention, "compete_over_words": compete_over_words, "seed": seed}
    encoders = train(shapes.make(count), **options, steps=steps)
    row = {**options, "seconds": round(time.perf_counter() - start, 1)}
    for which, scenes in galleries(gallery).items():
        row[which] = {**judge(look(encoders, scenes), scenes), "recall": recall(encoders, scenes),
                      "relation": relation(encoders, scenes)}  # fmt: skip
    if seed == SEEDS[0]:
        row["example"] = [[round(x, 4) for x in word] for word in look(encoders, example())[0].tolist()]
    return row


def record(folder=recorded.FOLDER, *, seeds=SEEDS, count=4000, steps=STEPS, gallery=300):
    """All four from each of the seeds, in as many processes as there are cores -> the path of the JSON file written.

    folder: where it goes. count: scenes to learn from. steps: as in `train`. gallery: scenes of each composition to be
    judged by.
    """
    jobs = [(attention, compete, seed, count, steps, gallery) for seed in seeds for attention, compete in CELLS]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        rows = list(pool.map(_row, *zip(*jobs, strict=True)))
    stamp = recorded.stamp("xmatch_edu.course.grounding", torch=torch.__version__)
    return recorded.save(Path(folder) / FILE, {**stamp, "scenes": count, "steps": steps, "rows": rows}, indent=None)


def recorded_run(folder=recorded.FOLDER):
    """What `record` wrote into this folder -> a dict."""
    return json.loads((Path(folder) / FILE).read_text("utf-8"))


def summary(run, *path):
    """One figure of a recorded run, found by its path in a row such as ("known", "colour", "inside"), over the seeds
    -> {(attention, compete_over_words): (median, lowest, highest)}."""
    found = {}
    for cell in CELLS:
        values = [reduce(getitem, path, row) for row in run["rows"]
                  if (row["attention"], row["compete_over_words"]) == cell]  # fmt: skip
        found[cell] = statistics.median(values), min(values), max(values)
    return found


if __name__ == "__main__":
    print(f"Recorded: {record()}")

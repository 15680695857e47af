"""The losses on equal terms: each way trains, the test pairs choose nothing, and what the course ships is complete."""

import copy
import json
import re
from concurrent.futures import Future

import pytest
import torch

from xmatch_edu import losses
from xmatch_edu.course import comparison
from xmatch_edu.course.comparison import LABELS, LOSSES, RATES, SEED_OF_RATES, SEEDS, WAYS


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    "softmax, image to text", "hinge, the 10 hardest", "softmax, batch 64, memory of 192", "sigmoid",
    "twins: identity, twins masked", "twins: no twins in a batch", "twins: sigmoid, every twin a match",
])  # fmt: skip
def test_each_kind_of_way_trains(name, monkeypatch):
    monkeypatch.setattr(comparison, "PAIRS_SEEN", 2 * WAYS[name].batch_size)
    row = comparison.run(name, 1e-3, 0)
    assert (row["name"], row["seed"], row["learning_rate"], row["best_step"]) == (name, 0, 1e-3, 2)
    assert 0 < comparison.recall_of(row) < 0.5 and comparison.recall_of(row, k=1) < comparison.recall_of(row)


def test_a_memory_gives_the_loss_of_the_batch_and_what_it_holds():
    images, texts = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0))
    loss = comparison.WithMemory(6, 8)
    first = loss(images, texts, torch.arange(4))
    assert torch.isclose(first, losses.MatchingLoss()(images, texts)) and len(loss.memory) == 4
    assert loss(images, texts, torch.arange(4, 8)) > first  # what it remembers are four twins, called wrong


def test_the_ways_differ_in_what_they_say():
    assert LOSSES.keys().isdisjoint(LABELS) and len(WAYS) == 21
    assert not any(way.skin_tones for way in LOSSES.values()) and all(way.skin_tones for way in LABELS.values())


def test_the_ways_of_chapter_09_mean_what_their_names_say():
    class Batch(list):
        concepts = torch.tensor([7, 7, 9])

    own, twins = torch.eye(3), torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]])
    shared = "labels", own + twins
    for name, (option, expected) in {
        "identity, twins masked": ("mask", twins), "every twin a match": shared, "sigmoid, every twin a match": shared,
        "soft: half own, half shared": ("labels", own / 2 + (own + twins) / torch.tensor([[4], [4], [2]])),
    }.items():  # fmt: skip
        found = LABELS[f"twins: {name}"].loss_options(Batch("abc"))
        assert list(found) == [option] and torch.equal(found[option].float(), expected), name


def row(name, rate, seed, validation, test):
    part = {part: {way: {"R@1": share / 2, "R@10": share} for way in ("image_to_text", "text_to_image")}
            for part, share in (("validation", validation), ("test", test))}  # fmt: skip
    return {"name": name, "learning_rate": rate, "seed": seed, **part}


def test_the_validation_pairs_choose_the_rate_and_the_test_pairs_nothing():
    names = list(LOSSES)[:2]
    rows = [row(name, rate, seed, 0.1 + 0.1 * (rate == RATES[seed == SEED_OF_RATES]), 0.5 + 0.1 * (name == names[1]))
            for name in names for rate in RATES for seed in (*SEEDS, SEED_OF_RATES)]  # fmt: skip
    assert comparison.best_rate(rows, names[0]) == RATES[1]
    found = comparison.by_way({"rows": rows}, names)
    assert list(found) == names[::-1], "the best first"
    assert [(one["learning_rate"], one["seed"]) for one in found[names[0]]] == [(RATES[1], seed) for seed in SEEDS]
    assert comparison.medians(found[names[1]]) == (RATES[1], 0.3, 0.6)
    other = copy.deepcopy(rows)
    for one in other:
        one["test"] = row("", 0, 0, 0, torch.rand(()).item())["test"]
    assert comparison.best_rate(other, names[0]) == RATES[1]
    stopped = {"name": names[0], "learning_rate": RATES[2], "seed": SEED_OF_RATES, "stopped": "step 3: …"}
    assert comparison.best_rate([*rows, stopped], names[0]) == RATES[1]


def test_a_cut_recording_goes_on_where_it_was(tmp_path, monkeypatch):
    """What stands in the file is not made again, and each row is in the file when it is made."""
    path, made = tmp_path / "comparison.json", []

    class Here:
        """A pool of processes that is no pool."""

        def submit(self, function, *job):
            future = Future()
            future.set_result(function(*job))
            return future

    def run(*job):
        made.append(job)
        return row(*job, 0.2, 0.3)

    monkeypatch.setattr(comparison, "run", run)
    name, other = list(WAYS)[:2]
    rows = []
    comparison._fill(rows, {(other, 1e-3, 0), (name, 1e-3, 0)}, Here(), path)
    comparison._fill(rows, {(other, 1e-3, 0), (name, 1e-3, 1)}, Here(), path)
    assert sorted(made) == sorted([(name, 1e-3, 0), (name, 1e-3, 1), (other, 1e-3, 0)])
    saved = json.loads(path.read_text("utf-8"))
    assert saved["rows"] == rows and [(one["name"], one["seed"]) for one in rows] == [(name, 0), (name, 1), (other, 0)]


def test_what_the_course_ships_is_complete():
    """Every way has its three rates on the seed for choosing, and its three seeds at the rate that was chosen."""
    run = comparison.recorded_run()
    made = {(one["name"], one["learning_rate"], one["seed"]) for one in run["rows"]}
    for name in WAYS:
        rate = comparison.best_rate(run["rows"], name)
        assert {(name, one, SEED_OF_RATES) for one in RATES} | {(name, rate, seed) for seed in SEEDS} <= made, name
    assert re.fullmatch(r"python -m xmatch_edu\.(course\.)?comparison", run["command"])
    plain = comparison.by_way(run)["softmax, both directions"]
    for one in plain:  # what chapter 08 promises
        assert min(one["test"][way]["R@10"] for way in ("image_to_text", "text_to_image")) > 0.3

"""fit in the real world: cut and gone on with, interrupted, given numbers that are not finite; and its branches."""

import io
import os
import pickle
import random
import signal
import sys
import threading
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from math import cos, pi
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import nn

from xmatch_edu import losses, models
from xmatch_edu.data import emoji
from xmatch_edu.data.words import Vocabulary
from xmatch_edu.models import training
from xmatch_edu.models.training import fitting as room
from xmatch_edu.models.training import safety


@cache
def few():
    """60 pairs of small pictures, some of each part; those with one concept stay together."""
    return emoji.load(size=8).take(range(0, 1200, 20))


def branches(pairs=None, seed=0):
    pairs = pairs or few()
    torch.manual_seed(seed)
    return models.TwoBranch(Vocabulary(pairs.take(pairs.train)), width=8, size=8)


def weights(model):
    return torch.cat([w.detach().flatten() for w in model.state_dict().values()])


def short(model, loss, **options):
    return training.fit(model, loss, options.pop("pairs", few()), **{"steps": 12, "batch_size": 8, "progress": False}
                        | options)  # fmt: skip


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """A check every 5 steps, so that a short run has some."""
    monkeypatch.setattr(room, "CHECK_EVERY", 5)


def press():
    signal.raise_signal(signal.SIGINT)


# ---- Cut, and gone on with


class Cut(BaseException):
    """Nothing in a run hears of it beforehand, as of a killed process."""


class WithMemory(nn.Module):
    """A loss that remembers more than its weights."""

    def __init__(self):
        super().__init__()
        self.matching, self.memory = losses.MatchingLoss(), training.SampleMemory(16, 8)

    def forward(self, image_features, text_features, ids):
        views = self.memory.directions(image_features, text_features, ids)
        self.memory.remember(image_features, text_features, ids)
        scale = self.matching.logit_scale.exp()
        return sum(losses.matching_loss(**one, scale=scale) for one in views)


def run(*, dies=None, end=None, checkpoint=None, memory=False, apart=False):
    """23 steps; after the step `dies` comes the `end` -> all that it leaves, and the weights of its last step."""
    model, loss, last = branches(), WithMemory() if memory else losses.MatchingLoss(), {}

    def after_step(done):
        last["weights"] = weights(model)  # those that are kept may be of an earlier step
        if done == dies:
            end()

    history = short(model, loss, steps=23, seed=4, patience=None, one_per_concept=apart, checkpoint=checkpoint,
                    loss_options=lambda batch: {"ids": batch.concepts} if memory else {}, after_step=after_step)
    return {"model": model.state_dict(), "loss": loss.state_dict(), "history": vars(history), **last}


def same(one, other):
    """Nested dicts and lists of numbers, words and tensors, compared to the last bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(x, other[name]) for name, x in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


@pytest.mark.parametrize("what", [{}, {"memory": True, "apart": True}], ids=str)
def test_a_run_that_was_cut_goes_on_to_the_same_bits(what, tmp_path):
    """Cut before the first check, on one, and between two, when it had gone on already."""
    def end():
        raise Cut

    file = tmp_path / "run.ckpt"
    for dies in (3, 10, 18):
        with pytest.raises(Cut):
            run(dies=dies, end=end, checkpoint=file, **what)
        assert file.exists() == (dies > 5)
    assert same(run(checkpoint=file, **what), run(**what)) and list(tmp_path.iterdir()) == [file]


def run_here(result, threads, what):
    room.CHECK_EVERY = 5
    torch.set_num_threads(threads)
    torch.save(run(end=lambda: os.kill(os.getpid(), signal.SIGKILL), **what), result)


def in_a_process(folder, threads=1, **what):
    """`run` in a process of its own, killed without a word: no handler, no clean-up. -> what it leaves, or None."""
    result = folder / "found.pt"
    process = get_context("spawn").Process(target=run_here, args=(result, threads, what))
    process.start()
    process.join()
    assert process.exitcode == (-signal.SIGKILL if "dies" in what else 0)
    return None if "dies" in what else torch.load(result, weights_only=True)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("what", "kills"), [
    ({}, (8, 17)), ({"threads": 2}, (10,)),
    ({"memory": True, "apart": True}, sorted(random.Random(0).sample(range(1, 23), 3))),
], ids=str)  # fmt: skip
def test_a_killed_run_goes_on_to_the_same_bits(what, kills, tmp_path):
    whole, file = in_a_process(tmp_path, **what), tmp_path / "run.ckpt"
    for dies in kills:
        in_a_process(tmp_path, dies=dies, checkpoint=file, **what)
        assert file.exists() == (dies > 5)
    assert same(in_a_process(tmp_path, checkpoint=file, **what), whole) and not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("where", ["half written", "written"])
def test_a_cut_while_the_file_is_written_leaves_the_one_from_before(where, tmp_path, monkeypatch):
    file, kept = tmp_path / "run.ckpt", []
    module, name = (torch, "save") if where == "half written" else (os, "replace")
    honest = getattr(module, name)

    def cut(given, path):
        if not file.exists():
            return honest(given, path)
        kept.append(file.read_bytes())
        if where == "half written":
            Path(path).write_bytes(b"half of")
        raise Cut

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(module, name, cut)
        run(checkpoint=file)
    assert [file.read_bytes()] == kept
    assert same(run(checkpoint=file), run()) and list(tmp_path.iterdir()) == [file]


# ---- The stop button


@pytest.mark.parametrize("at", [3, 8])
def test_an_interrupt_waits_for_the_end_of_the_step_and_the_run_can_go_on(at, tmp_path):
    """The loss is computed, the weights are not yet changed. Before the first check the last weights are kept."""
    model, loss, other, whole, ends, calls = branches(), losses.MatchingLoss(), branches(), {}, {}, []
    uncut = short(other, losses.MatchingLoss(), after_step=lambda done: whole.update({done: weights(other)}))
    before = signal.getsignal(signal.SIGINT)

    def pressing(*_):
        calls.append(None)
        if len(calls) == at:
            press()

    loss.register_forward_hook(pressing)
    history = short(model, loss, checkpoint=tmp_path / "run.pt")
    assert history.stopped == f"interrupted after {at} steps" and len(history.losses) == at
    assert history.best_step == min(at, 5) and torch.equal(weights(model), whole[min(at, 5)]) and not model.training
    assert signal.getsignal(signal.SIGINT) is before
    gone_on = short(model, loss, checkpoint=tmp_path / "run.pt",
                    after_step=lambda done: ends.update({done: weights(model)}))  # fmt: skip
    assert gone_on == uncut and gone_on.stopped == "" and list(ends) == list(range(at + 1, 13))
    assert torch.equal(ends[12], whole[12]) and torch.equal(weights(model), weights(other))


@pytest.mark.parametrize("presses", [0, 1, 2])
def test_a_second_press_does_not_wait_and_who_heard_before_hears_again(presses):
    def mine(number, frame):
        pytest.fail("not while a run hears it")

    def pressing(done):
        for _ in range(presses):
            press()

    before = signal.signal(signal.SIGINT, mine)
    try:
        with pytest.raises(KeyboardInterrupt) if presses == 2 else nullcontext():
            short(branches(), losses.MatchingLoss(), after_step=pressing)
    finally:
        assert signal.signal(signal.SIGINT, before) is mine


def test_a_handler_that_python_cannot_put_back_leaves_the_default(monkeypatch):
    """One that was set from C is None to Python."""
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(safety.signal, "getsignal", lambda number: None)
        with safety.stop_button():
            pass
    assert signal.signal(signal.SIGINT, before) is signal.SIG_DFL


def test_it_trains_in_another_thread_too():
    model, other = branches(), branches()
    thread = threading.Thread(target=short, args=(model, losses.MatchingLoss()))
    thread.start()
    thread.join()
    short(other, losses.MatchingLoss())
    assert torch.equal(weights(model), weights(other))


def test_an_interrupt_where_the_run_ends_anyway_does_not_make_it_longer(tmp_path):
    """With a step size of nearly nothing the first check is the best."""
    options = {"steps": 40, "learning_rate": 1e-12, "patience": 2, "checkpoint": tmp_path / "run.pt"}
    for after_step in (lambda done: press() if done == 15 else None, pytest.fail):
        history = short(branches(), losses.MatchingLoss(), after_step=after_step, **options)
        assert history.stopped == "nothing better in 2 checks" and len(history.losses) == 15


# ---- Numbers that are not finite


class Spoilt(nn.Module):
    """The matching loss; at one step its value, or its gradient only, is no number."""

    def __init__(self, at, what):
        super().__init__()
        self.matching, self.at, self.what, self.step = losses.MatchingLoss(), at, what, 0

    def forward(self, image_features, text_features):
        self.step += 1
        loss = self.matching(image_features, text_features)
        if self.step != self.at + 1:
            return loss
        if self.what == "loss":
            return loss * torch.nan
        # 0 · √0: the value is 0, and its slope 0 · ∞.
        leads_to = image_features.sum() if self.what == "gradient" else self.matching.logit_scale
        return loss + 0 * (0 * leads_to).abs().sqrt()


@pytest.mark.parametrize("what", ["loss", "gradient", "gradient of the scale"])
def test_a_nan_names_the_step_the_pairs_and_the_last_good_checkpoint(what, tmp_path):
    model, seen, file = branches(), {}, tmp_path / "run.pt"
    loss = Spoilt(7, what)
    with pytest.raises(training.TrainingStopped) as caught:
        short(model, loss, checkpoint=file, after_step=lambda done: seen.update({done: weights(model)}))
    error = caught.value
    assert (error.step, error.checkpoint, len(error.ids)) == (7, file, 8)
    assert set(error.ids) <= set(few().train.tolist())
    words = str(error)
    assert f"step 7: the {what.split()[0]} is not finite" in words and str(file) in words
    assert f"{error.ids[0]} ({few().captions[error.ids[0]]})" in words
    assert torch.equal(weights(model), seen[7]) and weights(model).isfinite().all()
    assert loss.matching.logit_scale.isfinite()
    assert torch.load(file, weights_only=True)["state"]["history"]["losses"].__len__() == 5


def test_without_a_checkpoint_it_says_so_and_names_only_some_of_many_pairs(tmp_path):
    with pytest.raises(training.TrainingStopped, match=r"and 12 more: see `ids`.*none was written") as caught:
        short(branches(), Spoilt(2, "loss"), batch_size=20)
    assert caught.value.checkpoint is None and len(caught.value.ids) == 20
    with pytest.raises(training.TrainingStopped, match="none was written") as caught:  # it was to be, later
        short(branches(), Spoilt(2, "loss"), checkpoint=tmp_path / "run.pt")
    assert caught.value.checkpoint is None


@pytest.mark.parametrize("side", ["image", "text"])
def test_the_pair_that_is_named_is_the_one_to_blame_and_nothing_has_changed(side, tmp_path):
    """At step 6 the third pair of the batch is spoilt. The random numbers of others are left alone here too."""
    model, told, seen = branches(), [], {}
    honest = getattr(model, side)

    def broken(given):
        spoilt = len(told) == 7 and model.training  # six steps are done; and the checks look at the features too
        return honest(given).index_fill(0, torch.tensor([2]), torch.inf) if spoilt else honest(given)

    setattr(model, side, broken)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    with pytest.raises(training.TrainingStopped, match=f"step 6: the {side} features are not") as caught:
        short(model, losses.MatchingLoss(), checkpoint=tmp_path / "run.pt",
              loss_options=lambda batch: told.append(batch.captions) or {},
              after_step=lambda done: seen.update({done: weights(model)}))  # fmt: skip
    (blamed,) = caught.value.ids
    assert few().captions[blamed] == told[-1][2] and f"Pairs: {blamed} ({told[-1][2]}). Of" in str(caught.value)
    assert torch.equal(weights(model), seen[6]) and caught.value.checkpoint == tmp_path / "run.pt"
    assert torch.equal(torch.get_rng_state(), state)


# ---- The file


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The file of a run that is done, as bytes."""
    file = tmp_path_factory.mktemp("written") / "run.pt"
    short(branches(), losses.MatchingLoss(), checkpoint=file)
    return file.read_bytes()


def test_a_checkpoint_of_another_run_is_refused_and_kept(written, tmp_path):
    """Before a number of it has reached the branches."""
    file, train = tmp_path / "run.pt", few().take(few().train)
    file.write_bytes(written)
    for words, options in {
        "seed is": {"seed": 1}, "batch_size is": {"batch_size": 4}, "steps is": {"steps": 13},
        "learning_rate is": {"learning_rate": 1e-3}, "one_per_concept is": {"one_per_concept": True},
        "pairs is": {"pairs": few().take(range(1, 60))},
        "model is 'TwoBranch of": {"model": models.TwoBranch(Vocabulary(train), width=16, size=8)},
        "loss is 'MatchingLoss of 1 numbers', here it is 'SigmoidLoss of 2": {"loss": losses.SigmoidLoss()},
        "loss is 'MatchingLoss": {"loss": lambda *features: losses.MatchingLoss()(*features)},
    }.items():  # fmt: skip
        given = {"model": branches(seed=1), "loss": losses.MatchingLoss()} | options
        before = weights(given["model"])
        with pytest.raises(ValueError, match=f"run.pt is of another run: its {words}"):
            short(**given, checkpoint=file)
        assert torch.equal(weights(given["model"]), before) and file.read_bytes() == written


def test_other_pairs_have_another_fingerprint():
    one = few()
    others = [replace(one, pictures=255 - one.pictures), replace(one, captions=one.captions[::-1]),
              replace(one, keywords=one.keywords[::-1]), replace(one, split=one.split.flip(0))]  # fmt: skip
    assert len({safety.fingerprint(pairs) for pairs in (one, one.take(range(60)), *others)}) == 5


def file_of(what):
    buffer = io.BytesIO()
    torch.save(what, buffer)
    return buffer.getvalue()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40))
@example(b"")
@example(pickle.dumps({"a": 1}))
@example(file_of([1, 2]))
@example(b"\x80")  # an IndexError, of all things
@example(b"\x87\x08\x17\xcb\x84\x99\x13m\xc1J\xe6j")
@example(b"X\x02\x00\x00\x00\xff\xff.")  # no letters in this coding
@example(b"\x88G")
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_whatever_is_in_the_file_it_is_named_and_kept(tmp_path, content):
    file = tmp_path / "run.pt"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"checkpoint .*run\.pt cannot be read"):
        safety.Checkpoint(file, {}).load()
    assert file.read_bytes() == content


def flipped(content, place, bit):
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1:]


def test_wherever_it_is_cut_off_or_a_bit_is_flipped_it_is_named_or_nothing_is_lost(written, tmp_path):
    """Between the parts of the file lie zeros that nobody reads. In the numbers themselves each flip is found."""
    file = tmp_path / "run.pt"
    file.write_bytes(written)
    state, lot, found, size = safety.Checkpoint(file, {}).load(), random.Random(3), [], len(written)
    cut_off = [written[:length] for length in (*range(0, size, 1 + size // 60), *range(size - 30, size))]
    for damaged in cut_off + [flipped(written, lot.randrange(size), 1 << lot.randrange(8)) for _ in range(300)]:
        file.write_bytes(damaged)
        try:
            assert same(safety.Checkpoint(file, {}).load(), state)
        except ValueError as error:
            assert f"checkpoint {file} cannot be read" in str(error)
            found.append(damaged)
        assert file.read_bytes() == damaged
    assert found[:len(cut_off)] == cut_off and len(found) > len(cut_off) + 150


def test_a_flipped_weight_is_named_and_nothing_is_changed(written, tmp_path):
    file, model, loss = tmp_path / "run.pt", branches(seed=1), losses.MatchingLoss()
    weight = torch.load(io.BytesIO(written), weights_only=True)["state"]["best"]["embedding.weight"].numpy().tobytes()
    damaged = flipped(written, written.rindex(weight) + 5, 0x40)
    file.write_bytes(damaged)
    torch.load(file, weights_only=True)  # torch is silent
    before = weights(model), loss.logit_scale.item()
    with pytest.raises(ValueError, match=r"run\.pt cannot be read \(BadZipFile\): it is damaged.* Nothing was changed"):
        short(model, loss, checkpoint=file, after_step=pytest.fail)
    assert torch.equal(weights(model), before[0]) and loss.logit_scale.item() == before[1]
    assert file.read_bytes() == damaged


def test_a_folder_that_is_missing_is_named_before_the_first_step(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    model, missing = branches(), tmp_path / "not" / "there"
    before = weights(model)
    for folder in (missing, tmp_path / "file"):
        with pytest.raises(ValueError, match=r"checkpoint .*run\.pt needs its folder") as caught:
            short(model, losses.MatchingLoss(), checkpoint=str(folder / "run.pt"), after_step=pytest.fail)
        assert f"there is no {folder}" in str(caught.value)
    assert torch.equal(weights(model), before) and not missing.exists()
    monkeypatch.chdir(tmp_path)
    short(model, losses.MatchingLoss(), checkpoint="run.pt")
    assert (tmp_path / "run.pt").exists()


# ---- What it learns, and from what


def test_the_test_pairs_are_never_looked_at():
    """Other pictures and texts for them change not a bit."""
    one, other = branches(), branches()
    short(one, losses.MatchingLoss())
    test = few().split == emoji.TEST
    pictures = few().pictures.clone()
    pictures[test] = 255 - pictures[test]
    captions = tuple("nothing at all" if hidden else caption
                     for hidden, caption in zip(test, few().captions, strict=True))  # fmt: skip
    assert test.sum() > 3
    short(other, losses.MatchingLoss(), pairs=replace(few(), pictures=pictures, captions=captions))
    assert torch.equal(weights(one), weights(other))


def recalls(*values):
    """In place of gallery_recall: these values, one after the other, each the mean of two directions."""
    said = iter(values)

    def recall(image_features, text_features, ks):
        assert ks == (10,) and len(image_features) == len(text_features) == len(few().validation)
        value = next(said)
        return training.Recall({10: value - 0.1}, {10: value + 0.1}, {})

    return recall


@pytest.mark.parametrize(("values", "patience", "best", "checks"), [
    ([0.2, 0.5, 0.3, 0.4, 0.5, 0.6], None, 30, 6),
    ([0.2, 0.5, 0.3, 0.4, 0.5, 0.6], 3, 10, 5),
    ([0.5, 0.4, 0.6, 0.5, 0.4, 0.3], 3, 15, 6),
    ([0.5, 0.4, 0.6, 0.5, 0.4, 0.3], 1, 5, 2),
])  # fmt: skip
def test_which_weights_are_kept_and_when_it_stops(values, patience, best, checks, monkeypatch, tmp_path):
    """Of equally good ones the first. At the last step there is nothing to stop. And so from the file."""
    monkeypatch.setattr(room, "gallery_recall", recalls(*values))
    model, seen, again = branches(), {}, branches(seed=1)
    options = {"steps": 30, "patience": patience, "checkpoint": tmp_path / "run.pt"}
    history = short(model, losses.MatchingLoss(), after_step=lambda done: seen.update({done: weights(model)}),
                    **options)  # fmt: skip
    assert history.best_step == best and torch.equal(weights(model), seen[best])
    wanted = dict(zip(range(5, 31, 5), values, strict=True))
    assert history.validation == pytest.approx({done: wanted[done] for done in range(5, 5 * checks + 1, 5)})
    assert list(seen) == list(range(1, 5 * checks + 1)), "after_step is told each step"
    assert history.stopped == ("" if checks == 6 else f"nothing better in {patience} checks")
    assert short(again, losses.MatchingLoss(), after_step=pytest.fail, **options) == history
    assert torch.equal(weights(again), weights(model))


def test_the_step_size_warms_up_and_sinks_and_only_the_branches_decay(monkeypatch):
    seen = []

    class Watched(torch.optim.AdamW):
        def step(self):
            seen.append([(group["lr"], group["weight_decay"], len(group["params"])) for group in self.param_groups])
            super().step()

    monkeypatch.setattr(room.torch.optim, "AdamW", Watched)
    model = branches()
    short(model, losses.SigmoidLoss(), steps=80, learning_rate=0.01, patience=None)
    for done, (of_branches, of_loss) in enumerate(seen):
        size = 0.01 * min(1, (done + 1) / 50) * (1 + cos(pi * done / 80)) / 2
        assert of_branches == (pytest.approx(size), 0.05, len(list(model.parameters())))
        assert of_loss == (pytest.approx(size), 0.0, 2)
    assert len(seen) == 80


def test_it_learns():
    """After the last step the pairs of training are found again, far better than by chance."""
    model, found, train = branches(), {}, few().take(few().train)

    def look(done):
        if done in (1, 150):
            found[done] = training.gallery_recall(*model.encode(train), ks=(1,)).image_to_text[1]

    history = short(model, losses.MatchingLoss(), steps=150, batch_size=32, learning_rate=1e-2, after_step=look,
                    patience=None)  # fmt: skip
    assert found[1] < 0.2 < 0.5 < found[150] and history.losses[-1] < history.losses[0] / 2


def test_each_step_deals_its_own_chances(monkeypatch):
    """Others at each step, and with another seed; the same whatever the random numbers of others are. So batches."""
    seen, told, honest = [], [], room.batches.moved
    monkeypatch.setattr(room.batches, "moved", lambda pictures: seen.append(torch.get_rng_state()) or honest(pictures))
    for seed, others in ((0, 1), (0, 2), (1, 2)):
        model = branches()
        torch.manual_seed(others)
        before = torch.get_rng_state()
        short(model, losses.MatchingLoss(), seed=seed, loss_options=lambda batch: told.append(batch.captions) or {})
        assert torch.equal(torch.get_rng_state(), before), "and theirs are left alone"
    assert told[:12] == told[12:24] and not set(told[:12]) & set(told[24:])
    one, same, other = ({tuple(state.tolist()) for state in seen[start:start + 12]} for start in (0, 12, 24))
    assert len(one) == 12 and one == same and not one & other


def test_each_step_sees_its_pairs_in_another_way(monkeypatch):
    """Pictures moved and phrases dropped, others at each step; the validation pairs are looked at as they are."""
    model, told, seen = branches(), [], []
    for side in ("image", "text"):
        honest = getattr(model, side)
        monkeypatch.setattr(model, side, lambda given, honest=honest: (seen.append((model.training, given)),
                                                                       honest(given))[1])  # fmt: skip
    short(model, losses.MatchingLoss(), pairs=few(), steps=10, batch_size=len(few().train),
          loss_options=lambda batch: told.append(batch) or {})  # fmt: skip
    pictures = [given for trains, given in seen if trains and given.ndim == 4]
    texts = [given for trains, given in seen if trains and given.ndim == 2]
    assert len(pictures) == len(texts) == 10 and sum(not trains for trains, _ in seen) == 4
    kept = [(numbers > 0).sum().item() for numbers in texts]
    for batch, numbers in zip(told, texts, strict=True):  # its own words, caption and keywords, beside its own picture
        read = model.vocabulary.read([(one, *more) for one, more in zip(batch.captions, batch.keywords, strict=True)])
        assert numbers.shape == read.numbers.shape and ((numbers == read.numbers) | (numbers == 0)).all()
    assert 0 < max(kept) < (read.numbers > 0).sum() and len(set(kept)) > 5
    for batch, moved in zip(told, pictures, strict=True):
        off = (moved - batch.pictures).abs().mean((1, 2, 3))
        assert (off > 0).all() and off.mean() < 60
    plain = [given for trains, given in seen if not trains and given.ndim == 4]
    assert len(plain) == 2 and all(torch.equal(given, few().pictures[few().validation]) for given in plain)


def test_the_validation_recall_is_that_of_the_weights():
    pairs = emoji.load(size=8).take(range(0, 1900, 5))  # of ten or fewer each is among the best ten
    model = branches(pairs)
    history = short(model, losses.MatchingLoss(), pairs=pairs)
    recall = training.gallery_recall(*model.encode(pairs.take(pairs.validation)), ks=(10,))
    kept = history.validation[history.best_step]
    assert 0 < kept < 1 and kept == (recall.image_to_text[10] + recall.text_to_image[10]) / 2


@pytest.mark.parametrize("apart", [True, False])
def test_one_of_each_concept_in_a_batch_where_that_is_asked_for(apart):
    everything = emoji.load(size=8)
    crowded = everything.concepts.bincount()[everything.concepts] > 2
    pairs, told = everything.take(crowded.nonzero()[:120, 0]), []
    assert set(pairs.split.tolist()) == {emoji.TRAIN, emoji.VALIDATION, emoji.TEST}
    short(branches(pairs), losses.MatchingLoss(), pairs=pairs, one_per_concept=apart, patience=None,
          loss_options=lambda batch: told.append(len(batch.concepts.unique())) or {})  # fmt: skip
    assert len(told) == 12 and (told == [8] * 12) is apart


def test_the_bar_says_the_loss_beside_ln_n_and_the_speed_and_goes_on_where_the_run_was_cut(tmp_path, capsys):
    options = {"checkpoint": tmp_path / "run.pt"}
    short(branches(), losses.MatchingLoss(), after_step=lambda done: press() if done == 8 else None, **options)
    assert capsys.readouterr() == ("", "")
    short(branches(), losses.MatchingLoss(), progress=True, **options)
    told = capsys.readouterr().out
    assert "step 8 of 12" in told and "step 12 of 12" in told and "step 7 of 12" not in told
    assert "(ln 8 = 2.08)" in told and "pairs/s" in told and "left" in told


def test_the_speed_counts_the_pairs_of_the_steps_of_now(monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr("tqdm.std.time", lambda: clock[0])
    with safety.bar(True, 8, 12, 1000) as show:
        clock[0] = 2.0
        show(10, 1.5)
    assert "loss 1.50 (ln 1000 = 6.91), 1,000 pairs/s" in capsys.readouterr().out


def test_without_tqdm_it_trains_without_a_bar(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    short(branches(), losses.MatchingLoss())
    assert capsys.readouterr() == ("", "")
    with pytest.raises(ImportError):
        short(branches(), losses.MatchingLoss(), progress=True)


@pytest.mark.parametrize(("options", "words"), [
    ({"steps": 0}, "steps must be at least 1"),
    ({"batch_size": 61}, "batch_size must be an int from 1 to"),
    ({"pairs": "no validation"}, "pairs has no validation pair"),
    ({"pairs": "no training"}, "pairs has no training pair"),
], ids=str)  # fmt: skip
def test_bad_input_is_named(options, words):
    model = branches()
    if "pairs" in options:
        part = emoji.VALIDATION if "validation" in words else emoji.TRAIN
        options = {"pairs": few().take((few().split != part).nonzero()[:, 0])}
    with pytest.raises(ValueError, match=words):
        short(model, losses.MatchingLoss(), **options)


# ---- The two branches


@pytest.mark.parametrize("training_now", [True, False])
def test_encoding_drops_nothing_and_leaves_the_mode_as_it_was(training_now):
    model = branches().train(training_now)
    one, other = model.encode(few()), model.encode(few())
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a, b) and a.shape == (60, 8) and not a.requires_grad
    texts = [(caption, *more) for caption, more in zip(few().captions, few().keywords, strict=True)]
    assert torch.equal(one[1], model.encode_texts(texts)) and model.training is training_now
    assert not torch.equal(one[1], model.encode_texts([text[:1] for text in texts]))
    with pytest.raises(ValueError, match="image side"):
        model.encode_pictures(torch.zeros(3, 9, 9, 3))
    assert model.training is training_now
    assert torch.equal(model.image(few().pictures), one[0]) != training_now, "while it trains, something is dropped"


def test_padding_is_not_read_and_a_text_without_known_words_is_finite():
    model = branches()
    one, other = model.vocabulary.words[:2]
    numbers = model.vocabulary.read([(one, other), ("xyzzy",), (), (other,)]).numbers
    wider = torch.nn.functional.pad(numbers, (0, 3))
    assert numbers.tolist() == [[1, 2], [0, 0], [0, 0], [2, 0]]
    assert torch.equal(model.text(numbers), model.text(wider))
    torch.testing.assert_close(model.text(numbers)[3:], model.text(torch.tensor([[2]])))
    torch.testing.assert_close(model.text(numbers)[1], model.correction(torch.zeros(8)))
    assert model.text(numbers).isfinite().all() and torch.equal(model.text(numbers)[1], model.text(numbers)[2])


def test_pieces_do_not_matter(monkeypatch):
    model = branches()
    pictures = few().pictures.repeat(12, 1, 1, 1)[:700]
    whole = model.eval().image(pictures)
    assert torch.allclose(model.encode_pictures(pictures), whole, atol=1e-6)


@pytest.mark.parametrize(("size", "width"), [(8, 6), (16, 1), (32, 6)])
def test_features_have_the_width_that_was_asked_for(size, width):
    model = models.TwoBranch(branches().vocabulary, width=width, size=size)
    for pictures in (torch.randint(0, 256, (3, size, size, 3), dtype=torch.uint8), 255 * torch.rand(3, size, size, 3)):
        assert model.image(pictures).shape == (3, width) and model.image(pictures).dtype == torch.float32
    features = model.text(torch.tensor([[1, 2, 0], [3, 0, 0]]))
    assert features.shape == (2, width) and features.dtype == torch.float32


def test_the_branch_sees_colours_first_rows_before_columns_from_minus_one_to_one():
    model, seen = branches(), []
    model.image_branch.register_forward_pre_hook(lambda branch, given: seen.append(given[0]))
    pictures = torch.randint(1, 255, (2, 8, 8, 3), dtype=torch.uint8)
    pictures[0, 0, 0] = torch.tensor([0, 255, 51])
    model.image(pictures)
    assert seen[0].shape == (2, 3, 8, 8) and seen[0].min() == -1 and seen[0].max() == 1
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([-1.0, 1.0, -0.6]))
    assert torch.equal(model.eval().image(pictures), model.image(pictures.float())), "whole numbers or not"
    assert seen[0][1, 2, 5, 3].item() == pytest.approx(pictures[1, 5, 3, 2].item() / 127.5 - 1)


def test_the_order_of_words_does_not_matter_and_each_word_does():
    model = branches()
    one, two, other = model.text(torch.tensor([[1, 2, 3], [3, 1, 2], [1, 2, 4]]))
    torch.testing.assert_close(one, two)
    assert not torch.allclose(one, other)
    mean = model.embedding.weight[1:4].mean(dim=0)
    torch.testing.assert_close(one, mean + model.correction(mean))


def test_every_number_of_the_vocabulary_is_read_and_only_the_cpu_looks():
    assert branches().text(torch.tensor([[1, 0], [2, len(branches().vocabulary)]])).shape == (2, 8)
    model = branches().to("meta")  # as on a GPU, there is no value to look at
    assert model.text(torch.empty(2, 3, dtype=torch.int64, device="meta")).shape == (2, 8)


BRANCHES_BAD = {
    "width": (lambda: models.TwoBranch(branches().vocabulary, width=0), ValueError, "width"),
    "size": (lambda: models.TwoBranch(branches().vocabulary, size=20), ValueError, r"size must be a multiple.*image"),
    "pictures": (lambda: branches().image(torch.zeros(2, 32, 32, 3)), ValueError, r"pictures \(image side\).*8, 8, 3"),
    "no picture": (lambda: branches().image(torch.zeros(0, 8, 8, 3)), ValueError, r"pictures \(image side\)"),
    "no tensor": (lambda: branches().image([1]), ValueError, r"pictures \(image side\).*list"),
    "numbers": (lambda: branches().text(torch.zeros(2, 3)), TypeError, r"numbers \(text side\).*float32"),
    "no text": (lambda: branches().text(torch.zeros(0, 3).long()), ValueError, r"numbers \(text side\)"),
    "one text": (lambda: branches().text(torch.zeros(3).long()), ValueError, r"numbers \(text side\)"),
    "beyond the words": (lambda: branches().text(torch.tensor([[1, len(branches().vocabulary) + 1]])), ValueError,
                         r"numbers \(text side\) must be places in the vocabulary, 0 to (\d+); got (?!\1)\d+$"),
    "below the words": (lambda: branches().text(torch.tensor([[0, -1], [2, 1]])), ValueError,
                        r"numbers \(text side\) must be places in the vocabulary, 0 to \d+; got -1"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BRANCHES_BAD)
def test_bad_input_of_the_branches_is_named(bad):
    call, kind, words = BRANCHES_BAD[bad]
    with pytest.raises(kind, match=words):
        call()

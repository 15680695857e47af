"""fit in the real world: killed and gone on with, interrupted, given numbers that are not finite; and its branches."""

import io
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from functools import cache
from math import cos, pi
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

ROOT = Path(__file__).parent.parent


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


# A run in a process of its own. It kills itself after the step `dies`, without a word: no handler, no clean-up.
SCRIPT = """
import os, signal, sys
import torch
from torch import nn
sys.path.insert(0, {tests!r})
import test_training as here
from xmatch_edu import losses, training
from xmatch_edu.models.training import fitting as room
room.CHECK_EVERY = 5
torch.set_num_threads({threads})

class WithMemory(nn.Module):
    def __init__(self):
        super().__init__()
        self.matching, self.memory = losses.MatchingLoss(), training.SampleMemory(16, 8)

    def forward(self, image_features, text_features, ids):
        views = self.memory.directions(image_features, text_features, ids)
        self.memory.remember(image_features, text_features, ids)
        scale = self.matching.logit_scale.exp()
        return sum(losses.matching_loss(**one, scale=scale) for one in views)

last = {{}}  # the weights of the last step: those that are kept may be of an earlier one

def dies(done):
    last.update({{name: x.clone() for name, x in model.state_dict().items()}})
    if done == {dies}:
        os.kill(os.getpid(), signal.SIGKILL)

model, loss = here.branches(), WithMemory() if {memory} else losses.MatchingLoss()
options = {{"loss_options": lambda batch: {{"ids": batch.concepts}}}} if {memory} else {{}}
history = training.fit(model, loss, here.few(), steps=23, batch_size=8, seed=4, patience=None, progress=False,
                       one_per_concept={apart}, checkpoint={checkpoint!r}, after_step=dies, **options)
torch.save([model.state_dict(), loss.state_dict(), history.__dict__, last], {result!r})
"""


def run(folder, name, *, dies=None, checkpoint=None, threads=1, memory=False, apart=False):
    """-> its weights, its loss's, its history and the weights of its last step; None where it was killed."""
    result = folder / f"{name}.pt"
    text = SCRIPT.format(tests=str(ROOT / "tests"), threads=threads, dies=dies, memory=memory, apart=apart,
                         checkpoint=str(checkpoint) if checkpoint else None, result=str(result))  # fmt: skip
    done = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == (0 if dies is None else -signal.SIGKILL), done.stderr
    return torch.load(result, weights_only=True) if dies is None else None


def bit_equal(one, other):
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("what", "kills"), [({}, (8, 17)), ({"memory": True}, (11,)), ({"apart": True}, (3,)),
                                             ({"threads": 2}, (10,))], ids=str)  # fmt: skip
def test_a_killed_run_goes_on_to_the_same_bits(what, kills, tmp_path):
    """Killed before the first check, on one, and between two; and once more after it had gone on."""
    whole, file = run(tmp_path, "whole", **what), tmp_path / "run.ckpt"
    for dies in kills:
        run(tmp_path, "cut", dies=dies, checkpoint=file, **what)
        assert file.exists() == (dies > 5)
    again = run(tmp_path, "again", checkpoint=file, **what)
    for one, other in zip(whole, again, strict=True):
        assert one.keys() == other.keys() and all(bit_equal(one[name], other[name]) for name in one)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_wherever_it_is_killed(tmp_path):
    """With a loss that remembers and one of each concept in a batch, three runs killed at steps drawn by lot."""
    what = {"memory": True, "apart": True}
    whole = run(tmp_path, "whole", **what)
    for seed in range(3):
        file = tmp_path / f"{seed}.ckpt"
        dies = random.Random(seed).randrange(1, 23)
        run(tmp_path, "cut", dies=dies, checkpoint=file, **what)
        again = run(tmp_path, "again", checkpoint=file, **what)
        for one, other in zip(whole, again, strict=True):
            assert one.keys() == other.keys() and all(bit_equal(one[name], other[name]) for name in one), dies


@pytest.mark.parametrize("where", ["half written", "written"])
def test_a_cut_while_the_file_is_written_leaves_the_one_from_before(where, tmp_path, monkeypatch):
    file, whole, kept = tmp_path / "run.pt", branches(), []
    history = short(whole, losses.MatchingLoss())
    really = {"save": torch.save, "replace": os.replace}

    def save(what, path):
        if kept:
            Path(path).write_bytes(b"half of")
            raise InterruptedError("no light")
        really["save"](what, path)

    def replace(fresh, path):
        if kept:
            raise InterruptedError("no light")
        really["replace"](fresh, path)
        kept.append(Path(path).read_bytes())

    with monkeypatch.context() as patch, pytest.raises(InterruptedError):
        patch.setattr(safety.os, "replace", replace)
        if where == "half written":
            patch.setattr(safety.torch, "save", save)
        short(branches(), losses.MatchingLoss(), checkpoint=file)
    assert [file.read_bytes()] == kept
    again = branches()
    assert short(again, losses.MatchingLoss(), checkpoint=file) == history
    assert torch.equal(weights(again), weights(whole)) and list(tmp_path.iterdir()) == [file]


# ---- The stop button


def test_an_interrupt_lets_the_step_end_and_the_run_can_go_on(tmp_path):
    model, never, ends = branches(), branches(), {}
    loss = losses.MatchingLoss()
    before = signal.getsignal(signal.SIGINT)

    def press(done):
        if done == 8:
            signal.raise_signal(signal.SIGINT)

    history = short(model, loss, checkpoint=tmp_path / "run.pt", after_step=press, patience=None)
    assert history.stopped == "interrupted after 8 steps" and len(history.losses) == 8 and history.best_step == 5
    assert all(x.isfinite().all() for x in model.encode(few())) and not model.training
    assert signal.getsignal(signal.SIGINT) is before
    gone_on, last = short(model, loss, checkpoint=tmp_path / "run.pt", patience=None,
                          after_step=lambda done: ends.update({done: weights(model)})), {}  # fmt: skip
    whole = short(never, losses.MatchingLoss(), patience=None,
                  after_step=lambda done: last.update({done: weights(never)}))  # fmt: skip
    assert gone_on.stopped == "" and gone_on == whole and list(ends) == [9, 10, 11, 12]
    assert torch.equal(ends[12], last[12]) and not torch.equal(last[12], weights(never))
    assert torch.equal(weights(model), weights(never))


def test_in_the_middle_of_a_step_the_interrupt_waits():
    """The loss is computed, the weights are not yet changed: they are those of three whole steps."""
    matching, calls = losses.MatchingLoss(), []

    def loss(image_features, text_features):
        calls.append(None)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return matching(image_features, text_features)

    stopped, whole = branches(), []
    history = short(stopped, loss)
    assert len(history.losses) == history.best_step == 3, "it holds the weights of after three steps, checked or not"
    plain = branches()
    plain_matching = losses.MatchingLoss()
    short(plain, lambda *features: plain_matching(*features),
          after_step=lambda done: whole.append(weights(plain)) if done == 3 else None)  # fmt: skip
    assert torch.equal(weights(stopped), whole[0])


@pytest.mark.parametrize("press", [0, 1, 2])
def test_who_heard_interrupts_before_hears_them_again(press):
    def mine(number, frame):
        pytest.fail("not while a run hears it")

    def pressing(done):
        for _ in range(press):
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, mine)
    try:
        short(branches(), losses.MatchingLoss(), after_step=pressing)
    except KeyboardInterrupt:
        assert press == 2
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


def test_a_second_press_does_not_wait():
    def press(done):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        short(branches(), losses.MatchingLoss(), after_step=press)
    assert signal.getsignal(signal.SIGINT) is before


def test_it_trains_in_another_thread_too():
    model, other = branches(), branches()
    thread = threading.Thread(target=short, args=(model, losses.MatchingLoss()))
    thread.start()
    thread.join()
    short(other, losses.MatchingLoss())
    assert torch.equal(weights(model), weights(other))


def test_an_interrupt_where_the_run_ends_anyway_does_not_make_it_longer(tmp_path):
    options = {"steps": 40, "learning_rate": 1e-12, "patience": 2, "checkpoint": tmp_path / "run.pt"}

    def press(done):
        if done == 15:
            signal.raise_signal(signal.SIGINT)

    for after_step in (press, pytest.fail):
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
def test_a_feature_that_is_no_number_names_its_own_pairs(side):
    """One pair of the batch is to blame, and it alone is named."""
    model = branches()
    honest = getattr(model, side)

    def broken(given):
        return honest(given).index_fill(0, torch.tensor([2]), torch.nan)

    setattr(model, side, broken)
    with pytest.raises(training.TrainingStopped, match=f"step 0: the {side} features are not finite") as caught:
        short(model, losses.MatchingLoss())
    assert len(caught.value.ids) == 1


@pytest.mark.parametrize("side", ["image", "text"])
def test_the_pair_that_is_named_is_the_one_to_blame_and_nothing_has_changed(side, tmp_path):
    """At step 6 the third pair of the batch is spoilt. The random numbers of others are left alone here too."""
    model, told, seen = branches(), [], {}
    honest = getattr(model, side)

    def broken(given):
        spoilt = len(told) == 7 and model.training  # six steps are done; and the checks look at the features too
        return honest(given).index_fill(0, torch.tensor([2]), torch.inf) if spoilt else honest(given)

    def options(batch):
        told.append(batch.captions)
        return {}

    setattr(model, side, broken)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    with pytest.raises(training.TrainingStopped, match="step 6") as caught:
        short(model, losses.MatchingLoss(), checkpoint=tmp_path / "run.pt", loss_options=options,
              after_step=lambda done: seen.update({done: weights(model)}))  # fmt: skip
    (blamed,) = caught.value.ids
    assert few().captions[blamed] == told[-1][2] and f"Pairs: {blamed} ({told[-1][2]}). Of" in str(caught.value)
    assert torch.equal(weights(model), seen[6]) and caught.value.checkpoint == tmp_path / "run.pt"
    assert torch.equal(torch.get_rng_state(), state)


# ---- The file


def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path):
    file = tmp_path / "run.pt"
    short(branches(), losses.MatchingLoss(), checkpoint=file)
    written = file.read_bytes()
    other = few().take(range(1, 60))
    for name, options in {"seed": {"seed": 1}, "batch_size": {"batch_size": 4}, "steps": {"steps": 13},
                          "learning_rate": {"learning_rate": 1e-3}, "one_per_concept": {"one_per_concept": True},
                          "pairs": {"pairs": other}}.items():  # fmt: skip
        with pytest.raises(ValueError, match=f"run.pt is of another run: its {name} is"):
            short(branches(), losses.MatchingLoss(), checkpoint=file, **options)
        assert file.read_bytes() == written


def test_other_pairs_have_another_fingerprint():
    one = few()
    others = [replace(one, pictures=255 - one.pictures), replace(one, captions=one.captions[::-1]),
              replace(one, keywords=one.keywords[::-1]), replace(one, split=one.split.flip(0))]  # fmt: skip
    assert len({safety.fingerprint(pairs) for pairs in (one, one.take(range(60)), *others)}) == 5


@pytest.mark.parametrize("content", ["half", b"", b"no checkpoint", pickle.dumps({"a": 1}), "list"],
                         ids=["half", "empty", "text", "pickle", "another list"])
def test_a_damaged_file_is_named_and_kept(content, tmp_path):
    file = tmp_path / "run.pt"
    short(branches(), losses.MatchingLoss(), checkpoint=file)
    if content == "list":
        buffer = io.BytesIO()
        torch.save([1, 2], buffer)
        content = buffer.getvalue()
    file.write_bytes(file.read_bytes()[:-500] if content == "half" else content)
    kept = file.read_bytes()
    with pytest.raises(ValueError, match=r"run\.pt cannot be read"):
        short(branches(), losses.MatchingLoss(), checkpoint=file)
    assert file.read_bytes() == kept


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40))
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


def test_wherever_it_is_cut_off_it_is_named(tmp_path):
    file = tmp_path / "run.pt"
    short(branches(), losses.MatchingLoss(), checkpoint=file)
    whole = file.read_bytes()
    for length in [*range(0, len(whole), 1 + len(whole) // 60), *range(len(whole) - 30, len(whole))]:
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"run\.pt cannot be read"):
            safety.Checkpoint(file, {}).load()


def same(one, other):
    """Nested dicts and lists of numbers, words and tensors, compared to the last bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(x, other[name]) for name, x in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bit_equal(one, other)


def test_wherever_a_byte_is_flipped_it_is_named_or_nothing_is_lost(tmp_path):
    """Between the parts of the file lie zeros that nobody reads. In the numbers themselves each flip is found."""
    file = tmp_path / "run.pt"
    short(branches(), losses.MatchingLoss(), checkpoint=file)
    whole, state = file.read_bytes(), safety.Checkpoint(file, {}).load()
    lot, found = random.Random(3), 0
    for _ in range(300):
        place, bit = lot.randrange(len(whole)), 1 << lot.randrange(8)
        flipped = whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1:]
        file.write_bytes(flipped)
        try:
            assert same(safety.Checkpoint(file, {}).load(), state), place
        except ValueError as error:
            assert f"checkpoint {file} cannot be read" in str(error)
            found += 1
        assert file.read_bytes() == flipped
    assert found > 150


def test_a_flipped_weight_is_named_and_nothing_is_changed(tmp_path):
    file, model, loss = tmp_path / "run.pt", branches(), losses.MatchingLoss()
    short(model, loss, checkpoint=file)
    weight = safety.Checkpoint(file, {}).load()["best"]["embedding.weight"].numpy().tobytes()
    whole = file.read_bytes()
    place = whole.rindex(weight) + 5
    file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1:])
    assert not torch.equal(torch.load(file, weights_only=True)["state"]["best"]["embedding.weight"],
                           torch.frombuffer(bytearray(weight), dtype=torch.float32).reshape(-1, 8)), "torch is silent"
    kept, again, of_loss = file.read_bytes(), branches(seed=1), losses.MatchingLoss()
    before = weights(again), of_loss.logit_scale.item()
    with pytest.raises(ValueError, match=r"run\.pt cannot be read \(BadZipFile\): it is damaged.* Nothing was changed"):
        short(again, of_loss, checkpoint=file, after_step=pytest.fail)
    assert torch.equal(weights(again), before[0]) and of_loss.logit_scale.item() == before[1]
    assert file.read_bytes() == kept


def test_a_folder_that_is_missing_is_named_before_the_first_step(tmp_path):
    model, file = branches(), tmp_path / "not" / "there" / "run.pt"
    before = weights(model)
    with pytest.raises(ValueError, match=r"checkpoint .*run\.pt needs its folder") as caught:
        short(model, losses.MatchingLoss(), checkpoint=file, after_step=pytest.fail)
    assert f"there is no {file.parent}" in str(caught.value)
    assert torch.equal(weights(model), before) and not file.parent.exists()
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ValueError, match="needs its folder to be there"):
        short(model, losses.MatchingLoss(), checkpoint=str(tmp_path / "file" / "run.pt"))


def test_a_checkpoint_without_a_folder_lies_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    short(branches(), losses.MatchingLoss(), checkpoint="run.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]


def test_a_checkpoint_of_other_branches_or_of_another_loss_is_refused(tmp_path):
    """Before a number of it has reached the branches."""
    file = tmp_path / "run.pt"
    short(branches(), losses.MatchingLoss(), checkpoint=file)
    written, train = file.read_bytes(), few().take(few().train)
    wide = models.TwoBranch(Vocabulary(train), width=16, size=8)
    for model, loss, name in (
        (wide, losses.MatchingLoss(), "model is 'TwoBranch of"),
        (branches(seed=1), losses.SigmoidLoss(), "loss is 'MatchingLoss of 1 numbers', here it is 'SigmoidLoss of 2"),
        (branches(seed=1), lambda *features: losses.MatchingLoss()(*features), "loss is 'MatchingLoss"),
    ):
        before = weights(model)
        with pytest.raises(ValueError, match=f"run.pt is of another run: its {name}"):
            short(model, loss, checkpoint=file)
        assert torch.equal(weights(model), before) and file.read_bytes() == written


def test_a_finished_run_is_not_run_again(tmp_path):
    first, second = branches(), branches(seed=1)
    short(first, losses.MatchingLoss(), checkpoint=tmp_path / "run.pt")
    history = short(second, losses.MatchingLoss(), checkpoint=tmp_path / "run.pt", after_step=pytest.fail)
    assert len(history.losses) == 12 and torch.equal(weights(first), weights(second))


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


def test_it_keeps_the_best_weights_and_stops_when_nothing_gets_better():
    """With a step size of nearly nothing the first check is the best, and the second finds nothing better."""
    model, seen = branches(), {}
    history = short(model, losses.MatchingLoss(), steps=40, learning_rate=1e-12, patience=2,
                    after_step=lambda done: seen.update({done: weights(model)}))  # fmt: skip
    assert history.stopped == "nothing better in 2 checks" and list(history.validation) == [5, 10, 15]
    assert history.best_step == 5 and torch.equal(weights(model), seen[5])
    assert history.validation[5] == max(history.validation.values())


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
    ([0.6, 0.5, 0.4, 0.3, 0.2, 0.1], 5, 5, 6),
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
        short(model, losses.MatchingLoss(), seed=seed, loss_options=lambda batch: told.append(batch.captions) or {})
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


def test_the_scale_is_learned_and_does_not_decay():
    class Still(nn.Module):
        """A loss that the scale has no part in."""

        def __init__(self):
            super().__init__()
            self.logit_scale = nn.Parameter(torch.tensor(2.0))

        def forward(self, image_features, text_features):
            return losses.matching_loss(image_features @ text_features.T) + 0 * self.logit_scale

    still, moving = Still(), losses.MatchingLoss()
    start = moving.logit_scale.item()
    short(branches(), still)
    short(branches(), moving)
    assert still.logit_scale.item() == 2.0 and moving.logit_scale.item() != start


def test_the_loss_is_told_about_the_batch():
    told = []

    def loss(image_features, text_features, mask):
        told.append(mask)
        return losses.matching_loss(image_features @ text_features.T, mask=mask)

    def options(batch):
        assert isinstance(batch, emoji.EmojiPairs) and len(batch) == 8
        return {"mask": batch.concepts[:, None] == batch.concepts[None, :] + 10**6}

    short(branches(), loss, loss_options=options, steps=2)
    assert len(told) == 2 and told[0].shape == (8, 8)


@pytest.mark.parametrize("apart", [True, False])
def test_one_of_each_concept_in_a_batch_where_that_is_asked_for(apart):
    everything = emoji.load(size=8)
    crowded = everything.concepts.bincount()[everything.concepts] > 2
    pairs, told = everything.take(crowded.nonzero()[:120, 0]), []
    assert set(pairs.split.tolist()) == {emoji.TRAIN, emoji.VALIDATION, emoji.TEST}
    short(branches(pairs), losses.MatchingLoss(), pairs=pairs, one_per_concept=apart, patience=None,
          loss_options=lambda batch: told.append(len(batch.concepts.unique())) or {})  # fmt: skip
    assert len(told) == 12 and (told == [8] * 12) is apart


def test_the_random_numbers_of_others_are_left_alone():
    model = branches()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    short(model, losses.MatchingLoss())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_bar_says_the_loss_beside_ln_n_and_the_speed(capsys):
    short(branches(), losses.MatchingLoss(), progress=True)
    told = capsys.readouterr().out
    assert "step 12 of 12" in told and "(ln 8 = 2.08)" in told and "pairs/s" in told and "left" in told
    short(branches(), losses.MatchingLoss())
    assert capsys.readouterr() == ("", "")


def test_without_tqdm_it_trains_without_a_bar(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    short(branches(), losses.MatchingLoss())
    assert capsys.readouterr() == ("", "")
    with pytest.raises(ImportError):
        short(branches(), losses.MatchingLoss(), progress=True)


def test_the_bar_goes_on_where_the_run_was_cut(tmp_path, capsys):
    """Steps of before are no speed of now."""
    def press(done):
        if done == 8:
            signal.raise_signal(signal.SIGINT)

    short(branches(), losses.MatchingLoss(), checkpoint=tmp_path / "run.pt", after_step=press)
    short(branches(), losses.MatchingLoss(), checkpoint=tmp_path / "run.pt", progress=True)
    told = capsys.readouterr().out
    assert "step 8 of 12" in told and "step 12 of 12" in told and "step 7 of 12" not in told


def test_the_speed_counts_the_pairs_of_the_steps_of_now(monkeypatch):
    class Bar:
        format_dict, n, told = {"elapsed": 2.0}, 8, []

        def __init__(self, **options):
            assert (options["total"], options["initial"]) == (12, 8)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def set_postfix_str(self, words, refresh):
            self.told.append(words)

        def update(self, count):
            assert count == 2

    monkeypatch.setattr("tqdm.tqdm", Bar)
    with safety.bar(True, 8, 12, 1000) as show:
        show(10, 1.5)
    assert Bar.told == ["loss 1.50 (ln 1000 = 6.91), 1,000 pairs/s"]


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


def test_encoding_drops_nothing_and_leaves_the_mode_as_it_was():
    model = branches().train()
    one, other = model.encode(few()), model.encode(few())
    assert all(torch.equal(a, b) and a.shape == (60, 8) for a, b in zip(one, other, strict=True)) and model.training
    assert not torch.equal(model.image(few().pictures), one[0]), "while it trains, something is dropped"
    assert not any(side.requires_grad for side in one)
    texts = [(caption, *more) for caption, more in zip(few().captions, few().keywords, strict=True)]
    assert torch.equal(one[1], model.encode_texts(texts))
    assert not torch.equal(one[1], model.encode_texts([text[:1] for text in texts]))


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


@pytest.mark.parametrize("size", [8, 16, 32])
@pytest.mark.parametrize("width", [1, 6])
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
    assert seen[0][1, 2, 5, 3].item() == pytest.approx(pictures[1, 5, 3, 2].item() / 127.5 - 1)


def test_whole_numbers_and_others_are_one_picture():
    model, pictures = branches().eval(), few().pictures
    assert torch.equal(model.image(pictures), model.image(pictures.float()))


def test_a_failed_look_leaves_the_mode_as_it_was_too():
    for training_now in (True, False):
        model = branches().train(training_now)
        with pytest.raises(ValueError, match="image side"):
            model.encode_pictures(torch.zeros(3, 9, 9, 3))
        assert model.training is training_now
        model.encode_texts([("red",)])
        assert model.training is training_now and not model.encode_texts([("red",)]).requires_grad


def test_the_order_of_words_does_not_matter_and_each_word_does():
    model = branches()
    one, two, other = model.text(torch.tensor([[1, 2, 3], [3, 1, 2], [1, 2, 4]]))
    torch.testing.assert_close(one, two)
    assert not torch.allclose(one, other)
    mean = model.embedding.weight[1:4].mean(dim=0)
    torch.testing.assert_close(one, mean + model.correction(mean))


def beyond(more):
    """Texts with the last word of the vocabulary, and the number that is so much larger."""
    model = branches()
    last = len(model.vocabulary)
    return model.text(torch.tensor([[1, 0], [last, last + more]]))


def test_every_number_of_the_vocabulary_is_read_and_only_the_cpu_looks():
    assert beyond(0).shape == (2, 8)
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
    "beyond the words": (lambda: beyond(1), ValueError,
                         r"numbers \(text side\) must be places in the vocabulary, 0 to (\d+); got (?!\1)\d+$"),
    "below the words": (lambda: branches().text(torch.tensor([[0, -1], [2, 1]])), ValueError,
                        r"numbers \(text side\) must be places in the vocabulary, 0 to \d+; got -1"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BRANCHES_BAD)
def test_bad_input_of_the_branches_is_named(bad):
    call, kind, words = BRANCHES_BAD[bad]
    with pytest.raises(kind, match=words):
        call()

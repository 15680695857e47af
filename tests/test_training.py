"""fit in the real world: killed and gone on with, interrupted, given numbers that are not finite; and its branches."""

import io
import os
import pickle
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from xmatch_edu import losses, models, training
from xmatch_edu.data import emoji
from xmatch_edu.data.words import Vocabulary
from xmatch_edu.training import fitting as room

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
from xmatch_edu.training import fitting as room
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

def dies(done):
    if done == {dies}:
        os.kill(os.getpid(), signal.SIGKILL)

model, loss = here.branches(), WithMemory() if {memory} else losses.MatchingLoss()
options = {{"loss_options": lambda batch: {{"ids": batch.concepts}}}} if {memory} else {{}}
history = training.fit(model, loss, here.few(), steps=23, batch_size=8, seed=4, patience=None, progress=False,
                       one_per_concept={apart}, checkpoint={checkpoint!r}, after_step=dies, **options)
torch.save([model.state_dict(), loss.state_dict(), history.__dict__], {result!r})
"""


def run(folder, name, *, dies=None, checkpoint=None, threads=1, memory=False, apart=False):
    """-> its weights, its loss's and its history; None where it was killed."""
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


# ---- The stop button


def test_an_interrupt_lets_the_step_end_and_the_run_can_go_on(tmp_path):
    model, never = branches(), branches()
    loss = losses.MatchingLoss()
    before = signal.getsignal(signal.SIGINT)

    def press(done):
        if done == 8:
            signal.raise_signal(signal.SIGINT)

    history = short(model, loss, checkpoint=tmp_path / "run.pt", after_step=press, patience=None)
    assert history.stopped == "interrupted after 8 steps" and len(history.losses) == 8 and history.best_step == 5
    assert all(x.isfinite().all() for x in model.encode(few())) and not model.training
    assert signal.getsignal(signal.SIGINT) is before
    assert short(model, loss, checkpoint=tmp_path / "run.pt", patience=None).stopped == ""
    short(never, losses.MatchingLoss(), patience=None)
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
    assert len(short(stopped, loss).losses) == 3
    plain = branches()
    plain_matching = losses.MatchingLoss()
    short(plain, lambda *features: plain_matching(*features),
          after_step=lambda done: whole.append(weights(plain)) if done == 3 else None)  # fmt: skip
    assert torch.equal(weights(stopped), whole[0])


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
        # 0 · √0: the value is 0, and its slope 0 · ∞.
        return loss * torch.nan if self.what == "loss" else loss + 0 * (0 * image_features.sum()).abs().sqrt()


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_nan_names_the_step_the_pairs_and_the_last_good_checkpoint(what, tmp_path):
    model, seen, file = branches(), {}, tmp_path / "run.pt"
    with pytest.raises(training.TrainingStopped) as caught:
        short(model, Spoilt(7, what), checkpoint=file, after_step=lambda done: seen.update({done: weights(model)}))
    error = caught.value
    assert (error.step, error.checkpoint, len(error.ids)) == (7, file, 8)
    assert set(error.ids) <= set(few().train.tolist())
    words = str(error)
    assert f"step 7: the {what} is not finite" in words and str(file) in words
    assert f"{error.ids[0]} ({few().captions[error.ids[0]]})" in words
    assert torch.equal(weights(model), seen[7]) and weights(model).isfinite().all()
    assert torch.load(file, weights_only=True)["state"]["history"]["losses"].__len__() == 5


def test_without_a_checkpoint_it_says_so_and_names_only_some_of_many_pairs():
    with pytest.raises(training.TrainingStopped, match=r"and 12 more: see `ids`.*none was written") as caught:
        short(branches(), Spoilt(2, "loss"), batch_size=20)
    assert caught.value.checkpoint is None and len(caught.value.ids) == 20


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


def test_the_validation_recall_is_that_of_the_weights():
    model = branches()
    history = short(model, losses.MatchingLoss())
    recall = training.gallery_recall(*model.encode(few().take(few().validation)), ks=(10,))
    kept = history.validation[history.best_step]
    assert kept == (recall.image_to_text[10] + recall.text_to_image[10]) / 2


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


def test_padding_is_not_read_and_a_text_without_known_words_is_finite():
    model = branches()
    numbers = model.vocabulary.read([("red flag",), ("xyzzy",), ()]).numbers
    wider = torch.nn.functional.pad(numbers, (0, 3))
    assert torch.equal(model.text(numbers), model.text(wider))
    assert model.text(numbers).isfinite().all() and torch.equal(model.text(numbers)[1], model.text(numbers)[2])


def test_pieces_do_not_matter(monkeypatch):
    model = branches()
    pictures = few().pictures.repeat(12, 1, 1, 1)[:700]
    whole = model.eval().image(pictures)
    assert torch.allclose(model.encode_pictures(pictures), whole, atol=1e-6)


BRANCHES_BAD = {
    "width": (lambda: models.TwoBranch(branches().vocabulary, width=0), ValueError, "width"),
    "size": (lambda: models.TwoBranch(branches().vocabulary, size=20), ValueError, r"size must be a multiple.*image"),
    "pictures": (lambda: branches().image(torch.zeros(2, 32, 32, 3)), ValueError, r"pictures \(image side\).*8, 8, 3"),
    "no picture": (lambda: branches().image(torch.zeros(0, 8, 8, 3)), ValueError, r"pictures \(image side\)"),
    "no tensor": (lambda: branches().image([1]), ValueError, r"pictures \(image side\).*list"),
    "numbers": (lambda: branches().text(torch.zeros(2, 3)), TypeError, r"numbers \(text side\).*float32"),
    "no text": (lambda: branches().text(torch.zeros(0, 3).long()), ValueError, r"numbers \(text side\)"),
    "one text": (lambda: branches().text(torch.zeros(3).long()), ValueError, r"numbers \(text side\)"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BRANCHES_BAD)
def test_bad_input_of_the_branches_is_named(bad):
    call, kind, words = BRANCHES_BAD[bad]
    with pytest.raises(kind, match=words):
        call()

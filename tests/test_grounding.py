"""Attention judged against the truth, and the experiment of chapter 06 with its record."""

import re

import pytest
import torch

from xmatch_edu import losses
from xmatch_edu.course import grounding, recorded
from xmatch_edu.data import shapes

FEW = shapes.make(24, seed=3)


def test_attention_that_is_the_truth_is_judged_perfect_and_an_even_one_like_chance():
    truth = FEW.truth.flatten(2).float()
    perfect = truth / truth.sum(dim=2, keepdim=True).clamp(min=1)
    for kind, found in grounding.judge(perfect, FEW).items():
        assert found["inside"] == found["near"] == 1 and found["other"] == 0, kind
        assert found["mass"] == pytest.approx(1)
    even = torch.full_like(perfect, 1 / 289)
    for found in grounding.judge(even, FEW).values():
        assert found["mass"] == pytest.approx(found["area"])
        assert 0.01 < found["area"] < found["area near"] < 0.3


def test_near_is_one_cell_and_other_is_the_other_object():
    scene = FEW.take([next(k for k in range(24) if FEW.lengths[k] == 7)])
    first, second = scene.truth[0, 0], scene.truth[0, 4]

    def looking_at(row, column):
        looks = torch.zeros(1, 7, 17, 17)
        looks[..., row, column] = 1
        return grounding.judge(looks.flatten(2), scene)["colour"]

    cells = torch.cartesian_prod(torch.arange(17), torch.arange(17))
    away = {}  # how many cells from the first and from the second object -> a cell that is so far away
    for cell in cells:
        steps = [(object_.nonzero() - cell).abs().amax(dim=1).min().item() for object_ in (first, second)]
        away.setdefault(tuple(min(step, 3) for step in steps), cell.tolist())
    # Two colour words, one of each object: what is right for one of them is a half.
    for (one, two), cell in away.items():
        found = looking_at(*cell)
        assert found["inside"] == ((one == 0) + (two == 0)) / 2, cell
        assert found["near"] == ((one <= 1) + (two <= 1)) / 2, cell
        assert found["other"] == found["inside"], cell
    assert {(0, 3), (1, 3), (2, 3), (3, 0), (3, 3)} <= set(away)


def test_training_lowers_the_loss_repeats_itself_and_leaves_the_generator_alone():
    scenes = shapes.make(200)
    before = torch.get_rng_state()
    told = []
    one = grounding.train(scenes, steps=12, batch=8, width=16, told=lambda *said: told.append(said))
    assert torch.equal(torch.get_rng_state(), before)
    two = grounding.train(scenes, steps=12, batch=8, width=16)
    assert all(torch.equal(a, b) for a, b in zip(one.text.parameters(), two.text.parameters(), strict=True))
    assert [step for step, _ in told] == list(range(12)) and told[-1][1] < told[0][1]


def test_the_papers_cell_trains_with_damsm_loss():
    """With "dot" and competition the sum of the four terms is losses.damsm_loss, to the last bits."""
    scenes, told = shapes.make(6).take([0, 1, 2, 3, 4, 5] * 3), []  # captions meet themselves: the class mask has work
    encoders = grounding.train(scenes, steps=1, batch=8, width=16)
    grounding.train(scenes, steps=1, batch=8, width=16, seed=0, told=lambda _, loss: told.append(loss))
    torch.manual_seed(0)
    fresh = [type(encoders.image)(16), type(encoders.text)(len(shapes.VOCABULARY), 16)]
    random = torch.Generator().manual_seed(0)
    some = scenes.take(torch.randint(len(scenes), (8,), generator=random))
    regions, image_codes = fresh[0](some.pictures)
    words, sentence_codes = fresh[1](some.words, some.lengths)
    whole = losses.damsm_loss(regions, words, image_codes, sentence_codes, some.lengths, class_ids=some.class_ids)
    assert told[0] == pytest.approx(whole.item(), rel=1e-5)


def test_galleries_hold_each_caption_once_with_both_objects_and_no_training_scene():
    found = grounding.galleries()
    for scenes in found.values():
        assert len(scenes) == 300 == len(set(scenes.captions))
        assert (scenes.kinds == shapes.RELATION).any(dim=1).all()
    assert grounding.example().lengths.tolist() == [7]
    trained = {picture.numpy().tobytes() for picture in shapes.make(4000).pictures}
    assert not trained & {picture.numpy().tobytes() for picture in found["known"].pictures}


def test_recall_refuses_a_gallery_with_a_caption_twice():
    encoders = grounding.train(FEW, steps=1, batch=4, width=8)
    with pytest.raises(ValueError, match=r"scenes.*text side.*equal"):
        grounding.recall(encoders, FEW.take([0, 1, 0]))
    assert set(grounding.recall(encoders, FEW.take([0]))) == {"image_to_text", "text_to_image"}


def test_the_recorded_run_is_whole_and_says_where_it_comes_from():
    run = grounding.recorded_run()
    assert re.fullmatch(r"python -m xmatch_edu\.(course\.)?grounding", run["command"])
    cells = [(row["attention"], row["compete_over_words"], row["seed"]) for row in run["rows"]]
    assert len(cells) == 20 and set(cells) == {(*cell, seed) for cell in grounding.CELLS for seed in grounding.SEEDS}
    for measure in ("inside", "near", "other", "mass", "area", "area near"):
        for median, low, high in grounding.summary(run, "known", "shape", measure).values():
            assert 0 <= low <= median <= high <= 1
    examples = [row["example"] for row in run["rows"] if row["seed"] == 0]
    for example in examples:
        assert torch.allclose(torch.tensor(example).sum(dim=1), torch.ones(7), atol=0.02)
    assert not any("grounding" in str(gpu_run) for gpu_run in recorded.runs())


@pytest.mark.slow
def test_a_record_made_twice_is_the_same_but_for_the_seconds(tmp_path):
    (tmp_path / "scenes").mkdir()
    found = []
    for _ in range(2):
        grounding.record(tmp_path, seeds=[0], count=40, steps=2, gallery=10)
        found.append([{**row, "seconds": None} for row in grounding.recorded_run(tmp_path)["rows"]])
    assert found[0] == found[1]

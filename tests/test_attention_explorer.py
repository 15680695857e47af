"""AttentionExplorer without a browser: its numbers are the loops', and its still picture tells them."""

import math

import numpy as np
import pytest
import torch
from test_live_pictures import NAMES, PHOTO, TRUTH, V, W

from xmatch_edu import _inputs, loops
from xmatch_edu.explore import AttentionExplorer


@pytest.mark.parametrize("similarity", _inputs.ATTENTIONS)
@pytest.mark.parametrize("compete", [True, False])
def test_the_numbers_are_those_of_the_loops(similarity, compete):
    explorer = AttentionExplorer(torch.tensor(V, dtype=torch.float32), W.tolist(), gamma1=2)
    explorer.gamma2, explorer.attention, explorer.compete_over_words = 9, similarity, compete
    expected = loops.word_region_steps(
        V.astype(np.float32).astype(float), W, gamma1=2.0, gamma2=9.0, attention=similarity, compete_over_words=compete)
    for name, numbers in explorer.numbers()._asdict().items():
        assert np.array_equal(numbers, getattr(expected, name)), name


def test_the_still_picture_shows_every_word_as_it_stands():
    explorer = AttentionExplorer(V, W, picture=PHOTO, word_names=NAMES, truth=TRUTH, gamma1=3, attention="cosine")
    steps = explorer.numbers()
    assert "γ1 = 3 · γ2 = 5 · s: cosine · words compete" in repr(explorer)
    assert f"R = {steps.score - math.log(3) / 5:.3f} + ln 3 / γ2 = {steps.score:.3f}." in repr(explorer)
    for t, (name, look) in enumerate(zip(NAMES, steps.attention, strict=True)):
        row, column = divmod(int(look.argmax()), 3)
        where = f'"{name}" (cos {steps.cosines[t]:.2f}) brightest in row {row}, column {column}'
        assert where in repr(explorer)
    assert len(explorer.still().figure.axes) == 4

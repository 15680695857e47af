"""AttentionExplorer without a browser: its numbers are the loops', its traits are checked, its page is whole."""

import ast
import base64
import json
import math
import re

import numpy as np
import pytest
import torch
import traitlets

from xmatch_edu import _inputs, loops
from xmatch_edu.explore import AttentionExplorer, attention, live

RANDOM = np.random.default_rng(5)
V, W = RANDOM.normal(size=(9, 6)), RANDOM.normal(size=(3, 6))
PICTURE = RANDOM.integers(0, 256, (12, 12, 3), dtype=np.uint8)
NAMES = ["red", "</script><b>ring</b>", "\"above\" & more"]
TRUTH = np.array([[True] * 3 + [False] * 6, [False] * 8 + [True], [False] * 9])


@pytest.mark.parametrize("similarity", _inputs.ATTENTIONS)
@pytest.mark.parametrize("compete", [True, False])
def test_the_numbers_are_those_of_the_loops(similarity, compete):
    explorer = AttentionExplorer(torch.tensor(V, dtype=torch.float32), W.tolist(), gamma1=2)
    explorer.gamma2, explorer.attention, explorer.compete_over_words = 9, similarity, compete
    expected = loops.word_region_steps(
        V.astype(np.float32).astype(float), W, gamma1=2.0, gamma2=9.0, attention=similarity, compete_over_words=compete)
    for name, numbers in explorer.numbers()._asdict().items():
        assert np.array_equal(numbers, getattr(expected, name)), name


def test_every_trait_is_set_and_read_from_python():
    explorer = AttentionExplorer(V, W)
    assert [getattr(explorer, name) for name in attention._STATE] == [0, 5.0, 5.0, "dot", True]
    explorer.word, explorer.gamma1, explorer.compete_over_words = np.int64(2), np.float32(20), np.False_
    assert [getattr(explorer, name) for name in attention._STATE] == [2, 20.0, 5.0, "dot", False]
    assert type(explorer.word) is int and type(explorer.gamma1) is float  # what a message can carry
    assert type(explorer.compete_over_words) is bool
    assert explorer.score is None  # no browser has shown it
    for name in ("score", "data"):
        with pytest.raises(traitlets.TraitError):
            setattr(explorer, name, getattr(explorer, name))


BAD_TRAITS = {
    "word": ([3, -1, 0.5, "red", None, [0]], r"word \(text side\) must be a number from 0 to 2"),
    "gamma1": ([0, -1, math.nan, math.inf, 0.4, 101], "gamma1 must"),
    "gamma2": ([0, -1, math.nan, math.inf, 0.09, 101], "gamma2 must"),
    "attention": (["dots", 3, None], "attention must be one of"),
    "compete_over_words": ([1, "yes", None], "compete_over_words must be True or False"),
}


@pytest.mark.parametrize("name", BAD_TRAITS)
def test_a_wrong_trait_is_named_and_changes_nothing(name):
    values, words = BAD_TRAITS[name]
    explorer = AttentionExplorer(V, W)
    before = getattr(explorer, name)
    for value in values:
        with pytest.raises(ValueError, match=words):
            setattr(explorer, name, value)
        assert getattr(explorer, name) == before
    for gamma in attention.SLIDERS:
        with pytest.raises(TypeError, match=f"{gamma} must be a number"):
            setattr(explorer, gamma, "large")


BAD = {
    "regions of rank 1": ({"regions": V[0]}, r"regions must have shape \(R, D\) of one image"),
    "words of rank 3": ({"words": W[None]}, r"words must have shape \(T, D\) .*one text"),
    "no word": ({"words": W[:0]}, "words is empty.*text side"),
    "another width": ({"words": W[:, :5]}, "same width D.*6 on the image side and D = 5 on the text side"),
    "not finite": ({"regions": V * np.nan}, "regions must be finite; got nan at region 0, feature 0"),
    "ragged": ({"words": [[1, 2], [3]]}, r"words must hold real numbers.*text side"),
    "complex": ({"regions": V + 1j}, r"regions must hold real numbers.*image side"),
    "no square": ({"regions": V[:8]}, r"regions \(image side\) must be a square grid.*got R = 8"),
    "too many words": ({"words": np.ones((25, 6))}, r"words \(text side\): at most 24 .*got 25"),
    "too many regions": ({"regions": np.ones((625, 6))}, r"regions \(image side\): at most 576 .*got 625"),
    "too wide": ({"regions": np.ones((4, 513)), "words": np.ones((2, 513))}, "features .*at most 512 .*got 513"),
    "a float picture": ({"picture": PICTURE / 255}, r"picture \(image side\) must be"),
    "too few names": ({"word_names": NAMES[:2]}, r"word_names: .*text side\), 3; got 2"),
    "truth in numbers": ({"truth": TRUTH * 1}, r"truth must be .*bool"),
    "gamma1": ({"gamma1": 0}, "gamma1 must be positive"),
    "gamma2": ({"gamma2": 200}, "gamma2 must lie on the slider, from 0.1 to 100; got 200"),
    "attention": ({"attention": "sine"}, "attention must be one of"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_named(what):
    arguments, words = BAD[what]
    with pytest.raises(ValueError, match=words):
        AttentionExplorer(**{"regions": V, "words": W, **arguments})


def test_the_still_picture_shows_every_word_as_it_stands():
    explorer = AttentionExplorer(V, W, picture=PICTURE, word_names=NAMES, truth=TRUTH, gamma1=3, attention="cosine")
    data, metadata = explorer._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= data.keys()
    assert data["text/plain"] == metadata["image/png"]["alt"] == repr(explorer)
    steps = explorer.numbers()
    assert "γ1 = 3 · γ2 = 5 · s: cosine · words compete" in repr(explorer)
    assert f"R = {steps.score - math.log(3) / 5:.3f} + ln 3 / γ2 = {steps.score:.3f}." in repr(explorer)
    for t, (name, look) in enumerate(zip(NAMES, steps.attention, strict=True)):
        row, column = divmod(int(look.argmax()), 3)
        where = f'"{name}" (cos {steps.cosines[t]:.2f}) brightest in row {row}, column {column}'
        assert where in repr(explorer)
    assert len(explorer.still().figure.axes) == 4


def test_the_page_is_whole_and_calls_nobody(tmp_path):
    explorer = AttentionExplorer(V, W, picture=PICTURE, word_names=NAMES, truth=TRUTH, gamma2=7.5)
    explorer.word = 1
    explorer.save(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert not re.search(r"https?://|\bimport\b|\bfetch\(|@import", page)
    assert "<title>Words and regions</title>" in page
    assert page.count("</script>") == 2  # ours; that in a word ends nothing
    state = json.loads(re.search(r'id="explorer-state">(.*?)</script>', page, re.DOTALL)[1])
    assert (state["word"], state["gamma2"], state["data"]["names"]) == (1, 7.5, NAMES)
    for name, features in (("regions", V), ("words", W)):  # every digit
        assert base64.b64decode(state["data"][name]) == features.tobytes()
    assert len(state["data"]["outlines"][0]) == 8 and state["data"]["outlines"][2] == []
    assert '<noscript><img alt="γ1 = 5' in page


def test_the_script_needs_nothing_and_knows_every_trait():
    script, parts = attention._SCRIPT.read_text("utf-8"), live._PARTS.read_text("utf-8")
    assert not re.search(r"https?:|^\s*import\b|\bfetch\(|innerHTML", parts + script, re.MULTILINE)
    assert tuple(ast.literal_eval(re.search(r"const STATE = (\[.*?\]);", script)[1])) == attention._STATE
    assert tuple(re.findall(r"(\w+): { label:", script)) == _inputs.ATTENTIONS

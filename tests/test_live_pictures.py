"""What all live pictures have in common: what they are given and what their traits are set to is checked and named,
their still twin and their page are whole, and their scripts know their traits.

What each computes is tested in `test_live_numbers` and `test_search`, what a browser makes of it in `test_browser`.
"""

import ast
import base64
import json
import math
import re

import numpy as np
import pytest
import traitlets
from test_search import GALLERY, MODEL, Blind

from xmatch_edu import _inputs, explore, models
from xmatch_edu.explore import AttentionExplorer, MatchingExplorer, SearchExplorer, TileWalk, TrainingFilm
from xmatch_edu.explore.live import PAGE

RANDOM = np.random.default_rng(7)
S = RANDOM.normal(size=(5, 5))
F = RANDOM.normal(size=(5, 3))
DEAL = [2, 0, 4, 1, 3]
PICTURES = np.stack([np.full((6, 6, 3), 40 * i, dtype=np.uint8) for i in range(5)])
CAPTIONS = ["dog", "red apple", "sun", "</script><b>tea</b>", "a \"cup\" & more"]
V, W = RANDOM.normal(size=(9, 6)), RANDOM.normal(size=(3, 6))
PHOTO = RANDOM.integers(0, 256, (12, 12, 3), dtype=np.uint8)
NAMES = ["red", "</script><b>ring</b>", "\"above\" & more"]
TRUTH = np.array([[True] * 3 + [False] * 6, [False] * 8 + [True], [False] * 9])
FRAMES = {step: (0.3 * S + step / 20 * np.eye(5), 1.0 + step) for step in (0, 1, 10, 40)}
LOSSES = [1.6 / (1 + step) for step in range(40)]
GIVEN = {
    MatchingExplorer: {"scores": S},
    AttentionExplorer: {"regions": V, "words": W},
    TrainingFilm: {"frames": FRAMES},
    TileWalk: {"image_features": F, "text_features": F[::-1], "scale": 2.0, "size": 2},
    SearchExplorer: {"model": MODEL, "gallery": GALLERY},
}
BATCH = {"pictures": PICTURES, "captions": CAPTIONS}
MORE = {  # what else they may be given
    MatchingExplorer: {**BATCH, "image_features": F, "text_features": F, "margin": 0.4, "negatives": 3},
    AttentionExplorer: {"picture": PHOTO, "word_names": NAMES, "truth": TRUTH, "gamma2": 7.5},
    TrainingFilm: {**BATCH, "losses": LOSSES, "batch_size": 16},
    TileWalk: BATCH,
    SearchExplorer: {"query": "red zebra"},
}


def make(kind, **more):
    return kind(**{**GIVEN[kind], **more})


def each(table):
    return [(kind, *one) for kind, all_of_it in table.items() for one in all_of_it]


# A trait: its value at the start, what it is set to, what it then is; and what it refuses, in which words.
TRAITS = {
    MatchingExplorer: [
        ("view", "scores", "violations", "violations", ["probabilities", 3, None], "view must be one of"),
        ("direction", "both", "text_to_image", "text_to_image", ["rows"], "direction must be one of"),
        ("scale", 1.0, np.float32(4.0), 4.0, [0.4, 31, -1, math.nan, math.inf], "scale must"),
        ("margin", 0.2, np.float32(0.5), 0.5, [0, 0.019, 2.1, -1, math.nan, math.inf], "margin must"),
        ("negatives", "all", 3, 3, ["top 3", "some", 0, -1, 2.0, True, None, [1]], "negatives must be"),
        ("labels_follow", True, np.False_, False, [1, "yes", None], "labels_follow must be True or False"),
        ("order", [0, 1, 2, 3, 4], np.array(DEAL), DEAL,
         [[0, 1, 2, 3], [0, 0, 1, 2, 3], [1, 2, 3, 4, 5], 7, None, [0.0, 1, 2, 3, 4]], r"order .*text side"),
        ("cell", [0, 0], (np.int64(3), 4), [3, 4], [[0, 5], [-1, 0], [0], 3, None, [0.5, 1]], "cell must be"),
    ],
    AttentionExplorer: [
        ("word", 0, np.int64(2), 2, [3, -1, 0.5, "red", None, [0]], r"word \(text side\) must be a number from 0 to 2"),
        ("gamma1", 5.0, np.float32(20), 20.0, [0, -1, math.nan, math.inf, 0.4, 101], "gamma1 must"),
        ("gamma2", 5.0, 0.1, 0.1, [0, -1, math.nan, math.inf, 0.09, 101], "gamma2 must"),
        ("attention", "dot", "cosine", "cosine", ["dots", 3, None], "attention must be one of"),
        ("compete_over_words", True, np.False_, False, [1, "yes", None], "compete_over_words must be True or False"),
    ],
    TrainingFilm: [
        ("frame", 0, np.int64(3), 3, [4, -1, 0.5, "last", None], "frame must be a position in frames, from 0 to 3"),
        ("view", "scores", "image given text", "image given text", ["labels", "gradient", 3], "view must be one of"),
        ("cell", [0, 0], (np.int64(3), 4), [3, 4], [[0, 5], [-1, 0], [0], 3, None, [0.5, 1]], "cell must be"),
    ],
    TileWalk: [("step", 0, np.int64(4), 4, [-1, 19, 0.5, "last", None, [1]], "step must be an int from 0 to 18")],
    SearchExplorer: [
        ("query", "", "x" * 200, "x" * 200, ["x" * 201, None, 3, ["red"]],
         r"query \(text side\) must be a string of at most 200 letters; got"),
        ("picked", None, np.int64(4), 4, [6, -1, 0.5, "red", [0]],
         r"picked \(image side\) must be None or a position.*from 0 to 5; got"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "start", "given", "kept", "refused", "words"), each(TRAITS))
def test_a_trait_becomes_what_a_message_can_carry_and_a_wrong_value_changes_nothing(
        kind, name, start, given, kept, refused, words):  # fmt: skip
    picture = make(kind)
    assert getattr(picture, name) == start
    setattr(picture, name, given)
    assert getattr(picture, name) == kept and json.loads(json.dumps(getattr(picture, name))) == kept
    assert type(getattr(picture, name)) is type(kept)
    for value in refused:
        with pytest.raises(ValueError, match=words):
            setattr(picture, name, value)
        assert getattr(picture, name) == kept
    if type(kept) is float:
        with pytest.raises(TypeError, match=f"{name} must be a number"):
            setattr(picture, name, "large")


@pytest.mark.parametrize("kind", GIVEN)
def test_what_the_browser_says_and_the_data_are_nobodys_to_set(kind):
    picture = make(kind)
    told = {"loss", "ranking_loss", "score", "results"} & set(picture.trait_names())
    assert told and all(getattr(picture, name) is None for name in told - {"results"}), "no browser has shown it"
    assert {*kind._state, *told, "data"} <= set(picture.keys), "what is not sent is no use to the other side"
    for name in (*told, "data"):
        with pytest.raises(traitlets.TraitError):
            setattr(picture, name, getattr(picture, name))


def one(scores=S, scale=1.0):
    return {"frames": {0: (scores, scale)}}


BAD = {
    MatchingExplorer: [
        ({"scores": S[0]}, ValueError, r"scores must be \(N, N\)"),
        ({"scores": S[:4]}, ValueError, "a row for each image and a column for each text"),
        ({"scores": np.zeros((0, 0))}, ValueError, "N from 1 to 64"),
        ({"scores": np.zeros((65, 65))}, ValueError, r"N from 1 to 64; got \(65, 65\)"),
        ({"scores": np.where(np.eye(5) > 0, np.nan, S)}, ValueError, "scores must be finite; got nan at image 0, text"),
        ({"scores": [[1, 2], [3]]}, ValueError, "scores must hold real numbers"),
        ({"scores": S + 1j}, ValueError, "scores must hold real numbers"),
        ({"pictures": PICTURES[:4]}, ValueError, r"pictures: .*image side.*5; got 4"),
        ({"pictures": PICTURES / 255}, ValueError, r"pictures \(image side\) must be .* uint8"),
        ({"pictures": PICTURES[..., 0]}, ValueError, r"pictures \(image side\)"),
        ({"captions": [*CAPTIONS, "moon"]}, ValueError, r"captions: .*text side.*5; got 6"),
        ({"captions": []}, ValueError, r"captions: .*text side.*5; got 0"),
        ({"captions": "abcde"}, ValueError, "captions: a list of strings.*text side"),
        ({"image_features": F}, ValueError, r"text_features \(the text side\) is missing"),
        ({"image_features": F, "text_features": F[:, :2]}, ValueError, "same width D"),
        ({"image_features": F, "text_features": F[:4]}, ValueError, r"text_features: .*text side.*5; got 4"),
        ({"low": 0.0}, ValueError, "0 < low < high; got 0.0"),
        ({"high": math.inf}, ValueError, "low and high.* got 0.5 and inf"),
        ({"low": 9, "high": 3, "scale": 5}, ValueError, "0 < low < high"),
        ({"scale": 50}, ValueError, "scale must lie on the slider"),
        ({"scores": 1e308 * np.eye(2), "high": 1, "scale": 1}, ValueError, r"margin \+ .* may overflow"),
        ({"scores": 1e308 * np.eye(2)}, ValueError, "overflows"),
    ],
    AttentionExplorer: [
        ({"regions": V[0]}, ValueError, r"regions must have shape \(R, D\) of one image"),
        ({"words": W[None]}, ValueError, r"words must have shape \(T, D\) .*one text"),
        ({"words": W[:0]}, ValueError, "words is empty.*text side"),
        ({"words": W[:, :5]}, ValueError, "same width D.*6 on the image side and D = 5 on the text side"),
        ({"regions": V * np.nan}, ValueError, "regions must be finite; got nan at region 0, feature 0"),
        ({"regions": V + 1j}, ValueError, r"regions must hold real numbers.*image side"),
        ({"regions": V[:8]}, ValueError, r"regions \(image side\) must be a square grid.*got R = 8"),
        ({"words": np.ones((25, 6))}, ValueError, r"words \(text side\): at most 24 .*got 25"),
        ({"regions": np.ones((625, 6))}, ValueError, r"regions \(image side\): at most 576 .*got 625"),
        ({"regions": np.ones((4, 513)), "words": np.ones((2, 513))}, ValueError, "features .*at most 512 .*got 513"),
        ({"picture": PHOTO / 255}, ValueError, r"picture \(image side\) must be"),
        ({"word_names": NAMES[:2]}, ValueError, r"word_names: .*text side\), 3; got 2"),
        ({"truth": TRUTH * 1}, ValueError, r"truth must be .*bool"),
        ({"gamma2": 200}, ValueError, "gamma2 must lie on the slider, from 0.1 to 100; got 200"),
    ],
    TrainingFilm: [
        ({"frames": [(S, 1.0)]}, TypeError, "frames must be a dict.*got list"),
        ({"frames": {}}, ValueError, "frames: from 1 to 100 of them; got 0"),
        ({"frames": dict.fromkeys(range(101), (S, 1.0))}, ValueError, "from 1 to 100 .*got 101"),
        ({"frames": {5: (S, 1.0), 3: (S, 1.0)}}, ValueError, r"rising order; got \[5, 3\]"),
        ({"frames": {-1: (S, 1.0)}}, ValueError, "ints from 0 in rising order"),
        ({"frames": {0.5: (S, 1.0)}}, ValueError, "ints from 0 in rising order"),
        ({"frames": {True: (S, 1.0)}}, ValueError, "ints from 0 in rising order"),
        ({"frames": {0: (S,)}}, ValueError, r"frames, after 0 steps: must be a pair .*got 1 things"),
        ({"frames": {1: S[:2]}}, ValueError, r"frames, after 1 step: must be a pair .*got ndarray"),
        (one(S[:4]), ValueError, "frames, after 0 steps: scores .*a row for each image and a column for each text"),
        (one(np.zeros((33, 33))), ValueError, r"N from 1 to 32; got \(33, 33\)"),
        ({"frames": {0: (S, 1.0), 9: (S[:4, :4], 1.0)}}, ValueError,
         r"after 9 steps: .*same batch.*\(5, 5\) images by texts; got \(4, 4\)"),
        (one(scale=0.0), ValueError, "after 0 steps: scale must be positive"),
        (one(scale="large"), TypeError, "after 0 steps: scale must be a number"),
        (one(scale=1e308, scores=9 * S), ValueError, "after 0 steps: scale .*overflows"),
        ({"pictures": PICTURES[:4]}, ValueError, r"pictures: .*image side.*5; got 4"),
        ({"captions": "abcde"}, ValueError, "captions: a list of strings.*text side"),
        ({"losses": LOSSES[:39]}, ValueError, r"losses: .*at least 40 .*got shape \(39,\)"),
        ({"losses": np.ones(20_001)}, ValueError, "losses: .*at most 20,000"),
        ({**one(), "losses": []}, ValueError, "losses: .*at least 1 "),
        ({"losses": np.ones((40, 2))}, ValueError, r"losses: .*got shape \(40, 2\)"),
        ({"losses": [*LOSSES[:-1], math.inf]}, ValueError, "losses must .*inf at step 39"),
        ({"losses": LOSSES, "batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"batch_size": 16}, ValueError, "batch_size is for the line.*give losses too"),
    ],
    TileWalk: [
        ({"text_features": F[:4]}, ValueError, r"text_features: .*\(text side\), 5; got 4"),
        ({"image_features": F * np.nan}, ValueError, "image_features must be finite"),
        ({"image_features": F[:0]}, ValueError, r"image_features \(image side\): from 1 to 32 .*got 0"),
        ({"image_features": np.ones((33, 3))}, ValueError, "from 1 to 32 pairs; got 33"),
        ({"scale": 0.0}, ValueError, "scale must be positive"),
        ({"size": 0}, ValueError, "size must be at least 1"),
        ({"image_features": np.ones((32, 2)), "text_features": np.ones((32, 2)), "size": 1}, ValueError,
         "size: at most 100 tiles; 32 pairs in tiles of 1 are 1024"),
        ({"pictures": PICTURES[:4]}, ValueError, "pictures: .*image side.*5; got 4"),
        ({"captions": "abcde"}, ValueError, "captions: a list of strings.*text side"),
    ],
    SearchExplorer: [
        ({"model": object()}, TypeError, "model must have .*lacks encode_pictures, encode_texts, vocabulary"),
        ({"model": Blind()}, ValueError, "image_features must be finite; got nan at image 0, feature 0"),
        ({"gallery": [1, 2]}, TypeError, r"gallery must be EmojiPairs \(image and text side\); got list"),
        ({"gallery": GALLERY.take([])}, ValueError, "gallery: 1 to 2,000 pairs .*got 0"),
        ({"gallery": GALLERY.take([0] * 2001)}, ValueError, "gallery: 1 to 2,000 pairs .*got 2001"),
        ({"model": models.TwoBranch(MODEL.vocabulary, size=16)}, ValueError,
         r"pictures \(image side\) must be .*16, 16, 3"),
        ({"show": 0}, ValueError, "show must be at least 1"),
        ({"show": 25}, ValueError, r"show: at most 24 pictures \(image side\); got 25"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "arguments", "error", "words"), each(BAD))
def test_bad_input_is_named(kind, arguments, error, words):
    with pytest.raises(error, match=words):
        make(kind, **arguments)


@pytest.mark.parametrize("kind", GIVEN)
def test_a_cell_shows_the_picture_where_nothing_runs_with_its_description(kind):
    picture = make(kind, **MORE[kind])
    data, metadata = picture._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= data.keys()
    assert data["text/plain"] == metadata["image/png"]["alt"] == repr(picture) == picture.still().alt
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert (PAGE in data) == (kind is not SearchExplorer)


PAGES = {  # the title of the page, and what its data must hold to the last digit
    MatchingExplorer: ("One batch", {"scores": S, "captions": CAPTIONS, "text_features": F, "margins": [0.02, 2.0]}),
    AttentionExplorer: ("Words and regions", {"names": NAMES}),
    TrainingFilm: ("A film of training", {"scores": [scores for scores, _ in FRAMES.values()], "losses": LOSSES,
                                          "scales": [1, 2, 11, 41], "steps": [0, 1, 10, 40], "captions": CAPTIONS}),
    TileWalk: ("A walk over the tiles", {"image_features": F, "text_features": F[::-1], "scale": 2, "size": 2,
                                         "captions": CAPTIONS}),
}  # fmt: skip


@pytest.mark.parametrize("kind", PAGES)
def test_the_page_is_whole_and_calls_nobody(kind, tmp_path):
    title, holds = PAGES[kind]
    picture = make(kind, **MORE[kind])
    for name, _, given, *_ in TRAITS[kind]:
        setattr(picture, name, given)
    picture.save(tmp_path / "page.html", credit="Drawn by A & B")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert not re.search(r"https?://|\bimport\b|\bfetch\(|@import", page)
    assert f"<title>{title}" in page and "Drawn by A &amp; B" in page
    assert page.count("</script>") == 2  # ours; that in the caption ends nothing
    state = json.loads(re.search(r'id="explorer-state">(.*?)</script>', page, re.DOTALL)[1])
    assert {name: state[name] for name, *_ in TRAITS[kind]} == {name: kept for name, _, _, kept, *_ in TRAITS[kind]}
    for name, value in holds.items():
        assert np.array_equal(state["data"][name], value), name
    assert f'<noscript><img alt="{picture.still().alt[:20]}' in page
    if kind is AttentionExplorer:  # packed, and still every digit
        assert [base64.b64decode(state["data"][name]) for name in ("regions", "words")] == [V.tobytes(), W.tobytes()]
        assert len(state["data"]["outlines"][0]) == 8 and state["data"]["outlines"][2] == []
    if kind is MatchingExplorer:
        assert "<title>A &lt;page&gt;</title>" in picture.html(title="A <page>")


def test_without_a_kernel_the_search_does_not_pretend(tmp_path):
    picture = make(SearchExplorer)
    for page in (picture.html, lambda: picture.save(tmp_path / "page.html")):
        with pytest.raises(TypeError, match=r"needs a kernel.*save still\(\) instead"):
            page()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", GIVEN)
def test_the_script_needs_nothing_and_hears_of_every_trait(kind):
    assert not re.search(r"https?:|^\s*import\b|\bfetch\(|innerHTML", kind._esm, re.MULTILINE)
    heard = re.search(r"(?:const STATE = |alive\(model, )(\[.*?\])", kind._esm)[1]
    assert tuple(ast.literal_eval(heard)) == kind._state


def test_the_scripts_know_every_view_direction_and_measure():
    views = {}
    for module in (explore.matching, explore.film):
        script = module._SCRIPT.read_text("utf-8")
        found = re.findall(r'^  "([^"]+)": ({ kind: "(\w+)".*)$', script, re.MULTILINE)
        assert [(view, kind) for view, _, kind in found] == [(view, kind) for view, (kind, *_) in module.VIEWS.items()]
        for view, line, _ in found:
            assert views.setdefault(view, line) == line, "the same view looks the same in every live picture"
    script = explore.matching._SCRIPT.read_text("utf-8")
    assert re.findall(r"^  (\w+): { label: .*weights", script, re.MULTILINE) == list(_inputs.DIRECTIONS)
    assert tuple(re.findall(r"(\w+): { label:", explore.attention._SCRIPT.read_text("utf-8"))) == _inputs.ATTENTIONS

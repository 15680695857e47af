"""SearchExplorer without a browser: what it finds is what a literal computation finds, and its still picture tells."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from xmatch_edu import models
from xmatch_edu.data.emoji import EmojiPairs
from xmatch_edu.data.words import Vocabulary, phrases
from xmatch_edu.explore import SearchExplorer

CAPTIONS = ("red apple", "green apple", "red car", "green </script> frog", "old car", "red frog")


def pairs(captions=CAPTIONS):
    k = len(captions)
    pictures = torch.randint(0, 256, (k, 8, 8, 3), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    return EmojiPairs(
        emoji=tuple(map(str, range(k))), pictures=pictures, captions=tuple(captions), keywords=(("fruit", "red"),) * k,
        concepts=torch.arange(k), categories=("",) * k, split=torch.zeros(k, dtype=torch.int64),
    )  # fmt: skip


def branches(gallery, least=1):
    torch.manual_seed(8)
    return models.TwoBranch(Vocabulary(gallery, least), width=6, size=8)


GALLERY = pairs()
MODEL = branches(GALLERY)


def cosine(a, b):
    a, b = a.double(), b.double()
    return (a @ b / a.norm() / b.norm()).item()


@pytest.mark.parametrize("query", ["red", "Green APPLE!", "car car frog"])
def test_what_it_finds_is_what_a_literal_computation_finds(query):
    explorer = SearchExplorer(MODEL, GALLERY, show=3)
    explorer.query = query
    MODEL.eval()
    with torch.no_grad():
        asked = MODEL.text(MODEL.vocabulary.read([[query]]).numbers)[0]
        scores = [cosine(MODEL.image(GALLERY.pictures[k : k + 1])[0], asked) for k in range(6)]
    best = sorted(range(6), key=lambda k: -scores[k])[:3]
    results = explorer.results
    assert (results["query"], results["unknown"], results["picked"]) == (query, [], None)
    assert [one["position"] for one in results["found"]] == best
    for one in results["found"]:
        k = one["position"]
        assert one["score"] == pytest.approx(scores[k], abs=5.1e-4) and one["caption"] == CAPTIONS[k]
        drawn = Image.open(io.BytesIO(base64.b64decode(one["picture"].removeprefix("data:image/png;base64,"))))
        assert np.array_equal(np.asarray(drawn), GALLERY.pictures[k])


@pytest.mark.parametrize("position", range(6))
def test_a_picked_picture_has_the_words_and_texts_that_are_nearest(position):
    explorer = SearchExplorer(MODEL, GALLERY)
    explorer.picked = position
    picked, words = explorer.results["picked"], MODEL.vocabulary.words
    image = MODEL.encode_pictures(GALLERY.pictures)[position]
    of_words = {word: cosine(image, MODEL.encode_texts([[word]])[0]) for word in words}
    of_texts = [cosine(image, MODEL.encode_texts([phrases(GALLERY, k)])[0]) for k in range(6)]
    assert [word for word, _ in picked["words"]] == sorted(words, key=lambda word: -of_words[word])[:10]
    assert all(number == pytest.approx(of_words[word], abs=5.1e-4) for word, number in picked["words"])
    best = sorted(range(6), key=lambda k: -of_texts[k])
    assert [caption for caption, _, _ in picked["captions"]] == [CAPTIONS[k] for k in best[:5]]
    assert [own for _, _, own in picked["captions"]] == [k == position for k in best[:5]]
    assert picked["captions"][0][1] == pytest.approx(of_texts[best[0]], abs=5.1e-4)
    assert picked["rank"] == 1 + best.index(position) and type(picked["rank"]) is int
    assert (picked["position"], picked["caption"]) == (position, CAPTIONS[position])
    assert explorer.results["found"] == [] and explorer.results["query"] == ""
    explorer.query = "red"
    assert explorer.results["picked"] == picked and explorer.results["found"], "a query leaves the picked one"
    explorer.picked = None
    assert explorer.results["picked"] is None


def test_unknown_words_are_named_and_left_out():
    explorer = SearchExplorer(MODEL, GALLERY, query="red zebra car Zebra unicorn")
    results = explorer.results
    assert results["unknown"] == ["zebra", "unicorn"]
    explorer.query = "red car"
    assert [one["score"] for one in explorer.results["found"]] == [one["score"] for one in results["found"]]
    for nothing, unknown in [("zebra, unicorn", ["zebra", "unicorn"]), ("", []), ("  ", []), ("!?", [])]:
        explorer.query = nothing
        assert (explorer.results["found"], explorer.results["unknown"]) == ([], unknown)


class Same:
    """Branches that tell nothing apart, but for the picture with the most light."""

    vocabulary = MODEL.vocabulary

    def encode_pictures(self, pictures):
        return torch.ones(len(pictures), 3, requires_grad=True)

    def encode_texts(self, texts):
        return torch.ones(len(texts), 3, dtype=torch.float32)


def test_ties_stand_in_their_order_and_rank_in_their_middle():
    explorer = SearchExplorer(Same(), GALLERY, query="red", show=4)
    assert [one["position"] for one in explorer.results["found"]] == [0, 1, 2, 3]
    for position in (0, 5):
        explorer.picked = position
        assert explorer.results["picked"]["rank"] == 3.5
        assert [caption for caption, _, _ in explorer.results["picked"]["captions"]] == list(CAPTIONS[:5])
    explorer = SearchExplorer(Same(), pairs(CAPTIONS[:3]))
    explorer.picked = 2
    assert explorer.results["picked"]["rank"] == 2 and type(explorer.results["picked"]["rank"]) is int


def test_a_gallery_of_one_pair():
    one = pairs(["red apple"])
    explorer = SearchExplorer(branches(one), one, query="apple", show=8)
    assert [found["position"] for found in explorer.results["found"]] == [0]
    explorer.picked = 0
    assert explorer.results["picked"]["rank"] == 1
    assert {word for word, _ in explorer.results["picked"]["words"]} == {"apple", "fruit", "red"}
    assert explorer.data["size"] == len(explorer.data["start"]) == 1


def test_before_a_query_it_shows_pictures_evenly_picked():
    explorer = SearchExplorer(MODEL, GALLERY, show=3)
    assert [card["position"] for card in explorer.data["start"]] == [0, 2, 5]
    assert {"position", "caption", "picture"} == explorer.data["start"][0].keys()


def test_the_search_keeps_the_model_as_it_is_now():
    model = branches(GALLERY)
    model.train()
    explorer = SearchExplorer(model, GALLERY, query="red")
    assert model.training, "nothing of the model changes"
    before = explorer.results
    with torch.no_grad():
        for weight in model.parameters():
            weight.neg_()
    explorer.query = "car"
    explorer.query = "red"
    assert explorer.results == before


class Blind(Same):
    def encode_pictures(self, pictures):
        return torch.full((len(pictures), 3), torch.nan)


def test_the_still_picture_shows_what_was_found_and_what_was_picked():
    explorer = SearchExplorer(MODEL, GALLERY, query="red zebra", show=4)
    said = "; ".join(f"{one['caption']}, {one['score']:.2f}" for one in explorer.results["found"])
    assert repr(explorer) == f'A search for "red zebra". Best first: {said}. Not known, so left out: zebra.'
    shown = [ax.images[0].get_array() for ax in explorer.still().figure.axes]
    places = [one["position"] for one in explorer.results["found"]]
    assert all(np.array_equal(seen, GALLERY.pictures[k]) for seen, k in zip(shown, places, strict=True))

    explorer.query, explorer.picked = "", 3
    assert repr(explorer).startswith("A search. Some of the 6 pictures: red apple; ")
    picked = explorer.results["picked"]
    word, number = picked["words"][0]
    assert f"Picked: green </script> frog. Its words: {word} {number:.2f}, " in repr(explorer)
    assert repr(explorer).endswith(f"Its own text is number {picked['rank']} of 6.")
    explorer.query = "zebra"
    assert repr(explorer).startswith('A search for "zebra": none of these words is known: zebra. Some of the 6')


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU here")
def test_a_model_on_the_gpu_is_searched_as_well():
    explorer = SearchExplorer(branches(GALLERY).cuda(), GALLERY, query="red")
    explorer.picked = 1
    expected = SearchExplorer(branches(GALLERY), GALLERY, query="red").results["found"]
    for one, other in zip(explorer.results["found"], expected, strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=2e-3)

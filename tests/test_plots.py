"""Pictures say what they show, show what they are given, and stay readable in grey."""

import io
from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib import colormaps
from matplotlib.colors import to_hex
from PIL import Image

from xmatch_edu import plots
from xmatch_edu.plots import heatmaps
from xmatch_edu.plots.attention import HEAT, outline
from xmatch_edu.plots.costs import amount

S = np.array([[2.0, 0.5, 0.1], [0.4, 1.5, 1.2], [0.8, 0.9, 0.3]])
PICTURES = np.full((3, 32, 32, 3), 120, dtype=np.uint8)
CAPTIONS = ["dog face", "red apple", "sun"]


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png())).convert("RGB"))


def words(picture):
    """Every text that stands in the drawing."""
    return [t.get_text() for ax in picture.figure.axes for t in ax.texts]


def test_a_heatmap_draws_the_matrix_as_it_is_with_its_numbers():
    picture = plots.heatmap(S, pictures=PICTURES, captions=CAPTIONS, title="scores S")
    ax = picture.figure.axes[0]
    assert np.array_equal(ax.images[0].get_array(), S)  # row 0 on top, as in the matrix
    assert ax.yaxis_inverted()
    assert words(picture)[:9] == ["2.00", "0.50", "0.10", "0.40", "1.50", "1.20", "0.80", "0.90", "0.30"]
    assert [text.get_position() for text in ax.texts[:9]] == [(j, i) for i in range(3) for j in range(3)]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["dog face", "red apple", "sun"]
    assert pixels(picture).std() > 10


@pytest.mark.parametrize(("n", "numbers"), [(1, 1), (8, 64), (9, 0)])
def test_numbers_stand_in_the_cells_up_to_eight(n, numbers):
    assert len(words(plots.heatmap(np.eye(n)))) == numbers


def test_the_words_for_a_screen_reader_count_the_matches():
    alt = plots.heatmap(S, title="scores S").alt
    assert alt == (
        "Heatmap of scores S: 3 images (rows) by 3 texts (columns). "
        "The brightest cell of the row is a match in 2 of 3 rows."
    )
    assert "in 1 of 3 rows" in plots.heatmap(S, labels=np.array([0, 2, 0])).alt
    assert "(0, 2), (1, 0), (2, 1)" in plots.heatmap(np.eye(3)[[2, 0, 1]], kind="labels").alt


def test_a_tie_is_no_match_and_a_gradient_is_counted_by_its_sign():
    assert "in 0 of 3 rows" in plots.heatmap(np.zeros((3, 3))).alt
    gradient = np.where(np.eye(3) > 0, -0.2, 0.1)
    gradient[2, 2] = 0.3
    assert "2 of 3 matches are pushed up" in plots.heatmap(gradient, kind="gradient").alt


def test_violations_are_dark_where_nothing_costs_and_counted_in_words():
    cost = np.array([[0.0, 0.25, 0.0], [1.5, 0.0, 0.0]])
    picture = plots.heatmap(cost, kind="violations", title="hinges")
    assert picture.alt == (
        "Heatmap of hinges: 2 images (rows) by 3 texts (columns). 2 cells cost something, 1.75 in all."
    )
    image = picture.figure.axes[0].images[0]
    assert image.get_clim() == (0, 1.5) and image.get_cmap().name == "inferno"
    assert words(picture)[:4] == ["0.00", "0.25", "0.00", "1.50"]
    assert "1 cell costs something, 0.50 in all" in plots.heatmap(0.5 * np.eye(3)[:1], kind="violations").alt
    free = plots.heatmap(np.zeros((3, 3)), kind="violations")
    assert free.figure.axes[0].images[0].get_clim() == (0, 1) and "0 cells cost something, 0.00 in all" in free.alt
    two = plots.panels([("a", cost, "violations"), ("b", 2 * cost, "violations")], same_colours=True)
    assert [ax.images[0].get_clim() for ax in two.figure.axes] == [(0, 3), (0, 3)]


def test_each_row_has_its_own_picture():
    pictures = np.stack([np.full((4, 4, 3), shade, dtype=np.uint8) for shade in (10, 100, 200)])
    icons = list(plots.heatmap(S, pictures=pictures).figure.axes[0].artists)
    assert [int(box.offsetbox.get_data()[0, 0, 0]) for box in icons] == [10, 100, 200]
    assert [box.xy[1] for box in icons] == [0, 1, 2]


def test_colours_have_fixed_meanings():
    limits = {kind: plots.heatmap(S / 3, kind=kind).figure.axes[0].images[0].get_clim() for kind in heatmaps._STYLES}
    assert limits["probabilities"] == limits["labels"] == (0, 1)
    assert limits["gradient"] == (-2 / 3, 2 / 3)  # 0 in the middle
    assert limits["scores"] == (0.1 / 3, 2 / 3)


def test_numbers_are_legible_on_their_cells():
    dark, light = plots.heatmap(np.array([[0.0, 1.0]]), kind="probabilities").figure.axes[0].texts
    assert (dark.get_color(), light.get_color()) == ("white", "black")
    assert words(plots.heatmap(np.array([[-0.001, 0.0]]), kind="gradient")) == ["+0.00", "+0.00"]


def test_panels_stand_in_reading_order():
    boxes = [ax.get_position() for ax in plots.matching_panels(S).figure.axes]
    assert [round(box.x0, 3) for box in boxes[:3]] == sorted({round(box.x0, 3) for box in boxes})
    assert boxes[0].y0 == boxes[2].y0 > boxes[3].y0 == boxes[4].y0


def test_frames_are_left_out_where_they_would_smear():
    assert len(plots.heatmap(np.eye(9)).figure.axes[0].patches) == 18
    assert len(plots.heatmap(np.eye(99)).figure.axes[0].patches) == 0


def test_tensors_of_every_kind_are_drawn():
    scores = torch.tensor(S, dtype=torch.bfloat16, requires_grad=True)
    expected = plots.matching_panels(scores.detach().double().numpy())
    assert plots.matching_panels(scores, torch.arange(3)).alt == expected.alt


def test_frames_stand_on_the_matches():
    frames = plots.heatmap(S, labels=np.array([2, 0, 1])).figure.axes[0].patches
    corners = {(p.get_y() + 0.5, p.get_x() + 0.5) for p in frames}
    assert corners == {(0, 2), (1, 0), (2, 1)}


def test_matching_panels_show_what_the_loops_compute():
    picture = plots.matching_panels(2.0 * S, pictures=PICTURES, captions=CAPTIONS)
    shown = [ax.images[0].get_array() for ax in picture.figure.axes]
    assert len(shown) == 5
    scores, rows, columns, labels, gradient = shown
    assert np.array_equal(scores, 2.0 * S) and np.array_equal(labels, np.eye(3))
    assert np.allclose(rows.sum(axis=1), 1) and np.allclose(columns.sum(axis=0), 1)
    assert np.allclose(gradient, ((rows - labels) / 3 + (columns - labels) / 3) / 2)


def test_a_picture_carries_its_words_into_the_notebook():
    data, metadata = plots.heatmap(S)._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] != ""
    assert isinstance(data["image/png"], str)


def test_a_batch_shows_every_pair():
    picture = plots.batch(PICTURES, CAPTIONS)
    assert words(picture) == ["0: dog face", "1: red apple", "2: sun"]
    assert all(caption in picture.alt for caption in CAPTIONS)


@pytest.mark.parametrize("kind", [*heatmaps._STYLES, None])
def test_colours_rise_steadily_in_grey(kind):
    colours = colormaps[heatmaps._STYLES[kind][0] if kind else HEAT](np.linspace(0, 1, 64))[:, :3]
    grey = colours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(grey) > 0).all()


LOOKS = np.array([[0.1, 0.2, 0.6, 0.1], [0.25, 0.25, 0.25, 0.25], [0, 0, 0, 0]])  # three words, four regions
PHOTO = np.random.default_rng(3).integers(0, 256, (10, 10, 3), dtype=np.uint8)
TRUTH = np.array([[0, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
WORDS = ["red", "cross", "above"]


def test_attention_shows_the_picture_then_each_word_with_its_light_where_it_looks():
    picture = plots.attention(PHOTO, WORDS, LOOKS, truth=TRUTH, notes=["mass 0.70", "b", "c"], title="two\nlines")
    plain, *panels = picture.figure.axes
    assert np.array_equal(plain.images[0].get_array(), PHOTO) and plain.get_title() == "the picture"
    assert [ax.get_title() for ax in panels] == ['"red"', '"cross"', '"above"']
    assert [ax.get_xlabel() for ax in panels] == ["mass 0.70", "b", "c"]
    assert picture.alt == (
        'two lines. Where each word looks, among 2×2 regions counted from 0: "red" (mass 0.70) brightest in row 1, '
        'column 0, inside its outline; "cross" (b) brightest in row 0, column 0, outside its outline; "above" (c) '
        "looks nowhere."
    )
    red, even, dark = (np.asarray(ax.images[0].get_array()) for ax in panels)
    grey = 0.45 * (PHOTO / 255 @ [0.3, 0.59, 0.11])
    # No attention: the dark picture alone, all the same in red, green and blue. Some: light on top of it, by the map.
    assert dark.shape == (24, 24, 3) and np.allclose(dark[0, 0], grey[0, 0], atol=0.01) and np.ptp(dark, 2).max() < 0.02
    for cell, look in np.ndenumerate(LOOKS[0].reshape(2, 2)):
        y, x = (12 * place + 6 for place in cell)
        light = np.array(colormaps[HEAT](look / 0.6)[:3])
        assert np.allclose(red[y, x], 1 - (1 - grey[y * 10 // 24, x * 10 // 24]) * (1 - light)), cell
    assert even.min() > 0.6  # looks at all alike: all bright
    assert "regions" in plots.attention(torch.tensor(PHOTO), WORDS, torch.tensor(LOOKS, dtype=torch.bfloat16)).alt


@pytest.mark.parametrize(("count", "lines"), [(1, 1), (4, 1), (7, 2), (8, 2), (24, 5)])
def test_words_stand_in_lines_and_without_a_picture_the_heat_stands_alone(count, lines):
    looks = np.tile(LOOKS[:1], (count, 1))
    panels = plots.attention(PHOTO, [f"w{t}" for t in range(count)], looks).figure.axes
    assert len(panels) == count + 1 and len({round(ax.get_position().y0, 6) for ax in panels}) == lines
    alone = plots.attention(None, None, looks[:, :1]).figure.axes
    assert len(alone) == count and alone[0].get_title() == '"word 0"'
    assert alone[0].images[0].get_array().shape == (1, 1, 3)


def test_the_truth_is_outlined_by_a_black_line_on_a_white_one():
    assert sorted(outline(np.array([[False, True], [False, False]]))) == [
        [(1, 0), (1, 1)], [(1, 0), (2, 0)], [(1, 1), (2, 1)], [(2, 0), (2, 1)]]  # fmt: skip
    assert len(outline(np.ones((3, 3), bool))) == 12 and outline(np.zeros((3, 3), bool)) == []
    red = plots.attention(None, WORDS, LOOKS, truth=TRUTH).figure.axes[0]
    white, black = red.collections
    assert [to_hex(line.get_color()[0]) for line in (white, black)] == ["#ffffff", "#000000"]
    assert white.get_linewidth()[0] > black.get_linewidth()[0] and len(white.get_segments()) == 6  # the lower two cells


BAD = {
    "rank 1": (lambda: plots.heatmap(S[0]), "matrix must be"),
    "empty": (lambda: plots.heatmap(np.zeros((0, 3))), "matrix must be"),
    "unknown kind": (lambda: plots.heatmap(S, kind="loss"), "kind must be one of"),
    "too few pictures": (lambda: plots.heatmap(S, pictures=PICTURES[:2]), "image side"),
    "float pictures": (lambda: plots.heatmap(S, pictures=PICTURES / 255), r"pictures \(image side\) must be .* uint8"),
    "too many captions": (lambda: plots.heatmap(S, captions=[*CAPTIONS, "moon"]), "text side"),
    "two shapes": (lambda: plots.panels([("S", S, "scores"), ("T", S[:2], "scores")]), "every panel shows one batch"),
    "labels too few": (lambda: plots.heatmap(S, labels=[0, 1]), "labels must have one entry for each image"),
    "a label out of range": (lambda: plots.heatmap(S, labels=[0, 1, -1]), r"labels .* \(text side\); got -1"),
    "NaN": (lambda: plots.heatmap(S * np.nan), "matrix must be finite; got nan at image 0, text 0"),
    "no panel": (lambda: plots.panels([]), "parts is empty"),
    "an empty batch": (lambda: plots.batch([], []), "captions is empty"),
    "captions one string": (lambda: plots.heatmap(S, captions="abc"), "text side"),
    "captions numbers": (lambda: plots.heatmap(S, captions=[1, 2, 3]), "text side"),
    "a list for a kind": (lambda: plots.heatmap(S, kind=["scores"]), "kind must be one of"),
    "a batch with two lengths": (lambda: plots.batch(PICTURES[:2], CAPTIONS), "image side"),
    "attention of rank 1": (lambda: plots.attention(None, None, LOOKS[0]), r"attention must be \(T, R\).*text side"),
    "attention of words": (lambda: plots.attention(None, None, [["a"]]), r"attention must be \(T, R\) numbers"),
    "attention below 0": (lambda: plots.attention(None, None, -LOOKS), r"attention of a word \(text side\).*-0.6"),
    "attention NaN": (lambda: plots.attention(None, None, LOOKS * np.nan), "attention must be finite.* word 0, region"),
    "no square": (lambda: plots.attention(None, None, LOOKS[:, :3]), r"regions \(image side\).* G×G; got R = 3"),
    "a grey picture": (lambda: plots.attention(PHOTO[..., 0], WORDS, LOOKS), r"picture \(image side\) must be"),
    "an oblong picture": (lambda: plots.attention(PHOTO[:5], WORDS, LOOKS), r"picture \(image side\) must be"),
    "a float picture": (lambda: plots.attention(PHOTO / 255, WORDS, LOOKS), r"picture \(image side\).*float64"),
    "too few words": (lambda: plots.attention(PHOTO, WORDS[:2], LOOKS), r"word_names: .*text side\), 3; got 2"),
    "one word": (lambda: plots.attention(PHOTO, "abc", LOOKS), "word_names: a list of strings.*text side"),
    "notes": (lambda: plots.attention(PHOTO, WORDS, LOOKS, notes=["a"]), r"notes: one .*text side\), 3; got 1"),
    "truth in squares": (lambda: plots.attention(PHOTO, WORDS, LOOKS, truth=TRUTH.reshape(3, 2, 2)), r"truth must be"),
    "truth in numbers": (lambda: plots.attention(PHOTO, WORDS, LOOKS, truth=TRUTH * 1.0), "truth must be.*bool"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_named(what):
    call, words = BAD[what]
    with pytest.raises(ValueError, match=words):
        call()


def filled(picture):
    """How many faces of cells are drawn solid, and how many dotted."""
    patches = picture.figure.axes[0].patches
    solid = sum(patch.get_facecolor()[3] > 0 for patch in patches)
    return solid, len(patches) - solid


def test_shapes_draw_a_cell_for_each_number_and_dots_for_what_broadcasting_copies():
    flat = plots.shapes(("images", "N D"), "@", ("texts.T", "D M"), "→", ("S", "N M"))
    assert filled(flat) == (4 * 5 + 5 * 3 + 4 * 3, 0)
    assert repr(flat) == "Shapes drawn as boxes of cells: images (N, D) @ texts.T (D, M) → S (N, M)."
    assert {"N", "D", "M", "S", "@"} <= set(words(flat))
    stretched = plots.shapes(("images", "N (M) D"))
    front, top, side = 4 * 3, 3 * 5, 4 * 5
    assert filled(stretched) == (4 + 5, front + top + side - 4 - 5)  # one column of the front and one row of the top
    assert "images (N, 1, D)" in repr(stretched)
    other = plots.shapes(("texts", "(N) M D"))
    assert filled(other) == (3 + 3 * 5 + 5, (4 - 1) * (3 + 5))  # the uppermost row, the whole top, its end
    assert repr(plots.shapes(("row", "D"))) == "Shapes drawn as boxes of cells: row (D,)."
    for wrong in ("", "N Q", "N M D N", "(N"):
        with pytest.raises(ValueError, match="axes"):
            plots.shapes(("x", wrong))


def test_costs_are_straight_lines_for_powers_with_each_name_at_its_end():
    curves = {"slow": {16: 1e-3, 64: 16e-3}, "fast": {16: 2e-6, 64: 32e-6, 256: 512e-6}, "none": {16: 0.0}}
    picture = plots.costs(curves, unit="seconds", slopes=(2,))
    ax = picture.figure.axes[0]
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert [line.get_xdata().tolist() for line in ax.lines[:2]] == [[16, 64], [16, 64, 256]]
    guide = ax.lines[2]
    assert np.diff(np.log(guide.get_ydata()))[0] == pytest.approx(2 * np.diff(np.log(guide.get_xdata()))[0])
    assert {"slow", "fast", " N²"} <= set(words(picture)) and "none" not in words(picture)
    assert repr(picture) == "Seconds against N, both axes logarithmic. At N = 64: fast 32 µs, slow 16 ms."
    apart = plots.costs({"a": {1: 5.0}, "b": {2: 5.0}}, unit="bytes", x="D")
    assert repr(apart) == "Bytes against D, both axes logarithmic. Curves: a, b."
    for arguments, word in [(({"a": {1: 1.0}}, "hours"), "unit"), (({}, "seconds"), "curves")]:
        with pytest.raises(ValueError, match=word):
            plots.costs(arguments[0], unit=arguments[1])


def test_names_of_curves_that_end_together_do_not_overlap():
    picture = plots.costs({name: {1: 1.0, 2: 1.0 + 1e-9 * i} for i, name in enumerate("abcd")}, unit="seconds")
    heights = sorted(text.xyann[1] for text in picture.figure.axes[0].texts)
    assert min(np.diff(heights)) >= 0.06


@pytest.mark.parametrize("value, unit, said", [
    (2e-7, "seconds", "0.2 µs"), (1e-3 * (1 - 1e-6), "seconds", "1 ms"),
    (0.0021, "seconds", "2.1 ms"), (0.1234, "seconds", "123 ms"), (12, "seconds", "12 s"),
    (8, "bytes", "8 B"), (524_288, "bytes", "524 kB"), (8.6e9, "bytes", "8.6 GB"),
])  # fmt: skip
def test_amounts_read_as_people_write_them(value, unit, said):
    assert amount(value, unit) == said


def test_boxes_stand_apart_inside_the_picture_in_the_colour_of_what_they_count():
    picture = plots.shapes(
        ("a long name for a column", "N"), ("pairs", "N M D"), ("texts", "M D"), ("none", "D")
    )
    ax = picture.figure.axes[0]
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    places = np.concatenate([patch.get_xy() for patch in ax.patches] + [[text.get_position()] for text in ax.texts])
    assert (places >= [left, bottom]).all() and (places <= [right, top]).all() and ax.get_aspect() == 1
    ends = np.cumsum([4, 4 * 3 + 3 * 5 + 4 * 5, 3 * 5, 5])
    boxes = [np.concatenate([ax.patches[i].get_xy() for i in box]) for box in np.split(np.arange(ends[-1]), ends[:-1])]
    assert all(one[:, 0].max() < other[:, 0].min() for one, other in pairwise(boxes))
    assert all(abs(box[:, 1].max() + box[:, 1].min()) < 1e-9 for box in boxes)  # all centred on one line
    assert all(len({tuple(corner) for corner in patch.get_xy()}) == 4 for patch in ax.patches)
    colours = list(dict.fromkeys(to_hex(patch.get_facecolor()) for patch in ax.patches))
    assert colours == ["#4477aa", "#88cc99", "#ee9944", "#cccccc"]  # images, pairs, texts, neither
    rows = [patch.get_xy()[:-1].mean(axis=0)[1] for patch in ax.patches[4 : 4 + 12]]
    assert rows == sorted(rows, reverse=True)  # row 0 is on top


def test_a_curve_is_named_at_its_last_point_in_its_colour_and_the_guide_stays_inside():
    picture = plots.costs({"climbs": {1: 1.0, 4: 8.0}, "falls": {1: 8.0, 4: 1.0}}, unit="bytes", slopes=(3,))
    ax = picture.figure.axes[0]
    names = {text.get_text(): text for text in ax.texts if hasattr(text, "xyann")}
    assert names["falls"].xy == (4, 1.0) and names["climbs"].xy == (4, 8.0)
    assert names["falls"].xyann[1] < 0.5 < names["climbs"].xyann[1] < 1.0
    assert [names[name].get_color() for name in ("climbs", "falls")] == [line.get_color() for line in ax.lines[:2]]
    assert ax.lines[2].get_xdata()[-1] < 4 and ax.lines[2].get_ydata()[-1] <= 8.0 * (1 + 1e-9)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "4"]
    assert ax.yaxis.get_major_formatter()(2000, 0) == "2 kB"


def test_a_dot_for_each_run_and_a_bar_at_their_median():
    picture = plots.spread({"one": [3.0, 1.0, 2.0], "other": [5.0]}, x="R@10", chance=0.5)
    ax = picture.figure.axes[0]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == [[3.0, 1.0, 2.0], [5.0]]
    assert [set(line.get_ydata()) for line in dots] == [{0}, {1}]
    bars = [line for line in ax.lines if line.get_linewidth() == 2 and line.get_color() == "black"]
    assert [list(line.get_xdata()) for line in bars] == [[2.0, 2.0], [5.0, 5.0]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "other"]
    low, high = ax.get_ylim()
    assert low > 1 > 0 > high, "the first name is on top"
    assert picture.alt == "R@10, median and range: one 2 (1 to 3), other 5 (5 to 5). Chance: 0.5."
    assert "Chance" not in plots.spread({"one": [1.0]}, x="R").alt


@pytest.mark.parametrize("runs", [{}, {"one": []}])
def test_a_spread_of_nothing_is_refused(runs):
    with pytest.raises(ValueError, match="runs: a picture needs"):
        plots.spread(runs, x="R")


def test_arrows_lie_over_the_true_one_and_say_how_far_they_point_away():
    picture = plots.arrows({"right": (1, 0), "short": (0.5, 0), "astray": (1.2, 30)})
    tips = [tuple(round(float(x), 3) for x in t.xy) for t in picture.figure.axes[0].texts if not t.get_text()]
    assert tips[::2] == [(1, 0), (1, -0.75), (1, -1.5)]
    assert tips[1::2] == [(1, 0), (0.5, -0.75), (1.039, -0.9)]
    assert picture.alt == ("Arrows beside the true one: right 1.00 times as long, 0 degrees away, short 0.50 times as "
                           "long, 0 degrees away, astray 1.20 times as long, 30 degrees away.")  # fmt: skip
    assert pixels(picture).std() > 5
    with pytest.raises(ValueError, match="ways is empty"):
        plots.arrows({})

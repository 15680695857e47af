"""The live pictures of one batch and of one text under keys and mouse, each as a page of its own; and their words.

What they compute is tested in `test_browser`, where the page comes from.
"""

import statistics

import numpy as np
import pytest
import test_browser
from test_browser import DRAWN, RANDOM, batch, looking, plain, put, state

from xmatch_edu import loops
from xmatch_edu.explore import AttentionExplorer, MatchingExplorer, matching

browser, page, show = test_browser.browser, test_browser.page, test_browser.show
ROW = ".xw-list label >> nth="
# From the key until the frame with its picture has been handed over; a message waits for that.
WATCH = """() => { window.times = []; addEventListener("keydown", () => {
  const key = performance.now(), { port1, port2 } = new MessageChannel();
  port1.onmessage = () => times.push(performance.now() - key);
  requestAnimationFrame(() => port2.postMessage(0));
  }, true); }"""


def pixels(page, canvas=".xm canvas"):
    return page.eval_on_selector(canvas, "canvas => canvas.toDataURL()")


def pick(page, canvas):
    """Walk through a heatmap of 5 × 5 cells by keys, then click at row 1, column 2."""
    page.focus(canvas)
    for key, cell in [("ArrowRight", [0, 1]), ("ArrowDown", [1, 1]), ("ArrowUp", [0, 1]), ("ArrowUp", [0, 1]),
                      ("End", [0, 4]), ("ArrowRight", [0, 4]), ("Home", [0, 0]), ("PageDown", [4, 0])]:  # fmt: skip
        page.keyboard.press(key)
        assert state(page, "cell") == cell, key
    page.click(canvas, position={"x": 30 + 80 * 2.5, "y": 10 + 80 * 1.5})
    assert state(page, "cell") == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "view", "loss", "ends"), [("scale", "text given image", "loss", (0.5, 30.0)),
                                                            ("margin", "violations", "ranking_loss", (0.02, 2.0))])
def test_a_slider_moves_the_picture_and_its_loss_by_keyboard(show, name, view, loss, ends):
    explorer = batch(8, view=view)
    page = show(explorer)
    seen = lambda: (pixels(page), state(page, loss), page.inner_text(".xm-loss"))  # noqa: E731
    page.focus(f"input[aria-label={name}]")
    before, stood = seen(), getattr(explorer, name)
    page.keyboard.press("ArrowRight")
    page.evaluate(DRAWN)
    setattr(explorer, name, state(page, name))
    assert stood < getattr(explorer, name) < 1.06 * stood
    assert state(page, loss) == pytest.approx(explorer.numbers()[loss.replace("_", " ")], rel=1e-9)
    assert all(now != then for now, then in zip(seen(), before, strict=True))
    for key, end in zip(("Home", "End"), ends, strict=True):
        page.keyboard.press(key)
        assert state(page, name) == end


@pytest.mark.slow
def test_the_numbers_at_the_bar_end_before_the_canvas_does(show):
    explorer = batch(8)
    page = show(explorer)
    for view in matching.VIEWS:
        put(page, explorer, view=view)
        inked = page.eval_on_selector(".xm canvas", """canvas => [...canvas.getContext("2d")
            .getImageData(canvas.width - 1, 0, 1, canvas.height).data].filter((_, at) => at % 4 === 3)""")
        assert len(inked) > 400 and not any(inked), view


def test_keys_and_mouse_pick_a_cell_and_its_story_is_told(show):
    F = RANDOM.normal(size=(2, 5, 7))
    explorer = batch(5, image_features=F[0], text_features=F[1])
    page = show(explorer)
    page.click("text=shuffle the texts")
    explorer.order = explorer.shuffles[0]
    assert state(page, "order") == explorer.order
    pick(page, ".xm canvas")
    for i, k in ([1, 2], [3, int(explorer.labels[3])]):
        put(page, explorer, cell=[i, k])
        numbers = explorer.numbers()
        ears, eyes = page.get_attribute(".xm canvas", "aria-label"), page.inner_text(".xm-story").replace("−", "-")
        assert ears == page.text_content(".xm-ears") and f"Row {i}, image {i} (text number {i}). Column {k}" in ears
        assert f"Label {int(explorer.labels[i] == k)}." in ears
        for view, digits in [("scores", 3), ("text given image", 3), ("image given text", 3), ("gradient", 4)]:
            assert f"{numbers[view][i, k]:.{digits}f}" in eyes, view
        assert f"Dot product of the features {F[0, i] @ F[1, explorer.order[k]]:.3f}" in eyes
        products = F[0, i] * F[1, explorer.order[k]]
        for d in np.argsort(-abs(products))[:3]:
            assert f"= {products[d]:+.3f}" in eyes
        pair = [-np.log(numbers[view][i, k]) for view in ("text given image", "image given text")]
        share = f"{sum(pair) / 2 / 5:.3f} of the loss {numbers['loss']:.3f}"
        assert (share if explorer.labels[i] == k else "only matches pay") in eyes


@pytest.mark.slow
def test_every_control_works_by_keyboard(show):
    explorer = batch(5, negatives=4)
    page = show(explorer)

    def press(selector, key, trait):
        page.focus(selector)
        page.keyboard.press(key)
        page.evaluate(DRAWN)
        return state(page, trait)

    assert press("input[value=scores]", "ArrowRight", "view") == "text given image"
    assert press("input[value=both]", "ArrowLeft", "direction") == "text_to_image"
    assert [press("text=shuffle the texts", key, "order") for key in ("Enter", "Space")] == explorer.shuffles[:2]
    assert press("input[type=checkbox]", "Space", "labels_follow") is False
    assert press("text=put them back", "Enter", "order") == [0, 1, 2, 3, 4]
    put(page, explorer, view="violations")
    assert "top 4" in page.inner_text(".xm-negatives")
    for value, negatives in [("top", "hardest"), ("hardest", "all"), ("all", 4)]:
        assert press(f"input[name^=xm-negatives][value={value}]", "ArrowRight", "negatives") == negatives
    put(page, explorer, negatives=2)
    assert page.is_checked("input[value=top]") and "top 2" in page.inner_text(".xm-negatives")


def test_the_story_of_a_violation_says_the_hinge_of_each_side(show):
    scores = [[0.5, 0.75, 0.25], [0.5, 0.5, -0.25], [0.625, 0.0, 1.0]]
    explorer = MatchingExplorer(scores, view="violations", margin=0.5, negatives="hardest")
    page = show(explorer)

    def told(**chosen):
        put(page, explorer, **chosen)
        story = page.inner_text(".xm-story dl").split("\n")
        return {name: plain(words) for name, words in zip(story[::2], story[1::2], strict=True)}

    assert told(cell=[0, 1]) == {
        "score": "0.750",
        "row": "margin 0.5 + 0.750 - 0.500 (the match) = 0.750: costs 0.750",
        "column": "margin 0.5 + 0.750 - 0.500 (the match) = 0.750: costs 0.750",
        "label": "0: the match of this row is column 0, of this column row 1",
        "gradient": "+2: pushed down twice, by its row and its column",
    }
    ears = plain(page.get_attribute(".xm canvas", "aria-label"))
    assert ears == ("Row 0, image 0. Column 1, text 1. Score 0.750. Costs 1.500. Label 0. Gradient +2, pushed down "
                    "twice, by its row and its column.")  # fmt: skip
    other = told(cell=[0, 2])
    assert other["row"] == "margin 0.5 + 0.250 - 0.500 (the match) = 0.250: but not the hardest: left out"
    assert other["column"] == "margin 0.5 + 0.250 - 1.000 (the match) = -0.250: far enough, costs nothing"
    assert other["gradient"] == "0: training leaves this score"
    assert "+ 0.250 - 0.500 (the match) = 0.250: costs 0.250" in told(negatives=2)["row"]
    assert "margin 0.5 - 0.250 - 0.500 (the match) = -0.250" in told(negatives="all", cell=[1, 2])["row"]
    match = told(cell=[0, 0])
    assert match["row"] == "the match: 2 of 2 non-matches cost something in this row, 1.000 in all"
    assert match["column"] == "the match: 2 of 2 non-matches cost something in this column, 1.125 in all"
    assert match["gradient"] == "-4: pulled up 4 times, by 2 violations in its row and 2 violations in its column"
    rows = told(negatives="hardest", direction="image_to_text")
    assert set(rows) == {"score", "row", "label", "gradient"}
    assert rows["gradient"] == "-1: pulled up once, by 1 violation in its row"
    assert set(told(direction="text_to_image")) == {"score", "column", "label", "gradient"}
    assert set(told(view="gradient")) == {"score", "row", "column", "label", "gradient", "pays"}
    explorer.direction = "both"
    gradient = loops.ranking_gradient(explorer.scores, margin=0.5, negatives="hardest")
    for cell in np.ndindex(3, 3):  # the gradient counted in words is that of the loops
        words = told(view="violations", direction="both", cell=list(cell))["gradient"]
        assert float(words.split(":")[0]) == gradient[cell], cell


@pytest.mark.slow
def test_from_key_to_picture(show, capsys):
    """No assertion: the time belongs to the machine. One frame of a screen is 16.7 ms, and waiting for it counts."""
    cell, arrows = (".xm canvas", ["ArrowRight", "ArrowDown"]), ["ArrowRight", "ArrowLeft"]
    largest = [  # what is smaller is faster
        ("N = 64", batch(64), {"scale": ("input[aria-label=scale]", arrows), "cell": cell}),
        ("T = 24, R = 576, D = 512", looking(24, 24, 512), {
            "gamma1": ("input[type=range]", arrows), "region": cell,
            "word": (".xw-list input", ["ArrowDown", "ArrowUp"])}),
    ]  # fmt: skip
    for size, explorer, moves in largest:
        page = show(explorer)
        page.evaluate(WATCH)
        for what, (selector, keys) in moves.items():
            page.focus(selector)
            page.evaluate("times.length = 0")
            for move in range(20):
                page.keyboard.press(keys[move % 2])
                page.wait_for_timeout(40 + 17 * RANDOM.random())  # a hand keeps no step with the frames
            times = sorted(page.evaluate("times"))
            with capsys.disabled():
                print(f"\n{what}, {size}: median {statistics.median(times):.1f} ms, p90 {times[17]:.1f} ms", end="")


@pytest.mark.slow
def test_the_picture_is_dim_under_the_light_and_the_truth_is_outlined(show):
    photo = np.zeros((68, 68, 3), dtype=np.uint8)
    photo[:, :34], photo[:, 34:] = (40, 200, 90), (250, 250, 250)
    truth = np.zeros((2, 4), dtype=bool)
    truth[0, 1] = True
    # Word 0 looks at region 1 alone, word 1 at region 0 alone.
    explorer = AttentionExplorer([[0.0, 9], [9, 0], [0, 0], [0, 0]], np.eye(2), picture=photo, truth=truth, gamma1=100,
                                 compete_over_words=False)  # fmt: skip
    page = show(explorer)
    at = """places => places.map(([x, y]) => [...document.querySelector(".xw canvas").getContext("2d")
        .getImageData(x, y, 1, 1).data].slice(0, 3))"""
    page.wait_for_function(f"() => ({at})([[80, 240]])[0][0] > 0")  # once the picture is loaded
    dark, light, lit, as_it_is = np.array(page.evaluate(at, [[80, 240], [240, 240], [240, 80], [343, 50]]))
    for seen, colour in ((dark, photo[0, 0]), (light, photo[0, -1])):
        assert np.abs(seen - 0.45 * colour @ [0.3, 0.59, 0.11]).max() <= 3
    assert lit.min() > 150 > light.max() and np.abs(as_it_is - photo[0, 0]).max() <= 3
    page.hover(".xw canvas", position={"x": 80, "y": 240})  # the frame goes elsewhere
    page.evaluate(DRAWN)
    black, white, ground = np.array(page.evaluate(at, [[240, 156], [240, 157], [240, 159]]))
    assert black.max() < 90 < ground.min() and ground.max() < 120 and white.min() > 200, "black on white, then the dark"
    before = pixels(page)
    put(page, explorer, word=1)
    assert pixels(page) != before


def test_a_region_is_picked_by_keys_and_mouse_and_its_story_is_told(show):
    explorer = looking(7, 17, 8)
    page = show(explorer)
    page.click(ROW + "5")
    assert state(page, "word") == 5
    page.evaluate(DRAWN)
    steps = explorer.numbers()
    row, column = divmod(int(steps.attention[5].argmax()), 17)
    assert f"its brightest region in row {row}, column {column}" in page.inner_text(".xw-story")

    page.hover(".xw canvas", position={"x": 3 + 18 * 4.5, "y": 3 + 18 * 2.5})
    page.evaluate(DRAWN)
    page.focus(".xw canvas")
    for key, (row, column) in [("ArrowRight", (2, 5)), ("ArrowDown", (3, 5)), ("Home", (3, 0)), ("ArrowLeft", (3, 0)),
                               ("End", (3, 16)), ("PageDown", (16, 16)), ("PageUp", (0, 16))]:  # fmt: skip
        page.keyboard.press(key)
        page.evaluate(DRAWN)
        told, region = plain(page.inner_text(".xw-story")), 17 * row + column
        assert f"“word number 5” at the region in row {row}, column {column}" in told, key
        for name, sign, digits in [("similarities", "s", 3), ("shares", "s̄", 3), ("attention", "α", 4)]:
            seen = told.split(f"{sign}\n")[1].split(":")[0]
            assert float(seen) == pytest.approx(getattr(steps, name)[5, region], abs=0.6 * 10**-digits), (key, name)
        ears = plain(page.text_content(".xm-ears"))
        assert ears == plain(page.get_attribute(".xw canvas", "aria-label"))
        assert float(ears.split("alpha ")[1][:-1]) == pytest.approx(steps.attention[5, region], abs=6e-5)


@pytest.mark.slow
def test_words_and_controls_of_attention_answer_to_keys(show):
    page = show(looking(7, 17, 8))
    page.focus(ROW + "0 >> input")
    for key, word in [("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1)]:
        page.keyboard.press(key)
        assert state(page, "word") == word
    half = lambda: int(page.inner_text(ROW + "5 >> .xw-number >> nth=1").split(" ")[0])  # noqa: E731
    sharp = [half()]
    for slider, name, low, high in [(0, "gamma1", 0.5, 100), (1, "gamma2", 0.1, 100)]:
        page.focus(f".xw input[type=range] >> nth={slider}")
        page.keyboard.press("ArrowRight")
        assert 5 < state(page, name) < 5.3
        for key, end in [("Home", low), ("End", high)]:
            page.keyboard.press(key)
            assert state(page, name) == end
            page.evaluate(DRAWN)
            sharp.append(half())
    assert sharp[1] > sharp[0] > sharp[2] == sharp[3] == sharp[4]  # γ1 sharpens, γ2 does not
    page.focus(".xw input[value=dot]")
    page.keyboard.press("ArrowRight")
    assert state(page, "attention") == "cosine"
    page.focus(".xw input[type=checkbox]")
    page.keyboard.press("Space")
    assert state(page, "compete_over_words") is False
    assert "by at most ln 7 / γ2" in page.inner_text(".xw-words")

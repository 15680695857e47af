"""The live picture in a real browser: as a page of its own, and in JupyterLab. Nothing may call out."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from matplotlib import colormaps

from xmatch_edu import _inputs, loops, losses
from xmatch_edu.course.launch.commands import SETTINGS, SILENT
from xmatch_edu.explore import AttentionExplorer, MatchingExplorer
from xmatch_edu.explore.live import script
from xmatch_edu.explore.matching import _SCRIPT, VIEWS

NAMES = ("chromium", "chromium-browser", "google-chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)
NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
RANDOM = np.random.default_rng(11)
# Two frames later everything that was asked for is drawn.
DRAWN = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
    () => done(explorer.model.get('loss')))))"""
# [from the key until the frame with its picture has been handed over (a message waits for that), of it in that frame]
WATCH = """() => { window.times = []; addEventListener("keydown", () => {
  const key = performance.now(), { port1, port2 } = new MessageChannel();
  requestAnimationFrame(() => {
    const frame = performance.now();
    port1.onmessage = () => times.push([performance.now() - key, performance.now() - frame]);
    port2.postMessage(0);
  }); }, true); }"""
SET = "all => Object.entries(all).forEach(([name, value]) => explorer.model.set(name, value))"


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, (*NAMES, *PLACES))), None)
    if not found:
        reason = f"no browser here: none of {', '.join(NAMES)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield one
        one.close()


@pytest.fixture
def page(browser):
    """A page that fails the test if it complained, or if it asked anybody but this machine."""
    one = browser.new_page(viewport={"width": 1280, "height": 720})
    complaints, asked = [], []
    one.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    one.on("pageerror", lambda error: complaints.append(str(error)))
    one.on("request", lambda request: asked.append(request.url))
    yield one
    one.close()
    home = ("http://localhost:", "ws://localhost:", "file://", "data:", "blob:")
    assert complaints == []
    assert [url for url in asked if not url.startswith(home)] == []
    assert len({url for url in asked if url.startswith("file:")}) <= 1, "the page asks for nothing but itself"


@pytest.fixture
def show(page, tmp_path):
    def open_page(explorer):
        explorer.save(tmp_path / "page.html")
        page.goto((tmp_path / "page.html").as_uri())
        page.evaluate(DRAWN)
        return page

    return open_page


def batch(n, **more):
    S = np.clip(0.3 * RANDOM.normal(size=(n, n)) + 0.6 * np.eye(n), -1, 1)
    return MatchingExplorer(S, captions=[f"text number {i}" for i in range(n)], scale=5, **more)


def pixels(page):
    return page.eval_on_selector(".xm canvas", "canvas => canvas.toDataURL()")


def state(page, name):
    return page.evaluate("name => explorer.model.get(name)", name)


def test_the_slider_moves_the_picture_and_the_loss_by_keyboard(show):
    explorer = batch(8)
    page = show(explorer)
    page.check("text=P(text | image)")
    page.focus("input[type=range]")
    before = pixels(page), page.evaluate(DRAWN), page.inner_text(".xm-loss")
    page.keyboard.press("ArrowRight")
    explorer.scale = state(page, "scale")
    assert 5 < explorer.scale < 5.3
    assert page.evaluate(DRAWN) == pytest.approx(explorer.numbers()["loss"], abs=1e-5)
    assert all(now != then for now, then in zip((pixels(page), page.evaluate(DRAWN), page.inner_text(".xm-loss")),
                                                before, strict=True))  # fmt: skip
    for key, end in [("Home", 0.5), ("End", 30.0)]:
        page.keyboard.press(key)
        assert state(page, "scale") == end


@pytest.mark.parametrize("n", [1, 5, 64])
def test_the_loss_is_that_of_the_losses(show, n):
    explorer = batch(n, low=0.01, high=1e4)
    page = show(explorer)
    for scale in (0.01, 1.0, 30.0, 1e4):
        for direction in _inputs.DIRECTIONS:
            for order in (list(range(n)), explorer.shuffles[0], explorer.shuffles[1]):
                for follow in (True, False):
                    chosen = {"scale": scale, "direction": direction, "order": order, "labels_follow": follow}
                    page.evaluate(SET, chosen)
                    labels = torch.tensor(np.argsort(order) if follow else np.arange(n))
                    shown = torch.tensor(explorer.scores[:, order])
                    loss = losses.matching_loss(shown, labels, scale=scale, direction=direction).item()
                    assert page.evaluate(DRAWN) == pytest.approx(loss, rel=1e-5, abs=1e-5), chosen


def test_every_cell_has_the_colour_of_its_number(show):
    n, cell, left, top = 12, 33, 30, 10  # no numbers or pictures in the cells at this size
    explorer = batch(n)
    page = show(explorer)
    for view, (kind, colours, _) in VIEWS.items():
        for order, follow, direction in [(range(n), True, "both"), (explorer.shuffles[0], True, "image_to_text"),
                                         (explorer.shuffles[1], False, "text_to_image")]:  # fmt: skip
            chosen = {"view": view, "order": list(order), "labels_follow": follow, "direction": direction}
            for name, value in chosen.items():
                setattr(explorer, name, value)
            page.evaluate(SET, chosen)
            page.evaluate(DRAWN)
            seen = page.evaluate("""([n, cell, left, top]) => {
                const context = document.querySelector(".xm canvas").getContext("2d"), half = Math.floor(cell / 2);
                return Array.from({ length: n * n }, (_, c) => [...context.getImageData(
                    left + (c % n) * cell + half, top + Math.floor(c / n) * cell + half, 1, 1).data].slice(0, 3)); }""",
                [n, cell, left, top])  # fmt: skip
            matrix = explorer.numbers()[view]
            most = np.abs(matrix).max()
            ends = {"scores": (matrix.min(), matrix.max()), "gradient": (-most, most), "violations": (0, most)}
            low, high = ends.get(kind, (0, 1))
            expected = colormaps[colours]((matrix - low) / (high - low), bytes=True)[..., :3].reshape(-1, 3)
            assert np.abs(np.array(seen) - expected.astype(int)).max() <= 8, chosen  # a neighbour in the table at most


@pytest.mark.parametrize("view", VIEWS)
def test_the_numbers_at_the_bar_end_before_the_canvas_does(show, view):
    explorer = batch(8)
    explorer.view = view
    inked = show(explorer).eval_on_selector(".xm canvas", """canvas => [...canvas.getContext("2d")
        .getImageData(canvas.width - 1, 0, 1, canvas.height).data].filter((_, at) => at % 4 === 3)""")
    assert len(inked) > 400 and not any(inked)


def test_keys_and_mouse_pick_a_cell_and_its_story_is_told(show):
    F = RANDOM.normal(size=(2, 5, 7))
    explorer = batch(5, image_features=F[0], text_features=F[1])
    page = show(explorer)
    page.focus(".xm canvas")
    for key, cell in [("ArrowRight", [0, 1]), ("ArrowDown", [1, 1]), ("ArrowUp", [0, 1]), ("ArrowUp", [0, 1]),
                      ("End", [0, 4]), ("ArrowRight", [0, 4]), ("Home", [0, 0]), ("PageDown", [4, 0])]:  # fmt: skip
        page.keyboard.press(key)
        assert state(page, "cell") == cell, key
    page.click("text=shuffle the texts")
    explorer.order = explorer.shuffles[0]
    assert state(page, "order") == explorer.order
    page.click(".xm canvas", position={"x": 30 + 80 * 2.5, "y": 10 + 80 * 1.5})
    assert state(page, "cell") == [1, 2]
    for cell in ([1, 2], [3, int(explorer.labels[3])]):
        page.evaluate("cell => explorer.model.set('cell', cell)", cell)
        page.evaluate(DRAWN)
        i, k = cell
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


def test_every_control_works_by_keyboard(show):
    explorer = batch(4)
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
    assert press("text=put them back", "Enter", "order") == [0, 1, 2, 3]
    own = "all => all.every(one => one.dataset.lmSuppressShortcuts === 'true')"
    assert page.eval_on_selector_all(".xm input, .xm button, .xm canvas", own)


RANKING = DRAWN.replace("loss", "ranking_loss")
# The script once more, only for its numbers: the page shows them with few digits.
OPEN = script(_SCRIPT) + "\nwindow.violations = (state) => [...compute(state).matrices.violations];"


@pytest.mark.parametrize(("n", "kind"), [(1, "random"), (5, "random"), (8, "ties"), (64, "random")])
def test_the_violations_are_those_of_the_loops(show, n, kind):
    explorer = batch(n)
    if kind == "ties":  # many equal scores, all of them exact in binary: loops and browser must keep the same ones
        explorer = MatchingExplorer(RANDOM.integers(0, 3, size=(n, n)) / 4, captions=None)
    page = show(explorer)
    page.add_script_tag(type="module", content=OPEN)
    page.wait_for_function("() => window.violations")
    data = {"scores": explorer.scores.tolist(), "scale": 1}
    page.evaluate(SET, {"view": "violations"})
    for margin, negatives in [(0.25, "all"), (0.25, "hardest"), (0.25, 2), (2.0, 3), (0.02, 1), (1.0, n + 7)]:
        for direction in _inputs.DIRECTIONS:
            for order, follow in [(range(n), True), (explorer.shuffles[0], True), (explorer.shuffles[1], False)]:
                chosen = {"margin": margin, "negatives": negatives, "direction": direction, "order": list(order),
                          "labels_follow": follow}  # fmt: skip
                page.evaluate(SET, chosen)
                shown, labels = explorer.scores[:, order], np.argsort(order) if follow else np.arange(n)
                options = {"margin": margin, "negatives": negatives}
                loss = loops.ranking_loss(shown, labels, direction=direction, **options)
                assert page.evaluate(RANKING) == pytest.approx(loss, rel=1e-9, abs=1e-9), chosen
                one_way = _inputs.DIRECTIONS[:2] if direction == "both" else [direction]
                matrix = sum(loops.ranking_steps(shown, labels, direction=one, **options).violations for one in one_way)
                seen = np.reshape(page.evaluate("state => violations(state)", {**data, **chosen}), (n, n))
                assert np.abs(seen - matrix).max() <= 1e-9 and np.array_equal(seen > 0, matrix > 0), chosen
                words = page.inner_text(".xm-loss").split("\n")
                assert words[0].endswith(f": {loss:.4f}") and "sum" in words[0], chosen
                assert words[1].startswith(f"{np.count_nonzero(matrix)} of {n * (n - 1)} non-matches cost"), chosen
                full = 2 * margin * n * len(one_way)  # its middle is what "hardest" costs when every score is equal
                width = page.eval_on_selector(".xm-meter i", "bar => parseFloat(bar.style.width)")
                assert width == pytest.approx(min(100, 100 * loss / full) if n > 1 else 0, abs=1e-3), chosen


def test_margin_and_negatives_stand_only_beside_the_violations_and_answer_to_keys(show):
    explorer = batch(5, view="violations", negatives=4)
    page = show(explorer)
    seen = "all => all.filter(one => one.offsetParent).map(one => one.getAttribute('aria-label') ?? one.value)"
    controls = lambda: page.eval_on_selector_all(".xm input[type=range], .xm input[name^=xm-negatives]", seen)  # noqa: E731
    assert controls() == ["margin", "all", "top", "hardest"]
    assert "top 4" in page.inner_text(".xm-negatives")
    for view in VIEWS:
        page.evaluate(SET, {"view": view})
        page.evaluate(DRAWN)
        assert controls() == (["margin", "all", "top", "hardest"] if view == "violations" else ["scale"]), view
        found = set()
        page.evaluate("document.activeElement.blur()")
        for _ in range(12):  # Tab reaches what is there, and nothing else
            page.keyboard.press("Tab")
            found.add(page.evaluate("(document.activeElement.getAttribute('aria-label') ?? document.activeElement.name)"
                                    "?.split('-').slice(0, 2).join('-')"))  # fmt: skip
        both = {"margin", "xm-negatives"}
        assert found & {*both, "scale"} == (both if view == "violations" else {"scale"}), view

    page.focus("input[aria-label=margin]")
    before = pixels(page), page.evaluate(RANKING), page.inner_text(".xm-loss")
    page.keyboard.press("ArrowRight")
    explorer.margin = state(page, "margin")
    assert 0.2 < explorer.margin < 0.21
    assert page.evaluate(RANKING) == pytest.approx(explorer.numbers()["ranking loss"], rel=1e-9)
    now = pixels(page), page.evaluate(RANKING), page.inner_text(".xm-loss")
    assert all(one != other for one, other in zip(now, before, strict=True))
    for key, end in [("Home", 0.02), ("End", 2.0)]:
        page.keyboard.press(key)
        assert state(page, "margin") == end
    assert state(page, "scale") == 5 and page.evaluate(DRAWN) == pytest.approx(explorer.numbers()["loss"], abs=1e-5)

    page.focus("input[name^=xm-negatives][value=top]")
    for key, negatives in [("ArrowRight", "hardest"), ("ArrowRight", "all"), ("ArrowRight", 4)]:
        page.keyboard.press(key)
        page.evaluate(DRAWN)
        assert state(page, "negatives") == negatives
    page.evaluate(SET, {"negatives": 2})
    page.evaluate(DRAWN)
    assert page.is_checked("input[value=top]") and "top 2" in page.inner_text(".xm-negatives")


def test_the_story_of_a_violation_says_the_hinge_of_each_side(show):
    scores = [[0.5, 0.75, 0.25], [0.5, 0.5, -0.25], [0.625, 0.0, 1.0]]
    explorer = MatchingExplorer(scores, view="violations", margin=0.5, negatives="hardest")
    page = show(explorer)

    def told(**chosen):
        page.evaluate(SET, chosen)
        page.evaluate(DRAWN)
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
    assert "not among the hardest" not in str(told(negatives="all"))
    assert "margin 0.5 - 0.250 - 0.500 (the match) = -0.250" in told(cell=[1, 2])["row"]
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
    for cell in np.ndindex(3, 3):  # the gradient counted in words is that of the loops
        gradient = loops.ranking_gradient(explorer.scores, margin=0.5, negatives="hardest")[cell]
        words = told(view="violations", direction="both", cell=list(cell))["gradient"]
        assert float(words.split(":")[0]) == gradient, cell


def test_from_key_to_picture(show, capsys):
    """No assertion: the time belongs to the machine. One frame of a screen is 16.7 ms, and waiting for it counts."""
    slider, cell = ("input[type=range]", ["ArrowRight", "ArrowLeft"]), (".xm canvas", ["ArrowRight", "ArrowDown"])
    word = (".xw-list input", ["ArrowDown", "ArrowUp"])
    for size, explorer, moves in [
        ("N = 8", batch(8), {"slider": slider, "cell": cell}),
        ("N = 64", batch(64), {"slider": slider, "cell": cell}),
        ("T = 7, R = 289, D = 256", looking(7, 17, 256), {"gamma1": slider, "word": word, "region": cell}),
        ("T = 24, R = 576, D = 512", looking(24, 24, 512), {"gamma1": slider, "word": word, "region": cell}),
    ]:
        page = show(explorer)
        page.evaluate(WATCH)
        for what, (selector, keys) in moves.items():
            page.focus(selector)
            page.evaluate("times.length = 0")
            for move in range(50):
                page.keyboard.press(keys[move % 2])
                page.wait_for_timeout(40 + 17 * RANDOM.random())  # a hand keeps no step with the frames
            with capsys.disabled():
                for part, column in [("key to picture", 0), ("of it work", 1)]:
                    times = [one[column] for one in page.evaluate("times")]
                    figures = f"median {statistics.median(times):.1f} ms, p90 {sorted(times)[44]:.1f} ms"
                    print(f"\n{what}, {size}, {part}: {figures}", end="")


def looking(t, grid, d, **more):
    """A text of t words that looks at a picture of grid × grid regions; d features."""
    regions, words = RANDOM.normal(size=(grid * grid, d)), RANDOM.normal(size=(t, d))
    names = [f"word number {number}" for number in range(t)]
    return AttentionExplorer(regions, words, **{"word_names": names, **more})


SCORE = DRAWN.replace("loss", "score")
ROW = ".xw-list label >> nth="


def plain(words):
    return words.replace("−", "-")


@pytest.mark.parametrize(("t", "grid", "d", "large"), [(1, 1, 1, 1), (7, 5, 8, 1), (5, 4, 6, 100), (24, 9, 16, 0.1)])
def test_the_numbers_of_word_region_attention_are_those_of_the_loops(show, t, grid, d, large):
    """large: what words and regions are multiplied by; at 100 their dot products reach 1e4 and more."""
    regions, words = large * RANDOM.normal(size=(grid * grid, d)), large * RANDOM.normal(size=(t, d))
    regions[0] = 0  # whose cosine with anything is 0
    explorer = AttentionExplorer(regions, words)
    page = show(explorer)
    for gamma1, gamma2 in ((0.5, 0.1), (5.0, 5.0), (100.0, 100.0)):
        for attention in _inputs.ATTENTIONS:
            for compete in (True, False):
                chosen = {"gamma1": gamma1, "gamma2": gamma2, "attention": attention, "compete_over_words": compete}
                page.evaluate(SET, {**chosen, "word": t - 1})
                score = page.evaluate(SCORE)
                steps = loops.word_region_steps(regions, words, **chosen)
                assert score == pytest.approx(steps.score, rel=1e-9, abs=1e-9), chosen
                shown = [plain(one) for one in page.locator(".xw-number").all_inner_texts()]
                held = [1 + int((np.sort(look)[::-1].cumsum() < 0.5 - 1e-12).sum()) for look in steps.attention]
                region = int(page.get_attribute(".xw canvas", "data-region"))
                assert steps.attention[-1, region] == pytest.approx(steps.attention[-1].max(), rel=1e-9)
                for row, cosine in enumerate(steps.cosines):
                    found, half, share = shown[3 * row : 3 * row + 3]
                    assert float(found) == pytest.approx(cosine, abs=6e-4), chosen
                    assert half == f"{held[row]} of {grid * grid}", chosen
                    assert float(share) == pytest.approx(steps.shares[row, region], abs=6e-3), chosen
                ears = plain(page.get_attribute(".xw canvas", "aria-label"))
                alpha = float(ears.split("alpha ")[1][:-1])
                assert alpha == pytest.approx(steps.attention[-1, region], abs=6e-5), chosen
                bonus = np.log(t) / gamma2
                ends = [plain(page.inner_text(f".xw-{end}")) for end in ("mean", "marked", "most")]
                mean, mark, most = (float(end.split(" ")[-1]) for end in ends)
                expected = (steps.cosines.mean(), steps.score - bonus, steps.cosines.max())
                assert (mean, mark, most) == pytest.approx(expected, abs=6e-4), chosen
                assert mean - 1e-3 <= mark <= most + 1e-3 and steps.cosines.max() <= score + 1e-9, chosen


def test_every_region_is_lit_by_its_attention(show):
    grid, cell, edge = 9, 34, 3
    explorer = looking(4, grid, 6)
    page = show(explorer)
    for word, gamma1 in ((0, 5.0), (3, 5.0), (3, 40.0)):
        explorer.word, explorer.gamma1 = word, gamma1
        page.evaluate(SET, {"word": word, "gamma1": gamma1})
        page.evaluate(SCORE)
        seen = page.evaluate("""([grid, cell, edge]) => {
            const context = document.querySelector(".xw canvas").getContext("2d");
            const at = (k) => edge + k * cell + cell / 2;
            return Array.from({ length: grid * grid }, (_, r) => [...context.getImageData(
                at(r % grid), at(Math.floor(r / grid)), 1, 1).data].slice(0, 3)); }""", [grid, cell, edge])  # fmt: skip
        look = explorer.numbers().attention[word]
        expected = colormaps["inferno"](look / look.max(), bytes=True)[:, :3].astype(int)
        assert np.abs(np.array(seen) - expected).max() <= 8, (word, gamma1)  # a neighbour in the table at most
        thumbnail = page.eval_on_selector(f".xw-list label:nth-of-type({word + 1}) canvas", """canvas =>
            [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]""")
        assert np.abs(np.reshape(thumbnail, (-1, 4))[:, :3] - expected).max() <= 8


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
    line = np.array(page.evaluate(at, [[240, 156], [240, 157], [240, 154]]))
    assert page.evaluate(SCORE) and line.max(axis=0).min() > 200 and line.min(axis=0).max() < 120, "black on white"
    before = pixels(page)
    page.evaluate("explorer.model.set('word', 1)")
    page.evaluate(SCORE)
    assert pixels(page) != before


def test_words_regions_and_controls_answer_to_keys_and_mouse(show):
    explorer = looking(7, 17, 8)
    page = show(explorer)
    page.focus(ROW + "0 >> input")
    for key, word in [("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1)]:
        page.keyboard.press(key)
        assert state(page, "word") == word
    page.click(ROW + "5")
    assert state(page, "word") == 5
    page.evaluate(SCORE)
    steps = explorer.numbers()
    region = int(steps.attention[5].argmax())
    assert f"its brightest region in row {region // 17}, column {region % 17}" in page.inner_text(".xw-story")

    page.hover(".xw canvas", position={"x": 3 + 18 * 4.5, "y": 3 + 18 * 2.5})
    page.evaluate(SCORE)
    page.focus(".xw canvas")
    for key, (row, column) in [("ArrowRight", (2, 5)), ("ArrowDown", (3, 5)), ("Home", (3, 0)), ("ArrowLeft", (3, 0)),
                               ("End", (3, 16)), ("PageDown", (16, 16)), ("PageUp", (0, 16))]:  # fmt: skip
        page.keyboard.press(key)
        page.evaluate(SCORE)
        told, region = plain(page.inner_text(".xw-story")), 17 * row + column
        assert f"“word number 5” at the region in row {row}, column {column}" in told, key
        for name, digits in [("similarities", 3), ("shares", 3), ("attention", 4)]:
            number = getattr(steps, name)[5, region]
            seen = told.split({"similarities": "s\n", "shares": "s̄\n", "attention": "α\n"}[name])[1].split(":")[0]
            assert float(seen) == pytest.approx(number, abs=0.6 * 10**-digits), (key, name)
        assert page.text_content(".xm-ears") == page.get_attribute(".xw canvas", "aria-label")

    sharp = [int(page.inner_text(ROW + "5 >> .xw-number >> nth=1").split(" ")[0])]
    for slider, name, low, high in [(0, "gamma1", 0.5, 100), (1, "gamma2", 0.1, 100)]:
        page.focus(f".xw input[type=range] >> nth={slider}")
        page.keyboard.press("ArrowRight")
        assert 5 < state(page, name) < 5.3
        for key, end in [("Home", low), ("End", high)]:
            page.keyboard.press(key)
            assert state(page, name) == end
            page.evaluate(SCORE)
            sharp.append(int(page.inner_text(ROW + "5 >> .xw-number >> nth=1").split(" ")[0]))
    assert sharp[1] > sharp[0] > sharp[2] == sharp[3] == sharp[4]  # γ1 sharpens, γ2 does not
    page.focus(".xw input[value=dot]")
    page.keyboard.press("ArrowRight")
    assert state(page, "attention") == "cosine"
    page.focus(".xw input[type=checkbox]")
    page.keyboard.press("Space")
    assert state(page, "compete_over_words") is False
    own = "all => all.every(one => one.dataset.lmSuppressShortcuts === 'true')"
    assert page.eval_on_selector_all(".xw input, .xw canvas", own)
    assert "by at most ln 7 / γ2" in page.inner_text(".xw-words")


ASK = """agree = explorer.loss is not None and bool(abs(explorer.loss - explorer.numbers()["loss"]) < 1e-5)
print("Python says", explorer.scale, explorer.order, explorer.labels_follow, explorer.cell, agree)
if not explorer.labels_follow:
    explorer.view = "gradient\""""


ASK_ABOUT_WORDS = """agree = live.score is not None and bool(abs(live.score - live.numbers().score) < 1e-5)
print("Python says", live.word, round(live.gamma1, 2), live.compete_over_words, agree)
if not live.compete_over_words:
    live.attention = 'cosine'"""


@pytest.fixture
def lab(tmp_path):
    """JupyterLab, in its dark theme, on a folder with chapters 02 and 05, each with one more cell -> its address."""
    (tmp_path / "work").mkdir()
    for name, chapter, more in [("live", "02_labels_are_the_diagonal", ASK), ("words", "05_words_and_regions",
                                                                             ASK_ABOUT_WORDS)]:  # fmt: skip
        notebook = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(more))
        nbformat.write(notebook, tmp_path / "work" / f"{name}.ipynb")
    theme = tmp_path / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    theme.parent.mkdir(parents=True)
    theme.write_text('{"theme": "JupyterLab Dark"}', "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    own |= {f"JUPYTERLAB_{name.upper()}_DIR": str(tmp_path / name) for name in ("settings", "workspaces")}
    own |= {"JUPYTER_CONFIG_PATH": str(SETTINGS), "JUPYTER_TOKEN": "secret"}
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={tmp_path / 'work'}", "--no-browser",
               f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--allow-root", *SILENT]  # fmt: skip
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **own}, stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log)  # fmt: skip
    try:
        past_proxies = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(300):
            assert server.poll() is None, Path(log.name).read_text("utf-8")
            try:
                past_proxies.open(f"http://localhost:{port}/api", timeout=10).close()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        yield f"http://localhost:{port}/lab/tree/{{}}.ipynb?token=secret"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def run_all(page, told):
    """Run All, and wait until the last cell has told this -> the last cell."""
    page.wait_for_selector("text=/ipykernel.*Idle/", timeout=60_000)  # sooner, the cells would not run
    page.click(".lm-MenuBar-item:has-text('Run')")
    page.click(".lm-Menu-item[data-command='runmenu:run-all']")
    last = page.locator(".jp-CodeCell").last
    last.scroll_into_view_if_needed()
    page.wait_for_function("""told => [...document.querySelectorAll(".jp-CodeCell")].at(-1)?.innerText
        .includes(told)""", arg=told, timeout=120_000)
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    return last


def run_until(page, cell, said):
    """Run the cell until it says this. Once would do, but for a machine so busy that what a live picture has to tell
    Python is still waiting when the cell is run: it is sent one message after the other, each when the last was heard.
    """
    from playwright.sync_api import TimeoutError as TooLate

    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    for patience in (5_000, 10_000, 30_000):
        page.keyboard.press("Control+Enter")
        try:
            return page.wait_for_selector(f"text={said}", timeout=patience)
        except TooLate:
            told = cell.inner_text()
    raise AssertionError(f"{told!r} and not {said!r}")


def test_in_jupyterlab_chapter_02_is_alive(lab, page):
    """Run All; then the slider, the shuffle with and without its labels, a cell, and Python asked and answering."""
    page.goto(lab.format("live"))
    last = run_all(page, "Python says 3.0 [0, 1, 2, 3] True")

    page.locator(".xm").scroll_into_view_if_needed()
    page.wait_for_selector(".xm canvas")
    slider, loss = ".xm input[type=range]", page.locator(".xm-loss")
    page.check(".xm >> text=P(text | image)")
    page.focus(slider)
    before, told = pixels(page), loss.inner_text()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("""() => {  // all five: a busy machine draws them one by one
        const [then, now] = [window.seen, document.querySelector('.xm-scale').innerText.trim()];
        window.seen = now;
        return now === then && now !== 'scale 3';
    }""", polling=1000)
    scale = page.inner_text(".xm-scale").strip().removeprefix("scale ")
    assert 3 < float(scale) < 5 and pixels(page) != before and loss.inner_text() != told

    told, before = loss.inner_text(), pixels(page)
    page.click(".xm >> text=shuffle the texts")
    page.wait_for_function("then => document.querySelector('.xm canvas').toDataURL() !== then", arg=before)
    assert loss.inner_text() == told, "labels follow: the loss is the old one"
    page.uncheck(".xm >> text=labels follow")
    page.wait_for_function("then => document.querySelector('.xm-loss').innerText !== then", arg=told)
    stayed = float(loss.inner_text().split(": ")[1].split(" ")[0])
    assert stayed > 1 + float(told.split(": ")[1].split(" ")[0])

    page.focus(".xm canvas")
    for key in ("ArrowDown", "ArrowRight", "ArrowDown"):  # JupyterLab would move to another cell of the notebook
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"
    page.keyboard.press("Escape")  # the only key that leads back to the notebook
    assert page.evaluate("document.activeElement.classList.contains('jp-Cell')")
    light = page.eval_on_selector(".xm", "xm => getComputedStyle(xm).color.match(/[0-9.]+/g).slice(0, 3).map(Number)")
    assert min(light) > 150, "dark theme, light words"
    order = MatchingExplorer(np.eye(4)).shuffles[0]
    run_until(page, last, f"Python says {scale} {order} False [2, 1] True")
    page.locator(".xm").scroll_into_view_if_needed()
    page.wait_for_selector(".xm input[value=gradient]:checked")  # and Python moved the picture


def test_in_jupyterlab_chapter_05_is_alive(lab, page):
    """Run All; then another word, γ1 and the competition by keyboard, and Python asked and answering."""
    page.goto(lab.format("words"))
    last = run_all(page, "Python says 0 1.0 True")
    page.locator(".xw").scroll_into_view_if_needed()
    page.wait_for_selector(".xw canvas")
    before = page.eval_on_selector(".xw canvas", "canvas => canvas.toDataURL()")
    page.focus(ROW + "0 >> input")
    page.keyboard.press("ArrowDown")
    page.focus(".xw input[type=range] >> nth=0")
    page.keyboard.press("End")
    page.focus(".xw input[type=checkbox]")
    page.keyboard.press("Space")
    page.wait_for_function("then => document.querySelector('.xw canvas').toDataURL() !== then", arg=before)
    run_until(page, last, "Python says 1 100.0 False True")
    page.locator(".xw").scroll_into_view_if_needed()
    page.wait_for_selector(".xw input[value=cosine]:checked")  # and Python moved the picture

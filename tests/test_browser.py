"""What a live picture computes in a browser is what Python computes: every number, and the colour of every number.

Here live also the browser and the page for the other tests that need one. What keys and mouse do is tested in
`test_browser_hand` and `test_browser_training`, JupyterLab in `test_launch_lab`.
"""

import json
import os
import shutil
from itertools import product

import numpy as np
import pytest
from matplotlib import colormaps

from xmatch_edu import _inputs, loops, plots
from xmatch_edu.explore import AttentionExplorer, MatchingExplorer, TileWalk, TrainingFilm, film, matching

NAMES = ("chromium", "chromium-browser", "google-chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)
slow = pytest.mark.slow
RANDOM = np.random.default_rng(11)
# Two frames later everything that was asked for is drawn.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
SET = "all => Object.entries(all).forEach(([name, value]) => explorer.model.set(name, value))"
# What is asked of the picture's own script, which stands before this: its numbers, every digit of them.
ASK = """
const digits = (_, x) => (ArrayBuffer.isView(x) ? [...x] : x);
window.ask = (states) => JSON.stringify(states.map((chosen) => {
  const state = { ...explorer.model.get("data"), ...chosen };
  return %s;
}), digits);"""
NUMBERS = {
    MatchingExplorer: "compute(state)",
    AttentionExplorer: "compute(compare(state), state)",
    TrainingFilm: "compute(state)",
    TileWalk: "walk(state)[state.step]",
}


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
def show(page, tmp_path, monkeypatch):
    """A live picture as a page of its own, but for its still twin: only a page without JavaScript shows that."""
    monkeypatch.setattr(plots.Picture, "png", lambda self: b"")

    def open_page(explorer):
        explorer.save(tmp_path / "page.html")
        page.goto((tmp_path / "page.html").as_uri())
        page.evaluate(DRAWN)
        return page

    return open_page


def state(page, name):
    return page.evaluate("name => explorer.model.get(name)", name)


def put(page, explorer, **chosen):
    """Set these traits in Python and in the page, and wait until they are drawn."""
    for name, value in chosen.items():
        setattr(explorer, name, value)
    page.evaluate(SET, chosen)
    page.evaluate(DRAWN)


def numbers(page, explorer, states):
    """-> for each state: what is chosen, what the script computes, and what Python does."""
    kind = next(kind for kind in NUMBERS if isinstance(explorer, kind))
    page.add_script_tag(type="module", content=kind._esm + ASK % NUMBERS[kind])
    page.wait_for_function("() => window.ask")
    for chosen, seen in zip(states, json.loads(page.evaluate("states => ask(states)", states)), strict=True):
        for name, value in chosen.items():
            setattr(explorer, name, value)
        yield chosen, seen, explorer.numbers()


def close(seen, expected, more=1.0):
    return np.allclose(np.reshape(seen, np.shape(expected)), expected, rtol=1e-9, atol=1e-9 * more)


def batch(n, **more):
    S = np.clip(0.3 * RANDOM.normal(size=(n, n)) + 0.6 * np.eye(n), -1, 1)
    return MatchingExplorer(S, captions=[f"text number {i}" for i in range(n)], scale=5, **more)


def ties(n, **more):
    """Many equal scores, all of them exact in binary: loops and browser must keep the same ones."""
    return MatchingExplorer(RANDOM.integers(0, 3, size=(n, n)) / 4, **more)


SIZES = [(batch, 1), (batch, 5), (ties, 8), pytest.param(batch, 64, marks=slow)]


@pytest.mark.parametrize(("kind", "n"), SIZES)
def test_the_numbers_of_a_batch(show, kind, n):
    explorer = kind(n, low=0.01, high=1e4)
    page = show(explorer)
    settings = [(0.01, 0.25, "all"), (1.0, 0.25, "hardest"), (5.0, 0.25, 2), (30.0, 2.0, 3), (1e4, 0.02, 1),
                (2.0, 1.0, n + 7)]  # fmt: skip
    orders = [(list(range(n)), True), (explorer.shuffles[0], True), (explorer.shuffles[1], False)]
    states = [
        {"scale": scale, "margin": margin, "negatives": negatives, "direction": direction, "order": order,
         "labels_follow": follow}
        for (scale, margin, negatives), direction, (order, follow) in product(settings, _inputs.DIRECTIONS, orders)
    ]  # fmt: skip
    for chosen, seen, expected in numbers(page, explorer, states if n < 64 else states[::7]):
        for view in matching.VIEWS:
            assert close(seen["matrices"][view], expected[view], chosen["scale"]), (view, chosen)
        assert np.array_equal(np.reshape(seen["matrices"]["violations"], (n, n)) > 0, expected["violations"] > 0)
        assert close(seen["loss"], expected["loss"], chosen["scale"]), chosen
        assert close(seen["rankingLoss"], expected["ranking loss"]), chosen

    costs = np.count_nonzero(expected["violations"])
    full = 2 * chosen["margin"] * n * (2 if chosen["direction"] == "both" else 1)  # all equal, "hardest": the middle
    put(page, explorer, view="violations", **chosen)  # and that is what the page tells
    assert close(state(page, "loss"), expected["loss"]) and close(state(page, "ranking_loss"), expected["ranking loss"])
    told, counted = page.inner_text(".xm-loss").split("\n")
    assert told.endswith(f": {expected['ranking loss']:.4f}") and "sum" in told
    assert counted.startswith(f"{costs} of {n * (n - 1)} non-matches cost")
    width = page.eval_on_selector(".xm-meter i", "bar => parseFloat(bar.style.width)")
    assert width == pytest.approx(min(100, 100 * expected["ranking loss"] / full) if n > 1 else 0, abs=1e-3)
    page.evaluate(SET, {"view": "scores"})
    page.evaluate(DRAWN)
    assert page.inner_text(".xm-loss").split(" · ")[0].endswith(f": {expected['loss']:.4f}")


def looking(t, grid, d, large=1, **more):
    """A text of t words that looks at a picture of grid × grid regions; d features."""
    regions, words = large * RANDOM.normal(size=(grid * grid, d)), large * RANDOM.normal(size=(t, d))
    regions[0] = 0  # whose cosine with anything is 0
    return AttentionExplorer(regions, words, word_names=[f"word number {number}" for number in range(t)], **more)


def plain(words):
    return words.replace("−", "-")


@pytest.mark.parametrize(("t", "grid", "d", "large"), [
    (1, 1, 1, 1), (7, 5, 8, 1), (5, 4, 6, 100), pytest.param(24, 9, 16, 0.1, marks=slow)])
def test_the_numbers_of_word_region_attention(show, t, grid, d, large):
    """large: what words and regions are multiplied by; at 100 their dot products reach 1e4 and more."""
    explorer = looking(t, grid, d, large)
    page = show(explorer)
    states = [
        {"gamma1": gamma1, "gamma2": gamma2, "attention": attention, "compete_over_words": compete, "word": t - 1}
        for (gamma1, gamma2), attention, compete in product([(0.5, 0.1), (5.0, 5.0), (100.0, 100.0)],
                                                            _inputs.ATTENTIONS, [True, False])
    ]  # fmt: skip
    for chosen, seen, steps in numbers(page, explorer, states):
        assert close(seen["score"], steps.score) and close(seen["cosines"], steps.cosines), chosen
        for name, of_script in [("similarities", "s"), ("shares", "shares"), ("attention", "looks")]:
            assert close(seen[of_script], getattr(steps, name), large**2), (name, chosen)
        held = [1 + int((np.sort(look)[::-1].cumsum() < 0.5 - 1e-12).sum()) for look in steps.attention]
        assert seen["halves"] == held, chosen
        for look, at in zip(steps.attention, seen["brightest"], strict=True):
            assert look[at] == pytest.approx(look.max(), rel=1e-9), chosen
        assert close(seen["mark"], steps.score - np.log(t) / chosen["gamma2"])

    put(page, explorer, **chosen)  # and that is what the page tells
    assert close(state(page, "score"), steps.score)
    region = int(page.get_attribute(".xw canvas", "data-region"))
    shown = [plain(one) for one in page.locator(".xw-number").all_inner_texts()]
    assert shown[1::3] == [f"{half} of {grid * grid}" for half in held]
    assert [float(one) for one in shown[::3]] == pytest.approx(steps.cosines.tolist(), abs=6e-4)
    assert [float(one) for one in shown[2::3]] == pytest.approx(steps.shares[:, region].tolist(), abs=6e-3)
    ends = [plain(page.inner_text(f".xw-{end}")).split(" ")[-1] for end in ("mean", "marked", "most")]
    expected = (steps.cosines.mean(), seen["mark"], steps.cosines.max())
    assert [float(end) for end in ends] == pytest.approx(expected, abs=6e-4)


def training(n, count=5, **more):
    """Noise from which a diagonal rises, every 10 steps a frame."""
    noise = RANDOM.normal(size=(n, n))
    frames = {10 * k: (0.3 * noise + 0.2 * k * np.eye(n), 2.0 + k) for k in range(count)}
    return TrainingFilm(frames, captions=[f"text number {i}" for i in range(n)], **more)


def tied(n):
    """Many equal scores, all of them exact in binary: the page and Python must count the same ones as right."""
    return TrainingFilm({k: (RANDOM.integers(0, 3, size=(n, n)) / 4 + k / 8 * np.eye(n), 1.0) for k in range(4)})


@pytest.mark.parametrize(("n", "kind"), [(1, training), (5, training), (32, tied)])
def test_the_numbers_of_a_film(show, n, kind):
    explorer = kind(n)
    page = show(explorer)
    for chosen, seen, expected in numbers(page, explorer, [{"frame": k} for k in range(len(explorer.steps))]):
        assert (seen["rowsRight"], seen["columnsRight"]) == (expected["rows right"], expected["columns right"]), chosen
        assert close(seen["loss"], expected["loss"])
        for view in film.VIEWS:
            assert close(seen["matrices"][view], expected[view]), (view, chosen)
    put(page, explorer, **chosen)
    assert close(state(page, "loss"), expected["loss"])
    rows = "1 of 1 row," if n == 1 else f"{expected['rows right']} of {n} rows,"
    assert rows in page.inner_text(".xf-summary")


@pytest.mark.parametrize(("n", "size", "scale"), [
    (1, 1, 2.0), (7, 3, 2.0), (5, 2, 1e4), pytest.param(32, 4, 20.0, marks=slow)])
def test_the_numbers_of_a_walk(show, n, size, scale):
    explorer = TileWalk(*RANDOM.normal(size=(2, n, 6)), scale=scale, size=size)
    page = show(explorer)
    for chosen, seen, expected in numbers(page, explorer, [{"step": k} for k in range(2 * len(explorer.tiles) + 1)]):
        assert seen["held"] == expected["held"] and (seen["loss"] is None) == (expected["loss"] is None), chosen
        assert seen["loss"] is None or close(seen["loss"], expected["loss"], scale), chosen
        for side in ("rows", "columns"):  # JSON has no −∞
            assert close([-np.inf if x is None else x for x in seen[side]], expected[side]), (side, chosen)
        if seen["tile"]:
            top, bottom, left, right = (seen["tile"][end] for end in ("top", "bottom", "left", "right"))
            assert close(seen["shown"], expected["tile"][top:bottom, left:right]), chosen
            assert np.isfinite(expected["tile"]).sum() == np.size(seen["shown"])
    put(page, explorer, **chosen)
    assert close(state(page, "loss"), expected["loss"], scale)


def seen_at(page, selector, n, cell, left, top, inside):
    """The colours of the n × n cells of a canvas, so many pixels inside each -> (n·n, 4) int64."""
    places = [(left + c % n * cell + inside, top + c // n * cell + inside) for c in range(n * n)]
    return np.array(page.eval_on_selector(selector, """(canvas, places) => places.map(([x, y]) =>
        [...canvas.getContext("2d").getImageData(x, y, 1, 1).data])""", places))


def coloured(seen, colours, low, high, matrix):
    expected = colormaps[colours]((matrix - low) / ((high - low) or 1), bytes=True).reshape(-1, 4).astype(int)
    return np.abs(seen - expected).max() <= 8  # a neighbour in the table at most


def test_the_colours_of_a_batch(show):
    explorer = batch(12)  # no numbers or pictures in the cells at this size
    page = show(explorer)
    orders = [(list(range(12)), True, "both"), (explorer.shuffles[0], True, "image_to_text"),
              (explorer.shuffles[1], False, "text_to_image")]  # fmt: skip
    for (view, (kind, colours, _)), (order, follow, direction) in zip(matching.VIEWS.items(), 2 * orders, strict=True):
        put(page, explorer, view=view, order=order, labels_follow=follow, direction=direction)
        matrix = explorer.numbers()[view]
        most = np.abs(matrix).max()
        ends = {"scores": (matrix.min(), matrix.max()), "gradient": (-most, most), "violations": (0, most)}
        seen = seen_at(page, ".xm canvas", 12, cell=33, left=30, top=10, inside=16)
        assert coloured(seen, colours, *ends.get(kind, (0, 1)), matrix), (view, direction)


@pytest.mark.parametrize(("n", "cell"), [(5, 80), pytest.param(1, 84, marks=slow)])
def test_the_colours_of_a_film_stay_through_all_frames(show, n, cell):
    explorer = training(n, count=3)
    page = show(explorer)
    for frame, (view, (kind, colours, _)) in product(range(len(explorer.steps)), film.VIEWS.items()):
        put(page, explorer, view=view, frame=frame)
        ends = (explorer.scores.min(), explorer.scores.max()) if kind == "scores" else (0, 1)
        seen = seen_at(page, ".xf-map", n, cell, left=30, top=10, inside=6)  # beside the number
        assert coloured(seen, colours, *ends, explorer.numbers()[view]), (view, frame)


def test_the_colours_of_a_tile_and_the_rest_is_grey(show):
    explorer = TileWalk(*RANDOM.normal(size=(2, 7, 3)), scale=2.0, size=3)
    page = show(explorer)
    logits, pushes = 2 * explorer.scores, loops.matching_gradient(explorer.scores, scale=2.0) * 7 / 2
    high = np.abs(pushes).max()
    made = np.zeros((7, 7), dtype=bool)
    for where in explorer.tiles[:4]:
        made[where] = True
    for step, matrix, ends, colours in [(5, logits, (logits.min(), logits.max()), "viridis"),
                                        (14, pushes, (-high, high), "cividis")]:  # fmt: skip
        put(page, explorer, step=step)
        seen, held = seen_at(page, ".xt-map", 7, 40, left=24, top=6, inside=6), np.isfinite(explorer.numbers()["tile"])
        assert coloured(seen[held.ravel()], colours, *ends, matrix[held]), step
        veil = seen[:, 3].reshape(7, 7)
        assert veil[~held].max() < 100, "a veil over whatever the page is"
        assert veil[made].min() > veil[~made & ~held].max(), "what was made is darker"


def test_the_colours_of_every_region_are_its_attention(show):
    grid = 9
    explorer = looking(4, grid, 6)
    page = show(explorer)
    for word, gamma1 in ((0, 5.0), (3, 5.0), (3, 40.0)):
        put(page, explorer, word=word, gamma1=gamma1)
        look = explorer.numbers().attention[word]
        seen = seen_at(page, ".xw canvas", grid, cell=34, left=3, top=3, inside=17)
        assert coloured(seen, "inferno", 0, look.max(), look), (word, gamma1)
        thumbnail = seen_at(page, f".xw-list label:nth-of-type({word + 1}) canvas", grid, 1, 0, 0, 0)
        assert coloured(thumbnail, "inferno", 0, look.max(), look), (word, gamma1)

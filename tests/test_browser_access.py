"""The live pictures without eyes, without a mouse, in the dark and on a small screen: each as a page of its own."""

import re

import numpy as np
import pytest
import test_browser
from axe_playwright_python.sync_playwright import Axe

from xmatch_edu.explore import AttentionExplorer, MatchingExplorer, TileWalk, TrainingFilm

pytestmark = pytest.mark.slow
browser, page, show = test_browser.browser, test_browser.page, test_browser.show
N = 4
CAPTIONS = [f"text number {i}" for i in range(N)]
SCORES = np.eye(N) - 0.1 * np.arange(N * N).reshape(N, N) / N
FEATURES = np.linspace(-1, 1, 3 * N).reshape(N, 3) + np.eye(N, 3)
PICTURES = {
    "scores": lambda: MatchingExplorer(SCORES, captions=CAPTIONS, scale=3),
    "violations": lambda: MatchingExplorer(SCORES, captions=CAPTIONS, view="violations"),
    "words": lambda: AttentionExplorer(np.eye(9, 3), np.eye(3)),
    "film": lambda: TrainingFilm({0: (SCORES, 2.0), 10: (2 * SCORES, 1.0)}, captions=CAPTIONS),
    "tiles": lambda: TileWalk(FEATURES, FEATURES, scale=2, size=2, captions=CAPTIONS),
}


def each(role, *names):
    return [(role, name) for name in names]


VIEWS = each("radio", "scores S", "P(text | image)", "P(image | text)", "labels", "gradient", "violations")
DIRECTIONS = each("radio", "rows", "columns", "both")
BATCH = [*each("button", "shuffle the texts", "put them back"), ("checkbox", "labels follow")]
CELL = ("application", "Row 0, image 0 (text number 0). Column 0, text 0")
# In the order in which a screen reader tells of them: what each control is, and how its name begins.
CONTROLS = {
    "scores": [("slider", "scale"), CELL, *VIEWS, *DIRECTIONS, *BATCH],
    "violations": [("slider", "margin"), CELL, *VIEWS, *DIRECTIONS, *each("radio", "all", "top 3", "hardest"), *BATCH],
    "words": [("slider", "γ1"), *each("radio", "dot product", "cosine"), ("checkbox", "words compete at each region"),
              ("application", "“word 0” at its brightest region"),
              *each("radio", *(f"word {t}: brightest in row 0, column {t}" for t in range(3))), ("slider", "γ2")],
    "film": [("button", "play"), ("slider", "frame of the film"), ("application", "Row 0, column 0, image 0"),
             *VIEWS[:3]],
    "tiles": [("button", "play"), ("slider", "step of the walk")],
}  # fmt: skip
SLIDER_SAYS = {"scores": "scale 3, loss 0.15", "violations": "margin 0.2, hinge loss 0.00",
               "words": "γ1 5, half of the look in 3 of 9 regions", "film": "step 0 of 10, loss 0.35",
               "tiles": "step 0 of 8, before the first tile"}  # fmt: skip
ARROWS = {"INPUT range", "INPUT radio", "CANVAS "}  # what the arrow keys move
# A button before and behind the picture; then what is focused, and the width of its outline.
FENCE = """() => { for (const [at, id] of [["afterbegin", "before"], ["beforeend", "behind"]])
    document.querySelector("main").insertAdjacentHTML(at, `<button id=${id}>${id}</button>`); }"""
FOCUS = """() => { const { id, tagName, type } = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return [id || `${tagName} ${type ?? ""}`, outlineStyle === "none" ? 0 : parseFloat(outlineWidth)]; }"""
MOVED = """names => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(JSON.stringify(
    [names.map((name) => explorer.model.get(name)), document.querySelector(".xm canvas").ariaLabel])))))"""


@pytest.mark.parametrize("name", PICTURES)
def test_a_screen_reader_is_told_of_every_control_by_its_name(show, name):
    page = show(PICTURES[name]())
    told = page.locator(".xm").aria_snapshot()
    found = re.findall(r"- '?(slider|radio|button|checkbox|application) \"([^\"]*)", told)
    assert [role for role, _ in found] == [role for role, _ in CONTROLS[name]]
    for (_, said), (_, begins) in zip(found, CONTROLS[name], strict=True):
        assert said.startswith(begins), begins
    assert page.get_attribute(".xm input[type=range]:visible", "aria-valuetext").startswith(SLIDER_SAYS[name])
    assert page.locator(".xm [aria-live=polite]").count() == 1, "one voice"


@pytest.mark.parametrize("name", PICTURES)
def test_keys_lead_to_every_control_move_it_and_lead_out_again(show, name):
    """Tab and the arrow keys; and Escape, to the cell of JupyterLab, whose own keys are off inside a live picture."""
    explorer = PICTURES[name]()
    page = show(explorer)
    page.evaluate(FENCE)

    def walk(start, end, key):
        page.focus(f"#{start}")
        seen = []
        for _ in range(30):
            page.keyboard.press(key)
            one, outline = page.evaluate(FOCUS)
            if one == end:
                return seen
            assert outline >= 2, f"nobody sees that {one} has the focus"
            seen.append(one)
        raise AssertionError(f"{key} does not lead out: {seen}")

    stops = walk("before", "behind", "Tab")
    assert walk("behind", "before", "Shift+Tab") == stops[::-1]
    # One stop for each control that is there, and one for each group of radio buttons.
    assert len(stops) == page.eval_on_selector_all(".xm input, .xm button, .xm canvas[tabindex]", """all => new Set(
        all.filter((one) => one.offsetParent).map((one) => one.type === "radio" ? one.name : one)).size""")

    moved, names = [], list(explorer._state)
    page.focus("#behind")
    for stop in stops[::-1]:  # backwards: the first controls say which others there are
        page.keyboard.press("Shift+Tab")
        before = page.evaluate(MOVED, names)
        page.keyboard.press("ArrowRight")
        if page.evaluate(MOVED, names) != before:
            moved.append(stop)
    assert moved == [stop for stop in stops[::-1] if stop in ARROWS]

    page.evaluate("""() => { const cell = document.querySelector("main");
        cell.classList.add("jp-Cell"); cell.tabIndex = 0; cell.id = "cell"; }""")
    for control in page.locator(".xm input, .xm button, .xm canvas[tabindex]").all():
        assert control.get_attribute("data-lm-suppress-shortcuts") == "true"
        if control.is_visible():
            control.focus()
            assert page.evaluate(FOCUS)[0] != "cell"
            page.keyboard.press("Escape")
            assert page.evaluate(FOCUS)[0] == "cell"


@pytest.mark.parametrize("name", PICTURES)
def test_axe_finds_nothing_serious_and_a_small_screen_needs_no_scrolling_sideways(show, page, name):
    page.set_viewport_size({"width": 1024, "height": 768})
    show(PICTURES[name]())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate(test_browser.DRAWN)
        found = Axe().run(page).response["violations"]
        serious = [(one["id"], [node["target"] for node in one["nodes"]]) for one in found
                   if one["impact"] in ("serious", "critical")]  # fmt: skip
        assert serious == [], scheme
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024

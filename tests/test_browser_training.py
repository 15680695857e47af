"""The live pictures of training and of tiles under keys and mouse, the search with Python behind it, and their words.

What film and tiles compute is tested in `test_browser`, where the page comes from.
"""

import re

import numpy as np
import pytest
import test_browser
import torch
from test_browser import DRAWN, plain, put, state, training
from test_browser_hand import pick, pixels
from test_live_numbers import walk
from test_live_pictures import CAPTIONS, PICTURES

from xmatch_edu import models
from xmatch_edu.data import emoji
from xmatch_edu.data.words import Vocabulary
from xmatch_edu.explore import SearchExplorer, TrainingFilm
from xmatch_edu.explore.film import VIEWS
from xmatch_edu.explore.live import figure

browser, page, show = test_browser.browser, test_browser.page, test_browser.show


@pytest.mark.slow
def test_the_slider_moves_the_picture_the_words_and_the_loss_by_keyboard(show):
    explorer = training(8, losses=np.linspace(3, 1, 40), batch_size=16)
    page = show(explorer)
    slider, seen = ".xf input[type=range]", set()
    page.focus(slider)
    for key, frame in [("", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 4), ("Home", 0)]:
        if key:
            page.keyboard.press(key)
        assert state(page, "frame") == frame, key
        page.evaluate(DRAWN)
        explorer.frame = frame
        numbers = explorer.numbers()
        assert state(page, "loss") == pytest.approx(numbers["loss"], rel=1e-9)
        assert page.inner_text(".xf-time span") == f"step {10 * frame} of 40"
        assert page.get_attribute(slider, "aria-valuetext") == f"step {10 * frame} of 40, loss {numbers['loss']:.2f}"
        assert page.inner_text(".xf-summary") == (
            f"after {10 * frame} steps: loss of this batch {numbers['loss']:.2f} (ln 8 = 2.08), the own text is the "
            f"brightest of its row in {numbers['rows right']} of 8 rows, the own image of its column in "
            f"{numbers['columns right']} of 8"
        )
        seen.add((pixels(page, ".xf-map"), pixels(page, ".xf-curve")))
    assert len(seen) == len({heatmap for heatmap, _ in seen}) == len({curve for _, curve in seen}) == 4


WATCH = """() => { window.frames_seen = []; window.said = [];
    explorer.model.on("change:frame", () => frames_seen.push(explorer.model.get("frame")));
    new MutationObserver(() => said.push(document.querySelector(".xm-ears").textContent))
        .observe(document.querySelector(".xm-ears"), { childList: true }); }"""


@pytest.mark.slow
def test_play_runs_to_the_end_and_stops_and_begins_anew(show):
    page = show(training(6, count=12))
    page.evaluate(WATCH)
    page.focus(".xf button")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.xf button').innerText === 'pause'")
    page.focus(".xf-map")  # which tells of a cell only when another is picked
    page.wait_for_function("""() => explorer.model.get("frame") === 11
        && document.querySelector(".xf button").innerText === "play" """)
    page.wait_for_timeout(400)
    assert page.evaluate("frames_seen") == list(range(1, 12)), "it stands at the end"
    summary = page.inner_text(".xf-summary")
    assert page.evaluate("said") == [summary] and summary.startswith("after 110 steps"), "aloud only at the end"
    page.focus(".xf button")
    page.keyboard.press("Space")
    page.wait_for_function("() => frames_seen.length > 13")
    assert page.evaluate("frames_seen.slice(11, 14)") == [0, 1, 2], "at the end it begins anew"


@pytest.mark.slow
def test_a_pause_is_a_pause_and_a_hand_on_the_slider_stops_the_film(show):
    page = show(training(2, count=90))  # so long that it does not end before the test
    page.evaluate(WATCH)
    page.wait_for_timeout(400)
    assert page.evaluate("frames_seen") == [], "nothing moves before it is asked to"
    page.focus(".xf button")
    page.keyboard.press("Space")
    page.wait_for_function("() => frames_seen.length > 1")
    page.keyboard.press("Space")
    page.evaluate(DRAWN)
    assert page.inner_text(".xf button") == "play"
    stood = state(page, "frame")
    page.wait_for_timeout(400)
    assert state(page, "frame") == stood
    page.keyboard.press("Enter")
    page.wait_for_function("then => explorer.model.get('frame') > then", arg=stood)
    page.focus(".xf input[type=range]")
    page.keyboard.press("Home")
    page.wait_for_timeout(400)
    assert state(page, "frame") == 0 and page.inner_text(".xf button") == "play"


@pytest.mark.slow
def test_one_frame_is_a_film_that_cannot_play(show):
    page = show(TrainingFilm({3: ([[1.0, 0], [0, 1]], 1.0)}))
    assert page.is_disabled(".xf button") and page.inner_text(".xf-time span") == "step 3 of 3"
    assert page.locator(".xf-curve").count() == 0


def test_keys_and_mouse_pick_a_view_and_a_cell_and_its_story_is_told(show):
    explorer = training(5)
    page = show(explorer)
    page.focus(".xf input[value=scores]")
    for view in [*list(VIEWS)[1:], "scores"]:
        page.keyboard.press("ArrowRight")
        page.evaluate(DRAWN)
        assert state(page, "view") == view and page.inner_text(".xf p").startswith(VIEWS[view][2])
    pick(page, ".xf-map")
    for frame, (i, j) in [(0, (1, 2)), (3, (2, 2)), (3, (1, 2))]:
        put(page, explorer, frame=frame, cell=[i, j])
        numbers, eyes = explorer.numbers(), plain(page.inner_text(".xf-story"))
        ears = plain(page.get_attribute(".xf-map", "aria-label"))
        own = "its own" if i == j else "not its own"
        assert f"image {i} (text number {i}) with text {j} (text number {j}): {own}" in eyes
        score, row, column = (f"{numbers[view][i, j]:.3f}" for view in VIEWS)
        for name, number in [("score", score), ("P(text | image)", row), ("P(image | text)", column)]:
            assert eyes.split(name)[1].strip().startswith(number), (name, i, j)
        told = f"After {10 * frame} steps: score {score}. P of text given image {row}. P of image given text {column}."
        assert ears.endswith(told)
        assert plain(page.text_content(".xm-ears")) == ears and f"Row {i}, column {j}," in ears


def test_the_mark_of_the_curve_stands_at_the_step(show):
    losses = [np.log(16), *np.linspace(2.5, 1, 49)]  # longer than the last frame
    explorer = training(3, losses=losses, batch_size=16)
    page = show(explorer)
    assert "ln 16 = 2.77" in page.inner_text(".xf-side")
    for frame, step in enumerate(explorer.steps):
        put(page, explorer, frame=frame)
        inked = page.eval_on_selector(".xf-curve", """canvas => [...canvas.getContext("2d")
            .getImageData(0, 2, canvas.width, 1).data].filter((_, at) => at % 4 === 3)""")
        assert np.flatnonzero(inked).mean() + 0.5 == pytest.approx(34 + (320 - 44) * step / 50, abs=1), step
        words = page.get_attribute(".xf-curve", "aria-label")
        assert f"Marked: {losses[step]:.2f} after {step} steps" in words
        assert re.search(r"From 2\.77 at the first step to 1\.00 at the last of 50", words)


def test_the_arrow_keys_walk_and_the_words_follow(show):
    explorer = walk(captions=[*CAPTIONS, "a caption without an end", "7"], pictures=[PICTURES[1]] * 7)
    page, seen = show(explorer), set()
    slider = ".xt input[type=range]"
    page.focus(slider)
    for key, step, title in [("", 0, "before the first tile"), ("ArrowRight", 1, "forward, tile 1 of 9"),
                             ("ArrowRight", 2, "forward, tile 2 of 9"), ("End", 18, "backward, tile 9 of 9"),
                             ("ArrowLeft", 17, "backward, tile 8 of 9"), ("Home", 0, "before the first tile")]:
        before = explorer.numbers()
        if key:
            page.keyboard.press(key)
        assert state(page, "step") == step
        page.evaluate(DRAWN)
        assert page.inner_text(".xt-title") == title
        assert page.get_attribute(slider, "aria-valuetext") == f"step {step} of 18, {title}"
        explorer.step = step
        numbers, told = explorer.numbers(), plain(page.inner_text(".xt-did"))
        assert f"= {numbers['held']}. All of S: 7² = 49." in page.inner_text(".xt-held")
        assert title in page.get_attribute(".xt-map", "aria-label")
        loss = f"loss {numbers['loss']:.2f} (ln 7 = 1.95)" if step >= 9 else ""
        assert loss in page.inner_text(".xt-loss") and bool(page.inner_text(".xt-loss")) == bool(loss)
        if step == 2:  # the same rows as tile 1, and three more columns
            assert f"row 0 goes from {before['rows'][0]:.2f} to {numbers['rows'][0]:.2f}" in told
            assert f"column 3 from nothing to {numbers['columns'][3]:.2f}." in told
        seen.add(pixels(page, ".xt-map"))
    assert len(seen) == 5


@pytest.mark.slow
def test_on_a_small_screen_the_slider_stands_above_the_picture_which_fits_below_it(show):
    page = show(walk(captions=[*CAPTIONS, "a caption without an end", "7"], pictures=[PICTURES[1]] * 7))
    page.set_viewport_size({"width": 600, "height": 640})
    page.evaluate(DRAWN)
    slider, picture = (page.locator(one).bounding_box() for one in (".xt input[type=range]", ".xt-map"))
    assert slider["y"] + slider["height"] <= picture["y"] and picture["y"] + picture["height"] <= 640


@pytest.mark.slow
def test_play_walks_to_the_end_and_says_so_once(show):
    page = show(walk(size=7))  # one tile: two steps
    page.focus(".xt button")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.xt button').innerText === 'pause'")
    page.wait_for_function("""() => explorer.model.get('step') === 2
        && document.querySelector('.xt button').innerText === 'play'""")
    page.evaluate(DRAWN)
    assert page.inner_text(".xm-ears").startswith("backward, tile 1 of 1")


@pytest.fixture(scope="module")
def gallery():
    return emoji.load().take(range(0, 1900, 19))


def searching(gallery, among=None, **more):
    torch.manual_seed(2)
    return SearchExplorer(models.TwoBranch(Vocabulary(gallery), width=16), among or gallery, **more)


@pytest.fixture
def ask(page, tmp_path):
    """A page with the search, and behind it, in place of a kernel, this very Python: each question is put to it."""

    def open_page(explorer):
        def answer(query, picked):
            explorer.query, explorer.picked = query, picked
            return explorer.results

        page.expose_function("answer", answer)
        part = figure(SearchExplorer, explorer.page_state(), alt="", png=b"")
        (tmp_path / "page.html").write_text(f"<meta charset=utf-8>{part}", "utf-8")
        page.goto((tmp_path / "page.html").as_uri())
        page.evaluate("""() => { window.asked = []; explorer.model.save_changes = async () => {
            const question = [explorer.model.get("query"), explorer.model.get("picked")];
            asked.push(question);
            explorer.model.set("results", await answer(...question)); }; }""")
        page.evaluate(DRAWN)
        return page

    return open_page


SHOWN = ".xs-found button"
ANSWERED = """([query, picked]) => { const results = explorer.model.get("results");
    return results.query === query && (results.picked?.position ?? null) === picked; }"""


def wait(page, query, picked=None):
    page.wait_for_function(ANSWERED, arg=[query, picked])
    page.evaluate(DRAWN)


@pytest.mark.slow
def test_a_search_by_keyboard_shows_what_python_found(ask, gallery):
    explorer = searching(gallery)
    page = ask(explorer)
    said = ".xs-said"
    assert page.locator(SHOWN).all_inner_texts() == [card["caption"] for card in explorer.data["start"]]
    assert page.inner_text(said) == "Type words. Or pick a picture: here are 8 of the 100."
    assert page.locator(".xs-picked").is_hidden()
    page.keyboard.press("Tab")  # the first stop of the page
    page.keyboard.type("heart", delay=40)
    wait(page, "heart")
    found = [f"{one['caption']}, {one['score']:.2f}" for one in explorer.results["found"]]
    assert [plain(words) for words in page.locator(SHOWN).all_inner_texts()] == found and len(found) == 8
    sources = page.locator(".xs-found img").evaluate_all("all => all.map(one => one.src)")
    assert sources == [one["picture"] for one in explorer.results["found"]]
    assert page.inner_text(said) == "The best 8 of 100 pictures, with their cosines"
    questions = page.evaluate("asked")
    assert questions[-1] == ["heart", None] and len(questions) < 5, "a pause is awaited, not each letter sent"

    page.keyboard.type(" zzz")
    wait(page, "heart zzz")
    assert page.inner_text(said).endswith("cosines. Not known, so left out: zzz")
    for query, words in [("zzz qqq", "None of these words is known: zzz, qqq. Or pick a picture"),
                         ("?!", "There is no word in this. Or pick a picture"), ("", "Type words.")]:  # fmt: skip
        page.fill("input", query)
        wait(page, query)
        assert page.inner_text(said).startswith(words), query
        assert page.locator(SHOWN).all_inner_texts() == [card["caption"] for card in explorer.data["start"]]
    assert page.locator(".xs :is(input, button):not([data-lm-suppress-shortcuts=true])").count() == 0
    assert page.get_attribute("input", "maxlength") == "200"


@pytest.mark.slow
def test_a_picture_picked_by_keyboard_tells_its_words(ask, gallery):
    few = gallery.take(range(5))  # so few that its own text is among the nearest
    explorer = searching(gallery, few, query="heart")
    page = ask(explorer)
    assert page.input_value("input") == "heart" and page.locator(SHOWN).count() == 5
    for presses, at in [(1, 0), (2, 2)]:
        if not at:
            page.focus("input")
        for _ in range(presses):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        position = explorer.results["found"][at]["position"]
        wait(page, "heart", position)
        picked = explorer.results["picked"]
        assert page.inner_text(".xs-picked h4 >> nth=0") == few.captions[position]
        assert f"its own text is number {picked['rank']} of the 5 texts." in page.inner_text(".xs-head")
        rows = [plain(words).split("\n") for words in page.locator(".xs-words li").all_inner_texts()]
        assert [[word, float(number)] for word, number in rows] == \
            [[word, float(f"{number:.2f}")] for word, number in picked["words"]]  # fmt: skip
        widths = page.locator(".xs-words b").evaluate_all("all => all.map(one => parseFloat(one.style.width))")
        assert widths == pytest.approx([100 * max(0, number) for _, number in picked["words"]], abs=0.01)
        texts = [plain(words).split("\n")[0] for words in page.locator(".xs-texts li").all_inner_texts()]
        assert texts == [caption + " — its own" * own for caption, _, own in picked["captions"]]
        assert page.inner_text(".xs-texts .xs-own").startswith(f"{few.captions[position]} — its own")
        pressed = page.locator(SHOWN).evaluate_all("all => all.map(one => one.getAttribute('aria-pressed'))")
        assert pressed == [str(k == at).lower() for k in range(5)]
        focused = page.evaluate("document.activeElement.innerText")
        assert focused.startswith(few.captions[position]), "the keys stay where they were"
        ring = page.evaluate("""() => { const style = getComputedStyle(document.activeElement);
            return [style.boxShadow !== "none", style.outlineStyle, style.outlineOffset]; }""")
        assert ring == [True, "solid", "2px"], "picked, and the keys are here: two marks"
        assert page.text_content(".xm-ears").startswith(f"Picked: {few.captions[position]}. The words nearest")
    page.click("text=put it back")
    wait(page, "heart")
    assert page.locator(".xs-picked").is_hidden()
    assert page.evaluate("document.activeElement.innerText").startswith(few.captions[position])


@pytest.mark.slow
def test_what_you_type_stays_while_python_answers_and_silence_is_told(ask, gallery):
    page = ask(searching(gallery))
    page.evaluate("() => { window.kept = explorer.model.save_changes; explorer.model.save_changes = () => {}; }")
    page.focus("input")
    page.keyboard.type("hea")
    page.wait_for_function("() => explorer.model.get('query') === 'hea'")
    late = page.evaluate("answer('hea', null)")
    page.evaluate("""late => { const input = document.querySelector(".xs input");
        Object.assign(input, { value: "heart" }).dispatchEvent(new Event("input"));
        explorer.model.set("results", late); }""", late)  # of the first three letters
    page.evaluate(DRAWN)
    assert page.input_value("input") == "heart"
    page.wait_for_function("() => explorer.model.get('query') === 'heart'")
    assert page.get_attribute(".xs-found", "aria-busy") == "true"
    page.wait_for_selector("text=No answer yet", timeout=5000)
    page.evaluate("kept()")
    wait(page, "heart")
    assert page.inner_text(".xs-said").startswith("The best 8")
    assert page.get_attribute(".xs-found", "aria-busy") == "false"
    page.evaluate("explorer.model.set('query', 'star')")  # Python sets it
    page.evaluate(DRAWN)
    assert page.input_value("input") == "star"

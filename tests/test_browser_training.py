"""The live pictures of training in a real browser: the film as a page of its own, the search with Python behind it."""

import re

import nbformat
import numpy as np
import pytest
import test_browser
import torch
from matplotlib import colormaps
from test_browser import DRAWN, SET, plain, run_all, run_until, state

from xmatch_edu import models
from xmatch_edu.data import emoji
from xmatch_edu.data.words import Vocabulary
from xmatch_edu.explore import SearchExplorer, TrainingFilm
from xmatch_edu.explore.film import _SCRIPT as FILM
from xmatch_edu.explore.film import VIEWS
from xmatch_edu.explore.live import figure, script

browser, page, show, lab = test_browser.browser, test_browser.page, test_browser.show, test_browser.lab
RANDOM = np.random.default_rng(17)
# The script once more, only for its numbers: the page shows them with few digits.
OPEN = script(FILM) + "\nwindow.numbers = (frame) => compute({ ...explorer.model.get('data'), frame });"
VIEW_OF = "canvas => canvas.toDataURL()"


def film(n, count=5, **more):
    """Noise from which a diagonal rises, every 10 steps a frame."""
    noise = RANDOM.normal(size=(n, n))
    frames = {10 * k: (0.3 * noise + 0.2 * k * np.eye(n), 2.0 + k) for k in range(count)}
    return TrainingFilm(frames, captions=[f"text number {i}" for i in range(n)], **more)


def test_the_slider_moves_the_picture_the_words_and_the_loss_by_keyboard(show):
    explorer = film(8, losses=np.linspace(3, 1, 40), batch_size=16)
    page = show(explorer)
    slider, seen = ".xf input[type=range]", set()
    assert page.get_attribute(slider, "data-lm-suppress-shortcuts") == "true"
    page.focus(slider)
    for key, frame in [("", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 4), ("Home", 0)]:
        if key:
            page.keyboard.press(key)
        assert state(page, "frame") == frame, key
        explorer.frame = frame
        numbers = explorer.numbers()
        assert page.evaluate(DRAWN) == pytest.approx(numbers["loss"], rel=1e-9)
        assert page.inner_text(".xf-time span") == f"step {10 * frame} of 40"
        assert page.get_attribute(slider, "aria-valuetext") == f"step {10 * frame} of 40, loss {numbers['loss']:.2f}"
        assert page.inner_text(".xf-summary") == (
            f"after {10 * frame} steps: loss of this batch {numbers['loss']:.2f} (ln 8 = 2.08), the own text is the "
            f"brightest of its row in {numbers['rows right']} of 8 rows, the own image of its column in "
            f"{numbers['columns right']} of 8"
        )
        seen.add((page.eval_on_selector(".xf-map", VIEW_OF), page.eval_on_selector(".xf-curve", VIEW_OF)))
    assert len(seen) == len({heatmap for heatmap, _ in seen}) == len({curve for _, curve in seen}) == 4


def ties(n):
    """Many equal scores, all of them exact in binary: the page and Python must count the same ones as right."""
    return TrainingFilm({k: (RANDOM.integers(0, 3, size=(n, n)) / 4 + k / 8 * np.eye(n), 1.0) for k in range(4)})


@pytest.mark.parametrize(("n", "kind"), [(1, film), (5, film), (32, film), (5, ties), (32, ties)])
def test_every_number_of_every_frame_is_that_of_python(show, n, kind):
    explorer = kind(n)
    page = show(explorer)
    page.add_script_tag(type="module", content=OPEN)
    page.wait_for_function("() => window.numbers")
    for frame in range(len(explorer.steps)):
        explorer.frame = frame
        page.evaluate(SET, {"frame": frame})
        numbers = explorer.numbers()
        assert page.evaluate(DRAWN) == pytest.approx(numbers["loss"], rel=1e-9, abs=1e-12)
        seen = page.evaluate("""frame => { const { matrices, loss, rowsRight, columnsRight } = numbers(frame);
            return [Object.values(matrices).map((matrix) => [...matrix]), rowsRight, columnsRight]; }""", frame)
        assert seen[1:] == [numbers["rows right"], numbers["columns right"]], frame
        for view, matrix in zip(VIEWS, seen[0], strict=True):
            assert np.abs(np.reshape(matrix, (n, n)) - numbers[view]).max() <= 1e-9, (frame, view)
        rows = "1 of 1 row," if n == 1 else f"{numbers['rows right']} of {n} rows,"
        assert rows in page.inner_text(".xf-summary")


@pytest.mark.parametrize("n", [1, 5, 32])
def test_every_cell_has_the_colour_of_its_number_and_the_colours_stay_through_all_frames(show, n):
    cell, left, top = {1: 84, 5: 80, 32: 12}[n], 30, 10
    explorer = film(n)
    page = show(explorer)
    low, high = explorer.scores.min(), explorer.scores.max()
    for view, (_, colours, _) in VIEWS.items():
        for frame in range(len(explorer.steps)):
            explorer.view, explorer.frame = view, frame
            page.evaluate(SET, {"view": view, "frame": frame})
            page.evaluate(DRAWN)
            seen = page.evaluate("""([n, cell, left, top, inside]) => {
                const context = document.querySelector(".xf-map").getContext("2d");
                return Array.from({ length: n * n }, (_, c) => [...context.getImageData(
                    left + (c % n) * cell + inside, top + Math.floor(c / n) * cell + inside, 1, 1).data].slice(0, 3));
                }""", [n, cell, left, top, 6])  # beside the number, where there is one  # fmt: skip
            ends = (low, high) if view == "scores" else (0, 1)
            shares = (explorer.numbers()[view] - ends[0]) / ((ends[1] - ends[0]) or 1)
            expected = colormaps[colours](shares, bytes=True)[..., :3].reshape(-1, 3)
            assert np.abs(np.array(seen) - expected.astype(int)).max() <= 8, (view, frame)  # a neighbour in the table


WATCH = """() => { window.frames_seen = []; window.said = [];
    explorer.model.on("change:frame", () => frames_seen.push(explorer.model.get("frame")));
    new MutationObserver(() => said.push(document.querySelector(".xm-ears").textContent))
        .observe(document.querySelector(".xm-ears"), { childList: true }); }"""


def test_play_runs_to_the_end_and_stops_and_begins_anew(show):
    explorer = film(6, count=12)
    page = show(explorer)
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
    explorer.frame = 11
    assert page.evaluate(DRAWN) == pytest.approx(explorer.numbers()["loss"], rel=1e-9)
    page.focus(".xf button")
    page.keyboard.press("Space")
    page.wait_for_function("() => frames_seen.length > 13")
    assert page.evaluate("frames_seen.slice(11, 14)") == [0, 1, 2], "at the end it begins anew"


def test_a_pause_is_a_pause_and_a_hand_on_the_slider_stops_the_film(show):
    page = show(film(2, count=90))  # so long that it does not end before the test
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


def test_one_frame_is_a_film_that_cannot_play(show):
    page = show(TrainingFilm({3: ([[1.0, 0], [0, 1]], 1.0)}))
    assert page.is_disabled(".xf button") and page.inner_text(".xf-time span") == "step 3 of 3"
    assert page.locator(".xf-curve").count() == 0


def test_views_answer_to_keys_and_each_control_keeps_its_keys(show):
    explorer = film(4, losses=np.ones(40))
    page = show(explorer)
    page.focus(".xf input[value=scores]")
    for view in [*list(VIEWS)[1:], "scores"]:
        page.keyboard.press("ArrowRight")
        page.evaluate(DRAWN)
        assert state(page, "view") == view and page.is_checked(f".xf input[value='{view}']")
        assert page.inner_text(".xf p").startswith(VIEWS[view][2]), view
    own = "all => all.every(one => one.dataset.lmSuppressShortcuts === 'true')"
    assert page.eval_on_selector_all(".xf input, .xf button, .xf canvas", own)


def test_keys_and_mouse_pick_a_cell_and_its_story_is_told(show):
    explorer = film(5)
    page = show(explorer)
    page.focus(".xf-map")
    for key, cell in [("ArrowRight", [0, 1]), ("ArrowDown", [1, 1]), ("ArrowUp", [0, 1]), ("ArrowUp", [0, 1]),
                      ("End", [0, 4]), ("ArrowRight", [0, 4]), ("Home", [0, 0]), ("PageDown", [4, 0])]:  # fmt: skip
        page.keyboard.press(key)
        assert state(page, "cell") == cell, key
    page.click(".xf-map", position={"x": 30 + 80 * 2.5, "y": 10 + 80 * 1.5})
    assert state(page, "cell") == [1, 2]
    for frame, (i, j) in [(0, (1, 2)), (3, (2, 2)), (3, (1, 2))]:
        explorer.frame = frame
        page.evaluate(SET, {"frame": frame, "cell": [i, j]})
        page.evaluate(DRAWN)
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
    explorer = film(3, losses=losses, batch_size=16)
    page = show(explorer)
    assert "ln 16 = 2.77" in page.inner_text(".xf-side")
    for frame, step in enumerate(explorer.steps):
        page.evaluate(SET, {"frame": frame})
        page.evaluate(DRAWN)
        inked = page.eval_on_selector(".xf-curve", """canvas => [...canvas.getContext("2d")
            .getImageData(0, 2, canvas.width, 1).data].filter((_, at) => at % 4 === 3)""")
        assert np.flatnonzero(inked).mean() + 0.5 == pytest.approx(34 + (320 - 44) * step / 50, abs=1), step
        words = page.get_attribute(".xf-curve", "aria-label")
        assert f"Marked: {losses[step]:.2f} after {step} steps" in words
        assert re.search(r"From 2\.77 at the first step to 1\.00 at the last of 50", words)


@pytest.fixture(scope="module")
def gallery():
    return emoji.load().take(range(0, 1900, 19))


def searching(gallery, **more):
    torch.manual_seed(2)
    return SearchExplorer(models.TwoBranch(Vocabulary(gallery), width=16), gallery, **more)


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
    own = "all => all.every(one => one.dataset.lmSuppressShortcuts === 'true')"
    assert page.eval_on_selector_all(".xs input, .xs button", own)
    assert page.get_attribute("input", "maxlength") == "200"


def test_a_picture_picked_by_keyboard_tells_its_words(ask, gallery):
    explorer = searching(gallery, query="heart")
    page = ask(explorer)
    assert page.input_value("input") == "heart" and page.locator(SHOWN).count() == 8
    for presses, at in [(1, 0), (2, 2)]:
        if not at:
            page.focus("input")
        for _ in range(presses):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        position = explorer.results["found"][at]["position"]
        wait(page, "heart", position)
        picked = explorer.results["picked"]
        assert page.inner_text(".xs-picked h4 >> nth=0") == gallery.captions[position]
        assert f"its own text is number {picked['rank']} of the 100 texts." in page.inner_text(".xs-head")
        rows = [plain(words).split("\n") for words in page.locator(".xs-words li").all_inner_texts()]
        assert [[word, float(number)] for word, number in rows] == \
            [[word, float(f"{number:.2f}")] for word, number in picked["words"]]  # fmt: skip
        widths = page.locator(".xs-words b").evaluate_all("all => all.map(one => parseFloat(one.style.width))")
        assert widths == pytest.approx([100 * max(0, number) for _, number in picked["words"]], abs=0.01)
        texts = [plain(words).split("\n")[0] for words in page.locator(".xs-texts li").all_inner_texts()]
        assert texts == [caption + " — its own" * own for caption, _, own in picked["captions"]]
        assert page.locator(".xs-texts .xs-own").count() == sum(own for *_, own in picked["captions"])
        pressed = page.locator(SHOWN).evaluate_all("all => all.map(one => one.getAttribute('aria-pressed'))")
        assert pressed == [str(k == at).lower() for k in range(8)]
        focused = page.evaluate("document.activeElement.innerText")
        assert focused.startswith(gallery.captions[position]), "the keys stay where they were"
        ring = page.evaluate("""() => { const style = getComputedStyle(document.activeElement);
            return [style.boxShadow !== "none", style.outlineStyle, style.outlineOffset]; }""")
        assert ring == [True, "solid", "2px"], "picked, and the keys are here: two marks"
        assert page.text_content(".xm-ears").startswith(f"Picked: {gallery.captions[position]}. The words nearest")
    page.click("text=put it back")
    wait(page, "heart")
    assert page.locator(".xs-picked").is_hidden()
    assert page.evaluate("document.activeElement.innerText").startswith(gallery.captions[position])


def test_its_own_text_is_marked_where_it_is_among_the_nearest(ask, gallery):
    few = gallery.take(range(4))
    explorer = searching(few)
    page = ask(explorer)
    page.click(f"{SHOWN} >> nth=2")
    wait(page, "", 2)
    assert page.inner_text(".xs-texts .xs-own").startswith(f"{few.captions[2]} — its own")
    assert page.locator(".xs-texts .xs-own").count() == 1


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


MAKE = """import torch
from xmatch_edu import models
from xmatch_edu.data import emoji
from xmatch_edu.data.words import Vocabulary
from xmatch_edu.explore import SearchExplorer, TrainingFilm
gallery = emoji.load().take(range(0, 1900, 19))
torch.manual_seed(2)
live = SearchExplorer(models.TwoBranch(Vocabulary(gallery), width=16), gallery)
live"""
FILM_CELL = """film = TrainingFilm({5 * k: (k * torch.eye(4), 2.0) for k in range(4)}, losses=[1.4] * 15, batch_size=4)
film"""
ASK = """agree = film.loss is not None and abs(film.loss - film.numbers()["loss"]) < 1e-9
print("Python says", repr(live.query), live.picked, film.frame, agree)
if live.picked is not None and film.frame == 2 and agree:
    live.query = 'star'"""


def test_in_jupyterlab_the_search_and_the_film_are_alive(lab, page, gallery, tmp_path):
    """Run All; then words and a picked picture by keyboard, the film's slider, and Python asked and answering."""
    cells = [nbformat.v4.new_code_cell(source) for source in (MAKE, FILM_CELL, ASK)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "work" / "search.ipynb")
    page.goto(lab.format("search"))
    last = run_all(page, "Python says '' None 0 ")
    expected = searching(gallery, query="heart zzz")
    page.locator(".xs").scroll_into_view_if_needed()
    page.focus(".xs input")
    page.keyboard.type("heart zzz")
    page.wait_for_selector("text=Not known, so left out: zzz")
    found = [f"{one['caption']}, {one['score']:.2f}" for one in expected.results["found"]]
    assert [plain(words) for words in page.locator(SHOWN).all_inner_texts()] == found
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # JupyterLab would go into the cell
    position = expected.results["found"][1]["position"]
    expected.picked = position
    page.wait_for_selector(f".xs-picked h4:has-text({gallery.captions[position]!r})")
    nearest = [plain(words).split("\n")[0] for words in page.locator(".xs-words li").all_inner_texts()]
    assert nearest == [word for word, _ in expected.results["picked"]["words"]]
    assert page.evaluate("document.activeElement.innerText").startswith(gallery.captions[position])

    page.locator(".xf").scroll_into_view_if_needed()
    page.focus(".xf input[type=range]")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector("text=step 10 of 15")
    run_until(page, last, f"Python says 'heart zzz' {position} 2 True")
    page.locator(".xs").scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.xs input').value === 'star'")  # and Python typed

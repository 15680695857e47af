"""The slides: all of each chapter is there in its order, fits, and works in a browser from a folder alone."""

import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import test_browser
from bs4 import BeautifulSoup

if find_spec("sphinx_revealjs") is None and not os.environ.get("CI"):  # there every extra is installed
    pytest.skip("the extra `pages` is not here: python3 -m xmatch_edu site brings it", allow_module_level=True)

from xmatch_edu.course.publish import chapters, slides

browser = test_browser.browser
CHAPTERS = {chapter.number: chapter for chapter in chapters.every()}
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("slides")
    assert slides.make(made) == "index.html"
    return made


@pytest.fixture(scope="module")
def address(folder):
    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()


@pytest.fixture
def page(browser, folder, address):
    """A page that fails the test if it complained, or asked for anything but the files of the decks."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    complaints, asked = [], []
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda request: asked.append(request.url))
    context.on("requestfailed", lambda request: complaints.append(f"no answer: {request.url}"))
    yield context.new_page()
    context.close()
    home = (f"{address}/", f"{folder.as_uri()}/", "data:", "blob:", "about:")
    assert complaints == []
    assert [url for url in asked if not url.startswith(home)] == []


@functools.cache
def deck(folder, number):
    return parsed(folder, number)


def parsed(folder, number):
    return BeautifulSoup((folder / slides.name_of(CHAPTERS[number])).read_text("utf-8"), "html.parser")


def letters(text):
    return re.sub(r"[\W_]", "", text)


def visit(page, start, number, place=""):
    page.goto(f"{start}/{slides.name_of(CHAPTERS[number])}{place}")
    page.wait_for_function("Reveal.isReady() && document.fonts.status === 'loaded'")


# ---- What is in the decks


def test_a_second_build_from_elsewhere_has_the_same_bytes(folder, tmp_path):
    command = [sys.executable, "-m", "xmatch_edu.course.publish", "slides", "again"]
    other = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(command, cwd=tmp_path, env=other, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.strip() == str(Path("again", "index.html"))
    again = {path.relative_to(tmp_path / "again"): path for path in (tmp_path / "again").rglob("*") if path.is_file()}
    again.pop(Path(".made_by_xmatch_edu"))
    first = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    assert sorted(again) == sorted(first)
    assert [name for name in first if first[name].read_bytes() != again[name].read_bytes()] == []


@pytest.mark.parametrize("number", CHAPTERS)
def test_all_of_a_chapter_but_its_solutions_is_in_its_deck_in_order(folder, number):
    chapter, made = CHAPTERS[number], parsed(folder, number)  # its own: pieces are taken out of it below
    assert [h.get_text() for h in made.select("h2, h3")] == [re.sub("[*`]", "", s.heading) for s in chapter.sections]
    assert [letters(q.get_text()) for q in made.select(".question p:last-of-type strong")] == [
        letters(q.asked) for q in chapter.questions
    ]
    code = [cell for cell in chapter.cells if cell.cell_type == "code"]
    assert [c.get_text().strip("\n") for c in made.select(".code")] == [cell.source.strip("\n") for cell in code]
    shown = [output.metadata["image/png"]["alt"] for cell in code for output in cell.outputs
             if "image/png" in output.get("data", {})]  # fmt: skip
    assert [image["alt"] for image in made.select("img")] == shown
    stubs = {exercise.cell for exercise in chapter.exercises}
    printed = [output.get("text") or output.get("evalue", "") for place, cell in enumerate(chapter.cells)
               if cell.cell_type == "code" and place not in stubs for output in cell.outputs
               if output.output_type in ("stream", "error")]  # fmt: skip
    found = [pre.get_text() for pre in made.select(".printed")]
    assert len(found) == len(printed)
    assert all(told.strip() in whole for told, whole in zip(printed, found, strict=True))

    # Every word of the text. What the template adds and what is no text is taken out of the deck first.
    for added in made.select(".running, .notes, .code, .printed, .table, .live, .hint > p:first-child, .needs-python"):
        added.decompose()
    text = "\n\n".join(chapters.SOLUTION.sub("", c.source) for c in chapter.cells if c.cell_type == "markdown")
    syntax = r"\]\([^)]*\)|</?details>|<summary>\w+</summary>|^\d+\. |^\|[|-]+$|^```\w+$"
    text = re.sub(syntax, "", text, flags=re.MULTILINE)
    assert letters(made.select_one(".slides").get_text()) == letters(text)
    whole = letters(deck(folder, number).get_text())
    for exercise in chapter.exercises:
        assert letters(exercise.solution.partition("\n")[2]) not in whole, exercise.name


@pytest.mark.parametrize("number", CHAPTERS)
def test_a_class_is_asked_before_it_sees(folder, number):
    """Nothing stands under a question; its answer comes later, or in the speaker's window."""
    all_slides = deck(folder, number).select(".slides > section > section")
    for question, (place, asked) in zip(CHAPTERS[number].questions, [
        (place, one) for place, slide in enumerate(all_slides) for one in slide.select(".question")
    ], strict=True):  # fmt: skip
        slide = all_slides[place]
        assert not asked.find_next_sibling(lambda tag: "notes" not in tag["class"])
        assert not slide.select(".fragment")
        assert [option.get_text()[:3] for option in asked.select("li")] == [f"({x})" for x, _ in question.options]
        answer = [letters(re.sub(r"\]\([^)]*\)", "", paragraph)) for paragraph in question.answer]
        assert letters(slide.select_one("aside.notes").get_text()) == "".join(answer)
        assert answer[0] in letters("".join(slide.get_text() for slide in all_slides[place + 1 :]))


def test_what_belongs_together_stands_together(folder):
    for number in CHAPTERS:
        for slide in deck(folder, number).select(".slides > section > section"):
            blocks = slide.select(".title, .heading, .task, .text, .credit, .question, .hint, .code, .picture, .live, "
                                  ".printed, .table")  # fmt: skip
            kinds = [block["class"][0] for block in blocks]
            assert kinds[0] not in ("credit", "hint") and kinds[-1] != "task", (number, kinds)
            assert "live" not in kinds or set(kinds) <= {"live", "credit"}, (number, kinds)
            uncovered = {block["class"][0] for block in slide.select(".fragment > div")}
            assert uncovered <= {"text", "credit", "hint"}, (number, uncovered)
            if "hint" in kinds and "task" in kinds:
                assert "hint" in uncovered, number


def test_every_file_that_a_deck_names_is_there_and_its_licence_too(folder):
    for path in folder.glob("*.html"):
        made = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        assert made.html["lang"] == "en" and made.title.get_text()
        named = [tag.get("src") or tag.get("href") for tag in made.select("[src], [href]")]
        for name in named:
            if not name.startswith(("data:", "#")):
                assert (folder / unquote(urlsplit(name).path)).is_file() and "//" not in name, (path.name, name)
    for name in re.findall(r"url\(([^)]+)\)", (folder / "shared/deck.css").read_text("utf-8")):
        assert (folder / "shared" / name).is_file()
    for part, says in [("reveal", "Hakim El Hattab"), ("mathjax", "Apache License"), ("fonts", "OPEN FONT LICENSE")]:
        assert says in (folder / "shared" / part / "LICENSE").read_text("utf-8")


# ---- In a browser

# The slide on show: its place, what is cut off below and at the sides, pictures and letters too small, formulas.
LOOK = r"""() => {
  const section = Reveal.getCurrentSlide(), slide = section.querySelector(".slide");
  const all = [...slide.querySelectorAll("*")].filter(one => !one.closest(".xm-ears, mjx-container, .notes"));
  const size = one => parseFloat(getComputedStyle(one).fontSize);
  const holdsText = one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return {
    place: Object.values(Reveal.getIndices(section)).slice(0, 2).join("."),
    below: Math.max(slide.scrollHeight, ...[...slide.children].map(one => one.offsetTop + one.scrollHeight)) - 720,
    beside: all.filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth && !one.closest(".live-picture")
      && getComputedStyle(one).display !== "inline").map(one => one.outerHTML.slice(0, 80)),
    spilt: all.filter(one => one.matches("div:not(.live-picture div, :has(mjx-container))")
        && one.scrollHeight > one.clientHeight + 8)
      .map(one => one.outerHTML.slice(0, 80)),
    shrunk: [...slide.querySelectorAll(".picture img")].filter(one => Math.min(one.clientWidth / one.naturalWidth,
      one.clientHeight / one.naturalHeight) < 0.65).map(one => one.alt.slice(0, 60)),
    tiny: all.filter(one => holdsText(one) && !one.closest(".live-picture, script, noscript, sup, sub")
      && size(one) < (one.closest("pre") || one.closest(".credit") ? 16 : one.closest("table") ? 18 : 20))
      .map(one => [size(one), one.outerHTML.slice(0, 80)]),
    raw: /\$\$|\\(frac|log|sum)/.test(slide.innerText), formulas: slide.querySelectorAll("mjx-container svg").length,
  };
}"""
FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
AT_THE_END = "() => Reveal.isLastSlide() && !Reveal.availableFragments().next"


@pytest.mark.parametrize("number", CHAPTERS)
def test_a_walk_through_the_deck_by_keyboard(page, address, folder, number):
    """No slide overflows: neither with what is there at first nor with what is uncovered."""
    visit(page, address, number)
    places, formulas = [], 0
    for _ in range(200):
        page.evaluate(FRAMES)
        seen = page.evaluate(LOOK)
        if not places or places[-1] != seen["place"]:
            places.append(seen["place"])
            formulas += seen["formulas"]
        wrong = {name: seen[name] for name in ("beside", "spilt", "shrunk", "tiny") if seen[name]}
        assert seen["below"] <= 0 and not wrong and not seen["raw"], (seen["place"], seen["below"], wrong)
        if page.evaluate(AT_THE_END):
            break
        page.keyboard.press("Space")
    assert len(places) == len(set(places)) == len(deck(folder, number).select(".slides > section > section"))
    asked = [cell.source.count("$") for cell in CHAPTERS[number].cells if cell.cell_type == "markdown"]
    assert (formulas > 0) == any(asked)


@pytest.mark.parametrize("number", CHAPTERS)
def test_anybody_can_read_a_deck(page, address, folder, number):
    """axe finds nothing serious: in the whole deck as it opens, on the slide of its live picture, on the last; in some
    decks on the first slide of each kind."""
    visit(page, address, number)
    page.evaluate(AXE)
    assert violations(page, "document") == []
    made = deck(folder, number)
    kinds = [".live"]
    if number in ("02", "03", "07"):
        kinds += [".question", ".picture", "table", ".columns", ".task", ".printed", ".text pre"]
    shown = {place_of(made, one) for kind in kinds for one in made.select(kind)[:1]}
    for column, row in sorted(shown | {place_of(made, made.select(".slide")[-1])}):
        page.evaluate(f"Reveal.slide({column}, {row}, 99)")  # with all that is uncovered
        page.evaluate(FRAMES)
        assert violations(page, "Reveal.getCurrentSlide()") == [], (column, row)


def violations(page, where):
    found = page.evaluate(f"async () => (await axe.run({where}, {{ resultTypes: ['violations'] }})).violations")
    return [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] in ("serious", "critical")]


def place_of(made, element):
    section = element.find_parent("section")
    column = section.find_parent("section")
    return (made.select(".slides > section").index(column), column.find_all("section", recursive=False).index(section))


@pytest.mark.parametrize("number", ["02", "06"])
def test_a_deck_works_as_a_file_with_arrows_alone(page, folder, number):
    visit(page, folder.as_uri(), number)
    assert page.evaluate("document.fonts.check('27px \"Source Sans\"')")
    columns = page.evaluate("Reveal.getHorizontalSlides().length")
    for column in range(columns):
        assert page.evaluate("Reveal.getIndices().h") == column
        while page.evaluate("Reveal.availableRoutes().down || Reveal.availableFragments().next"):
            page.keyboard.press("ArrowDown")
            page.evaluate(FRAMES)
            assert not page.evaluate(LOOK)["raw"]
        page.keyboard.press("ArrowRight")
    if number == "06":
        assert page.locator("mjx-container svg").count() == 4
    with page.expect_navigation():
        page.evaluate("document.querySelector('a[href*=\".slides.html\"]').click()")
    page.wait_for_function("Reveal.isReady()")


# ---- The live pictures on their slides

MODEL = "name => document.querySelector('.live-picture').model.get(name)"
TOLD = "() => document.querySelector('.live-picture').innerText"
PLACE = "() => JSON.stringify(Reveal.getIndices())"
BOX = """() => { const canvas = document.querySelector(".live-picture canvas");
  const { left, top, width, height } = canvas.getBoundingClientRect(); return [left, top, width, height]; }"""
ROOM_LEFT = """() => { const live = document.querySelector(".live-picture"), zoom = Number(live.style.zoom) || 1;
  const slide = live.closest(".slide");
  live.style.zoom = zoom + 0.15;
  const fits = slide.scrollHeight <= slide.clientHeight && live.scrollWidth <= live.clientWidth;
  live.style.zoom = zoom;
  return fits; }"""
SIZES = [(1024, 768), (1920, 1080)]  # slides made smaller, and larger


def show_live(page, address, folder, number, size):
    """The deck at the slide of its live picture, which is drawn and whole -> its canvas's place on the screen."""
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    made = deck(folder, number)
    column, row = place_of(made, made.select_one(".live-picture"))
    visit(page, address, number, f"#/{column}/{row}")
    page.wait_for_function("document.querySelector('.live-picture canvas').width !== 300")
    page.evaluate(FRAMES)
    page.evaluate(FRAMES)
    left, top, width, height = page.evaluate(BOX)
    assert left >= 0 and left + width <= size[0] and top >= 0 and top + height <= size[1]
    assert page.evaluate(LOOK)["below"] <= 0
    assert page.evaluate(ROOM_LEFT) is False, "it is as large as the slide allows"
    return left, top, width


def keys_go_to_the_picture_until_escape(page, place):
    assert page.evaluate(PLACE) == place, "the keys were the picture's"
    page.keyboard.press("Escape")
    assert not page.evaluate("Reveal.isOverview()")
    page.keyboard.press("Space")
    assert page.evaluate(PLACE) != place, "and are the deck's again"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("number", ["00", "01", "02", "07", "08"])
def test_a_live_heatmap_answers_on_its_slide(page, address, folder, number, size):
    left, top, width = show_live(page, address, folder, number, size)
    place, n = page.evaluate(PLACE), len(page.evaluate(MODEL, "data")["captions"])
    cell = min(84, 400 // n)  # as the script measures it
    edge = max(20, min(cell - 1, 48)) + 10
    scale = width / (edge + n * cell + 66)
    for row, column in ((1, 2), (3, 0), (2, 3)):
        page.mouse.click(left + scale * (edge + (column + 0.5) * cell), top + scale * (10 + (row + 0.5) * cell))
        assert page.evaluate(MODEL, "cell") == [row, column]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(MODEL, "cell") == [1, 2]

    page.focus(".live-picture input[type=range]:visible")
    name = {"07": "margin", "08": "frame"}.get(number, "scale")
    before, told = page.evaluate(MODEL, name), page.evaluate(TOLD)
    page.keyboard.press("ArrowRight")
    page.evaluate(FRAMES)
    assert page.evaluate(MODEL, name) > before and page.evaluate(TOLD) != told
    keys_go_to_the_picture_until_escape(page, place)


@pytest.mark.parametrize("size", SIZES)
def test_the_live_attention_answers_on_its_slide(page, address, folder, size):
    left, top, width = show_live(page, address, folder, "05", size)
    place, canvas = page.evaluate(PLACE), ".live-picture .xw-look canvas"
    own = page.evaluate("parseFloat(document.querySelector('.live-picture canvas').style.width)")
    cell = page.evaluate("document.querySelector('.live-picture canvas').style.height")
    side = (float(cell.removesuffix("px")) - 6) / 17  # 17 regions and two edges of 3
    for row, column in ((2, 5), (16, 0), (9, 16)):
        page.mouse.move(*(at + width / own * (3 + side * (k + 0.5)) for at, k in ((left, column), (top, row))))
        page.evaluate(FRAMES)
        assert page.get_attribute(canvas, "data-region") == str(17 * row + column)
    page.focus(canvas)
    page.keyboard.press("ArrowUp")
    page.evaluate(FRAMES)
    assert page.get_attribute(canvas, "data-region") == str(17 * 8 + 16)
    page.focus(".live-picture input[type=range]")
    before = page.evaluate(MODEL, "gamma1")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(MODEL, "gamma1") > before
    keys_go_to_the_picture_until_escape(page, place)


@pytest.mark.parametrize("size", SIZES)
def test_the_live_tiles_answer_on_their_slide(page, address, folder, size):
    show_live(page, address, folder, "10", size)
    place, told = page.evaluate(PLACE), page.evaluate(TOLD)
    page.click(".live-picture input[type=range]")
    page.evaluate(FRAMES)
    middle = page.evaluate(TOLD)
    page.keyboard.press("ArrowRight")
    page.evaluate(FRAMES)
    assert len({told, middle, page.evaluate(TOLD)}) == 3
    keys_go_to_the_picture_until_escape(page, place)


# ---- What is around the decks


def test_the_contents_lead_to_every_deck_and_back(page, address, folder):
    page.goto(f"{address}/index.html")
    page.evaluate(AXE)
    assert [v["id"] for v in page.evaluate("async () => (await axe.run()).violations")] == []
    links = page.locator("ol a")
    assert links.all_inner_texts() == [chapter.title for chapter in CHAPTERS.values()]
    with page.expect_navigation():  # until its scripts are there
        links.nth(2).click()
    page.wait_for_function("Reveal.isReady()")
    assert page.title().startswith(f"02 · {CHAPTERS['02'].title}")


def test_slides_move_only_for_those_who_like_it(page, address):
    visit(page, address, "03")
    assert page.evaluate("Reveal.getConfig().transition") == "none"
    page.emulate_media(reduced_motion="no-preference")
    page.reload()
    page.wait_for_function("Reveal.isReady()")
    assert page.evaluate("Reveal.getConfig().transition") == "slide"
    # With that move reveal.js calls the whole deck a slide: it must not be laid out as one.
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        scale = min(width / 1280, height / 720)
        page.wait_for_function("scale => Math.abs(Reveal.getScale() - scale) < 0.01", arg=scale)


def test_the_speaker_sees_the_answer(page, address, folder):
    made = deck(folder, "02")
    column, row = place_of(made, made.select_one(".question"))
    visit(page, address, "02", f"#/{column}/{row}")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    window = opened.value
    window.wait_for_function("document.querySelector('.speaker-controls-notes .value')?.innerText.length > 20")
    told = window.inner_text(".speaker-controls-notes .value")
    assert letters(told) == letters("".join(CHAPTERS["02"].questions[0].answer))

"""The slides: all of each chapter is there in its order, fits, and works in a browser from a folder alone.

The decks are built once. What needs a browser is of the slow tier; what stands where on which slide is not.
"""

import copy
import functools
import os
import re
from importlib.resources import files
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import test_browser
from bs4 import BeautifulSoup

if find_spec("sphinx_revealjs") is None and not os.environ.get("CI"):  # there every extra is installed
    pytest.skip("the extra `pages` is not here: python3 -m xmatch_edu site brings it", allow_module_level=True)

from xmatch_edu.course.publish import chapters, cutting, slides

browser = test_browser.browser
CHAPTERS = {chapter.number: chapter for chapter in chapters.every()}
ALL = pytest.mark.parametrize("number", CHAPTERS)
BLOCKS = ".title, .heading, .task, .text, .credit, .question, .hint, .code, .picture, .live, .printed, .table"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("slides")
    assert slides.make(made) == "index.html"
    return made


@pytest.fixture
def page(browser, folder):
    """A page that fails the test if it complained, or asked for anything but the files of the decks."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    complaints, asked = [], []
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda request: asked.append(request.url))
    context.on("requestfailed", lambda request: complaints.append(f"no answer: {request.url}"))
    yield context.new_page()
    context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((f"{folder.as_uri()}/", "data:", "blob:", "about:"))] == []


@functools.cache
def deck(folder, number):
    return BeautifulSoup((folder / slides.name_of(CHAPTERS[number])).read_text("utf-8"), "html.parser")


def letters(text):
    return re.sub(r"[\W_]", "", text)


def visit(page, folder, number, place=""):
    page.goto(f"{folder.as_uri()}/{slides.name_of(CHAPTERS[number])}{place}")
    page.wait_for_function("Reveal.isReady() && document.fonts.status === 'loaded'")


# ---- The rule


def cut(*cells):
    """The slides of a section, each as the kinds of its blocks. cells: Markdown; (code, *outputs)."""
    made = [CHAPTERS["02"].cells[0], nbformat.v4.new_markdown_cell("## A section")]
    for cell in cells:
        if isinstance(cell, str):
            made.append(nbformat.v4.new_markdown_cell(cell))
            continue
        code, *outputs = cell
        outputs = [nbformat.v4.new_output("stream", text=one) if not one.startswith("<") else
                   nbformat.v4.new_output("display_data", {"text/html": one}) for one in outputs]  # fmt: skip
        made.append(nbformat.v4.new_code_cell(code, outputs=outputs))
    _, section = cutting.slides(chapters.Chapter("02.ipynb", nbformat.v4.new_notebook(cells=made)))
    return [[block.kind for block in slide] for slide in section]


SMALL, PICTURE, TALL = (f'<img alt="" width="400" height="{height}" src="">' for height in (100, 300, 560))
LIVE = '<div class="live-picture"></div>'
WORDS = "Some words. " * 40
CODE = "x = 1\n" * 12


@pytest.mark.parametrize(("cells", "expected"), [
    (["Words.", ("x", "1")], [["heading", "text", "code", "printed"]]),
    (["Words.", ("x", PICTURE), "**What to see.** A."], [["heading", "text", "code", "picture", "text"]]),
    (["Words.", ("x", TALL), "**What to see.** A."], [["heading", "text", "code"], ["picture", "text"]]),
    ([("x", SMALL), ("y", SMALL)], [["heading", "code", "picture"], ["code", "picture"]]),
    ([("x", "1"), "**What to see.** A.", ("y", "2")], [["heading", "code", "printed", "text"], ["code", "printed"]]),
    ([("x", "1"), "**What to see.** A.\n\nAnd so:", ("y", "2")],
     [["heading", "code", "printed", "text"], ["text", "code", "printed"]]),
    ([("x", LIVE), "*Twemoji graphics by others.*\n\nWords."], [["heading", "code"], ["live", "credit"], ["text"]]),
    ([WORDS + "\n\n" + WORDS, (CODE, "1")], [["heading", "text", "text"], ["code", "printed"]]),
    ([(CODE * 3, "1")], [["heading", "code"], ["printed"]]),
    (["Words.", "### 1 · One\n\nA task.", ("f",), "<details><summary>Hint</summary>\nA hint.\n</details>", "Words."],
     [["heading", "text"], ["task", "text", "code", "hint"], ["text"]]),
])  # fmt: skip
def test_where_a_slide_ends(cells, expected):
    assert cut(*cells) == expected


# ---- What is in the decks


@ALL
def test_all_of_a_chapter_but_its_solutions_is_in_its_deck_in_order(folder, number):
    chapter, made = CHAPTERS[number], copy.copy(deck(folder, number))  # of which pieces are taken out below
    whole = letters(made.get_text())
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
    outputs = sum(len(cell.get("outputs", ())) for place, cell in enumerate(chapter.cells) if place not in stubs)
    assert len(made.select(".printed, .table, .picture, .live")) == outputs
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
    for exercise in chapter.exercises:
        assert letters(exercise.solution.partition("\n")[2]) not in whole, exercise.name


@ALL
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


@ALL
def test_what_belongs_together_stands_together(folder, number):
    for slide in deck(folder, number).select(".slides > section > section"):
        kinds = [block["class"][0] for block in slide.select(BLOCKS)]
        assert kinds[0] not in ("credit", "hint") and kinds[-1] != "task" and kinds.count("picture") < 2, kinds
        assert "live" not in kinds or set(kinds) <= {"live", "credit"}, kinds
        uncovered = {block["class"][0] for block in slide.select(".fragment > div")}
        assert uncovered <= {"text", "credit", "hint"} and ("hint" in uncovered) == ("hint" in kinds), uncovered


def test_every_file_that_a_deck_names_is_there_and_its_licence_too(folder):
    for made in [BeautifulSoup((folder / "index.html").read_text("utf-8"), "html.parser"),
                 *(deck(folder, number) for number in CHAPTERS)]:  # fmt: skip
        assert made.html["lang"] == "en" and made.title.get_text()
        for name in (tag.get("src") or tag.get("href") for tag in made.select("[src], [href]")):
            if not name.startswith(("data:", "#")):
                assert (folder / unquote(urlsplit(name).path)).is_file() and "//" not in name, name
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
    kinds: all.filter(one => one.matches("div[class]") && !one.closest(".live-picture")).map(one => one.className),
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
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
AT_THE_END = "() => Reveal.isLastSlide() && !Reveal.availableFragments().next"


@pytest.mark.slow
@ALL
def test_a_walk_through_the_deck_by_keyboard(page, folder, number):
    """No slide overflows, neither at first nor with all that is uncovered. And anybody can read them: axe finds nothing
    serious in the deck as it opens, on its last slide, and on the first one with each kind of block."""
    visit(page, folder, number)
    page.evaluate(AXE)
    assert violations(page, "document") == []
    places, formulas, looked_at = [], 0, set()
    for _ in range(200):
        page.evaluate(FRAMES)
        seen, at_end = page.evaluate(LOOK), page.evaluate(AT_THE_END)
        if not places or places[-1] != seen["place"]:
            places.append(seen["place"])
            formulas += seen["formulas"]
        wrong = {name: seen[name] for name in ("beside", "spilt", "shrunk", "tiny") if seen[name]}
        assert seen["below"] <= 0 and not wrong and not seen["raw"], (seen["place"], seen["below"], wrong)
        if not set(seen["kinds"]) <= looked_at or at_end:
            assert violations(page, "Reveal.getCurrentSlide()") == [], seen["place"]
            looked_at |= set(seen["kinds"])
        if at_end:
            break
        page.keyboard.press("Space")
    assert len(places) == len(set(places)) == len(deck(folder, number).select(".slides > section > section"))
    asked = [cell.source.count("$") for cell in CHAPTERS[number].cells if cell.cell_type == "markdown"]
    assert (formulas > 0) == any(asked)


def violations(page, where):
    how = "{ resultTypes: ['violations'], preload: false }"  # of styles, which a page cannot load from a file
    found = page.evaluate(f"async () => (await axe.run({where}, {how})).violations")
    return [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] in ("serious", "critical")]


def place_of(made, element):
    section = element.find_parent("section")
    column = section.find_parent("section")
    return (made.select(".slides > section").index(column), column.find_all("section", recursive=False).index(section))


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
SMALLER, LARGER = (1024, 768), (1920, 1080)  # than 1280 × 720


def show_live(page, folder, number, size):
    """The deck at the slide of its live picture, which is drawn and whole -> its canvas's place on the screen."""
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    made = deck(folder, number)
    column, row = place_of(made, made.select_one(".live-picture"))
    visit(page, folder, number, f"#/{column}/{row}")
    page.wait_for_function("document.querySelector('.live-picture canvas').width !== 300")
    page.evaluate(FRAMES)
    page.evaluate(FRAMES)
    left, top, width, height = page.evaluate(BOX)
    assert left >= 0 and left + width <= size[0] and top >= 0 and top + height <= size[1]
    assert page.evaluate(LOOK)["below"] <= 0
    assert page.evaluate(ROOM_LEFT) is False, "it is as large as the slide allows"
    return left, top, width


@pytest.mark.slow
@pytest.mark.parametrize(("number", "size"), [
    ("00", LARGER), ("01", SMALLER), ("02", SMALLER), ("02", LARGER), ("05", SMALLER), ("05", LARGER), ("07", SMALLER),
    ("08", LARGER), ("10", SMALLER),
])  # fmt: skip
def test_a_live_picture_answers_on_its_slide(page, folder, number, size):
    """To the pointer, wherever its slide's size puts it, and to the keys until Escape."""
    left, top, width = show_live(page, folder, number, size)
    place = page.evaluate(PLACE)
    if number == "05":
        point_at_regions(page, left, top, width)
    elif number != "10":  # which has no cells to choose
        click_cells(page, left, top, width)
    page.focus(".live-picture input[type=range]:visible")
    for _ in range(2):
        told = page.evaluate(TOLD)
        page.keyboard.press("ArrowRight")
        page.evaluate(FRAMES)
        assert page.evaluate(TOLD) != told
    assert page.evaluate(PLACE) == place, "the keys were the picture's"
    page.keyboard.press("Escape")
    assert not page.evaluate("Reveal.isOverview()")
    page.keyboard.press("Space")
    assert page.evaluate(PLACE) != place, "and are the deck's again"


def click_cells(page, left, top, width):
    n = len(page.evaluate(MODEL, "data")["captions"])
    cell = min(84, 400 // n)  # as the script measures it
    edge = max(20, min(cell - 1, 48)) + 10
    scale = width / (edge + n * cell + 66)
    for row, column in ((1, 2), (3, 0), (2, 3)):
        page.mouse.click(left + scale * (edge + (column + 0.5) * cell), top + scale * (10 + (row + 0.5) * cell))
        assert page.evaluate(MODEL, "cell") == [row, column]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(MODEL, "cell") == [1, 2]


def point_at_regions(page, left, top, width):
    canvas = ".live-picture .xw-look canvas"
    own, high = page.evaluate("(({ width, height }) => [parseFloat(width), parseFloat(height)])"
                              "(document.querySelector('.live-picture canvas').style)")  # fmt: skip
    side = (high - 6) / 17  # 17 regions and two edges of 3
    for row, column in ((2, 5), (16, 0), (9, 16)):
        page.mouse.move(*(at + width / own * (3 + side * (k + 0.5)) for at, k in ((left, column), (top, row))))
        page.evaluate(FRAMES)
        assert page.get_attribute(canvas, "data-region") == str(17 * row + column)
    page.focus(canvas)
    page.keyboard.press("ArrowUp")
    page.evaluate(FRAMES)
    assert page.get_attribute(canvas, "data-region") == str(17 * 8 + 16)


# ---- What is around the decks


@pytest.mark.slow
def test_the_contents_lead_to_every_deck_and_a_deck_to_the_next(page, folder):
    page.goto(f"{folder.as_uri()}/index.html")
    page.evaluate(AXE)
    assert violations(page, "document") == []
    assert page.locator("ol a").all_inner_texts() == [chapter.title for chapter in CHAPTERS.values()]
    for number, link in (("02", "ol li:nth-child(3) a"), ("03", "section:last-of-type a[href*='.slides.html']")):
        with page.expect_navigation():  # until its scripts are there
            page.evaluate("link => [...document.querySelectorAll(link)].at(-1).click()", link)
        page.wait_for_function("Reveal.isReady()")
        assert page.title().startswith(f"{number} · {CHAPTERS[number].title}")
        assert page.evaluate("Reveal.getConfig().transition") == "none", "for those who asked for less motion"


@pytest.mark.slow
def test_the_speaker_sees_the_answer(page, folder):
    made = deck(folder, "02")
    column, row = place_of(made, made.select_one(".question"))
    visit(page, folder, "02", f"#/{column}/{row}")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    window = opened.value
    window.wait_for_function("document.querySelector('.speaker-controls-notes .value')?.innerText.length > 20")
    told = window.inner_text(".speaker-controls-notes .value")
    assert letters(told) == letters("".join(CHAPTERS["02"].questions[0].answer))

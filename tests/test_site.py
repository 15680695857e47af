"""The website, built once and read in a real browser: no page may call out, complain, lead nowhere or stay silent.

All of it is of the slow tier. What Sphinx gets to read has its tests in test_publish.py.
"""

import copy
import functools
import http.server
import importlib
import os
import re
import threading
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urldefrag, urljoin

import nbformat
import pytest
import test_browser
import test_docstrings
from bs4 import BeautifulSoup

if find_spec("sphinx_revealjs") is None and not os.environ.get("CI"):  # there every extra is installed
    pytest.skip("the extra `pages` is not here: python3 -m xmatch_edu site brings it", allow_module_level=True)

from xmatch_edu.course import exercises
from xmatch_edu.course.publish import chapters, site
from xmatch_edu.explore.live import PAGE

pytestmark = pytest.mark.slow
browser = test_browser.browser
ROOT = Path(__file__).parent.parent
NOTEBOOKS = {path.stem: nbformat.read(path, 4) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
LIVE = {stem: sum(PAGE in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
        for stem, notebook in NOTEBOOKS.items()}  # fmt: skip
SCREENS = [(1280, 720), (1024, 768)]
FORMULA = re.compile(r"\$\$.+?\$\$|(?<![\$\\])\$(?![\$\s]).+?\$", re.DOTALL)
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(f"{FENCE.pattern}|`[^`\\n]+`", FENCE.flags)
# Two frames later everything that was asked for is drawn.
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
# Of many code words in one colour on one ground the first is enough: the others would take axe most of its time.
FEWER_WORDS = """() => { const seen = new Set();
    for (const word of document.querySelectorAll(".highlight span[class]")) {
        const kind = word.className + " in " + word.closest(".highlight").parentElement.className;
        if (seen.has(kind)) word.replaceWith(word.textContent);
        seen.add(kind);
    } }"""
FOCUSED = """() => { const at = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(at);
    return [at.type, at.closest(".live-picture")?.id, outlineStyle !== "none" && parseFloat(outlineWidth) > 0]; }"""
SEEN = """name => { const el = document.getElementById(name);
    return [el.innerText, ...[...el.querySelectorAll("canvas")].map((one) => one.toDataURL())]; }"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    assert site.make(folder) == "index.html"
    return folder


@pytest.fixture(scope="module")
def soups(built):
    return {path.relative_to(built).as_posix(): BeautifulSoup(path.read_text("utf-8"), "html.parser")
            for path in sorted(built.rglob("*.html"))}  # fmt: skip


@pytest.fixture(scope="module")
def address(built):
    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=built)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


def watched(browser, **more):
    """A new page that notes what it complains of and whom it asks -> page, complaints, asked."""
    page, complaints, asked = browser.new_page(viewport={"width": 1280, "height": 720}, **more), [], []
    kinds = ("error", "warning")
    page.on("console", lambda message: complaints.append(message.text) if message.type in kinds else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    return page, complaints, asked


@pytest.fixture
def page(browser, address):
    """A page that fails the test if it complained, or if it asked anybody but this machine."""
    one, complaints, asked = watched(browser)
    yield one
    one.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((address, "file://", "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def visits(browser, address, soups):
    """Every page opened once -> {its name: what was found there}."""
    from axe_playwright_python.sync_playwright import Axe

    axe, found = Axe(), {}
    page, complaints, asked = watched(browser)
    for name in soups:
        del complaints[:], asked[:]
        page.goto(address + name)
        one = found[name] = {"formulas": page.evaluate("document.querySelectorAll('mjx-container').length")}
        one["axe"] = []
        page.evaluate(FEWER_WORDS)
        for theme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):  # no other looks at colours
            page.evaluate("theme => { document.body.dataset.theme = theme; }", theme)
            page.evaluate("() => Promise.all(document.getAnimations().map((one) => one.finished))")
            told = axe.run(page, options={"resultTypes": ["violations"], **rules})
            one["axe"] += [f"{theme}: {fault['id']}: {node['html'][:120]}" for fault in told.response["violations"]
                           if fault["impact"] in ("serious", "critical") for node in fault["nodes"]]  # fmt: skip
        one["too wide"] = []
        for width, height in reversed(SCREENS):
            page.set_viewport_size({"width": width, "height": height})
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                one["too wide"].append(width)
        one["complaints"] = list(complaints)
        one["asked others"] = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    page.close()
    return found


@pytest.mark.parametrize("what", ["asked others", "complaints", "axe", "too wide"])
def test_no_page_calls_out_complains_is_wider_than_a_screen_or_hard_for_eyes_and_ears(visits, what):
    assert {name: found[what] for name, found in visits.items() if found[what]} == {}


def test_every_link_and_every_anchor_leads_somewhere(soups, built):
    ids = {name: {tag["id"] for tag in soup.find_all(id=True)} for name, soup in soups.items()}
    lost, others = [], set()
    for name, soup in soups.items():
        for tag, key in (("a", "href"), ("img", "src"), ("link", "href"), ("script", "src")):
            for target in (one.get(key) for one in soup.find_all(tag)):
                if target is None or target.startswith("data:"):
                    continue
                if "://" in target:
                    others.add(target.split("/")[2])
                    continue
                path, anchor = urldefrag(urljoin(name, target))
                path, anchor = unquote(path), unquote(anchor)
                if not (built / path.partition("?")[0]).is_file() or (anchor and anchor not in ids.get(path, ())):
                    lost.append((name, target))
    assert lost == []
    assert others <= {"www.sphinx-doc.org", "pradyunsg.me", "github.com"}, "links, which nobody follows by himself"


def test_every_formula_is_drawn(visits, soups):
    for stem, notebook in NOTEBOOKS.items():
        assert visits[f"notebooks/{stem}.html"]["formulas"] == len(FORMULA.findall(words_of(notebook, CODE))), stem
        shown = copy.copy(soups[f"notebooks/{stem}.html"].find("article"))
        for one in shown.find_all(["pre", "code", "script", "noscript"]) + shown.find_all(class_="math"):
            one.extract()
        assert "$" not in shown.get_text(), stem
    assert sum(found["formulas"] for found in visits.values()) >= 14


def words_of(notebook, without):
    cells = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return "\n\n".join(without.sub("", source) for source in cells)


@pytest.mark.parametrize("stem", NOTEBOOKS)
def test_a_page_says_all_that_its_notebook_says_in_its_order(soups, stem):
    notebook, article = NOTEBOOKS[stem], soups[f"notebooks/{stem}.html"].find("article")
    code = [pre.get_text().strip() for pre in article.select(".cell_input pre")]
    assert code == [cell.source.strip() for cell in notebook.cells if cell.cell_type == "code"]

    text = words_of(notebook, FENCE)
    heads = re.findall(r"^(#+) (.+)$", text, re.MULTILINE)
    heads = [(len(marks), re.sub(r"[`*\\]", "", words)) for marks, words in heads]
    shown = article.find_all(re.compile("^h[1-6]$"))
    shown = [(int(head.name[1]), head.get_text().removesuffix("¶")) for head in shown]
    assert shown == heads
    plain = re.sub(r"<[^>]+>|\]\([^)]+\)|^\d+\. ", " ", FORMULA.sub(" ", text), flags=re.MULTILINE)
    plain = re.sub("[`*]", "", plain)
    here = iter(re.findall(r"\w+", article.get_text().replace("_", " ")))
    assert [word for word in re.findall(r"\w+", plain.replace("_", " ")) if word not in here] == []
    assert len(article.select("details > summary")) == text.count("<details>")

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "\n".join(pre.get_text() for pre in article.select(".cell_output pre"))
    assert [output.text for output in outputs if "text" in output and output.text.strip() not in printed] == []
    alts = [output.metadata["image/png"]["alt"] for output in outputs if "image/png" in output.get("data", {})]
    assert [image["alt"] for image in article.select(".cell_output img")] == alts
    tables = [BeautifulSoup(output.data["text/html"], "html.parser").get_text() for output in outputs
              if "text/html" in output.get("data", {})]  # fmt: skip
    assert [table for table in tables if table not in article.get_text()] == []


def test_what_the_pages_know_of_an_explorer_that_asks_python(soups):
    asking = [stem for stem, notebook in NOTEBOOKS.items() if "SearchExplorer(" in str(notebook)]
    assert asking == ["08_train_two_branches"]
    for stem in NOTEBOOKS:
        told = soups[f"notebooks/{stem}.html"].select(".needs-python")
        assert len(told) == (stem in asking)
        assert all("python3 -m xmatch_edu lab" in one.get_text() and one.find_previous("img")["alt"] for one in told)


def try_out(page, name):
    """Does the live picture answer? Its slider moves words and picture, its picture a cell; both by keyboard."""
    root = f"#{name}"
    page.wait_for_selector(f"{root} canvas")
    page.evaluate(DRAWN)
    before = page.evaluate(SEEN, name)
    page.focus(f"{root} input[type=range] >> visible=true >> nth=0")
    page.keyboard.press("Shift+Tab")  # away, and back by the key that a reader has
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == ["range", name, True]
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.evaluate(DRAWN)
    moved = page.evaluate(SEEN, name)
    assert moved[0] != before[0], "words"
    page.focus(f"{root} canvas >> nth=0")
    page.keyboard.press("ArrowDown")
    page.evaluate(DRAWN)
    assert page.evaluate(SEEN, name)[1:] != moved[1:], "picture"


@pytest.mark.parametrize("name", ["index", *(f"notebooks/{stem}" for stem, count in LIVE.items() if count)])
def test_live_pictures_answer_without_a_kernel(page, address, name):
    page.goto(f"{address}{name}.html")
    count = LIVE.get(name.removeprefix("notebooks/"), 1)
    assert page.eval_on_selector_all(".live-picture", "all => all.map((one) => one.id)") == [
        f"live-{number}" for number in range(1, count + 1)
    ]
    for number in range(1, count + 1):
        try_out(page, f"live-{number}")


def test_chapters_work_as_files_too(page, built):
    page.goto((built / "notebooks" / "01_one_text_every_image.html").as_uri())
    page.wait_for_selector("mjx-container svg")
    try_out(page, "live-1")


def test_without_javascript_there_is_the_still_picture(browser, address):
    page, _, _ = watched(browser, java_script_enabled=False)
    page.goto(f"{address}notebooks/02_labels_are_the_diagonal.html")
    still = page.locator(".cell_output noscript img")
    assert still.is_visible() and still.get_attribute("alt").startswith("Heatmap of scores S")
    page.close()


def test_the_search_puts_a_chapter_first_for_its_title_and_says_when_it_finds_nothing(page, address):
    for chapter in chapters.every():
        page.goto(f"{address}search.html?q={quote(chapter.title)}")
        first = page.locator("#search-results li a").first
        assert f"{Path(chapter.file).stem}.html" in first.get_attribute("href"), chapter.title
        page.wait_for_load_state("networkidle")
    page.goto(f"{address}search.html?q=hippopotamus")
    page.wait_for_selector("#search-results :text('did not match any documents')")
    assert page.locator("#search-results li a").count() == 0


def test_the_switch_turns_the_page_and_its_pictures_dark(page, address):
    page.goto(f"{address}notebooks/02_labels_are_the_diagonal.html")
    lightness = """what => { const style = getComputedStyle(document.querySelector(what[0]))[what[1]];
        const [r, g, b] = style.match(/[0-9.]+/g).map(Number); return (r + g + b) / 3; }"""
    seen = {}
    for _ in range(3):  # as the system has it, light, dark: in the theme's order
        page.click(".theme-toggle-content .theme-toggle")
        page.evaluate(DRAWN)
        seen[page.evaluate("document.body.dataset.theme")] = [
            page.evaluate(lightness, [what, of]) for what, of in (("body", "backgroundColor"), (".xm", "color"))
        ]  # fmt: skip
    assert seen.keys() == {"auto", "light", "dark"}
    assert seen["light"][0] > 200 > 60 > seen["dark"][0], "the ground"
    assert seen["light"][1] < 60 < 180 < seen["dark"][1], "the words of the live picture"


def test_every_public_name_is_on_the_pages_of_the_package(soups):
    """What the __init__ of a room lists, or else what its files define. Private rooms have no page."""
    api = [soup for name, soup in soups.items() if name.startswith("docs/api/")]
    there = {tag["id"] for soup in api for tag in soup.find_all(id=True)}
    inside = re.compile(r"_|check/(answers|calm|ideas|pictures|words)\.py")  # how a check works: nobody calls it
    lost, listed = [], set()
    for file, tree in sorted(test_docstrings.TREES.items(), key=lambda one: not one[0].endswith("__init__.py")):
        if inside.match(file) or file.split("/")[0] in listed:
            continue
        module = "xmatch_edu." + file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        names = [name for name, _, _ in test_docstrings.public(tree) if "__" not in name]
        if file.endswith("__init__.py") and hasattr(room := importlib.import_module(module), "__all__"):
            listed.add(file.split("/")[0])
            names = [name for name in room.__all__ if callable(getattr(room, name))]
        lost += [f"{module}.{name}" for name in names if f"{module}.{name}" not in there]
    assert lost == []
    told = soups["docs/api/check.html"].get_text()
    assert [name for name in exercises.EXERCISES if f"check.{name}(" not in told] == []


def test_without_a_repository_the_buttons_say_what_is_missing(soups):
    for stem in NOTEBOOKS:
        buttons = soups[f"notebooks/{stem}.html"].select("a.launch")
        assert [one["href"] for one in buttons] == ["../docs/online.html#binder", "../docs/online.html#colab"]
    assert "[project.urls]" in soups["docs/online.html"].get_text()

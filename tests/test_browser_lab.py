"""The live pictures in JupyterLab: a hand moves them, Python is asked and answers. One JupyterLab for all tests."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest
import test_browser
import test_browser_training
from nbformat import v4
from test_browser import plain
from test_browser_hand import ROW, pixels
from test_browser_training import SHOWN, searching

from tools.notebooks import METADATA
from xmatch_edu.course.launch.commands import SETTINGS, SILENT
from xmatch_edu.explore import MatchingExplorer

pytestmark = pytest.mark.slow
browser, page, gallery = test_browser.browser, test_browser.page, test_browser_training.gallery
NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
ASK_ABOUT_A_BATCH = """agree = explorer.loss is not None and abs(explorer.loss - explorer.numbers()["loss"]) < 1e-5
print("Python says", explorer.scale, explorer.order, explorer.labels_follow, explorer.cell, bool(agree))
if not explorer.labels_follow:
    explorer.view = "gradient\""""
ASK_ABOUT_WORDS = """agree = live.score is not None and bool(abs(live.score - live.numbers().score) < 1e-5)
print("Python says", live.word, round(live.gamma1, 2), live.compete_over_words, agree)
if not live.compete_over_words:
    live.attention = 'cosine'"""
SEARCH = """import torch
from xmatch_edu import models
from xmatch_edu.data import emoji
from xmatch_edu.data.words import Vocabulary
from xmatch_edu.explore import SearchExplorer, TrainingFilm
gallery = emoji.load().take(range(0, 1900, 19))
torch.manual_seed(2)
live = SearchExplorer(models.TwoBranch(Vocabulary(gallery), width=16), gallery)
live"""
FILM = """film = TrainingFilm({5 * k: (k * torch.eye(4), 2.0) for k in range(4)}, losses=[1.4] * 15, batch_size=4)
film"""
ASK_ABOUT_BOTH = """agree = film.loss is not None and abs(film.loss - film.numbers()["loss"]) < 1e-9
print("Python says", repr(live.query), live.picked, film.frame, agree)
if live.picked is not None and film.frame == 2 and agree:
    live.query = 'star'"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab, dark, on chapters 02 and 05, each with one more cell, and on a search with a film -> its address."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "work").mkdir()
    batch, words = (nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4)
                    for chapter in ("02_labels_are_the_diagonal", "05_words_and_regions"))  # fmt: skip
    for name, notebook, more in [("batch", batch, [ASK_ABOUT_A_BATCH]), ("words", words, [ASK_ABOUT_WORDS]),
                                 ("search", v4.new_notebook(metadata=METADATA), [SEARCH, FILM, ASK_ABOUT_BOTH])]:
        notebook.cells += map(v4.new_code_cell, more)
        nbformat.write(notebook, folder / "work" / f"{name}.ipynb")
    theme = folder / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    theme.parent.mkdir(parents=True)
    theme.write_text('{"theme": "JupyterLab Dark"}', "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    own |= {f"JUPYTERLAB_{name.upper()}_DIR": str(folder / name) for name in ("settings", "workspaces")}
    own |= {"JUPYTER_CONFIG_PATH": str(SETTINGS), "JUPYTER_TOKEN": "secret"}
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder / 'work'}", "--no-browser",
               f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--allow-root", *SILENT]  # fmt: skip
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, cwd=folder, env={**os.environ, **own}, stdin=subprocess.DEVNULL,
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
        # A workspace each: JupyterLab would open the notebook of the last test again beside this one's.
        yield f"http://localhost:{port}/lab/workspaces/{{0}}/tree/{{0}}.ipynb?token=secret"
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


def test_chapter_02_is_alive(lab, page):
    """Run All; then the slider, the shuffle with and without its labels, a cell, and Python asked and answering."""
    page.goto(lab.format("batch"))
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


def test_chapter_05_is_alive(lab, page):
    """Run All; then another word, γ1 and the competition by keyboard, and Python asked and answering."""
    page.goto(lab.format("words"))
    last = run_all(page, "Python says 0 1.0 True")
    page.locator(".xw").scroll_into_view_if_needed()
    page.wait_for_selector(".xw canvas")
    before = pixels(page, ".xw canvas")
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


def test_the_search_and_the_film_are_alive(lab, page, gallery):
    """Run All; then words and a picked picture by keyboard, the film's slider, and Python asked and answering."""
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

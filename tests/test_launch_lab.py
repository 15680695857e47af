"""JupyterLab as a learner starts it, once for all tests; and in it the live pictures: a hand moves, Python answers."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import types
import urllib.error
import urllib.request

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
from xmatch_edu.__main__ import main
from xmatch_edu.course.launch import commands
from xmatch_edu.course.launch.environment import ROOT, Stop, missing
from xmatch_edu.explore import MatchingExplorer

browser, page, gallery = test_browser.browser, test_browser.page, test_browser_training.gallery
PAGE = "00_start_here.ipynb"
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


def start(folder, port):
    assert missing(ROOT) == [], "this test wants the environment that the course's own command makes"
    own = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    own |= {f"JUPYTERLAB_{name.upper()}_DIR": str(folder / name) for name in ("settings", "workspaces")}
    # Ctrl-C is ignored at birth, as in the background of a script; the command must hear it all the same.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        command = [sys.executable, "-m", "xmatch_edu", "lab", "--no-browser", "--port", str(port)]
        return subprocess.Popen([*command, "--dir", str(folder / "mine")], cwd=ROOT, text=True,
                                env={**os.environ, **own}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab by the command, in its dark theme; it ends on Ctrl-C -> its folder, port and token, and address(name).

    Beside the learner's copies lie chapters 02 and 05, each with one more cell, and a search with a film.
    """
    folder = tmp_path_factory.mktemp("lab")
    theme = folder / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    theme.parent.mkdir(parents=True)
    theme.write_text('{"theme": "JupyterLab Dark"}', "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server, said = start(folder, port), ""
    try:
        while "Ctrl-C" not in said:  # ends with the output, should the server die
            line = server.stdout.readline()
            assert line, said
            said += line
        home, token = re.search(rf"JupyterLab: +(http://localhost:{port}/\S*){PAGE}\?token=(\w+)", said).groups()
        for name, chapter, more in [("batch", "02_labels_are_the_diagonal", [ASK_ABOUT_A_BATCH]),
                                    ("words", "05_words_and_regions", [ASK_ABOUT_WORDS]),
                                    ("search", None, [SEARCH, FILM, ASK_ABOUT_BOTH])]:  # fmt: skip
            notebook = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", 4) if chapter else v4.new_notebook()
            notebook.metadata = METADATA
            notebook.cells += map(v4.new_code_cell, more)
            nbformat.write(notebook, folder / "mine" / f"{name}.ipynb")
        # A workspace each: JupyterLab would open the notebook of the last test again beside this one's.
        yield types.SimpleNamespace(folder=folder / "mine", port=port, token=token, home=home, address=lambda name: (
            f"http://localhost:{port}/lab/workspaces/{name}/tree/{name}.ipynb?token={token}"))
    finally:
        if os.name == "nt":
            server.terminate()
        else:
            os.killpg(server.pid, signal.SIGINT)  # what Ctrl-C does: it reaches the command and the server
        said += server.communicate(timeout=60)[0]
    assert "Traceback" not in said
    if os.name != "nt":
        assert server.returncode == 0 and "Stopping JupyterLab." in said, said
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "the server is gone"


def get(address):
    """The answer of a page, past any proxy."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=10) as answer:
        return answer.read().decode()


@pytest.mark.slow
def test_it_opens_on_the_learners_copy_and_on_no_port_that_is_taken(lab, tmp_path):
    for _ in range(100):  # the port is there a moment before the pages are
        try:
            page = get(f"{lab.home}{PAGE}?token={lab.token}")
            break
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    settings = json.loads(re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert settings["news"] == {"disabled": True}
    assert "@jupyterlab/apputils-extension:announcements" in settings["disabledExtensions"]  # asks about news
    assert settings["extensionManager"]["can_install"] is False
    assert settings["serverRoot"].endswith("mine")
    notebook = json.loads(get(f"http://localhost:{lab.port}/api/contents/{PAGE}?token={lab.token}"))
    assert notebook["type"] == "notebook"
    assert (lab.folder / PAGE).read_bytes() == (ROOT / "notebooks" / PAGE).read_bytes()
    with pytest.raises(urllib.error.HTTPError):
        get(f"http://localhost:{lab.port}/api/contents/{PAGE}")  # not without the token
    taken = start(tmp_path, lab.port).communicate(timeout=60)[0]
    assert f"Port {lab.port} is taken" in taken and "Traceback" not in taken


@pytest.mark.parametrize(("words", "extras"), [(["lab"], ()), (["lab", "--keras"], ("keras",))])
def test_lab_sets_up_keras_where_it_is_asked_for(monkeypatch, words, extras):
    asked = []

    def prepare(root, extras):
        asked.append(extras)
        raise Stop("far enough")

    monkeypatch.setattr(commands, "prepare", prepare)
    monkeypatch.setattr(signal, "signal", lambda *how: None)  # pytest keeps its own
    assert main(words) == 1 and asked == [extras]


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


@pytest.mark.slow
def test_chapter_02_is_alive(lab, page):
    """Run All; then the slider, the shuffle with and without its labels, a cell, and Python asked and answering."""
    page.goto(lab.address("batch"))
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


@pytest.mark.slow
def test_chapter_05_is_alive(lab, page):
    """Run All; then another word, γ1 and the competition by keyboard, and Python asked and answering."""
    page.goto(lab.address("words"))
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


@pytest.mark.slow
def test_the_search_and_the_film_are_alive(lab, page, gallery):
    """Run All; then words and a picked picture by keyboard, the film's slider, and Python asked and answering."""
    page.goto(lab.address("search"))
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

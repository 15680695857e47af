"""One real start of JupyterLab, as a learner does it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from xmatch_edu.__main__ import main
from xmatch_edu.course.launch import commands
from xmatch_edu.course.launch.environment import ROOT, Stop, missing

PAGE = "00_start_here.ipynb"


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(tmp_path, port, **variables):
    assert missing(ROOT) == [], "this test wants the environment that the course's own command makes"
    own = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    # Ctrl-C is ignored at birth, as in the background of a script; the command must hear it all the same.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        command = [sys.executable, "-m", "xmatch_edu", "lab", "--no-browser", "--port", str(port)]
        return subprocess.Popen([*command, "--dir", str(tmp_path / "mine")], cwd=ROOT, text=True,
                                env={**os.environ, **own, **variables}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    finally:
        signal.signal(signal.SIGINT, before)


def get(address):
    """The answer of a page, past any proxy."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=10) as answer:
        return answer.read().decode()


def test_jupyterlab_opens_on_the_learners_copy_and_ends_on_ctrl_c(tmp_path, port):
    server = start(tmp_path, port)
    said = ""
    try:
        while "Ctrl-C" not in said:  # ends with the output, should the server die
            line = server.stdout.readline()
            assert line, said
            said += line
        address, token = re.search(rf"JupyterLab: +(http://localhost:{port}/\S*){PAGE}\?token=(\w+)", said).groups()
        for _ in range(100):  # the port is there a moment before the pages are
            try:
                page = get(f"{address}{PAGE}?token={token}")
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        settings = json.loads(re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
        assert settings["news"] == {"disabled": True}
        assert "@jupyterlab/apputils-extension:announcements" in settings["disabledExtensions"]  # asks about news
        assert settings["extensionManager"]["can_install"] is False
        assert settings["serverRoot"].endswith("mine")
        notebook = json.loads(get(f"http://localhost:{port}/api/contents/{PAGE}?token={token}"))
        assert notebook["type"] == "notebook"
        assert (tmp_path / "mine" / PAGE).read_bytes() == (ROOT / "notebooks" / PAGE).read_bytes()
        with pytest.raises(urllib.error.HTTPError):
            get(f"http://localhost:{port}/api/contents/{PAGE}")  # not without the token
        taken = start(tmp_path, port).communicate(timeout=60)[0]
        assert f"Port {port} is taken" in taken and "Traceback" not in taken
    finally:
        if os.name == "nt":
            server.terminate()
        else:
            os.killpg(server.pid, signal.SIGINT)  # what Ctrl-C does: it reaches the command and the server
        rest = server.communicate(timeout=60)[0]
    assert "Traceback" not in said + rest
    if os.name != "nt":
        assert server.returncode == 0 and "Stopping JupyterLab." in rest, rest
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "the server is gone"


@pytest.mark.parametrize(("words", "extras"), [(["lab"], ()), (["lab", "--keras"], ("keras",))])
def test_lab_sets_up_keras_where_it_is_asked_for(monkeypatch, words, extras):
    asked = []

    def prepare(root, extras):
        asked.append(extras)
        raise Stop("far enough")

    monkeypatch.setattr(commands, "prepare", prepare)
    monkeypatch.setattr(signal, "signal", lambda *how: None)  # pytest keeps its own
    assert main(words) == 1 and asked == [extras]

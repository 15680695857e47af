"""The recorded runs: read newest first, a damaged one is named, and what is committed was measured on a GPU."""

import json
import subprocess
import sys

import pytest

from xmatch_edu import recorded
from xmatch_edu.launch.environment import ROOT

RUN = dict.fromkeys(recorded.FIELDS)


def test_newest_first_and_none_where_there_is_none(tmp_path):
    assert recorded.runs(tmp_path) == []
    for name, date in (("a", "2026-01-31"), ("b", "2026-11-02"), ("c", "2025-12-24")):
        (tmp_path / f"{name}.json").write_text(json.dumps({**RUN, "date": date}))
    (tmp_path / "half.json.part").write_text("{")
    assert [run["date"] for run in recorded.runs(tmp_path)] == ["2026-11-02", "2026-01-31", "2025-12-24"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"device": "GPU"}', '{"date": '])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "good.json").write_text(json.dumps({**RUN, "date": "2026-01-31"}))
    (tmp_path / "great-gpu.json").write_text(text)
    with pytest.raises(ValueError, match=r"great-gpu\.json is damaged"):
        recorded.runs(tmp_path)


def test_bytes_that_are_no_text_are_damage_too(tmp_path):
    (tmp_path / "great-gpu.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"great-gpu\.json is damaged"):
        recorded.runs(tmp_path)


def test_what_the_course_ships_was_measured_on_a_gpu_and_agreed_with_the_loops():
    for run in recorded.runs():
        assert run["versions"]["cuda"], run["device"]
        assert all(max(check["value_share"], check["gradient_share"]) <= 1 for check in run["checks"]), run["device"]


def test_reading_needs_no_torch():
    code = "import sys; sys.modules['torch'] = None; import xmatch_edu.recorded as it; it.runs()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

"""The recorded runs: read newest first, a damaged one is named, and what is committed was measured on a GPU."""

import json
import subprocess
import sys

import pytest

from xmatch_edu.course import recorded
from xmatch_edu.course.launch.environment import ROOT

RUN = dict.fromkeys(recorded.FIELDS)


def test_newest_first_and_none_where_there_is_none(tmp_path):
    assert recorded.runs(tmp_path) == []
    for name, date in (("a", "2026-01-31"), ("b", "2026-11-02"), ("c", "2025-12-24")):
        (tmp_path / f"{name}.json").write_text(json.dumps({**RUN, "date": date}))
    (tmp_path / "half.json.part").write_text("{")
    assert [run["date"] for run in recorded.runs(tmp_path)] == ["2026-11-02", "2026-01-31", "2025-12-24"]


def test_curves_leave_out_what_did_not_fit():
    part = {"dtype": "float32", "product_seconds": 1e-3, "loss_seconds": 2e-3, "product_launch_seconds": 1e-5}
    parts = [{**part, "n": 1024}, {**part, "n": 2048, "loss_seconds": None}, {**part, "n": 1024, "dtype": "bfloat16"}]
    curves = recorded.curves(parts)
    assert curves["product, float32"] == {1024: 1e-3, 2048: 1e-3} and curves["loss, float32"] == {1024: 2e-3}
    assert curves["product, wrong clock, bfloat16"] == {1024: 1e-5} and len(curves) == 6


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
    code = "import sys; sys.modules['torch'] = None; import xmatch_edu.course.recorded as it; it.runs()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

"""The recorded runs: read newest first, a damaged one is named, and what is committed was measured on a GPU."""

import json
import platform
from datetime import date

import pytest

from xmatch_edu.course import recorded

RUN = dict.fromkeys(recorded.FIELDS)


def test_newest_first_and_none_where_there_is_none(tmp_path):
    assert recorded.runs(tmp_path) == []
    for name, day in (("a", "2026-01-31"), ("b", "2026-11-02"), ("c", "2025-12-24")):
        (tmp_path / f"{name}.json").write_text(json.dumps({**RUN, "date": day}))
    (tmp_path / "half.json.part").write_text("{")
    assert [run["date"] for run in recorded.runs(tmp_path)] == ["2026-11-02", "2026-01-31", "2025-12-24"]


def test_curves_leave_out_what_did_not_fit():
    part = {"dtype": "float32", "product_seconds": 1e-3, "loss_seconds": 2e-3, "product_launch_seconds": 1e-5}
    parts = [{**part, "n": 1024}, {**part, "n": 2048, "loss_seconds": None}, {**part, "n": 1024, "dtype": "bfloat16"}]
    curves = recorded.curves(parts)
    assert curves["product, float32"] == {1024: 1e-3, 2048: 1e-3} and curves["loss, float32"] == {1024: 2e-3}
    assert curves["product, wrong clock, bfloat16"] == {1024: 1e-5} and len(curves) == 6


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"device": "GPU"}', b'{"date": ', b"\xff\xfe\x00"])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "good.json").write_text(json.dumps({**RUN, "date": "2026-01-31"}))
    (tmp_path / "great-gpu.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"great-gpu\.json is damaged"):
        recorded.runs(tmp_path)


def test_a_run_is_saved_with_where_it_comes_from_and_as_it_always_was(tmp_path):
    stamp = recorded.stamp("xmatch_edu.course.some --words", torch="2")
    path = recorded.save(tmp_path / "new" / "run.json", {**stamp, "rows": []})
    assert list(path.parent.iterdir()) == [path] and path.read_bytes().endswith(b'\n "rows": []\n}\n')
    said = json.loads(path.read_text("utf-8"))
    assert list(said) == ["date", "command", "versions", "rows"] and said["date"] == f"{date.today()}"
    assert said["command"] == "python -m xmatch_edu.course.some --words"
    assert said["versions"] == {"python": platform.python_version(), "torch": "2"}
    assert recorded.save(path, {"rows": []}, indent=None).read_bytes() == b'{"rows": []}\n'


def test_what_the_course_ships_was_measured_on_a_gpu_and_agreed_with_the_loops():
    for run in recorded.runs():
        assert run["versions"]["cuda"], run["device"]
        assert all(max(check["value_share"], check["gradient_share"]) <= 1 for check in run["checks"]), run["device"]

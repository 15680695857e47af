"""`bench`: who is measured against whom, what becomes of a contender that fails, and the record of a GPU run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from xmatch_edu.course import recorded
from xmatch_edu.course.bench import __main__ as command
from xmatch_edu.course.bench import damsm, ranking, record, report, rounds, tiles, worker
from xmatch_edu.course.bench.contenders import CONTENDERS, Contender
from xmatch_edu.course.launch.environment import ROOT, plain, requirements

OURS = [Contender("floor", None), Contender("ours", "both"), Contender("ours", "image_to_text")]
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="limits its memory on Linux alone")


def fault(name):
    return Contender(name, "both", "bench_faults")


@pytest.fixture(autouse=True)
def _faults_can_be_imported(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def test_a_tiny_run_from_words_to_json(tmp_path, capsys):
    file = tmp_path / "out.json"
    assert command.main(["--sizes", "16", "32", "--json", str(file)], [*OURS, fault("absent")]) == 0
    said = json.loads(file.read_text("utf-8"))
    assert said["width"] == 256 and said["threads"] >= 1 and said["device"] and said["versions"]["torch"]
    assert [(row["name"], row["direction"], row["n"]) for row in said["rows"]] == [
        (*contender[:2], n) for n in (16, 32) for contender in [*OURS, fault("absent")]]
    for row in said["rows"]:
        if row["name"] == "absent":
            assert row["problem"] == "not installed: no_such_package" and row["seconds"] is None
        else:
            assert row["problem"] is None and row["seconds"] > 0 and row["rounds"] == command.USUAL["rounds"]
            assert row["to_floor"] > 0 and (row["to_ours"] == 1 if row["name"] == "ours" else row["direction"] is None)
            assert row["peak_bytes"] is None or row["peak_bytes"] >= 0
    out, err = capsys.readouterr()
    assert out.count("not installed: no_such_package") == 2 and "× floor" in out and str(file) in out
    assert err == "N = 16\nN = 32\n", "no moving line where stderr is no terminal"


@pytest.mark.parametrize("word, workload, sizes", [
    ("--damsm", damsm, [2, 12]), ("--ranking", ranking, [8]), ("--tiles", tiles, [50])])  # fmt: skip
def test_a_tiny_run_of_another_workload(word, workload, sizes, tmp_path, capsys):
    file = tmp_path / "out.json"
    assert command.main([word, "--sizes", *map(str, sizes), "--json", str(file)]) == 0
    said, out = json.loads(file.read_text("utf-8")), capsys.readouterr().out
    assert said["inputs"] == workload.INPUTS and workload.INPUTS in out and said["width"] == 256
    measured = [(n, contender) for n in sizes for contender in workload.CONTENDERS]
    assert [(row["n"], row["name"], row["direction"]) for row in said["rows"]] == [
        (n, *contender[:2]) for n, contender in measured]
    for row, (n, contender) in zip(said["rows"], measured, strict=True):
        not_here = contender.package and (row["problem"] or "").startswith("not installed")
        assert (row["problem"] is None and row["seconds"] > 0 and row["to_floor"] > 0) or not_here
        assert f"{contender.name:24}{contender.direction or '-':15}{n:6}" in out


@pytest.mark.parametrize("workload, name, n", [(damsm, "damsm_without_lengths", 2), (damsm, "damsm_wrong_gradient", 2),
                                               (ranking, "ranking_with_the_diagonal", 4),
                                               (ranking, "ranking_wrong_gradient", 4)])  # fmt: skip
def test_another_loss_is_refused_and_the_baseline_is_not(workload, name, n):
    wrong = Contender(name, "both", "bench_faults", workload=workload.__name__)
    found = rounds.measure([wrong, workload.CONTENDERS[2]], n, width=16, rounds=1, budget=60, limit=60)
    assert [row["problem"] for row in found] == ["another value", None]


def test_the_damsms_inputs_are_without_padding_and_the_same_each_time():
    regions, words, lengths = damsm.features(11, 16, torch.float32, "cpu")
    assert lengths.tolist() == [18] * 11
    assert regions.shape == (11, 289, 16) and words.shape == (11, 18, 16) and words.requires_grad
    assert torch.equal(regions, damsm.features(11, 16, torch.float32, "cpu")[0])


def test_another_loss_is_refused_beside_the_tiles():
    names = ["wrong", "wrong_gradient", "float32_and_wrong", "float32_whatever_comes"]
    some = [Contender(name, "both", "bench_faults", workload=tiles.__name__) for name in names]
    found = rounds.measure(some, 40, width=16, rounds=1, budget=60, limit=60)
    assert [row["problem"] for row in found] == ["another value", "another value", "another value", None]


def test_the_floor_of_the_tiles_makes_four_products_of_every_tile(monkeypatch):
    monkeypatch.setattr("xmatch_edu.scale.tiles._TILE_ON_CPU", 4)
    made, right = [], tiles.passes.product
    monkeypatch.setattr(tiles.passes, "product", lambda one, two: made.append((*one.shape, two.shape[1])) or
                        right(one, two))  # fmt: skip
    tiles.floor(None)(*tiles.features(10, 3, torch.bfloat16, "cpu"))
    assert sum(2 * n * m * d for n, m, d in made) == 8 * 10**2 * 3


@pytest.mark.parametrize("other", ["--damsm", "--ranking", "--tiles"])
@pytest.mark.parametrize("what", ["--record", "--record-tiles"])
def test_what_is_recorded_is_asked_for_alone(capsys, other, what):
    with pytest.raises(SystemExit):
        command.main([other, what])
    assert "not allowed with" in capsys.readouterr().err


def test_a_contender_that_fails_is_a_row_and_the_others_go_on():
    names = ["greedy", "killed", "slow", "odd", "wrong", "wrong_gradient", "not_a_number"]
    found = rounds.measure([*map(fault, names), OURS[1]], 32, width=16, rounds=2, budget=60, limit=3)
    problems = {row["name"]: row["problem"] for row in found}
    assert problems.pop("killed") in ("killed, perhaps because memory ran out", "ended with code 9")
    assert problems == {"greedy": "no memory", "slow": "took longer than 3 s", "odd": "ValueError: odd",
                        "wrong": "another value", "wrong_gradient": "another value", "not_a_number": "another value",
                        "ours": None}
    assert found[-1]["rounds"] == 2


@only_linux
def test_a_worker_that_asks_for_more_than_is_free_is_refused():
    (row,) = rounds.measure([fault("hungry")], 32, width=16, rounds=1, budget=60, limit=60)
    assert row["problem"].startswith("no memory: asked for "), row


def test_a_worker_that_dies_while_others_work_is_a_row_too():
    one = rounds.Worker(OURS[1], n=8, width=8, dtype="float32", device="cpu", launch=False)
    try:
        assert one.ask("", 60)
        one.process.kill()
        one.process.wait()
        assert not one.ask("go\n", 60)
        assert one.problem in ("killed, perhaps because memory ran out", "ended with code 1")
        assert not one.ask("go\n", 60) and len(one.answers) == 2, "asked no more"
    finally:
        one.close()


def test_who_has_had_its_share_of_the_time_rests_after_one_round():
    tired = rounds.measure([OURS[1]], 32, width=16, rounds=5, budget=0, limit=60)
    # A second is plenty for the calls, and less than it takes to start: that does not count.
    fresh = rounds.measure([OURS[1]], 32, width=16, rounds=5, budget=1, limit=60)
    assert (tired[0]["rounds"], fresh[0]["rounds"]) == (1, 5)


def test_ratios_are_the_median_of_each_rounds_own():
    """Noise that hits one round hits both, and leaves the ratio alone; the ratio of the medians would be 1.5."""
    class Done:
        problem = None

        def __init__(self, contender, seconds):
            self.contender = contender
            self.answers = [{"ready": True}, {"peak_bytes": 7}, *({"seconds": one} for one in seconds)]

    found = rounds.rows([Done(OURS[1], [1, 10, 4]), Done(Contender("rival", "both"), [2, 20, 6]),
                         Done(Contender("tired", "both"), [3])], 8, "float32")
    assert [row["to_ours"] for row in found] == [1, 2, 3]
    assert [row["seconds"] for row in found] == [4, 6, 3] and found[0]["peak_bytes"] == 7
    assert found[0]["to_floor"] is None, "nobody measured the floor"


@pytest.mark.parametrize("error, words", [
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 68719476736 bytes. Error code 12"),
     "no memory: asked for 69 GB"),
    (RuntimeError("CUDA out of memory. Tried to allocate 16.00 GiB. GPU 0 has"), "no memory: asked for 17 GB"),
    (MemoryError(), "no memory"), (ValueError(), "ValueError: ")])
def test_what_went_wrong_in_words(error, words):
    assert worker.in_words(error) == words


def test_the_rivals_are_the_extra_of_pyproject():
    extra = {plain(line.split(">=")[0]) for line in set(requirements(ROOT, ["peers"])) - set(requirements(ROOT))}
    assert {plain(one.package) for one in CONTENDERS if one.package} == extra


@pytest.mark.parametrize("terminal", [True, False])
def test_the_moving_line_is_one_line_and_only_for_a_terminal(monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "40")
    progress = report.Progress(2)
    progress.size("N = 8")
    progress.step(0.5, "a name that is far too long for the window")
    progress.end()
    err = capsys.readouterr().err
    if terminal:
        assert "\n" not in err and "█" * 8 + "░" in err and len(err.split("\x1b")[0]) == 40
    else:
        assert err == "N = 8\n"


def test_it_runs_with_torch_and_numpy_alone():
    """As on a bare GPU machine."""
    others = ["tqdm", "psutil", "IPython", "ipywidgets", "jupyterlab", "matplotlib", "PIL", "pandas", "scipy",
              "sklearn", "transformers", "pytest", "hypothesis"]
    blocked = f"import sys; sys.modules.update(dict.fromkeys({others}))"
    code = f"{blocked}; import xmatch_edu.course.bench.__main__, xmatch_edu.course.bench.worker"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here, and it would be recorded")
@pytest.mark.parametrize("what", ["--record", "--record-tiles"])
def test_without_a_gpu_nothing_is_recorded(capsys, what):
    before = set(recorded.FOLDER.iterdir())
    assert command.main([what]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "NVIDIA GPU" in err and "Nothing was written" in err
    assert set(recorded.FOLDER.iterdir()) == before


def test_a_recording_in_small(tmp_path):
    """On the CPU, into another folder: the path that a GPU run takes."""
    path = record.record(tmp_path, "cpu", sizes=[16], rounds=2, contenders=[*OURS, fault("absent")])
    assert list(tmp_path.iterdir()) == [path] and path.suffix == ".json"
    (run,) = recorded.runs(tmp_path)
    assert set(run) == recorded.FIELDS and run["date"].count("-") == 2 and run["width"] == 256
    assert set(run["versions"]) >= {"python", "torch", "cuda", "xmatch_edu"}
    assert [(row["name"], row["dtype"]) for row in run["rows"]] == [
        (name, dtype) for dtype in ("float32", "bfloat16") for name in ("floor", "ours", "ours", "absent")]
    for row in run["rows"]:
        keys = {"name", "direction", "n", "dtype", "seconds", "launch_seconds", "peak_bytes", "problem"}
        assert keys <= row.keys() and row["n"] == 16
        assert row["problem"] if row["name"] == "absent" else row["seconds"] > 0 and row["launch_seconds"] > 0
    for part in run["parts"]:
        assert min(part[f"{what}_seconds"] for what in ("product", "loss", "product_launch")) > 0
    assert len(run["checks"]) == 3 * 3 * 3 and {check["logits"] for check in run["checks"]} == {1, 20, 1e4}
    for check in run["checks"]:
        assert 0 <= check["value_share"] <= 1 and 0 <= check["gradient_share"] <= 1, check


def test_the_checks_see_a_wrong_loss(monkeypatch):
    right = record.losses.matching_loss
    monkeypatch.setattr(record.losses, "matching_loss", lambda *args, **more: right(*args, **more) * 1.1)
    for check in record.checks("cpu"):
        wrong = check["n"] > 1  # the loss of a single pair is 0, and so is 1.1 times as much
        assert (check["value_share"] > 1) == (check["gradient_share"] > 1) == wrong, check


def test_a_cpu_is_never_recorded_among_the_gpus():
    for one in (record.record, record.record_tiles):
        with pytest.raises(ValueError, match="belongs elsewhere"):
            one(device="cpu", sizes=[], contenders=[])


def test_a_recording_of_the_tiles_in_small(tmp_path):
    folder, chosen = tmp_path / "tiles", [*tiles.CONTENDERS[:2], tiles.ON_A_GPU[2], fault("absent")]
    path = record.record_tiles(folder, "cpu", sizes=[(16, 8), (20, 4)], rounds=2, contenders=chosen)
    assert list(folder.iterdir()) == [path]
    (run,) = recorded.tile_runs(folder)
    assert set(run) == recorded.TILE_FIELDS
    assert [(row["name"], row["n"], row["width"]) for row in run["rows"]] == [
        (contender.name, *size) for size in [(16, 8), (20, 4)] for contender in chosen]
    assert [row["name"] for row in run["rows"] if row["problem"]] == ["absent", "absent"]
    assert all(row["dtype"] == "bfloat16" and row["to_floor"] > 0 for row in run["rows"] if not row["problem"])

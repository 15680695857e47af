"""`bench`: who is measured against whom, what becomes of a contender that fails, and the record of a GPU run.

The fast tests measure in this process: `here` stands in for the workers. Real ones are of the slow tier.
"""

import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from bench_faults import BROKEN
from torch.utils.flop_counter import FlopCounterMode

from xmatch_edu.course import recorded
from xmatch_edu.course.bench import __main__ as command
from xmatch_edu.course.bench import record, report, rounds, session, worker, workloads
from xmatch_edu.course.launch.environment import ROOT, plain, requirements

FIELDS = {"name", "direction", "n", "dtype", "seconds", "launch_seconds", "to_floor", "to_ours", "peak_bytes", "rounds",
          "problem"}  # fmt: skip


def some(workload, *names):
    """The workload with these contenders alone."""
    chosen = [next(one for one in workload.contenders if one.name == name) for name in names]
    return replace(workload, contenders=chosen)


FEW = some(workloads.MATCHING, "floor", "ours", "info_nce")


@pytest.fixture
def here(monkeypatch):
    class Here:
        """A worker that is no process."""

        def __init__(self, contender, asked):
            self.contender, self.problem, self.answers, self.spent = contender, None, [], 0.0
            self.to_come = worker.answers(json.loads(json.dumps(asked)))

        def ask(self, word, limit):
            if not self.problem:
                self.answers.append(next(self.to_come))
                self.problem = self.answers[-1].get("problem")

        def close(self):
            self.to_come.close()

    monkeypatch.setattr(rounds, "Worker", Here)
    monkeypatch.setattr(rounds.time, "sleep", lambda _: None)
    # Either would hold for all tests that follow.
    monkeypatch.setattr(worker, "limit_memory", lambda: None)
    monkeypatch.setattr(workloads.tiles, "_room", workloads.tiles._room)
    for absent in ("info_nce", "inf_cl"):
        monkeypatch.setitem(sys.modules, absent, None)


CHOSEN = {  # by the command's word: a workload that is measured here, and its sizes
    "--damsm": (workloads.DAMSM, [2, 3]),
    "--ranking": (some(workloads.RANKING, "floor", "ours", "broadcast", "per-pair loop"), [8]),
    "--tiles": (some(workloads.TILES, "floor", "ours", "dense", "info_nce"), [50]),
    None: (FEW, [16, 32]),
}


def run_and_look(word, workload, sizes, tmp_path, capsys):
    file = tmp_path / "out.json"
    words = ["--sizes", *map(str, sizes), "--json", str(file)]
    assert command.main([word, *words] if word else words, *([] if word else [workload])) == 0
    said, (out, err) = json.loads(file.read_text("utf-8")), capsys.readouterr()
    assert said.keys() == {"device", "date", "command", "versions", "threads", "load", "width", "inputs", "rows"}
    assert (said["width"], said["inputs"]) == (256, workload.inputs) and said["versions"]["torch"] == torch.__version__
    measured = [(one.name, one.direction, n) for n in sizes for one in workload.contenders]
    assert [(row["name"], row["direction"], row["n"]) for row in said["rows"]] == measured
    assert report.table(said) in out and str(file) in out
    assert err == "".join(f"N = {n}\n" for n in sizes), "no moving line where stderr is no terminal"
    return said["rows"]


@pytest.mark.parametrize("word", CHOSEN)
def test_from_words_to_json_and_table(word, here, monkeypatch, tmp_path, capsys):
    workload, sizes = CHOSEN[word]
    if word:
        assert command.WORKLOADS[word[2:]][0].inputs == workload.inputs
        monkeypatch.setitem(command.WORKLOADS, word[2:], (workload, ""))
    for row in run_and_look(word, workload, sizes, tmp_path, capsys):
        assert row.keys() == FIELDS and row["dtype"] == "float32" and row["launch_seconds"] is None
        if row["name"] == "info_nce":
            assert row["problem"] == "not installed: info_nce" and row["seconds"] is None
        else:
            assert row["problem"] is None and row["rounds"] == workload.usual.rounds and row["to_floor"] > 0
            assert row["name"] != "ours" or row["to_ours"] == 1


def still(x):
    """x, with a gradient of 0."""
    return x.detach() + 0 * x


OURS, LINES, LOOP = workloads.ours("both"), workloads.broadcast, workloads.per_caption_loop
ANY_WRONG = {
    "value": lambda *x: OURS(*x) * (1 + 1e-6), "gradient": lambda image, text, scale: OURS(image, still(text), scale),
    "scale": lambda image, text, scale: OURS(image, text, still(scale)), "NaN": lambda *x: OURS(*x) * float("nan"),
    "float32 and wrong": lambda *x: OURS(*(one.float() for one in x)) * 1.02,
}  # fmt: skip
WRONG = {
    "MATCHING": {**ANY_WRONG, "float32": lambda *x: OURS(*(one.float() for one in x))},
    "TILES": ANY_WRONG,  # where float32 will do
    "RANKING": {"with the diagonal": lambda image, text: LINES(image, text) + 2 * workloads.MARGIN * len(image),
                "gradient": lambda image, text: LINES(image, still(text)),
                "longer images": lambda image, text: LINES(image, text) + (image.norm(dim=1) - 1).sum()},
    "DAMSM": {"padding looks too": lambda regions, words, lengths: LOOP(regions, words, lengths.clamp(min=18)),
              "gradient": lambda regions, words, lengths: LOOP(still(regions), words, lengths)},
}  # fmt: skip


@pytest.mark.parametrize("name, what", [(name, what) for name in WRONG for what in WRONG[name]])
def test_another_loss_is_refused(name, what):
    assert getattr(workloads, name).differs(WRONG[name][what], "both")


def test_what_the_course_measures_itself_is_not_refused():
    for workload in (getattr(workloads, name) for name in WRONG):
        for _, direction, make, package in workload.contenders:
            assert not direction or package or not workload.differs(make(direction), direction)
    assert not workloads.TILES.differs(WRONG["MATCHING"]["float32"], "both")


def test_the_inputs_are_the_same_each_time_and_of_the_shapes_that_are_promised():
    regions, words, lengths = workloads.words_and_regions(11, 16, torch.float32, "cpu")
    assert lengths.tolist() == [18] * 11 and words.requires_grad
    assert regions.shape == (11, 289, 16) and words.shape == (11, 18, 16)
    assert torch.equal(regions, workloads.words_and_regions(11, 16, torch.float32, "cpu")[0])
    image, text, scale = workloads.features(11, 16, torch.bfloat16, "cpu")
    assert image.dtype == text.dtype == torch.bfloat16 and scale.dtype == torch.float32 and scale.requires_grad
    assert torch.allclose(text.float().norm(dim=1), torch.ones(11), atol=0.02)
    assert torch.equal(image, workloads.features(11, 16, torch.bfloat16, "cpu")[0])


@pytest.mark.parametrize("workload, n, width, promised", [
    ("MATCHING", 10, 3, 6 * 10**2 * 3), ("TILES", 10, 3, 8 * 10**2 * 3), ("DAMSM", 2, 5, 12 * 2 * 36 * 289 * 5)])
def test_the_floors_make_the_products_that_they_promise(workload, n, width, promised, monkeypatch):
    monkeypatch.setattr("xmatch_edu.scale.tiles._TILE_ON_CPU", 4)
    workload = getattr(workloads, workload)
    with FlopCounterMode(display=False) as counter:
        workload.make("floor", None)(*workload.features(n, width, torch.float32, "cpu"))
    assert counter.get_total_flops() == promised


ASKED = {"workload": BROKEN.place, "name": "ours", "direction": "both", "n": 8, "width": 8, "dtype": "float32",
         "device": "cpu", "launch": False}  # fmt: skip


def test_a_worker_weighs_the_first_call_times_the_others_and_ends_with_what_went_wrong(here):
    def first_four(name):
        return list(itertools.islice(worker.answers({**ASKED, "name": name}), 4))

    assert [list(answer) for answer in first_four("ours")] == [["ready"], ["peak_bytes"], ["seconds"], ["seconds"]]
    assert first_four("wrong") == [{"problem": "another value"}]
    assert first_four("odd") == [{"ready": True}, {"problem": "ValueError: odd"}]


@pytest.mark.slow
@pytest.mark.parametrize("word", CHOSEN)
def test_a_run_with_workers_and_with_the_rivals_that_are_installed(word, tmp_path, capsys):
    workload = command.WORKLOADS[word[2:]][0] if word else workloads.MATCHING
    for row in run_and_look(word, workload, CHOSEN[word][1][:1], tmp_path, capsys):
        assert (row["problem"] is None and row["seconds"] > 0) or row["problem"].startswith("not installed")
        assert row["peak_bytes"] is None or row["peak_bytes"] >= 0


@pytest.mark.slow
def test_a_contender_that_fails_is_a_row_and_the_others_go_on(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    chosen = BROKEN if sys.platform == "linux" else replace(BROKEN, contenders=BROKEN.contenders[:-1])
    found = rounds.measure(chosen, 32, workloads.Plan([], 2, 60, 3), width=16)
    problems = {row["name"]: row["problem"] for row in found}
    assert problems.pop("killed") in ("killed, perhaps because memory ran out", "ended with code 9")
    assert problems.pop("hungry", "no memory: asked for ").startswith("no memory: asked for "), "Linux alone is limited"
    assert problems == {"greedy": "no memory", "slow": "took longer than 3 s", "odd": "ValueError: odd",
                        "wrong": "another value", "ours": None}
    assert next(row["rounds"] for row in found if row["name"] == "ours") == 2


@pytest.mark.slow
def test_a_worker_that_dies_while_others_work_is_a_row_too():
    one = rounds.Worker(workloads.MATCHING.contenders[1], {**ASKED, "workload": workloads.MATCHING.place})
    try:
        one.ask("", 60)
        assert one.answers == [{"ready": True}]
        one.process.kill()
        one.process.wait()
        one.ask("go\n", 60)
        assert one.problem in ("killed, perhaps because memory ran out", "ended with code 1")
        one.ask("go\n", 60)
        assert len(one.answers) == 2, "asked no more"
    finally:
        one.close()


@pytest.mark.parametrize("budget, expected", [(0, 1), (1, 5)])
def test_who_has_had_its_share_of_the_time_rests_after_one_round(budget, expected, here):
    found = rounds.measure(some(FEW, "ours"), 32, workloads.Plan([], 5, budget, 60), width=16)
    assert found[0]["rounds"] == expected


def test_ratios_are_the_median_of_each_rounds_own():
    """Noise that hits one round hits both, and leaves the ratio alone; the ratio of the medians would be 1.5."""
    class Done:
        problem = None

        def __init__(self, name, seconds):
            self.contender = workloads.Contender(name, "both", None)
            self.answers = [{"ready": True}, {"peak_bytes": 7}, *({"seconds": one} for one in seconds)]

    found = rounds.rows([Done("ours", [1, 10, 4]), Done("rival", [2, 20, 6]), Done("tired", [3])], 8, "float32")
    assert [row["to_ours"] for row in found] == [1, 2, 3]
    assert [row["seconds"] for row in found] == [4, 6, 3] and found[0]["peak_bytes"] == 7
    assert found[0]["to_floor"] is None, "nobody measured the floor"


def test_the_table_says_what_was_measured():
    row = {"name": "ours", "direction": "both", "n": 64, "seconds": 0.00181, "to_floor": 9.031, "to_ours": 1.0,
           "peak_bytes": 2_400_000, "problem": None}  # fmt: skip
    slow = {**row, "direction": None, "seconds": 2.5, "to_ours": None, "peak_bytes": 3.21e9, "problem": "no memory"}
    rows = [row, slow, {**row, "seconds": None, "problem": "another value"}, {**row, "peak_bytes": 16e9}]
    lines = report.table({"device": "CPU", "threads": 2, "load": 0.1, "versions": {"torch": "2", "cuda": None},
                          "width": 256, "inputs": "features", "rows": rows}).split("\n")  # fmt: skip
    assert lines[:2] == ["CPU, 2 threads, load before: 0.1", "torch 2"] and "× floor  × ours" in lines[4]
    assert [" ".join(line.split()) for line in lines[5:]] == [
        "ours both 64 1.81 ms 9.03 1.00 2 MB", "ours - 64 2.50 s 9.03 3.2 GB then no memory",
        "ours both 64 another value", "ours both 64 1.81 ms 9.03 1.00 16 GB"]
    assert len(lines[4]) == len(lines[5]) == len(lines[8])


@pytest.mark.parametrize("error, words", [
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 68719476736 bytes. Error code 12"),
     "no memory: asked for 69 GB"),
    (RuntimeError("CUDA out of memory. Tried to allocate 16.00 GiB. GPU 0 has"), "no memory: asked for 17 GB"),
    (MemoryError(), "no memory"), (ValueError(), "ValueError: ")])
def test_what_went_wrong_in_words(error, words):
    assert worker.in_words(error) == words


def test_the_rivals_are_the_extra_of_pyproject():
    extra = {plain(line.split(">=")[0]) for line in set(requirements(ROOT, ["peers"])) - set(requirements(ROOT))}
    assert {plain(one.package) for one in workloads.MATCHING.contenders if one.package} == extra


@pytest.mark.parametrize("terminal", [True, False])
def test_the_moving_line_is_one_line_and_only_for_a_terminal(monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "40")
    report.tell("N = 8")
    report.tell("long " * 9, moving=True)
    moving = f"\r{('long ' * 9)[:39]}\x1b[K"
    assert capsys.readouterr().err == (f"\rN = 8\x1b[K\n{moving}" if terminal else "N = 8\n")


@pytest.mark.slow
def test_it_runs_with_torch_and_numpy_alone_and_so_do_the_tests_for_a_gpu():
    """As on a bare GPU machine, which has pytest at most."""
    others = ["tqdm", "psutil", "IPython", "ipywidgets", "jupyterlab", "matplotlib", "PIL", "pandas", "scipy",
              "sklearn", "transformers", "hypothesis"]
    blocked = f"import sys; sys.modules.update(dict.fromkeys({others})); sys.path.insert(0, 'tests')"
    code = f"{blocked}; import xmatch_edu.course.bench.__main__, xmatch_edu.course.bench.worker, test_gpu"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here, and it would be recorded")
@pytest.mark.parametrize("what", ["--record", "--record-tiles", "--gpu-session"])
def test_what_is_recorded_is_asked_for_alone_and_without_a_gpu_nothing_is(what, tmp_path, capsys):
    for other in ("--damsm", "--ranking", "--tiles"):
        with pytest.raises(SystemExit):
            command.main([other, what])
        assert "not allowed with" in capsys.readouterr().err
    assert command.main([what, str(tmp_path / "new")]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "NVIDIA GPU" in err and "Nothing was written" in err
    assert not list(tmp_path.iterdir())


def test_a_recording_in_small(here, tmp_path):
    """On the CPU, into another folder: the path that a GPU run takes."""
    path = record.record(tmp_path / "new", "cpu", sizes=[16], rounds=2, workload=FEW)
    assert list(path.parent.iterdir()) == [path] and path.suffix == ".json"
    (run,) = recorded.runs(path.parent)
    assert set(run) == recorded.FIELDS and run["date"].count("-") == 2 and run["width"] == 256
    assert list(run["versions"])[:4] == ["python", "torch", "cuda", "xmatch_edu"]
    assert [(row["name"], row["dtype"]) for row in run["rows"]] == [
        (name, dtype) for dtype in ("float32", "bfloat16") for name in ("floor", "ours", "info_nce")]
    for row in run["rows"]:
        assert row.keys() == FIELDS and row["n"] == 16
        assert row["problem"] if row["name"] == "info_nce" else row["seconds"] > 0 and row["launch_seconds"] > 0
    assert [(part["n"], part["dtype"]) for part in run["parts"]] == [(16, "float32"), (16, "bfloat16")]
    for part in run["parts"]:
        assert min(part[f"{what}_seconds"] for what in ("product", "loss", "product_launch")) > 0
    assert len(run["checks"]) == 3 * 3 * 3 and {check["logits"] for check in run["checks"]} == {1, 20, 1e4}
    for check in run["checks"]:
        assert 0 <= check["value_share"] <= 1 and 0 <= check["gradient_share"] <= 1, check


def test_a_recording_of_the_tiles_in_small(here, tmp_path):
    chosen = some(workloads.TILES_ON_A_GPU, "floor", "ours", "without kernel", "inf_cl")
    path = record.record_tiles(tmp_path, "cpu", sizes=[(16, 8), (20, 4)], rounds=2, workload=chosen)
    (run,) = recorded.tile_runs(path.parent)
    assert set(run) == recorded.TILE_FIELDS
    assert [(row["name"], row["n"], row["width"]) for row in run["rows"]] == [
        (one.name, *size) for size in [(16, 8), (20, 4)] for one in chosen.contenders]
    assert [row["name"] for row in run["rows"] if row["problem"]] == ["inf_cl", "inf_cl"]
    assert all(row["dtype"] == "bfloat16" and row["to_floor"] > 0 for row in run["rows"] if not row["problem"])


def test_a_recording_that_is_cut_keeps_its_rows_and_says_what_it_lacks(here, tmp_path, monkeypatch):
    right, calls = record.side_by_side, []

    def cut(*args, **more):
        calls.append(None)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return right(*args, **more)

    monkeypatch.setattr(record, "side_by_side", cut)
    with pytest.raises(KeyboardInterrupt):
        record.record(tmp_path, "cpu", sizes=[16, 20], rounds=1, workload=FEW)
    (run,) = recorded.runs(tmp_path)
    assert run["lacks"] == ["N = 20, bfloat16"] and len(run["rows"]) == 9 and len(run["parts"]) == 3
    assert len(run["checks"]) == 27


def test_the_checks_see_a_wrong_loss(monkeypatch):
    right = record.losses.matching_loss
    monkeypatch.setattr(record.losses, "matching_loss", lambda *args, **more: right(*args, **more) * 1.1)
    for check in record.checks("cpu"):
        wrong = check["n"] > 1  # the loss of a single pair is 0, and so is 1.1 times as much
        assert (check["value_share"] > 1) == (check["gradient_share"] > 1) == wrong, check


def test_a_cpu_is_never_recorded_among_the_gpus():
    for one in (record.record, record.record_tiles):
        with pytest.raises(ValueError, match="belongs elsewhere"):
            one(device="cpu", sizes=[])


def test_a_session_goes_on_after_a_part_that_fails_or_is_cut(tmp_path, capsys):
    some = [("good", 9, ["-c", "print('all is well')"]), ("bad", 1, ["-c", "raise SystemExit('no such thing')"]),
            ("slow", -8.5, ["-c", "print('begun'); import time; time.sleep(60)"]), ("last", 9, ["-c", "print('end')"])]
    with pytest.raises(SystemExit, match=r"bad, slow.*session\.txt says why"):
        session.session(tmp_path / "new", some)
    out, log = capsys.readouterr().out, (tmp_path / "new" / "session.txt").read_text("utf-8")
    assert [line.split(",")[0].split(": ") for line in out.splitlines()] == [
        ["good", "done"], ["bad", "failed with code 1"], ["slow", "cut"], ["last", "done"]] or out
    assert log.index("all is well") < log.index("no such thing") < log.index("begun") < log.index("last: done")


def test_a_session_asks_for_the_tests_and_both_recordings_in_eight_minutes(monkeypatch, tmp_path, capsys):
    parts = session.parts(tmp_path)
    assert sum(seconds for _, seconds, _ in parts) <= 8 * 60 - 10 and Path(parts[0][2][-1]).is_file()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name, (_, folder, words) in command.ON_A_GPU.items():
        monkeypatch.setitem(command.ON_A_GPU, name, (lambda folder, name=name: f"{name} in {folder}", folder, words))
    for asked, expected in [(parts[1][2][2:], f"record in {tmp_path}"),
                            (parts[2][2][2:], f"record_tiles in {tmp_path / 'tiles'}"),
                            (["--record-tiles"], f"record_tiles in {recorded.TILES}"),
                            (["--gpu-session"], f"gpu_session in {recorded.FOLDER}")]:  # fmt: skip
        assert command.main(asked) == 0 and capsys.readouterr().out == f"Recorded: {expected}\n"

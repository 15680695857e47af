"""Plant faults in the code, one at a time, and say which test of the fast tier sees each.

    python tools/faults.py [--tests "pytest words"] [--likely] [--only WORD] [--list]

Each fault is planted in a copy, where pytest first runs the files that are most likely to see it, then the rest of the
fast tier. A test counts only if it is green without the fault. Exit code 1 where a fault is not caught.

Here live the faults and their planting. tests/test_faults.py holds that each of them can still be planted.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LEFT_BEHIND = {".venv", ".git", "work", "build", ".hypothesis", ".ruff_cache", ".pytest_cache"}
FAST = ["-m", "not slow", "-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
ONE_RUN = ["-p", "tools.one_run", "--nbval-current-env", "--nbval-cell-timeout=120",
           "--nbval-sanitize-with", "tests/nbval_sanitize.cfg"]  # fmt: skip


class Fault(NamedTuple):
    """A text that stands in a file exactly once, what it becomes, and in a few words what that breaks."""

    file: str
    likely: tuple[str, ...]  # the test files that should see it
    text: str
    becomes: str
    breaks: str


# {file in xmatch_edu/: (its likely tests, [(text, what it becomes, what that breaks)])}
PLANTED = {
    "loops/matching.py": ("losses", [
        ("else scale * scores[i, j]", "else scores[i, j]", "the scale is forgotten"),
        ('steps.has_match[i if direction == "image_to_text" else j]', "steps.has_match[i]", "wrong axis for N ≠ M"),
    ]),
    "loops/ranking.py": ("ranking", [
        ("reverse=True)  # the hardest", "reverse=False)  # the hardest", "the easiest negatives count"),
        ("neighbours[i, j] = i != j and", "neighbours[i, j] =", "an item is its own neighbour"),
    ]),
    "loops/words.py": ("damsm", [("for share in shares[t]]", "for share in similarities[t]]", "no competition")]),
    "scores.py": ("scores damsm", [
        ("(raised / torch.where(length > 0, length, 1)).to", "(raised / length).to", "a zero vector is NaN"),
        ("words.masked_fill(padding", "words.masked_fill_(padding", "the caller's words are changed in place"),
        ("never[:, :, None]).softmax(dim=2)", "never[:, :, None]).softmax(dim=3)", "competition along the wrong axis"),
        ("(gamma2 * cosines + never)", "(gamma2 * cosines)", "padding counts as words"),
    ]),
    "labels.py": ("labels", [("& (matches == 0)", "& (matches > 0)", "mask inverted")]),
    "losses/_softmax.py": ("losses", [
        ('wide = dtype if labels.device.type == "mps" else torch.float64', "wide = dtype", "float32 accumulator"),
        ("* (before - largest).exp() + fresh", "+ fresh", "an old sum is not scaled to the new largest"),
        ("labels.to(torch.int64, copy=True)", "labels.to(torch.int64)", "changed labels reach the way back"),
        ("self.has_match = 1 / images[self.columns],", "self.has_match = self.y,", "images of a text not averaged"),
        ("torch.finfo(logits.dtype).min", "-torch.inf", "a row that is masked from end to end is NaN"),
        ("masked_fill_(mask[where]", "masked_fill_(~mask[where]", "mask inverted"),
        ("scores[where].to(torch.promote_types(scores.dtype, torch.float32)) * scale",
         "(scores[where] * scale).to(torch.promote_types(scores.dtype, torch.float32))", "half precision overflows"),
        ("scale_gradient += (", "scale_gradient = (", "of the scale's gradient only the last block is left"),
        ("for start in range(0, n, step)]", "for start in range(0, max(1, n - step + 1), step)]", "last block dropped"),
    ]),
    "losses/matching.py": ("losses", [
        ("return sum(totals) / len(totals)", "return sum(totals)", 'missing 1/2 in "both"'),
        ("self.logit_scale.exp()", "self.logit_scale.exp().clamp(max=self.largest_scale - 1e-3)", "a clamp too early"),
    ]),
    "losses/ranking.py": ("ranking", [
        ("own[:, None]) - margin", "own[:, None]) + margin", "the margin's sign"),
        ("else matches | mask", "else matches & mask", "matches are negatives beside a mask"),
        (".sum().clamp(min=1) if", ".sum() if", "NaN where no two share a group"),
    ]),
    "losses/sigmoid.py": ("sigmoid", [("paid.sum() / len(scores)", "paid.mean()", "divided by pairs, not by images")]),
    "losses/damsm.py": ("damsm", [("class_ids is None else", "class_ids is not None else", "class mask lost")]),
    "losses/keras.py": ("keras", [("ops.sum(columns, axis=0)", "ops.sum(columns, axis=1)", "wrong axis, right mean")]),
    "scale/tiles.py": ("tiles", [
        ("for start in range(0, count, size)]", "for start in range(0, max(1, count - size + 1), size)]",
         "last tile dropped"),
        ("image_gradient[rows] += passes", "image_gradient[rows] = passes", "only the last tile's gradient is left"),
        (".div(2).to(", ".to(", 'missing 1/2 in "both"'),
    ]),
    "scale/passes.py": ("tiles", [
        ('torch.float32 if x.device.type == "mps" else torch.float64', "torch.float32", "float32 accumulator"),
        ("fill_diagonal_(False) if match else same", "fill_diagonal_(False)", "non-matches spared in every tile"),
        ("return high if high - low < _CLOSE else None", "return high", "exp vanishes in rows far below"),
    ]),
    "scale/cached.py": ("cached", [
        ("return value.detach()", "return value", "the graph is kept: a forgotten detach"),
        ("            _set_random_state(state)\n", "", "dropout drops others the second time"),
    ]),
    "scale/processes.py": ("processes", [
        ("labels = rank * len(both) + torch", "labels = torch", "the other rank's texts are the matches"),
        ("(place().world_size, -1)).sum(dim=0)", "(place().world_size, -1)).mean(dim=0)", "gradient 1/W of its size"),
        ("[*blocks[:rank], features, *", "[features, *blocks[:rank], *", "blocks out of order"),
    ]),
    "scale/ring.py": ("processes", [
        ("held_log, class_ids, held_ids, _size(image), of", "column_log, class_ids, held_ids, _size(image), of",
         "the own columns' logs with another rank's texts"),
        ("mine.copy_(returned)", "mine.copy_(mine)", "what the others found is not brought home"),
    ]),
    "models/branches.py": ("models training", [
        ("last.transpose(0, 1).flatten(1)", "last.reshape(len(words), -1)", "codes of two texts are mixed"),
        ("            self.train(training)", "            self.train()", "a look at the features sets dropout on"),
    ]),
    "models/features.py": ("models", [("= train_images.m", "= _thumbnails(pairs.pictures, size).m", "a leak")]),
    "models/training/batches.py": ("batches", [
        ("manual_seed(seed)", "manual_seed(0)", "seed ignored"),
        ("if k not in dealt]", "][batch_size:]", "who waits for another batch is lost"),
    ]),
    "models/training/memory.py": ("memory", [
        ("@torch.no_grad()\n    def remember", "def remember", "the past keeps its graph: a forgotten detach"),
        ("self._written += len(ids)", "self._written = len(ids)", "the ring buffer forgets where it stood"),
    ]),
    "models/training/recall.py": ("recall", [
        ("(scores > best).sum(1)", "(scores >= best).sum(1)", "ties count against the match"),
        ('"text_to_image": sides[::-1]', '"text_to_image": sides', "one direction twice"),
    ]),
    "models/training/fitting.py": ("training", [
        ('"weight_decay": 0.0', '"weight_decay": WEIGHT_DECAY', "the learned scale decays"),
        ("self.seed * 1_000_003 + self.done", "self.done", "seed ignored in dropout and shifts"),
        ("copy.deepcopy(self.model.state_dict()), self.done", "self.model.state_dict(), self.done", "best is the last"),
        ("pairs.take(pairs.validation), pairs.train", "pairs.take(pairs.test), pairs.train", "the test pairs choose"),
    ]),
    "models/training/safety.py": ("training", [
        ("signal.SIGINT, before if", "signal.SIGINT, hear if", "the stop button is never given back"),
        ("    digest.update(pairs.pictures.numpy().tobytes())\n", "", "other pictures pass for the same run"),
        ('fresh = self.path.with_name(self.path.name + ".part")', "fresh = self.path", "a cut leaves half a file"),
    ]),
    "data/emoji.py": ("emoji", [
        ("sha256(concept.encode())", 'sha256(f"{concept}{len(parts)}".encode())', "split by rows: a leak"),
        ("first.setdefault(picture.tobytes(), kind)", "kind", "equal pictures on both sides of the split: a leak"),
    ]),
    "data/shapes.py": ("shapes", [
        ("else not held_out & {one, other})", "else one not in held_out)", "held-out pairs leak into training"),
        ("enough = CELL * CELL // 4", "enough = CELL * CELL // 4 + 1", "a quarter of a cell is not enough"),
    ]),
    "_inputs.py": ("inputs tiles", [
        ("{len(image)} on the image side and {len(text)} on", "{len(text)} on the image side and {len(image)} on",
         "an error names the wrong side"),
        ("if not 0 <= end < m:", "if not 0 <= end <= m:", "a label one column too far"),
    ]),
    "check/answers.py": ("check", [("max(initial=1)", "max(initial=0)", "no allowance for small numbers")]),
    "check/calm.py": ("check", [
        ("tuple(x.clone() if", "tuple(x if", "a function spoils the next call's input"),
        ("        np.random.set_state(states[1])\n", "", "a check moves the random generator"),
    ]),
    "check/engine.py": ("check", [("if all(same(", "if any(same(", "named though one case alone agrees")]),
    "check/result.py": ("check", [("<br>{html.escape(sentence)}", "<br>{sentence}", "a learner's words are markup")]),
    "check/progress.py": ("progress", [
        ('one.get("last") != fingerprint', 'one.get("last") != learner', "Run All counts again"),
        ('one["passed"] or result.outcome == PASS', "result.outcome == PASS", "what was solved is forgotten"),
    ]),
    "course/exercises/chapter_01.py": ("check", [("softmax(scale * S[j])", "softmax(scale * S[:, j])", "no mistake")]),
    "course/exercises/chapter_04/shuffled_line.py": ("check", [
        ("_two(_as_dealt, _inverse), lambda", "_two(_as_dealt, _as_dealt), lambda", "one idea is taken for another")]),
    "course/launch/environment.py": ("launch_environment", [
        ('    mark(venv, state="installing")  # before', "    # before", "the marker is written too late"),
        ("numbers(found[plain(name)].version) < numbers(bound)", "found[plain(name)].version < bound", "10 below 9"),
        ("(state := look(root, extras).state)", "(state := found.state)", "built again though another start has"),
    ]),
    "course/launch/commands.py": ("launch_environment", [
        ('"-P", "-m", "xmatch', '"-m", "xmatch', "a class's folder is imported from"),
        ('if name != "MPLBACKEND"', 'if name != "MPL"', "kernels show no pictures")]),
    "course/launch/doctor.py": ("launch_doctor", [("return int(any(fix", "return int(all(fix", "a fault passes")]),
    "course/launch/working_copy.py": ("launch_working_copy", [
        ("elif newest not in known and here in known", "elif newest not in known", "a learner's work is overwritten")]),
    "_files.py": ("progress", [("fresh.write_bytes", "path.write_bytes(content), fresh.write_bytes", "two strokes")]),
    "course/publish/folder.py": ("publish", [(" and not (folder / MARK).is_file()", " and False", "others' work")]),
    "course/publish/learner.py": ("publish", [("cell.outputs, cell", "_, cell", "outputs answer the bold questions")]),
    "course/class_map/tables.py": ("class_map", [('cell.lstrip(" ")', "cell", "a formula behind a space runs")]),
    "course/measure.py": ("measure", [("memory()[1] - before", "memory()[0] - before", "what is left, not the peak")]),
    "course/bench/rounds.py": ("bench", [("one / other for", "other / one for", "the ratio upside down")]),
    "explore/parts.js": ("browser", [("Math.exp(logits[at] - top)", "Math.exp(logits[at])", "exp overflows")]),
    "explore/matching.js": ("browser", [("weights: [0.5, 0.5]", "weights: [1, 1]", 'missing 1/2 in "both"')]),
    "explore/attention.js": ("browser", [("softmax(s, R, T, 1, R)", "softmax(s, T, R, R, 1)", "the wrong axis")]),
    "explore/tiles.js": ("browser", [("- logs[1][j])) / 2", "- logs[1][i])) / 2", "another column's log")]),
    "explore/matching.py": ("live_numbers", [("np.argsort(self.order) if", "np.array(self.order) if", "the inverse")]),
    "plots/heatmaps.py": ("plots", [("ax.text(j, i, form", "ax.text(i, j, form", "axes changed over")]),
}
FAULTS = [Fault(f"xmatch_edu/{file}", tuple(f"tests/test_{name}.py" for name in likely.split()), *words)
          for file, (likely, some) in PLANTED.items() for words in some]  # fmt: skip


def planted(fault, root=ROOT):
    """The whole text of its file with the fault in it. Errors: ValueError where its text does not stand there once."""
    whole = (root / fault.file).read_text("utf-8")
    if (times := whole.count(fault.text)) != 1:
        raise ValueError(f"{fault.file} should hold this text once, and holds it {times} times: {fault.text}")
    return whole.replace(fault.text, fault.becomes)


def first_red(copy, words):
    """Run pytest in the copy -> the name of the first test that is red, or "" where none is."""
    # The copy's package for whatever the tests start, and no bytecode, which could outlive the fault.
    surroundings = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run([sys.executable, "-m", "pytest", *FAST, *words], cwd=copy, env=surroundings, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    shutil.rmtree(copy / ".hypothesis", ignore_errors=True)  # what it found for one fault is no help with the next
    if ended.returncode in (0, 5):  # 5: no test was asked for
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", ended.stdout, re.MULTILINE)
    if not found:
        raise RuntimeError(f"pytest itself ended with {ended.returncode}:\n{ended.stdout}")
    return found[1]


def caught_by(fault, copy, words, known):
    """The first test that is red with the fault and green without it, or "". Who is red in any case is left out.

    known: {test: is it green without a fault?}, what was seen so far.
    """
    file, broken = copy / fault.file, planted(fault, copy)
    whole = file.read_bytes()
    while True:
        file.write_text(broken, "utf-8", newline="\n")
        test = first_red(copy, [*words, *(f"--deselect={one}" for one in known if not known[one])])
        file.write_bytes(whole)
        if test and test not in known:  # a notebook's cells need those above them
            alone = [*ONE_RUN, test.split("::")[0]] if test.startswith("notebooks") else [test]
            known[test] = not first_red(copy, alone)
        if not test or known[test]:
            return test


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tests", help="what to run in place of the fast tier: files, names, options for pytest")
    parser.add_argument("--likely", action="store_true", help="run each fault's likely files alone")
    parser.add_argument("--only", default="", metavar="WORD", help="only faults with this word in file or description")
    parser.add_argument("--list", action="store_true", help="only show the faults")
    options = parser.parse_args()
    chosen = [fault for fault in FAULTS if options.only in f"{fault.file}: {fault.breaks}"]
    if options.list:
        print(*(f"{fault.file}: {fault.breaks}" for fault in chosen), sep="\n")
        return 0
    missed, known = 0, {}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=lambda path, _: LEFT_BEHIND if path == str(ROOT) else {"__pycache__"})
        for number, fault in enumerate(chosen, 1):
            rest = [*ONE_RUN, "tests", "notebooks", *(f"--ignore={file}" for file in fault.likely)]
            rounds = [fault.likely] if options.likely else [fault.likely, rest]
            rounds, start = [shlex.split(options.tests)] if options.tests else rounds, time.monotonic()
            test = next(filter(None, (caught_by(fault, copy, words, known) for words in rounds)), "")
            said = f"after {time.monotonic() - start:.0f} s"
            said = f"caught {said} by {test}" if test else f"NOT CAUGHT {said}"
            missed += not test
            print(f"{number:2}/{len(chosen)} {fault.file}: {fault.breaks}\n      {said}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} faults are caught.")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())

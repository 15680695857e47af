"""`python -m xmatch_edu.course.bench`, with the words that its parser takes: measure, write, show."""

import argparse
import json
import sys
from pathlib import Path

import torch

from xmatch_edu.course.bench import contenders as matching
from xmatch_edu.course.bench import damsm, ranking, tiles
from xmatch_edu.course.bench.record import record, record_tiles
from xmatch_edu.course.bench.report import Progress, load, surroundings, table
from xmatch_edu.course.bench.rounds import measure

WIDTH = 256
# Repetitions of each contender, seconds for them all at one size, and seconds for one call.
USUAL = {"sizes": [1024, 4096, 8192], "rounds": 15, "budget": 24, "limit": 20}
FULL = {"sizes": [256, 512, 1024, 2048, 4096, 8192, 16384], "rounds": 31, "budget": 150, "limit": 120}
# For each workload but the matching loss the same, with what differs.
DAMSM_USUAL = {**USUAL, "sizes": [16, 32, 48], "budget": 45, "limit": 60}
DAMSM_FULL = {**FULL, "sizes": [16, 32, 48, 64, 96]}
RANKING_USUAL = {**USUAL, "sizes": [128, 512, 2048]}
RANKING_FULL = {**FULL, "sizes": [64, 128, 256, 512, 1024, 2048, 4096]}
TILES_USUAL = {**USUAL, "sizes": [4096, 8192], "rounds": 9, "budget": 90}
TILES_FULL = {**FULL, "sizes": [4096, 8192, 16384, 32768], "rounds": 9, "budget": 300}


def main(words, contenders=None):
    """contenders: in place of the workload's own."""
    parser = argparse.ArgumentParser(prog="python3 -m xmatch_edu bench")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--damsm", action="store_true", help="the DAMSM's score of words and regions instead")
    what.add_argument("--ranking", action="store_true", help="the hinge ranking loss instead")
    what.add_argument("--tiles", action="store_true", help="the matching loss in tiles, at size, instead")
    what.add_argument("--record", action="store_true", help="a GPU run for the course's recorded runs instead")
    what.add_argument("--record-tiles", action="store_true", help="a GPU run of the loss in tiles instead")
    parser.add_argument("--full", action="store_true", help="more sizes, more rounds: about 20 minutes on 2 cores")
    parser.add_argument("--sizes", metavar="N", type=positive, nargs="+", help="measure at these sizes instead")
    parser.add_argument("--json", metavar="FILE", default="bench.json", help="where the figures go (bench.json)")
    chosen = parser.parse_args(words)
    if chosen.record or chosen.record_tiles:
        if not torch.cuda.is_available():
            print("To record needs an NVIDIA GPU that torch can use, and there is none here. Nothing was written.",
                  file=sys.stderr)
            return 1
        print(f"Recorded: {record() if chosen.record else record_tiles()}")
        return 0
    file = Path(chosen.json)
    if not file.absolute().parent.is_dir() or file.is_dir():
        parser.error(f"--json: {file} cannot be a file: its folder must be there, and no folder of its name")
    workload, usual, full = matching, USUAL, FULL
    if chosen.damsm:
        workload, usual, full = damsm, DAMSM_USUAL, DAMSM_FULL
    elif chosen.ranking:
        workload, usual, full = ranking, RANKING_USUAL, RANKING_FULL
    elif chosen.tiles:
        workload, usual, full = tiles, TILES_USUAL, TILES_FULL
    plan = full if chosen.full else usual
    plan = {**plan, "sizes": chosen.sizes or plan["sizes"]}
    result = side_by_side(plan, contenders or workload.CONTENDERS, workload.INPUTS)
    file.write_text(json.dumps(result, indent=1) + "\n", "utf-8")  # first: a terminal may lack the table's letters
    sys.stdout.reconfigure(errors="replace")
    print(table(result))
    print(f"\nThe figures: {file}")
    return 0


def positive(word):
    """A size, from the command line."""
    if int(word) < 1:
        raise ValueError(word)
    return int(word)


def side_by_side(plan, contenders, inputs):
    """Every contender at every size, on the CPU in float32 -> {"device", "date", "versions", …, "rows"}."""
    result = {**surroundings(contenders), "load": load(), "width": WIDTH, "inputs": inputs, "rows": []}
    limits = {name: value for name, value in plan.items() if name != "sizes"}
    progress = Progress(len(plan["sizes"]))
    for n in plan["sizes"]:
        progress.size(f"N = {n}")
        result["rows"] += measure(contenders, n, width=WIDTH, tell=progress.step, **limits)
    progress.end()
    return result


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)

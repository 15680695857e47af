"""`python -m xmatch_edu.course.bench`, with the words that its parser takes: measure, write, show."""

import argparse
import os
import sys
from pathlib import Path

import torch

from xmatch_edu.course import recorded
from xmatch_edu.course.bench import report, workloads
from xmatch_edu.course.bench.record import WIDTH, record, record_tiles
from xmatch_edu.course.bench.rounds import measure
from xmatch_edu.course.bench.session import session

WORKLOADS = {
    "damsm": (workloads.DAMSM, "the DAMSM's score of words and regions instead"),
    "ranking": (workloads.RANKING, "the hinge ranking loss instead"),
    "tiles": (workloads.TILES, "the matching loss in tiles, at size, instead"),
}
ON_A_GPU = {
    "record": (record, recorded.FOLDER, "a GPU run for the course's recorded runs instead"),
    "record_tiles": (record_tiles, recorded.TILES, "a GPU run of the loss in tiles instead"),
    "gpu_session": (session, recorded.FOLDER, "the tests for a GPU and both runs, in eight minutes, instead"),
}


def main(words, workload=workloads.MATCHING):
    """workload: in place of the matching loss."""
    parser = argparse.ArgumentParser(prog="python3 -m xmatch_edu bench")
    what = parser.add_mutually_exclusive_group()
    for name, (other, instead) in WORKLOADS.items():
        what.add_argument(f"--{name}", dest="workload", action="store_const", const=other, help=instead)
    for name, (_, folder, instead) in ON_A_GPU.items():
        what.add_argument(f"--{name.replace('_', '-')}", metavar="FOLDER", type=Path, nargs="?", const=folder,
                          help=f"{instead}; written into FOLDER (recorded/)")  # fmt: skip
    parser.add_argument("--full", action="store_true", help="more sizes, more rounds: about 20 minutes on 2 cores")
    parser.add_argument("--sizes", metavar="N", type=int, nargs="+", help="measure at these sizes instead")
    parser.add_argument("--json", metavar="FILE", default="bench.json", help="where the figures go (bench.json)")
    chosen = parser.parse_args(words)
    for name, (run, *_) in ON_A_GPU.items():
        if folder := getattr(chosen, name):
            if torch.cuda.is_available():
                print(f"Recorded: {run(folder)}")
                return 0
            print("To record needs an NVIDIA GPU that torch can use, and there is none here. Nothing was written.",
                  file=sys.stderr)
            return 1
    if min(chosen.sizes or [1]) < 1:
        parser.error("--sizes: each must be at least 1")
    file = Path(chosen.json)
    if not file.absolute().parent.is_dir() or file.is_dir():
        parser.error(f"--json: {file} cannot be a file: its folder must be there, and no folder of its name")
    workload = chosen.workload or workload
    plan = workload.full if chosen.full else workload.usual
    # How many processes wanted a core during the last minute, where that is known.
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    result = {**report.surroundings(workload), "load": load, "width": WIDTH, "inputs": workload.inputs, "rows": []}
    for n in chosen.sizes or plan.sizes:
        report.tell(f"N = {n}")
        result["rows"] += measure(workload, n, plan, width=WIDTH)
    recorded.save(file, result)  # first: a terminal may lack the table's letters
    sys.stdout.reconfigure(errors="replace")
    print(f"{report.table(result)}\n\nThe figures: {file}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)

"""What is shown: the line that moves while it measures, where the figures come from, and the table."""

import contextlib
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

import torch

import xmatch_edu
from xmatch_edu.course import recorded


def tell(words, *, moving=False):
    """A line on stderr. One that moves is written over by the next, and is left out where stderr is no terminal."""
    screen = sys.stderr.isatty()
    if screen or not moving:
        words = words[:shutil.get_terminal_size().columns - 1]
        print(f"\r{words}\x1b[K" if screen else words, end="" if moving else "\n", file=sys.stderr, flush=True)


def surroundings(workload, device="cpu"):
    """Where the figures come from: {"device", "date", "command", "versions", "threads"}."""
    versions = {"torch": torch.__version__, "cuda": torch.version.cuda, "xmatch_edu": xmatch_edu.__version__}
    for package in sorted({contender.package for contender in workload.contenders} - {None}):
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else processor(),
        **recorded.stamp(" ".join(["xmatch_edu.course.bench", *sys.argv[1:]]), **versions),
        "threads": torch.get_num_threads(),
    }


def processor():
    with contextlib.suppress(OSError, StopIteration), open("/proc/cpuinfo", encoding="utf-8") as lines:
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()  # not Linux, or a processor that tells no name


def table(result):
    """The rows as text, under a line that says where they come from."""
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items() if number)
    lines = [f"{result['device']}, {result['threads']} threads, load before: {result['load']}", versions,
             f"D = {result['width']}, float32, {result['inputs']}; median over rounds", "",
             f"{'':24}{'direction':15}{'N':>6}{'time':>11}{'× floor':>9}{'× ours':>8}{'extra memory':>14}"]
    for row in result["rows"]:
        line = f"{row['name']:24}{row['direction'] or '-':15}{row['n']:6}"
        if row["problem"] and row["seconds"] is None:
            line += f"   {row['problem']}"
        else:
            to_floor, to_ours = ("" if row[one] is None else f"{row[one]:.2f}" for one in ("to_floor", "to_ours"))
            line += f"{seconds(row['seconds']):>11}{to_floor:>9}{to_ours:>8}{size(row['peak_bytes']):>14}"
            line += f"   then {row['problem']}" if row["problem"] else ""
        lines.append(line)
    return "\n".join(lines)


def seconds(value):
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def size(count):
    """Bytes as people say them."""
    if count is None:
        return ""
    if count >= 1e9:
        return f"{count / 1e9:.0f} GB" if count >= 10e9 else f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB"

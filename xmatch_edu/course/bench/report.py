"""What is shown: the line that moves while it measures, where the figures come from, and the table."""

import contextlib
import datetime
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

import torch

import xmatch_edu


class Progress:
    """One line on stderr, written anew at each step; a line for each size only, where stderr is no terminal."""

    def __init__(self, sizes):
        self.sizes, self.begun, self.what, self.screen = sizes, 0, "", sys.stderr.isatty()

    def size(self, what):
        self.begun, self.what = self.begun + 1, what
        if not self.screen:
            print(what, file=sys.stderr, flush=True)

    def step(self, share, words):
        """share: how much of this size is done, from 0 to 1."""
        if self.screen:
            bar = "█" * round(30 * (self.begun - 1 + share) / self.sizes)
            line = f"{bar:░<30} {self.what}: {words}"[:shutil.get_terminal_size().columns - 1]
            print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self):
        if self.screen:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def surroundings(contenders, device="cpu"):
    """Where the figures come from: {"device", "date", "command", "versions", "threads"}."""
    found = {"python": platform.python_version(), "torch": torch.__version__, "cuda": torch.version.cuda,
             "xmatch_edu": xmatch_edu.__version__}
    for package in sorted({contender.package for contender in contenders} - {None}):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else processor(),
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["python -m xmatch_edu.course.bench", *sys.argv[1:]]),
        "versions": found,
        "threads": torch.get_num_threads(),
    }


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # not Linux, or a processor that tells no name
        return platform.processor() or platform.machine()


def load():
    """How many processes wanted a core during the last minute, or None where that is not known."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


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
            line += f"{seconds(row['seconds']):>11}{number(row['to_floor']):>9}{number(row['to_ours']):>8}"
            line += f"{size(row['peak_bytes']):>14}" + (f"   then {row['problem']}" if row["problem"] else "")
        lines.append(line)
    return "\n".join(lines)


def seconds(value):
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def number(value):
    return "" if value is None else f"{value:.2f}"


def size(count):
    """Bytes as people say them."""
    if count is None:
        return ""
    if count >= 1e9:
        return f"{count / 1e9:.0f} GB" if count >= 10e9 else f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB"

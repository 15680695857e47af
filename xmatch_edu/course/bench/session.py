"""All that a lent GPU is for, in one command and eight minutes: the tests for it, then both recordings.

Each part is a process of its own and writes as it goes, so a part that is cut or fails leaves what it had, and the next
one goes on. What the parts measure lives in tests/test_gpu.py and in `record`.
"""

import subprocess
import sys
import time
from pathlib import Path

import xmatch_edu

TESTS = Path(xmatch_edu.__file__).parent.parent / "tests" / "test_gpu.py"


def parts(folder):
    """-> [(name, its seconds, the words of its command for Python)]. What one leaves of its seconds is the next one's.
    """
    bench = ["-m", "xmatch_edu.course.bench"]
    return [
        ("tests", 140, ["-m", "pytest", "--noconftest", "-v", "--tb=short", str(TESTS)]),
        ("record", 160, [*bench, "--record", str(folder)]),
        ("record-tiles", 170, [*bench, "--record-tiles", str(folder / "tiles")]),
    ]


def session(folder, some=None):
    """Run the parts, write what they say into `folder`/session.txt -> folder. SystemExit names those that did not end.

    some: in place of the parts above.
    """
    folder.mkdir(parents=True, exist_ok=True)
    until, failed = time.monotonic(), []
    with open(folder / "session.txt", "w", encoding="utf-8") as log:
        for name, seconds, words in some or parts(folder):
            start, until, how = time.monotonic(), until + seconds, "done"
            try:
                subprocess.run([sys.executable, "-u", *words], stdout=log, stderr=log, check=True,
                               timeout=until - start)  # fmt: skip
            except subprocess.TimeoutExpired:
                how = "cut, its time was up"
            except subprocess.CalledProcessError as error:
                how = f"failed with code {error.returncode}"
            failed += [name] if how != "done" else []
            said = f"{name}: {how}, after {time.monotonic() - start:.0f} s"
            print(said, flush=True)
            print(said, file=log, flush=True)
    if failed:
        sys.exit(f"Not to its end: {', '.join(failed)}. {log.name} says why. What was there until then is kept.")
    return folder

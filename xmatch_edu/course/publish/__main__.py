"""python -m xmatch_edu.course.publish WHAT FOLDER: make one product. `python3 -m xmatch_edu WHAT` sets up first."""

import sys
from importlib import import_module
from pathlib import Path

from xmatch_edu.course.publish.folder import NotOurs, fresh

what, folder = sys.argv[1:]
try:
    with fresh(Path(folder)) as half:
        first = import_module(f"xmatch_edu.course.publish.{what}").make(half)
except NotOurs as reason:
    sys.exit(str(reason))
print(Path(folder) / first)

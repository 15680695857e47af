"""Who handed in what: the names in the class's folder are read, and no file is opened."""

import os
import re
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from xmatch_edu.check.progress import FILE
from xmatch_edu.course.class_map.names import key, readable
from xmatch_edu.course.publish.folder import MARK

_NOT_FOR_US = re.compile(r"\.|progress\.spoilt-\d+\.json$")  # hidden, or set aside by the course


class Refused(Exception):
    """A hand-in that cannot be read. The message is the reason, in words that hold no name."""


@dataclass(frozen=True)
class HandIn:
    """name: the learner's. shown: what the teacher sees in the folder. Both can be shown without harm."""

    name: str
    shown: str
    path: Path
    zipped: bool = False


def look(folder):
    """-> ([HandIn], [(HandIn, reason)], the names of what is no hand-in), in the order of the names."""
    found, refused, aside = [], [], []
    for path in sorted(Path(folder).iterdir(), key=lambda path: (key(path.name), path.name)):
        shown, kind = readable(path.name), path.suffix.casefold()
        if _NOT_FOR_US.match(path.name):
            aside.append(shown)
        elif kind in (".json", ".zip"):
            found.append(HandIn(readable(path.stem), shown, path, zipped=kind == ".zip"))
        elif path.is_symlink():
            refused.append((HandIn(shown, shown, path), "It is a link, and links are not followed."))
        elif not path.is_dir() or os.path.lexists(path / MARK):  # an earlier map of ours is nobody's hand-in
            aside.append(shown)
        else:
            found.append(HandIn(shown, f"{shown}/{FILE}", path / FILE))
    times = Counter(key(one.name) for one in found)
    twice = [(one, "Another hand-in bears the same name. Keep one of them.")
             for one in found if times[key(one.name)] > 1]  # fmt: skip
    return [one for one in found if times[key(one.name)] == 1], [*refused, *twice], aside


def demand_a_file(path):
    """Raise `Refused` for what is not there or is no ordinary file: a pipe would keep us waiting for ever."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        raise Refused(f"There is no {FILE} in this folder.") from None
    if stat.S_ISLNK(mode):
        raise Refused("It is a link, and links are not followed.")
    if not stat.S_ISREG(mode):
        raise Refused("It is no ordinary file.")

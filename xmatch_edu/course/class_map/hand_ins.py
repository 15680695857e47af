"""Who handed in what, and the bytes of each progress file. What they say stands in `reading`.

No link is followed and nothing is opened but an ordinary file. Nothing is unpacked to the disk: of a zip its list and
one progress.json are read, and never more of that than a progress file can have.
"""

import re
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from xmatch_edu.check.progress import FILE
from xmatch_edu.course.class_map.names import key, readable
from xmatch_edu.course.publish.folder import MARK

MOST = 2_000_000  # bytes; the course's 54 exercises with every misconception met are about 40,000
MOST_ZIPPED = 20_000_000  # a work folder with every chapter run has about 4,000,000
_NOT_FOR_US = re.compile(r"\.|progress\.spoilt-\d+\.json$")  # hidden, or set aside by the course


class Refused(Exception):
    """A hand-in that cannot be read. The message is the reason, in words that hold no name."""


class HandIn(NamedTuple):
    """name: the learner's. shown: what the teacher sees in the folder. Both can be shown without harm."""

    name: str
    shown: str
    path: Path


def look(folder):
    """-> ([HandIn], those whose name another one bears too, the names of what is no hand-in), in order of the names."""
    found, aside = [], []
    for path in sorted(Path(folder).iterdir(), key=lambda path: (key(path.name), path.name)):
        shown = readable(path.name)
        if _NOT_FOR_US.match(path.name) or (path / MARK).exists():  # an earlier map of ours is nobody's hand-in
            aside.append(shown)
        elif path.suffix.casefold() in (".json", ".zip"):
            found.append(HandIn(readable(path.stem), shown, path))
        elif path.is_dir() or path.is_symlink():
            found.append(HandIn(shown, f"{shown}/{FILE}", path / FILE))
        else:
            aside.append(shown)
    times = Counter(key(one.name) for one in found)
    twice = [one for one in found if times[key(one.name)] > 1]
    return [one for one in found if one not in twice], twice, aside


def read(path):
    """-> the bytes of the progress file at this path, or in its zip. Errors: Refused; others where it is damaged."""
    if path.is_symlink() or path.parent.is_symlink():
        raise Refused("It is a link, and links are not followed.")
    if not path.is_file():  # a pipe would keep us waiting for ever
        raise Refused("It is no ordinary file." if path.exists() else f"There is no {FILE} in this folder.")
    with open(path, "rb") as file:
        if path.suffix.casefold() != ".zip":
            return _whole(file, MOST)
        packed = BytesIO(_whole(file, MOST_ZIPPED))
    with zipfile.ZipFile(packed) as archive:
        ours = [one for one in archive.infolist() if PureWindowsPath(one.filename).name == FILE]
        if len(ours) != 1:
            raise Refused(f"The zip must hold one {FILE}. It holds {len(ours) or 'none'}.")
        if ours[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack all at once
            raise Refused("The zip is packed in an unusual way. Ask for an ordinary one.")
        with archive.open(ours[0]) as unpacked:
            return _whole(unpacked, MOST)


def _whole(file, most):
    """Everything, if that is no more than `most` bytes; a zip's own word for its size is not believed."""
    if len(content := file.read(most + 1)) > most:
        raise Refused(f"It holds more than {most // 1_000_000} MB, which no progress file needs.")
    return content

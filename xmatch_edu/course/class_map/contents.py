"""The bytes of a progress file, from a file or out of a zip, and never more of them than such a file can have.

Nothing is unpacked to the disk. Of a zip only its list of contents and one progress.json are read.
"""

import io
import stat
import struct
import zipfile
import zlib
from pathlib import PureWindowsPath

from xmatch_edu.check.progress import FILE
from xmatch_edu.course.class_map.folder import Refused, demand_a_file

MOST = 2_000_000  # bytes; the course's 54 exercises with every misconception met are about 40,000
_LIST = 4_000_000  # bytes of a zip's list of contents; a work folder's has about 5,000
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
_TOO_LARGE = f"{FILE} is larger than {MOST // 1_000_000} MB, far more than a progress file can be."


def read(hand_in):
    """-> the bytes of this learner's progress.json. Errors: Refused, with the reason."""
    try:
        demand_a_file(hand_in.path)
        with open(hand_in.path, "rb", buffering=0) as file:
            if hand_in.zipped:
                return _from_zip(_ShortReads(file))
            return _all_of(file)
    except OSError as error:
        raise Refused(f"It could not be opened: {error.strerror or type(error).__name__}.") from None


class _ShortReads(io.BufferedReader):
    """A file that gives no more than `_LIST` bytes at once: a zip's list of contents is read in one piece."""

    def read(self, size=-1):
        piece = super().read(_LIST + 1 if size is None or size < 0 else min(size, _LIST + 1))
        if len(piece) > _LIST:
            raise Refused("The zip's list of contents is too long. Ask for the work folder alone.")
        return piece


def _from_zip(file):
    try:
        with zipfile.ZipFile(file) as archive:
            member = _the_one(archive.infolist())
            with archive.open(member) as unpacked:
                return _all_of(unpacked)
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, OverflowError, ValueError, OSError):
        raise Refused("It is no zip, or a damaged one.") from None
    except (NotImplementedError, RuntimeError):
        raise Refused("The zip is packed in an unusual way. Ask for an ordinary one.") from None


def _the_one(members):
    """The entry of the zip that is the progress file. What its list says is believed only where it refuses."""
    if any(_leads_out(one.filename) for one in members):
        raise Refused("The zip holds a path that leads out of it. Do not unpack it.")
    ours = [one for one in members if PureWindowsPath(one.filename).name == FILE and not one.is_dir()]
    if len(ours) != 1:
        raise Refused(f"The zip holds {len(ours) or 'no'} {'files named ' if ours else ''}{FILE}; it must hold one.")
    member, mode = ours[0], ours[0].external_attr >> 16
    if any(part.split(".")[0].strip().casefold() in _DEVICES for part in PureWindowsPath(member.filename).parts):
        raise Refused(f"The path of {FILE} in the zip holds the name of a device.")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise Refused(f"{FILE} in the zip is no ordinary file.")
    if member.flag_bits & 1:
        raise Refused("The zip wants a password. Ask for one without.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without a limit
        raise Refused("The zip is packed in an unusual way. Ask for an ordinary one.")
    if max(member.file_size, member.compress_size) > MOST:
        raise Refused(_TOO_LARGE)
    return member


def _leads_out(name):
    """Up, to the root, or to a drive: read as Windows would, where both slashes part."""
    path = PureWindowsPath(name)
    return bool(path.drive or path.root) or ".." in path.parts


def _all_of(file):
    """Everything, if that is no more than `MOST`; a zip's own word for the size is not believed."""
    pieces, size = [], 0
    while piece := file.read(65536):
        pieces.append(piece)
        size += len(piece)
        if size > MOST:
            raise Refused(_TOO_LARGE)
    return b"".join(pieces)

"""The folder of a product: made anew in one stroke, and never over files that are not ours."""

import contextlib
import shutil
import tempfile
from pathlib import Path

MARK = ".made_by_xmatch_edu"  # a folder with this file may be replaced


class NotOurs(Exception):
    """The folder holds files of somebody else; the message says which folder and the way out."""


@contextlib.contextmanager
def fresh(folder):
    """An empty folder to fill; when all went well it takes the place of `folder`, otherwise the old one stays.

    Errors: NotOurs where `folder` is no folder, or holds anything that this function did not put there.
    """
    folder = Path(folder).resolve()
    if folder.exists() and not folder.is_dir():
        raise NotOurs(f"{folder} is a file. Choose a folder.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise NotOurs(f"{folder} holds other files, which would be lost. Choose a new or an empty folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield half
        half.chmod(0o755)  # a temporary folder is its owner's alone
        (half / MARK).write_text("Made anew at each run: keep nothing of your own here.\n", "utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        half.rename(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)

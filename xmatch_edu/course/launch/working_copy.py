"""The learner's own copies of the notebooks. What a learner has changed is never overwritten."""
import hashlib
import json

from xmatch_edu._files import write

RECORD = ".xmatch_edu.json"  # {notebook: fingerprint of the course's version that this folder was last given}
ORIGIN = "xmatch_edu_made_from"  # in a handed-out notebook's metadata: the fingerprint of the chapter it was made from


def lay_down(chapters, folder):
    """Bring the notebooks of `chapters` to `folder`; returns what there is to say about it, as sentences.

    An untouched copy is refreshed. Where the course's chapter is newer and the copy was changed, the newer one
    is laid beside it, once. Without a readable record, a copy that differs counts as changed. A handed-out notebook
    says itself which chapter it was made from: with that one beside it, its solutions would be handed out too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given, words = read_record(folder / RECORD), []
    for chapter in sorted(chapters.glob("*.ipynb")):
        course, copy = chapter.read_bytes(), folder / chapter.name
        newest, known = fingerprint(course), (given.get(chapter.name), origin(copy))
        here = fingerprint(copy.read_bytes()) if copy.exists() else None
        if here is None:
            write(copy, course)
        elif newest not in known and here in known:
            write(copy, course)
            words.append(f"{copy.name}: refreshed, the course's chapter is newer and yours was unchanged.")
        elif newest not in known and here != newest:
            beside = folder / f"{chapter.stem}.newer-{newest[:8]}.ipynb"
            if not beside.exists():
                write(beside, course)
            words.append(f"{copy.name}: yours stays as you left it. The course's newer chapter: {beside.name}")
        given[chapter.name] = newest
    write(folder / RECORD, json.dumps(given, indent=1).encode())
    return words


def fingerprint(content):
    """What a copy says: its cells with their outputs. The rest is JupyterLab's, which notes the kernel's version when
    it merely opens a notebook; that is no change by the learner."""
    try:
        cells = [
            (cell["cell_type"], joined(cell["source"]), joined(cell.get("attachments")), joined(cell.get("outputs")))
            for cell in json.loads(content)["cells"]
        ]
        content = json.dumps(cells, sort_keys=True).encode()
    except (ValueError, KeyError, TypeError):
        pass  # not a notebook (any more): its bytes speak
    return hashlib.sha256(content).hexdigest()


def origin(copy):
    """The fingerprint of the chapter that a handed-out notebook was made from; None where it names none."""
    try:
        return json.loads(copy.read_bytes())["metadata"][ORIGIN]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def joined(part):
    """A part of a notebook, whichever way its texts are stored: as one string, or as a list of lines."""
    if isinstance(part, list) and all(isinstance(line, str) for line in part):
        return "".join(part).rstrip("\n")
    if isinstance(part, list):
        return [joined(item) for item in part]
    if isinstance(part, dict):
        return {name: joined(item) for name, item in part.items() if name not in ("metadata", "execution_count")}
    return part.rstrip("\n") if isinstance(part, str) else part


def read_record(path):
    """The record, or an empty one where it is lost or spoilt."""
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}

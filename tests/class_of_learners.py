"""A class made up for tests: learners whose files look like real ones, and hand-ins that mean harm.

`good`, `harmless` and `hostile` write into the folder and say what must be read of it. What could be run makes a file
`ran` in `outside` if it is. What is said of them stands in test_class_map.py.
"""

import bz2
import io
import json
import os
import pickle
import random
import struct
import warnings
import zipfile
import zlib
from collections import Counter

from xmatch_edu.course import exercises

FIRST = ["Aïcha", "Anna", "Björn", "Đorđe", "Gül", "Hồng", "Jürgen", "Kenji", "Léa", "Łukasz", "Søren", "Zoë"]
LAST = ["Abe", "Berg", "Costa", "Dąbrowska", "García", "Haddad", "Müller", "Nguyễn", "O'Neill", "Park"]
COURSE = [one for chapter in exercises.CHAPTERS for one in chapter.exercises]
RAN = "import pathlib; pathlib.Path({!r}).touch()"


def progress(**exercises):
    """The bytes of a progress file."""
    return json.dumps({"version": 1, "exercises": exercises}, indent=1, ensure_ascii=False).encode()


def entry(attempts=1, passed=False, **more):
    return {"attempts": attempts, "passed": passed, "misconceptions": {}, "last": "0f1e2d3c4b5a6978", **more}


def a_learner(chance):
    """Somebody who came so far, with a talent of their own: {exercise: entry}."""
    reached, talent, record = chance.randrange(len(COURSE)), chance.uniform(0.3, 0.9), {}
    for exercise in COURSE[:reached]:
        attempts, passed = chance.randint(1, 9), chance.random() < talent
        met = Counter(chance.choice(exercise.misconceptions).name for _ in range(attempts - passed))
        record[exercise.name] = entry(attempts, passed, misconceptions=met)
    return record


def good(folder, count, seed=5):
    """`count` learners, in each of the three forms -> {name: {exercise: entry}}."""
    chance = random.Random(seed)
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    records = {name: a_learner(chance) for name in chance.sample(names, count)}
    for number, (name, record) in enumerate(records.items()):
        if number % 3 == 0:
            (folder / f"{name}.json").write_bytes(progress(**record))
        elif number % 3 == 1:
            (folder / name).mkdir()
            (folder / name / "progress.json").write_bytes(progress(**record))
            for calm in ("progress.spoilt-1.json", ".progress.json.lock", "01_one_text_every_image.ipynb"):
                (folder / name / calm).write_bytes(b"{ not looked at")
        else:
            zipped(folder / f"{name}.zip", {"work/progress.json": progress(**record), "work/01.ipynb": b"{}",
                                            "__MACOSX/work/._progress.json": b"\0\5\26\7"})  # fmt: skip
    return records


def zipped(path, members, method=zipfile.ZIP_DEFLATED):
    """A zip of {name or ZipInfo: bytes}, in this order."""
    with zipfile.ZipFile(path, "w", method) as archive, warnings.catch_warnings(action="ignore"):  # of a name twice
        for name, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, content, method)
    return path


class _Runs:
    """Unpickled, it runs a command."""

    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        return exec, (self.code,)


def that_would_run(outside):
    """{name: bytes}: files that make `outside`/ran if anybody runs, imports, unpickles or executes them."""
    code = RAN.format(str(outside / "ran"))
    cell = {"cell_type": "code", "source": code, "metadata": {}, "outputs": [], "execution_count": None}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    python = ["sitecustomize.py", "conftest.py", "__init__.py", "__main__.py", "progress.py", "json.py"]
    return {
        **dict.fromkeys(python, code.encode()),
        "evil.pth": code.encode(),
        "progress.pkl": pickle.dumps(_Runs(code)),
        "01_one_text_every_image.ipynb": json.dumps(notebook).encode(),
    }


def harmless(folder, outside):
    """Odd hand-ins that can be read nevertheless -> {name as it is shown: how many strange names it holds}."""
    own = progress(labels_after=entry(4, misconceptions={"the columns' answer": 2}))
    many = {f"not of this course {n}": entry() for n in range(10_000)}
    marked = entry(2, misconceptions={"<script>alert(1)</script>": 1, "=1+1": 1, "either one will do": 1})
    half = b'{"version": 1, "exercises": {"\\ud800": %s}}' % json.dumps(entry()).encode()
    read = {
        "with a mark": (b"\xef\xbb\xbf" + own, 0),
        "strange": (progress(**{"<img src=x onerror=alert(2)>": entry(), "two_caption_loss": marked}), 3),
        "10,000 exercises": (progress(**many), 10_000),
        "half a letter": (half, 1),
        "nothing tried": (progress(), 0),
        "=HYPERLINK(1)": (own, 0),
        " -2+3": (own, 0),
        "@SUM(1);=1+1": (own, 0),
        "&amp; & co": (own, 0),
    }
    for name, (content, _) in read.items():
        (folder / f"{name}.json").write_bytes(content)
    (folder / "a runner").mkdir()
    for name, content in {**that_would_run(outside), "progress.json": own}.items():
        (folder / "a runner" / name).write_bytes(content)
    zipped(folder / "a zipped runner.ZIP", {**that_would_run(outside), "work/progress.json": own})
    zipped(folder / "leads out.zip", {f"{outside}/ran": b"", "../ran": b"", "..\\..\\progress.json": own})
    shown = {name: strange for name, (_, strange) in read.items()}
    shown |= dict.fromkeys(["a runner", "a zipped runner", "leads out"], 0)
    if os.name != "nt":  # Windows allows no such names
        (folder / "<script>document.title = 'ran'<∕script>.json").write_bytes(own)
        (folder / "\u202enosj.annA\n\x1b[31m\t.json").write_bytes(own)
        shown |= {"<script>document.title = 'ran'<∕script>": 0, "\\u202enosj.annA\\n\\x1b[31m\\t": 0}
    return shown


def hostile(folder, outside):
    """Hand-ins that mean harm, each of another kind -> {name in the folder: a piece of the reason}."""
    own, refused = progress(diagnose=entry(2, True)), {}
    noise = random.Random(3).randbytes(3000)
    whole = zipped(outside / "whole.zip", {"progress.json": noise}, zipfile.ZIP_STORED).read_bytes()
    files = {
        "empty.json": (b"", "It is empty"),
        "cut off.json": (own[:-9], "no JSON, or cut off: line"),
        "no utf-8.json": (own.replace(b"diagnose", b"diagn\xf6se"), "not text in UTF-8"),
        "deep lists.json": (b"[" * 900_000, "nested without end"),
        "large.json": (own + b" " * 2_000_000, "more than 2 MB"),
        "a list.json": (b"[1, 2]", "no progress file"),
        "no exercises.json": (b'{"version": 1}', "no progress file"),
        "another version.json": (b'{"version": 99, "exercises": {}}', "not of version 1"),
        "a true version.json": (b'{"version": true, "exercises": {}}', "not of version 1"),
        "twice.json": (b'{"version": 1, "exercises": {}, "exercises": {}}', "stands in it twice"),
        "digits.json": (b'{"version": ' + b"9" * 100_000 + b', "exercises": {}}', "a number that is no count"),
        "1e400.json": (own.replace(b'"attempts": 2', b'"attempts": 1e400'), "diagnose: attempts holds no whole"),
        "a word.json": (progress(**{"<b>x</b>": "solved"}), "an exercise that the course does not have: the entry"),
        "Doubled.json": (own, "bears the same name"),
        "doubled.zip": (own, "bears the same name"),
        "no zip.zip": (own, "damaged or locked"),
        "cut off at the end.zip": (whole[:-40], "damaged or locked"),
        "cut off at the front.zip": (whole[2000:], "damaged or locked"),
        "spoilt.zip": (whole.replace(whole[500:520], b"\0" * 20), "damaged or locked"),
        # what it says is little, what comes out is much; of bz2 zipfile would unpack all at once
        "zeros, denied.zip": (_a_zip_that_says(zipfile.ZIP_DEFLATED, zlib.compress(b" " * 20_000_000)[2:-4], own),
                              "damaged or locked"),
        "bz2, denied.zip": (_a_zip_that_says(zipfile.ZIP_BZIP2, bz2.compress(b" " * 60_000_000), b" " * 100),
                            "packed in an unusual way"),
    }  # fmt: skip
    for place, count in enumerate(["3", True, -1, 1_000_001, 1.5, float("nan")]):
        files[f"attempts {place}.json"] = (progress(diagnose=entry(count)), "diagnose: attempts holds no whole number")
    for reason, odd in [("passed is neither true", {"passed": 1}), ("has no misconceptions", {"misconceptions": ["a"]}),
                        ("misconceptions holds no whole", {"misconceptions": {"x": -1}})]:  # fmt: skip
        files[f"{reason}.json"] = (progress(diagnose=entry(**odd)), reason)
    for name, (content, reason) in files.items():
        refused[name] = reason
        (folder / name).write_bytes(content)
    for name, members, reason in [
        ("without.zip", {"work/01.ipynb": b"{}", "work.zip": whole}, "must hold one progress.json. It holds none"),
        ("two.zip", {"work/progress.json": own, "old/progress.json": own}, "must hold one progress.json. It holds 2"),
        ("one twice.zip", [("progress.json", own), ("progress.json", progress())], "It holds 2"),
        ("many zeros.zip", {"progress.json": b" " * 20_000_000}, "more than 2 MB"),
        ("words in it.zip", {"progress.json": b"/etc/passwd"}, "no JSON"),
    ]:
        refused[name] = reason
        zipped(folder / name, members)
    locked = bytearray(zipped(folder / "a password.zip", {"progress.json": own}).read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        locked[locked.index(mark) + place] |= 1
    (folder / "a password.zip").write_bytes(locked)
    with open(folder / "much.zip", "wb") as file:
        file.truncate(50_000_000)  # of nothing
    (folder / "a folder.json").mkdir()
    (folder / "nothing in it").mkdir()
    refused |= {"a password.zip": "damaged or locked", "much.zip": "more than 20 MB",
                "a folder.json": "no ordinary file", "nothing in it/progress.json": "no progress.json"}  # fmt: skip
    if os.name != "nt":
        for name in ("linked inside", "piped inside"):
            (folder / name).mkdir()
        secret = outside / "progress.json"
        secret.write_bytes(progress(newton=entry(1, True)))
        links = {"to outside.json": secret, "to itself.json": "to itself.json", "to nowhere": "nowhere",
                 "endless.json": "/dev/zero", "to a folder": outside, "linked inside/progress.json": secret}
        for name, to in links.items():
            (folder / name).symlink_to(to)
            refused[name if "." in name else f"{name}/progress.json"] = "links are not followed"
        for name in ("a pipe.json", "another pipe.zip", "piped inside/progress.json"):
            os.mkfifo(folder / name)
            refused[name] = "no ordinary file"
    return refused


def _a_zip_that_says(method, packed, unpacked):
    """The bytes of a zip whose list says that `packed`, packed by `method`, is `unpacked`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("progress.json", packed)
    content = bytearray(file.getvalue())
    for mark, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        start = content.rindex(mark)
        struct.pack_into("<H", content, start + at, method)
        struct.pack_into("<LLL", content, start + at + 6, zlib.crc32(unpacked), len(packed), len(unpacked))
    return bytes(content)

"""A class made up for tests: learners whose files look like real ones, and hand-ins that mean harm.

`good`, `harmless` and `hostile` write into the folder and say what must be read of it. What could be run makes a file
`ran` in `outside` if it is.
"""

import bz2
import io
import json
import os
import pickle
import random
import socket
import struct
import warnings
import zipfile
import zlib

from xmatch_edu.course import exercises

FIRST = ["Aïcha", "Anna", "Bilal", "Björn", "Chiara", "Đorđe", "Emre", "Fatima", "Gül", "Hồng", "Ifeoma", "Ingrid",
         "Jürgen", "Kenji", "Léa", "Łukasz", "Mei", "Noor", "Olga", "Pedro", "Ravi", "Søren", "Tomás", "Vera", "Zoë"]
LAST = ["Abe", "Berg", "Costa", "Dąbrowska", "Eze", "Fischer", "García", "Haddad", "Ito", "Jansen", "Kaya", "Li",
        "Müller", "Nguyễn", "O'Neill", "Park"]
COURSE = [one for chapter in exercises.CHAPTERS for one in chapter.EXERCISES]
RAN = "import pathlib; pathlib.Path({!r}).touch()"


def progress(**exercises):
    """The bytes of a progress file."""
    return json.dumps({"version": 1, "exercises": exercises}, indent=1, ensure_ascii=False).encode()


def entry(attempts=1, passed=False, **more):
    return {"attempts": attempts, "passed": passed, "misconceptions": {}, "last": "0f1e2d3c4b5a6978", **more}


def a_learner(chance):
    """Somebody who came so far, with a talent of their own: {exercise: entry}."""
    reached, talent = chance.betavariate(1.6, 1.4) * len(COURSE), chance.uniform(0.3, 0.9)
    record = {}
    for place, exercise in enumerate(COURSE):
        if place > reached or chance.random() < 0.06:
            continue
        ease = talent * (0.6 + 0.4 * random.Random(place).random())
        attempts, passed, met = 0, False, {}
        while not passed and attempts < 9 and chance.random() > 0.04:
            attempts, passed = attempts + 1, chance.random() < ease
            if not passed and chance.random() < 0.7:
                usual = min(int(chance.expovariate(0.5)), len(exercise.misconceptions) - 1)
                idea = exercise.misconceptions[usual].name
                met[idea] = met.get(idea, 0) + 1
        if attempts:
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
    read = {
        "with a mark": (b"\xef\xbb\xbf" + own, 0),
        "strange": (progress(**{"<img src=x onerror=alert(2)>": entry(), "two_caption_loss": marked}), 3),
        "10,000 exercises": (progress(**many), 10_000),
        "half a letter": (b'{"version": 1, "exercises": {"\\ud800": %s}}' % json.dumps(entry()).encode(), 1),
        "nothing tried": (progress(), 0),
        "=HYPERLINK(1)": (own, 0),
        "-2+3": (own, 0),
        "@SUM(1);=1+1": (own, 0),
        "&amp; & co": (own, 0),
        "'quoted' name": (own, 0),
    }
    for name, (content, _) in read.items():
        (folder / f"{name}.json").write_bytes(content)
    (folder / "a runner").mkdir()
    for name, content in {**that_would_run(outside), "progress.json": own}.items():
        (folder / "a runner" / name).write_bytes(content)
    zipped(folder / "a zipped runner.zip", {**that_would_run(outside), "work/progress.json": own})
    shown = {name: strange for name, (_, strange) in read.items()} | {"a runner": 0, "a zipped runner": 0}
    if os.name != "nt":  # Windows allows no such names
        (folder / "<script>document.title = 'ran'<∕script>.json").write_bytes(own)
        (folder / "\u202enosj.annA\n\x1b[31m\t.json").write_bytes(own)
        shown |= {"<script>document.title = 'ran'<∕script>": 0, "\\u202enosj.annA\\n\\x1b[31m\\t": 0}
    if os.name != "nt" and os.fsencode("ü") == b"\xc3\xbc" and _takes(os.fsencode(folder) + b"/\xff\xfe.json"):
        with open(os.fsencode(folder) + b"/\xff\xfe.json", "wb") as file:
            file.write(own)
        shown["\\udcff\\udcfe"] = 0
    return shown


def _takes(path):
    """Some file systems want names in UTF-8."""
    try:
        open(path, "wb").close()
    except OSError:
        return False
    return True


def hostile(folder, outside):
    """Hand-ins that mean harm, each of another kind -> {name in the folder: a piece of the reason}."""
    refused = {}

    def put(name, content, reason):
        refused[name] = reason
        (folder / name).write_bytes(content)

    def pack(name, members, reason, method=zipfile.ZIP_DEFLATED):
        refused[name] = reason
        return zipped(folder / name, members, method)

    def odd(name, reason, **fields):
        put(name, progress(diagnose=entry(**fields)), reason)

    own = progress(diagnose=entry(2, True))
    put("empty.json", b"", "It is empty")
    put("cut off.json", own[:-9], "no JSON, or cut off: line")
    put("no utf-8.json", own.replace(b"diagnose", b"diagn\xf6se"), "not text in UTF-8")
    put("utf-16.json", own.decode().encode("utf-16"), "not text in UTF-8")
    put("deep lists.json", b"[" * 900_000, "nested without end")
    put("deep names.json", b'{"a":' * 300_000, "nested without end")
    put("large.json", own + b" " * 2_000_000, "larger than 2 MB")
    put("a list.json", b"[1, 2]", "no progress file")
    put("no exercises.json", b'{"version": 1}', "no progress file")
    put("another version.json", b'{"version": 99, "exercises": {}}', "not of version 1")
    put("a true version.json", b'{"version": true, "exercises": {}}', "not of version 1")
    put("twice.json", b'{"version": 1, "exercises": {}, "exercises": {}}', "stands in it twice")
    put("digits.json", b'{"version": ' + b"9" * 100_000 + b', "exercises": {}}', "a number that is no count")
    put("a picture.json", b"\x89PNG\r\n\x1a\n\0\0", "not text in UTF-8")
    odd("attempts in words.json", "diagnose: attempts holds no whole number", attempts="3")
    odd("attempts true.json", "diagnose: attempts holds no whole number", attempts=True)
    odd("attempts below 0.json", "diagnose: attempts holds no whole number", attempts=-1)
    odd("attempts huge.json", "diagnose: attempts holds no whole number", attempts=10**4000)
    odd("attempts a bit more.json", "diagnose: attempts holds no whole number", attempts=1_000_001)
    odd("attempts half.json", "diagnose: attempts holds no whole number", attempts=1.5)
    odd("attempts no number.json", "diagnose: attempts holds no whole number", attempts=float("nan"))
    put("attempts 1e400.json", own.replace(b'"attempts": 2', b'"attempts": 1e400'), "diagnose: attempts holds no whole")
    odd("passed 1.json", "diagnose: passed is neither true nor false", passed=1)
    odd("ideas a list.json", "diagnose: the entry has no misconceptions", misconceptions=["a", "b"])
    odd("ideas below 0.json", "diagnose: misconceptions holds no whole number", misconceptions={"x": -1})
    put("entry a word.json", progress(**{"<b>x</b>": "solved"}), "an exercise that the course does not have: the entry")
    (folder / "a folder.json").mkdir()
    refused["a folder.json"] = "no ordinary file"
    (folder / "nothing in it").mkdir()
    refused["nothing in it/progress.json"] = "There is no progress.json"
    for name in ("Doubled.json", "doubled.zip"):  # for the same person, twice
        put(name, own, "bears the same name")

    put("no zip.zip", own, "no zip, or a damaged one")
    noise = random.Random(3).randbytes(3000)
    whole = zipped(outside / "whole.zip", {"progress.json": noise}, zipfile.ZIP_STORED).read_bytes()
    put("cut off at the end.zip", whole[:-40], "no zip, or a damaged one")
    put("cut off at the front.zip", whole[2000:], "no zip, or a damaged one")
    put("spoilt.zip", whole.replace(whole[500:520], b"\0" * 20), "no zip, or a damaged one")
    pack("without.zip", {"work/01.ipynb": b"{}"}, "holds no progress.json")
    pack("a zip in a zip.zip", {"work.zip": whole}, "holds no progress.json")
    pack("two.zip", {"work/progress.json": own, "old/progress.json": own}, "2 files named progress.json")
    pack("one twice.zip", [("progress.json", own), ("progress.json", progress())], "2 files named progress.json")
    pack("up.zip", {"../progress.json": own}, "path that leads out")
    pack("up elsewhere.zip", {"progress.json": own, "work/../../../.bashrc": b"x"}, "path that leads out")
    pack("up by backslash.zip", {"..\\..\\progress.json": own}, "path that leads out")
    pack("absolute.zip", {f"{outside}/ran": b"", "progress.json": own}, "path that leads out")
    pack("a drive.zip", {"C:\\progress.json": own}, "path that leads out")
    pack("a drive alone.zip", {"progress.json": own, "C:x": b""}, "path that leads out")
    pack("a device.zip", {"work/CON.x/progress.json": own}, "the name of a device")
    link = zipfile.ZipInfo("progress.json")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    pack("a link in it.zip", {link: b"/etc/passwd"}, "in the zip is no ordinary file")
    pack("many zeros.zip", {"progress.json": b" " * 20_000_000}, "larger than 2 MB")
    pack("stored zeros.zip", {"progress.json": b" " * 2_000_001}, "larger than 2 MB", zipfile.ZIP_STORED)
    raw = zlib.compressobj(wbits=-15)
    bomb = raw.compress(b" " * 20_000_000) + raw.flush()
    put("many zeros, denied.zip", _a_zip_that_says(zipfile.ZIP_DEFLATED, bomb, own), "no zip, or a damaged one")
    pack("bz2.zip", {"progress.json": b" " * 10_000_000}, "packed in an unusual way", zipfile.ZIP_BZIP2)
    # zipfile would unpack all of it at once
    bomb = _a_zip_that_says(zipfile.ZIP_BZIP2, bz2.compress(b" " * 60_000_000), b" " * 100)
    put("bz2, denied.zip", bomb, "packed in an unusual way")
    raw = zlib.compressobj(wbits=-15)
    slow = b"\0\0\0\xff\xff" * 700_000 + raw.compress(own) + raw.flush()  # blocks of nothing, and then a little
    put("much for little.zip", _a_zip_that_says(zipfile.ZIP_DEFLATED, slow, own), "larger than 2 MB")
    pack("lzma.zip", {"progress.json": own}, "packed in an unusual way", zipfile.ZIP_LZMA)
    locked = pack("a password.zip", {"progress.json": own}, "wants a password")
    locked.write_bytes(_flagged(locked.read_bytes(), 0x1))
    patch = pack("a patch.zip", {"progress.json": own}, "packed in an unusual way")
    patch.write_bytes(_flagged(patch.read_bytes(), 0x20))
    pack("long list.zip", {f"{n}{'x' * 900}": b"" for n in range(5000)}, "list of contents is too long")
    pack("words in it.zip", {"progress.json": b"no JSON"}, "no JSON")

    if os.name != "nt":
        (outside / "secret.json").write_bytes(progress(newton=entry(1, True)))
        (folder / "to outside.json").symlink_to(outside / "secret.json")
        (folder / "to itself.json").symlink_to("to itself.json")
        (folder / "to nowhere.zip").symlink_to("nowhere")
        (folder / "to a folder").symlink_to(outside)
        (folder / "linked inside").mkdir()
        (folder / "linked inside" / "progress.json").symlink_to(outside / "secret.json")
        (folder / "endless.json").symlink_to("/dev/zero")
        refused |= dict.fromkeys(["to outside.json", "to itself.json", "to nowhere.zip", "to a folder", "endless.json",
                                  "linked inside/progress.json"], "links are not followed")  # fmt: skip
        os.mkfifo(folder / "a pipe.json")
        os.mkfifo(folder / "another pipe.zip")
        (folder / "piped inside").mkdir()
        os.mkfifo(folder / "piped inside" / "progress.json")
        refused |= {"a pipe.json": "no ordinary file", "another pipe.zip": "no ordinary file",
                    "piped inside/progress.json": "no ordinary file"}  # fmt: skip
    if os.path.exists("/proc/self/fd"):  # a socket's own path must be short
        place = os.open(folder, os.O_RDONLY)
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(f"/proc/self/fd/{place}/a socket.json")
        os.close(place)
        refused["a socket.json"] = "no ordinary file"
    return refused


def _flagged(content, bit):
    """One more bit in the flags of the one file of a zip, in both places."""
    content = bytearray(content)
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + place] |= bit
    return bytes(content)


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

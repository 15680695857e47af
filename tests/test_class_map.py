"""The map of a class: what the files say and no more, whatever is in them. Nothing of a learner's is run."""

import ast
import contextlib
import csv
import io
import json
import os
import re
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import class_of_learners
import pytest
import test_browser
from class_of_learners import COURSE, entry, progress, zipped
from hypothesis import given
from hypothesis import strategies as st

from xmatch_edu import check
from xmatch_edu.check.progress import note
from xmatch_edu.check.result import WRONG, Result
from xmatch_edu.course import exercises
from xmatch_edu.course.class_map import command, drawing, figures, hand_ins, names, reading, tables

browser, page = test_browser.browser, test_browser.page
ROOT = Path(__file__).parent.parent
FILES = ("class_map.html", "class_map.csv", "misconceptions.csv")


def start(*words, cwd):
    """The command as it is given, in another process. It must end by itself: a pipe may not keep it waiting."""
    call = [sys.executable, "-m", "xmatch_edu.course.class_map", *map(str, words)]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(call, cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
                          env={**os.environ, "PYTHONPATH": path})  # fmt: skip


def everything(folder):
    """{path: what would change if somebody touched it} of all that is in a folder, links not followed."""
    seen = {}
    for place, folders, files in os.walk(os.fsencode(folder)):
        for name in folders + files:
            now = os.lstat(os.path.join(place, name))
            whole = now.st_size, now.st_mtime_ns, now.st_mode
            seen[os.path.join(place, name)] = whole if not stat.S_ISDIR(now.st_mode) else now.st_mode
    return seen


class Tables(HTMLParser):
    """The tables of a page, as [[the text of each cell]], and all tags and attributes that it holds."""

    def __init__(self, text):
        super().__init__()
        self.found, self.tags, self.attributes, self.cell = [], set(), set(), None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        if tag == "table":
            self.found.append([])
        elif tag == "tr":
            self.found[-1].append([])
        elif tag in ("td", "th"):
            self.cell = []

    def handle_data(self, data):
        if self.cell is not None:
            self.cell.append(data)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.found[-1][-1].append("".join(self.cell))
            self.cell = None


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


class Made:
    """A class of 110 with every odd and hostile hand-in among them, and what the command made of it."""

    def __init__(self, base):
        self.folder, self.outside, self.out = base / "folder", base / "outside", base / "here" / "class-map"
        for one in (self.folder, self.outside, base / "here"):
            one.mkdir()
        self.records = class_of_learners.good(self.folder, 110)
        self.harmless = class_of_learners.harmless(self.folder, self.outside)
        self.refused = class_of_learners.hostile(self.folder, self.outside)
        (self.folder / "list of the class.txt").write_bytes(b"x")
        (self.folder / "progress.spoilt-1.json").write_bytes(b"{")
        before = everything(base)
        self.ran = start(self.folder, cwd=base / "here")
        after = everything(base)
        inside = os.fsencode(self.out)
        self.touched = {path for path in before.keys() | after.keys()
                        if before.get(path) != after.get(path) and not path.startswith(inside)}  # fmt: skip
        self.html = (self.out / FILES[0]).read_text("utf-8")
        self.tables = Tables(self.html).found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("class"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty class folder beside the place where the command is given."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "folder"


# --- a class, and those who mean harm --------------------------------------------------------------------------------


def test_all_are_read_or_refused_each_with_its_own_reason(made):
    assert (made.ran.returncode, made.ran.stderr) == (0, "")
    read, refused = len(made.records) + len(made.harmless), len(made.refused)
    assert made.ran.stdout.splitlines() == [
        f"Read: {read}. Could not be read: {refused}, each with its reason on the page.",
        str(made.out / "class_map.html"),
    ]
    said = dict(made.tables[-1][1:])
    assert made.tables[-1][0] == ["file", "reason"] and said.keys() == made.refused.keys()
    assert list(said) == sorted(said, key=names.key)
    assert {name: said[name] for name, reason in made.refused.items() if reason not in said[name]} == {}
    assert "no hand-in: <bdi>list of the class.txt</bdi>, <bdi>progress.spoilt-1.json</bdi>." in made.html


def test_nothing_ran_and_nothing_was_touched_outside_the_map(made):
    assert not (made.outside / "ran").exists() and made.touched == set()
    assert {path.name for path in made.out.iterdir()} == {*FILES, ".made_by_xmatch_edu"}
    for name, content in class_of_learners.that_would_run(made.outside).items():  # otherwise this would prove nothing
        if name.endswith(".pkl"):
            class_of_learners.pickle.loads(content)
        else:
            exec(json.loads(content)["cells"][0]["source"] if name.endswith(".ipynb") else content.decode(), {})
        (made.outside / "ran").unlink()


def test_the_table_says_what_the_files_say(made):
    rows = rows_of(made.out / "class_map.csv")
    seen = {(row["learner"], row["exercise"]): row for row in rows}
    assert len(seen) == len(rows) == (len(made.records) + len(made.harmless)) * len(COURSE)
    for name, record in made.records.items():
        for exercise in COURSE:
            one, row = record.get(exercise.name, entry(0)), seen[name, exercise.name]
            outcome = "solved" if one["passed"] else "tried" if one["attempts"] else "not yet"
            met = "; ".join(f"{idea} ({count})" for idea, count in one["misconceptions"].items())
            assert (row["outcome"], row["attempts"], row["misconceptions"]) == (outcome, str(one["attempts"]), met)
            assert row["chapter"] == next(one.title for one in exercises.CHAPTERS if exercise in one.exercises)


def is_stuck(row):
    return row["outcome"] == "tried" and int(row["attempts"]) >= 3


def test_the_page_says_what_the_table_says_and_sums_the_columns(made):
    rows = rows_of(made.out / "class_map.csv")
    head, names_, *learners, solved, tried, stuck = made.tables[0]
    assert head == ["learner", "solved", *(chapter.title for chapter in exercises.CHAPTERS)]
    assert names_ == [one.name for one in COURSE]
    for at, (name, count, *cells) in enumerate(learners):
        own = rows[at * len(COURSE) : (at + 1) * len(COURSE)]
        assert {row["learner"].removeprefix("'") for row in own} == {name} and count == str(cells.count("solved"))
        assert cells == [f"tried {row['attempts']} time{'s' * (row['attempts'] != '1')}" if row["outcome"] == "tried"
                         else row["outcome"] for row in own]  # fmt: skip
    for (_, total, *sums), counts in ((solved, lambda row: row["outcome"] == "solved"),
                                      (tried, lambda row: row["outcome"] == "tried"), (stuck, is_stuck)):  # fmt: skip
        assert list(map(int, sums)) == [sum(map(counts, rows[at :: len(COURSE)])) for at in range(len(COURSE))]
        assert total.replace(",", "") == str(sum(map(int, sums)))
    listed = made.tables[-2][1:]
    expected = [[row["attempts"], row["learner"].removeprefix("'"), row["exercise"] + row["chapter"]]
                for row in rows if is_stuck(row)]  # fmt: skip
    assert sorted(one[:3] for one in listed) == sorted(expected) != []
    assert [int(one[0]) for one in listed] == sorted((int(one[0]) for one in listed), reverse=True)


def test_the_misconceptions_met_most_come_first_with_what_the_check_says(made):
    count = {}
    for row in rows_of(made.out / "class_map.csv"):
        for idea, times in re.findall(r"(.+?) \((\d+)\)(?:; |$)", row["misconceptions"]):
            learners, all_times = count.get((row["exercise"], idea), (0, 0))
            count[row["exercise"], idea] = learners + 1, all_times + int(times)
    rows = rows_of(made.out / "misconceptions.csv")
    found = {(row["exercise"], row["misconception"]): (int(row["learners"]), int(row["times"])) for row in rows}
    assert found == count and len(found) == len(rows) > 200
    assert list(found.values()) == sorted(found.values(), reverse=True)
    says = {(exercise.name, idea.name): idea.says for exercise in COURSE for idea in exercise.misconceptions}
    assert all(row["what the check says"] == says[row["exercise"], row["misconception"]] for row in rows)
    first = [row[2:] for row in made.tables[1][1:]]
    by_chapter = [row[2:] for table in made.tables[2:-2] for row in table[1:]]
    lines = [[row["exercise"] + row["chapter"], row["misconception"], row["what the check says"]] for row in rows]
    course = [one.name + chapter.title for chapter in exercises.CHAPTERS for one in chapter.exercises]
    assert first == lines[:12] and by_chapter == sorted(lines, key=lambda line: course.index(line[0]))


def test_nothing_that_was_handed_in_becomes_markup_or_a_formula_or_turns_a_line_around(made):
    page = Tables(made.html)
    assert not page.tags & {"script", "img", "svg", "iframe", "object", "embed", "link", "form", "base"}
    assert not [name for name in page.attributes if name.startswith("on") or name in ("src", "srcdoc", "action")]
    assert re.findall(r'href="([^#][^"]*)"', made.html) == [] and "url(" not in made.html
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'\"" in made.html
    assert made.harmless.keys() <= {row[0] for row in made.tables[0]}
    for name, strange in made.harmless.items():  # counted, and never shown
        assert (f"<li><bdi>{drawing.tag('i', name).text}</bdi>: {strange:,}</li>" in made.html) == bool(strange)
    for one in FILES:
        text = (made.out / one).read_bytes().decode("utf-8-sig")
        assert [letter for letter in set(text) if not letter.isprintable() and letter not in "\r\n"] == []
        assert "not of this course" not in text and "alert" not in text
    for one in FILES[1:]:
        whole = (made.out / one).read_bytes()
        assert whole.startswith(b"\xef\xbb\xbf")
        for delimiter in (",", ";", "\t"):  # wherever the spreadsheet parts
            for row in csv.reader(io.StringIO(whole.decode("utf-8-sig"), newline=""), delimiter=delimiter):
                assert not [cell for cell in row if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "＝"))]
    learners = {row["learner"] for row in rows_of(made.out / "class_map.csv")}
    assert {"'=HYPERLINK(1)", "' -2+3", "'@SUM(1);=1+1"} <= learners


def test_a_second_run_gives_the_same_bytes_in_place_of_the_first(made, capsys):
    first = [(made.out / one).read_bytes() for one in FILES]
    command.run([str(made.folder), "--out", str(made.out)])
    assert capsys.readouterr().out == made.ran.stdout
    assert [(made.out / one).read_bytes() for one in FILES] == first


def test_no_hand_in_takes_much_memory(made):
    """What is refused for its size is refused before it is there: zeros, a large zip, depth without end."""
    tracemalloc.start()
    try:
        for one in sorted(made.refused):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            with contextlib.suppress(Exception):
                reading.parse("x", hand_ins.read(made.folder / one))
            assert tracemalloc.get_traced_memory()[1] - before < 25_000_000, one
    finally:
        tracemalloc.stop()


# --- pseudonyms ------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_names(folder):
    """A class in which every name that the output could betray is an odd word."""
    records = class_of_learners.good(folder, 20)
    (folder / "Mallory Quux.zip").write_bytes(b"no zip")
    (folder / "Mallory Frob.json").write_bytes(progress(**{"Peggy Blarg": "x"}))
    for name in ("Trent Xyzzy.json", "trent xyzzy.zip"):
        (folder / name).write_bytes(b"")
    (folder / "Wendy Plugh").mkdir()
    (folder / "essay of Victor Waldo.txt").write_bytes(b"x")
    strange = entry(misconceptions={"Peggy Blarg": 1})
    (folder / "Oscar Fnord.json").write_bytes(progress(labels_after=strange, **{"Peggy Blarg": entry()}))
    people = [*records, "Mallory Quux", "Mallory Frob", "Trent Xyzzy", "Wendy Plugh", "Oscar Fnord"]
    return folder, people


def test_with_pseudonyms_no_name_is_anywhere(with_names, tmp_path, capsys):
    folder, people = with_names
    command.run([str(folder), "--pseudonyms", "--out", str(tmp_path / "out")])
    words = {word for name in [*people, "Peggy Blarg", "Victor Waldo"] for word in name.casefold().split()} | {"essay"}
    written = {one: (tmp_path / "out" / one).read_text("utf-8-sig") for one in FILES}
    assert "Names are replaced by numbers" in written["class_map.html"]
    assert "because it is no hand-in: 1 file." in written["class_map.html"]
    for text in [*written.values(), *capsys.readouterr()]:
        assert words & set(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.casefold())) - {"li"} == set()
        assert str(folder) not in text
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*FILES, ".made_by_xmatch_edu"}
    shown = Tables(written["class_map.html"]).found
    numbers = [row[0] for row in shown[0][2:-3]]
    failed = [row[0] for row in shown[-1][1:]]
    assert sorted({*numbers, *failed}) == [f"learner {n:02}" for n in range(1, 26)] and len(failed) == 5
    assert numbers == sorted(numbers) and failed == sorted(failed)


def test_pseudonyms_are_dealt_anew_and_say_nothing_of_the_order(with_names):
    folder, _ = with_names
    found = reading.read(folder)
    hidden = [names.hide(found) for _ in range(3)]
    dealt = [{str(one.tries): one.name for one in each.learners} for each in hidden]
    assert dealt[0].keys() == {str(one.tries) for one in found.learners}, "the same rows"
    in_order = [[one[str(learner.tries)] for learner in found.learners] for one in dealt]
    assert len({tuple(one) for one in in_order}) == 3 and all(one != sorted(one) for one in in_order)
    twice = [one.name for one in hidden[0].refused if "same name" in one.reason]
    assert len(twice) == 2 and twice[0] == twice[1], "one person, one number"


# --- what a small folder shows ---------------------------------------------------------------------------------------


def test_the_course_s_own_file_is_understood(folder, monkeypatch):
    """Written by the course itself, with an idea that stands in no exercise's list: only a last look finds it."""
    (folder / "Anna").mkdir()
    monkeypatch.chdir(folder / "Anna")
    for name, idea in [("labels_after", "the columns' answer"), ("running_log_sum_exp", "the pieces are kept")]:
        assert note(getattr(check, name), len, Result(name, WRONG, misconception=idea)) == []
    record = json.loads((folder / "Anna" / "progress.json").read_text("utf-8"))["exercises"]
    found = reading.read(folder)
    assert found.refused == found.aside == [] and [one.name for one in found.learners] == ["Anna"]
    assert found.learners[0].strange == 0
    assert {name: one.met for name, one in found.learners[0].tries.items()} == {
        name: one["misconceptions"] for name, one in record.items()}  # fmt: skip
    assert {(one.exercise, one.idea, bool(one.says)) for one in figures.met(found.learners)} == {
        ("labels_after", "the columns' answer", True),
        ("running_log_sum_exp", "the pieces are kept", True),
    }


def test_every_idea_of_the_course_is_known():
    """Wherever a chapter keeps it, the map knows what the check says; otherwise it would count it as a strange name."""
    for chapter in exercises.CHAPTERS:
        known = {idea for exercise in chapter.exercises for idea in reading.SAYS[exercise.name]}
        for file in Path(exercises.__file__).parent.rglob("*.py"):
            if f"chapter_{chapter.title[:2]}" not in str(file):
                continue
            calls = [node for node in ast.walk(ast.parse(file.read_text("utf-8")))
                     if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Misconception"]  # fmt: skip
            written = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
            assert written <= known, file


def test_stuck_means_three_attempts_and_not_solved(folder):
    (folder / "A.json").write_bytes(progress(newton=entry(2), diagnose=entry(3), unit_half=entry(3, True)))
    (folder / "B.json").write_bytes(progress(newton=entry(7), diagnose=entry(0)))
    found = reading.read(folder).learners
    rows = [(learner.name, exercise, one.attempts) for learner, _, exercise, one in figures.stuck(found)]
    assert rows == [("B", "newton", 7), ("A", "diagnose", 3)]
    assert figures.column(found, "newton") == (0, 2, 1) and figures.column(found, "diagnose") == (0, 1, 1)
    assert figures.column(found, "unit_half") == (1, 0, 0)


def test_a_class_without_trouble_is_told_so(folder):
    (folder / "A.json").write_bytes(progress())
    text = drawing.page(reading.read(folder))
    for words in ("No misconception was met.", "Nobody is.", "Every hand-in could be read.",
                  f"1 learner, {len(COURSE)} exercises"):  # fmt: skip
        assert words in text
    assert "Left aside" not in text and "Read, but" not in text


def test_an_earlier_map_and_hidden_files_are_nobody(folder):
    (folder / "Anna.json").write_bytes(progress())
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / ".hidden.json").write_bytes(b"x")
    for _ in range(2):
        command.run([str(folder), "--out", str(folder / "map")])
    found = reading.read(folder)
    assert [one.name for one in found.learners] == ["Anna"] and found.refused == []
    assert found.aside == [".DS_Store", ".hidden.json", "map"]


def test_accents_in_either_spelling_are_one_name(folder):
    (folder / "Zoe\u0308.json").write_bytes(progress())
    (folder / "ZO\u00cb.zip").write_bytes(b"")
    (folder / "Zoe.json").write_bytes(progress())
    found = reading.read(folder)
    assert [one.name for one in found.learners] == ["Zoe"] and len(found.refused) == 2


def test_a_file_that_cannot_be_read_harms_no_other(folder, monkeypatch):
    for name in "ABC":
        (folder / f"{name}.json").write_bytes(progress())
    monkeypatch.setattr(hand_ins, "read", lambda path: {}["x"] if path.stem == "B" else path.read_bytes())
    found = reading.read(folder)
    assert [one.name for one in found.learners] == ["A", "C"]
    assert [(one.shown, one.reason) for one in found.refused] == [
        ("B.json", "It could not be read: it is damaged or locked (KeyError).")]  # fmt: skip


# --- any bytes at all ------------------------------------------------------------------------------------------------


@given(st.data())
def test_a_hand_in_with_any_byte_changed_is_read_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "changed"
    folder.mkdir(exist_ok=True)
    own = progress(newton=entry(misconceptions={"x": 1}))
    (folder / "A.json").write_bytes(own)
    zipped(folder / "B.zip", {"work/progress.json": own, "work/01.ipynb": b"{}"},
           data.draw(st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])))  # fmt: skip
    for path in (folder / "A.json", folder / "B.zip"):
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.sampled_from([None, len(content) // 2, len(content) - 30]))])
    found = reading.read(folder)
    assert len(found.learners) + len(found.refused) == 2 and all(one.reason.endswith(".") for one in found.refused)
    drawing.page(found)


@given(st.text(min_size=1))
def test_any_name_can_be_shown(tmp_path_factory, name):
    shown = names.readable(name)
    assert all(letter.isprintable() or letter in "\u200c\u200d" for letter in shown)
    one = reading.Learner(shown, {}, strange=1)
    text = drawing.page(reading.Class([one], [reading.NotRead(shown, shown, "It is empty.")], [shown]))
    assert Tables(text).found[0][2][0] == shown
    folder = tmp_path_factory.getbasetemp()
    tables.write(folder, reading.Class([one], [], []))
    assert rows_of(folder / "class_map.csv")[0]["learner"].removeprefix("'") == shown.removeprefix("'")


# --- where it cannot be done -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "sentence"), [
    (["../nowhere"], "is not there"),
    (["../file"], "is no folder"),
    (["../empty"], "holds no hand-in"),
    (["../folder", "--out", "../folder"], "holds other files"),
    (["../folder", "--out", "../folder/A.json"], "is a file. Choose a folder"),
])  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_sentence(folder, tmp_path, words, sentence, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "x.txt").touch()
    (folder / "A.json").write_bytes(progress())
    before = everything(tmp_path)
    with pytest.raises(SystemExit, match=f"^[^\n]*{sentence}[^\n]*$"):
        command.run(words)
    assert capsys.readouterr() == ("", "") and everything(tmp_path) == before


def test_started_among_the_hand_ins_it_runs_none_of_them(folder, tmp_path, monkeypatch):
    """Python looks for modules where it is started; a learner's folder may bear the name of one."""
    for name in ("argparse", "json", "zipfile", "numpy", "secrets"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(class_of_learners.RAN.format(str(tmp_path / "ran")), "utf-8")
        (folder / name / "progress.json").write_bytes(progress())
    ran = start(folder, cwd=folder)
    assert ran.returncode == 1 and "Start this from another folder" in ran.stderr
    monkeypatch.chdir(folder / "json")
    with pytest.raises(SystemExit, match="Start this from another folder"):
        command.run([str(folder)])
    assert start(folder, cwd=tmp_path / "here").returncode == 0 and not (tmp_path / "ran").exists()
    assert not list(folder.rglob("class-map"))


# --- in a browser ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_and_its_ears_are_content(page, made, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    page.goto((made.out / "class_map.html").as_uri())
    assert page.title() == "Class map"
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    # All kinds of cells stand in the first rows; with 11,000 of them axe would take half a minute.
    page.evaluate("document.querySelectorAll('tbody tr:nth-child(n + 25)').forEach(one => one.remove())")
    found = [one for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    ink, paper = page.evaluate("(style => [style.color, style.backgroundColor])(getComputedStyle(document.body))")
    light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ink, paper)]
    assert (light[0] < light[1]) == (scheme == "light")


@pytest.mark.slow
def test_the_map_fits_the_window_and_names_and_sums_stay_in_sight(page, made):
    page.goto((made.out / "class_map.html").as_uri())
    box = page.locator(".of-map").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 1280 and box["y"] + box["height"] <= 720
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280, "only the table scrolls sideways"
    corners = [f".matrix {one} >> nth={place}" for one, place in (
               ("thead th[scope=col]", 2), ("tfoot td", 0), ("tbody th", 0))]  # fmt: skip
    before = [page.locator(one).bounding_box() for one in corners]
    page.evaluate("document.querySelector('.of-map').scrollTo(40, 700)")
    after = [page.locator(one).bounding_box() for one in corners]
    for now, then, side in zip(after, before, "yyx", strict=True):
        assert now[side] == pytest.approx(then[side], abs=1)


@pytest.mark.slow
def test_the_outcomes_are_told_apart_without_colour(page, made):
    page.goto((made.out / "class_map.html").as_uri())
    sign = "kind => getComputedStyle(document.querySelector(`.matrix td.${kind}`), '::before').content"
    assert [page.evaluate(sign, kind) for kind in "stn"] == ['"✓"', "none", '"·"']
    line = "kind => getComputedStyle(document.querySelector(`.matrix td.${kind}`)).textDecorationLine"
    assert [page.evaluate(line, kind) for kind in ("t:not(.k)", "k")] == ["none", "underline"]

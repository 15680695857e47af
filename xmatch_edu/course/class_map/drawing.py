"""The page class_map.html: one file, without scripts and without requests.

It is built as a tree, so that no text can become markup, and a policy in its head forbids scripts all the same. Every
cell says its outcome in words, for ears and for copies; the style sheet draws the signs that eyes see.
"""

from pathlib import Path
from xml.etree import ElementTree

from xmatch_edu.check.progress import FILE
from xmatch_edu.course import exercises
from xmatch_edu.course.class_map import figures

_STYLE = Path(__file__).with_name("style.css").read_text("utf-8")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_FIRST = 12  # misconceptions shown at once
_CLASSES = {figures.SOLVED: "s", figures.TRIED: "t", figures.NOT_YET: "n"}


def tag(name, /, *inside, **attributes):
    """An element with texts and elements inside. `class_` is class; aria_label is aria-label."""
    element = ElementTree.Element(name, {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()})
    for part in inside:
        if not isinstance(part, str):
            element.append(part)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + part
        else:
            element.text = (element.text or "") + part
    return element


def page(found):
    """A `Class` -> the whole page, as text."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", "Class map"),
        tag("style", _STYLE),
    )
    met, stuck = figures.met(found.learners), figures.stuck(found.learners)
    main = tag("main", _top(found, met, stuck), _map(found), _ideas(met), _stuck(stuck), _files(found))
    whole = tag("html", head, tag("body", main), lang="en")
    return "<!DOCTYPE html>\n" + ElementTree.tostring(whole, encoding="unicode", method="html") + "\n"


def _top(found, met, stuck):
    learners, exercises = len(found.learners), len(figures.COURSE)
    solved = sum(one.solved for learner in found.learners for one in learner.tries.values())
    links = [
        ("map", f"{solved:,} of {learners * exercises:,} solved"),
        ("ideas", _many(len(met), "misconception")),
        ("stuck", f"{_many(len({learner.name for learner, *_ in stuck}), 'learner')} stuck"),
        ("files", f"{_many(len(found.refused), 'file')} not read"),
    ]
    names = ["Names are replaced by numbers, dealt anew in each run."] if found.hidden else []
    size = tag("p", f"{_many(learners, 'learner')}, {exercises} exercises. ", *names)
    nav = tag("nav", *(tag("a", words, href=f"#{to}") for to, words in links), aria_label="On this page")
    return tag("header", tag("h1", "Class map"), size, nav)


def _map(found):
    legend = [("s", "solved"), ("t", "tried this often, not solved"), ("n", "not yet"),
              ("t k", f"stuck: tried {figures.STUCK} times or more, not solved")]  # fmt: skip
    keys = [tag("span", tag("b", {"t": "2", "t k": "5"}.get(kind, ""), class_=kind, aria_hidden="true"), words)
            for kind, words in legend]  # fmt: skip
    return _section("map", "Who solved what", tag("p", *keys, class_="keys"), _scroll("map", _matrix(found.learners)))


def _matrix(learners):
    chapters = [chapter.exercises for chapter in exercises.CHAPTERS]
    names = [name for _, name in figures.COURSE]
    head = [
        tag("tr", tag("th", "learner", scope="col", rowspan="2"), tag("th", "solved", scope="col", rowspan="2"),
            *(tag("th", chapter.title, scope="colgroup", colspan=str(len(chapter.exercises)), class_="e")
              for chapter in exercises.CHAPTERS)),
        tag("tr", *(tag("th", tag("span", name), scope="col", **_look(name)) for name in names)),
    ]  # fmt: skip
    body = []
    for learner in learners:
        tries = [(name, figures.tries(learner, name)) for name in names]
        body.append(tag("tr", tag("th", tag("bdi", learner.name), scope="row", title=learner.name),
                        tag("td", str(sum(one.solved for _, one in tries))),
                        *(_cell(one, _look(name, _kind(one))) for name, one in tries)))  # fmt: skip
    columns = [(name, figures.column(learners, name)) for name in names]
    foot = [tag("tr", tag("th", words, scope="row"), tag("td", f"{sum(counts[row] for _, counts in columns):,}"),
                *(tag("td", str(counts[row]), **_look(name)) for name, counts in columns))
            for row, words in enumerate(("solved", "tried, not solved", "of these stuck"))]  # fmt: skip
    for cell, (_, counts) in zip(list(foot[0])[2:], columns, strict=True):
        cell.set("style", f"--share:{100 * counts[0] // max(1, len(learners))}%")  # a bar behind the number
    caption = tag("caption", "Every learner, a row each, and every exercise of the course, a column each, by chapter")
    groups = [tag("colgroup", span="2"), *(tag("colgroup", span=str(len(exercises))) for exercises in chapters)]
    parts = [tag("thead", *head), tag("tbody", *body), tag("tfoot", *foot)]
    return tag("table", caption, *groups, *parts, class_="matrix")


def _look(exercise, *kinds):
    """The classes of a cell; a chapter begins with an edge."""
    first = any(chapter.exercises[0].name == exercise for chapter in exercises.CHAPTERS)
    classes = " ".join([*kinds, *(["e"] if first else [])])
    return {"class_": classes} if classes else {}


def _kind(one):
    return _CLASSES[figures.outcome(one)] + (" k" if figures.is_stuck(one) else "")


def _cell(one, attributes):
    """The words are there for ears; of them eyes see the number of tries."""
    state = figures.outcome(one)
    if state != figures.TRIED:
        return tag("td", tag("i", state), **attributes)
    shown = str(one.attempts) if one.attempts < 100 else "99+"
    return tag("td", tag("i", "tried "), shown, tag("i", " times" if one.attempts > 1 else " time"), **attributes)


def _ideas(met):
    if not met:
        return _section("ideas", "What was misunderstood", tag("p", "No misconception was met."))
    parts = [_scroll("ideas", _ideas_table(met[:_FIRST], "The misconceptions that most learners met"))]
    for chapter in exercises.CHAPTERS:
        order = [one.name for one in chapter.exercises]
        rows = sorted((one for one in met if one.chapter == chapter.title), key=lambda one: order.index(one.exercise))
        if rows:
            words = f"{chapter.title}: {_many(len(rows), 'misconception')}"
            table = _ideas_table(rows, f"Met in {chapter.title}, by exercise")
            parts.append(tag("details", tag("summary", words), table))
    return _section("ideas", "What was misunderstood", *parts)


def _ideas_table(rows, caption):
    body = [tag("tr", tag("td", str(one.learners), class_="c"), tag("td", str(one.times), class_="c"),
                tag("td", tag("code", one.exercise), tag("small", one.chapter)),
                tag("th", one.idea, scope="row"), tag("td", one.says)) for one in rows]  # fmt: skip
    return _table(caption, ["learners", "times", "exercise", "misconception", "what the check says"], body)


def _stuck(rows):
    rule = f"Stuck means: {figures.STUCK} attempts or more at an exercise, and not solved."
    body = [tag("tr", tag("td", str(one.attempts), class_="c"), tag("th", tag("bdi", learner.name), scope="row"),
                tag("td", tag("code", exercise), tag("small", chapter)), tag("td", _met_by(one)))
            for learner, chapter, exercise, one in rows]  # fmt: skip
    head = ["attempts", "learner", "exercise", "misconceptions met"]
    table = _table("Who is stuck where, most attempts first", head, body)
    return _section("stuck", "Who is stuck where", tag("p", rule),
                    _scroll("stuck", table) if rows else tag("p", "Nobody is."))  # fmt: skip


def _met_by(one):
    return "; ".join(f"{idea} ({times})" if times > 1 else idea for idea, times in one.met.items()) or "none known"


def _files(found):
    parts = []
    if found.refused:
        body = [tag("tr", tag("th", tag("bdi", one.shown), scope="row"), tag("td", one.reason))
                for one in found.refused]  # fmt: skip
        parts.append(_scroll("files", _table("Hand-ins that could not be read", ["file", "reason"], body)))
    else:
        parts.append(tag("p", "Every hand-in could be read."))
    if strange := [learner for learner in found.learners if learner.strange]:
        each = [tag("li", tag("bdi", one.name), f": {one.strange:,}") for one in strange]
        parts += [tag("p", "Read, but with names of exercises or misconceptions that this course does not have:"),
                  tag("ul", *each)]  # fmt: skip
    if found.aside:
        shown = [] if found.hidden else [tag("bdi", one) for one in found.aside[:20]]
        more = len(found.aside) - len(shown)
        listed = [part for one in shown for part in (one, ", ")][:-1]
        rest = [f"{' and ' if shown else ''}{_many(more, 'more file' if shown else 'file')}"] if more else []
        parts.append(tag("p", "Left aside, because it is no hand-in: ", *listed, *rest, "."))
    parts.append(tag("p", f"The figures come from {FILE}, which each learner's machine writes and anyone can edit: "
                          "they show where help is wanted, and are nothing to give marks by. An attempt is one "
                          "version of an answer. The files hold no time and no code."))  # fmt: skip
    return _section("files", "The files", *parts)


def _section(name, title, *inside):
    return tag("section", tag("h2", title, id=f"{name}-title"), *inside, id=name, aria_labelledby=f"{name}-title")


def _scroll(name, inside):
    """A part that scrolls by itself: the Tab key reaches it, the arrow keys move it."""
    return tag("div", inside, class_=f"scroll of-{name}", role="region", tabindex="0", aria_labelledby=f"{name}-title")


def _table(caption, head, body):
    cells = [tag("th", words, scope="col") for words in head]
    return tag("table", tag("caption", caption), tag("thead", tag("tr", *cells)), tag("tbody", *body), class_="list")


def _many(count, what):
    return f"{count:,} {what}{'' if count == 1 else 's'}"

"""The package's docstrings as reStructuredText, for the API pages of the website.

They are plain text with a meaning in their lines: an argument, the result, the errors each begin one. A line that was
only full goes on; a line that ended early was meant to end.
"""

import itertools
import re

_FULL = 100  # letters after which the next word may have found no room
_CODE = re.compile(r"``[^`]+``|`[^`]+`")
_NAME, _SHAPE = r"[a-z_]\w*", r"\([A-Z0-9][\w, ·]*\)"
_BEGINS = re.compile(rf"->|[A-Z][a-z]+:|{_NAME}(?:, {_NAME})*(?=: )|{_NAME} {_SHAPE}(?:, {_NAME} {_SHAPE})*")
_GAP = re.compile(r"(?<=\S) {3,}(?=\S)")


def as_lines(app, what, name, obj, options, lines):
    """Sphinx's event autodoc-process-docstring: `lines`, the docstring, is changed in place."""
    text, made = "\n".join(lines).strip("\n"), []
    for paragraph in re.split(r"\n\s*\n", text) if text else ():
        rows = paragraph.split("\n")
        if len(rows) > 1 and all(_GAP.search(row) for row in rows):  # set in columns
            made += ["::", "", *(f"    {row}" for row in rows), ""]
            continue
        meant = _joined(rows)
        prose = len(meant) == 1 and not _BEGINS.match(meant[0])
        made += [("" if prose else "| ") + _escaped(line) for line in meant] + [""]
    lines[:] = made


def _joined(rows):
    """The lines that were meant: rows that were only full, with what follows them."""
    meant = [rows[0]]
    for before, row in itertools.pairwise(rows):
        early = len(before) + 1 + len(row.split()[0]) <= _FULL
        if not row.startswith(" ") and (early or _BEGINS.match(row)):  # what is set in goes on
            meant.append(row)
        else:
            meant[-1] += " " + row.strip()
    return meant


def _escaped(line):
    """Nothing in a docstring is markup but `code`, of which a name may be a link; and what a line begins with."""
    begins = _BEGINS.match(line)
    made = rf"**{_plain(begins[0])}**\ " if begins else ""
    at = len(begins[0]) if begins else 0
    for code in _CODE.finditer(line, at):
        made += _plain(line[at : code.start()]) + _code(code[0].strip("`"))
        at = code.end()
    return made + _plain(line[at:])


def _plain(words):
    return re.sub(r"([\\*_|`@])", r"\\\1", _GAP.sub("\N{EM SPACE}", words))


def _code(words):
    # The backslashes are nothing themselves: they end the markup where a letter follows at once.
    return rf"\ `{words}`\ " if re.fullmatch(r"[\w.]+", words) else rf"\ ``{words}``\ "

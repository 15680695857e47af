"""What every notebook of the course must be. Each rule takes (notebook, path) and returns its complaints.

`test_notebooks.py` holds each notebook against each rule, and shows for each rule a notebook that breaks it.
"""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import mistune
import nbformat

from tools import notebooks

LONGEST_CELL = 15
LARGEST_FILE = 1_000_000

# A path of one machine tells of a cell that runs on that one only.
ABSOLUTE_PATH = re.compile(
    r"(?<![\w.~/<\-])/(?:home|Users|root|work|tmp|var|mnt|opt|usr)\b"
    r"|\b[A-Za-z]:\\+(?:Users|Windows|Program|Temp|a\b)|file://"
)
NETWORK = re.compile(
    r"\w+://(?!localhost|127\.0\.0\.1)|\brequests\."
    r"|\b(?:import|from)\s+(?:requests|urllib|urllib3|httpx|aiohttp|ftplib)\b"
    r"|[!%]\s*(?:pip|conda|mamba|uv|wget|curl|git|apt)\b|\bpip\s+install\b|\burlopen\b|\burlretrieve\b|torch\.hub"
    r"|\bload_dataset\b|\bfrom_pretrained\b|\bhuggingface_hub\b|\bdownload\s*=\s*True"
)
SAYS_NOTHING = {"a", "an", "the", "of", "this", "here", "is"}
SAYS_NOTHING |= {"image", "picture", "figure", "plot", "chart", "graph", "heatmap", "output", "png", "alt", "text"}
COMPARES_NOTHING = {"nbval-ignore-output", "nbval-skip"}
RAISES = {"raises-exception", "nbval-raises-exception"}
MARKERS = re.compile(r"^\s*#\s*(NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)\s*$", re.MULTILINE)
SEMICOLON = re.compile(r";\s*(#[^'\"\n]*)?\s*\Z")

_markdown = mistune.create_markdown(renderer="ast", plugins=["table", "math"])


def normal_form(notebook, path):
    text = path.read_text(encoding="utf-8")
    if notebooks.normal_form(text, path.name) == text:
        return []
    return ["not in normal form: run python tools/notebooks.py normalise"]


def executed(notebook, path):
    return [
        f"{place} was never run, so nbval would compare nothing: run python tools/notebooks.py execute"
        for place, cell in _code(notebook)
        if cell.source.strip() and cell.execution_count is None
    ]


def errors(notebook, path):
    """An error may stand only where it is the lesson, and where it is announced it must come."""
    complaints = []
    for place, cell in _code(notebook):
        names = [output.ename for output in cell.outputs if output.output_type == "error"]
        announced = RAISES & _tags(cell)
        if names and not announced:
            complaints.append(f"{place} stopped with {names[0]}; a wanted error has the tag raises-exception")
        if announced and not names:
            complaints.append(f"{place} has the tag {min(announced)} but raised nothing; nbval lets it pass")
    return complaints


def no_absolute_paths(notebook, path):
    texts = [(place, cell.source) for place, cell in _cells(notebook)]
    texts += [(f"output of {place}", text) for place, cell in _code(notebook) for text in _output_texts(cell)]
    return _holding(ABSOLUTE_PATH, texts, "holds a path of one machine")


def no_network(notebook, path):
    return _holding(NETWORK, _sources(notebook), "reaches for the network")


def headings_in_order(notebook, path):
    complaints, last = [], 0
    for place, level, text in _headings(notebook):
        if last == 0 and (level != 1 or place != "cell 1"):
            complaints.append(f"{place}: a chapter opens with its title (# …), not {'#' * level} {text}")
        elif last and level == 1:
            complaints.append(f"{place}: a second title, # {text}; a chapter has one")
        elif last and level > last + 1:
            complaints.append(f"{place}: {'#' * level} {text} skips a level after {'#' * last}")
        last = level
    return complaints or ([] if last else ["no heading at all: open with a title (# …)"])


def alt_text(notebook, path):
    alts = []
    for place, cell in _cells(notebook):
        if cell.cell_type == "markdown":
            alts += [(f"{place}: the picture {url[:40]}", alt) for alt, url in _pictures(cell.source)]
            continue
        for output in cell.outputs:
            for mime, value in output.get("data", {}).items():
                if mime.startswith("image/"):
                    alts.append((f"output of {place}: {mime}", output.metadata.get(mime, {}).get("alt")))
                elif mime == "text/html":
                    alts += [(f"output of {place}: <img>", image.get("alt")) for image in _html(value, "img")]
    return [
        f"{place} needs alt text that says what is to be seen, found {alt!r}"
        for place, alt in alts
        if _is_generic(alt)
    ]


def local_links(notebook, path):
    complaints = []
    for place, cell in _cells(notebook):
        if cell.cell_type != "markdown":
            continue
        links = [node["attrs"]["url"] for node in _nodes(cell.source, "link")]
        links += [link["href"] for link in _html(cell.source, "a") if link.get("href")]
        complaints += [f"{place}: {wrong}" for link in links for wrong in _broken(link, path)]
        complaints += [
            f"{place}: the picture {url} is a file or a download; draw it in a cell or attach it"
            for _, url in _pictures(cell.source)
            if not url.startswith(("attachment:", "data:"))
        ]
    return complaints


def small_file(notebook, path):
    size = path.stat().st_size
    return [f"{size:,} bytes; a notebook stays under {LARGEST_FILE:,}"] if size >= LARGEST_FILE else []


def no_trailing_semicolon(notebook, path):
    words = "ends in a semicolon, which silences nothing in nbval: end with plt.show() or _ = …"
    return _holding(SEMICOLON, _sources(notebook), words)


def asserted(notebook, path):
    """Where nbval does not compare, the notebook checks for itself, or says why there is nothing to check."""
    complaints, code = [], list(_code(notebook))
    for (place, cell), (_, after) in zip(code, [*code[1:], (None, None)], strict=True):
        uncompared = COMPARES_NOTHING & _tags(cell)
        # A skipped cell does not run, so an assertion inside it would prove nothing.
        checking = ([] if "nbval-skip" in uncompared else [cell]) + ([after] if after else [])
        is_asserted = any(re.search(r"^\s*assert\b", one.source, re.MULTILINE) for one in checking)
        is_explained = re.search(r"# Not compared: \w+", cell.source)
        if uncompared and not is_asserted and not is_explained:
            complaints.append(
                f"{place} has the tag {min(uncompared)}: assert what must hold, in it or in the next cell, "
                "or say in it '# Not compared: ' and why"
            )
    return complaints


def tags_not_comments(notebook, path):
    return _holding(MARKERS, _sources(notebook), "has a comment for what is a cell tag here")


def short_cells(notebook, path):
    lengths = [(place, len(re.findall(r"^.*\S", source, re.MULTILINE))) for place, source in _sources(notebook)]
    return [f"{place} has {lines} lines; {LONGEST_CELL} at most, the machinery belongs into the package"
            for place, lines in lengths if lines > LONGEST_CELL]


RULES = [
    normal_form, executed, errors, no_absolute_paths, no_network, headings_in_order, alt_text,
    local_links, small_file, no_trailing_semicolon, asserted, tags_not_comments, short_cells,
]  # fmt: skip


def _cells(notebook):
    return [(f"cell {number}", cell) for number, cell in enumerate(notebook.cells, start=1)]


def _code(notebook):
    return [(place, cell) for place, cell in _cells(notebook) if cell.cell_type == "code"]


def _sources(notebook):
    return [(place, cell.source) for place, cell in _code(notebook)]


def _tags(cell):
    return set(cell.metadata.get("tags", []))


def _output_texts(cell):
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.text
        elif output.output_type == "error":
            yield "\n".join([output.evalue, *output.traceback])
        else:
            yield from (text for mime, text in output.data.items() if mime.startswith("text/"))


def _holding(pattern, texts, words):
    """A complaint in these words for each text, [(place, text)], that holds the pattern."""
    found = [(place, text, pattern.search(text)) for place, text in texts]
    return [f"{place} {words}: {text[max(0, match.start() - 20) : match.end() + 30]!r}"
            for place, text, match in found if match]


def _nodes(source, kind):
    """All nodes of one kind in a Markdown text, depth first."""
    waiting, found = list(_markdown(source)), []
    while waiting:
        node = waiting.pop(0)
        waiting[:0] = node.get("children", [])
        if node["type"] == kind:
            found.append(node)
    return found


def _plain(node):
    return "".join(map(_plain, node["children"])) if "children" in node else node.get("raw", "")


def _pictures(source):
    """[(alt text, address)] of the pictures of a Markdown text."""
    found = [(_plain(node), node["attrs"]["url"]) for node in _nodes(source, "image")]
    return found + [(image.get("alt"), image.get("src", "")) for image in _html(source, "img")]


def _html(source, tag):
    """The attributes of every such tag that is HTML, not a piece of code, in a text."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda name, attributes: found.append(dict(attributes)) if name == tag else None
    code_removed = re.sub(r"(?s)```.*?```|`[^`\n]*`", "", source)
    parser.feed(code_removed)
    return found


def _headings(notebook):
    for place, cell in _cells(notebook):
        if cell.cell_type == "markdown":
            for node in _nodes(cell.source, "heading"):
                yield place, node["attrs"]["level"], _plain(node)


def _is_generic(alt):
    """Fewer than four words, or none that says more than that here is a picture."""
    words = re.findall(r"[\w+-]+", alt.lower()) if isinstance(alt, str) else []
    return len(words) < 4 or not set(words) - SAYS_NOTHING


def _broken(link, path):
    if re.match(r"https?://|mailto:", link):
        return
    file, _, anchor = unquote(link).partition("#")
    target = path.parent / file if file else path
    if file and ("/" in file or not file.endswith(".ipynb")):
        yield f"the link {link} leaves the notebooks; a learner's copy holds nothing else"
    elif not target.is_file():
        yield f"the link {link} leads to no notebook"
    elif anchor:
        # JupyterLab names a heading by its text with hyphens for spaces, and drops the ids of other elements.
        names = [text.replace(" ", "-") for _, _, text in _headings(nbformat.read(target, as_version=4))]
        if anchor not in names:
            yield f"the link {link} leads to no heading; {target.name} has {', '.join(names)}"

"""What the docstring of a public name says: what goes in, what comes out, what is refused.

Public is what a file defines under a name without an underscore. Left out: `launch`, `bench`, `publish`, `class_map`
and the files __main__, which only their own commands call; and the exercises, whose functions are
right and wrong answers, each with its explanation beside it.
"""

import ast
import re
from pathlib import Path

import pytest

import xmatch_edu

PACKAGE = Path(xmatch_edu.__file__).parent
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
LEFT_OUT = re.compile(r"course/(launch|bench|publish|class_map|exercises)/|(.*/)?__main__\.py")
FILES = [file for file in FILES if not LEFT_OUT.match(file)]
TREES = {file: ast.parse((PACKAGE / file).read_text("utf-8")) for file in FILES}
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
REFUSALS = {"ValueError", "TypeError"}
# Called by torch or Keras, which have given them their arguments.
FRAMEWORK = {"call", "compute_loss", "get_config", "get_extra_state", "set_extra_state", "backward"}
REFERENCE = re.compile(r"(?:[Aa]s(?: in| by)?|[Aa]rguments[\w ]*:?|[Tt]hose of)\s+`([\w.]+)`")


def words(node):
    return ast.get_docstring(node) or "" if node else ""


def public(tree):
    """-> (its name, the node, the class around it or None) of each public function, class and method of a file."""
    for node in tree.body:
        if isinstance(node, FUNCTIONS | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node, None
            for method in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(method, FUNCTIONS) and (method.name == "__init__" or not method.name.startswith("_")):
                    yield f"{node.name}.{method.name}", method, node


DOCSTRINGS = {}  # by name, so that "as in `cosine_scores`" can be followed; twins of one name together
for one_tree in TREES.values():
    for one_name, one_node, _ in public(one_tree):
        DOCSTRINGS[one_name] = DOCSTRINGS.get(one_name, "") + f"\n{words(one_tree)}\n{words(one_node)}"


def running(node):
    """All that runs when a function is called, without the functions that it only defines."""
    queue = list(node.body)
    while queue:
        one = queue.pop()
        if not isinstance(one, FUNCTIONS | ast.Lambda | ast.ClassDef):
            yield one
            queue += ast.iter_child_nodes(one)


def refuses(node, private, seen=frozenset()):
    """Does it raise one of REFUSALS, ask `inputs`, or call a private function of its file that does?"""
    for one in running(node):
        if isinstance(one, ast.Raise) and getattr(getattr(one.exc, "func", one.exc), "id", "") in REFUSALS:
            return True
        if isinstance(one, ast.Call):
            name = getattr(one.func, "id", getattr(one.func, "attr", ""))
            if name.startswith("check_"):
                return True
            if name in private and name not in seen and refuses(private[name], private, seen | {name}):
                return True
    return False


def gives(node):
    return any(isinstance(one, ast.Yield | ast.Return) and getattr(one.value, "value", one.value) is not None
               for one in running(node))


def faults(tree):
    """-> what the docstrings of a file lack, in words."""
    private = {one.name: one for one in ast.walk(tree)
               if isinstance(one, FUNCTIONS) and one.name.startswith("_") and not one.name.startswith("__")}
    room = words(tree)
    for name, node, around in public(tree):
        of_the_class = around and node.name in {*FRAMEWORK, "__init__", "forward"}
        if not of_the_class and not words(node) and not re.search(rf"\b{node.name}\(", words(around)):
            yield f"{name}: no docstring"
            continue
        if isinstance(node, ast.ClassDef) or node.name in FRAMEWORK:
            continue
        told = f"{words(node)}\n{words(around)}"
        named = told + "".join(DOCSTRINGS.get(other.split(".")[-1], "") for other in REFERENCE.findall(told))
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        missing = [one.arg for one in every if one and one.arg not in ("self", "cls", "ctx")
                   and not re.search(rf"\b{one.arg}\b", named) and not re.search(rf"\b{one.arg}(:|,| \()", room)]
        if missing:
            yield f"{name}: says nothing of {', '.join(missing)}"
        if refuses(node, private) and not re.search(r"\b[Ee]rrors\b", told + room):
            yield f"{name}: does not say what it refuses (Errors:)"
        is_property = any("property" in ast.unparse(one) for one in node.decorator_list)
        if gives(node) and not is_property and "->" not in (words(node) or words(around)):
            yield f"{name}: does not say what it gives (->)"


def letters(tree):
    """-> the axes of shapes in the docstrings of a file, such as N of (N, D), that no legend explains."""
    for name, node, around in [("the file", tree, None), *public(tree)]:
        told = f"{words(tree)}\n{words(around)}\n{words(node)}"
        for shape in re.findall(r"(?<![\w])\(((?:[A-Z]|\d+)(?:·[a-z])?(?:, (?:[A-Z]|\d+))*,?)\)", words(node)):
            for letter in re.findall("[A-Z]", shape):
                if not re.search(rf"\b{letter}(, [A-Z])*: |\b{letter} [(=]|, {letter}\b[^)]*:|= {letter}\b", told):
                    yield f"{name}: {letter} of ({shape})"


@pytest.mark.parametrize("file", FILES)
def test_docstrings_say_what_goes_in_what_comes_out_and_what_is_refused(file):
    found = list(faults(TREES[file]))
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize("file", FILES)
def test_the_letters_of_shapes_are_explained(file):
    found = list(letters(TREES[file]))
    assert not found, "\n".join(["", *found])


WELL = '''"""A room. N: images"""
def _least(n):
    if n < 1:
        raise ValueError("n")

def first(rows, n):
    """The first n of these rows (N,) -> a list. Errors: ValueError naming n."""
    _least(n)
    return rows[:n]

class Held:
    """rows: what is held."""
    def __init__(self, rows):
        self.rows = rows
    def last(self, n):
        """The last rows. Arguments and errors: those of `first` -> a list."""
        _least(n)
        return self.rows[-n:]
'''


def test_a_file_whose_docstrings_say_all_has_no_fault(monkeypatch):
    monkeypatch.setitem(DOCSTRINGS, "first", "The first n.")
    assert not [*faults(ast.parse(WELL)), *letters(ast.parse(WELL))]


@pytest.mark.parametrize("said, instead, fault", [
    ('"""The first n of these rows (N,) -> a list. Errors: ValueError naming n."""', "", "first: no docstring"),
    ("of these rows (N,)", "", "first: says nothing of rows"),
    (" Errors: ValueError naming n.", "", "first: does not say what it refuses (Errors:)"),
    ("(N,) -> a list. E", "(N,). E", "first: does not say what it gives (->)"),
    ("rows: what is held", "It holds", "Held.__init__: says nothing of rows"),
    ("and errors: those of `first`", ": those of `first`", "Held.last: does not say what it refuses (Errors:)"),
    ("those of `first`", "as usual", "Held.last: says nothing of n"),
    ("N: images", "", "first: N of (N,)"),
])  # fmt: skip
def test_each_fault_is_found(said, instead, fault, monkeypatch):
    monkeypatch.setitem(DOCSTRINGS, "first", "The first n.")
    assert WELL.count(said) == 1
    tree = ast.parse(WELL.replace(said, instead))
    assert [*faults(tree), *letters(tree)] == [fault]

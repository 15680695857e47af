"""pyproject.toml, constraints.txt, environment.yml and CITATION.cff agree, and .ci/run calls the README's command."""

import itertools
import os
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distribution

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import xmatch_edu
from xmatch_edu.__main__ import OLDEST
from xmatch_edu.course.launch.environment import ROOT, optional, requirements

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LINES = [line.strip() for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()]
PINS = [Requirement(line) for line in LINES if line and not line.startswith("#")]
PINNED = {canonicalize_name(pin.name): pin for pin in PINS}
EVERYTHING = requirements(ROOT, optional(ROOT))
# torch's CUDA builds for Linux name packages of their own, each with an exact version: a pin could only contradict it.
NAMED_BY_TORCH = re.compile(r"nvidia-|cuda-|triton")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


def pinned_version(name):
    (specifier,) = PINNED[canonicalize_name(name)].specifier
    return Version(specifier.version)


def test_pins_are_exact_and_each_stands_once():
    assert all([specifier.operator for specifier in pin.specifier] == ["=="] for pin in PINS)
    assert not [pin.name for pin in PINS if "*" in str(pin.specifier)]
    assert len(PINNED) == len(PINS)


def test_every_requirement_has_a_bound_that_the_launcher_reads_and_a_pin_within_it():
    for line in EVERYTHING:
        assert re.fullmatch(r"[\w.-]+>=[\d.]+", line), line
        if not NAMED_BY_TORCH.match(line):
            wanted, pin = Requirement(line), pinned_version(Requirement(line).name)
            assert wanted.specifier.contains(pin), f"pyproject.toml wants {line}, constraints.txt pins {pin}"


def test_conda_and_binder_get_everything():
    assert CONDA["name"] == "xmatch_edu" and CONDA["channels"] == ["conda-forge"]
    python, pip, rest = CONDA["dependencies"]
    assert pip == "pip" and rest == {"pip": ["--constraint constraints.txt", "-e .[test,keras]"]}
    assert python.startswith("python" + PROJECT["project"]["requires-python"])
    names = {canonicalize_name(Requirement(line).name) for line in requirements(ROOT)}
    assert names >= {"jupyterlab", "numpy", "torch", "matplotlib", "ipywidgets", "nbval"}


def test_the_oldest_python_is_the_same_everywhere():
    assert PROJECT["project"]["requires-python"] == ">={}.{}".format(*OLDEST)
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"][0] == "{}.{}".format(*OLDEST)


def needed(platform, python):
    """{package: what asks for it}: all that the course's requirements bring, directly or not, on that machine."""
    machine = {**default_environment(), "sys_platform": platform, "platform_system": SYSTEMS[platform],
               "os_name": "nt" if platform == "win32" else "posix", "python_version": python,
               "python_full_version": python + ".0"}
    found, queue = {}, [(Requirement(line), "pyproject.toml") for line in EVERYTHING]
    while queue:
        requirement, asker = queue.pop()
        name = canonicalize_name(requirement.name)
        for extra in requirement.extras | {""}:
            if (name, extra) in found:
                continue
            found[name, extra] = asker
            try:
                lines = distribution(name).requires or []
            except PackageNotFoundError:  # of another platform: what it needs cannot be seen from here
                continue
            queue += [(Requirement(line), name) for line in lines if not Requirement(line).marker
                      or Requirement(line).marker.evaluate({**machine, "extra": extra})]
    return {name: asker for (name, _), asker in found.items()}


def test_what_torch_names_itself_is_not_pinned():
    assert not [name for name in PINNED if NAMED_BY_TORCH.match(name)], "torch's own packages: leave them out"


@pytest.mark.parametrize("platform, python", list(itertools.product(SYSTEMS, ["3.11", "3.13"])))
def test_everything_that_is_installed_has_a_pin(platform, python):
    loose = {name: asker for name, asker in needed(platform, python).items()
             if name not in PINNED and not NAMED_BY_TORCH.match(name)}
    assert not loose, f"no pin for {loose}"


def test_the_versions_that_the_pins_ask_for_fit_together():
    for name in needed("linux", "3.11").keys() & PINNED.keys():
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        if Version(distribution(name).version).base_version != str(pinned_version(name)):
            continue  # another version than the tested one runs here: its wishes say nothing about the pins
        for requirement in map(Requirement, lines):
            if canonicalize_name(requirement.name) in PINNED and not requirement.marker:
                assert requirement.specifier.contains(pinned_version(requirement.name)), f"{name} wants {requirement}"


def test_ci_calls_the_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert script.rstrip().endswith("exec python3 -m xmatch_edu test")
    assert re.search("^export CI=", script, re.MULTILINE), "tells `test` to bring the extras, and tests not to skip"
    assert "python3 -m xmatch_edu test" in (ROOT / "README.md").read_text("utf-8")
    assert "-m xmatch_edu test" in (ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="bash and execute bits are POSIX")
def test_ci_run_is_a_script_that_bash_understands():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)


def test_what_only_another_system_needs_is_not_asked_for(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    assert set(requirements(ROOT, ["gpu"])) - set(requirements(ROOT)) == {"triton>=3.2", "inf-cl>=1.2"}
    monkeypatch.setattr("sys.platform", "win32")
    assert requirements(ROOT, ["gpu"]) == requirements(ROOT)


def test_the_citation_is_of_this_version_by_the_holders_of_the_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # what the format demands
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert citation["version"] == xmatch_edu.__version__ and citation["license"] == PROJECT["project"]["license"]
    (holder,) = re.findall(r"^Copyright \(c\) \d+ (.+)$", (ROOT / "LICENSE").read_text("utf-8"), re.MULTILINE)
    assert citation["authors"] == [{"name": holder}]


def test_what_the_citation_refers_to_is_named_in_the_course_with_its_year():
    course = "".join(path.read_text("utf-8") for path in sorted((ROOT / "notebooks").glob("*.ipynb")))
    references = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["references"]
    for reference in references:
        assert reference.keys() >= {"type", "title", "authors"}
        first = reference["authors"][0]["family-names"]
        assert re.search(rf"{first}[^()\n]*(\([^()\n]*)?{reference['year']}", course), first

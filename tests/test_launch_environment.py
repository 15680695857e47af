"""The environment is found or made, a cut-off installation is mended, and every failure is one sentence."""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from launch_project import PINS, PYPROJECT, Miniature, wheel

from xmatch_edu.course.launch import commands, environment
from xmatch_edu.course.launch.environment import LOG, MARKER, ROOT

only_posix = pytest.mark.skipif(os.name == "nt", reason="process groups and their signals are POSIX")


@pytest.fixture
def course(tmp_path):
    return Miniature(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One installed miniature for the tests that start from there."""
    course = Miniature(tmp_path_factory.mktemp("made"))
    course.first = course.call("test", "-x")
    return course


def one_sentence(said):
    assert "Traceback" not in said
    assert said.strip()


def test_the_first_start_makes_the_environment_and_hands_over(made):
    code, said = made.first
    assert code == 0, said
    assert "Setting up the course" in said
    assert "'tests', 'notebooks', '-x']" in said
    assert json.loads((made.venv / MARKER).read_text())["state"] == "ready"


def test_the_second_start_runs_no_pip_and_passes_the_exit_code_on(made):
    log = (made.venv / LOG).stat().st_mtime_ns
    code, said = made.call("test", PIP_FIND_LINKS="nowhere", END_WITH="3")
    assert (code, "Setting up" in said) == (3, False), said
    assert (made.venv / LOG).stat().st_mtime_ns == log


def test_a_path_replaces_the_default_tests_and_an_option_does_not(made):
    (made.root / "tests").mkdir(exist_ok=True)
    (made.root / "tests" / "test_one.py").touch()
    said = made.call("test", "tests/test_one.py::test_x")[1]
    assert "tests/nbval_sanitize.cfg', 'tests/test_one.py::test_x']" in said
    assert "'-m', 'not slow', 'tests/test_one.py']" in made.call("test", "tests/test_one.py")[1]
    assert "'tests', 'notebooks', '-k', 'one']" in made.call("test", "-k", "one")[1]


def test_the_slow_tier_and_nbval_over_all_notebooks_come_with_all_and_in_ci(made):
    for words, variables in ((["--all"], {}), ([], {"CI": "true"})):
        said = made.call("test", *words, **variables)[1]
        assert "Every test, " in said and "'--nbval'" in said and "not slow" not in said and "--all'" not in said
    said = made.call("test")[1]
    assert "The fast tier (--all: every test), " in said and "'--nbval'" not in said and "'-m', 'not slow'" in said


def test_the_environment_itself_may_give_the_command(made):
    code, said = made.call("test", python=environment.venv_python(made.venv))
    assert (code, "Setting up" in said) == (0, False), said


def test_changed_pins_are_installed_in_place(made):
    wheel(made.index, "tiny", "1.1", {"tiny.py": "VERSION = '1.1'\n"})
    (made.root / "constraints.txt").write_text(PINS.replace("tiny==1.0", "tiny==1.1"))
    stays = made.venv / "stays"
    stays.touch()
    code, said = made.call("test")
    assert code == 0 and "Setting up" in said, said
    site = environment.site_packages_of(environment.venv_python(made.venv))
    assert environment.installed(site)["tiny"].version == "1.1"
    assert stays.exists(), "installed in place, not built anew"


def test_a_lost_package_is_brought_back(made):
    site = Path(environment.site_packages_of(environment.venv_python(made.venv)))
    for trace in site.glob("tiny*"):
        shutil.rmtree(trace) if trace.is_dir() else trace.unlink()
    code, said = made.call("test")
    assert code == 0 and (site / "tiny.py").exists(), said


@pytest.fixture
def stale(made):
    """The same, asked for a version that the index does not have: pip must run again, in place, and fails."""
    constraints, site = made.root / "constraints.txt", environment.site_packages_of(environment.venv_python(made.venv))
    before = constraints.read_text()
    constraints.write_text("tiny==1.9\npytest==9.0\n")
    environment.mark(made.venv, state="ready", inputs="", site=site)
    yield made
    constraints.write_text(before)
    environment.mark(made.venv, state="ready", inputs=environment.inputs(made.root), site=site)


def test_without_a_network_it_is_one_sentence(stale):
    code, said = stale.call("test", PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_RETRIES="1",
                            PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert code == 1 and "cannot be reached" in said and "run the same command again" in said, said
    one_sentence(said)


def test_any_other_failure_names_its_reason_and_the_log(stale):
    code, said = stale.call("test")
    assert code == 1 and "Cannot install xmatch-edu" in said and LOG in said, said
    one_sentence(said)


@only_posix
def test_a_stop_is_quiet_and_leaves_no_pip_behind(stale):
    course = stale
    (course.root / "building").unlink()
    (course.root / "slow").touch()
    process = course.start("test")
    while not (course.root / "building").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)  # reaches the command alone, not pip
    said = "".join(process.communicate(timeout=60))
    assert process.returncode == 130 and "Stopped" in said, said
    one_sentence(said)
    with environment.only_one(course.venv / environment.LOCK):  # a pip left behind would still hold it
        (course.root / "slow").unlink()
    assert environment.look(course.root).state == "broken"


def rivals(course):
    """The version of the extra's package in the miniature's .venv, or None."""
    found = environment.installed(environment.site_packages_of(environment.venv_python(course.venv)))
    return found["rival"].version if "rival" in found else None


@pytest.fixture
def mended(made):
    """The same, whatever the test before left: complete, and without the extra."""
    made.call("test")
    python = environment.venv_python(made.venv)
    subprocess.run([python, "-m", "pip", "uninstall", "-qy", "rival"], check=True, capture_output=True)
    site = environment.site_packages_of(python)
    environment.mark(made.venv, state="ready", inputs=environment.inputs(made.root), site=site)
    return made


def test_only_bench_brings_the_extra_and_a_later_refresh_keeps_it_up_to_date(mended):
    course = mended
    code, said = course.call("test")
    assert (code, "Setting up" in said, rivals(course)) == (0, False, None), said
    code, said = course.call("bench", "--full", "--json", "a.json", END_WITH="3")
    assert code == 3 and "Setting up" in said and rivals(course) == "1.0", said
    assert f"bench got ['--full', '--json', 'a.json'] in {course.root}" in said
    for word in ("bench", "test"):
        assert "Setting up" not in course.call(word)[1]

    wheel(course.index, "rival", "1.1", {"rival.py": ""})
    constraints = course.root / "constraints.txt"
    constraints.write_text(constraints.read_text().replace("rival==1.0", "rival==1.1"))
    code, said = course.call("test")
    assert code == 0 and "Setting up" in said and rivals(course) == "1.1", said


def test_in_ci_the_tests_bring_every_extra(mended):
    code, said = mended.call("test", CI="true")
    assert code == 0 and rivals(mended), said


def test_an_extra_that_cannot_be_had_leaves_the_course_as_it_was(mended):
    code, said = mended.call("bench", PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_RETRIES="1",
                             PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert code == 1 and "cannot be reached" in said, said
    code, said = mended.call("test", PIP_FIND_LINKS="nowhere")
    assert (code, "Setting up" in said) == (0, False), said


def test_a_complete_python_outside_venv_is_used_without_the_extra(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "missing", lambda root, site=None, extras=(): ["rival"] if extras else [])
    found = environment.look(tmp_path, extras=("peers",))
    assert (found.state, found.python) == ("ready", Path(sys.executable))


def test_what_another_start_has_just_finished_is_not_built_again(course, monkeypatch):
    states = iter(["absent", "ready", "ready"])
    monkeypatch.setattr(environment, "look", lambda *given: environment.Found(next(states), Path("its python"), []))
    monkeypatch.setattr(environment, "build", lambda *given: pytest.fail("built a second time"))
    assert environment.prepare(course.root) == Path("its python")


def test_without_a_cpu_build_the_ordinary_torch_is_installed_and_it_is_said(made):
    (made.root / "pyproject.toml").write_text(PYPROJECT.replace('"tiny>=1.0"', '"tiny>=1.0", "torch>=2"'))
    (made.root / "constraints.txt").write_text("tiny==1.1\npytest==9.0\ntorch==2.13.0\n")
    backend = made.root / "build" / "backend.py"
    backend.write_text(backend.read_text().replace('["tiny', '["torch>=2", "tiny'))
    wheel(made.index, "torch", "2.13.0", {"torch.py": ""})
    code, said = made.call("test")
    assert code == 0, said
    if environment.cpu_torch(made.root):  # Linux without an NVIDIA driver
        assert "has no torch==2.13.0+cpu" in said and "PIP_EXTRA_INDEX_URL" in said, said


def test_a_moved_course_gets_a_new_environment(made):
    # Last of those that share the miniature: a venv has its own path written into it.
    (made.venv / "stays").touch()
    made.root = made.root.rename(made.root.with_name("moved"))
    made.venv = made.root / ".venv"
    code, said = made.call("test")
    assert code == 0 and "Setting up" in said, said
    assert not (made.venv / "stays").exists()


@only_posix
def test_an_installation_killed_half_way_is_mended(course):
    (course.root / "slow").touch()
    process = course.start("test")
    while not (course.root / "building").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    code, said = course.call("test")
    assert code == 1 and "Another start" in said, "two starts must not build one environment at once"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert json.loads((course.venv / MARKER).read_text())["state"] == "installing"
    # What a pip that is killed while it copies can leave: a package that says it is installed, without its module.
    site = Path(environment.site_packages_of(environment.venv_python(course.venv)))
    for name, version in (("tiny", "1.0"), ("pytest", "9.0")):
        (site / f"{name}-{version}.dist-info").mkdir()
        (site / f"{name}-{version}.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    (course.root / "slow").unlink()
    code, said = course.call("doctor")
    assert code == 1 and "cut off" in said and "python3 -m xmatch_edu lab" in said, said
    # Mended even by the Python that must be cleared away for it.
    code, said = course.call("test", python=environment.venv_python(course.venv))
    assert code == 0, said
    assert (site / "tiny.py").exists()


def test_someone_elses_environment_is_left_alone(course):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", course.venv], check=True)
    before = sorted(course.venv.rglob("*"))
    for words in (["test"], ["doctor"]):
        code, said = course.call(*words)
        assert code == 1 and "tiny" in said, said
        one_sentence(said)
    assert "left alone" in course.call("test")[1]
    assert sorted(course.venv.rglob("*")) == before


def test_someone_elses_complete_environment_is_used(course):
    site = course.venv / "site"
    site.mkdir(parents=True)
    for name, version in (("tiny", "1.0"), ("pytest", "9.0"), ("xmatch_edu", "0.1")):
        (site / f"{name}-{version}.dist-info").mkdir()
        (site / f"{name}-{version}.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    direct = site / "xmatch_edu-0.1.dist-info" / "direct_url.json"
    direct.write_text(json.dumps({"url": course.root.as_uri(), "dir_info": {"editable": True}}))
    assert environment.missing(course.root, site) == []
    direct.write_text(json.dumps({"url": course.root.parent.as_uri(), "dir_info": {"editable": True}}))
    assert environment.missing(course.root, site) == ["xmatch_edu (installed from this folder)"]
    direct.write_text('{"url": "fil')
    (site / "tiny-1.0.dist-info" / "METADATA").unlink()
    assert environment.missing(course.root, site) == ["tiny", "xmatch_edu (installed from this folder)"]
    (site / "pytest-9.0.dist-info" / "METADATA").write_text("Name: pytest\nVersion: 8.9.9\n")
    assert "pytest>=9 (here: 8.9.9)" in environment.missing(course.root, site)


def test_without_a_venv_module_it_is_one_sentence(course, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")
    code, said = course.call("test", PYTHONPATH=str(tmp_path))
    assert code == 1 and "sudo apt install python3-venv" in said, said
    one_sentence(said)


def test_a_folder_that_refuses_is_one_sentence(course):
    course.venv.symlink_to(course.root / "gone" / "elsewhere")  # mkdir refuses, for root as well
    code, said = course.call("test")
    assert code == 1 and "The computer refused" in said, said
    one_sentence(said)


def old_pythons():
    """Pythons older than the course's on this machine."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = [shutil.which(f"python3.{minor}") for minor in range(6, 11)]
    for path in filter(None, [*named, *pyenv.glob("versions/3.[6-9]*/bin/python")]):
        if subprocess.run([path, "--version"], capture_output=True).returncode == 0:  # a name may lead nowhere
            yield path


def test_an_old_python_is_one_sentence(course):
    tried = [course.call("lab", python=python) for python in old_pythons()]
    if not tried:
        pytest.skip("no Python older than 3.11 on this machine")
    for code, said in tried:
        assert code == 1 and "needs Python 3.11 or newer" in said, said
        one_sentence(said)


def test_the_first_file_is_readable_by_an_old_python():
    for name in ("__init__.py", "__main__.py"):
        ast.parse((ROOT / "xmatch_edu" / name).read_text("utf-8"), feature_version=(3, 6))


def test_the_launcher_imports_the_standard_library_alone():
    own = ROOT / "xmatch_edu"
    for path in [own / "__main__.py", own / "_files.py", *(own / "course" / "launch").glob("*.py")]:
        for line in re.findall(r"^(?:import|from) ([\w.]+)", path.read_text("utf-8"), re.MULTILINE):
            ours = line.startswith(".") or line == "xmatch_edu._files"
            assert ours or line.split(".")[0] in sys.stdlib_module_names, f"{path.name}: {line}"


@pytest.mark.parametrize("platform, driver, asked", [
    ("linux", False, "torch==2.13.0+cpu"), ("linux", True, None), ("darwin", False, None), ("win32", False, None)])
def test_the_cpu_build_is_for_linux_without_a_driver(course, monkeypatch, platform, driver, asked):
    (course.root / "constraints.txt").write_text("numpy==2.4.6\ntorch==2.13.0\n")
    monkeypatch.setattr(environment.shutil, "which", lambda name: "/usr/bin/nvidia-smi" if driver else None)
    if not driver and Path("/proc/driver/nvidia").exists():
        pytest.skip("this machine has the driver")
    assert environment.cpu_torch(course.root, platform) == asked


def test_the_class_map_imports_nothing_from_where_it_is_started(monkeypatch, tmp_path):
    (tmp_path / "xmatch_edu").mkdir()  # a learner's folder; from all other names the map itself guards
    (tmp_path / "xmatch_edu" / "__init__.py").write_text("raise SystemExit('a file of a learner ran')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "prepare", lambda root: Path(sys.executable))
    assert commands.class_map(ROOT, ["--help"]) == 0


def test_kernels_are_not_told_how_to_show_pictures(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    assert "MPLBACKEND" not in commands.surroundings(Path(sys.executable))


def test_where_a_venv_keeps_its_python():
    assert environment.venv_python(Path(".venv"), windows=True) == Path(".venv/Scripts/python.exe")
    assert environment.venv_python(Path(".venv"), windows=False) == Path(".venv/bin/python")


@pytest.mark.parametrize("version, bound, enough", [
    ("2.13.0+cpu", "2.6", True), ("2.6", "2.6.0", True), ("9", "9.0", True), ("2.10", "2.9", True),
    ("2.5.1", "2.6", False)])
def test_versions_compare_as_numbers(course, version, bound, enough):
    (course.root / "pyproject.toml").write_text(PYPROJECT.replace("tiny>=1.0", f"tiny>={bound}"))
    lacks = environment.missing(course.root, wheel(course.index, "tiny", version, {}))
    assert "tiny" not in lacks and (f"tiny>={bound} (here: {version})" not in lacks) is enough

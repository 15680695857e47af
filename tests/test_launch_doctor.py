"""The doctor: all well here, and in every broken state the fault and the command that mends it."""

import json
import os
import subprocess
import sys
import sysconfig
import types
from pathlib import Path

import pytest
from launch_project import Miniature

from xmatch_edu.course.launch import doctor, environment
from xmatch_edu.course.launch.environment import ROOT, plain


@pytest.mark.slow
def test_all_is_well_here_with_a_real_kernel():
    done = subprocess.run([sys.executable, "-m", "xmatch_edu", "doctor"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    words = [line.split()[:2] for line in done.stdout.splitlines()]
    assert words == [["ok", what] for what in ("Python", "environment", "versions", "torch", "JupyterLab", "widgets",
                                               "kernel", "emoji")], done.stdout
    assert "FAULT" not in done.stdout and "starts, and is this Python" in done.stdout


def test_without_an_environment_it_says_how_to_get_one(tmp_path):
    code, said = Miniature(tmp_path).call("doctor")
    assert code == 1 and "none yet" in said and "to mend: python3 -m xmatch_edu lab" in said, said
    assert not (tmp_path / "course" / ".venv").exists(), "a doctor changes nothing"


def test_it_looks_from_inside_the_environment_that_lab_would_use(tmp_path, monkeypatch):
    found = environment.Found("stale", tmp_path / ".venv" / "bin" / "python", ["numpy"])
    monkeypatch.setattr(doctor, "look", lambda root: found)
    called = []
    monkeypatch.setattr(doctor.subprocess, "call", lambda command, cwd: called.append((command, cwd)) or 7)
    assert doctor.run(tmp_path) == 7
    assert called == [([str(found.python), "-m", "xmatch_edu", "doctor"], tmp_path)]


def test_a_missing_package_is_a_fault_with_its_fix(monkeypatch):
    here = environment.installed()
    for lost in ("matplotlib", "em-keyboard"):
        here.pop(lost)
    monkeypatch.setattr(environment, "installed", lambda site=None: here)
    monkeypatch.setattr(doctor, "installed", lambda: here)
    _, value, fix = doctor.environment(ROOT)
    assert "lacks em-keyboard, matplotlib" in value and 'pip install --constraint constraints.txt -e ".[test]"' in fix
    _, value, fix = doctor.emoji_data()
    assert "missing: em-keyboard" in value and fix.endswith("constraints.txt em-keyboard")


@pytest.mark.parametrize("name, what", [("torch", doctor.torch), ("jupyterlab", doctor.jupyterlab),
                                        ("ipywidgets._version", doctor.widgets)])
def test_a_package_that_does_not_import_is_a_fault(monkeypatch, name, what):
    monkeypatch.setitem(sys.modules, name, None)
    _, value, fix = what()
    assert "cannot be imported" in value and name.split(".")[0] in fix and "--force-reinstall" in fix


def test_the_device_is_named(monkeypatch):
    torch = types.SimpleNamespace(
        __version__="2.13.0", get_num_threads=lambda: 2, backends=types.SimpleNamespace(
            mps=types.SimpleNamespace(is_available=lambda: False)),
        cuda=types.SimpleNamespace(is_available=lambda: False, get_device_name=lambda: "Great GPU"))
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert doctor.torch() == ("torch", "2.13.0  CPU, 2 threads", None)
    torch.cuda.is_available = lambda: True
    assert doctor.torch() == ("torch", "2.13.0  GPU, Great GPU", None)


def test_other_versions_than_the_tested_ones_are_a_note(monkeypatch, tmp_path):
    (tmp_path / "constraints.txt").write_text("# pins\nnumpy==1.0\nnot-installed==2\n")
    _, value, fix = doctor.versions(tmp_path)
    assert "numpy" in value and "(tested: 1.0)" in value and "not-installed" not in value and fix is None


@pytest.fixture
def jupyter_path(tmp_path, monkeypatch):
    """A folder that Jupyter searches before all others."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    return tmp_path


def test_a_widget_front_end_of_another_version_is_a_fault(jupyter_path, monkeypatch):
    folder = jupyter_path / "labextensions" / "@jupyter-widgets" / "jupyterlab-manager"
    folder.mkdir(parents=True)
    built_for = {"@jupyter-widgets/base": "^4.1.7", "@jupyter-widgets/controls": "^3.1.8"}
    old = {"version": "3.1.11", "dependencies": built_for}
    (folder / "package.json").write_text(json.dumps(old))
    _, value, fix = doctor.widgets()
    assert "front-end 3.1.11" in value and "@jupyter-widgets/base ^4.1.7 does not speak protocol 2.0.0" in value
    assert fix.startswith(f"move {folder} away")
    monkeypatch.setattr(sys, "prefix", str(jupyter_path))  # the same, in the environment itself
    assert "--force-reinstall ipywidgets jupyterlab_widgets" in doctor.widgets()[2]
    monkeypatch.setattr(doctor, "front_end", lambda: (None, None))
    _, value, fix = doctor.widgets()
    assert "no front-end" in value and "jupyterlab_widgets" in fix


def kernelspec(folder, python):
    spec = folder / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    return spec


@pytest.mark.slow
def test_a_kernel_of_another_python_is_a_fault(jupyter_path, tmp_path):
    other = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    python = environment.venv_python(other)
    ours = [sysconfig.get_path("purelib"), str(ROOT)]  # so that it runs, imports all, and is yet another Python
    Path(environment.site_packages_of(python), "ours.pth").write_text("\n".join(ours))
    spec = kernelspec(jupyter_path, python)
    _, value, fix = doctor.kernel()
    assert "is another Python" in value and str(other) in value
    assert fix == f"move {spec} away: it hides the right kernel"


def test_a_kernel_that_does_not_start_is_a_fault(jupyter_path):
    spec = kernelspec(jupyter_path, jupyter_path / "gone" / "python")
    _, value, fix = doctor.kernel()
    assert "does not start" in value and f"move {spec} away" in fix


@pytest.mark.slow
def test_in_a_notebook_it_is_a_function(tmp_path):
    """As chapter 00 calls it: from a kernel, which then need not start a second one."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path), stderr=subprocess.DEVNULL)
    try:
        said = []
        client.execute_interactive("from xmatch_edu.course.launch import doctor; _ = doctor.report()", timeout=120,
                                   output_hook=lambda message: said.append(message["content"].get("text", "")))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "FAULT" not in "".join(said) and "this notebook's" in "".join(said), said


def test_a_command_can_be_typed_as_it_is_printed():
    assert doctor.command("pip", ".[test]").endswith(' -m pip ".[test]"')
    assert plain("Em_Keyboard") == "em-keyboard" and os.sep in doctor.command()

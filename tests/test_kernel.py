"""The Triton kernel without a GPU: its arithmetic in Triton's interpreter, and its translation for an H100.

On a GPU test_gpu.py runs it.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from xmatch_edu.scale import passes, tiles

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Triton runs on Linux alone")


@pytest.mark.parametrize(("what", "said"), [
    ("quick", "interpreted"),
    pytest.param("interpret", "interpreted", marks=pytest.mark.slow),
    pytest.param("compile", "compiled", marks=pytest.mark.slow),
])  # fmt: skip
def test_the_kernel(what, said, tmp_path):
    if importlib.util.find_spec("triton") is None:
        if os.environ.get("CI"):
            pytest.fail("no Triton, and in CI this may not be skipped")
        pytest.skip("no Triton; pip install --constraint constraints.txt -e '.[test,gpu]' brings it")
    interpreted = str(int(said == "interpreted"))
    variables = {**os.environ, "TRITON_INTERPRET": interpreted, "TRITON_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, HERE / "kernel_on_a_cpu.py", what], env=variables, text=True,
                          capture_output=True, timeout=300)  # fmt: skip
    assert done.returncode == 0 and done.stdout.split() == [said], done.stderr[-3000:]


def test_without_a_gpu_torch_works_on_the_tiles():
    for dtype in (torch.float32, torch.bfloat16):
        assert tiles._room(torch.ones(1, 1, dtype=dtype)) is passes

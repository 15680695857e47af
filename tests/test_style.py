"""ruff reads the code and the notebooks; its rules stand in pyproject.toml.

Only `ruff check`: its formatter would pull apart the matrices that are set in columns.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ["xmatch_edu", "tests", "tools", "notebooks"]


def test_ruff_is_content():
    folders = [folder for folder in FOLDERS if (ROOT / folder).is_dir()]
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", *folders]
    ruff = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert ruff.returncode == 0, ruff.stdout + ruff.stderr

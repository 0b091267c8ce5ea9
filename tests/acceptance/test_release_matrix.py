"""The pages of the release matrix give the wanted verdicts in the environment that is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_matrix_holds_where_it_is_run(project: Path) -> None:
    """`make matrix` asks the same of other releases; this is its smoke, without a network."""
    done = subprocess.run(
        [sys.executable, "-m", "matrix", "--here"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""`make lock`: the installer's own lock file is cut out of the large one."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_the_installer_is_cut_out_of_a_long_lock_file(tmp_path: Path) -> None:
    """Exactly the entry of uv, and no broken pipe however much stands behind it."""
    told = subprocess.run(["make", "-n", "lock"], cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    (recipe,) = [line for line in told.splitlines() if line.endswith("> requirements-installer.lock")]
    entry = "uv==1.0 \\\n    --hash=sha256:aa\n"
    behind = "".join(f"uv-other{number}==1.0 \\\n    --hash=sha256:{'b' * 64}\n" for number in range(5000))
    (tmp_path / "requirements.lock").write_text("tzdata==1 \\\n    --hash=sha256:cc\n" + entry + behind)
    subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", recipe], cwd=tmp_path, check=True)
    assert (tmp_path / "requirements-installer.lock").read_text() == entry

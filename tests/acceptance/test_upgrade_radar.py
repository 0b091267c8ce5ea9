"""`check --with` tells what another release would make wrong on the pages, and only that."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dagster_playbook.interpreters.upgrade_environment import REQUIREMENT

from .conftest import Playbook

PAGE = "# Ship\n\n```python\nfrom shiplib import old, kept, never\n```\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose environment has shiplib 1, and a folder of wheels with shiplib 2, which has lost a name."""
    root = tmp_path_factory.mktemp("upgrade")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / "env")], check=True)
    packages = next((root / "env").glob("lib/python3*/site-packages"))
    (packages / "shiplib.py").write_text("old = kept = 1\n", encoding="utf-8")
    (packages / "shiplib-1.0.dist-info").mkdir()
    (root / "wheels").mkdir()
    info = "shiplib-2.0.dist-info"
    with zipfile.ZipFile(root / "wheels" / "shiplib-2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("shiplib.py", "kept = 1\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: shiplib\nVersion: 2.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"shiplib.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    (root / "pyproject.toml").write_text('[tool.playbook]\ncommands = []\npython = "env"\n', encoding="utf-8")
    (root / "README.md").write_text(PAGE, encoding="utf-8")
    return root


def test_only_what_the_upgrade_breaks_is_told(playbook: Playbook, project: Path) -> None:
    """A name that is gone then is told; one that is wrong already is not, and the environment is as it was."""
    wheels = str(project / "wheels")
    done = playbook("check", "--with", "shiplib==2.*", cwd=project, UV_NO_INDEX="1", UV_FIND_LINKS=wheels)
    assert done.returncode == 1, done.stderr
    assert "'shiplib' has no name 'old'" in done.stdout
    assert "'never'" not in done.stdout
    assert playbook("check", cwd=project).stdout.count("PY503") == 1


def test_a_release_that_is_not_to_be_had_is_one_error(playbook: Playbook, project: Path) -> None:
    """Exit code 2 and the installer's reason; nothing passes."""
    done = playbook("check", "--with", "shiplib==3.*", cwd=project, UV_NO_INDEX="1", UV_FIND_LINKS=str(project))
    assert (done.returncode, "shiplib==3.* cannot be installed" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("dagster==1.13.*", True),
        ("dagster", True),
        ("sqlmesh[trino]>=0.230,<0.240", True),
        ("-rfile", False),
        ("--index-url=x", False),
        ("x @ https://example.com/x.whl", False),
        ("./folder", False),
    ],
)
def test_only_names_with_versions_are_requirements(text: str, is_one: bool) -> None:
    """An option of the installer, a file or an address is none."""
    assert bool(REQUIREMENT.fullmatch(text)) is is_one

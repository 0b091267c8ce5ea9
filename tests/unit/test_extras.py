"""What only some work needs is not needed by the rest, and is named with the command that brings it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dagster_playbook.extras import EXTRAS, install_command

PROJECT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: runs a command line with some modules hidden
WITHOUT = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in HIDDEN:
            raise ModuleNotFoundError(f'no {name}', name=name)
sys.meta_path.insert(0, Hidden())
from dagster_playbook.cli import main
main(sys.argv[1:])
"""


def _without(extras: set[str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    hidden = {module for module, extra in EXTRAS.items() if extra in extras}
    code = f"HIDDEN = {hidden!r}\n{WITHOUT}"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_tool_itself_has_no_platform() -> None:
    """Neither Dagster nor SQLMesh nor a client of a warehouse comes with the core."""
    names = {re.split(r"[\[<>=~!;\s]", item)[0] for item in PYPROJECT["dependencies"]}
    assert not {name for name in names if re.match(r"dagster|sqlmesh|trino|google|dlt|duckdb|pyarrow|ruff", name)}


def test_every_extra_that_is_named_exists() -> None:
    """The command that an error gives installs something."""
    assert set(EXTRAS.values()) <= set(PYPROJECT["optional-dependencies"])


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(["lsp"], "lsp"), (["plan", "page.md"], "run"), (["stack", "status"], "stack")],
)
def test_a_missing_extra_is_one_error_with_its_command(tmp_path: Path, arguments: list[str], extra: str) -> None:
    """Exit code 2 and the command to type, no traceback."""
    (tmp_path / "page.md").write_text("# A page\n", encoding="utf-8")
    done = _without(set(EXTRAS.values()), *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert install_command(extra) in done.stderr
    assert "Traceback" not in done.stderr


def test_pages_are_checked_without_any_extra(tmp_path: Path) -> None:
    """What an extra judges is counted and said, the rest is held."""
    (tmp_path / "pyproject.toml").write_text("[tool.playbook]\ncommands = []\n", encoding="utf-8")
    text = "# A page\n\n```python\nprint(x)\n```\n\n```json\n{\n```\n"
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    done = _without(set(EXTRAS.values()), "check", cwd=tmp_path)
    assert "1 block not judged for want of ruff" in done.stderr
    assert "PB017" in done.stdout
    assert done.returncode == 1


def test_the_command_fits_how_the_tool_was_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that uv or pipx keeps for the tool is not written into by pip."""
    told = []
    for prefix in ("/home/a/.local/share/uv/tools/dagster-playbook", "/home/a/.local/pipx/venvs/x", "/nowhere"):
        monkeypatch.setattr(sys, "prefix", prefix)
        told.append(install_command("lsp").partition(" '")[0])
    assert told == ["uv tool install --force", "pipx install --force", "pip install"]

"""A change that touches only the platform fails at the page that became wrong."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dagster_playbook.check.changed import platform_source
from dagster_playbook.settings import CodeLocation, Settings, SqlmeshProject

from .conftest import Playbook

SAMPLE = Path(__file__).parents[1] / "data" / "platform" / "sample"
PAGE = "# Customers\n\n```sql\nSELECT customer_id FROM shop.customers\n```\n"
SETTINGS = '[tool.playbook]\ncommands = []\nschema = "shop"\n[[tool.playbook.sqlmesh]]\npath = "transform"\n'


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkout whose last commit is right, and in which a model's column was renamed since."""
    root = tmp_path_factory.mktemp("renamed") / "shop"
    shutil.copytree(SAMPLE / "transform", root / "transform")
    (root / "docs").mkdir()
    (root / "docs" / "customers.md").write_text(PAGE, encoding="utf-8")
    (root / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    (root / ".gitignore").write_text(".playbook\n", encoding="utf-8")
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    model = root / "transform" / "models" / "customers.sql"
    model.write_text(model.read_text(encoding="utf-8").replace("customer_id", "client_id", 1), encoding="utf-8")
    yield root


def test_a_renamed_column_fails_the_check_of_changes(playbook: Playbook, renamed: Path) -> None:
    """No page has changed, and the one that reads the model is wrong now."""
    done = playbook("check", "--changed", cwd=renamed)
    assert done.returncode == 1, done.stderr
    assert "docs/customers.md:4:8: SQ703" in done.stdout
    assert "transform/models/customers.sql is part of the platform" in done.stderr


def test_the_hook_fails_on_the_model_alone(playbook: Playbook, renamed: Path, project: Path) -> None:
    """pre-commit hands over what has changed: the hook is not waiting for a page."""
    hooks = yaml.safe_load((project / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    entry = shlex.split(next(hook["entry"] for hook in hooks if hook["id"] == "playbook-check"))
    done = playbook(*entry[1:], "transform/models/customers.sql", cwd=renamed)
    assert done.returncode == 1, done.stderr
    assert "SQ703" in done.stdout


def test_a_change_that_touches_nothing_loads_nothing(playbook: Playbook, renamed: Path) -> None:
    """A commit elsewhere in a repository costs no load of the platform, and says that nothing was checked."""
    (renamed / "notes.txt").write_text("x\n", encoding="utf-8")
    done = playbook("check", "--changed-files", "notes.txt", cwd=renamed, VIRTUAL_ENV="/nowhere")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("0 files")


@pytest.mark.parametrize(
    ("path", "is_source"),
    [
        ("transform/models/a.sql", True),
        ("transform/README.md", False),
        ("location/shop/definitions.py", True),
        ("library/shared.py", True),
        ("dagster.yaml", True),
        ("catalogs/lake.properties", True),
        ("pyproject.toml", True),
        ("uv.lock", True),
        ("requirements-dev.txt", True),
        ("docs/page.md", False),
        ("docs/image.png", False),
        ("transformers/x.sql", False),
    ],
)
def test_what_the_platform_is_read_from_is_told_by_its_place(path: str, is_source: bool) -> None:
    """Models, code, configs and the files that say which releases are installed; never a page."""
    settings = Settings(
        Path("/x"),
        catalogs="catalogs",
        sqlmesh=(SqlmeshProject("transform"),),
        dagster=(CodeLocation("shop.definitions", "location", "dagster.yaml"),),
    )
    assert bool(platform_source(settings, frozenset({path}))) is is_source


def test_a_project_begins_with_one_command(playbook: Playbook, tmp_path: Path) -> None:
    """`init` writes settings that the first check holds a page to, and says what it found; a second one refuses."""
    shutil.copytree(SAMPLE / "transform", tmp_path / "transform")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(PAGE.replace("customer_id", "client_id"), encoding="utf-8")
    asked = playbook("init", cwd=tmp_path)
    assert (asked.returncode, "say --yes" in asked.stderr) == (2, True)
    done = playbook("init", "--yes", "--no-workflow", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "docs/page.md:4:8: SQ703" in done.stdout
    assert (tmp_path / ".pre-commit-config.yaml").is_file() and not (tmp_path / ".github").exists()
    again = playbook("init", "--yes", cwd=tmp_path)
    assert (again.returncode, "has [tool.playbook] already" in again.stderr) == (2, True)

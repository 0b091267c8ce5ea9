from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dagster_playbook.check.changed import changed_files, is_revision, touched_pages
from dagster_playbook.errors import PlaybookError
from dagster_playbook.settings import Settings

_IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *_IDENTITY, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose project stands in a folder of it, with one commit."""
    root = tmp_path / "platform"
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "a.md").write_text("# A\n")
    (root / "docs" / "b c.md").write_text('# B\n\n--8<-- "shared.md"\n')
    (root / "docs" / "é.md").write_text("# E\n")
    (root / "shared.md").write_text("shared\n")
    (root / ".gitignore").write_text("ignored.md\n")
    (tmp_path / "other.md").write_text("other\n")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return root


def pages_of(root: Path) -> list[str]:
    return [f"docs/{name}" for name in ("a.md", "b c.md", "é.md")]


def test_nothing_changed(checkout: Path) -> None:
    """In a clean checkout nothing has changed."""
    assert changed_files(checkout, "HEAD") == frozenset()


def test_worktree_index_and_untracked(checkout: Path) -> None:
    """Changes of the working tree and of the index and untracked files count; ignored ones and other folders do not."""
    (checkout / "docs" / "a.md").write_text("# A!\n")
    (checkout / "docs" / "é.md").write_text("# E!\n")
    git(checkout, "add", "docs/é.md")
    (checkout / "docs" / "é.md").write_text("# E\n")
    (checkout / "docs" / "new.md").write_text("# N\n")
    (checkout / "ignored.md").write_text("x\n")
    (checkout.parent / "other.md").write_text("other!\n")
    assert changed_files(checkout, "HEAD") == {"docs/a.md", "docs/é.md", "docs/new.md"}


def test_against_a_revision(checkout: Path) -> None:
    """Against an older revision the committed changes count as well."""
    (checkout / "docs" / "a.md").write_text("# A!\n")
    git(checkout, "commit", "--quiet", "--all", "-m", "second")
    assert changed_files(checkout, "HEAD") == frozenset()
    assert changed_files(checkout, "HEAD~1") == {"docs/a.md"}


def test_include_touches_its_page(checkout: Path) -> None:
    """A page is touched when a file that it includes has changed, and when one of its includes is gone."""
    settings = Settings(root=checkout)
    assert touched_pages(settings, pages_of(checkout), frozenset({"shared.md"})) == ["docs/b c.md"]
    (checkout / "shared.md").unlink()
    assert touched_pages(settings, pages_of(checkout), changed_files(checkout, "HEAD")) == ["docs/b c.md"]


@pytest.mark.parametrize("name", ["no-such", "--output=/tmp/x", "-p", ""])
def test_no_such_revision(checkout: Path, name: str) -> None:
    """A word that git does not know, or takes for an option, is no revision and a clear error."""
    assert not is_revision(checkout, name)
    with pytest.raises(PlaybookError, match="no revision"):
        changed_files(checkout, name)


def test_outside_of_a_checkout(tmp_path: Path) -> None:
    """Outside of a checkout the error says so."""
    with pytest.raises(PlaybookError, match="not a git repository"):
        changed_files(tmp_path, "HEAD")


def test_without_git(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git on PATH the error says so."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(PlaybookError, match="needs git"):
        changed_files(checkout, "HEAD")

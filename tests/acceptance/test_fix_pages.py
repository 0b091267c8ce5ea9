"""`playbook check --fix` and `--diff` on a small project."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Playbook = Callable[..., "subprocess.CompletedProcess[str]"]


DRIFTED = """\
# Release

This is <!-- fact: project.version -->0.9.0<!-- /fact -->, with <!-- fact: make.targets.count -->three<!-- /fact -->
targets.

```{ .sh titel="Build" }
make build
```
"""
RIGHT = DRIFTED.replace("0.9.0", "1.0.0").replace("three", "two").replace("titel", "title")


@pytest.fixture
def drifted(small_project: Path) -> Path:
    """A page on which three things have exactly one right answer."""
    page = small_project / "docs" / "broken.md"
    page.write_text(DRIFTED)
    return page


def test_fix_writes_and_checks_again(drifted: Path, small_project: Path, playbook: Playbook) -> None:
    """Fixes are written, and the report is of the page as it is then."""
    done = playbook("check", "--fix", "docs/broken.md", cwd=small_project)
    assert drifted.read_text() == RIGHT
    assert (done.returncode, done.stderr) == (0, "3 fixes written\n")
    assert done.stdout.endswith("0 findings\n")


@pytest.mark.parametrize("strict", ["true", "false"])
def test_names_that_may_be_meant_otherwise_are_left(strict: str, small_project: Path, playbook: Playbook) -> None:
    """A catalog and a make target that nearly exist are told with the near name, and no byte of the page changes."""
    settings = small_project / "pyproject.toml"
    settings.write_text(settings.read_text().replace("strict = true", f"strict = {strict}"))
    page = small_project / "docs" / "broken.md"
    before = page.read_bytes()
    done = playbook("check", "--fix", "--doubts", cwd=small_project)
    assert page.read_bytes() == before and "fixes written" not in done.stderr
    assert "did you mean 'lake'?" in done.stdout and "did you mean 'test'?" in done.stdout


def test_suppression_without_use_is_left(small_project: Path, playbook: Playbook) -> None:
    """The reason of a suppression is somebody's words: that it is of no use is told, and it stays."""
    page = small_project / "docs" / "broken.md"
    text = '<!-- playbook: ignore SV301 reason="old name" -->\nThe catalog is `lake`.\n'
    page.write_text(text)
    done = playbook("check", "--fix", "docs/broken.md", cwd=small_project)
    assert page.read_text() == text and "PB008" in done.stdout


def test_many_fixes_are_written_in_rounds(small_project: Path, playbook: Playbook) -> None:
    """A page with more fixes than are tried at once is right after one command all the same."""
    page = small_project / "docs" / "broken.md"
    line = "Version <!-- fact: project.version -->0.9.0<!-- /fact -->.\n\n"
    page.write_text(line * 30)
    done = playbook("check", "--fix", "docs/broken.md", cwd=small_project)
    assert page.read_text() == line.replace("0.9.0", "1.0.0") * 30
    assert (done.returncode, done.stderr) == (0, "30 fixes written\n")


def test_fix_keeps_line_ends_and_mark(drifted: Path, small_project: Path, playbook: Playbook) -> None:
    """A page with Windows line ends and a byte order mark keeps both."""
    drifted.write_bytes(b"\xef\xbb\xbf" + DRIFTED.replace("\n", "\r\n").encode())
    playbook("check", "--fix", "docs/broken.md", cwd=small_project)
    assert drifted.read_bytes() == b"\xef\xbb\xbf" + RIGHT.replace("\n", "\r\n").encode()


def test_fix_in_an_included_file(small_project: Path, playbook: Playbook) -> None:
    """A finding in an included file is fixed in that file, once, though two pages include it."""
    (small_project / "shared.md").write_text(DRIFTED)
    for name in ("broken", "index"):
        (small_project / "docs" / f"{name}.md").write_text('--8<-- "shared.md"\n')
    done = playbook("check", "--fix", cwd=small_project)
    assert (small_project / "shared.md").read_text() == RIGHT
    assert done.stderr == "3 fixes written\n"


def test_diff_writes_nothing(drifted: Path, small_project: Path, playbook: Playbook) -> None:
    """--diff shows what --fix would write, as a patch that git applies, and leaves the page alone."""
    done = playbook("check", "--diff", "docs/broken.md", cwd=small_project)
    assert drifted.read_text() == DRIFTED and done.returncode == 1
    subprocess.run(["git", "apply", "-"], cwd=small_project, input=done.stdout, text=True, check=True)
    assert drifted.read_text() == RIGHT


def test_changed_pages_only(small_project: Path, playbook: Playbook) -> None:
    """--changed checks the pages that git sees changed; with none, nothing is checked and all is well."""
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    (small_project / ".gitignore").write_text(".playbook/\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *arguments], cwd=small_project, check=True)
    clean = playbook("check", "--changed", cwd=small_project)
    assert clean.stdout.startswith("0 files") and clean.returncode == 0
    with (small_project / "docs" / "index.md").open("a") as page:
        page.write("\nMore.\n")
    assert playbook("check", "--changed", cwd=small_project).stdout.startswith("1 files")
    assert playbook("check", "--changed", "docs", cwd=small_project).stdout.startswith("1 files")

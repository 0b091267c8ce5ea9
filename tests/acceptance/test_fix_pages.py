"""`playbook check --fix` and `--diff` on a small project."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Playbook = Callable[..., "subprocess.CompletedProcess[str]"]


def test_fix_writes_and_checks_again(small_project: Path, playbook: Playbook) -> None:
    """Safe fixes are written, and the report is of the page as it is then."""
    done = playbook("check", "--fix", cwd=small_project)
    page = (small_project / "docs" / "broken.md").read_text()
    assert "`lake`" in page and "make test" in page
    assert (done.returncode, done.stderr) == (0, "2 fixes written\n")
    assert done.stdout.endswith("0 findings\n")


def test_fix_goes_on_until_stable(small_project: Path, playbook: Playbook) -> None:
    """A suppression that a fix makes useless is removed in the next round of the same command."""
    page = small_project / "docs" / "broken.md"
    page.write_text('<!-- playbook: ignore SV301 reason="old name" -->\nThe catalog is `lake`, run `make tset`.\n')
    done = playbook("check", "--fix", "docs/broken.md", cwd=small_project)
    assert page.read_text() == "The catalog is `lake`, run `make test`.\n"
    assert done.returncode == 0


def test_fix_keeps_line_ends_and_mark(small_project: Path, playbook: Playbook) -> None:
    """A page with Windows line ends and a byte order mark keeps both."""
    page = small_project / "docs" / "broken.md"
    page.write_bytes(b"\xef\xbb\xbfThe catalog `laek`.\r\n\r\nRun `make tset`.\r\n")
    playbook("check", "--fix", cwd=small_project)
    assert page.read_bytes() == b"\xef\xbb\xbfThe catalog `lake`.\r\n\r\nRun `make test`.\r\n"


def test_fix_in_an_included_file(small_project: Path, playbook: Playbook) -> None:
    """A finding in an included file is fixed in that file, once, though two pages include it."""
    (small_project / "shared.md").write_text("The catalog `laek`.\n")
    for name in ("broken", "index"):
        (small_project / "docs" / f"{name}.md").write_text('--8<-- "shared.md"\n')
    done = playbook("check", "--fix", cwd=small_project)
    assert (small_project / "shared.md").read_text() == "The catalog `lake`.\n"
    assert done.stderr == "1 fixes written\n"


def test_diff_writes_nothing(small_project: Path, playbook: Playbook) -> None:
    """--diff shows what --fix would write, as a patch that git applies, and leaves the page alone."""
    page = small_project / "docs" / "broken.md"
    before = page.read_text()
    done = playbook("check", "--diff", cwd=small_project)
    assert page.read_text() == before and done.returncode == 1
    subprocess.run(["git", "apply", "-"], cwd=small_project, input=done.stdout, text=True, check=True)
    assert "`lake`" in page.read_text() and "make test" in page.read_text()


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

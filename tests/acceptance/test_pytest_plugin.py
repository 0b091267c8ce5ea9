"""`pytest --playbook` in nested projects, as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run_pytest(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-q", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_claims_are_items(small_project: Path) -> None:
    """Each fence, span and link of a page is an item with the file and line in its id."""
    done = run_pytest("--playbook", "docs/", "--collect-only", cwd=small_project)
    assert done.stdout.splitlines()[:8] == [
        "docs/broken.md::docs/broken.md:1 page",
        "docs/broken.md::docs/broken.md:5:1 shell",
        "docs/broken.md::docs/broken.md:3:27 name",
        "docs/index.md::docs/index.md:1 page",
        "docs/index.md::docs/index.md:5:1 shell",
        "docs/index.md::docs/index.md:3:19 name",
        "docs/index.md::docs/index.md:3:46 link",
        "",
    ]


def test_finding_is_the_failure(small_project: Path) -> None:
    """An item fails with its finding as `playbook check` tells it, without a traceback; the others pass."""
    done = run_pytest("--playbook", "docs", cwd=small_project)
    assert "2 failed, 5 passed" in done.stdout and done.returncode == 1
    assert (
        "docs/broken.md:3:27: SV301 unknown-catalog: no catalog is called 'laek'; did you mean 'lake'?" in done.stdout
    )
    assert "FAILED docs/broken.md::docs/broken.md:6" not in done.stdout and "Traceback" not in done.stdout


def test_problem_of_the_page(small_project: Path) -> None:
    """What belongs to no claim fails the page's own item."""
    (small_project / "docs" / "broken.md").write_text('--8<-- "none.md"\n')
    done = run_pytest("--playbook", "docs/broken.md", cwd=small_project)
    assert "FAILED docs/broken.md::docs/broken.md:1 page" in done.stdout and "PB004" in done.stdout


def test_finding_in_an_included_file(small_project: Path) -> None:
    """A claim of an included file fails under the page that includes it, with the included file's place."""
    (small_project / "shared.md").write_text("The catalog `laek`.\n")
    (small_project / "docs" / "broken.md").write_text('--8<-- "shared.md"\n')
    done = run_pytest("--playbook", "docs/broken.md", cwd=small_project)
    assert "FAILED docs/broken.md::shared.md:1:14 name" in done.stdout


def test_nested_project_has_its_own_platform(small_project: Path) -> None:
    """Run from a folder above, each page is held to the project that it belongs to."""
    done = run_pytest("--playbook", "project/docs/index.md", "--rootdir", ".", cwd=small_project.parent)
    assert "4 passed" in done.stdout


def test_broken_settings_are_a_collection_error(small_project: Path) -> None:
    """A project that cannot be looked at is an error, never a pass."""
    (small_project / "pyproject.toml").write_text("[tool.playbook]\nno-such-setting = 1\n")
    done = run_pytest("--playbook", "docs/index.md", cwd=small_project)
    assert "has no setting 'no-such-setting'" in done.stdout and done.returncode == 2


def test_excluded_pages_are_left_out(small_project: Path) -> None:
    """A page that the settings exclude is not collected."""
    with (small_project / "pyproject.toml").open("a") as settings:
        settings.write('exclude = ["docs/broken.md"]\n')
    assert "4 passed" in run_pytest("--playbook", "docs", cwd=small_project).stdout


def test_costs_nothing_when_absent(small_project: Path) -> None:
    """Without the option no page is collected and nothing of the checker but the plugin is imported."""
    (small_project / "test_modules.py").write_text(
        "import sys\n\ndef test_modules():\n"
        "    ours = {name for name in sys.modules if name.startswith('dagster_playbook')}\n"
        "    assert ours == {'dagster_playbook', 'dagster_playbook.pytest_plugin'}\n"
    )
    assert "1 passed" in run_pytest(cwd=small_project).stdout

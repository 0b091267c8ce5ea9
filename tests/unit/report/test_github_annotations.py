from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.findings import Finding, Severity
from dagster_playbook.location import Location
from dagster_playbook.report import Report
from dagster_playbook.report.github import render

COUNTS = dict.fromkeys(("files", "fences", "spans", "checked", "exempt", "findings"), 1)


def command_of(finding: Finding, prefix: str = "") -> str:
    return render(Report(COUNTS, (finding,), prefix=prefix)).splitlines()[0]


def read_back(command: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as GitHub's runner reads it: percent last."""
    _, head, message = command.split("::", 2)
    level, _, properties = head.partition(" ")

    def plain(text: str) -> str:
        for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            text = text.replace(code, character)
        return text

    pairs = (item.partition("=") for item in properties.split(","))
    return level, {key: plain(value) for key, _, value in pairs}, plain(message)


@given(st.text(min_size=1), st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_escapes_are_read_back(message: str, path: str) -> None:
    """Whatever stands in a message or a path, the runner reads the same back."""
    finding = Finding(Location(path, 3, 4, 3, 9), "DG104", "unknown-job", message)
    command = render(Report(COUNTS, (finding,))).rsplit("\n", 1)[0]
    level, properties, told = read_back(command)
    assert (level, properties["file"], told) == ("error", path, message)


def test_columns() -> None:
    """The end column is the last one that is meant, and only told for a finding on one line."""
    one_line = command_of(Finding(Location("a.md", 3, 4, 3, 9), "DG104", "unknown-job", "m"))
    two_lines = command_of(Finding(Location("a.md", 3, 4, 5, 2), "DG104", "unknown-job", "m"))
    assert "col=4,endColumn=8" in one_line and "endColumn" not in two_lines


def test_paths_from_the_repository() -> None:
    """In a project within a repository the path is told from the repository's root."""
    finding = Finding(Location("docs/a.md"), "DG104", "unknown-job", "m", severity=Severity.WARNING)
    assert command_of(finding, "platform/").startswith("::warning file=platform/docs/a.md,")

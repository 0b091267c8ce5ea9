from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.check.edits import Rewrite, apply_fixes, rewrites_of_findings, unified_diff, write_rewrite
from dagster_playbook.errors import PlaybookError
from dagster_playbook.findings import Finding, Fix, Rule, Severity
from dagster_playbook.location import Location, lines_of


def fix(line: int, column: int, was: str, text: str, *, path: str = "a.md") -> Fix:
    return Fix(Location(path, line, column, line, column + len(was)), was, text)


def finding(one: Fix) -> Finding:
    return Finding(one.location, "DG104", "unknown-job", "m", fix=one)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_are_kept(line_end: str) -> None:
    """A fix on any line leaves every line end of the file as it is."""
    text = line_end.join(["one", "two jobx", "three", ""])
    after, count = apply_fixes(text, [fix(2, 5, "jobx", "joby")])
    assert (after, count) == (text.replace("jobx", "joby"), 1)


def test_new_lines_take_the_file_s_line_end() -> None:
    """A replacement of two lines is written with the line end that the file has."""
    assert apply_fixes("a\r\nb\r\n", [fix(2, 1, "b", "x\ny")])[0] == "a\r\nx\r\ny\r\n"


def test_mark_does_not_count_on_a_page() -> None:
    """A byte order mark is kept, and column 1 of a page is the character behind it."""
    assert apply_fixes("\ufeffjobx\n", [fix(1, 1, "jobx", "joby")])[0] == "\ufeffjoby\n"


def test_mark_counts_in_an_included_file() -> None:
    """An included file is read with its byte order mark, so there it is column 1."""
    assert apply_fixes("\ufeffjobx\n", [fix(1, 2, "jobx", "joby")], counts_bom=True)[0] == "\ufeffjoby\n"


def test_overlap_takes_the_first() -> None:
    """Of two fixes that overlap the first in the text is applied, the other waits for the next round."""
    assert apply_fixes("abcdef", [fix(1, 3, "cde", "Y"), fix(1, 1, "abc", "X")]) == ("Xdef", 1)


def test_same_fix_twice_is_one() -> None:
    """The same fix, raised by two pages that include the file, is applied once."""
    assert apply_fixes("abc", [fix(1, 1, "a", "X"), fix(1, 1, "a", "X")]) == ("Xbc", 1)


def test_neighbours_are_both_applied() -> None:
    """Fixes that touch without overlapping are both applied."""
    assert apply_fixes("abcd", [fix(1, 1, "ab", "X"), fix(1, 3, "cd", "Y")]) == ("XY", 2)


@pytest.mark.parametrize("place", [(3, 1, 2), (1, 9, 12), (1, 3, 2), (1, 1, 2)])
def test_place_that_is_gone(place: tuple[int, int, int]) -> None:
    """A fix whose place is not in the text, or holds something else by now, changes nothing."""
    line, column, end_column = place
    gone = Fix(Location("a.md", line, column, line, end_column), "b", "X")
    assert apply_fixes("abc\n", [gone]) == ("abc\n", 0)


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_line_separators_move_no_fix(separator: str) -> None:
    """Characters that end a line to Python alone, before a fix on its line and above it, leave it where it is."""
    text = f"a{separator}b\n{separator}jobx\n"
    assert apply_fixes(text, [fix(2, 2, "jobx", "joby")]) == (f"a{separator}b\n{separator}joby\n", 1)


@given(
    st.lists(st.tuples(st.text("ab é𝄞", max_size=8), st.sampled_from(["\n", "\r\n", "\r"])), max_size=6),
    st.lists(st.tuples(st.integers(1, 7), st.integers(1, 9), st.integers(1, 9)), max_size=8),
)
def test_only_the_named_places_change(lines: list[tuple[str, str]], places: list[tuple[int, int, int]]) -> None:
    """Whatever the fixes, each is a stretch of the text that became its replacement; all else stands as it was."""
    text = "".join(line + end for line, end in lines)
    shown = [*lines_of(text), *[""] * 8]
    words = [(line, column, shown[line - 1][column - 1 :][:width]) for line, column, width in places]
    after, count = apply_fixes(text, [fix(line, column, was, "#") for line, column, was in words if was])
    parts = after.split("#")
    assert len(parts) == count + 1
    assert re.fullmatch(".*".join(re.escape(part) for part in parts), text, re.DOTALL)


def test_diff_is_a_patch(tmp_path: Path) -> None:
    """The diff, applied by git, gives the file that the fix would write, also without a newline at its end."""
    import subprocess

    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "a.md"
    page.write_bytes(b"one\r\ntwo jobx\r\nlast jobx")
    rewrites = rewrites_of_findings(
        tmp_path,
        [finding(fix(2, 5, "jobx", "joby", path="docs/a.md")), finding(fix(3, 6, "jobx", "joby", path="docs/a.md"))],
        {"docs/a.md"},
    )
    diff = unified_diff(rewrites)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff.encode(), check=True)
    assert page.read_bytes().decode() == rewrites[0].after == "one\r\ntwo joby\r\nlast joby"


def test_permissions_are_kept(tmp_path: Path) -> None:
    """The written file has the permissions of the one before, and nothing is left beside it."""
    page = tmp_path / "a.md"
    page.write_text("jobx")
    page.chmod(0o640)
    write_rewrite(tmp_path, Rewrite("a.md", "jobx", "joby", 1))
    assert (page.read_text(), page.stat().st_mode & 0o777) == ("joby", 0o640)
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


def test_link_stays_a_link(tmp_path: Path) -> None:
    """A page that is a link within the project is written where it leads, and stays a link."""
    (tmp_path / "real.md").write_text("jobx")
    (tmp_path / "a.md").symlink_to("real.md")
    write_rewrite(tmp_path, Rewrite("a.md", "jobx", "joby", 1))
    assert (tmp_path / "a.md").is_symlink() and (tmp_path / "real.md").read_text() == "joby"


def test_no_write_outside_the_project(tmp_path: Path) -> None:
    """A page that is a link to a file outside the project is refused, and that file is not touched."""
    outside = tmp_path / "outside.md"
    outside.write_text("jobx")
    root = tmp_path / "project"
    root.mkdir()
    (root / "a.md").symlink_to(outside)
    with pytest.raises(PlaybookError, match="outside the project"):
        write_rewrite(root, Rewrite("a.md", "jobx", "joby", 1))
    assert outside.read_text() == "jobx"


def test_a_doubt_cannot_carry_a_fix() -> None:
    """A warning with a fix cannot be made, by whatever rule."""
    one = fix(1, 1, "jobx", "joby")
    with pytest.raises(ValueError, match="DG104: a doubt carries no fix"):
        Finding(one.location, "DG104", "unknown-job", "m", severity=Severity.WARNING, fix=one)
    with pytest.raises(ValueError, match="a doubt carries no fix"):
        Rule("DG104", "unknown-job", "s").finding(one.location, "m", fix=one, severity=Severity.WARNING)


@pytest.mark.parametrize("nothing", ["", " ", "\n"])
def test_a_fix_cannot_take_words_away(nothing: str) -> None:
    """A fix that puts nothing in the place of what stands there cannot be made."""
    with pytest.raises(ValueError, match="never takes words away"):
        fix(1, 1, "jobx", nothing)

"""What cannot be read is one clear problem at its line; reading never raises."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagster_playbook.markdown.model import Page
from dagster_playbook.markdown.reader import read_page


def read(root: Path, text: str | bytes, **options: int) -> Page:
    data = text.encode() if isinstance(text, str) else text
    (root / "page.md").write_bytes(data)
    return read_page(root, "page.md", **options)


def told(page: Page) -> list[tuple[str, str, int, int]]:
    places = [(problem.rule, problem.location) for problem in page.problems]
    return [(rule, place.path, place.line, place.column) for rule, place in places]


BROKEN = {
    "not UTF-8": (b"a\nb \xff\n", ("PB003", "page.md", 1, 1)),
    "unclosed fence": ("x\n\n- a\n\n    ```yaml\n    a: 1\n", ("PB002", "page.md", 5, 5)),
    "fence that superfences refuses": ('```yaml job="x"\na: 1\n```\n', ("PB002", "page.md", 1, 1)),
    "fence at indented code": ("    code\n```\nx\n```\n", ("PB002", "page.md", 2, 1)),
    "include of no file": ('a\n\n  --8<-- "none.md"\n', ("PB004", "page.md", 3, 11)),
    "include of no section": ('--8<-- "page.md:x"\n', ("PB005", "page.md", 1, 9)),
    "include outside of the roots": ('--8<-- "../../etc/hostname"\n', ("PB004", "page.md", 1, 9)),
    "include with a name too long": (f'--8<-- "{"x" * 3000}"\n', ("PB004", "page.md", 1, 9)),
    "broken front matter": ("---\na: 1\nb: [\n---\nx\n", ("PB010", "page.md", 4, 1)),
    "front matter that is a list": ("---\n- a\n---\nx\n", ("PB010", "page.md", 1, 1)),
    "alias bomb": (
        "---\na: &a [1]\nb: [" + "*a, " * 101 + "]\n---\nx\n",
        ("PB010", "page.md", 1, 1),
    ),
    "fact without end": ("a <!-- fact: k -->three\n", ("PB011", "page.md", 1, 3)),
    "fact without key": ("a <!-- fact: -->three\n", ("PB011", "page.md", 1, 3)),
    "fact without words": ("a <!-- fact: k --><!-- /fact -->\n", ("PB011", "page.md", 1, 3)),
    "end without fact": ("a three<!-- /fact -->\n", ("PB011", "page.md", 1, 8)),
    "fact at the beginning of a line": ("a\n <!-- fact: k -->three<!-- /fact -->\n", ("PB022", "page.md", 2, 2)),
    "end of a fact at a line's begin": (
        "a <!-- fact: k -->three\n<!-- /fact -->\n",
        ("PB022", "page.md", 2, 1),
    ),
    "suppression without code": ("<!-- playbook: ignore -->\nx\n", ("PB011", "page.md", 1, 1)),
    "unknown directive": ("<!-- playbook: forget DG101 -->\nx\n", ("PB011", "page.md", 1, 1)),
    "nesting without end": (
        "\n".join("    " * level + "- a" for level in range(150)),
        ("PB003", "page.md", 101, 401),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_input_is_one_problem_at_its_place(name: str, tmp_path: Path) -> None:
    """Each kind of bad input gives exactly one problem, at the line and column that a person edits."""
    text, expected = BROKEN[name]
    assert told(read(tmp_path, text)) == [expected]


def test_missing_page_is_a_problem(tmp_path: Path) -> None:
    """A page that does not exist is an unreadable page, not an exception."""
    assert told(read_page(tmp_path, "none.md")) == [("PB003", "none.md", 1, 1)]


def test_folder_and_null_byte_are_no_pages(tmp_path: Path) -> None:
    """A folder, and a path that no system takes, are unreadable pages."""
    (tmp_path / "folder.md").mkdir()
    assert [read_page(tmp_path, path).problems[0].rule for path in ("folder.md", "a\0b.md")] == ["PB003"] * 2


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A named pipe is no page: reading it would wait for ever."""
    os.mkfifo(tmp_path / "pipe.md")
    assert read_page(tmp_path, "pipe.md").problems[0].rule == "PB003"


def test_symlink_loop_is_a_problem(tmp_path: Path) -> None:
    """A page or an include that links to itself is unreadable."""
    (tmp_path / "loop.md").symlink_to("loop.md")
    assert told(read_page(tmp_path, "loop.md")) == [("PB003", "loop.md", 1, 1)]
    assert told(read(tmp_path, '--8<-- "loop.md"\n')) == [("PB003", "page.md", 1, 9)]


def test_size_is_bounded(tmp_path: Path) -> None:
    """A page above the bound, and one whose includes go above it, is one problem and nothing is read of it."""
    assert told(read(tmp_path, "x" * 101, max_bytes=100)) == [("PB003", "page.md", 1, 1)]
    (tmp_path / "big.txt").write_text("`x`\n" * 20)
    page = read(tmp_path, '--8<-- "big.txt"\n' * 5, max_bytes=100)
    assert {rule for rule, *_ in told(page)} == {"PB003"}


def test_include_bomb_is_bounded(tmp_path: Path) -> None:
    """Files that include each other twice do not multiply without end."""
    for level in range(30):
        (tmp_path / f"{level}.txt").write_text(f'--8<-- "{level + 1}.txt"\n' * 2)
    (tmp_path / "30.txt").write_text("x" * 1000)
    page = read(tmp_path, '--8<-- "0.txt"\n', max_bytes=10_000)
    assert {problem.rule for problem in page.problems} == {"PB003"}


def test_include_cycle_names_the_chain(tmp_path: Path) -> None:
    """A cycle is told where it closes, with the files that it runs through."""
    (tmp_path / "a.txt").write_text('\n--8<-- "b.txt"\n')
    (tmp_path / "b.txt").write_text('--8<-- "a.txt"\n')
    page = read(tmp_path, '--8<-- "a.txt"\n')
    assert told(page) == [("PB005", "b.txt", 1, 9)]
    assert "a.txt -> b.txt -> a.txt" in page.problems[0].message


def test_fence_shown_inside_code_is_no_problem(tmp_path: Path) -> None:
    """A lone fence mark in indented code, in a fence or in a comment is what the author wants to show or hide."""
    assert told(read(tmp_path, "x\n\n    ```yaml\n    a\n\ntext\n\n~~~\n```\n~~~\n")) == []
    assert told(read(tmp_path, "<!--\n```yaml\n-->\n\nx\n")) == []

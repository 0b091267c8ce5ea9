"""Reading a page ends: work is counted, and a page that would need too much of it is one finding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_playbook.markdown.model import Page
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.markdown.recorder import record

READ: dict[str, Callable[[int], str]] = {
    "lines of one paragraph": lambda n: "text `a` [b](c)\n" * n,
    "fences": lambda n: "```yaml\na: 1\n```\n\n" * n,
    "one large fence": lambda n: "```\n" + "x: 1\n" * 4 * n + "```\n",
    "unclosed fences": lambda n: "```yaml\n\n" * n,
    "footnotes": lambda n: "".join(f"[^{i}]: b\n" for i in range(n)),
    "containers without blank lines": lambda n: "!!! note\n    x\n" * n,
    "list items": lambda n: "- a\n\n" * n,
    "table rows": lambda n: "|a|b|\n|-|-|\n" + "|`x`|y|\n" * n,
    "open parentheses": lambda n: "[a](" + "(" * 8 * n + ")",
    "backtick runs": lambda n: " ".join("`" * (i % 60 + 1) for i in range(n)),
    "open comments": lambda n: "<!-- " * 4 * n,
    "open blocks": lambda n: "<div>\n" * n,
    "comments before fences": lambda n: "a <!-- x -->\n" * n + "```\nx\n```\n" * n,
    "emphasis": lambda n: "# " + "*a _b " * n,
    "attribute lists": lambda n: "`a`{ .x " * n,
    "suppressions": lambda n: "<!-- playbook: ignore DG101 -->\n" * n + "x\n" * n,
    "facts": lambda n: "x <!-- fact: a -->b<!-- /fact --> " * n,
    "ranges in an include": lambda n: '--8<-- "x' + ":1" * n + '"\n',
}
"""Unusual, and read."""

REFUSED: dict[str, Callable[[int], str]] = {
    "headings without blank lines": lambda n: "# h\ntext\n" * n,
    "rules without blank lines": lambda n: "a\n***\n" * n,
    "definitions between text": lambda n: "[a]: b\ntext\n" * n,
    "open brackets": lambda n: "[" * 8 * n,
    "open links": lambda n: "[a](" * 4 * n,
    "open tags": lambda n: '<a b="' * 4 * n,
    "comments in open tags": lambda n: "<span>x <!-- c --> " * n,
    "quoted options": lambda n: "```yaml " + 'a="" ' * n + "!\n",
}
"""What the renderer itself takes the square of its length for, or more."""


def read(root: Path, text: str) -> Page:
    (root / "page.md").write_text(text)
    return read_page(root, "page.md")


@pytest.mark.parametrize("name", READ)
def test_unusual_page_is_read(name: str, tmp_path: Path) -> None:
    """What only looks hostile is read like any page."""
    assert "PB024" not in {problem.rule for problem in read(tmp_path, READ[name](1000)).problems}


@pytest.mark.parametrize("name", REFUSED)
def test_endless_page_is_one_problem(name: str, tmp_path: Path) -> None:
    """What would keep the renderer busy is given up after a counted amount of work, with its reason."""
    problems = read(tmp_path, "before\n\n" + REFUSED[name](2400)).problems
    assert [problem.rule for problem in problems] == ["PB024"]
    assert problems[0].message == (
        "this page takes too long to read: the renderer would look at the text of this block too often"
    )


def test_the_problem_stands_at_the_block(tmp_path: Path) -> None:
    """The finding names the line that the renderer was at."""
    problems = read(tmp_path, "a\n\nb\n\n" + REFUSED["open brackets"](2400) + "\n").problems
    assert [(problem.location.line, problem.location.column) for problem in problems] == [(5, 1)]


def test_the_clock_is_the_second_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the count does not see is stopped by the clock."""
    monkeypatch.setattr(record, "SECONDS", 0.0)
    problems = read(tmp_path, READ["lines of one paragraph"](300)).problems
    assert [problem.message for problem in problems] == [
        "this page takes too long to read: the renderer computes longer than 0 seconds"
    ]


def test_page_after_a_refused_one_is_read(tmp_path: Path) -> None:
    """A renderer that was stopped in the middle is not used again."""
    read(tmp_path, REFUSED["open brackets"](2400))
    page = read(tmp_path, "# One\n\n- `a`\n")
    assert ([heading.anchor for heading in page.headings], [span.text for span in page.spans]) == (["one"], ["a"])


def test_what_makes_the_renderer_fail_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the renderer on one page is a finding of that page, with the renderer's own words."""
    from dagster_playbook.markdown.recorder.blocks import BlockRecorder

    def fail(*_: object) -> None:
        raise ValueError("no such block")

    monkeypatch.setattr(BlockRecorder, "open", fail)
    problems = read(tmp_path, "a\n").problems
    assert [(problem.rule, problem.message) for problem in problems] == [
        ("PB003", "the renderer fails on this page: ValueError: no such block")
    ]


def test_large_page_is_read(tmp_path: Path) -> None:
    """A fence of five megabytes and 10,000 small ones are each read whole."""
    (tmp_path / "one.md").write_text("```yaml\n" + "key: value\n" * 450_000 + "```\n")
    (tmp_path / "many.md").write_text("```yaml\na: 1\n```\n\n" * 10_000)
    assert read_page(tmp_path, "one.md").fences[0].body.count("\n") == 449_999
    assert len(read_page(tmp_path, "many.md").fences) == 10_000

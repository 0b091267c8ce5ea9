"""Reading takes time in proportion to the page, whatever stands in it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from dagster_playbook.markdown.reader import read_page

HOSTILE: dict[str, Callable[[int], str]] = {
    "lines of one paragraph": lambda n: "text `a` [b](c)\n" * n,
    "fences": lambda n: "```yaml\na: 1\n```\n\n" * n,
    "one large fence": lambda n: "```\n" + "x: 1\n" * 4 * n + "```\n",
    "unclosed fences": lambda n: "```yaml\n\n" * n,
    "headings without blank lines": lambda n: "# h\ntext\n" * n,
    "rules without blank lines": lambda n: "a\n***\n" * n,
    "definitions between text": lambda n: "[a]: b\ntext\n" * n,
    "footnotes": lambda n: "".join(f"[^{i}]: b\n" for i in range(n)),
    "containers without blank lines": lambda n: "!!! note\n    x\n" * n,
    "list items": lambda n: "- a\n\n" * n,
    "table rows": lambda n: "|a|b|\n|-|-|\n" + "|`x`|y|\n" * n,
    "open brackets": lambda n: "[" * 8 * n,
    "open links": lambda n: "[a](" * 4 * n,
    "open parentheses": lambda n: "[a](" + "(" * 8 * n + ")",
    "backtick runs": lambda n: " ".join("`" * (i % 60 + 1) for i in range(n)),
    "open tags": lambda n: '<a b="' * 4 * n,
    "open comments": lambda n: "<!-- " * 4 * n,
    "open blocks": lambda n: "<div>\n" * n,
    "comments in open tags": lambda n: "<span>x <!-- c --> " * n,
    "comments before fences": lambda n: "a <!-- x -->\n" * n + "```\nx\n```\n" * n,
    "emphasis": lambda n: "# " + "*a _b " * n,
    "attribute lists": lambda n: "`a`{ .x " * n,
    "suppressions": lambda n: "<!-- playbook: ignore DG101 -->\n" * n + "x\n" * n,
    "facts": lambda n: "x <!-- fact: a -->b<!-- /fact --> " * n,
    "quoted options": lambda n: "```yaml " + 'a="" ' * n + "!\n",
    "ranges in an include": lambda n: '--8<-- "x' + ":1" * n + '"\n',
}


def steps(action: Callable[[], Any]) -> int:
    """Lines of Python that the action runs."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("name", HOSTILE)
def test_work_grows_with_the_page(name: str, tmp_path: Path) -> None:
    """Four times the page is at most five times the work, in lines of code that run."""
    work = []
    for size in (150, 600):
        (tmp_path / "page.md").write_text(HOSTILE[name](size))
        work.append(steps(lambda: read_page(tmp_path, "page.md")))
    assert work[1] <= 5 * work[0], work


def test_large_page_is_read(tmp_path: Path) -> None:
    """A fence of five megabytes and 10,000 small ones are each read whole."""
    (tmp_path / "one.md").write_text("```yaml\n" + "key: value\n" * 450_000 + "```\n")
    (tmp_path / "many.md").write_text("```yaml\na: 1\n```\n\n" * 10_000)
    assert read_page(tmp_path, "one.md").fences[0].body.count("\n") == 449_999
    assert len(read_page(tmp_path, "many.md").fences) == 10_000

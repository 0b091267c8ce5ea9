"""Facts and suppressions in comments: what they bind and cover."""

from __future__ import annotations

from pathlib import Path

import markdown
import pytest

from dagster_playbook.markdown.model import Page
from dagster_playbook.markdown.reader import read_page


def read(root: Path, text: str) -> Page:
    (root / "page.md").write_text(text)
    return read_page(root, "page.md")


BOUND = {
    "A default of <!-- fact: a.b -->three<!-- /fact --> attempts": ("a.b", "three", 1, 32),
    "| x |\n|---|\n| <!-- fact: k -->`5` *times*<!-- /fact --> |": ("k", "5 times", 3, 19),
    "> a <!-- fact: k -->two\n> words<!-- /fact -->": ("k", "two words", 1, 21),
    "- item <!-- fact: k -->[`x`](y.md)<!-- /fact -->": ("k", "x", 1, 24),
    "<!-- fact: k -->Three<!-- /fact --> retries": ("k", "Three", 1, 17),
    "# Runs\n<!-- fact: k -->Three<!-- /fact --> retries": ("k", "Three", 2, 17),
    "```\nx\n```\n<!-- fact: k -->Three<!-- /fact --> retries": ("k", "Three", 4, 17),
}


@pytest.mark.parametrize("text", BOUND)
def test_fact_binds_the_words_that_are_shown(text: str, tmp_path: Path) -> None:
    """The key, the words without their markup, and where the words begin."""
    page = read(tmp_path, text + "\n")
    found = [(item.key, item.shown, item.location.line, item.location.column) for item in page.bindings]
    assert (found, page.problems) == ([BOUND[text]], [])


BROKEN = "a\n{indent}<!-- fact: k -->three<!-- /fact --> b\n"


@pytest.mark.parametrize("indent", ["", "   ", "    ", "x "])
def test_a_sentence_is_broken_where_the_renderer_breaks_it(indent: str, tmp_path: Path) -> None:
    """PB022 is told exactly where Python-Markdown makes two blocks of one sentence."""
    text = BROKEN.format(indent=indent)
    whole = markdown.markdown(text).count("<p>") == 1 and markdown.markdown(text).startswith("<p>a\n")
    assert [problem.rule for problem in read(tmp_path, text).problems] == ([] if whole else ["PB022"])


def test_nested_fact_is_a_problem_and_the_inner_one_counts(tmp_path: Path) -> None:
    """Facts do not nest: the outer one is reported at its own place."""
    page = read(tmp_path, "<!-- fact: a -->x <!-- fact: b -->y<!-- /fact -->\n")
    assert [binding.key for binding in page.bindings] == ["b"]
    assert [(problem.rule, problem.location.column) for problem in page.problems] == [("PB011", 1)]


def test_directives_in_code_are_shown_not_read(tmp_path: Path) -> None:
    """A directive in a fence, in indented code or in inline code is an example of one."""
    text = "`<!-- fact: a -->`\n\n```\n<!-- fact: b -->\n```\n\n    <!-- playbook: ignore DG101 -->\n"
    page = read(tmp_path, text)
    assert (page.bindings, page.suppressions, page.problems) == ([], [], [])


COVERED = {
    '<!-- playbook: ignore DG101,SM201 reason="on purpose" -->\n\n```\na\n\nb\n```\n': (3, 7),
    "<!-- playbook: ignore DG101 -->\ntext\nmore\n\nother\n": (2, 3),
    "text `x` <!-- playbook: ignore DG101 --> text\nother\n": (1, 1),
    "- a\n\n    <!-- playbook: ignore DG101 -->\n\n    ```\n    x\n    ```\n\nb\n": (5, 7),
    "text\n\n<!-- playbook: ignore DG101 -->\n": (3, 3),
}


@pytest.mark.parametrize("text", COVERED)
def test_suppression_covers_the_next_block_or_its_own_line(text: str, tmp_path: Path) -> None:
    """Alone on its line it covers the fence or paragraph below; beside text, that line."""
    page = read(tmp_path, text)
    assert [(item.first_line, item.last_line) for item in page.suppressions] == [COVERED[text]]


def test_suppression_keeps_codes_and_reason(tmp_path: Path) -> None:
    """Codes as written in order; a missing reason is empty, for the rule layer to report."""
    page = read(
        tmp_path, "<!-- playbook: ignore DG101, SM201 reason='why not' -->\nx\n\ny <!-- playbook: ignore PB001 -->\n"
    )
    assert [(item.codes, item.reason) for item in page.suppressions] == [
        (("DG101", "SM201"), "why not"),
        (("PB001",), ""),
    ]

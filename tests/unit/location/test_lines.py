"""What a line is: only a newline, a carriage return or both end one, whatever else Python or YAML call a line end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_playbook.claims.yaml_text import read_yaml
from dagster_playbook.location import line_starts, lines_of, lines_with_ends

SEPARATORS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("separator", SEPARATORS)
def test_separators_end_no_line(separator: str) -> None:
    """A form feed, an information separator, U+0085 and U+2028 stand in a line as any other character."""
    assert lines_of(f"a{separator}b\nc") == [f"a{separator}b", "c"]


@given(st.text(st.sampled_from(["a", "\n", "\r", "\u2028", "\x0c"]), max_size=12))
def test_lines_are_the_text_again(text: str) -> None:
    """Lines with their ends, joined, are the text, and each begins where it is said to begin."""
    lines, starts = lines_with_ends(text), line_starts(text)
    assert "".join(lines) == text
    assert [text[start : start + len(line)] for start, line in zip(starts, lines, strict=False)] == lines


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_yaml_counts_lines_as_the_file_does(separator: str) -> None:
    """A key behind a character that ends a line to YAML alone is told on the line where a person sees it."""
    node, problems = read_yaml(f'first: "one{separator}two"\nsecond: 2\n')
    assert node is not None and not problems
    key, _ = node.items()[1]
    assert (key.line, key.column, key.end_line, key.end_column) == (2, 1, 2, 7)

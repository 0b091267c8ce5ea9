from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.lsp.cursor import Cursor, cursor_at, word_at
from dagster_playbook.markdown.reader import read_page


def cursor_in(text: str) -> Cursor:
    """The cursor at the sign | of a page."""
    before = text[: text.index("|")]
    text = text.replace("|", "", 1)
    line = before.count("\n") + 1
    page = read_page(Path(), "a.md", text=text)
    return cursor_at(page, text.split("\n")[line - 1], line, len(before) - before.rfind("\n"))


def test_in_a_block_of_a_list() -> None:
    """In a block within a list the cursor's text is without the list's indent."""
    cursor = cursor_in("1. first\n\n    ```yaml\n    ops:\n      load|\n    ```\n")
    assert cursor.fence is not None and (cursor.line, cursor.before) == (2, "  load")


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("`oso.pro|`", "oso.pro"),
        ("<!-- fact: dagster.run| -->", "dagster.run"),
        ("```sh\nsqlmesh plan --ex|\n```", "--ex"),
        ("```yaml\n- oso.a|\n```", "oso.a"),
        ("```yaml\n- tag:entity|\n```", "tag:entity"),
        ("words |", ""),
    ],
)
def test_token(text: str, token: str) -> None:
    """The name that is being written is whole: dots, selectors and option dashes belong to it."""
    assert cursor_in(text).token == token


def test_kinds_of_place() -> None:
    """Inline code, a fact's key, a block's attribute and running text are told apart."""
    assert cursor_in("a `b|").is_code and not cursor_in("a `b` c|").is_code
    assert cursor_in("<!-- fact: a|").is_fact
    assert cursor_in('```{ .yaml job="l|" }\n```').attribute == "job"
    plain = cursor_in("just words|")
    assert not (plain.is_code or plain.is_fact or plain.attribute or plain.fence)


@pytest.mark.parametrize(("column", "word"), [(1, "Read"), (6, ""), (7, "oso.a_b"), (10, "oso.a_b"), (14, "oso.a_b")])
def test_word(column: int, word: str) -> None:
    """The name under or just before a column, without the full stop that ends the sentence."""
    assert word_at("Read `oso.a_b.` now", column)[0] == word

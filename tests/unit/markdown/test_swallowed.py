"""Words that a browser takes for tags are told where they stand in prose, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.markdown.reader import read_page


def _told(tmp_path: Path, text: str) -> list[tuple[int, int, str]]:
    (tmp_path / "p.md").write_text(text, encoding="utf-8")
    problems = read_page(tmp_path, "p.md").problems
    return [(p.location.line, p.location.column, p.subject) for p in problems if p.rule == "PB025"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Tagged entity_category=<category>.\n", (1, 24, "<category>")),
        ("Run it with <commit> and wait.\n", (1, 13, "<commit>")),
        ("Give <your name> here.\n", (1, 6, "<your name>")),
        ("A List<Item> of them.\n", (1, 7, "<Item>")),
        ("| a | <run-id> |\n|---|---|\n", (1, 7, "<run-id>")),
        ("- item <x1>\n", (1, 8, "<x1>")),
    ],
)
def test_word_that_is_swallowed_is_told(text: str, told: tuple[int, int, str], tmp_path: Path) -> None:
    """A placeholder in prose, a list or a table is named at its place."""
    assert _told(tmp_path, text) == [told]


@pytest.mark.parametrize(
    "text",
    [
        "Say `<commit>` and ``<a> ` <b>``.\n",
        "```sh\nrun <commit>\n```\n",
        "    run <commit>\n",
        "Say \\<commit> or &lt;commit&gt;.\n",
        "A <b>bold</b> <BR> <details open> <kbd>x</kbd> word.\n",
        "<https://example.com> <me@example.com> <mailto:a@b.c>\n",
        "<!-- <commit> -->\n",
        "<!-- two\n<commit>\nlines -->\n",
        "<pre>\n<commit>\n</pre>\n",
        "<my-card>Text</my-card>\n",
        "<Tabs>\n\nText\n\n</Tabs>\n",
        '<widget name="x">\n',
        "1 < 2 and a <- b, x <5> y\n",
        "---\ntitle: <commit>\n---\n\nText\n",
    ],
)
def test_what_is_shown_or_meant_is_not_told(text: str, tmp_path: Path) -> None:
    """Code, escapes, comments, real elements, components with an end, links and signs stay as they are."""
    assert _told(tmp_path, text) == []

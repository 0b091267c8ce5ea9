"""The journal: what was written is found again, and what was changed is seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook import journal
from dagster_playbook.runbook.journal import HEAD_NAME, Journal
from dagster_playbook.runbook.redaction import Redactor

Change = Callable[[list[str]], list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = Journal(tmp_path)
    written.append("opened", runbook="a.md", digest="d")
    for step in ("one", "two", "three"):
        written.append("step-started", step=step)
        written.append("step-finished", step=step, outcome="succeeded")
    return tmp_path


def rewrite(folder: Path, change: Change) -> None:
    path = folder / journal.FILE_NAME
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


def edited(line: str, **changes: object) -> str:
    return json.dumps(json.loads(line) | changes) + "\n"


CHANGES: dict[str, Change] = {
    "an outcome edited": lambda lines: [lines[0], lines[1], lines[2].replace("succeeded", "failed"), *lines[3:]],
    "a line taken out": lambda lines: lines[:2] + lines[3:],
    "the first line taken off": lambda lines: lines[1:],
    "the last lines taken off": lambda lines: lines[:-2],
    "two lines exchanged": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "a line doubled": lambda lines: [*lines[:2], lines[1], *lines[2:]],
    "a time edited": lambda lines: [edited(lines[0], at="2020-01-01T00:00:00+00:00"), *lines[1:]],
    "an event edited": lambda lines: [*lines[:-1], edited(lines[-1], event="closed")],
    "a hash edited": lambda lines: [edited(lines[0], hash="0" * 64), *lines[1:]],
    "a line that is no entry": lambda lines: [*lines[:3], "nonsense\n", *lines[3:]],
    "an entry with more in it": lambda lines: [edited(lines[0], extra=1), *lines[1:]],
    "an empty journal": lambda lines: [],
}


def test_a_journal_is_as_it_was_written(folder: Path) -> None:
    """Nothing is wrong with one that nobody touched."""
    assert journal.verify(folder) == []


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_journal_is_seen(folder: Path, name: str) -> None:
    """Every edit, removal, exchange and addition breaks the chain or its head."""
    rewrite(folder, CHANGES[name])
    assert journal.verify(folder)


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_journal_is_not_written_on(folder: Path, name: str) -> None:
    """No run is resumed from a journal that was changed."""
    rewrite(folder, CHANGES[name])
    with pytest.raises(RunbookError, match="was changed"):
        Journal(folder)


def test_a_lost_head_is_seen(folder: Path) -> None:
    """Without its head a journal could have been cut anywhere."""
    (folder / HEAD_NAME).unlink()
    assert journal.verify(folder)


@pytest.mark.parametrize("kept", [1, 5, 40])
def test_a_torn_last_line_is_dropped(folder: Path, kept: int) -> None:
    """A line that a crash cut short never happened; the next one takes its number."""
    path = folder / journal.FILE_NAME
    whole = path.read_text()
    last = whole.splitlines(keepends=True)[-1]
    path.write_text(whole + last[:kept])
    again = Journal(folder)
    assert again.append("resumed").seq == len(whole.splitlines()) + 1
    assert journal.verify(folder) == []


def test_a_crash_between_line_and_head_is_no_edit(folder: Path) -> None:
    """The head is written after its line and may be one behind."""
    head = (folder / HEAD_NAME).read_text()
    Journal(folder).append("resumed")
    (folder / HEAD_NAME).write_text(head)
    assert journal.verify(folder) == []
    Journal(folder).append("closed", state="failed")
    assert journal.verify(folder) == []


def test_secrets_are_never_written(tmp_path: Path) -> None:
    """Values of telling environment variables and of secret parameters are replaced wherever they stand."""
    redactor = Redactor(["open sesame"], {"MY_TOKEN": "tok-123456", "PATH": "/usr/bin"})
    written = Journal(tmp_path, redactor)
    written.append(
        "step-finished", result={"output": "x tok-123456 y", "list": ["open sesame"], "open sesame": "/usr/bin"}
    )
    text = (tmp_path / journal.FILE_NAME).read_text()
    assert "tok-123456" not in text
    assert "open sesame" not in text
    assert "/usr/bin" in text


@pytest.mark.parametrize("text", ["\ud800", "\u2028", "é", "e\u0301", "\x00", "{}", '"}\n{"'])
def test_any_text_survives(tmp_path: Path, text: str) -> None:
    """What a step gives is kept as it is, whatever characters it has."""
    Journal(tmp_path).append("step-finished", message=text)
    assert [entry.data["message"] for entry in journal.entries(tmp_path)] == [text]
    assert journal.verify(tmp_path) == []

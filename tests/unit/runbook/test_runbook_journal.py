"""The journal: what was written is found again, and what was changed is seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_disk import FAULTS, Disk

from dagster_playbook import durable
from dagster_playbook.approval.canonical import sha256
from dagster_playbook.errors import RecordError, RunbookError
from dagster_playbook.runbook import journal
from dagster_playbook.runbook.journal import HEAD_NAME, Journal
from dagster_playbook.runbook.redaction import Redactor

EIO = next(fault for fault in FAULTS if fault.name == "EIO")
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


def test_the_first_line_follows_nothing(folder: Path) -> None:
    """Numbers count from 1, and what comes before the first line is 64 zeros."""
    first = next(journal.entries(folder))
    assert (first.seq, first.previous) == (1, "0" * 64)


def test_a_head_names_the_newest_line(folder: Path) -> None:
    """The file beside the journal, and the anchor that others keep, are the number and hash of the last line."""
    last = list(journal.entries(folder))[-1]
    assert json.loads((folder / HEAD_NAME).read_text()) == {"seq": last.seq, "hash": last.hash}
    assert Journal(folder).anchor == f"{last.seq}:{last.hash}"


def test_an_entry_is_returned_as_it_is_written(tmp_path: Path) -> None:
    """What `append` gives is what the file holds, plain data that JSON cannot say turned into texts."""
    entry = Journal(tmp_path).append("opened", where=Path("x"), n=1)
    assert entry.data == {"where": "x", "n": 1}
    assert json.loads((tmp_path / journal.FILE_NAME).read_text()) == entry.as_dict()


def test_only_the_owner_opens_a_runs_folder(tmp_path: Path) -> None:
    """The folder is made with the narrow permissions, below folders that are made for it."""
    Journal(tmp_path / "runs" / "one").append("opened")
    assert (tmp_path / "runs" / "one").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "runs" / "one" / journal.FILE_NAME).stat().st_mode & 0o777 == 0o600


REASONS: dict[str, str] = {
    "an outcome edited": "line 3: its text was edited",
    "a line taken out": "line 3: number 4, so lines are missing or were moved",
    "the first line taken off": "line 1: number 2, so lines are missing or were moved",
    "the last lines taken off": "2 lines were taken off the end",
    "two lines exchanged": "line 2: number 3, so lines are missing or were moved",
    "a line doubled": "line 3: number 2, so lines are missing or were moved",
    "a time edited": "line 1: its text was edited",
    "an event edited": "line 7: its text was edited",
    "a hash edited": "line 1: its text was edited",
    "a line that is no entry": "line 4: not an entry of a journal",
    "an entry with more in it": "line 1: not an entry of a journal",
    "an empty journal": "7 lines were taken off the end",
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_told_for_its_own_reason(folder: Path, name: str) -> None:
    """The first thing that does not fit is the one that was done, at its line."""
    rewrite(folder, CHANGES[name])
    assert journal.verify(folder)[0] == REASONS[name]


def test_a_line_that_follows_another_is_told(folder: Path) -> None:
    """A line whose text and number fit, and whose predecessor is another, breaks the chain."""
    lines = [json.loads(line) for line in (folder / journal.FILE_NAME).read_text().splitlines()]
    body = {k: v for k, v in lines[3].items() if k != "hash"} | {"previous": "f" * 64}
    lines[3] = body | {"hash": sha256(body)}
    rewrite(folder, lambda _: [json.dumps(line) + "\n" for line in lines])
    assert journal.verify(folder) == [
        "line 4: it does not follow the line before",
        "line 5: it does not follow the line before",
    ]


def test_no_journal_is_told(tmp_path: Path) -> None:
    """A folder without one holds nothing to read."""
    with pytest.raises(RunbookError, match="no journal"):
        list(journal.entries(tmp_path))


HEADS: dict[str, tuple[str, list[str]]] = {
    "no JSON": ("{", ["head.json cannot be read"]),
    "no number": ('{"hash": "x"}', ["head.json cannot be read"]),
    "another hash": ('{"seq": 7, "hash": "x"}', ["the last line is not the one that was written last"]),
    "two lines behind": ('{"seq": 5, "hash": "x"}', ["2 lines were added without the head"]),
    "one line behind": ('{"seq": 6, "hash": "x"}', []),
    "one line ahead": ('{"seq": 8, "hash": "x"}', ["1 lines were taken off the end"]),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_does_not_fit_is_told(folder: Path, name: str) -> None:
    """One behind is a crash between a line and its head; anything else was done by hand."""
    text, told = HEADS[name]
    (folder / HEAD_NAME).write_text(text)
    assert journal.verify(folder) == told


def test_a_first_line_without_a_head_is_a_crash(tmp_path: Path) -> None:
    """The head of the first line may not have been written yet; that of the second is behind it."""
    written = Journal(tmp_path)
    written.append("opened")
    (tmp_path / HEAD_NAME).unlink()
    assert journal.verify(tmp_path) == []
    written.append("closed")
    (tmp_path / HEAD_NAME).unlink()
    assert journal.verify(tmp_path) == ["head.json is missing"]


def test_a_head_that_is_behind_catches_up_when_the_journal_is_opened(folder: Path) -> None:
    """So that a second crash never leaves it two lines behind."""
    head = (folder / HEAD_NAME).read_text()
    Journal(folder).append("resumed")
    (folder / HEAD_NAME).write_text(head)
    Journal(folder)
    assert json.loads((folder / HEAD_NAME).read_text())["seq"] == 8


def test_a_journal_that_could_not_be_written_goes_on_where_the_disk_stands(tmp_path: Path) -> None:
    """The line came to the disk and its head did not: the next line follows it, in the same process."""
    written = Journal(tmp_path)
    written.append("opened")
    calls = Disk()
    with calls.under(durable):
        written.append("step-started")
    at = len(calls.calls) - calls.calls[::-1].index("replace") - 1
    with Disk(EIO, at).under(durable), pytest.raises(RunbookError, match="the journal cannot be written: Input"):
        written.append("step-finished")
    assert written.append("interrupted").seq == 4
    assert journal.verify(tmp_path) == []


def test_a_line_that_a_broken_disk_kept_after_all_is_followed(tmp_path: Path) -> None:
    """The disk refused to sync the line and to cut it back: the next line follows it, in the same process."""
    written = Journal(tmp_path)
    written.append("opened")
    calls = Disk()
    with calls.under(durable):
        written.append("step-started")
    at, broken = calls.calls.index("fsync"), replace(EIO, calls=("fsync", "ftruncate"), lasting=True)
    with Disk(broken, at).under(durable), pytest.raises(RecordError, match="the journal cannot be written: Input"):
        written.append("step-finished")
    assert [entry.event for entry in journal.entries(tmp_path)] == ["opened", "step-started", "step-finished"]
    assert written.append("interrupted").seq == 4
    assert journal.verify(tmp_path) == []


def test_words_stand_as_they_are_read(tmp_path: Path) -> None:
    """A journal is for people, too: a letter is that letter."""
    Journal(tmp_path).append("opened", title="Grüße")
    assert "Grüße" in (tmp_path / journal.FILE_NAME).read_text(encoding="utf-8")


class Listening:
    """Told of every line, before and after."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, int]] = []

    def before(self, event: str, written: Journal) -> dict[str, str]:
        self.told.append(("before", event, written.seq))
        return {"besides": "kept"}

    def after(self, event: str, written: Journal) -> None:
        self.told.append(("after", event, written.seq))


def test_a_witness_is_told_of_every_line(tmp_path: Path) -> None:
    """Before it is written, for what it says besides, and when it is on disk."""
    witness = Listening()
    entry = Journal(tmp_path, None, witness).append("opened", title="x")
    assert witness.told == [("before", "opened", 0), ("after", "opened", 1)]
    assert entry.data == {"title": "x", "besides": "kept"}


def test_a_line_names_the_files_that_are_new_or_different(tmp_path: Path) -> None:
    """Each once, with size and digest, and not again while it stays as it is; the journal's own files never."""
    written = Journal(tmp_path)
    (tmp_path / "page.md").write_text("one")
    digest = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert written.append("opened").data["files"] == {"page.md": {"size": 3, "sha256": digest}}
    assert "files" not in written.append("step-started").data
    (tmp_path / "page.md").write_text("other")
    assert list(written.append("closed").data["files"]) == ["page.md"]
    assert "files" not in Journal(tmp_path).append("resumed").data


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

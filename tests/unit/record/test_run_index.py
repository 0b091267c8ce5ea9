"""The index of runs: a chain that is only appended to, whoever writes and whatever was cut."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.errors import RecordError
from dagster_playbook.runbook import run_index
from dagster_playbook.runbook.run_index import RunIndex

HEAD = "f" * 64


@pytest.fixture
def index(tmp_path: Path) -> RunIndex:
    """An index of two lines, in a folder that is made for it."""
    made = RunIndex(tmp_path / "not" / "yet" / "runs.jsonl")
    made.append("opened", "r1", 1, HEAD)
    made.append("closed", "r1", 6, HEAD)
    return made


def lines(index: RunIndex) -> list[dict[str, Any]]:
    return [json.loads(line) for line in index.path.read_text().splitlines()]


def test_a_line_is_what_is_written(index: RunIndex) -> None:
    """What is given back is what the file holds, and it follows the line before."""
    line = index.append("opened", "r2", 1, HEAD)
    assert (line.line, line.event, line.run, line.seq, line.head) == (3, "opened", "r2", 1, HEAD)
    read = index.read()
    assert (read.problems, len(read.lines), read.lines[-1]) == ([], 3, line)
    assert [one["previous"] for one in lines(index)] == ["0" * 64, *(one["hash"] for one in lines(index)[:-1])]


def test_the_anchor_is_the_newest_line(index: RunIndex, tmp_path: Path) -> None:
    """Its number and hash; of no index, number 0 and zeros."""
    assert index.anchor() == f"2:{index.read().lines[-1].hash}"
    assert RunIndex(tmp_path / "none.jsonl").anchor() == f"0:{'0' * 64}"
    assert not (tmp_path / "none.jsonl").exists()


def test_only_the_owner_reads_it(index: RunIndex) -> None:
    """Neither the file nor the folder that was made for it is open to others."""
    assert index.path.stat().st_mode & 0o777 == 0o600
    assert index.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_torn_end_is_left_out_and_cut(index: RunIndex) -> None:
    """A line that a crash cut short never happened, and the next one takes its place."""
    with index.path.open("a") as file:
        file.write('{"line": 3, "at": "2026')
    assert (len(index.read().lines), index.read().problems) == (2, [])
    assert index.append("opened", "r2", 1, HEAD).line == 3
    assert (len(index.read().lines), index.read().problems) == (3, [])


@pytest.mark.parametrize("text", ["", "{}", "[]", "1", "nonsense", "[" * 100_000])
def test_a_line_that_is_none_is_told(index: RunIndex, text: str) -> None:
    """Whatever stands there, the lines around it are read."""
    first, second = index.path.read_text().splitlines()
    index.path.write_text(f"{first}\n{text}\n{second}\n")
    read = index.read()
    assert len(read.lines) == 2
    assert read.problems == ["line 2: it is no line of an index"]


@pytest.mark.parametrize("key", ["line", "at", "event", "run", "seq", "head", "previous", "hash"])
@pytest.mark.parametrize("change", ["left out", "of another kind"])
def test_a_line_without_its_parts_is_told(index: RunIndex, key: str, change: str) -> None:
    """Each part is there and of its kind."""
    first, second = lines(index)
    if change == "left out":
        del second[key]
    else:
        second[key] = [second[key]]
    index.path.write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n")
    assert index.read().problems == ["line 2: it is no line of an index"]


def test_a_line_with_more_in_it_is_told(index: RunIndex) -> None:
    """Something that no hash covers does not pass."""
    first, second = lines(index)
    index.path.write_text(f"{json.dumps(first)}\n{json.dumps(second | {'more': 1})}\n")
    assert index.read().problems == ["line 2: it is no line of an index"]


CHANGES: dict[str, tuple[Callable[[list[dict[str, Any]]], list[dict[str, Any]]], list[str]]] = {
    "the first line taken off": (lambda found: found[1:], ["line 1: it does not follow the line before"]),
    "another number": (
        lambda found: [found[0], found[1] | {"line": 3}],
        ["line 2: it does not follow the line before", "line 2: its text was edited"],
    ),
    "another predecessor": (
        lambda found: [found[0], found[1] | {"previous": HEAD}],
        ["line 2: it does not follow the line before", "line 2: its text was edited"],
    ),
    "another run": (lambda found: [found[0], found[1] | {"run": "r2"}], ["line 2: its text was edited"]),
    "a line doubled": (lambda found: [*found, found[1]], ["line 3: it does not follow the line before"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_told_at_its_line(index: RunIndex, name: str) -> None:
    """Number, predecessor and text of each line are held."""
    change, told = CHANGES[name]
    index.path.write_text("".join(json.dumps(line) + "\n" for line in change(lines(index))))
    assert index.read().problems == told


def test_it_is_locked_while_a_line_is_written(index: RunIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs on two platforms never write a line behind the same one."""
    seen: list[str] = []
    real = run_index.append_to

    def looked_at(descriptor: int, line: str) -> None:
        with index.path.open("rb") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                seen.append("free")
            except BlockingIOError:
                seen.append("taken")
        real(descriptor, line)

    monkeypatch.setattr(run_index, "append_to", looked_at)
    index.append("opened", "r2", 1, HEAD)
    assert seen == ["taken"]


def test_a_new_indexs_name_is_on_the_disk_before_its_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only then: later lines need no sync of the folder."""
    synced: list[Path] = []
    monkeypatch.setattr(run_index, "sync_folder", synced.append)
    made = RunIndex(tmp_path / "runs.jsonl")
    made.append("opened", "r1", 1, HEAD)
    made.append("closed", "r1", 6, HEAD)
    assert synced == [tmp_path]
    made.path.unlink()
    made.path.touch()
    made.append("opened", "r1", 1, HEAD)
    assert synced == [tmp_path]


def test_a_disk_that_refuses_is_told(index: RunIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the file, the reason and what to do; the index is as it was."""
    before = index.path.read_bytes()

    def refuse(*_: Any) -> Any:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(run_index, "append_to", refuse)
    with pytest.raises(RecordError, match=r"runs\.jsonl: the run index cannot be written: No space left") as told:
        index.append("opened", "r2", 1, HEAD)
    assert "nothing is run without a record" in told.value.cure
    assert index.path.read_bytes() == before


def test_an_index_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    """A folder in its place is an error, not an index without lines."""
    (tmp_path / "runs.jsonl").mkdir()
    with pytest.raises(RecordError, match="the run index cannot be read"):
        RunIndex(tmp_path / "runs.jsonl").read()

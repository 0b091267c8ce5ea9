"""What is written is whole or not there, whatever a disk does."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_disk import FAULTS, Disk, Fault

from dagster_playbook import durable

SHORT, BROKEN = FAULTS[0], [fault for fault in FAULTS if "write" in fault.calls and not fault.name.startswith("short")]
NOTHING_TAKEN = Fault("no byte taken", lambda *_: 0, ("write",))


def test_a_short_write_is_carried_on(tmp_path: Path) -> None:
    """A write that takes three bytes at a time still writes every byte."""
    disk = Disk(replace(SHORT, lasting=True))
    with disk.under(durable):
        durable.write_whole(tmp_path / "whole", "a text of more than three bytes")
        durable.append_line(tmp_path / "lines", "a line of more than three bytes")
    assert disk.happened > 2
    assert (tmp_path / "whole").read_text() == "a text of more than three bytes"
    assert (tmp_path / "lines").read_text() == "a line of more than three bytes\n"


def calls_of(write: Callable[[], None]) -> list[str]:
    disk = Disk()
    with disk.under(durable):
        write()
    return disk.calls


@pytest.mark.parametrize("fault", [*BROKEN, NOTHING_TAKEN], ids=lambda fault: fault.name)
def test_a_refused_file_is_the_old_one(tmp_path: Path, fault: Fault) -> None:
    """A disk that refuses up to the renaming leaves the old content and nothing beside it."""
    path = tmp_path / "kept"
    calls = calls_of(lambda: durable.write_whole(path, "old"))
    for at in (n for n, call in enumerate(calls[: calls.index("replace") + 1]) if call in fault.calls):
        with Disk(fault, at).under(durable), pytest.raises(OSError, match=r"space|I/O|took no byte|Input"):
            durable.write_whole(path, "new")
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fault", [*BROKEN, NOTHING_TAKEN], ids=lambda fault: fault.name)
def test_a_refused_line_is_not_there(tmp_path: Path, fault: Fault) -> None:
    """A line that was not reported as written cannot be read as one later, also when a part of it was taken."""
    path = tmp_path / "lines"
    durable.append_line(path, "first")
    calls = calls_of(lambda: durable.append_line(path, "second"))
    for at in (n for n, call in enumerate(calls) if call in fault.calls and call != "close"):
        path.write_text("first\n")
        with Disk(fault, at).under(durable), pytest.raises(OSError, match=r"space|I/O|took no byte|Input"):
            durable.append_line(path, "second")
        # a disk that does not let go of a whole line either cannot be held to more than an error
        assert path.read_text() == "first\n" or (fault.name == "EIO from here on" and calls[at] == "fsync")


def test_a_new_files_name_is_synced_before_its_first_line(tmp_path: Path) -> None:
    """What fails behind the line would call a line refused that is there."""
    calls = calls_of(lambda: durable.append_line(tmp_path / "new", "first"))
    assert calls == ["open", "open", "fsync", "close", "write", "fsync", "close"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("one\n", "one\n"),
        ("one\ntw", "one\n"),
        ("on", ""),
        ("one\n" + "x" * 200_000, "one\n"),
        ("x" * 200_000, ""),
    ],
)
def test_a_torn_end_is_cut(tmp_path: Path, before: str, after: str) -> None:
    """What follows the last line end goes, however long it is, and nothing else."""
    path = tmp_path / "lines"
    path.write_text(before)
    with path.open("r+b") as file:
        durable.cut_torn_end(file.fileno())
    assert path.read_text() == after


@pytest.mark.parametrize(
    ("name", "is_left"),
    [
        (".head.json.12-0a1b2c3d.tmp", True),
        (".x.1-00000000.tmp", True),
        ("head.json.12-0a1b2c3d.tmp", False),
        (".head.json.12-0a1b2c3.tmp", False),
        (".head.json.tmp", False),
        (".head.json.12-0a1b2c3d.tmp.json", False),
    ],
)
def test_what_a_cut_write_has_left_is_known_by_its_name(name: str, is_left: bool) -> None:
    """Only a name that is made for writing aside is taken for one."""
    assert durable.is_left_over(name) is is_left


def test_what_is_written_aside_has_such_a_name(tmp_path: Path) -> None:
    """The two ends of that agreement."""
    assert durable.is_left_over(durable.write_aside(tmp_path / "head.json", "x").name)


def test_a_torn_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    """What a stopped machine left without a line end is ended before the next line."""
    path = tmp_path / "lines"
    path.write_text("first\nsec")
    durable.append_line(path, "third")
    assert path.read_text() == "first\nsec\nthird\n"


def test_a_line_is_one_line(tmp_path: Path) -> None:
    """A text with a line end is refused, for it would be read as two."""
    with pytest.raises(ValueError, match="no line end"):
        durable.append_line(tmp_path / "lines", "one\ntwo")


def test_only_the_owner_reads_what_is_written(tmp_path: Path) -> None:
    """Permissions are the narrow ones from the first byte on, whatever the umask."""
    old = os.umask(0)
    try:
        durable.write_whole(tmp_path / "secret", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600

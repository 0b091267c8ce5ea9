"""The ledger: a nonce is spent once, and whatever is not certain refuses."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook import durable
from dagster_playbook.approval import ledger as ledgers
from dagster_playbook.approval import statement
from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.grant import Grant
from dagster_playbook.approval.ledger import Ledger

GRANT = Grant("d" * 64, "a" * 32, "r@x", ("b@x",), dt.datetime.now(dt.UTC))
OTHER = Grant("d" * 64, "b" * 32, "r@x", ("b@x",), dt.datetime.now(dt.UTC))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "deep" / "ledger.jsonl")


def test_a_nonce_is_spent_once(ledger: Ledger) -> None:
    """The same run may come again, another run is refused, and another nonce is free."""
    ledger.spend(GRANT, "run-1")
    ledger.spend(GRANT, "run-1")
    ledger.look(GRANT.nonce, "run-1")
    for again in (lambda: Ledger(ledger.path).spend(GRANT, "run-2"), lambda: ledger.look(GRANT.nonce, "")):
        with pytest.raises(RefusedError, match=r"it was used already, on \d{4}-\S+ for run-1"):
            again()
    ledger.spend(OTHER, "run-2")


def test_looking_writes_nothing(ledger: Ledger) -> None:
    """Neither a line nor the file."""
    ledger.look(GRANT.nonce, "")
    assert not ledger.path.exists()
    assert ledger.entries() == []


def test_a_line_says_who_what_and_when(ledger: Ledger) -> None:
    """The nonce stands first, so that a line that was cut still tells whose it was; only the owner may read it."""
    ledger.spend(GRANT, "run-1")
    (entry,) = ledger.entries()
    at = dt.datetime.fromisoformat(entry.pop("at"))
    assert abs(at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    assert entry == {
        "nonce": "a" * 32, "holder": "run-1", "digest": "d" * 64, "requester": "r@x", "approver": "b@x",
        "break_glass": "",
    }  # fmt: skip
    assert ledger.path.read_text().startswith('{"nonce": ')
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


def test_a_broken_glass_is_written_down_with_its_reason(ledger: Ledger) -> None:
    """A reason that came with an approval is none."""
    ledger.spend(Grant("d", "a" * 32, "r@x", (), dt.datetime.now(dt.UTC), "fire"), "run-1")
    ledger.spend(Grant("d", "b" * 32, "r@x", ("b@x",), dt.datetime.now(dt.UTC), "a bug"), "run-2")
    assert [entry["break_glass"] for entry in ledger.entries()] == ["fire", ""]


def test_what_was_not_admitted_can_be_spent_again(ledger: Ledger) -> None:
    """A release is a line of its own; after it another run may spend the nonce, once."""
    ledger.spend(GRANT, "run-1")
    ledger.release(GRANT.nonce, "run-1", "the op refused")
    assert ledger.entries()[-1]["released"] == "the op refused"
    ledger.look(GRANT.nonce, "")
    ledger.spend(GRANT, "run-2")
    with pytest.raises(RefusedError, match="for run-2"):
        ledger.spend(GRANT, "run-1")


def test_nobody_releases_what_another_run_holds(ledger: Ledger) -> None:
    """Nor what was never spent, nor twice."""
    with pytest.raises(RefusedError, match="it was not spent on run-1"):
        ledger.release(GRANT.nonce, "run-1", "x")
    ledger.spend(GRANT, "run-1")
    with pytest.raises(RefusedError, match=r"used already, .* for run-1"):
        ledger.release(GRANT.nonce, "run-2", "x")
    ledger.release(GRANT.nonce, "run-1", "x")
    with pytest.raises(RefusedError, match="it was not spent on run-1"):
        ledger.release(GRANT.nonce, "run-1", "x")


def test_a_rejected_nonce_is_never_spent(ledger: Ledger) -> None:
    """The refusal says that it was rejected and why; what was spent cannot be rejected any more."""
    ledger.reject(GRANT.nonce, "too wide")
    for again in (lambda: ledger.spend(GRANT, "run-1"), lambda: ledger.look(GRANT.nonce, "")):
        with pytest.raises(RefusedError, match="for nothing: it was rejected: too wide"):
            again()
    ledger.spend(OTHER, "run-1")
    with pytest.raises(RefusedError, match="used already"):
        ledger.reject(OTHER.nonce, "too late")


def _line(**changes: Any) -> str:
    return json.dumps({"nonce": "f" * 32, "holder": "run-0", "at": "2020-01-01T00:00:00+00:00"} | changes)


TORN = {
    "cut in its nonce": ('{"nonce": "aaaa', "line 1 of the ledger cannot be read, and may be of this one"),
    "cut before its nonce": ('{"no', "line 1 of the ledger cannot be read, and may be of this one"),
    "cut after this nonce": (f'{{"nonce": "{"a" * 32}", "hol', "being used when line 1 of the ledger was cut off"),
    "no JSON": ("\x00\x00\x00\n", "line 1 of the ledger cannot be read"),
    "no object": ("[1]\n", "line 1 of the ledger cannot be read"),
    "no nonce": (_line(nonce=None) + "\n", "line 1 of the ledger cannot be read"),
    "no holder": (_line(nonce="a" * 32, holder=3) + "\n", "being used when line 1"),
    "no time": (_line(nonce="a" * 32, at="yesterday") + "\n", "being used when line 1"),
    "a time of no zone": (_line(nonce="a" * 32, at="2020-01-01T00:00:00") + "\n", "being used when line 1"),
    "whole, but its line end was not written": (_line(nonce="a" * 32), "being used when line 1"),
    "below good lines": (f"{_line()}\n\n{_line()}\nx\n{_line()}\n", "line 4 of the ledger cannot be read"),
    "nested too deep": ("[" * 100_000 + "\n", "line 1 of the ledger cannot be read"),
}


@pytest.mark.parametrize("name", TORN)
def test_a_line_that_cannot_be_read_refuses(ledger: Ledger, name: str) -> None:
    """Nobody knows what followed a write that was cut off, so nothing that it may be of is given out."""
    text, reason = TORN[name]
    ledger.path.parent.mkdir()
    ledger.path.write_text(text)
    for spend in (lambda: ledger.spend(GRANT, "run-1"), lambda: ledger.look(GRANT.nonce, "run-1")):
        with pytest.raises(RefusedError) as refused:
            spend()
        assert reason in str(refused.value)
        assert "mend or remove that line" in str(refused.value)
    assert ledger.path.read_text() == text


def test_a_torn_line_of_another_nonce_is_passed_over(ledger: Ledger) -> None:
    """It is kept as it is, and the new line is a line of its own."""
    ledger.path.parent.mkdir()
    ledger.path.write_text(f'{{"nonce": "{"f" * 32}", "holder": "ru')
    ledger.spend(GRANT, "run-1")
    assert [set(entry) >= {"torn"} for entry in ledger.entries()] == [True, False]
    with pytest.raises(RefusedError, match="used already"):
        ledger.spend(GRANT, "run-2")


def test_bytes_that_are_no_text_refuse(ledger: Ledger) -> None:
    """A sector of rubbish is no traceback."""
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(b"\xff\xfe\x80\n")
    with pytest.raises(RefusedError, match="line 1 of the ledger cannot be read"):
        ledger.spend(GRANT, "run-1")


class Disk:
    """The operating system, one call of which does something else."""

    def __init__(self, name: str, fault: Callable[..., Any]) -> None:
        self._name, self._fault = name, fault

    def __getattr__(self, name: str) -> Any:
        return self._fault if name == self._name else getattr(os, name)


def _fails(code: int) -> Callable[..., Any]:
    def fault(*_: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fault


def _three_bytes_then_full(descriptor: int, data: bytes) -> int:
    if len(data) < 200:
        raise OSError(errno.ENOSPC, "No space left on device")
    return os.write(descriptor, bytes(data)[:120])


FAULTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "the disk is full": ("write", _fails(errno.ENOSPC)),
    "the disk is broken": ("write", _fails(errno.EIO)),
    "the disk fills up within the line": ("write", _three_bytes_then_full),
    "the disk takes nothing": ("write", lambda *_: 0),
    "the sync fails": ("fsync", _fails(errno.EIO)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_disk_that_refuses_refuses_the_run(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Nothing is allowed, nothing of the line is left, and on a disk that works again the nonce is spent once."""
    ledger.spend(OTHER, "run-0")
    before = ledger.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(durable, "os", Disk(*FAULTS[name]))
        with pytest.raises(RefusedError, match=r"the ledger .*ledger\.jsonl cannot be written"):
            ledger.spend(GRANT, "run-1")
    assert ledger.path.read_bytes() == before
    ledger.spend(GRANT, "run-2")
    with pytest.raises(RefusedError, match="for run-2"):
        ledger.spend(GRANT, "run-1")


def test_a_short_write_is_carried_on(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that takes three bytes at a time still leaves the whole line, and the nonce is spent."""
    monkeypatch.setattr(durable, "os", Disk("write", lambda fd, data: os.write(fd, bytes(data)[:3])))
    ledger.spend(GRANT, "run-1")
    with pytest.raises(RefusedError, match="for run-1"):
        ledger.spend(GRANT, "run-2")


def test_a_half_line_that_could_not_be_cut_off_refuses(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up and then refuses even that leaves a torn line, which nobody passes over."""
    with monkeypatch.context() as patch:
        disk = Disk("write", _three_bytes_then_full)
        disk.ftruncate = _fails(errno.EIO)  # type: ignore[attr-defined]
        patch.setattr(durable, "os", disk)
        with pytest.raises(RefusedError, match="cannot be written"):
            ledger.spend(GRANT, "run-1")
    assert ledger.path.read_bytes()
    with pytest.raises(RefusedError, match="when line 1 of the ledger was cut off"):
        ledger.spend(GRANT, "run-2")


@pytest.mark.parametrize("ask", ["look", "spend"])
def test_a_ledger_that_cannot_be_read_refuses(ledger: Ledger, ask: str) -> None:
    """A folder in its place, for one, is a refusal in words."""
    ledger.path.mkdir(parents=True)
    with pytest.raises(RefusedError, match=r"the ledger .*ledger\.jsonl cannot be (read|written)"):
        if ask == "look":
            ledger.look(GRANT.nonce, "")
        else:
            ledger.spend(GRANT, "run-1")


def _at(monkeypatch: pytest.MonkeyPatch, ledger: Ledger, **earlier: float) -> dt.datetime:
    newest = dt.datetime.fromisoformat(ledger.entries()[-1]["at"])
    monkeypatch.setattr(statement, "now", lambda: newest - dt.timedelta(**earlier))
    return newest


def test_a_clock_that_was_set_back_is_told(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has expired looks alive then, so nothing is given out, and the refusal names both times."""
    ledger.spend(OTHER, "run-0")
    newest = _at(monkeypatch, ledger, days=1)
    for spend in (lambda: ledger.spend(GRANT, "run-1"), lambda: ledger.look(GRANT.nonce, "")):
        with pytest.raises(RefusedError, match="the clock was set back") as refused:
            spend()
        assert f"newest line is of {newest.isoformat()}" in str(refused.value)
        assert (newest - dt.timedelta(days=1)).isoformat() in str(refused.value)


@pytest.mark.parametrize(("minutes", "is_refused"), [(5, False), (5.1, True)])
def test_a_little_skew_is_no_clock_set_back(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, minutes: float, is_refused: bool
) -> None:
    """Workers that share a ledger are up to five minutes apart."""
    ledger.spend(OTHER, "run-0")
    _at(monkeypatch, ledger, minutes=minutes)
    if is_refused:
        with pytest.raises(RefusedError, match="set back"):
            ledger.spend(GRANT, "run-1")
    else:
        ledger.spend(GRANT, "run-1")


def test_the_newest_line_counts_wherever_it_stands(ledger: Ledger) -> None:
    """A line of the future above others is seen."""
    ledger.path.parent.mkdir()
    ledger.path.write_text(f"{_line(at='2999-01-01T00:00:00+00:00')}\n{_line()}\n")
    with pytest.raises(RefusedError, match="the clock was set back"):
        ledger.spend(GRANT, "run-1")


RACER = """
import datetime as dt, sys
from pathlib import Path
from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.grant import Grant
from dagster_playbook.approval.ledger import Ledger
ledger, holder = Ledger(Path(sys.argv[1])), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
spent = 0
for number in range(40):
    grant = Grant("d", f"{number:032x}", "r", ("a",), dt.datetime.now(dt.UTC))
    try:
        ledger.spend(grant, holder)
        print(number, flush=True)
    except RefusedError:
        pass
"""


def test_of_two_processes_exactly_one_spends_a_nonce(ledger: Ledger) -> None:
    """Two processes that go for the same forty nonces at once get each of them once, whoever is first."""
    command = [sys.executable, "-c", RACER, str(ledger.path)]
    racers = [
        subprocess.Popen([*command, f"run-{n}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    spent = []
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        spent += racer.communicate(timeout=60)[0].split()
    assert sorted(map(int, spent)) == list(range(40))
    assert len(ledger.entries()) == 40
    assert ledgers.Ledger(ledger.path).entries()[0]["holder"].startswith("run-")


def test_the_ledger_is_locked_while_it_is_read_and_written(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else can spend between the look and the line: whoever asks for the lock then does not get it."""
    import fcntl

    seen: list[str] = []
    real = ledgers.append_to

    def looked_at(descriptor: int, line: str) -> None:
        with ledger.path.open("rb") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                seen.append("free")
            except BlockingIOError:
                seen.append("taken")
        real(descriptor, line)

    monkeypatch.setattr(ledgers, "append_to", looked_at)
    ledger.spend(GRANT, "run-1")
    assert seen == ["taken"]


def test_the_ledgers_name_is_on_the_disk_with_its_line(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file is lost with a folder that was never synced, and with it what was spent."""
    synced: list[Path] = []
    monkeypatch.setattr(ledgers, "sync_folder", synced.append)
    ledger.spend(GRANT, "run-1")
    assert synced == [ledger.path.parent]


def test_a_ledger_far_below_is_made(tmp_path: Path) -> None:
    """The folders above it are made for it."""
    path = tmp_path / "not" / "yet" / "there" / "ledger.jsonl"
    Ledger(path).spend(GRANT, "run-1")
    assert path.is_file()


def test_a_line_without_its_time_is_not_certain(ledger: Ledger) -> None:
    """A whole line that lacks what the clock is held to refuses, as a torn one does."""
    ledger.spend(OTHER, "run-0")
    with ledger.path.open("a") as file:
        file.write(json.dumps({"nonce": GRANT.nonce, "holder": "run-1"}) + "\n")
    with pytest.raises(RefusedError, match="line 2 of the ledger was cut off"):
        ledger.spend(GRANT, "run-1")

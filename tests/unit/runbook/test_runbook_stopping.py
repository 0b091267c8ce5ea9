"""TERM and HUP are Ctrl-C: what is being written is written whole, and nothing is interrupted twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.runbook import execute
from dagster_playbook.runbook.execute import Executor, begin
from dagster_playbook.runbook.journal import Journal, entries, verify
from dagster_playbook.runbook.redaction import Redactor
from dagster_playbook.runbook.store import run_state
from dagster_playbook.runbook.surroundings import Surroundings
from dagster_playbook.settings import Settings
from dagster_playbook.stopping import SIGNALS, StoppedError, held_back, is_asked, is_urgent, reason, stop_signals

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize("number", SIGNALS)
def test_each_signal_unwinds_with_its_exit_code(number: signal.Signals) -> None:
    """As a shell says it."""
    with pytest.raises(StoppedError) as stopped, stop_signals():
        os.kill(os.getpid(), number)
    assert stopped.value.exit_code == CODES[number]
    assert reason(stopped.value) == ("Ctrl-C" if number == signal.SIGINT else number.name)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    """Under nohup a closed terminal stops nothing."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert not is_asked()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_record_that_is_being_written_is_written_whole() -> None:
    """The signal is heard at its end."""
    done = []
    with pytest.raises(StoppedError), stop_signals(), held_back():
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("whole")
    assert done == ["whole"]


def test_a_second_signal_interrupts_nothing() -> None:
    """While the first one unwinds, it only makes haste."""
    done = []
    with stop_signals():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except StoppedError:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            done.append(is_urgent())
    assert done == [True]


def test_handlers_are_put_back() -> None:
    """Nothing of it stays behind."""
    before = [signal.getsignal(number) for number in SIGNALS]
    with stop_signals():
        assert signal.getsignal(signal.SIGTERM) not in before
    assert [signal.getsignal(number) for number in SIGNALS] == before


FACTS = "".join(f'```yaml {{#{step} facts="equal"}}\na: 1\n```\n\n' for step in ("one", "two", "three"))


@pytest.mark.parametrize("number", range(1, 12))
def test_signals_at_every_call_leave_a_journal_that_goes_on(
    runbook_of: Callable[..., Any], tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two signals at the n-th write, in the middle of it: the chain holds, and the run is resumable where it stands."""
    runbook, folder = runbook_of(FACTS), tmp_path / "r1"
    calls = [0]
    write = execute.journals.append_line

    def signalled(path: Path, line: str) -> None:
        calls[0] += 1
        if calls[0] == number:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGHUP)
        write(path, line)

    monkeypatch.setattr(execute.journals, "append_line", signalled)
    journal = Journal(folder)
    around = Surroundings(
        Settings(tmp_path), "r1", dagster=dict, ask=lambda *_: "", progress=lambda *_: None,
        values_of_facts=lambda: {"a": 1}, anchor=lambda: journal.anchor,
    )  # fmt: skip
    executor = Executor(runbook, {}, journal, around, Redactor((), {}), lambda step: None, lambda *_: None)
    try:
        with stop_signals():
            with held_back():
                journal.append("opened", runbook="page.md")
            executor.run(begin(runbook))
    except StoppedError:
        pass
    monkeypatch.undo()
    assert verify(folder) == []
    state = run_state(folder)["state"]
    if state != "succeeded":
        progress = execute.where_it_stopped(runbook, folder)
        again = Executor(runbook, {}, Journal(folder), around, Redactor((), {}), lambda step: None, lambda *_: None)
        assert again.run(progress) == "succeeded"
    done = [entry.data["step"] for entry in entries(folder) if entry.event == "step-finished"]
    assert done == ["one", "two", "three"]

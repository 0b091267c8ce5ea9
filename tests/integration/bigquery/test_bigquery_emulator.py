"""The emulator as a service: it starts on a port of its own, stops, and its death is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.errors import PlatformError, StackError
from dagster_playbook.platform.bigquery import BigQueryReader, TableReference
from dagster_playbook.stack import bigquery_emulator as emulator
from dagster_playbook.stack.services import SERVICES

pytestmark = pytest.mark.bigquery


def test_death_is_told_by_the_reader(tmp_path: Path) -> None:
    """An emulator that was stopped in between is an error in time that says how to start it."""
    running = emulator.start(tmp_path)
    emulator.stop(running)
    assert running.process.returncode is not None
    with pytest.raises(PlatformError, match="did not answer") as caught:
        BigQueryReader(endpoint=running.endpoint, timeout_s=0.5).sample(TableReference.parse("p.d.t"))
    assert "--with bigquery" in caught.value.cure


def test_stopping_twice_is_no_error(tmp_path: Path) -> None:
    """An emulator that is gone is left alone."""
    running = emulator.start(tmp_path)
    emulator.stop(running)
    emulator.stop(running)
    assert running.process.poll() is not None


def test_an_emulator_that_cannot_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the process ends at once, the error has its last words and nothing is left running."""
    monkeypatch.setattr(emulator, "command", lambda rest, grpc: ["sh", "-c", "echo no luck; exit 3"])
    with pytest.raises(StackError, match="stopped with 3: no luck"):
        emulator.start(tmp_path)


def test_a_slow_emulator_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not answer in time is stopped and told."""
    monkeypatch.setattr(emulator, "command", lambda rest, grpc: ["sleep", "60"])
    with pytest.raises(StackError, match="was not ready within 0 s"):
        emulator.start(tmp_path, timeout_s=0.3)


def test_it_is_a_service_only_when_asked_for() -> None:
    """The stack knows the emulator and leaves it out unless it is named."""
    assert SERVICES["bigquery"].optional

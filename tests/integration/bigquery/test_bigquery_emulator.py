"""The emulator as a service of the stack: there when it is asked for, and its death is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.cli import main
from dagster_playbook.errors import PlatformError
from dagster_playbook.services.bigquery import BigQueryReader, TableReference
from dagster_playbook.stack.services import SERVICES

pytestmark = pytest.mark.bigquery
ROOT = Path(__file__).resolve().parents[3]


def test_death_is_told_by_the_reader(dead_emulator: str) -> None:
    """An emulator that was stopped in between is an error that says how to start it."""
    with pytest.raises(PlatformError, match="did not answer") as caught:
        BigQueryReader(endpoint=dead_emulator).sample(TableReference.parse("p.d.t"))
    assert "--with bigquery" in caught.value.cure


@pytest.mark.parametrize("what", ["asset", "seed"])
def test_nothing_is_written_without_the_emulator(
    what: str,
    dead_emulator: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`playbook new` against an emulator that is gone says so in one line, exits with 2 and writes nothing."""
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", dead_emulator)
    with pytest.raises(SystemExit) as caught:
        main(["new", what, "lake", "events", "--bigquery", "p.d.events", "--project", str(tmp_path)])
    said = capsys.readouterr().err
    assert caught.value.code == 2 and "did not answer" in said and "Traceback" not in said
    assert [path.name for path in tmp_path.rglob("*")] == ["pyproject.toml"]


def test_it_is_a_service_only_when_asked_for() -> None:
    """The stack knows the emulator and leaves it out unless it is named."""
    assert SERVICES["bigquery"].optional

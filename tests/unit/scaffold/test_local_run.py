"""A command that is run is judged by what it did, not only by how it ended."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dagster_playbook.scaffold.local_run import run


@pytest.mark.parametrize(
    ("program", "is_ok", "tail"),
    [
        ("print('3 rows'); print('bye')", True, "3 rows"),
        ("print('0 things')", False, "0 things"),
        ("print('3 rows'); raise SystemExit(2)", False, "3 rows"),
    ],
)
def test_proof_is_asked_for(program: str, is_ok: bool, tail: str, tmp_path: Path) -> None:
    """Exit code 0 without the proof is a failure, the proof with another exit code is one too."""
    outcome = run("step", [sys.executable, "-c", program], tmp_path, {}, proof=r"\d+ rows")
    assert (outcome.is_ok, outcome.tail) == (is_ok, tail)


def test_missing_command_is_an_outcome(tmp_path: Path) -> None:
    """A program that is not there fails its step and names itself."""
    outcome = run("step", [str(tmp_path / "nothing")], tmp_path, {})
    assert not outcome.is_ok and "nothing" in outcome.tail


def test_hanging_command_is_an_outcome(tmp_path: Path) -> None:
    """A program that does not end is ended and told."""
    outcome = run("step", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, {}, timeout_s=0.3)
    assert not outcome.is_ok and "did not end" in outcome.tail

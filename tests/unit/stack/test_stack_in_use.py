"""Which services are meant when none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.errors import StackError
from dagster_playbook.stack.in_use import SERVICE_VARIABLES, variables_in_use

PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", SERVICE_VARIABLES)
def test_an_environment_that_names_a_service_is_meant(name: str) -> None:
    """One variable of a service is enough: the environment is taken as it is, and no stack is looked for."""
    environment = {name: "somewhere", "TRINO_USER": "reader"}
    assert variables_in_use(PROJECT, environment) == environment


def test_a_stack_that_was_never_started_is_told(tmp_path: Path) -> None:
    """Where nothing runs the error says which command starts it, and nothing is written."""
    with pytest.raises(StackError, match="no service runs") as raised:
        variables_in_use(PROJECT, {"PLAYBOOK_STACK_HOME": str(tmp_path / "home")})
    assert "playbook stack up" in raised.value.cure
    assert not (tmp_path / "home").exists()


def test_a_project_without_a_stack_is_told(tmp_path: Path) -> None:
    """A project that has no templates of a stack is told the variables to set."""
    with pytest.raises(StackError, match="no stack") as raised:
        variables_in_use(tmp_path, {})
    assert "TRINO_HOST" in raised.value.cure

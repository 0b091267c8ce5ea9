"""Stacks of small services of our own, in place of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_playbook.stack.local import LocalStack
from dagster_playbook.stack.service import Service


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., LocalStack]]:
    """Makes stacks of toy services and leaves none of their processes behind."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "artifacts.toml").touch()
    made: list[LocalStack] = []

    def stack(*services: Service, name: str = "toys") -> LocalStack:
        local = LocalStack.of(tmp_path, name, config=tmp_path / "config", home=tmp_path / "home")
        made.append(replace(local, table={s.name: s for s in services}))
        return made[-1]

    yield stack
    for local in made:
        local.reset()

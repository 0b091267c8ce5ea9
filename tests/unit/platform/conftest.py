"""One sample platform for all: copied, loaded once, asked by every test of a reader or an authority."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_playbook.facts.facts import Facts
from dagster_playbook.platform.live_authority import LiveAuthority
from dagster_playbook.platform.loader import load_facts
from dagster_playbook.settings import Settings, load_settings
from dagster_playbook.workers.workers import POOL

SAMPLE = Path(__file__).parents[2] / "data" / "platform" / "sample"


@pytest.fixture(scope="session")
def sample_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The sample platform in a folder of its own; one variable that its configs may name is set."""
    root = tmp_path_factory.mktemp("platform") / "sample"
    shutil.copytree(SAMPLE, root)
    yield replace(load_settings(root.resolve()), environment={"PLAYBOOK_NUMBER": "1"})
    POOL.close()


@pytest.fixture(scope="session")
def sample_facts(sample_settings: Settings) -> Facts:
    return load_facts(sample_settings)


@pytest.fixture(scope="session")
def authority(sample_settings: Settings, sample_facts: Facts) -> LiveAuthority:
    return LiveAuthority(sample_settings)


@pytest.fixture
def sample_copy(tmp_path: Path) -> Callable[[], Settings]:
    """A copy of the sample that a test may change."""

    def copy() -> Settings:
        root = tmp_path / "copy"
        shutil.copytree(SAMPLE, root)
        return load_settings(root.resolve())

    return copy

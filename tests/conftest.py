"""What every test may use: the project itself, and one checker on its real platform for the whole run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.settings import Settings, load_settings

os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a run in the background starts with Ctrl-C ignored, and so would every program that a test interrupts
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("SQLMESH__DISABLE_ANONYMIZED_ANALYTICS", "true")


TESTS = Path(__file__).parent
#: folders whose tests share what takes long to start, the longest first; a worker takes such a folder as a whole
TOGETHER = ("integration/stack", "integration/bigquery", "site")
#: fixtures that take long to make and are shared across files
SHARED_FIXTURES = ("deployed_graph",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the group that one worker runs: its shared services, its shared fixture, or its file."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_turn)


def _group(item: pytest.Item) -> str:
    place = item.path.relative_to(TESTS).as_posix() if item.path.is_relative_to(TESTS) else item.path.name
    folder = next((folder for folder in TOGETHER if place.startswith(folder)), "")
    shared = next((name for name in SHARED_FIXTURES if name in getattr(item, "fixturenames", ())), "")
    return folder or shared or place


def _turn(item: pytest.Item) -> int:
    """What takes longest begins first, so that no worker waits alone for it at the end; the rest keeps its order."""
    place = item.path.relative_to(TESTS).as_posix() if item.path.is_relative_to(TESTS) else ""
    if any(name in getattr(item, "fixturenames", ()) for name in SHARED_FIXTURES):
        return 1
    return 0 if place.startswith(TOGETHER[0]) else 2 if place.startswith("integration") else 3


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of this project."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project_settings(project: Path) -> Settings:
    """This project's own settings."""
    return load_settings(project)


@pytest.fixture(scope="session")
def checker(project_settings: Settings) -> Checker:
    """A checker on the reference platform that keeps no verdicts; its facts and authorities live for the whole run."""
    return Checker(project_settings, use_store=False)

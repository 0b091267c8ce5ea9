"""What every test may use: the project itself, and one checker on its real platform for the whole run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

from dagster_playbook.check import Checker
from dagster_playbook.settings import Settings, load_settings

os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a run in the background starts with Ctrl-C ignored, and so would every program that a test interrupts
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("SQLMESH__DISABLE_ANONYMIZED_ANALYTICS", "true")


#: tests that share services or a fixture which is slow to make, the longest first; a worker takes them together
TOGETHER = (
    "tests/integration/stack/",
    "tests/integration/test_restatement_",
    "tests/integration/bigquery/",
    "tests/integration/serve/",
    "tests/integration/test_runbook_",
    "tests/integration/",
    "tests/site/",
)
#: of these each file stands for itself
BY_FILE = ("tests/integration/test_runbook_", "tests/integration/")


def _turn(nodeid: str) -> int:
    return next((turn for turn, start in enumerate(TOGETHER) if nodeid.startswith(start)), len(TOGETHER))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: no worker waits for it alone at the end; the rest keeps its order."""
    items.sort(key=lambda item: _turn(item.nodeid))


class Together(LoadScopeScheduling):
    """Gives a worker all tests that share something; the groups of `--dist loadgroup` are lost on pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        turn = _turn(nodeid)
        is_group = turn < len(TOGETHER) and TOGETHER[turn] not in BY_FILE
        return TOGETHER[turn] if is_group else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """See `Together`."""
    return Together(config, log)


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

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

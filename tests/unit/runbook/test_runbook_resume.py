"""What a resumption reads, and when: under the lock, and with what was left on other hosts."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.errors import RunbookError
from dagster_playbook.meaning import Meanings
from dagster_playbook.runbook import session
from dagster_playbook.runbook.journal import Journal, entries
from dagster_playbook.runbook.lock import PlatformBusyError
from dagster_playbook.runbook.plan import load_runbook
from dagster_playbook.runbook.session import Options
from dagster_playbook.settings import Settings

RUN = "20260131-120000-3fa2b1"
STEP = '```sh {#make no_undo="x"}\ntouch made\n```\n'


@pytest.fixture
def folder(runbook_of: Callable[..., Runbook], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that was cut before its only step."""
    for name in ("OSO_WAREHOUSE_DATA", "SQLMESH_POSTGRES_HOST"):
        monkeypatch.delenv(name, raising=False)
    runbook_of(STEP)
    _, text_sha256 = load_runbook(tmp_path, "page.md", Meanings())
    folder = tmp_path / ".playbook" / "runs" / RUN
    Journal(folder).append(
        "opened", runbook="page.md", text_sha256=text_sha256, parameters={}, digest="0" * 64, target="embedded"
    )
    return folder


def resume(folder: Path, **options: Any) -> tuple[str, str]:
    told = Options(lambda *_: "", lambda *_: None, lambda *_: None, **options)
    return session.resume(Settings(folder.parents[2]), RUN, told, secrets={})


def test_the_journal_is_read_under_the_lock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else brought the run to its end while this one waited for the lock: nothing is done twice."""
    lock = session.platform_lock

    @contextlib.contextmanager
    def late(*arguments: Any, **options: Any) -> Iterator[Any]:
        with lock(*arguments, **options) as held:
            other = Journal(folder)
            other.append("step-started", step="make", kind="command", again=False)
            other.append("step-finished", step="make", outcome="succeeded", result={})
            other.append("closed", state="succeeded")
            yield held

    monkeypatch.setattr(session, "platform_lock", late)
    with pytest.raises(RunbookError, match="has succeeded: there is nothing to resume"):
        resume(folder)
    assert not (folder.parents[2] / "made").exists()


def test_a_lock_that_is_taken_over_is_in_the_journal(folder: Path) -> None:
    """With whose it was and the reason; without a reason nothing is begun."""
    owner = {"host": "elsewhere", "pid": 1, "run": "another", "user": "ada"}
    owner["heard"] = (dt.datetime.now(dt.UTC) - dt.timedelta(days=3)).isoformat()
    place = folder.parents[1] / "warehouse"
    place.mkdir()
    (place / "platform.owner.json").write_text(json.dumps(owner))
    with pytest.raises(PlatformBusyError, match=r"ada on elsewhere .*last heard of 3 days ago"):
        resume(folder)
    assert resume(folder, take_over="that host was sold") == (RUN, "succeeded")
    (taken,) = [entry.data for entry in entries(folder) if entry.event == "taken-over"]
    assert taken == {"owner": owner, "reason": "that host was sold"}


def test_a_terminal_that_is_gone_stops_nothing(folder: Path) -> None:
    """What is told is told to nobody; the journal has all of it."""

    def gone(*_: Any) -> None:
        raise BrokenPipeError

    told = Options(lambda *_: "", lambda name, _: None if name == "resumed" else gone(), lambda *_: None)
    assert session.resume(Settings(folder.parents[2]), RUN, told, secrets={}) == (RUN, "succeeded")
    assert [entry.event for entry in entries(folder)][-2:] == ["step-finished", "closed"]

"""A run as its journal tells it, for a page: steps with their evidence, and who works on it."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.claims.runbook_model import Kind, Runbook
from dagster_playbook.errors import RunbookError
from dagster_playbook.restatement.recovery import EVALUATIONS_FILE, data_folder
from dagster_playbook.runbook import journal
from dagster_playbook.runbook.brief import told
from dagster_playbook.runbook.models_done import ModelsDone
from dagster_playbook.runbook.owner import shown
from dagster_playbook.runbook.run_files import digest_of
from dagster_playbook.runbook.store import UNREADABLE, run_state
from dagster_playbook.serve.serving import Refused, Serving
from dagster_playbook.serve.starting import owner_of

RUNNING = "running"
#: states in which a run can go on
RESUMABLE = ("cut", "interrupted", "failed")
MAX_EVIDENCE_BYTES = 2_000_000


@dataclass(slots=True)
class StepView:
    """A step: its state is `waiting`, `started`, or the outcome; `seq` is the journal's line of its evidence."""

    id: str
    kind: str = ""
    title: str = ""
    state: str = "waiting"
    detail: str = ""
    started: str = ""
    ended: str = ""
    evidence: str = ""
    sha256: str = ""
    seq: int = 0
    approved: str = ""


@dataclass(slots=True)
class RunView:
    """A run.

    Attributes:
        state: running, succeeded, failed, recovered, interrupted, cut or unreadable.
        owner: who works on it now, for people.
        stands_at: the step at which it would go on.
    """

    id: str
    state: str
    told: dict[str, Any]
    steps: dict[str, StepView] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    owner: str = ""
    stands_at: str = ""

    @property
    def is_running(self) -> bool:
        """Whether somebody works on it."""
        return self.state == RUNNING

    @property
    def may_resume(self) -> bool:
        """Whether it can go on."""
        return self.state in RESUMABLE


def folder_of(serving: Serving, run_id: str) -> Path:
    """The folder of a run from the list of runs; raises Refused when it is not on it."""
    if run_id not in serving.store.run_ids():
        raise Refused("there is no such run", 404)
    return serving.store.folder / "runs" / run_id


def view_of(serving: Serving, run_id: str) -> RunView:
    """A run as it is now.

    Raises:
        Refused: there is no such run.
    """
    folder = folder_of(serving, run_id)
    state = run_state(folder)
    view = RunView(run_id, str(state["state"]), state)
    if view.state == UNREADABLE:
        return view
    owner = owner_of(serving, run_id)
    if owner is not None:
        view.owner, view.state = shown(owner), RUNNING
    _add_expected(view, _runbook_of(serving, folder, str(state["runbook"])))
    for entry in journal.entries(folder):
        _take(view, entry)
    if view.is_running:
        _add_models(serving, view)
    return view


def mark_of(serving: Serving, run_id: str) -> tuple[Any, ...]:
    """What changes whenever the view of a run does; cheap enough for many watchers."""
    stat = (folder_of(serving, run_id) / journal.FILE_NAME).stat()
    is_running = owner_of(serving, run_id) is not None
    evaluated = _size(data_folder(serving.settings) / EVALUATIONS_FILE) if is_running else 0
    return stat.st_size, stat.st_mtime_ns, is_running, evaluated


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def evidence_of(serving: Serving, run_id: str, seq: int) -> tuple[str, str, bool]:
    """The evidence that a line of the journal names: its file's name, its text, and whether it is as it was written.

    Raises:
        Refused: the line names none, or the file is not there any more.
    """
    folder = folder_of(serving, run_id)
    entry = next((entry for entry in journal.entries(folder) if entry.seq == seq), None)
    name = str(entry.data.get("evidence") or "") if entry else ""
    path = folder / name
    if entry is None or not name or not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        raise Refused("there is no such evidence", 404)
    raw = path.read_bytes()[:MAX_EVIDENCE_BYTES]
    is_whole = digest_of(path, path.stat().st_size) == entry.data.get("evidence_sha256")
    return name, raw.decode("utf-8", "replace"), is_whole


def _runbook_of(serving: Serving, folder: Path, path: str) -> Runbook | None:
    """The runbook, when its text is still the one that ran: its steps that have not begun are shown as well."""
    found = serving.runbooks().get(path.rpartition(".")[0])
    file = serving.root / path
    try:
        wanted = next(journal.entries(folder)).data.get("text_sha256")
        return found if hashlib.sha256(file.read_bytes()).hexdigest() == wanted else None
    except (OSError, StopIteration, RunbookError):
        return None


def _add_expected(view: RunView, runbook: Runbook | None) -> None:
    for step in runbook.steps if runbook else ():
        if not step.recovery:
            view.steps[step.id] = StepView(step.id, str(step.kind), step.title)


def _add_models(serving: Serving, view: RunView) -> None:
    for step in view.steps.values():
        if step.state == "started" and step.kind == Kind.JOB:
            since = dt.datetime.fromisoformat(step.started)
            step.detail = ModelsDone(data_folder(serving.settings), since).look()


def _take(view: RunView, entry: journal.Entry) -> None:
    data, name = entry.data, entry.event
    if name in ("opened", "resumed", "approved", "break-glass", "interrupted", "taken-over", "closed", "not-admitted"):
        view.events.append({"at": entry.at, "event": name, "said": _said(data)})
    step_id = str(data.get("step") or "")
    if not step_id or name not in ("step-started", "step-finished", "approved", "interrupted"):
        return
    step = view.steps.setdefault(step_id, StepView(step_id))
    if name == "step-started":
        step.state, step.kind, step.started, step.ended, step.detail = "started", data["kind"], entry.at, "", ""
        view.stands_at = step_id
    elif name == "approved":
        step.approved = f"approved by {data['approver']}, asked for by {data['requester']}"
    elif name == "interrupted":
        step.state, step.ended, step.detail = "cut", entry.at, str(data["reason"]).partition("\n")[0]
        view.stands_at = step_id
    else:
        step.state, step.ended = data["outcome"], entry.at
        step.detail = str(data.get("message") or told(data.get("result") or {}))
        step.evidence, step.sha256, step.seq = data.get("evidence", ""), data.get("evidence_sha256", ""), entry.seq


def _said(data: dict[str, Any]) -> str:
    keys = ("operator", "step", "approver", "requester", "reason", "state")
    return ", ".join(f"{key} {str(data[key]).partition(chr(10))[0]}" for key in keys if data.get(key))

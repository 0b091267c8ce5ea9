"""Where runs, requests and approvals of a project are kept: below `.playbook/`, readable by their owner alone."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.approval.envelope import Envelope, RefusedError, from_dict, payload_of
from dagster_playbook.approval.gate import APPROVERS_VARIABLE, LEDGER_VARIABLE
from dagster_playbook.approval.ledger import Ledger
from dagster_playbook.approval.policy import ROLES_FILE, SIGNERS_FILE, Policy, load_policy
from dagster_playbook.durable import write_whole
from dagster_playbook.errors import RunbookError, on_disk
from dagster_playbook.runbook import journal
from dagster_playbook.runbook.committed import refuse_uncommitted
from dagster_playbook.runbook.record import Record
from dagster_playbook.runbook.run_index import FILE_NAME as INDEX_NAME
from dagster_playbook.runbook.run_index import RunIndex

UNREADABLE = "unreadable"
#: the name in approvals of the platform that is one's own alone
EMBEDDED = "embedded"

_APPROVERS = "runbooks/approvers"
_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
_DIGEST = re.compile(r"[0-9a-f]{6,64}")


@dataclass(frozen=True, slots=True)
class Store:
    """The folder `.playbook` of a project."""

    root: Path

    @property
    def folder(self) -> Path:
        """`.playbook`."""
        return self.root / ".playbook"

    @property
    def ledger(self) -> Ledger:
        """What approvals were spent by `playbook run`; the platform's op keeps its own."""
        return Ledger(self.folder / "approvals" / "ledger.jsonl")

    def reject(self, nonce: str, reason: str) -> None:
        """Hold a request's nonce for nobody, in this ledger and in the op's where the environment names it.

        Raises:
            RefusedError: a ledger cannot be read or written, or the nonce was spent.
        """
        named = os.environ.get(LEDGER_VARIABLE)
        for ledger in (self.ledger, *([Ledger(Path(named))] if named else [])):
            ledger.reject(nonce, reason)

    @property
    def index(self) -> RunIndex:
        """The index of all runs."""
        return RunIndex(self.folder / INDEX_NAME)

    def record(self, key: Path | None = None) -> Record:
        """Who keeps the heads of journals besides; `key` is the operator's."""
        return Record(self.index, key)

    def policy(self, target: str) -> Policy:
        """Who may approve on a platform.

        `PLAYBOOK_APPROVERS` when it is set. Else, on the embedded platform, the keys that were made for trying out when
        they were made; on any other the project's own `runbooks/approvers` as they were committed.

        Raises:
            RunbookError: there is none, it is malformed, or it is not the committed one.
        """
        policy = self.policy_if_any(target)
        if policy is None:
            raise RunbookError(f"no policy in {_APPROVERS}", cure="see the page on approvals for its two files")
        return policy

    def policy_if_any(self, target: str) -> Policy | None:
        """The same, and None for a project that has no policy.

        Raises:
            RunbookError: it is malformed, or it is not the committed one.
        """
        if named := os.environ.get(APPROVERS_VARIABLE):
            return load_policy(Path(named))
        trial = self.folder / "approvers"
        if target == EMBEDDED and trial.is_dir():
            return load_policy(trial)
        folder = self.root / _APPROVERS
        if not folder.is_dir():
            return None
        if target != EMBEDDED:
            refuse_uncommitted(self.root, [f"{_APPROVERS}/{name}" for name in (SIGNERS_FILE, ROLES_FILE)])
        return load_policy(folder)

    def new_run_id(self) -> str:
        """A run id that sorts by time, also within a second, e.g. `20260131-120000-3fa2b1`."""
        now = dt.datetime.now(dt.UTC)
        part = now.microsecond * 0x10000 // 1_000_000
        return f"{now:%Y%m%d-%H%M%S}-{part:04x}{secrets.token_hex(1)}"

    def run_folder(self, run_id: str) -> Path:
        """The folder of a run; the id may be shortened to where it is unique, or be `last`.

        Raises:
            RunbookError: there is no such run, or several.
        """
        known = self.run_ids()
        if run_id == "last":
            found = next(([one] for one in reversed(known) if not problem_of(self.folder / "runs" / one)), [])
        else:
            found = [known_id for known_id in known if known_id.startswith(run_id)]
        if len(found) != 1:
            told = "no run" if not found else f"{len(found)} runs begin with"
            raise RunbookError(f"{told} {run_id}", cure="see `playbook runs list`")
        return self.folder / "runs" / found[0]

    def run_ids(self) -> list[str]:
        """All runs, oldest first, those that cannot be read among them; anything else in the folder is nobody's run."""
        folder = self.folder / "runs"
        if not folder.is_dir():
            return []
        return sorted(p.name for p in folder.iterdir() if _RUN_ID.fullmatch(p.name) and p.is_dir())

    def passed_over(self) -> dict[str, str]:
        """The runs behind the last readable one, and why each cannot be read."""
        found: dict[str, str] = {}
        for one in reversed(self.run_ids()):
            if not (problem := problem_of(self.folder / "runs" / one)):
                break
            found[one] = problem
        return found

    def write_envelope(self, digest: str, envelope: Envelope) -> Path:
        """Keep a request or an approval under the plan's digest.

        Raises:
            RunbookError: the disk refuses; what was kept before still is.
        """
        path = self.folder / "approvals" / f"{digest}.json"
        with on_disk("the request or approval cannot be written", path, RunbookError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, json.dumps(envelope.as_dict(), indent=2) + "\n")
        return path

    def ask(self, digest: str, envelope: Envelope) -> Path:
        """Keep a new request; one that was answered is never replaced by it unheard.

        Raises:
            RunbookError: somebody has approved an earlier request for the same plan, or the disk refuses.
        """
        from filelock import FileLock

        folder = self.folder / "approvals"
        path = folder / f"{digest}.json"
        with on_disk("the request cannot be written", folder, RunbookError):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(folder / "answers.lock"):
                kept = read_envelope_file(path) if path.is_file() else None
                if kept and kept.approvals and not kept.rejection and self._is_open(kept):
                    raise RunbookError("it was asked for and approved already", cure="run it, or `playbook reject` it")
                if kept:
                    # who answered what before stays on record
                    (folder / "ended").mkdir(exist_ok=True, mode=0o700)
                    os.link(path, folder / "ended" / f"{digest}-{secrets.token_hex(4)}.json")
                return self.write_envelope(digest, envelope)

    def _is_open(self, kept: Envelope) -> bool:
        """Whether a request was neither spent nor has expired."""
        told = payload_of(kept.request)
        try:
            self.ledger.look(str(told.get("nonce")), holder="")
            return dt.datetime.fromisoformat(str(told.get("expires_at"))) > dt.datetime.now(dt.UTC)
        except (RefusedError, ValueError, TypeError):
            return False

    def answer(self, digest: str, seen: Envelope, change: Callable[[Envelope], Envelope]) -> Path:
        """Keep an answer to a request that was `seen`; when several answer at once, nobody's answer is lost.

        Args:
            change: makes the envelope with the answer of the one that is there now.

        Raises:
            RunbookError: the disk refuses, or another request is kept under the digest by now.
        """
        from filelock import FileLock

        folder = self.folder / "approvals"
        with on_disk("the answer cannot be written", folder, RunbookError):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(folder / "answers.lock"):
                return self.write_envelope(digest, change(self._with_answers_of(digest, seen)))

    def _with_answers_of(self, digest: str, seen: Envelope) -> Envelope:
        """The request that was seen with every answer to it, those that have come meanwhile among them."""
        path = self.folder / "approvals" / f"{digest}.json"
        if not path.is_file():
            return seen
        kept = read_envelope_file(path)
        if kept.request != seen.request:
            raise RunbookError("the plan was asked for anew meanwhile: look at the new request", path=str(path))
        approvals = tuple(dict.fromkeys([*kept.approvals, *seen.approvals]))
        return Envelope(kept.request, approvals, kept.rejection or seen.rejection)

    def asked_for(self, digest: str, file: Path | None) -> Envelope:
        """The request in a file, or the one that is kept under a digest; with both, they have to agree.

        Raises:
            RunbookError: there is none, it is unreadable, or of another digest.
        """
        if file is None:
            return self.read_envelope(digest)[1]
        envelope = read_envelope_file(file)
        told = str(payload_of(envelope.request).get("digest", ""))
        if not told.startswith(digest):
            raise RunbookError(f"the request is for {told[:12]}, not for {digest}", path=str(file))
        return envelope

    def envelopes(self) -> Iterator[tuple[str, Envelope]]:
        """Every readable request or approval with the digest that it is kept under."""
        folder = self.folder / "approvals"
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
            with contextlib.suppress(RunbookError):
                yield path.stem, read_envelope_file(path)

    def read_envelope(self, digest: str) -> tuple[str, Envelope]:
        """The full digest and what is kept under it; the digest may be shortened to where it is unique.

        Raises:
            RunbookError: there is none, several, or the file is no envelope.
        """
        folder = self.folder / "approvals"
        if not _DIGEST.fullmatch(digest):
            raise RunbookError(f"{digest!r} is no digest: at least 6 hexadecimal digits")
        found = sorted(folder.glob(f"{digest}*.json")) if folder.is_dir() else []
        if len(found) != 1:
            told = "nothing was asked for under" if not found else f"{len(found)} plans begin with"
            raise RunbookError(f"{told} {digest[:12]}", cure="ask with `playbook plan RUNBOOK --request --key KEY`")
        return found[0].stem, read_envelope_file(found[0])


def read_envelope_file(path: Path) -> Envelope:
    """The request or approval in a file.

    Raises:
        RunbookError: it is none.
    """
    try:
        return from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise RunbookError("not a request or approval", path=str(path)) from error


def problem_of(folder: Path) -> str:
    """Why the folder of a run holds none that can be shown or resumed; "" when it does."""
    return str(run_state(folder)["message"]) if run_state(folder)["state"] == UNREADABLE else ""


def run_state(folder: Path) -> dict[str, Any]:
    """What a run's journal says of it: runbook, parameters, state, steps by outcome, times.

    A folder without a readable journal has the state `unreadable`, and `message` says why.
    """
    try:
        state = _told_state(folder)
        if "runbook" in state:
            return state
        why = "the journal is empty" if "started" not in state else "the journal does not begin with a run"
    except OSError as error:
        why = f"the journal cannot be read: {error.strerror or error}"
    except RunbookError as error:
        why = f"line {error.line} of the journal is not an entry" if error.line else error.message
    except (AttributeError, KeyError, TypeError):
        why = "the journal holds something else than a run"
    return {"id": folder.name, "state": UNREADABLE, "steps": {}, "step": "", "message": why}


def _told_state(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = {"id": folder.name, "state": "cut", "steps": {}, "step": "", "message": ""}
    for entry in journal.entries(folder):
        data = entry.data
        state.setdefault("started", entry.at)
        state["ended"] = entry.at
        if entry.event == "opened":
            state |= {key: data.get(key) for key in ("runbook", "title", "parameters", "digest", "target", "operator")}
        elif entry.event == "step-started":
            state |= {"step": data["step"], "state": "cut"}
            state["steps"][data["step"]] = "started"
        elif entry.event == "step-finished":
            state["steps"][data["step"]] = data["outcome"]
            state["message"] = data.get("message", "")
        elif entry.event == "interrupted":
            state["state"] = "interrupted"
        elif entry.event == "closed":
            state["state"] = data["state"]
    return state

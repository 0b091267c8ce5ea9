"""Runbooks for agents: list, plan, ask for one, and read what was run. Whoever runs or approves is a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.approval.envelope import RefusedError, payload_of
from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.errors import PlaybookError
from dagster_playbook.runbook.catalogue import runbooks
from dagster_playbook.runbook.journal import entries
from dagster_playbook.runbook.planning import Asked, Planned, planned
from dagster_playbook.runbook.store import Store, run_state
from dagster_playbook.settings import Settings, load_settings

_MOST_RUNS = 100


@dataclass(frozen=True, slots=True)
class Operating:
    """The runbooks and the record of one project.

    Attributes:
        key: the SSH key that requests are signed with, None when this server may not ask.
    """

    root: Path
    key: Path | None = None
    target: str = "embedded"
    dagster_url: str = ""

    def runbooks(self) -> dict[str, Any]:
        """Every runbook with its parameters, steps and risk."""
        return {"runbooks": [_told(book) for book in runbooks(self._settings()).values()]}

    def plan(self, runbook: str, parameters: Iterable[str]) -> dict[str, Any]:
        """What a runbook would do; see `playbook plan`.

        Raises:
            PlaybookError: there is no such runbook, or it cannot be planned so.
        """
        made = self._planned(runbook, parameters)
        return {**made.plan, "text": made.tree, "needs_approval": _needs(made)}

    def propose(self, runbook: str, parameters: Iterable[str], reason: str) -> dict[str, Any]:
        """Sign a request for a plan, as `playbook plan --request` does; somebody else has to approve, and to run it.

        Raises:
            PlaybookError: this server has no key, or the plan needs no approval.
            RefusedError, SignatureError: the policy or the key does not allow it.
        """
        from dagster_playbook.runbook.requests import keep_request

        if self.key is None:
            cure = "whoever runs this server gives it a key of its own: playbook mcp --key KEY"
            raise PlaybookError("this server may not ask for a run: it has no key to sign with", cure=cure)
        given = list(parameters)
        made = self._planned(runbook, given)
        keep_request(Store(self._settings().root), made.parts, made.about, made.rules, self.key, reason=reason)
        return {
            "digest": made.digest,
            "asked_for": made.about,
            "needs_approval": _needs(made),
            "next": f"somebody else looks at it and runs: playbook approve {made.digest[:12]} --key KEY",
            "text": made.tree,
        }

    def requests(self) -> dict[str, Any]:
        """What was asked for and is kept; whether it may run is decided when it is run."""
        told = []
        for digest, envelope in Store(self._settings().root).envelopes():
            try:
                asked = payload_of(envelope.request)
            except RefusedError:
                continue
            state = "rejected" if envelope.rejection else f"{len(envelope.approvals)} approvals"
            told.append(
                {
                    "digest": digest,
                    "about": asked.get("about"),
                    "reason": asked.get("reason"),
                    "state": state,
                    "expires_at": asked.get("expires_at"),
                }
            )
        return {"requests": told}

    def runs(self, limit: int = 20) -> dict[str, Any]:
        """The newest runs first, with their state."""
        store = Store(self._settings().root)
        ids = store.run_ids()
        newest = list(reversed(ids))[: max(1, min(limit, _MOST_RUNS))]
        return {"runs": [run_state(store.folder / "runs" / run) for run in newest], "total": len(ids)}

    def run(self, run: str) -> dict[str, Any]:
        """Every event of a run, with the names and digests of its evidence.

        Raises:
            RunbookError: there is no such run, or its journal cannot be read.
        """
        store = Store(self._settings().root)
        folder = store.run_folder(run)
        return {**run_state(folder), "journal": [entry.as_dict() for entry in entries(folder)]}

    def _planned(self, runbook: str, parameters: Iterable[str]) -> Planned:
        known = runbooks(self._settings())
        if runbook not in known:
            cure = f"one of: {', '.join(known)}"
            raise PlaybookError(f"the project has no runbook {runbook!r}", cure=cure)
        return planned(Asked(str(self.root), runbook, list(parameters), self.target, self.dagster_url))

    def _settings(self) -> Settings:
        return load_settings(self.root)


def _needs(made: Planned) -> list[dict[str, Any]]:
    return [{"role": rule.role, "approvals": rule.approvals, "reason": rule.reason} for rule in made.rules]


def _told(book: Runbook) -> dict[str, Any]:
    parameters = {
        name: {
            "type": one.type,
            "help": one.help,
            "required": one.required,
            "default": one.default,
            "example": one.example,
            "choices": list(one.choices),
        }
        for name, one in book.parameters.items()
    }
    steps = [
        {
            "id": step.id,
            "kind": str(step.kind),
            "subject": step.subject,
            "changes": step.is_mutating,
            "approve": step.approve,
        }
        for step in book.steps
    ]
    return {
        "runbook": book.path,
        "title": book.title,
        "risk": book.risk,
        "needs": list(book.needs),
        "parameters": parameters,
        "steps": steps,
    }

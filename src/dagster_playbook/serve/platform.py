"""The platform as an operator asks about it: its references, what consumers are behind by, runs in flight, its lock."""

from __future__ import annotations

import os
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from dagster_playbook.errors import PlaybookError
from dagster_playbook.platform.loader import load_facts
from dagster_playbook.runbook.lock import place_of
from dagster_playbook.runbook.owner import is_alive, read, shown
from dagster_playbook.runbook.reach import dagster_of_records
from dagster_playbook.serve import pages
from dagster_playbook.serve.serving import Serving
from dagster_playbook.services.dagster_runs import IN_FLIGHT

#: commits that are looked through for where a tag stands
_MOST_COMMITS = 500


async def show(request: Request, serving: Serving) -> Response:
    """The page; what cannot be asked says so in its place."""
    told = await anyio.to_thread.run_sync(_told, serving)
    return pages.page(request, serving, "platform.html", **told)


def _told(serving: Serving) -> dict[str, Any]:
    owner = read(place_of(serving.settings, serving.target).file.with_suffix(".owner.json"))
    lock = "" if owner is None else f"{shown(owner)}{'' if is_alive(owner) else ', whose process is gone'}"
    in_flight, no_runs = _tried(lambda: _in_flight(serving))
    references, no_references = _tried(lambda: _references(serving))
    return {
        "lock": lock,
        "in_flight": in_flight or [],
        "no_runs": no_runs,
        "references": references or [],
        "no_references": no_references,
        "is_live": bool(os.environ.get("NESSIE_URI")),
    }


def _tried(ask: Any) -> tuple[Any, str]:
    try:
        return ask(), ""
    except PlaybookError as error:
        return None, error.message


def _in_flight(serving: Serving) -> list[dict[str, str]]:
    here = dagster_of_records(serving.settings, serving.dagster_url)
    runs = here.runs(statuses=IN_FLIGHT) if here else []
    return [{"run_id": run.run_id, "job": run.job, "status": run.status} for run in runs]


def _references(serving: Serving) -> list[dict[str, Any]]:
    """Nessie's own where it runs, with how many commits each is behind the default branch; else the recorded ones."""
    uri = os.environ.get("NESSIE_URI", "")
    if not uri:
        return [{"name": ref.name, "kind": ref.kind.lower(), "hash": ref.hash, "behind": None}
                for ref in load_facts(serving.settings).refs.values()]  # fmt: skip
    from dagster_playbook.services.nessie import NessieClient

    with NessieClient(uri) as client:
        main = client.default_branch()
        commits = [commit.hash for commit in client.history(main.name, limit=_MOST_COMMITS)]
        return [
            {
                "name": ref.name,
                "kind": str(ref.kind.value).lower(),
                "hash": ref.hash,
                "behind": commits.index(ref.hash) if ref.hash in commits else None,
            }
            for ref in client.list_references()
        ]

"""Answers from the facts of the platform: models, jobs, values, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dagster_playbook.errors import PlaybookError
from dagster_playbook.facts.facts import Facts, plain
from dagster_playbook.mcp_server.checking import platform_of

#: of one answer, so that a platform of thousands of models does not fill an agent's memory
MOST = 200
#: the parts of the facts that can be searched
SECTIONS = ("models", "jobs", "ops", "assets", "catalogs", "refs", "values", "commands", "environment", "versions")


def search(facts: Facts, text: str, section: str = "", limit: int = 50) -> dict[str, Any]:
    """Names and values that contain a text, ignoring case, by section.

    Raises:
        PlaybookError: there is no such section.
    """
    if section and section not in SECTIONS:
        raise PlaybookError(f"no section {section!r}", cure=f"one of: {', '.join(SECTIONS)}")
    wanted, most = text.casefold(), max(1, min(limit, MOST))
    found: dict[str, Any] = {}
    total = 0
    for name in [section] if section else SECTIONS:
        hits = {key: item for key, item in getattr(facts, name).items() if _matches(wanted, key, item)}
        total += len(hits)
        shown = list(hits.items())[: max(0, most - sum(map(len, found.values())))]
        if shown:
            found[name] = {key: _brief(facts, name, key, item) for key, item in shown}
    return {"found": found, "total": total, "platform": platform_of(facts)}


def models(facts: Facts, text: str = "", tag: str = "", limit: int = 50) -> dict[str, Any]:
    """SQLMesh models whose name contains a text and that carry a tag."""
    hits = [
        model
        for name, model in facts.models.items()
        if text.casefold() in name.casefold() and (not tag or tag in model.tags)
    ]
    told = [_model(model) for model in hits[: max(1, min(limit, MOST))]]
    return {"models": told, "total": len(hits), "platform": platform_of(facts)}


def model(facts: Facts, name: str) -> dict[str, Any]:
    """Everything that is known of one model, and which models read it.

    Raises:
        PlaybookError: there is none; names the nearest.
    """
    found = next((item for item in facts.models.values() if name in (item.name, item.fqn)), None)
    if found is None:
        raise _unknown("model", name, facts.models)
    readers = [item.name for item in facts.models.values() if found.fqn in item.depends_on]
    return {**plain(found), "read_by": readers, "platform": platform_of(facts)}


def jobs(facts: Facts, text: str = "") -> dict[str, Any]:
    """Dagster jobs whose name contains a text, with their ops."""
    hits = [plain(job) for name, job in facts.jobs.items() if text.casefold() in name.casefold()]
    return {"jobs": hits[:MOST], "total": len(hits), "platform": platform_of(facts)}


def job_config(facts: Facts, job: str) -> dict[str, Any]:
    """The JSON Schema of a job's run config, from Dagster's own config types.

    Raises:
        PlaybookError: there is no such job.
    """
    from dagster_playbook.facts.json_schema import job_schema

    if job not in facts.jobs:
        raise _unknown("job", job, facts.jobs)
    return {"job": job, "schema": job_schema(facts, job), "platform": platform_of(facts)}


def _matches(wanted: str, key: str, item: Any) -> bool:
    return wanted in key.casefold() or (isinstance(item, str | int | float) and wanted in str(item).casefold())


def _brief(facts: Facts, section: str, key: str, item: Any) -> Any:
    if section == "models":
        return _model(item)
    if section == "values":
        return {"value": item, "from": facts.origins.get(key, "")}
    if section == "commands":
        return {"help": item.help, "subcommands": list(item.subcommands)}
    return plain(item)


def _model(model: Any) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "cron": model.cron,
        "tags": list(model.tags),
        "columns": len(model.columns),
        "defined_in": f"{model.path}:{model.line}",
    }


def _unknown(what: str, name: str, known: Iterable[str]) -> PlaybookError:
    import difflib

    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    cure = f"did you mean {', '.join(near)}?" if near else f"list_{what}s tells which there are"
    return PlaybookError(f"there is no {what} {name!r}", cure=cure)

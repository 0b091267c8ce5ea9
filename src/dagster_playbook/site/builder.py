"""The data of the launchpad builder: what its scripts need of the facts to give the verdicts that the check gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from dagster_playbook.claims import placeholder
from dagster_playbook.claims.runbook_model import Kind, Runbook, Step
from dagster_playbook.facts.facts import Facts, ModelFact, plain
from dagster_playbook.site.runbook_form import embedded
from dagster_playbook.site.sources import Sources

PLACE = "<!-- site: builder -->"
#: the scripts in the order in which they need each other, below the folder of assets
SCRIPTS = ("flow.js", "yaml.js", "selector.js", "schema.js", "check.js", "command.js", "builder.js")
#: the families of rules that the builder may name
_FAMILIES = ("DG", "SM", "PB")
#: models that consumers read, by their name
_CONSUMED = re.compile(r"_v\d+\Z")


def is_consumed(model: ModelFact) -> bool:
    """Whether consumers read the model: it carries a version in its name."""
    return _CONSUMED.search(model.name) is not None


def platform_data(sources: Sources) -> dict[str, Any]:
    """The platform as the builder's scripts take it, plain data for JSON."""
    from dagster_playbook.rules import RULES

    facts, settings = sources.facts, sources.settings
    location = settings.dagster[0] if settings.dagster else None
    runbooks = [found for runbook in sources.runbooks.values() for found in _launches(runbook, facts)]
    restating = {meaning.op for meaning in settings.restatement}
    asking = [found["job"] for found in runbooks if found["asks"]]
    return {
        "jobs": {
            job.name: {"name": job.name, "type": job.config_type, "ops": list(job.ops), "description": job.description}
            for job in facts.jobs.values()
        },
        "first": next((job for job in asking if restating & set(facts.jobs[job].ops)), ""),
        "ops": facts.ops,
        "types": {key: plain(found) for key, found in facts.config_types.items()},
        "models": [_model(model) for model in in_order(facts)],
        "schema": settings.schema,
        "catalog": str(facts.values.get("sqlmesh.catalog", "")),
        "selectable": facts.values.get("sqlmesh.selector") == "NativeSelector"
        and len({model.project for model in facts.models.values()}) <= 1,
        "restatements": [plain(meaning) for meaning in settings.restatement],
        "moves": [plain(meaning) for meaning in settings.reference_move],
        "runbooks": runbooks,
        "rules": {rule.code: rule.name for rule in RULES.values() if rule.code[:2] in _FAMILIES},
        "module": location.module if location else "",
        "folder": location.working_directory if location else "",
    }


def in_order(facts: Facts) -> list[ModelFact]:
    """The models, each after all that it reads, otherwise by name."""
    waiting = {model.fqn: model for model in sorted(facts.models.values(), key=lambda model: model.name)}
    done: dict[str, ModelFact] = {}
    while waiting:
        ready = [model for model in waiting.values() if not set(model.depends_on) & (waiting.keys() - {model.fqn})]
        # SQLMesh refuses a circle; should there be one, its models come as they are
        for model in ready or list(waiting.values()):
            done[model.fqn] = waiting.pop(model.fqn)
    return list(done.values())


def scripts(sources: Sources, up: str) -> str:
    """The place of the builder and its scripts, for a page that is `up` below the site's root."""
    data = platform_data(sources) | {"up": up}
    loaded = "".join(f'<script src="{up}assets/builder/{name}" defer></script>' for name in SCRIPTS)
    return (
        '<div id="pb-builder"><noscript>The builder is a script; without one, <code>playbook check -</code> reads YAML '
        f"from its input.</noscript></div><script>window.PLAYBOOK={embedded(data)}</script>{loaded}"
    )


def _model(model: ModelFact) -> dict[str, Any]:
    return {
        "name": model.name,
        "fqn": model.fqn,
        "kind": model.kind,
        "tags": list(model.tags),
        "depends_on": list(model.depends_on),
        "is_consumed": is_consumed(model),
    }


def _launches(runbook: Runbook, facts: Facts) -> Iterator[dict[str, Any]]:
    """The jobs that a runbook launches, with which parameter stands in which field of the config."""
    for step in runbook.steps:
        if step.kind is Kind.JOB and not step.reexecutes:
            yield {
                "path": runbook.path,
                "page": PurePosixPath("runbooks", PurePosixPath(runbook.path).name).with_suffix(".html").as_posix(),
                "job": step.subject,
                "asks": bool(step.approve),
                "fields": list(_fields(runbook, step, facts)),
            }


def _fields(runbook: Runbook, step: Step, facts: Facts) -> Iterator[dict[str, Any]]:
    import yaml

    data = yaml.safe_load(step.fence.body)
    for op, body in (data.get("ops") or {}).items():
        standard = {field.name: field.default for field in facts.config_types[facts.ops[op]].fields}
        for name, value in body.get("config", {}).items():
            parameter = placeholder.whole(value) if isinstance(value, str) else None
            known = runbook.parameters.get(parameter or "")
            yield {
                "op": op,
                "name": name,
                "parameter": parameter,
                "required": known is not None and known.required,
                "value": None if parameter else value,
                "is_standard": json.dumps(value) == standard.get(name),
            }

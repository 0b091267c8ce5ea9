"""The form of a runbook's page: one field a parameter, typed as the runbook types it."""

from __future__ import annotations

import html
import json
from typing import Any

from dagster_playbook.claims import runbook_values
from dagster_playbook.claims.runbook_model import Parameter, Runbook
from dagster_playbook.facts.facts import Facts
from dagster_playbook.meaning import Meanings
from dagster_playbook.nessie_hash import PATTERN


def form(runbook: Runbook, facts: Facts, meanings: Meanings) -> str:
    """The form's place and its data; a script makes the fields, so that a page without scripts shows none."""
    data: dict[str, Any] = {
        "path": runbook.path,
        "parameters": [_parameter(parameter) for parameter in runbook.parameters.values()],
        "forms": {"hash": PATTERN} | {name: pattern.pattern for name, pattern in runbook_values.FORMS.items()},
        "known": known(runbook, facts, meanings),
    }
    return (
        '<form class="pb-form" aria-label="Parameters of this runbook" hidden></form>'
        f'<script type="application/json" id="pb-runbook">{embedded(data)}</script>'
    )


def known(runbook: Runbook, facts: Facts, meanings: Meanings) -> dict[str, list[str]]:
    """Type of a parameter to the names that may be completed."""
    wanted = {parameter.item_type for parameter in runbook.parameters.values()}
    models = sorted(model.name for model in facts.models.values() if model.kind != "EXTERNAL")
    tags = {tag for model in facts.models.values() for tag in model.tags}
    categories = sorted(meanings.categories(tags))
    every = {"selector": [*models, *(f"tag:{tag}" for tag in sorted(tags))], "model": models, "category": categories}
    return {kind: names for kind, names in every.items() if kind in wanted}


def embedded(data: object) -> str:
    """JSON that may stand inside a script element: no text of it can end the element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "type": parameter.item_type,
        "list": parameter.is_list,
        "required": parameter.required,
        "default": parameter.default,
        "choices": list(parameter.choices),
        "secret": parameter.secret,
        "help": html.unescape(parameter.help),
        "example": parameter.example,
    }

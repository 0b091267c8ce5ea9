"""JSON Schema of a runbook's front matter, made from the tables that the parser reads with."""

from __future__ import annotations

from typing import Any

from dagster_playbook.claims import runbook_model as model


def schema() -> dict[str, Any]:
    """Draft 2020-12; other front matter keys belong to the site and are left alone."""
    types = [*model.SCALAR_TYPES, *(f"list[{name}]" for name in model.SCALAR_TYPES)]
    value = {"type": ["string", "number", "boolean", "array", "null"]}
    parameter = {
        "type": "object",
        "additionalProperties": False,
        "required": ["type", "help"],
        "anyOf": [{"required": ["default"]}, {"required": ["example"]}],
        "properties": {
            "type": {"enum": types},
            "default": value,
            "example": value,
            "choices": {"type": "array"},
            "help": {"type": "string", "minLength": 1},
            "secret": {"type": "boolean"},
        },
    }
    runbook = {
        "type": "object",
        "additionalProperties": False,
        "required": ["owner", "risk"],
        "properties": {
            "owner": {"type": "string", "minLength": 1},
            "risk": {"enum": list(model.RISKS)},
            "needs": {"type": "array", "items": {"enum": list(model.NEEDS)}},
            "timeout": {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(s|m|h)$"},
            "parameters": {
                "type": "object",
                "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
                "additionalProperties": parameter,
            },
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Front matter of a runbook",
        "type": "object",
        "required": ["title", "runbook"],
        "properties": {"title": {"type": "string", "minLength": 1}, "runbook": runbook},
    }

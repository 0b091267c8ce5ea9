"""A runbook's step with sample values in the place of its placeholders: what other rules are asked about.

Line by line, so that a finding in the sample stands on the line that a person edits. Only for looking: what runs is
filled by value, never by text.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from dagster_playbook.claims.runbook import STEP_SAMPLE
from dagster_playbook.claims.runbook_model import Kind, Runbook, Step

_PLACEHOLDER = re.compile(r"(?P<quote>[\"']?)\{\{\s*(?P<name>[\w.-]+)\s*\}\}(?P=quote)")
_EMPTY_FIELD = re.compile(r"^\s*[\w-]+:\s*[\"']?\{\{\s*(?P<name>[\w.-]+)\s*\}\}[\"']?\s*$")


def sample_text(runbook: Runbook, step: Step) -> str:
    """The step's body with samples, as many lines as before; a field whose sample is empty becomes an empty line."""
    return "\n".join(_line(runbook, step, line) for line in step.fence.body.split("\n"))


def _line(runbook: Runbook, step: Step, line: str) -> str:
    field = _EMPTY_FIELD.match(line)
    if field and step.kind not in (Kind.COMMAND, Kind.QUERY, Kind.ASK) and _sample(runbook, field["name"]) is None:
        return ""
    return _PLACEHOLDER.sub(lambda match: _spelled(step, _sample(runbook, match["name"])), line)


def _sample(runbook: Runbook, name: str) -> Any:
    parameter = runbook.parameters.get(name)
    return parameter.sample if parameter else STEP_SAMPLE


def _spelled(step: Step, value: Any) -> str:
    if step.kind is Kind.COMMAND:
        return shlex.join([str(item) for item in (value if isinstance(value, list) else [value])])
    if step.kind is Kind.QUERY:
        return ", ".join(literal(item) for item in (value if isinstance(value, list) else [value]))
    if step.kind is Kind.ASK:
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def literal(value: Any) -> str:
    """A value as a literal of SQL; text in quotes, whatever it stands for."""
    if isinstance(value, bool | int | float) or value is None:
        return json.dumps(value)
    return "'" + str(value).replace("'", "''") + "'"

"""Values that a page gives to the parameters of a runbook, `-p name=value`: of the right type or not.

Only for looking at pages: what runs is read by the runner, which refuses more.
"""

from __future__ import annotations

import json
import re

from dagster_playbook.claims.runbook_model import Parameter

_FORMS = {
    "hash": re.compile(r"[0-9a-f]{8,64}"),
    "model": re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){0,2}"),
    "category": re.compile(r"[A-Za-z_][\w-]*"),
}
_BOOLEANS = ("true", "yes", "false", "no")


def items_of(parameter: Parameter, text: str) -> list[str]:
    """The single values of a text: a list may be JSON."""
    if parameter.is_list and text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            return [text]
        return [str(item) for item in found] if isinstance(found, list) else [text]
    return [text]


def value_problem(parameter: Parameter, text: str) -> str:
    """Why a single value is none of the parameter's type, "" when it is; days are not looked up in the calendar."""
    kind = parameter.item_type
    if parameter.choices and text not in map(str, parameter.choices):
        return f"is none of {', '.join(map(str, parameter.choices))}"
    if kind in ("integer", "number"):
        try:
            float(text) if kind == "number" else int(text)
        except ValueError:
            return f"is no {kind}"
        return ""
    if kind == "boolean":
        return "" if text.lower() in _BOOLEANS else "is neither true nor false"
    if kind == "date":
        return "" if not text or re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", text) else "is no date such as 2026-01-31"
    form = _FORMS.get(kind)
    return "" if form is None or form.fullmatch(text) else f"is no {kind}"

"""Values of a runbook's parameters: what a text is as a value of its type, for whoever runs it and for pages alike."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from typing import Any

from dagster_playbook.claims.runbook_front import type_problem
from dagster_playbook.claims.runbook_model import Parameter
from dagster_playbook.nessie_hash import FORM, is_hash

#: type -> what a value of it looks like; a date and a hash have owners of their own
FORMS = {
    "model": re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){0,2}"),
    "selector": re.compile(r"[A-Za-z_*+^(][\w.*+^:=/&|() -]*"),
    "category": re.compile(r"[A-Za-z_][\w-]*"),
}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MAX_CHARACTERS = 10_000
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


def items_of(parameter: Parameter, text: str) -> list[str]:
    """The single values of a text: a list may be given as JSON.

    Raises:
        ValueError: it begins like a JSON list and is none of strings.
    """
    if not (parameter.is_list and text.lstrip().startswith("[")):
        return [text]
    items = json.loads(text)
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError("a JSON list of strings is wanted")
    return items


def typed(parameter: Parameter, text: str) -> Any:
    """A single value of a parameter's type.

    Raises:
        ValueError: the text is none; says why.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"longer than {_MAX_CHARACTERS} characters")
    if _CONTROL.search(text):
        raise ValueError("it contains a control character")
    kind = parameter.item_type
    if kind == "integer":
        return _integer(text)
    if kind == "number":
        return _number(text)
    if kind == "boolean":
        if text.lower() not in _BOOLEANS:
            raise ValueError(f"{text!r} is neither true nor false")
        return _BOOLEANS[text.lower()]
    if kind == "date":
        return dt.date.fromisoformat(text).isoformat() if text else text
    if kind == "hash" and not is_hash(text):
        raise ValueError(f"{text!r} is no hash of Nessie: {FORM}")
    if kind in FORMS and not FORMS[kind].fullmatch(text):
        raise ValueError(f"{text!r} is no {kind}")
    return text


def value_problem(parameter: Parameter, text: str) -> str:
    """Why a single value is none of the parameter's, "" when it is."""
    try:
        value = typed(parameter, text)
        return type_problem(parameter, [value] if parameter.is_list else value)
    except ValueError as error:
        return str(error)


def _integer(text: str) -> int:
    # Python refuses to read thousands of digits, with words of its own
    number = int(text) if len(text) < 100 else None
    if number is None or not -(2**63) <= number < 2**63:
        raise ValueError("an integer has to fit into 64 bits")
    return number


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]!r} is no finite number")
    return number

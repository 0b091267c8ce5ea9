"""Values for a runbook's parameters: text from the command line made typed, once, before anything else sees it."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from dagster_playbook.claims.runbook_front import type_problem
from dagster_playbook.claims.runbook_model import Parameter, Runbook
from dagster_playbook.errors import RunbookError

_HASH = re.compile(r"[0-9a-f]{8,64}")
_MODEL = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){0,2}")
_SELECTOR = re.compile(r"[A-Za-z_*+^(][\w.*+^:=/&|() -]*")
_CATEGORY = re.compile(r"[A-Za-z_][\w-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MAX_CHARACTERS = 10_000
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_FORMS = {"hash": _HASH, "model": _MODEL, "selector": _SELECTOR, "category": _CATEGORY}


def read_values(runbook: Runbook, given: Iterable[str]) -> dict[str, Any]:
    """Typed values of all parameters from `name=value` texts; a list is given by repeating the name or as JSON.

    Raises:
        RunbookError: a parameter is unknown, missing, given twice, or its text is no value of its type.
    """
    texts: dict[str, list[str]] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign:
            raise RunbookError(f"{text!r} is no parameter: write -p name=value", path=runbook.path)
        if name not in runbook.parameters:
            known = ", ".join(runbook.parameters) or "none"
            raise RunbookError(f"no parameter {name!r}", cure=f"parameters: {known}", path=runbook.path)
        texts.setdefault(name, []).append(value)
    values: dict[str, Any] = {}
    for name, parameter in runbook.parameters.items():
        if name in texts:
            values[name] = _typed(runbook, parameter, texts[name])
        elif parameter.required:
            raise RunbookError(f"-p {name}=... is missing: {parameter.help}", path=runbook.path)
        else:
            values[name] = parameter.default
    return values


def texts_of(runbook: Runbook, values: Mapping[str, Any]) -> list[str]:
    """The `name=value` texts that `read_values` makes these values of again; defaults and secrets are left out."""
    texts = []
    for name, value in values.items():
        parameter = runbook.parameters.get(name)
        if parameter is not None and (parameter.secret or value == parameter.default):
            continue
        if isinstance(value, list):
            texts.append(f"{name}={json.dumps([str(item) for item in value])}")
        else:
            texts.append(f"{name}={str(value).lower() if isinstance(value, bool) else value}")
    return texts


def shown(runbook: Runbook, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values for people and files: those of secret parameters are replaced."""
    return {name: "[secret]" if runbook.parameters[name].secret else value for name, value in values.items()}


def _typed(runbook: Runbook, parameter: Parameter, texts: list[str]) -> Any:
    try:
        if parameter.is_list:
            items = _json_list(texts[0]) if len(texts) == 1 else None
            value: Any = [_scalar(parameter, text) for text in (texts if items is None else items)]
        elif len(texts) > 1:
            raise ValueError("given more than once")
        else:
            value = _scalar(parameter, texts[0])
        if problem := type_problem(parameter, value):
            raise ValueError(problem)
    except ValueError as error:
        cure = f"{parameter.type}: {parameter.help}"
        raise RunbookError(f"-p {parameter.name}: {error}", cure=cure, path=runbook.path) from error
    return value


def _json_list(text: str) -> list[str] | None:
    if not text.lstrip().startswith("["):
        return None
    items = json.loads(text)
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError("a JSON list of strings is wanted")
    return items


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


def _scalar(parameter: Parameter, text: str) -> Any:
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
    if kind in _FORMS and not _FORMS[kind].fullmatch(text):
        raise ValueError(f"{text!r} is no {kind}")
    return text

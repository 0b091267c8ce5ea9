"""Values for a runbook's parameters: text from the command line made typed, once, before anything else sees it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dagster_playbook.claims.runbook_front import type_problem
from dagster_playbook.claims.runbook_model import Parameter, Runbook
from dagster_playbook.claims.runbook_values import items_of, typed
from dagster_playbook.errors import RunbookError


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
            items = items_of(parameter, texts[0]) if len(texts) == 1 else texts
            value: Any = [typed(parameter, text) for text in items]
        elif len(texts) > 1:
            raise ValueError("given more than once")
        else:
            value = typed(parameter, texts[0])
        if problem := type_problem(parameter, value):
            raise ValueError(problem)
    except ValueError as error:
        cure = f"{parameter.type}: {parameter.help}"
        raise RunbookError(f"-p {parameter.name}: {error}", cure=cure, path=runbook.path) from error
    return value

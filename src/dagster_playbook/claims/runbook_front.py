"""The front matter of a runbook: who owns it, what it needs, and the parameters that a person gives."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import re
from collections.abc import Iterator
from typing import Any

from dagster_playbook.claims import runbook_model as model
from dagster_playbook.claims.front_places import FrontPlaces
from dagster_playbook.claims.runbook_model import Parameter, Trouble
from dagster_playbook.location import Location

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "date": (str, dt.date),
}
#: names that expressions use for something else
_RESERVED = {"rows", "value", "steps", "row", "answer", "hash", "exit_code", "run_id", "status"}


def type_problem(parameter: Parameter, value: Any) -> str:
    """Why a value is not of a parameter's type, or "" when it is."""
    if parameter.is_list:
        if not isinstance(value, list):
            return f"a list is wanted, not {value!r}"
        return next((p for item in value if (p := _item_problem(parameter, item))), "")
    return _item_problem(parameter, value)


def _item_problem(parameter: Parameter, value: Any) -> str:
    wanted = parameter.item_type
    allowed = _PYTHON_TYPES.get(wanted, (str,))
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        return f"{value!r} is no {wanted}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value!r} is no finite number"
    if parameter.choices and value not in parameter.choices:
        return f"{value!r} is none of {', '.join(map(str, parameter.choices))}"
    return ""


def front_problem(message: str, location: Location, subject: str = "runbook") -> Trouble:
    """What is wrong with the front matter, as a trouble."""
    return Trouble("RB401", "runbook-front-matter", message, location, subject)


def word(head: dict[str, Any], key: str, known: tuple[str, ...], places: FrontPlaces, troubles: list[Trouble]) -> str:
    """The value of a key that has to be one of a few words; the last of them when it is not."""
    value = head.get(key)
    if value not in known:
        message = f"`{key}` has to be one of {', '.join(known)}, not {value!r}"
        troubles.append(front_problem(message, places.of("runbook", key), key))
        return known[-1]
    return str(value)


def owner(head: dict[str, Any], places: FrontPlaces, troubles: list[Trouble]) -> str:
    """The role that runs it, "" when none is named."""
    value = head.get("owner")
    if not isinstance(value, str) or not value:
        troubles.append(
            front_problem("`owner` has to name the role that runs it", places.of("runbook", "owner"), "owner")
        )
    return str(value or "")


def needs(head: dict[str, Any], places: FrontPlaces, troubles: list[Trouble]) -> tuple[str, ...]:
    """What has to be there before it starts."""
    value = head.get("needs", [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        troubles.append(front_problem("`needs` has to be a list of words", places.of("runbook", "needs"), "needs"))
        return ()
    troubles += [
        front_problem(
            f"unknown need {item!r}; known: {', '.join(model.NEEDS)}", places.of("runbook", "needs", item), item
        )
        for item in value
        if item not in model.NEEDS
    ]
    return tuple(value)


def parameters_of(table: Any, places: FrontPlaces, troubles: list[Trouble]) -> dict[str, Parameter]:
    """The parameters by name; what is wrong with each is told at the line of the key."""
    above = ("runbook", "parameters")
    if not isinstance(table, dict):
        message = "`parameters` has to be a mapping of name to description"
        troubles.append(front_problem(message, places.of(*above), "parameters"))
        return {}
    found = {}
    for name, entry in table.items():
        troubles += [
            Trouble("RB402", "runbook-parameter", f"parameter {name!r}: {problem}", places.of(*above, name, key), key)
            for key, problem in _parameter_problems(name, entry)
        ]
        if isinstance(name, str) and isinstance(entry, dict):
            found[name] = dataclasses.replace(_parameter(name, entry), location=places.of(*above, name))
    return found


def _parameter(name: str, entry: dict[str, Any]) -> Parameter:
    choices = entry.get("choices")
    return Parameter(
        name=name,
        type=str(entry.get("type", "string")),
        help=str(entry.get("help", "")),
        default=_plain(entry.get("default")),
        example=_plain(entry.get("example")),
        choices=tuple(_plain(choices)) if isinstance(choices, list) else (),
        secret=entry.get("secret") is True,
        required="default" not in entry,
    )


def _plain(value: Any) -> Any:
    """YAML makes a date of `2024-01-01`; here it is text, as Dagster's config wants it."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def _parameter_problems(name: Any, entry: Any) -> Iterator[tuple[str, str]]:
    """(the key it is about, "" for the whole; what is wrong) of one parameter."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _RESERVED:
        yield "", "a name is lower case letters, digits and underscores, and none of " + ", ".join(sorted(_RESERVED))
    if not isinstance(entry, dict):
        yield "", "has to be a mapping with `type` and `help`"
        return
    yield from ((str(key), f"unknown key {key!r}") for key in entry if key not in model.PARAMETER_KEYS)
    parameter = _parameter(str(name), entry)
    if parameter.item_type not in model.SCALAR_TYPES:
        known = ", ".join(model.SCALAR_TYPES)
        yield "type", f"unknown type {parameter.type!r}; known: {known} and list[...] of them"
        return
    if not parameter.help:
        yield "help", "has no `help`: say what the person has to give"
    if parameter.required and parameter.example is None:
        yield "", "has neither `default` nor `example`; the page is checked with it"
    for key in ("default", "example"):
        value = _plain(entry.get(key))
        if value is not None and (problem := type_problem(parameter, value)):
            yield key, f"`{key}`: {problem}"

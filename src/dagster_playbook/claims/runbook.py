"""Read a page as a runbook: front matter with `runbook:`, and steps that are fences with an id.

The attributes stand in braces after the language, the one form that pymdownx.superfences takes for a code block
whatever the keys are:

    ```yaml {#restate job="sqlmesh_all_assets" approve="on-call-lead"}
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

from dagster_playbook.claims import placeholder
from dagster_playbook.claims import runbook_model as model
from dagster_playbook.claims.runbook_model import Kind, Parameter, Runbook, Step, Trouble
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Fence, Page

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_ID = re.compile(r"[a-z][a-z0-9_-]*")
_PARAMETER_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "date": (str, dt.date),
}
#: stands in for the result of an earlier step when the page is checked: it has the form of a Nessie hash
STEP_SAMPLE = "0123456789abcdef" * 4
#: names that expressions use for something else
_RESERVED = {"rows", "value", "steps", "row", "answer", "hash", "exit_code", "run_id", "status"}


def is_runbook(page: Page) -> bool:
    """Whether a page says that it runs."""
    return "runbook" in page.front_matter


def parse(page: Page) -> Runbook:
    """Read a page; whatever is wrong with it is in `troubles` of the result, nothing is raised."""
    start = Location(page.path, 1)
    troubles: list[Trouble] = []
    head = page.front_matter.get("runbook")
    if not isinstance(head, dict):
        troubles.append(_front("`runbook` in the front matter has to be a mapping", start))
        head = {}
    troubles += [
        _front(f"unknown key {key!r}; known: {', '.join(model.RUNBOOK_KEYS)}", start, str(key))
        for key in head
        if key not in model.RUNBOOK_KEYS
    ]
    title = page.front_matter.get("title")
    if not isinstance(title, str) or not title:
        troubles.append(_front("a runbook needs a `title`", start))
    steps = _steps(page, troubles)
    if not steps:
        troubles.append(_front("no step: no fence of the page has an id, e.g. ```yaml {#run job=...}", start))
    return Runbook(
        path=page.path,
        title=str(title or page.path),
        owner=_owner(head, start, troubles),
        risk=_word(head, "risk", model.RISKS, start, troubles),
        needs=_needs(head, start, troubles),
        timeout_s=_seconds(head.get("timeout", ""), start, troubles),
        parameters=_parameters(head.get("parameters") or {}, start, troubles),
        steps=steps,
        troubles=tuple(troubles),
    )


def duration_s(text: str) -> float | None:
    """Seconds of a duration such as `90s`, `10m`, `2h`, or None when it is none."""
    match = _DURATION.fullmatch(text.strip())
    return float(match.group(1)) * _SECONDS[match.group(2)] if match else None


def with_samples(runbook: Runbook, data: Any) -> Any:
    """A step's YAML as it would be filled: what a rule or Dagster's own validation is asked about."""

    def sample(name: str) -> Any:
        parameter = runbook.parameters.get(name)
        return parameter.sample if parameter else STEP_SAMPLE

    return placeholder.replace_scalars(data, sample)


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
    if parameter.choices and value not in parameter.choices:
        return f"{value!r} is none of {', '.join(map(str, parameter.choices))}"
    return ""


def _front(message: str, location: Location, subject: str = "runbook") -> Trouble:
    return Trouble("RB401", "runbook-front-matter", message, location, subject)


def _word(head: dict[str, Any], key: str, known: tuple[str, ...], at: Location, troubles: list[Trouble]) -> str:
    value = head.get(key)
    if value not in known:
        troubles.append(_front(f"`{key}` has to be one of {', '.join(known)}, not {value!r}", at, key))
        return known[-1]
    return str(value)


def _owner(head: dict[str, Any], at: Location, troubles: list[Trouble]) -> str:
    value = head.get("owner")
    if not isinstance(value, str) or not value:
        troubles.append(_front("`owner` has to name the role that runs it", at, "owner"))
    return str(value or "")


def _needs(head: dict[str, Any], at: Location, troubles: list[Trouble]) -> tuple[str, ...]:
    value = head.get("needs", [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        troubles.append(_front("`needs` has to be a list of words", at, "needs"))
        return ()
    troubles += [
        _front(f"unknown need {item!r}; known: {', '.join(model.NEEDS)}", at, item)
        for item in value
        if item not in model.NEEDS
    ]
    return tuple(value)


def _seconds(value: Any, at: Location, troubles: list[Trouble]) -> float:
    if value in ("", None):
        return 0.0
    seconds = duration_s(value) if isinstance(value, str) else None
    if seconds is None:
        troubles.append(
            Trouble("RB403", "step-attribute", f"{value!r} is no duration such as 90s, 10m or 2h", at, str(value))
        )
    return seconds or 0.0


def _parameters(table: Any, at: Location, troubles: list[Trouble]) -> dict[str, Parameter]:
    if not isinstance(table, dict):
        troubles.append(_front("`parameters` has to be a mapping of name to description", at, "parameters"))
        return {}
    found = {}
    for name, entry in table.items():
        troubles += [
            Trouble("RB402", "runbook-parameter", f"parameter {name!r}: {problem}", at, str(name))
            for problem in _parameter_problems(name, entry)
        ]
        if isinstance(name, str) and isinstance(entry, dict):
            found[name] = _parameter(name, entry)
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


def _parameter_problems(name: Any, entry: Any) -> Iterator[str]:
    if not isinstance(name, str) or not _PARAMETER_NAME.fullmatch(name) or name in _RESERVED:
        yield "a name is lower case letters, digits and underscores, and none of " + ", ".join(sorted(_RESERVED))
    if not isinstance(entry, dict):
        yield "has to be a mapping with `type` and `help`"
        return
    yield from (f"unknown key {key!r}" for key in entry if key not in model.PARAMETER_KEYS)
    parameter = _parameter(str(name), entry)
    if parameter.item_type not in model.SCALAR_TYPES:
        yield f"unknown type {parameter.type!r}; known: {', '.join(model.SCALAR_TYPES)} and list[...] of them"
        return
    if not parameter.help:
        yield "has no `help`: say what the person has to give"
    if parameter.required and parameter.example is None:
        yield "has neither `default` nor `example`; the page is checked with it"
    for key in ("default", "example"):
        value = _plain(entry.get(key))
        if value is not None and (problem := type_problem(parameter, value)):
            yield f"`{key}`: {problem}"


def _steps(page: Page, troubles: list[Trouble]) -> tuple[Step, ...]:
    steps = [_step(fence, troubles) for fence in page.fences if fence.attributes.get("id")]
    seen: set[str] = set()
    for step in steps:
        if step.id in seen:
            troubles.append(
                Trouble("RB404", "duplicate-step", f"a second step with the id {step.id!r}", step.location, step.id)
            )
        seen.add(step.id)
    return tuple(steps)


def _step(fence: Fence, troubles: list[Trouble]) -> Step:
    given, at = fence.attributes, fence.location

    def wrong(message: str, subject: str) -> None:
        troubles.append(Trouble("RB403", "step-attribute", message, at, subject))

    for key in given:
        if key not in model.ATTRIBUTES and key not in ("title", "linenums", "hl_lines"):
            wrong(f"step {given['id']!r} has an unknown attribute {key!r}", key)
    if not _ID.fullmatch(given["id"]):
        wrong(f"a step's id is lower case letters, digits, - and _, not {given['id']!r}", given["id"])
    kind, subject = _kind(fence, wrong)
    return Step(
        id=given["id"],
        kind=kind,
        subject=subject,
        fence=fence,
        **{key: given.get(key, "") for key in ("expect", "unless", "on_failure", "then", "undo", "no_undo")},
        reexecutes=given.get("reexecutes", ""),
        approve=(given["approve"] or "approver") if "approve" in given else "",
        recovery="recovery" in given,
        changes_nothing=given.get("changes") == "nothing",
        timeout_s=_seconds(given.get("timeout"), at, troubles),
        wait_s=_seconds(given.get("wait"), at, troubles),
        every_s=_seconds(given.get("every"), at, troubles),
    )


def _kind(fence: Fence, wrong: Any) -> tuple[Kind, str]:
    given = fence.attributes
    allowed = {
        "query": model.ENGINES,
        "nessie": (*model.NESSIE_READS, *model.NESSIE_WRITES),
        "dagster": (*model.DAGSTER_READS, *model.DAGSTER_WRITES),
        "facts": ("equal",),
    }
    kinds = [key for key in ("job", "query", "nessie", "dagster", "facts", "ask") if key in given]
    if len(kinds) > 1:
        wrong(f"step {given['id']!r} is {' and '.join(kinds)} at once", kinds[1])
    if not kinds:
        if fence.language not in model.COMMAND_LANGUAGES:
            wrong(f"step {given['id']!r} says nothing to do: give it job=, query=, nessie=, dagster= or ask=", "step")
        return Kind.COMMAND, ""
    kind, subject = kinds[0], given[kinds[0]]
    if kind in allowed and subject not in allowed[kind]:
        wrong(f"{kind}={subject!r} is none of {', '.join(allowed[kind])}", subject)
    return Kind(kind), subject

"""Read a page as a runbook: front matter with `runbook:`, and steps that are fences with an id.

The attributes stand in braces after the language, the one form that pymdownx.superfences takes for a code block
whatever the keys are:

    ```yaml {#restate job="sqlmesh_all_assets" approve="on-call-lead"}
"""

from __future__ import annotations

import re
from typing import Any

from dagster_playbook.claims import runbook_front as front
from dagster_playbook.claims import runbook_model as model
from dagster_playbook.claims.front_places import FrontPlaces
from dagster_playbook.claims.runbook_model import Kind, Runbook, Step, Trouble
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Fence, Page

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_ID = re.compile(r"[a-z][a-z0-9_-]*")
#: stands in for the result of an earlier step when the page is checked: it has the form of a Nessie hash
STEP_SAMPLE = "0123456789abcdef" * 4


def is_runbook(page: Page) -> bool:
    """Whether a page says that it runs."""
    return "runbook" in page.front_matter


def parse(page: Page) -> Runbook:
    """Read a page; whatever is wrong with it is in `troubles` of the result, nothing is raised."""
    places = FrontPlaces(page)
    start = places.of()
    troubles: list[Trouble] = []
    head = page.front_matter.get("runbook")
    if not isinstance(head, dict):
        troubles.append(front.front_problem("`runbook` in the front matter has to be a mapping", places.of("runbook")))
        head = {}
    troubles += [
        front.front_problem(
            f"unknown key {key!r}; known: {', '.join(model.RUNBOOK_KEYS)}", places.of("runbook", key), str(key)
        )
        for key in head
        if key not in model.RUNBOOK_KEYS
    ]
    title = page.front_matter.get("title")
    if not isinstance(title, str) or not title:
        troubles.append(front.front_problem("a runbook needs a `title`", places.of("title")))
    troubles += [front.front_problem(message, at, subject) for message, at, subject in places.doubled()]
    steps = _steps(page, troubles)
    if not steps:
        troubles.append(
            front.front_problem("no step: no fence of the page has an id, e.g. ```yaml {#run job=...}", start)
        )
    return Runbook(
        path=page.path,
        title=str(title or page.path),
        owner=front.owner(head, places, troubles),
        risk=front.word(head, "risk", model.RISKS, places, troubles),
        needs=front.needs(head, places, troubles),
        timeout_s=_seconds(head.get("timeout", ""), places.of("runbook", "timeout"), troubles),
        parameters=front.parameters_of(head.get("parameters") or {}, places, troubles),
        steps=steps,
        troubles=tuple(troubles),
    )


def duration_s(text: str) -> float | None:
    """Seconds of a duration such as `90s`, `10m`, `2h`, or None when it is none."""
    match = _DURATION.fullmatch(text.strip())
    return float(match.group(1)) * _SECONDS[match.group(2)] if match else None


def _seconds(value: Any, at: Location, troubles: list[Trouble]) -> float:
    if value in ("", None):
        return 0.0
    seconds = duration_s(value) if isinstance(value, str) else None
    if seconds is None:
        troubles.append(
            Trouble("RB403", "step-attribute", f"{value!r} is no duration such as 90s, 10m or 2h", at, str(value))
        )
    return seconds or 0.0


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

"""A plan for people and for pages: as a tree, a table, JSON or Mermaid."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from dagster_playbook.runbook.plan import Plan, step_summary

FORMATS = ("tree", "table", "json", "mermaid")
_SHOWN_MODELS = 40


def as_json(plan: Plan) -> str:
    """The plan as JSON."""
    return json.dumps(plan.as_dict(), indent=2, ensure_ascii=False, default=str)


def tree(plan: Plan) -> Any:
    """The plan as a rich tree: what is done, what it touches, who has to agree."""
    from rich.markup import escape
    from rich.tree import Tree

    top = Tree(f"[bold]{escape(plan.runbook.title)}[/bold]  ({escape(plan.runbook.path)}, risk {plan.runbook.risk})")
    if plan.values:
        branch = top.add("parameters")
        for name, value in plan.shown_values.items():
            branch.add(f"{name} = {escape(str(value))}")
    steps = top.add("steps")
    for step in plan.runbook.steps:
        branch = steps.add(_step_line(step_summary(step)))
        for line in _step_details(step_summary(step)):
            branch.add(escape(line))
        if radius := plan.radius.get(step.id):
            _add_radius(branch, radius)
    if plan.roles:
        top.add(f"[bold]needs approval[/bold] by {', '.join(plan.roles)}")
    top.add(f"digest {plan.digest}")
    return top


def _step_line(step: dict[str, Any]) -> str:
    from rich.markup import escape

    marks = ("[yellow]changes[/yellow] " if step["mutating"] else "") + ("(recovery) " if step["recovery"] else "")
    return f"[cyan]{escape(step['id'])}[/cyan] {marks}{escape(step['kind'])} {escape(step['subject'])}".rstrip()


def _step_details(step: dict[str, Any]) -> Iterator[str]:
    for key in ("unless", "expect", "approve", "on_failure", "then", "undo", "no_undo"):
        if step.get(key):
            yield f"{key.replace('_', ' ')}: {step[key]}"


def _add_radius(branch: Any, radius: dict[str, Any]) -> None:
    from rich.markup import escape

    models = [m for m in radius["models"] if m["role"] != "missing"]
    full = sum(m["full_history"] for m in models)
    node = branch.add(f"[bold red]blast radius[/bold red]: {len(models)} models, {full} with their whole history")
    for model in models[:_SHOWN_MODELS]:
        node.add(escape(f"{model['name']} ({model['kind']}) {_window(model)}: {model['why']}{_cost(model)}"))
    if len(models) > _SHOWN_MODELS:
        node.add(f"and {len(models) - _SHOWN_MODELS} more: --format json lists all")
    for name, why in radius["untouched"].items():
        node.add(escape(f"not restated: {name}: {why}"))
    for name, invalidated in radius["environments"].items():
        node.add(escape(f"environment {name}: {len(invalidated)} models have to be filled again"))
    if radius["marts"]:
        node.add(escape("consumers read: " + ", ".join(radius["marts"])))


def _window(model: dict[str, Any]) -> str:
    """First and last day, both inclusive as the parameters of a restatement are; the data keep the end exclusive."""
    last = dt.datetime.fromisoformat(model["end"]) - dt.timedelta(milliseconds=1)
    return f"{model['start'][:10]} to {last:%Y-%m-%d}"


def _cost(model: dict[str, Any]) -> str:
    parts = [f"{model['rows']:,} rows"] if model["rows"] is not None else []
    parts += [f"last took {model['runtime_s']:g} s"] if model["runtime_s"] is not None else []
    return f" [{', '.join(parts)}]" if parts else ""


def tables(plan: Plan) -> Iterator[Any]:
    """The steps, and the models of each blast radius, as rich tables."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(f"{plan.runbook.title}: {plan.digest}"), title_justify="left")
    for heading in ("step", "kind", "subject", "changes", "expect / unless", "approved by", "undo"):
        table.add_column(heading, overflow="fold")
    for step in map(step_summary, plan.runbook.steps):
        said = " / ".join(step[key] for key in ("expect", "unless") if step.get(key))
        undo = step.get("undo") or step.get("no_undo") or ""
        changes = "yes" if step["mutating"] else ""
        cells = (step["id"], step["kind"], step["subject"], changes, said, step.get("approve", ""), undo)
        table.add_row(*map(escape, cells))
    yield table
    for step_id, radius in plan.radius.items():
        models = Table(title=f"blast radius of {step_id}", title_justify="left")
        for heading in ("model", "kind", "window", "why", "rows", "last, s"):
            models.add_column(heading, overflow="fold")
        for model in radius["models"]:
            rows = "" if model["rows"] is None else str(model["rows"])
            runtime = "" if model["runtime_s"] is None else f"{model['runtime_s']:g}"
            models.add_row(*map(escape, (model["name"], model["kind"], _window(model), model["why"], rows, runtime)))
        yield models


def mermaid(plan: Plan) -> str:
    """The steps and the models of the blast radius as a Mermaid flowchart for a page."""
    lines = ["flowchart TD"]
    for step in plan.runbook.steps:
        label = _label(f"{step.id}: {step.kind} {step.subject}")
        lines.append(f'  {_node("s", step.id)}["{label}"]')
        following = plan.runbook.following(step)
        if following:
            lines.append(f"  {_node('s', step.id)} --> {_node('s', following)}")
        if step.on_failure:
            lines.append(f"  {_node('s', step.id)} -. fails .-> {_node('s', step.on_failure)}")
    for step_id, radius in plan.radius.items():
        known = {model["fqn"]: model["name"] for model in radius["models"]}
        for model in radius["models"]:
            lines.append(f'  {_node("m", model["name"])}("{_label(model["name"])}")')
            if model["role"] == "selected":
                lines.append(f"  {_node('s', step_id)} ==> {_node('m', model['name'])}")
            lines += [
                f"  {_node('m', known[p])} --> {_node('m', model['name'])}" for p in model["parents"] if p in known
            ]
    return "\n".join(lines)


def _node(prefix: str, name: str) -> str:
    """An id that Mermaid takes; different names stay different."""
    return f"{prefix}_" + "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):x}_" for c in name)


def _label(text: str) -> str:
    return text.replace('"', "#quot;").replace("\n", " ").strip()

"""A page for each model and each job of the platform, as Markdown, from the facts alone."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

from dagster_playbook.facts.facts import ConfigFieldFact, Facts, JobFact, ModelFact
from dagster_playbook.site.builder import is_consumed
from dagster_playbook.site.lineage import Graph, draw
from dagster_playbook.site.sources import Sources

MODELS = "<!-- site: models -->"
JOBS = "<!-- site: jobs -->"
_UP = "../../"


def pages(sources: Sources) -> Iterator[tuple[str, str]]:
    """Path below the folder of pages, and Markdown, of each page."""
    graph = Graph(sources.facts)
    for model in graph.models.values():
        yield f"platform/models/{model.name}.md", _model_page(sources, graph, model)
    for job in shown_jobs(sources.facts):
        yield f"platform/jobs/{job.name}.md", _job_page(sources, job)


def shown_jobs(facts: Facts) -> list[JobFact]:
    """The jobs that people start; Dagster's own job of all assets is none."""
    return [job for job in facts.jobs.values() if not job.name.startswith("__")]


def model_table(sources: Sources, up: str) -> str:
    """Every model with kind, tags and who reads it, as HTML."""
    graph = Graph(sources.facts)
    rows = "".join(
        f"<tr><td>{_model_link(model, up)}</td><td>{model.kind}</td><td>{html.escape(', '.join(model.tags))}</td>"
        f"<td>{len(graph.downstream(fqn))}</td></tr>"
        for fqn, model in sorted(graph.models.items(), key=lambda item: item[1].name)
    )
    heads = "".join(f"<th>{head}</th>" for head in ("Model", "Kind", "Tags", "Models downstream"))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def job_table(sources: Sources, up: str) -> str:
    """Every job with what it does, as HTML."""
    rows = "".join(
        f'<tr><td><a href="{up}platform/jobs/{job.name}.html">{job.name}</a></td>'
        f"<td>{html.escape(job.description)}</td></tr>"
        for job in shown_jobs(sources.facts)
    )
    return f"<table><thead><tr><th>Job</th><th>What it does</th></tr></thead><tbody>{rows}</tbody></table>"


def lineage(sources: Sources, up: str) -> str:
    """The whole graph."""
    graph = Graph(sources.facts)
    return draw(graph, graph.models, up, "All models, from the sources on the left to the tables of consumers")


def _model_page(sources: Sources, graph: Graph, model: ModelFact) -> str:
    below = graph.downstream(model.fqn)
    read = [graph.models[fqn] for fqn in below if is_consumed(graph.models[fqn])]
    near = {*graph.parents(model.fqn), model.fqn, *below}
    label = f"What {model.name} reads, and everything that reads it"
    lines = [*_head(model.name, f"Model {model.name}: columns, kind, tags, upstream and downstream.")]
    lines += [html.escape(model.description), ""] if model.description else []
    facts = {
        "Kind": model.kind,
        "Runs": model.cron,
        "Tags": ", ".join(model.tags) or "none",
        "Audits": ", ".join(sorted(set(model.audits))) or "none",
        "Owner": model.owner or "nobody is named",
        "Defined in": _source(sources, model),
        "Read by consumers": "yes, it is theirs" if is_consumed(model) else ", ".join(_link(m) for m in read) or "no",
    }
    lines += ["| Fact | Value |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items()), ""]
    lines += ["## What reads what", "", draw(graph, near, _UP, label, model.fqn), ""]
    lines += [f"Reads: {', '.join(_link(graph.models[f]) for f in graph.parents(model.fqn)) or 'sources only'}.", ""]
    lines += [f"Downstream, {len(below)} models: {', '.join(_link(graph.models[f]) for f in below) or 'none'}.", ""]
    lines += ["## Restate it", "", *_restating(model, len(below)), ""]
    lines += ["## Columns", "", "| Column | Type |", "|---|---|"]
    lines += [f"| {name} | {kind} |" for name, kind in model.columns.items()]
    return "\n".join([*lines, ""])


def _restating(model: ModelFact, count: int) -> Iterator[str]:
    if model.kind == "SEED":
        yield "SQLMesh passes a seed over in silence. Change its file, and the next plan loads it."
        return
    yield f"It and the {count} models downstream are computed again, except those that do not allow it. See it first:"
    yield from ("", "```sh", f"playbook plan runbooks/restate-by-model.md -p models={model.name}", "```", "")
    yield "The whole way is [restate models by name](../../runbooks/restate-by-model.md)."


def _job_page(sources: Sources, job: JobFact) -> str:
    lines = [*_head(job.name, f"Job {job.name}: what it does, its config, and which runbook launches it.")]
    lines += [html.escape(job.description), ""]
    for name, value in job.tags.items():
        lines += [f"- tag **{name}**: {value}"]
    lines += ["", "It has no schedule and no sensor: somebody starts it." if not sources.facts.schedules else "", ""]
    starters = [runbook for runbook in sources.runbooks.values() if any(s.subject == job.name for s in runbook.steps)]
    said = ", ".join(f"[{each.title}](../../{each.path})" for each in starters) or "none"
    lines += [f"Runbooks that launch it: {said}.", ""]
    for op in job.ops:
        fields = _fields(sources.facts, op)
        if fields:
            lines += [f"## Config of {op}", "", "| Key | Type | Default | Meaning |", "|---|---|---|---|"]
            lines += [_field(sources.facts, field) for field in fields]
            lines += ["", f'<p><a href="../../builder.html#job={job.name}">Build a config for it</a></p>', ""]
    preset = _preset(sources.facts, job)
    if preset:
        lines += ["## Preset", "", "Without config of your own it runs with this:", "", "```json", preset, "```", ""]
    return "\n".join(lines)


def _preset(facts: Facts, job: JobFact) -> str:
    """The defaults of the job's ops as JSON where one differs from the op's own, else ""."""
    shape = facts.config_types.get(job.config_type)
    standard = next((field.default for field in shape.fields if field.name == "ops"), "") if shape else ""
    ops: dict[str, Any] = json.loads(standard) if standard else {}
    own = {op: {field.name: json.loads(field.default or "null") for field in _fields(facts, op)} for op in ops}
    set_here = {
        op: {key: value for key, value in body.get("config", {}).items() if value != own[op].get(key)}
        for op, body in ops.items()
        if isinstance(body.get("config"), dict)
    }
    return json.dumps({op: keys for op, keys in set_here.items() if keys}, indent=2) if any(set_here.values()) else ""


def _fields(facts: Facts, op: str) -> tuple[ConfigFieldFact, ...]:
    shape = facts.config_types.get(facts.ops.get(op, ""))
    return shape.fields if shape else ()


def _field(facts: Facts, field: ConfigFieldFact) -> str:
    default = "required" if field.is_required else field.default or "none"
    return f"| {field.name} | {_type(facts, field.type_key)} | {default} | {html.escape(field.description)} |"


def _type(facts: Facts, key: str) -> str:
    found = facts.config_types.get(key)
    if found is None:
        return "any"
    if found.kind in {"NONEABLE", "SCALAR_UNION"}:
        return _type(facts, found.inner[0])
    if found.kind == "ARRAY":
        return f"list of {_type(facts, found.inner[0])}"
    return {"STRING": "text", "BOOL": "true or false", "INT": "integer", "FLOAT": "number"}.get(found.scalar, "mapping")


def _head(title: str, description: str) -> Iterator[str]:
    yield from (
        "---",
        f"title: {json.dumps(title)}",
        f"description: {json.dumps(description)}",
        "hide:",
        "  - toc",
        "---",
        "",
    )
    yield from (f"# {title}", "")


def _link(model: ModelFact) -> str:
    return f"[{model.name}]({model.name}.md)"


def _model_link(model: ModelFact, up: str) -> str:
    return f'<a href="{up}platform/models/{model.name}.html">{model.name}</a>'


def _source(sources: Sources, model: ModelFact) -> str:
    place = f"{model.path}:{model.line}"
    return f"[{place}]({sources.repository}/blob/main/{model.path}#L{model.line})" if sources.repository else place

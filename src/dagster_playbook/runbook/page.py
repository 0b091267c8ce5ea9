"""The page of a runbook on the site: what it is at a glance, from its front matter and steps, and then its own text.

`python -m dagster_playbook.runbook.page runbooks/*.md` writes the pages into docs/runbooks/.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from dagster_playbook.claims.runbook import parse
from dagster_playbook.claims.runbook_model import Kind, Parameter, Runbook, Step
from dagster_playbook.durable import write_whole
from dagster_playbook.markdown.reader import read_page
from dagster_playbook.runbook.page_commands import command_lines, next_lines

#: the names of the engines and tools as readers know them
_NAMES = {
    "sqlmesh": "SQLMesh", "dagster": "Dagster", "duckdb": "DuckDB", "trino": "Trino", "nessie": "Nessie",
    "bigquery": "BigQuery", "warehouse": "the warehouse", "stack": "the real services", "git": "Git",
}  # fmt: skip
_DOES = {
    "reference": "reads where a Nessie reference stands",
    "history": "reads the history of a Nessie reference",
    "commits": "asks Nessie for a commit",
    "assign": "moves a Nessie reference",
    "runs": "asks Dagster for runs",
    "remaining": "asks what a restatement has left",
    "cancel": "cancels a Dagster run",
}


def page_of(root: Path, path: str) -> str:
    """The Markdown of the site's page for the runbook at `path`, relative to `root`."""
    page = read_page(root, path)
    runbook, description = parse(page), page.front_matter.get("description", "")
    folded = "Parameters and steps" if runbook.parameters else "Steps"
    return "\n".join([
        "---", f"title: {runbook.title}", f"description: {description}", "---", "",
        f"# {runbook.title}", "",
        *_glance(runbook), "",
        *command_lines(runbook),
        # folded, so that a warning that begins the runbook's text stays in sight
        f'??? abstract "{folded}"', "",
        *(f"    {line}".rstrip() for table in (_parameters, _steps) for line in table(runbook)),
        f'--8<-- "{path}:page"', "",
        *next_lines(root, runbook),
    ])  # fmt: skip


def _glance(runbook: Runbook) -> Iterator[str]:
    yield "| Run by | Risk | Needs | Approved by |"
    yield "|---|---|---|---|"
    roles = ", ".join(dict.fromkeys(step.approve for step in runbook.steps if step.approve)) or "nobody has to"
    needs = ", ".join(_NAMES[need] for need in runbook.needs) or "nothing"
    yield f"| {runbook.owner} | {runbook.risk} | {needs} | {roles} |"


def _parameters(runbook: Runbook) -> Iterator[str]:
    if runbook.parameters:
        yield "| Parameter | Type | When left out | Meaning |"
        yield "|---|---|---|---|"
        yield from (_parameter(parameter) for parameter in runbook.parameters.values())
        yield ""


def _parameter(parameter: Parameter) -> str:
    kind = f"list of {parameter.item_type}s" if parameter.is_list else parameter.type
    default = "it has to be given" if parameter.required else _shown(parameter.default)
    return f"| {parameter.name} | {kind.replace('categorys', 'categories')} | {default} | {_cell(parameter.help)} |"


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "true" if default else "false"
    return "none" if default in (None, "", []) else _cell(str(default))


def _steps(runbook: Runbook) -> Iterator[str]:
    yield "| Step | It | Succeeds when | When it fails |"
    yield "|---|---|---|---|"
    for step in runbook.steps:
        name = f"{step.id} (only after a failure)" if step.recovery else step.id
        failure = fails(step)
        yield f"| {name} | {does(step)} | {succeeds(step)} | {failure} |"
    yield ""


def does(step: Step) -> str:
    """What a step does, in the words of a reader."""
    if step.kind is Kind.JOB:
        return f"runs the job {step.subject}"
    if step.kind is Kind.QUERY:
        return f"asks {_NAMES[step.subject]}"
    fixed = {Kind.COMMAND: "runs a command", Kind.ASK: "asks you", Kind.FACTS: "looks facts up"}
    return fixed.get(step.kind) or _DOES[step.subject]


def succeeds(step: Step) -> str:
    """When a step has succeeded; an expression as it is written."""
    if step.expect:
        return _cell(step.expect)
    if step.kind is Kind.ASK:
        return f"you answer {step.subject}" if step.subject else "you answer"
    return "it ends well"


def fails(step: Step) -> str:
    """What happens when a step fails."""
    return f"goes on with {step.on_failure}" if step.on_failure else "the run stops"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(paths: list[str]) -> None:
    """Write the page of each runbook."""
    for path in paths:
        write_whole(Path("docs", "runbooks", Path(path).name), page_of(Path(), path), mode=0o644)


if __name__ == "__main__":
    main(sys.argv[1:])

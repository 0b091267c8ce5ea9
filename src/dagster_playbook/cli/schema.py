"""`playbook schema`: JSON Schemas for run configs, for editors, CI and the site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dagster_playbook.facts.facts import Facts


@click.command()
@click.argument("name", required=False)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Write one file for each schema here.")
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The folder with pyproject.toml, or one below it; default: here.",
)
def command(name: str | None, output: Path | None, project: Path) -> None:
    """Print the JSON Schema of the run config of a job, of the config of an op, or of a `runbook`.

    Built from Dagster's own config types: an editor that completes and validates by it comes to the same verdict as
    Dagster. Without NAME and --output, lists the jobs and ops that there are schemas for.

    \b
    Examples:
      playbook schema sqlmesh_all_assets > run-config.schema.json
      playbook schema sqlmesh_project
      playbook schema --output schemas
      playbook schema runbook  # the front matter of a runbook

    \b
    In a YAML file, for editors that read yaml-language-server comments:
      # yaml-language-server: $schema=schemas/sqlmesh_all_assets.schema.json
    """
    if name == "runbook" and output is None:
        from dagster_playbook.claims.runbook_schema import schema as runbook_schema

        click.echo(json.dumps(runbook_schema(), indent=2))
        return
    from dagster_playbook.platform.loader import load_facts
    from dagster_playbook.settings import find_root, load_settings

    settings = load_settings(find_root(project))
    facts = load_facts(settings, progress=lambda text: click.echo(f"{text} ...", err=True))
    wanted = _wanted(facts, name)
    if output is not None:
        for file, schema in wanted.items():
            click.echo(_write(output / file, schema))
    elif name:
        click.echo(json.dumps(next(iter(wanted.values())), indent=2, ensure_ascii=False))
    else:
        for file in wanted:
            click.echo(file.removesuffix(".schema.json"))


def _wanted(facts: Facts, name: str | None) -> dict[str, dict[str, Any]]:
    from dagster_playbook.errors import PlatformError
    from dagster_playbook.facts.json_schema import job_schema, op_schema

    ops = [op for op, key in facts.ops.items() if key]
    if name is None:
        jobs = {f"{job}.schema.json": job_schema(facts, job) for job in facts.jobs}
        return jobs | {f"{op}.schema.json": op_schema(facts, op) for op in ops if op not in facts.jobs}
    if name in facts.jobs:
        return {f"{name}.schema.json": job_schema(facts, name)}
    if name in ops:
        return {f"{name}.schema.json": op_schema(facts, name)}
    known = ", ".join([*facts.jobs, *ops])
    cure = f"one of: {known}" if known else "name a code location in [[tool.playbook.dagster]] of pyproject.toml"
    raise PlatformError(f"there is no job, and no op with config, called {name!r}", cure=cure)


def _write(path: Path, schema: dict[str, Any]) -> Path:
    """Write aside, then put in place; the path of what was written."""
    from dagster_playbook.durable import write_whole
    from dagster_playbook.errors import PlatformError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(schema, indent=2, ensure_ascii=False) + "\n", mode=0o644)
    except OSError as error:
        cure = "name a folder that can be written with --output"
        raise PlatformError(f"cannot write the schema: {error.strerror}", cure=cure, path=str(path)) from error
    return path

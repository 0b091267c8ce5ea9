"""`playbook plan`: what a runbook would do; with --request, asked for under one's own key."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dagster_playbook.cli.runbook_options import (
    dagster_url_option,
    key_option,
    parameter_option,
    project_option,
    quiet_sqlmesh,
    refusals_exit_1,
    settings_of,
    target_option,
)


@click.command()
@click.argument("runbook")
@parameter_option
@click.option(
    "--format",
    "output",
    type=click.Choice(["tree", "table", "json", "mermaid"]),
    default="tree",
    help="For people, machines or a page.",
)
@click.option("--request", is_flag=True, help="Sign a request for this plan, so that somebody else can approve it.")
@click.option("--reason", default="", metavar="TEXT", help="Why it is wanted; a policy may ask for that.")
@key_option
@dagster_url_option
@target_option
@project_option
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    *,
    runbook: str,
    given: tuple[str, ...],
    output: str,
    request: bool,
    reason: str,
    key: Path | None,
    dagster_url: str,
    target: str,
    project: Path,
) -> None:
    """Show what RUNBOOK would do with these parameters. Nothing is changed, started or written.

    A restatement's blast radius is asked from SQLMesh's own plan: every model that would be evaluated, its window and
    why it is as wide, the environments that are invalidated and the tables that consumers read.

    \b
    Examples:
      playbook plan runbooks/restate-by-model.md -p models=oso.stg_pypi__projects
      playbook plan runbooks/restate-by-model.md -p models=oso.stg_pypi__projects --format mermaid
      playbook plan runbooks/restate-by-model.md -p models=oso.stg_pypi__projects --request --key ~/.ssh/id_ed25519
    """
    from dagster_playbook.runbook import present
    from dagster_playbook.runbook.plan import make_plan
    from dagster_playbook.runbook.reach import run_config_of

    quiet_sqlmesh()
    settings = settings_of(project)
    plan = make_plan(
        settings, runbook, given, target=target, config_of=lambda run: run_config_of(settings, dagster_url, run)
    )
    if output == "json":
        click.echo(present.as_json(plan))
    elif output == "mermaid":
        click.echo(present.mermaid(plan))
    else:
        from rich.console import Console

        console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 160)
        for shown in [present.tree(plan)] if output == "tree" else present.tables(plan):
            console.print(shown)
    if request:
        if key is None:
            raise click.UsageError("--request needs --key, the SSH key that says who asks")
        with refusals_exit_1():
            from dagster_playbook.runbook.requests import write_request

            path = write_request(settings.root, plan, key, reason=reason)
        click.echo(f"asked for: {path}", err=True)
        click.echo(f"somebody else now runs: playbook approve {plan.digest[:12]} --key KEY", err=True)

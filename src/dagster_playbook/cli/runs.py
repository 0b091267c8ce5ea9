"""`playbook runs`: what was run, how it ended, and whether the journals are as they were written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from dagster_playbook.cli.runbook_options import format_option, project_option, settings_of, tell_of_broken
from dagster_playbook.cli.runbook_progress import told


@click.group()
def command() -> None:
    """List, show and verify runs.

    \b
    Examples:
      playbook runs list
      playbook runs show last
      playbook runs verify
    """


@command.command("list")
@format_option
@project_option
def list_runs(output: str, project: Path) -> None:
    """All runs, oldest first, with their state: succeeded, failed, recovered, interrupted, cut, or unreadable."""
    from dagster_playbook.runbook.store import UNREADABLE, Store, run_state

    store = Store(settings_of(project).root)
    states = [run_state(store.run_folder(run_id)) for run_id in store.run_ids()]
    if output == "json":
        click.echo(json.dumps(states, indent=2, ensure_ascii=False))
        return
    for state in states:
        why = state["message"] if state["state"] == UNREADABLE else ""
        words = (state["id"], f"{state['state']:<11}", state.get("runbook", ""), state["step"], why)
        click.echo("  ".join(word for word in words if word).rstrip())


@command.command("show")
@click.argument("run", default="last")
@format_option
@project_option
def show_run(run: str, output: str, project: Path) -> None:
    """Every event of RUN in order, what each step gave, and the file of its evidence in the run's folder."""
    from dagster_playbook.runbook.journal import entries
    from dagster_playbook.runbook.store import Store, run_state

    settings = settings_of(project)
    tell_of_broken(settings, run)
    folder = Store(settings.root).run_folder(run)
    told = [entry.as_dict() for entry in entries(folder)]
    if output == "json":
        click.echo(json.dumps({**run_state(folder), "journal": told}, indent=2, ensure_ascii=False))
        return
    for entry in told:
        click.echo(f"{entry['at']}  {entry['event']:<13}  {_line(entry['data'])}".rstrip())


@command.command("verify")
@click.argument("run", required=False)
@format_option
@project_option
def verify_runs(run: str | None, output: str, project: Path) -> None:
    """Whether the journal and evidence of RUN, or of every run, are as they were written; exit code 1 when not.

    A run that was cut before its first line has nothing to verify and is passed over; a clock that went back between
    two lines is told. Both change nothing of the exit code.
    """
    from dagster_playbook.runbook.clock import steps_back
    from dagster_playbook.runbook.evidence import verify_run
    from dagster_playbook.runbook.store import Store, problem_of, was_never_begun

    store = Store(settings_of(project).root)
    folders = [store.run_folder(run)] if run else [store.run_folder(run_id) for run_id in store.run_ids()]
    found: dict[str, list[str]] = {}
    for folder in folders:
        if (problem := problem_of(folder)) and was_never_begun(folder):
            click.echo(f"passed over: {folder.name}: {problem}, and nothing was done", err=True)
            continue
        found[folder.name] = [problem] if problem else verify_run(folder)
        for told_back in [] if problem else steps_back(folder):
            click.echo(f"{folder.name}  {told_back}", err=True)
    if output == "json":
        click.echo(json.dumps(found, indent=2))
    else:
        for name, problems in found.items():
            click.echo(f"{name}  {'; '.join(problems) if problems else 'as it was written'}")
    sys.exit(1 if any(found.values()) else 0)


def _line(data: dict[str, Any]) -> str:
    parts = [
        str(data[key])
        for key in ("runbook", "step", "outcome", "state", "approver", "message", "reason")
        if data.get(key)
    ]
    parts += [told(data.get("result") or {}), str(data.get("evidence") or "")]
    return "  ".join(part.splitlines()[0] for part in parts if part)

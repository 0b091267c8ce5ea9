"""`playbook runs`: what was run, how it ended, and whether their records are as they were written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dagster_playbook.cli.runbook_options import (
    dagster_url_option,
    format_option,
    project_option,
    settings_of,
    tell_of_broken,
)
from dagster_playbook.runbook.brief import told

if TYPE_CHECKING:
    from dagster_playbook.runbook.verification import Report


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
@click.option("--signed", "is_demanded", is_flag=True, help="A run without its operator's signature is a finding.")
@dagster_url_option
@format_option
@project_option
def verify_runs(*, run: str | None, is_demanded: bool, dagster_url: str, output: str, project: Path) -> None:
    """Whether RUN, or every run, is as it was written: journal, page, logs, evidence, the set of files.

    They are held to the index of runs, to the tags of the Dagster runs that they have launched, and to the operator's
    signature where there is one. Exit code 0: as written; 1: something does not fit; 2: could not look at something.
    """
    from dagster_playbook.runbook.reach import dagster_of_records
    from dagster_playbook.runbook.store import Store
    from dagster_playbook.runbook.verification import CHANGED, COULD_NOT, known_runs, read_outside
    from dagster_playbook.runbook.verification import verify_runs as verified

    settings = settings_of(project)
    store = Store(settings.root)
    runs = _named(run, known_runs(store)) if run else known_runs(store)
    here = dagster_of_records(settings, dagster_url)
    outside = read_outside(store, runs, lambda ids: here.launched_by(ids) if here else None)
    reports = verified(store, runs, outside, demand_signature=is_demanded)
    if output == "json":
        click.echo(json.dumps({report.run: report.as_dict() for report in reports}, indent=2, ensure_ascii=False))
    else:
        for report in reports:
            _show(report)
    verdicts = {report.verdict for report in reports}
    sys.exit(1 if CHANGED in verdicts else 2 if COULD_NOT in verdicts else 0)


def _named(run: str, known: list[str]) -> list[str]:
    """The run that is meant: an id, the beginning of one, or `last`."""
    from dagster_playbook.errors import RunbookError

    found = known[-1:] if run == "last" else [one for one in known if one.startswith(run)]
    if len(found) != 1:
        told = "no run" if not found else f"{len(found)} runs begin with"
        raise RunbookError(f"{told} {run}", cure="see `playbook runs list`")
    return found


def _show(report: Report) -> None:
    by = "; ".join(f"{authority}: {what}" for authority, what in report.checked.items())
    click.echo(f"{report.run}  {report.verdict}{f'  ({by})' if by else ''}")
    for mark, texts in (("-", report.problems), ("?", report.unchecked), ("note:", report.notes)):
        for text in texts:
            click.echo(f"  {mark} {text}")


def _line(data: dict[str, Any]) -> str:
    parts = [
        str(data[key])
        for key in ("runbook", "step", "outcome", "state", "approver", "message", "reason")
        if data.get(key)
    ]
    parts += [told(data.get("result") or {}), str(data.get("evidence") or "")]
    return "  ".join(part.splitlines()[0] for part in parts if part)

"""`playbook branch`: the restatements that stand beside production."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dagster_playbook.branch.record import Record

#: days after which a branch that nobody has changed counts as abandoned
_ABANDONED_DAYS = 7


@click.group()
def command() -> None:
    """List and discard the branches that restatements were made on."""


@command.command("list", epilog="Exit codes: 0 looked, 1 a branch is abandoned, 2 could not look.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_branches(form: str) -> None:
    """Show every branch, where it stands, and what it takes on the disk.

    A branch that was not published, and one whose way back nobody has needed, is told as abandoned after seven days.
    """
    from dagster_playbook.branch.looking import branches_of
    from dagster_playbook.branch.record import all_records

    data = _data()
    found = [(r, branches_of(data, r.run).size_bytes(r.run), _age(r)) for r in all_records(data)]
    if form == "json":
        rows = [{**r.as_dict(), "size_bytes": size, "abandoned": age >= _ABANDONED_DAYS} for r, size, age in found]
        click.echo(json.dumps(rows, indent=2))
    else:
        for record, size, age in found:
            note = f"abandoned: {age} days old" if age >= _ABANDONED_DAYS else ""
            click.echo(f"{record.run}  {record.state:<10}  {size / 1e6:8.1f} MB  {record.changed_at}  {note}".rstrip())
        if not found:
            click.echo("no branch")
    click.get_current_context().exit(int(any(age >= _ABANDONED_DAYS for _, _, age in found)))


@command.command(epilog="Exit codes: 0 removed, 2 could not remove it.")
@click.argument("run")
@click.option("--yes", is_flag=True, help="Do not ask.")
def discard(run: str, *, yes: bool) -> None:
    """Remove a branch; of a published one this is the way back."""
    from dagster_playbook.branch.looking import branches_of
    from dagster_playbook.branch.record import read_record

    data = _data()
    record = read_record(data, run)
    what = "the way back of" if record and not record.is_beside else "the branch of"
    if not yes:
        click.confirm(f"Remove {what} {run}?", abort=True)
    branches_of(data, run).discard(run)
    click.echo(f"removed {what} {run}")


def _data() -> Path:
    from dagster_playbook.restatement.recovery import data_folder
    from dagster_playbook.settings import find_root, load_settings

    return data_folder(load_settings(find_root(Path.cwd())))


def _age(record: Record) -> int:
    return (dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(record.changed_at)).days

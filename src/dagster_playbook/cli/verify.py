"""`playbook verify`: may the tag move there?"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dagster_playbook.settings import Settings
    from dagster_playbook.stack.verification import AuditResult, Thresholds, Verdict


@click.command()
@click.option("--to-hash", default="", help="The commit of the branch to verify  [default: its head now]")
@click.option("--run", "run", default="", metavar="RUN", help="A restatement on a branch of the embedded warehouse.")
@click.option("--branch", default="main", show_default=True, help="The branch that producers write to.")
@click.option("--tag", default="consumer", show_default=True, help="The tag that consumers read.")
@click.option(
    "--tables", multiple=True, metavar="GLOB", help="The public tables  [default: *_v0, *_v1 ... of the schema]"
)
@click.option("--accept", multiple=True, metavar="TABLE:CHECK", help="A crossing that was looked at; repeatable.")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="NAME=SHARE",
    help="rows_lost, rows_gained, nulls, distinct_lost or mean, e.g. rows_lost=0.2; repeatable.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    to_hash: str, branch: str, tag: str, tables: tuple[str, ...], accept: tuple[str, ...], **options: object
) -> None:
    """Compare what would be promoted with what consumers read now, and refuse what changed too much.

    Each public table at the commit is compared with the same table at the tag: rows, schema, and for each column
    nulls, distinct values and mean. SQLMesh's audits of its model are run on it as well; one that fails, or that
    cannot be run, is refused unless SQLMesh itself would not stop for it. A table whose files cannot be read any
    more is refused, so this is also the proof to take before going back to an earlier hash. Nessie and Trino are
    found by NESSIE_URI, TRINO_HOST and TRINO_PORT, the files of an earlier commit by S3_ENDPOINT and the AWS
    variables, e.g. from
    `eval "$(playbook stack env)"`.

    With --run a restatement that stands on a branch is compared with production in the same way, before it is
    published; that needs no service.

    \b
    playbook verify
    playbook verify --run 851397ff-b5b5-4384-98db-8b29f697407f
    playbook verify --threshold rows_lost=0.3 --accept oso.projects_v1:rows
    playbook verify --accept oso.projects_v1:audit.number_of_rows

    Exit codes: 0 it may move, 1 refused, 2 could not look.
    """
    thresholds, form, run = options["thresholds"], options["form"], str(options["run"])
    if run:
        verdict = _verify_branch(run, tables, accept, _thresholds(thresholds))
    else:
        verdict = _verify(to_hash, branch, tag, tables, accept, _thresholds(thresholds))
    if form == "json":
        click.echo(json.dumps(verdict.as_dict(), indent=2))
    else:
        _print(verdict)
    sys.exit(1 if verdict.is_refused else 0)


def _thresholds(texts: object) -> Thresholds:
    import dataclasses

    from dagster_playbook.stack.verification import Thresholds

    known = [f.name for f in dataclasses.fields(Thresholds)]
    values: dict[str, float] = {}
    for text in texts if isinstance(texts, tuple) else ():
        name, _, share = text.partition("=")
        try:
            values[name] = float(share)
        except ValueError:
            raise click.BadParameter(f"{text!r} is not NAME=SHARE, e.g. rows_lost=0.2") from None
        if name not in known:
            raise click.BadParameter(f"there is no threshold {name!r}; there are {', '.join(known)}")
    return Thresholds(**values)


def _verify(
    to_hash: str, branch: str, tag: str, tables: tuple[str, ...], accept: tuple[str, ...], allowed: Thresholds
) -> Verdict:
    import os

    from dagster_playbook.cli.lake_services import catalog_names, nessie_and_trino
    from dagster_playbook.lake.iceberg_files import Lake
    from dagster_playbook.restatement.audits import render_audits
    from dagster_playbook.services.nessie import NessieClient
    from dagster_playbook.settings import find_root, load_settings
    from dagster_playbook.stack.verifier import Verifier

    uri, trino = nessie_and_trino()
    settings = load_settings(find_root(Path.cwd()))
    patterns = tables or _public_tables(settings)
    names = catalog_names()
    with NessieClient(uri) as nessie:
        verifier = Verifier(
            nessie,
            trino,
            names,
            lambda: Lake.from_environment(os.environ),
            lambda found: render_audits(settings, found, names[0]),
            lambda work: click.echo(f"looking at {work}", err=True),
        )
        return verifier.verify(patterns, (branch, tag), to_hash, allowed, accept)


def _public_tables(settings: Settings) -> tuple[str, ...]:
    schema = settings.schema or "*"
    return f"{schema}.*_v[0-9]", f"{schema}.*_v[0-9][0-9]"


def _verify_branch(run: str, tables: tuple[str, ...], accept: tuple[str, ...], allowed: Thresholds) -> Verdict:
    from dagster_playbook.branch.looking import branches_of, looked_at
    from dagster_playbook.restatement.audits import render_audits
    from dagster_playbook.restatement.recovery import data_folder
    from dagster_playbook.settings import find_root, load_settings
    from dagster_playbook.stack.branch_verifier import BranchVerifier

    settings = load_settings(find_root(Path.cwd()))
    branches = branches_of(data_folder(settings), run)
    record = branches.record(run)
    with looked_at(branches, record) as (before, after):
        verifier = BranchVerifier(
            before,
            after,
            record.catalog,
            (record.base, record.head),
            lambda found: render_audits(settings, found, record.catalog),
            lambda work: click.echo(f"looking at {work}", err=True),
        )
        return verifier.verify(tables or _public_tables(settings), allowed, accept)


def _print(verdict: Verdict) -> None:
    click.echo(f"{verdict.tag} is at {verdict.tag_hash}, to be moved to {verdict.target_hash}")
    for what, names in (("unchanged", verdict.unchanged), ("compared", verdict.compared), ("new", verdict.added)):
        click.echo(f"{what:<10} {len(names):>3}  {', '.join(names)}")
    states = Counter(audit.state for audit in verdict.audits)
    audits = ", ".join(f"{states[state]} {state}" for state in ("passed", "failed", "not run") if states[state])
    click.echo(f"{'audits':<10} {len(verdict.audits):>3}  {audits}")
    if verdict.without_model:
        click.echo(f"{'no model':<10} {len(verdict.without_model):>3}  {', '.join(verdict.without_model)}")
    rows = [("TABLE", "CHECK", "NOW", "THEN", "")]
    for crossing in verdict.crossings:
        note = "accepted" if crossing.accepted else crossing.message
        rows.append((crossing.table, crossing.check, crossing.before, crossing.after, note))
    rows += [_beside(audit) for audit in verdict.audits if not audit.is_blocking and audit.state != "passed"]
    rows += [(table, "unreadable", "", "", why) for table, why in verdict.unreadable.items()]
    if len(rows) > 1:
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        for row in rows:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.secho("refused" if verdict.is_refused else "it may move", fg="red" if verdict.is_refused else "green")


def _beside(audit: AuditResult) -> tuple[str, str, str, str, str]:
    """A line for an audit that refuses nothing, since SQLMesh itself would not stop for it."""
    found = "" if audit.found is None else str(audit.found)
    note = f"not run: {audit.problem}" if audit.problem else "failed, and does not block"
    return audit.table, f"audit.{audit.name}", "", found, note

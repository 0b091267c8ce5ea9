"""`playbook new`: a source asset, and a seed with its staging model, written, shown and run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dagster_playbook.errors import ScaffoldError

if TYPE_CHECKING:
    from dagster_playbook.scaffold.files import Change
    from dagster_playbook.scaffold.layout import Layout
    from dagster_playbook.scaffold.local_run import Outcome
    from dagster_playbook.scaffold.row_choice import Choice
    from dagster_playbook.scaffold.sources import Source
    from dagster_playbook.scaffold.table import SourceTable


@click.group()
def command() -> None:
    """Bring a new source into the warehouse: first its asset, then its seed and staging model.

    \b
    playbook new asset github repositories --rest https://api.github.com/orgs/opensource-observer/repos
    playbook new seed github repositories
    """


def _source_options(function: Any) -> Any:
    """The four kinds of source, of which one is named."""
    for option in reversed(
        (
            click.option("--rest", metavar="URL", help="A REST endpoint that answers with JSON."),
            click.option("--sample", type=click.Path(path_type=Path), help="A recorded JSON answer of the endpoint."),
            click.option("--selector", default="", help="Where the records stand in the answer, e.g. data.items."),
            click.option("--bigquery", metavar="PROJECT.DATASET.TABLE", help="A BigQuery table."),
            click.option("--sql", metavar="URL", help="A database, as a SQLAlchemy URL."),
            click.option("--sql-table", metavar="NAME", help="The database's table; TABLE when left out."),
            click.option("--files", metavar="PATH", help="A file or glob: csv, jsonl, json or parquet."),
            click.option("--project", "folder", default=".", type=click.Path(path_type=Path), help="The project."),
            click.option("--overwrite", is_flag=True, help="Replace files that are there already."),
            click.option("--dry-run", is_flag=True, help="Show the diff and write nothing."),
            click.option("--run/--no-run", "is_run", default=True, help="Run what was written."),
            click.option("--format", "form", type=click.Choice(["text", "json"]), default="text"),
        )
    ):
        function = option(function)
    return function


@command.command()
@click.argument("source_name", metavar="SOURCE")
@click.argument("table_name", metavar="TABLE")
@click.option("--description", default="", help="What one row is.")
@_source_options
def asset(source_name: str, table_name: str, description: str, **options: Any) -> None:
    """Write a source asset with its test and page, register it, test it and materialise it.

    The diff is shown first. Nothing that is there already is overwritten without --overwrite, and either all
    files are written or none.

    \b
    playbook new asset shop orders --sql sqlite:///shop.db --sql-table orders
    playbook new asset survey answers --files 'exports/answers-*.csv' --no-run
    """
    from dagster_playbook.scaffold.asset import new_asset
    from dagster_playbook.scaffold.layout import TableName
    from dagster_playbook.scaffold.local_run import run_asset
    from dagster_playbook.scaffold.sources import read_source

    layout, name = _layout(options["folder"]), TableName(source_name, table_name)
    source = _named_source(options, table_name)
    if source is None:
        raise ScaffoldError("no source was named", cure="give one of --rest, --bigquery, --sql or --files")
    found, table = read_source(source, sample=options["sample"])
    changes = new_asset(layout, name, found, table, description)
    _finish(layout, changes, run_asset(layout, name), options, {"columns": len(table.columns), "rows": len(table.rows)})


@command.command()
@click.argument("source_name", metavar="SOURCE")
@click.argument("table_name", metavar="TABLE")
@click.option("--key", default="", help="Column(s) that tell rows apart, comma-separated; found when left out.")
@click.option("--category", default="", help="Tag the staging model with entity_category=CATEGORY.")
@_source_options
def seed(source_name: str, table_name: str, key: str, category: str, **options: Any) -> None:
    """Choose 5 to 10 rows that show the most cases; write seed, staging model, audits and unit test; run them.

    The rows come from the table that Dagster has materialised, or from the source that is named. What each row is
    there for is told, and what no row could show.

    \b
    playbook new seed shop orders --key order_id --category project
    playbook new seed github events --bigquery my-project.github.events
    """
    from datetime import UTC, datetime

    from dagster_playbook.scaffold.layout import TableName
    from dagster_playbook.scaffold.local_run import run_seed
    from dagster_playbook.scaffold.row_choice import choose_rows
    from dagster_playbook.scaffold.seed import new_seed
    from dagster_playbook.scaffold.sources import read_materialised, read_source

    layout, name = _layout(options["folder"]), TableName(source_name, table_name)
    source = _named_source(options, table_name)
    if source is None:
        table: SourceTable = read_materialised(layout.root, source_name, table_name)
    else:
        _, table = read_source(source, sample=options["sample"])
    choice = choose_rows(table)
    changes = new_seed(layout, name, choice, now=datetime.now(UTC), key=key, category=category)
    if options["form"] == "text":
        _print_choice(choice)
    _finish(layout, changes, run_seed(layout, name), options, choice_dict(choice))


def _layout(folder: Path) -> Layout:
    from dagster_playbook.scaffold.layout import layout_of
    from dagster_playbook.settings import find_root, load_settings

    return layout_of(load_settings(find_root(folder)))


def _named_source(options: dict[str, Any], table: str) -> Source | None:
    from dagster_playbook.scaffold.sources import Source

    named = [kind for kind in ("rest", "bigquery", "sql", "files") if options[kind]]
    if len(named) > 1:
        raise ScaffoldError(f"two sources were named: --{named[0]} and --{named[1]}", cure="name one")
    if not named:
        return None
    kind: Any = named[0]
    return Source(kind, options[kind], table=options["sql_table"] or table, selector=options["selector"])


def _finish(
    layout: Layout, changes: list[Change], outcomes: Iterable[Outcome], options: dict[str, Any], facts: dict[str, Any]
) -> None:
    """Show the diff, write, run, tell; exit 1 when something that was run failed."""
    from dagster_playbook.scaffold import files

    difference = files.diff(changes)
    is_text = options["form"] == "text"
    if is_text:
        click.echo(difference, nl=False)
    written = [] if options["dry_run"] else files.write(layout.root, changes, overwrite=options["overwrite"])
    done: list[Outcome] = []
    if options["is_run"] and not options["dry_run"]:
        click.echo("running what was written ...", err=True)
        for outcome in outcomes:
            done.append(outcome)
            if is_text:
                _print_outcome(outcome)
    if is_text:
        click.echo(f"{len(written)} files written, {sum(o.is_ok for o in done)} of {len(done)} steps green")
    else:
        result = {"written": written, "diff": difference, "steps": [o.as_dict() for o in done], **facts}
        click.echo(json.dumps(result, ensure_ascii=False, indent=2, default=str))
    if not all(outcome.is_ok for outcome in done):
        sys.exit(1)


def _print_outcome(outcome: Outcome) -> None:
    mark = click.style("ok", fg="green") if outcome.is_ok else click.style("failed", fg="red")
    click.echo(f"{mark} {outcome.step} ({outcome.seconds:.1f} s): {outcome.command}")
    click.echo("\n".join(f"    {line}" for line in outcome.tail.splitlines()))


def _print_choice(choice: Choice) -> None:
    best = "no other rows show more" if choice.is_optimal else "the best that was found"
    click.echo(f"{len(choice.rows)} rows show {len(choice.covered)} cases, {choice.share:.0%} of all; {best}")
    for number, row in enumerate(choice.rows, 1):
        click.echo(f"  row {number}: " + ("; ".join(map(str, row.reasons[:12])) or "one more of the kind"))
    for case in choice.missing[:20]:
        click.echo(f"  not shown: {case}")
    for note in choice.notes:
        click.echo(f"  note: {note}")


def choice_dict(choice: Choice) -> dict[str, Any]:
    """A choice as plain data for JSON."""
    return {
        "rows": [{"index": row.index, "reasons": [str(case) for case in row.reasons]} for row in choice.rows],
        "covered": [str(case) for case in choice.covered],
        "missing": [str(case) for case in choice.missing],
        "is_optimal": choice.is_optimal,
        "notes": list(choice.notes),
    }

"""`playbook diff`: what differs between two versions of the same tables, row by row."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dagster_playbook.diff.compare import Options
    from dagster_playbook.diff.model import Diff, Example, TableDiff
    from dagster_playbook.settings import Settings

#: endings of DuckDB files; a name without one that is no file either is a Nessie reference
_FILES = (".duckdb", ".db")


@click.command(epilog="Exit codes: 0 all is the same, 1 something differs, 2 could not look.")
@click.argument("versions", nargs=-1, metavar="[BEFORE AFTER]")
@click.option("--run", "run", default="", metavar="RUN", help="A restatement on a branch, by its run: see below.")
@click.option("--table", "tables", multiple=True, metavar="SCHEMA.TABLE", help="Only these tables; repeatable.")
@click.option(
    "--examples", default=3, show_default=True, type=click.IntRange(0, 100), help="Rows shown of each kind of change."
)
@click.option(
    "--max-rows",
    default=20_000_000,
    show_default=True,
    type=click.IntRange(1),
    help="Of a larger table a part of the keys is compared, the same ones on both sides.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    versions: tuple[str, ...], run: str, tables: tuple[str, ...], examples: int, max_rows: int, form: str
) -> None:
    """Compare two versions of the same tables row by row.

    Rows are told apart by the grain of their model, else by the unique key of its kind or by an audit of unique
    columns; where there is none, or it is not unique, whole rows are compared. Counted are the rows that were added,
    removed and changed, and the rows in which each column changed. Examples have personal values masked.

    BEFORE and AFTER are two DuckDB files, or two Nessie references that catalogs of one Trino show. With --run a
    restatement on a branch is compared with production, and what was found is kept: its digest, on the last line,
    is what publishing it has to be asked for.

    \b
    playbook diff --run 851397ff-b5b5-4384-98db-8b29f697407f
    playbook diff old/iceberg.duckdb .playbook/warehouse/iceberg.duckdb --table oso.projects_v1
    playbook diff consumer main
    """
    from dagster_playbook.diff.compare import Options
    from dagster_playbook.settings import find_root, load_settings

    if bool(run) == bool(versions) or len(versions) not in (0, 2):
        raise click.UsageError("give BEFORE and AFTER, or --run RUN")
    settings = load_settings(find_root(Path.cwd()))
    options = Options(examples, max_rows, tables)
    diff = _of_run(settings, run, options) if run else _of_versions(settings, *versions, options=options)
    if form == "json":
        click.echo(json.dumps(diff.as_dict(), indent=2, default=str))
    else:
        _print(diff)
    sys.exit(1 if diff.differing else 0)


def _of_run(settings: Settings, run: str, options: Options) -> Diff:
    from dagster_playbook.branch.looking import branches_of, look
    from dagster_playbook.diff.grains import model_grains
    from dagster_playbook.restatement.recovery import data_folder

    branches = branches_of(data_folder(settings), run)
    branches.record(run)
    return look(branches, run, model_grains(settings), options, _tell)


def _of_versions(settings: Settings, before: str, after: str, *, options: Options) -> Diff:
    from dagster_playbook.diff.compare import compare
    from dagster_playbook.diff.duckdb_engine import catalog_of, duckdb_engine
    from dagster_playbook.diff.grains import model_grains

    if not any(Path(name).is_file() or Path(name).suffix in _FILES for name in (before, after)):
        return _of_references(settings, before, after, options)
    with duckdb_engine(Path(before), Path(after), catalog_of(settings)) as engine:
        return compare(engine, (before, after), model_grains(settings), options, _tell)


def _of_references(settings: Settings, before: str, after: str, options: Options) -> Diff:
    from dagster_playbook.cli.lake_services import nessie_and_trino
    from dagster_playbook.diff.compare import compare
    from dagster_playbook.diff.grains import model_grains
    from dagster_playbook.diff.trino_engine import Shown, TrinoEngine
    from dagster_playbook.services.nessie import NessieClient

    uri, trino = nessie_and_trino()
    with NessieClient(uri) as nessie:
        sides = [Shown.of(nessie, name, _catalog_showing(settings, name)) for name in (before, after)]
        hashes = (sides[0].reference.hash, sides[1].reference.hash)
        engine = TrinoEngine(trino, *sides)
        diff = compare(engine, hashes, model_grains(settings), options, _tell)
        for side in sides:
            side.refuse_moved(nessie)
    return diff


def _catalog_showing(settings: Settings, reference: str) -> str:
    from dagster_playbook.cli.lake_services import catalog_names
    from dagster_playbook.errors import PlatformError
    from dagster_playbook.platform.services_reader import read_catalogs

    declared = read_catalogs(settings.root, settings.catalogs).values() if settings.catalogs else ()
    known = dict(zip(("main", "consumer"), catalog_names(), strict=True)) | {c.ref: c.name for c in declared}
    if reference not in known:
        cure = f"there are catalogs on {', '.join(sorted(known))}; a DuckDB file has its ending"
        raise PlatformError(f"no catalog of Trino shows the reference {reference!r}", cure=cure)
    return known[reference]


def _tell(table: str) -> None:
    # for who waits at a terminal; the evidence of a runbook's step is the result
    if sys.stderr.isatty():
        click.echo(f"looking at {table}", err=True)


def _print(diff: Diff) -> None:
    from dagster_playbook.report.plain_text import flat

    same = len(diff.tables) - len(diff.differing)
    click.echo(f"before {_short(diff.before)}, after {_short(diff.after)}: {same} tables are the same")
    for table in diff.differing:
        click.echo(f"{click.style(table.name, bold=True)}  {_counts(table)}")
        for line in _details(table):
            # values come from the tables
            click.echo(f"    {flat(line)}")
    click.echo(f"digest {diff.digest}")
    if not diff.is_whole:
        click.echo("it looked at a part of the rows: nothing can be published by this digest; see --max-rows")


def _short(name: str) -> str:
    return name[:12] if len(name) == 64 else name


def _counts(table: TableDiff) -> str:
    rows = f"{table.rows_before} -> {table.rows_after} rows"
    if table.state != "changed":
        return f"{table.state}, {rows}"
    by = f"by {', '.join(table.grain)}" if table.grain else "by whole rows"
    part = f", of {table.share:.2%} of the keys" if table.share < 1 else ""
    return f"{rows}: {table.added} added, {table.removed} removed, {table.changed} changed, {by}{part}"


def _details(table: TableDiff) -> list[str]:
    lines = [table.problem] if table.problem else []
    lines += [f"column {name} is gone" for name in table.columns_removed]
    lines += [f"column {name} is new" for name in table.columns_added]
    lines += [f"column {name} was {old} and is {new}" for name, (old, new) in table.retyped.items()]
    lines += [f"{name} changed in {count} row{'s'[: count != 1]}" for name, count in table.columns.items()]
    return lines + [_example(example) for example in table.examples]


def _example(example: Example) -> str:
    key = ", ".join(f"{name}={value}" for name, value in example.key.items())
    if example.change == "changed":
        changes = (f"{name} {value} -> {example.after.get(name, '(gone)')}" for name, value in example.before.items())
        return f"e.g. {key or 'a row'}: {', '.join(changes)}"
    row = ", ".join(f"{name}={value}" for name, value in {**example.before, **example.after}.items())
    return f"e.g. {example.change}: {', '.join(part for part in (key, row) if part)}"

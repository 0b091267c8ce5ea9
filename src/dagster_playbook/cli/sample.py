"""`playbook sample`: look at a BigQuery table before anything is built on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dagster_playbook.scaffold.profile import ColumnProfile
    from dagster_playbook.services.bigquery import TableSample


@click.command()
@click.argument("table", metavar="PROJECT.DATASET.TABLE")
@click.option("--rows", default=1000, show_default=True, help="Rows to look at.")
@click.option("--max-bytes", default=1 << 30, show_default=True, help="Refuse to read more bytes than this.")
@click.option("--timeout", "timeout_s", default=60.0, show_default=True, help="Seconds for any one question.")
@click.option("--billing-project", default="", help="Who is billed; the credentials' project when left out.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(table: str, rows: int, max_bytes: int, timeout_s: float, billing_project: str, form: str) -> None:
    """Profile a sample of a BigQuery table: types, nulls, distinct values, extremes, lengths, nested shapes.

    Read-only. What the sample reads is known before by a dry run and capped by maximum_bytes_billed; personal fields
    are masked before they are shown. Uses application-default credentials, or the emulator that
    BIGQUERY_EMULATOR_HOST names (playbook stack up --with bigquery).

    \b
    playbook sample bigquery-public-data.samples.shakespeare --rows 200
    """
    from dagster_playbook.scaffold.profile import profile_of
    from dagster_playbook.scaffold.sources import table_of_sample
    from dagster_playbook.services.bigquery import BigQueryReader, TableReference

    reader = BigQueryReader(project=billing_project, timeout_s=timeout_s, max_bytes=max_bytes)
    sample = reader.sample(TableReference.parse(table), rows=rows)
    profiles = profile_of(table_of_sample(sample))
    if form == "json":
        facts = {
            "table": str(sample.reference),
            "total_rows": sample.total_rows,
            "size_bytes": sample.size_bytes,
            "estimated_bytes": sample.estimated_bytes,
            "billed_bytes": sample.billed_bytes,
            "sampled_rows": len(sample.rows),
            "masked": list(sample.masked),
            "columns": [profile.as_dict() for profile in profiles],
        }
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        _print(sample, profiles)


def _print(sample: TableSample, profiles: tuple[ColumnProfile, ...]) -> None:
    click.echo(f"{sample.reference}: {len(sample.rows)} of {sample.total_rows:,} rows, {sample.size_bytes:,} bytes")
    click.echo(f"dry run: {sample.estimated_bytes:,} bytes; billed: {max(sample.billed_bytes, 0):,}")
    if sample.masked:
        click.echo("masked by name: " + ", ".join(sample.masked))
    heads = ("column", "type", "nulls", "empty", "distinct", "smallest", "largest", "length", "most frequent")
    lines = [heads]
    for p in profiles:
        length = f"{p.shortest}-{p.longest}" if p.longest >= 0 else ""
        name = f"{p.name} (loader's)" if p.is_bookkeeping else p.name
        counts = (str(p.nulls), str(p.empties), str(p.distinct))
        lines.append((name, p.type, *counts, p.smallest, p.largest, length, p.most_frequent))
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    for p in profiles:
        for shape, count in p.shapes:
            click.echo(f"{p.name}: {count} x {shape}")

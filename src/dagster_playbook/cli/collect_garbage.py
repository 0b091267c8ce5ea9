"""`playbook collect-garbage`: delete files that no reference and no kept commit reaches."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from dagster_playbook.lake.garbage import GRACE, KEEP, LOCATION, parse_age

if TYPE_CHECKING:
    from dagster_playbook.lake.garbage import Garbage

_SHOWN = 20


class Age(click.ParamType[timedelta]):
    """A number and a unit."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read `7d`, `12h`, `30m` or `0s`."""
        try:
            return parse_age(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(epilog="Exit codes: 0 looked (and deleted with --yes), 2 could not look or delete.")
@click.option("--keep", type=Age(), default=KEEP, show_default=True, help="How far back main stays readable.")
@click.option("--grace", type=Age(), default=GRACE, show_default=True, help="How old a file has to be.")
@click.option("--keep-hash", "hashes", multiple=True, metavar="HASH", help="Keep this commit as well; repeatable.")
@click.option(
    "--location",
    envvar="NESSIE_WAREHOUSE_LOCATION",
    default=LOCATION,
    show_default=True,
    help="The folder of all tables.",
)
@click.option("--branch", default="main", show_default=True, help="The branch that producers write to.")
@click.option("--dry-run", is_flag=True, help="Only list; the default.")
@click.option("--yes", is_flag=True, help="Delete.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    keep: timedelta,
    grace: timedelta,
    hashes: tuple[str, ...],
    location: str,
    branch: str,
    *,
    dry_run: bool,
    yes: bool,
    form: str,
) -> None:
    """List, and with --yes delete, the files of the lake that nothing reaches any more.

    Kept is what any branch or tag reaches, and what main was made of at any time within --keep: the consumer tag
    can go back to each of those commits. Files younger than --grace stay too, since a writer's files are there
    before its commit. Trino's own remove_orphan_files knows one reference and would delete what only a tag needs.

    NESSIE_URI, S3_ENDPOINT and the AWS variables say where, e.g. from `eval "$(playbook stack env)"`.

    \b
    playbook collect-garbage
    playbook collect-garbage --keep 30d --yes
    """
    from dagster_playbook.cli.progress import work_progress
    from dagster_playbook.lake.garbage import Collector
    from dagster_playbook.lake.iceberg_files import Lake
    from dagster_playbook.services.nessie import NessieClient

    if dry_run and yes:
        raise click.UsageError("--dry-run and --yes exclude each other")
    lake = Lake.from_environment(os.environ)
    with work_progress(shown=True) as tell, NessieClient(os.environ["NESSIE_URI"]) as nessie:
        collector = Collector(nessie, lake, location, keep, grace, branch, hashes, on_work=tell)
        garbage = collector.find()
        deleted = len(collector.delete(garbage)) if yes else 0
    if form == "json":
        click.echo(json.dumps({**garbage.as_dict(), "deleted": deleted}, indent=2))
    else:
        _print(garbage, deleted, is_dry=not yes)
    sys.exit(0)


def _print(garbage: Garbage, deleted: int, *, is_dry: bool) -> None:
    for file in garbage.files[:_SHOWN]:
        click.echo(f"{file.modified_at:%Y-%m-%d %H:%M}  {file.size_bytes:>10}  {file.uri}")
    if len(garbage.files) > _SHOWN:
        click.echo(f"... and {len(garbage.files) - _SHOWN} more (--format json lists all)")
    for hash, why in garbage.unreadable.items():
        click.echo(f"notice: the commit {hash[:12]} was not whole before: {why}", err=True)
    size = f"{garbage.size_bytes / 1e6:.1f} MB"
    click.echo(
        f"{len(garbage.kept)} commits reach {garbage.reached} files; {len(garbage.files)} files ({size}) are garbage, "
        f"{garbage.young} more are too young"
    )
    click.echo("Nothing was deleted; --yes deletes." if is_dry else f"{deleted} files deleted")

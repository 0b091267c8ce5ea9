"""`playbook drift`: how much drift gets past the check."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import on_disk

if TYPE_CHECKING:
    from dagster_playbook.drift.model import Row
    from dagster_playbook.drift.report import DriftReport
    from dagster_playbook.drift.run import Progress

#: rows that the text report shows one by one
_SHOWN = 60


@click.command(epilog="Exit codes: 0 the floors are held, 1 they are not, 2 could not look, 130 interrupted.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same mutations.")
@click.option(
    "--count", type=click.IntRange(1), default=300, show_default=True, help="Mutations, controls not counted."
)
@click.option("--kind", "kinds", multiple=True, help="Only this kind; may be repeated. `--kind list` names them all.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--project", type=click.Path(path_type=Path), help="The project's folder.")
@click.option("--minimum", type=click.FloatRange(0, 1), default=0.99, show_default=True, help="Floor of the killed.")
@click.option(
    "--minimum-lines", type=click.FloatRange(0, 1), default=0.95, show_default=True, help="Floor of the exact lines."
)
@click.option("--record", type=click.Path(path_type=Path), help="Write the score, without times, to this JSON file.")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    seed: int,
    count: int,
    kinds: tuple[str, ...],
    form: str,
    project: Path | None,
    minimum: float,
    minimum_lines: float,
    record: Path | None,
) -> None:
    """Change one thing at a time, and see whether the check tells it.

    In a copy of the project a page or the platform is changed: a typo in a name, a wrong type, a renamed job, another
    default. A change that the check says nothing of has survived. Controls, which are no mistake, have to stay quiet.

    \b
    Examples:
      playbook drift --seed 1 --count 300
      playbook drift docs/playbook --kind rename-job --kind typo-model
      playbook drift --format json --record benchmarks/results/drift.json
    """
    from dagster_playbook.drift.catalogue import kinds as known_kinds
    from dagster_playbook.drift.run import DriftPlan, run_drift
    from dagster_playbook.settings import find_root, load_settings

    if "list" in kinds:
        click.echo("\n".join(known_kinds()))
        return
    unknown = sorted(set(kinds) - set(known_kinds()))
    if unknown:
        raise click.UsageError(f"no kind of mutation is called {unknown[0]!r}; `--kind list` names them")
    settings = load_settings(project.resolve() if project else find_root(Path.cwd()))
    with _progress() as progress:
        report = run_drift(settings, DriftPlan(seed, count, paths, kinds), progress)
    if record is not None and not report.interrupted:
        _write(record, json.dumps(report.as_record(), indent=2) + "\n")
    click.echo(json.dumps(report.as_dict(), indent=2) if form == "json" else _text(report), nl=form == "json")
    ctx.exit(130 if report.interrupted else 0 if report.passes(minimum, minimum_lines) else 1)


def _write(path: Path, text: str) -> None:
    with on_disk("the measurement cannot be written", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text, mode=0o644)


def _text(report: DriftReport) -> str:
    from rich.console import Console
    from rich.table import Table

    from dagster_playbook.drift.report import summary_lines

    console = Console(width=None if sys.stdout.isatty() else 140, no_color=not sys.stdout.isatty(), highlight=False)
    with console.capture() as capture:
        for title, scores in (("kind", report.by_kind), ("page", report.by_page)):
            table = Table(box=None, header_style="bold", pad_edge=False)
            table.add_column(title, overflow="fold")
            for name in ("killed", "of", "exact", "equivalent", "stillborn", "false alarms", "seconds"):
                table.add_column(name, justify="right")
            for name, score in scores.items():
                told = (score.killed, score.counted, score.exact, score.equivalent, score.stillborn, score.false_alarms)
                table.add_row(name, *map(str, told), f"{score.duration_s:.1f}")
            console.print(table)
            console.print()
        notable = list(report.notable())
        for row in notable[:_SHOWN]:
            console.print(_line(row), markup=False, soft_wrap=True)
        if len(notable) > _SHOWN:
            console.print(f"... and {len(notable) - _SHOWN} more; --format json has them all")
        for line in summary_lines(report):
            console.print(line, markup=False, soft_wrap=True)
    return capture.get()


def _line(row: Row) -> str:
    told = f"; not told: {', '.join(row.missed)}" if row.missed else ""
    found = f"; told: {', '.join(row.elsewhere[:3])}" if row.elsewhere else ""
    note = f"; {row.note}" if row.note else ""
    return f"{row.outcome}: {row.path}:{row.line} {row.kind}: {row.what}{told}{found}{note}"


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on stderr, on a terminal only."""
    from dagster_playbook.drift.run import Progress

    if not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading the project", total=None)
        yield Progress(
            on_start=lambda count: bar.update(task, total=count),
            on_row=lambda row: bar.update(task, advance=1, description=row.kind),
            on_work=lambda work: bar.update(task, description=work),
        )

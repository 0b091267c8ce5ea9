"""`playbook coverage`: how much of what the pages state is held, and by what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagster_playbook.cli.progress import work_progress
from dagster_playbook.cli.reporting import paths_from_here

if TYPE_CHECKING:
    from dagster_playbook.check.coverage import PageCoverage

_PROJECT_HELP = "The project's folder  [default: the nearest with [tool.playbook]]"
_FLOOR_HELP = "Fail when less than N percent of all statements are held."


@click.command(epilog="Exit codes: 0 told, 1 below the floor, 2 could not look.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Who reads it."
)
@click.option("--floor", type=click.FloatRange(0, 100), metavar="N", help=_FLOOR_HELP)
@click.option("--open", "show_open", is_flag=True, help="List what nothing holds, each with its place.")
@click.option("--project", type=click.Path(path_type=Path), help=_PROJECT_HELP)
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    form: str,
    floor: float | None,
    show_open: bool,
    project: Path | None,
    quiet: bool,
) -> None:
    """Tell, for each page, the share of its statements that something holds.

    A statement is a sentence that names code, a number, a system or a certainty, a row of a table, or a figure. It is
    checked when all its numbers are bound to facts and its names are held by the check, proven when it is bound to a
    test (<!-- proven: tests/test_x.py::test_y -->), exempt when a reason stands beside it (<!-- opinion: why -->,
    or a suppression), and open otherwise. That its names are right does not make a sentence true; a test does.

    \b
    Examples:
      playbook coverage
      playbook coverage docs/playbook --open
      playbook coverage --format json
      playbook coverage --floor 60
    """
    from dagster_playbook.check import Checker
    from dagster_playbook.check.coverage import coverage_of, share_of
    from dagster_playbook.settings import find_root, load_settings

    settings = load_settings(project.resolve() if project else find_root(Path.cwd()))
    with work_progress(shown=not quiet) as tell:
        checker = Checker(settings, on_page=lambda page: tell(f"reading {page}"), on_work=tell)
        pages = coverage_of(checker, paths_from_here(settings.root, paths))
    share = share_of(pages)
    is_low = floor is not None and share * 100 < floor
    if form == "json":
        told = {"share": round(share, 4), "floor": floor, "pages": [page.as_dict() for page in pages]}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print(pages, share, show_open=show_open)
    if is_low:
        click.echo(f"error: {share:.1%} of the statements are held, the floor is {floor:g} %", err=True)
    ctx.exit(1 if is_low else 0)


def _print(pages: list[PageCoverage], share: float, *, show_open: bool) -> None:
    from dagster_playbook.check.coverage import State

    if not show_open:
        width = max((len(page.path) for page in pages), default=4)
        states = [State.CHECKED, State.PROVEN, State.EXEMPT, State.OPEN]
        click.echo(f"{'page':<{width}}  share  {'  '.join(f'{state:>7}' for state in states)}")
        for page in pages:
            counts = "  ".join(f"{page.count(state):>7}" for state in states)
            click.echo(f"{page.path:<{width}}  {_share(page):>5}  {counts}")
    for page in pages if show_open else ():
        for held in page.statements:
            if held.state is State.OPEN:
                place = held.statement.location
                click.echo(f"{place}: {held.statement.form}: {_shown(held.statement.text)}  ({held.why})")
    total = sum(len(page.statements) for page in pages)
    click.echo(f"{len(pages)} pages, {total} statements: {share:.1%} held")


def _share(page: PageCoverage) -> str:
    """A page that states nothing has no share."""
    return f"{page.share:.0%}" if page.statements else "-"


def _shown(text: str) -> str:
    from dagster_playbook.report.plain_text import flat

    shown = flat(text)
    return f"{shown[:117]}..." if len(shown) > 120 else shown

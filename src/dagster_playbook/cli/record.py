"""`playbook record`: what console blocks show is what their commands print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dagster_playbook.cli.progress import work_progress
from dagster_playbook.cli.reporting import paths_from_here

if TYPE_CHECKING:
    from dagster_playbook.sessions.play import Difference, Played

_PROJECT_HELP = "The project's folder  [default: the nearest with [tool.playbook]]"


@click.command(epilog="Exit codes: 0 all is as shown, 1 something differs, 2 could not look.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--update", is_flag=True, help="Write what is printed into the pages.")
@click.option("--timeout", "limit_s", type=click.FloatRange(1, 3600), default=300.0, show_default=True,
              help="Seconds that one command may take.")  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Who reads it."
)
@click.option("--project", type=click.Path(path_type=Path), help=_PROJECT_HELP)
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    update: bool,
    limit_s: float,
    form: str,
    project: Path | None,
    quiet: bool,
) -> None:
    """Run the console blocks that pages mark, and compare what is printed with what the page shows.

    A mark stands on a line of its own before the block: <!-- playbook: record -->. With exit=1 its last command fails
    as it should; with after="COMMAND" that command runs before, unseen. Only programs of the setting `commands` are
    run, without a shell, in a throw-away copy of the project, with no network but loopback and nothing to write to
    elsewhere. On the page an ellipsis leaves lines or words out; dates, ids and durations may differ.

    \b
    Examples:
      playbook record
      playbook record README.md
      playbook record README.md --update
    """
    from dagster_playbook.check import Checker
    from dagster_playbook.check.pages import some_pages
    from dagster_playbook.isolation.confined import in_force
    from dagster_playbook.sessions.play import play
    from dagster_playbook.settings import find_root, load_settings

    settings = load_settings(project.resolve() if project else find_root(Path.cwd()))
    with work_progress(shown=not quiet) as tell:
        checker = Checker(settings, on_work=tell)
        found = some_pages(settings, paths_from_here(settings.root, paths))
        pages = [page for path in found if (page := checker.read(path)).recordings]
        programs = {name: frozenset(tree.subcommands) for name, tree in checker.facts.commands.items()}
        if pages and not quiet and len(in_force()) < 2:
            click.echo(
                f"note: commands are kept from no more than this here: {', '.join(in_force()) or 'nothing'}", err=True
            )
        played = [
            play(page, settings, programs, limit_s=limit_s, tell=lambda line: tell(f"running {line}")) for page in pages
        ]
    if not pages and not quiet:
        click.echo("note: no block is marked with <!-- playbook: record -->", err=True)
    written = _update(settings.root, played) if update else 0
    if form == "json":
        click.echo(json.dumps(_document(played, written), indent=2, ensure_ascii=False))
    else:
        _print(played, written)
    left = sum(len(page.differences) for page in played) - written
    ctx.exit(1 if left else 0)


def _update(root: Path, played: list[Played]) -> int:
    """Write the right output into the pages; how many places that were."""
    from dagster_playbook.check.edits import Rewrite, apply_fixes, read_raw, write_rewrite

    fixes = [item.fix for page in played for item in page.differences if item.fix]
    total = 0
    for path in dict.fromkeys(fix.location.path for fix in fixes):
        text = read_raw(root, path)
        if text is not None:
            after, count = apply_fixes(text, [fix for fix in fixes if fix.location.path == path])
            write_rewrite(root, Rewrite(path, text, after, count))
            total += count
    return total


def _document(played: list[Played], written: int) -> dict[str, Any]:
    return {
        "pages": len(played),
        "commands": sum(page.commands for page in played),
        "written": written,
        "differences": [_as_dict(item) for page in played for item in page.differences],
    }


def _as_dict(item: Difference) -> dict[str, Any]:
    place = item.location
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "message": item.message,
        "fix": item.fix.as_dict() if item.fix else None,
    }


def _print(played: list[Played], written: int) -> None:
    from dagster_playbook.report.plain_text import flat

    for page in played:
        for item in page.differences:
            click.echo(f"{item.location}: {flat(item.message)}")
    commands, count = sum(page.commands for page in played), sum(len(page.differences) for page in played)
    done = f", {written} written" if written else ""
    click.echo(f"{len(played)} pages, {commands} commands run: {count} differences{done}")

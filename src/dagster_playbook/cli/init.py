"""`playbook init`: from a project to its first check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dagster_playbook.discovery import Found
    from dagster_playbook.settings import Settings

#: findings that are shown after the settings were written
_SHOWN = 5


@click.command(epilog="Exit codes: 0 settings written, whatever the check finds; 2 could not look.")
@click.option("--yes", "-y", is_flag=True, help="Take what was found and write all of it without asking.")
@click.option("--hook/--no-hook", default=None, help="Write an entry for pre-commit.")
@click.option("--workflow/--no-workflow", default=None, help="Write a workflow for GitHub.")
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder; default: here.")
def command(*, yes: bool, hook: bool | None, workflow: bool | None, project: Path) -> None:
    """Look at a project, write its settings with why each is there, and show the first findings.

    SQLMesh projects, Dagster code locations (also those of dg.toml and [tool.dg]) and pages are found by their files;
    nothing is imported before you have agreed.

    \b
    Examples:
      playbook init
      playbook init --yes --no-workflow
    """
    from dagster_playbook import onboarding
    from dagster_playbook.discovery import discover
    from dagster_playbook.errors import PlaybookError, SettingsError

    root = project.resolve()
    if not root.is_dir():
        raise SettingsError(f"no project folder {project}", cure="name an existing folder with --project")
    found = discover(root)
    # whether there are settings already is told before anybody is asked; the project's Python is started after that
    planned = onboarding.settings_file(root, found, "")
    _tell(found)
    if not found.has_platform:
        raise PlaybookError(
            "no SQLMesh project and no Dagster code location was found", cure="run it in the project's folder"
        )
    _ask(yes, f"write [tool.playbook] to {planned.path}?", must=True)
    files = [onboarding.settings_file(root, found, _python(root, found))]
    for wanted, made, words in (
        (hook, onboarding.hook_file(root), f"a commit hook in {onboarding.HOOKS}"),
        (workflow, onboarding.workflow_file(root), f"a workflow in {onboarding.WORKFLOW}"),
    ):
        if wanted is False:
            continue
        if made is None:
            click.echo(f"left alone: {words} (it is there already, or the file is not of a shape that can be added to)")
        elif wanted or _ask(yes, f"write {words}?"):
            files.append(made)
    for file in files:
        file.write(root)
        click.echo(f"wrote {file.path}")
    _first_check(root)


def _ask(yes: bool, question: str, *, must: bool = False) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask: say --yes")
    return click.confirm(question, default=True, abort=must)


def _tell(found: Found) -> None:
    for project in found.sqlmesh:
        click.echo(f"SQLMesh project: {project.path}")
    for location in found.dagster:
        click.echo(f"Dagster code location: {location.module} (in {location.working_directory})")
    click.echo(f"pages: {', '.join(found.pages) or 'none yet'}")


def _python(root: Path, found: Found) -> str:
    """Which interpreter would load the platform, or what is in the way."""
    from dagster_playbook.errors import PlatformError
    from dagster_playbook.interpreters.interpreter import interpreter_for
    from dagster_playbook.settings import Settings

    settings: Settings = Settings(root, sqlmesh=found.sqlmesh, dagster=found.dagster)
    try:
        interpreter = interpreter_for(settings)
    except PlatformError:
        return "none with Dagster or SQLMesh was found, so name it:"
    return f"found by itself ({interpreter.found}, Python {interpreter.version}):"


def _first_check(root: Path) -> None:
    from dagster_playbook.check import Checker
    from dagster_playbook.cli.progress import work_progress
    from dagster_playbook.findings import Severity
    from dagster_playbook.settings import load_settings

    with work_progress(shown=True) as tell:
        result = Checker(load_settings(root), on_page=lambda page: tell(f"checking {page}"), on_work=tell).check()
    errors = [finding for finding in result.findings if finding.severity is Severity.ERROR]
    for finding in errors[:_SHOWN]:
        click.echo(f"{finding.location}: {finding.rule} {finding.name}: {finding.message}")
    others = len(result.findings) - len(errors)
    counts = result.summary()
    click.echo(f"{counts['files']} files, {counts['checked']} checked, {len(errors)} errors, {others} warnings")
    if errors:
        click.echo("all of them: playbook check; begin from here: playbook check --baseline FILE --update-baseline")

"""`playbook check`: the main command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagster_playbook.cli.notes import (
    against_baseline,
    tell_empty,
    tell_left_out,
    tell_live,
    tell_platform,
    tell_unjudged,
    tell_unread,
)
from dagster_playbook.cli.progress import work_progress
from dagster_playbook.cli.reporting import paths_from_here, report_of
from dagster_playbook.report import FORMATS, Report, render

if TYPE_CHECKING:
    from dagster_playbook.check import Checker
    from dagster_playbook.check.edits import Rewrite
    from dagster_playbook.check.live import LiveVerdict
    from dagster_playbook.check.result import CheckResult
    from dagster_playbook.facts.facts_file import Recorded
    from dagster_playbook.settings import Settings

_PROJECT_HELP = "The project's folder  [default: the nearest with [tool.playbook]]"
_LIVE_HELP = "Also ask the running services: those of the environment, else those of the running default stack."
_DAGSTER_HELP = "Also ask this Dagster webserver about run configs, jobs and run retries; DAGSTER_TOKEN is its token."
_FACTS_HELP = "Hold the pages to a file that `playbook facts --output` wrote; nothing of the project is loaded or run."
_BASELINE_HELP = "Findings that stood before: those of this file are counted, and only what is new fails."
_WITH_HELP = "Tell only what another release would make wrong, e.g. dagster==1.13.*; installs it apart. Repeatable."
_JOB_HELP = "Whose run config the YAML or JSON files hold; found by its ops when left out."
_NO_PLATFORM = """note: no SQLMesh project and no Dagster code location found: names and run config are held to nothing
  cure: name them in [[tool.playbook.sqlmesh]] and [[tool.playbook.dagster]] of pyproject.toml"""
_CHANGED_HELP = (
    "Only pages that a change since a git revision touches; all when the platform has changed [default: HEAD]"
)
_CHANGED_FILES_HELP = "PATHS are files that have changed, as pre-commit gives them: check the pages that they touch."


@click.command(epilog="Exit codes: 0 no errors (warnings may stand), 1 errors found, 2 could not look.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="Who reads it.")
@click.option("--project", type=click.Path(path_type=Path), help=_PROJECT_HELP)
@click.option("--changed", metavar="[REV]", is_flag=False, flag_value="HEAD", help=_CHANGED_HELP)
@click.option("--changed-files", "are_changed", is_flag=True, help=_CHANGED_FILES_HELP)
@click.option("--fix", is_flag=True, help="Write the fixes into the pages, then report what is left.")
@click.option("--diff", is_flag=True, help="Show the fixes as a unified diff and write nothing.")
@click.option("--live", is_flag=True, help=_LIVE_HELP)
@click.option("--dagster-url", metavar="URL", default="", help=_DAGSTER_HELP)
@click.option("--no-cache", is_flag=True, help="Keep and reuse nothing from earlier checks.")
@click.option("--facts", "facts_file", type=click.Path(path_type=Path), metavar="FILE", help=_FACTS_HELP)
@click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE", help=_BASELINE_HELP)
@click.option("--update-baseline", is_flag=True, help="Write every finding of this check to the file of --baseline.")
@click.option("--with", "upgrades", multiple=True, metavar="REQUIREMENT", help=_WITH_HELP)
@click.option("--job", metavar="NAME", default="", help=_JOB_HELP)
@click.option("--doubts", is_flag=True, help="Also list what is only counted else: what may well be meant so.")
@click.option("--quiet", "-q", is_flag=True, help="Only findings: no progress and no counts.")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option, as click hands them over
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    form: str,
    project: Path | None,
    changed: str | None,
    are_changed: bool,
    fix: bool,
    diff: bool,
    live: bool,
    dagster_url: str,
    no_cache: bool,
    facts_file: Path | None,
    baseline: Path | None,
    update_baseline: bool,
    upgrades: tuple[str, ...],
    job: str,
    doubts: bool,
    quiet: bool,
) -> None:
    """Check every config, command, query, name and number on the pages.

    PATHS are Markdown files or folders, or run config in YAML or JSON, on stdin for -; without any, the pages that
    the project's settings name are checked, and the site's navigation.

    \b
    Examples:
      playbook check
      playbook check docs/playbook --format json
      playbook check --changed=origin/main
      playbook check --changed-files models/orders.sql
      playbook check --fix
      playbook check --live
      playbook check --dagster-url http://127.0.0.1:3000
      playbook check --facts facts.json
      playbook check --with dagster==1.13.* --with sqlmesh==0.236.*
      playbook check --baseline playbook-baseline.json --update-baseline
      playbook check --doubts
      playbook check config.yaml --job sqlmesh_all_assets
    """
    from dagster_playbook.settings import find_root, load_settings

    if diff and form != "text":
        raise click.UsageError("--diff is a text of its own; leave --format out")
    if facts_file and (live or dagster_url):
        raise click.UsageError("--facts holds pages to a record; leave --live and --dagster-url out")
    if upgrades and (changed or are_changed or fix or diff or live or dagster_url or facts_file or update_baseline):
        raise click.UsageError("--with compares two releases; only pages, --job, --format and --baseline go with it")
    if update_baseline and (not baseline or paths or changed or are_changed):
        raise click.UsageError("--update-baseline writes what all pages have; name the file with --baseline, no pages")
    if are_changed and (changed or fix or diff):
        raise click.UsageError("--changed-files only looks; leave --changed, --fix and --diff out")
    recorded = _recorded(facts_file) if facts_file else None
    settings = load_settings(project.resolve() if project else find_root(Path.cwd()))
    asked, revision = _revision(settings, paths_from_here(settings.root, paths), changed)
    no_cache = no_cache or recorded is not None
    with _settings_in_use(settings, no_cache=no_cache) as settings, work_progress(shown=not quiet) as tell:
        checker = _checker(settings, recorded, tell)
        look = _touched(checker, asked) if are_changed else _look(checker, asked, revision, job)
        if upgrades:
            look = _upgrade(checker, upgrades, asked, job)
        result, fixed = _fixed(checker, look) if fix and not diff else (look(), 0)
        if not (quiet or dagster_url or recorded or settings.has_platform):
            click.echo(_NO_PLATFORM, err=True)
        tell_left_out(quiet=quiet)
        if settings.site and not quiet and not (settings.root / settings.site).is_dir():
            click.echo(f"note: there is no built site in {settings.site}: links are held to the pages alone", err=True)
        if live or dagster_url:
            result, verdict = _asked_live(checker, result, dagster_url, is_all=live)
            tell_live(verdict, quiet=quiet)
        if baseline:
            result = against_baseline(result, baseline, is_update=update_baseline, quiet=quiet)
        on_terminal = sys.stdout.isatty()
        report = report_of(result, settings, form, with_source=form == "text" and on_terminal, with_doubts=doubts)
    tell_unread(checker, result, quiet=quiet or not result.pages)
    tell_unjudged(result)
    tell_empty(result, () if are_changed else asked)
    if diff:
        ctx.exit(_show_diff(settings, result))
    if fixed and not quiet:
        click.echo(f"{fixed} fixes written", err=True)
    _print(report, form, quiet=quiet, on_terminal=on_terminal)
    ctx.exit(1 if report.has_errors else 0)


def _revision(settings: Settings, paths: list[str], changed: str | None) -> tuple[list[str], str | None]:
    """Tell `--changed docs` from `--changed main`: a word that is no revision and does exist is a path."""
    if changed is None or changed == "HEAD":
        return paths, changed
    from dagster_playbook.check.changed import is_revision

    is_path = Path(changed).exists() or (settings.root / changed).exists()
    if is_path and not is_revision(settings.root, changed):
        return [*paths_from_here(settings.root, [changed]), *paths], "HEAD"
    return paths, changed


@contextmanager
def _settings_in_use(settings: Settings, *, no_cache: bool) -> Iterator[Settings]:
    """The settings, with a cache that is thrown away when none is wanted: every reader then starts from nothing."""
    if not no_cache:
        yield settings
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="playbook-cache-") as folder:
        yield replace(settings, cache=folder)


def _checker(settings: Settings, recorded: Recorded | None, tell: Callable[[str], None]) -> Checker:
    from dagster_playbook.check import Checker

    return Checker(settings, on_page=lambda page: tell(f"checking {page}"), on_work=tell, recorded=recorded)


def _recorded(path: Path) -> Recorded:
    from dagster_playbook.facts.facts_file import read_facts

    return read_facts(path)


def _look(checker: Checker, asked: list[str], revision: str | None, job: str) -> Callable[[], CheckResult]:
    """One check by the checker, of what was asked for."""
    if revision is None:
        return lambda: checker.check(asked, job)
    from dagster_playbook.check.changed import check_changed

    return lambda: check_changed(checker, revision, asked, tell_platform)


def _upgrade(checker: Checker, wanted: tuple[str, ...], asked: list[str], job: str) -> Callable[[], CheckResult]:
    """What is wrong with other releases and right now."""
    from dagster_playbook.check.upgrade import check_upgrade

    def look() -> CheckResult:
        result, moves = check_upgrade(checker, wanted, checker.on_work, lambda one: one.check(asked, job))
        click.echo(
            f"note: told is what is new with {moves or 'these releases, which the project has already'}", err=True
        )
        return result

    return look


def _touched(checker: Checker, changed: list[str]) -> Callable[[], CheckResult]:
    """One check of the pages that rest on changed files; those outside of the project touch none of its pages."""
    from dagster_playbook.check.changed import check_touched

    root = checker.settings.root
    files = [Path(os.path.normpath(root / path)) for path in changed]
    inside = frozenset(path.relative_to(root).as_posix() for path in files if path.is_relative_to(root))
    return lambda: check_touched(checker, inside, on_platform=tell_platform)


def _fixed(checker: Checker, look: Callable[[], CheckResult]) -> tuple[CheckResult, int]:
    from dagster_playbook.check.fixes import fix_until_stable

    root = checker.settings.root
    return fix_until_stable(root, look, lambda result: _rewrites(root, result), checker.forget_files)


def _rewrites(root: Path, result: CheckResult) -> list[Rewrite]:
    from dagster_playbook.check.edits import rewrites_of_findings

    return rewrites_of_findings(root, result.findings, {page.path for page in result.pages})


def _asked_live(
    checker: Checker, result: CheckResult, dagster_url: str, *, is_all: bool
) -> tuple[CheckResult, LiveVerdict]:
    """The result with what the services have against the same pages; with `is_all` Trino and Nessie are asked too."""
    from dagster_playbook.check.live import LiveCheck, with_live
    from dagster_playbook.services.live_services import LiveServices
    from dagster_playbook.stack.in_use import variables_in_use

    settings = checker.settings
    named = variables_in_use(settings.root, os.environ) if is_all else {}
    token = {"DAGSTER_TOKEN": os.environ.get("DAGSTER_TOKEN", "")}
    services = LiveServices.from_environment({**named, **token}, dagster_url)
    verdict = LiveCheck(settings, checker.facts, services, checker.on_work).check(
        [page for page in result.pages if not page.is_apart]
    )
    return with_live(result, verdict.findings), verdict


def _show_diff(settings: Settings, result: CheckResult) -> int:
    """Print what `--fix` would write; 1 when there is something to write or an error, else 0."""
    from dagster_playbook.check.edits import unified_diff

    diff = unified_diff(_rewrites(settings.root, result))
    if diff:
        click.echo(diff, nl=False)
    return 1 if diff or result.has_errors else 0


def _print(report: Report, form: str, *, quiet: bool, on_terminal: bool) -> None:
    """Write the report to stdout; colours and source lines only for a person at a terminal."""
    if form == "text":
        from dagster_playbook.report import plain_text

        colour = on_terminal and "NO_COLOR" not in os.environ
        text = plain_text.render(report, plain_text.Style(colour=colour, source=on_terminal, counts=not quiet))
        click.echo(text, nl=bool(text), color=colour)
        return
    click.echo(render(report, form))

"""What `playbook check` says on stderr beside its report: what was left out, not judged, or known before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dagster_playbook.check import Checker
    from dagster_playbook.check.live import LiveVerdict
    from dagster_playbook.check.result import CheckResult

#: how the kinds begin that only an extra could judge; its module follows
_OF_EXTRA = "block for "


def tell_left_out(*, quiet: bool) -> None:
    """One line for each site whose pages were read without some of its extensions."""
    from dagster_playbook.markdown.left_out import left_out

    for config, names in () if quiet else left_out():
        told = ", ".join(names)
        click.echo(f"note: {config} names extensions that are not known here; pages are read without: {told}", err=True)


def tell_platform(source: str) -> None:
    """One line on why more pages are checked than have changed."""
    click.echo(f"note: {source} is part of the platform, so every page is checked", err=True)


def against_baseline(result: CheckResult, file: Path, *, is_update: bool, quiet: bool) -> CheckResult:
    """The result without what the file knows; with `is_update` the file is written first, and nothing is new."""
    from dagster_playbook.check.baseline import against, read_baseline, write_baseline

    if is_update:
        click.echo(f"{write_baseline(file, result.findings)} findings in {file}", err=True)
    new, held, gone = against(result, read_baseline(file))
    if held and not quiet:
        click.echo(f"note: {held} findings stood before and are in {file}", err=True)
    if gone and not quiet:
        click.echo(f"note: {gone} of {file} are gone; --update-baseline takes them out", err=True)
    return new


def tell_unread(checker: Checker, result: CheckResult, *, quiet: bool) -> None:
    """One line for each command tree that could not be read, when pages use it or the settings name it."""
    from dagster_playbook.settings import DEFAULT_COMMANDS

    named = {spec.partition("=")[0] for spec in checker.settings.commands if spec not in DEFAULT_COMMANDS}
    for name, why in () if quiet else checker.facts.unread.items():
        if name in named or f"{name} command" in result.unjudged:
            click.echo(f"note: commands of {name} are held to nothing: {why}", err=True)


def tell_unjudged(result: CheckResult) -> None:
    """One line on what the record could not tell, whoever wants it quiet: it was not found right."""
    counts = result.unjudged
    if counts:
        platform = {kind: count for kind, count in sorted(counts.items()) if not kind.startswith(_OF_EXTRA)}
        if platform:
            click.echo(f"note: not judged, because only the platform itself can: {_counted(platform)}", err=True)
        for kind in sorted(counts.keys() - platform.keys()):
            from dagster_playbook.extras import EXTRAS, install_command

            module = kind.removeprefix(_OF_EXTRA)
            cure, blocks = install_command(EXTRAS[module]), _counted({"block": counts[kind]})
            click.echo(f"note: {blocks} not judged for want of {module}: {cure}", err=True)


def _counted(kinds: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in kinds.items())


def tell_empty(result: CheckResult, asked: Sequence[str]) -> None:
    """One line on pages that were asked for by name and hold nothing: they were not found right."""
    empty = [page.path for page in result.pages if not (page.fences or page.spans or page.claims or page.findings)]
    if asked and empty and len(empty) == len(result.pages):
        click.echo(
            f"note: nothing to check in {', '.join(empty)}: no code block, no code span and no bound sentence", err=True
        )


def tell_live(verdict: LiveVerdict, *, quiet: bool) -> None:
    """What the running services could not tell, and how much they were asked."""
    for notice in verdict.notices():
        click.echo(f"notice: {notice}", err=True)
    if not quiet:
        click.echo(f"{verdict.asked} questions to {' and '.join(verdict.authorities)}", err=True)

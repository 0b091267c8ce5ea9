"""`playbook watch`: check again at every save."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagster_playbook.cli.reporting import paths_from_here, report_of
from dagster_playbook.errors import PlaybookError
from dagster_playbook.report import Report

if TYPE_CHECKING:
    from dagster_playbook.check.result import CheckResult
    from dagster_playbook.findings import Finding
    from dagster_playbook.settings import Settings

#: how long the file system has to be still before a check begins; editors write a file in several steps
_STILL_MS = 50
#: how long the watch sleeps when nothing happens
_IDLE_MS = 500
#: folders whose changes are never a reason to check, beside hidden ones; and hidden ones that are
_IGNORED = frozenset({"__pycache__", "node_modules", "logs", "site"})
_LOOKED_AT = frozenset({".cursor", ".github"})


@click.command(epilog="Exit codes: 0 stopped by Ctrl-C, 2 could not look at the start.")
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Who reads it."
)
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    help="The project's folder  [default: the nearest with [tool.playbook]]",
)
def command(paths: tuple[str, ...], form: str, project: Path | None) -> None:
    """Check now, and again whenever a page or the platform changes, until Ctrl-C.

    A change of the platform (a model, the code location, a catalog) is read anew; pages are then held to the new
    one. With `--format json` each check is one line on stdout.

    \b
    Examples:
      playbook watch
      playbook watch docs/playbook
    """
    from dagster_playbook.settings import find_root, load_settings

    root = project.resolve() if project else find_root(Path.cwd())
    watcher = Watcher(root, paths_from_here(root, paths), form)
    watcher.look(must_work=True)
    try:
        for changed in changes(root, root / load_settings(root).cache, threading.Event()):
            watcher.look(changed)
            if not changed:
                click.echo(f"watching {root} (Ctrl-C stops)", err=True)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


def changes(root: Path, cache: Path, stop: threading.Event) -> Iterator[list[str]]:
    """Each save as the changed paths, POSIX and relative to the root, until the event is set; `cache` is our own.

    The first one is empty and says that the watch stands: what was saved before it has to be looked at once more.
    """
    from watchfiles import watch

    def is_watched(_: object, path: str) -> bool:
        folders = Path(os.path.relpath(path, root)).parts[:-1]
        hidden = any(name.startswith(".") and name not in _LOOKED_AT for name in folders)
        return not hidden and _IGNORED.isdisjoint(folders) and not Path(path).is_relative_to(cache)

    stands = False
    options = {"watch_filter": is_watched, "step": _STILL_MS, "rust_timeout": _IDLE_MS, "yield_on_timeout": True}
    for batch in watch(root, stop_event=stop, **options):  # type: ignore[arg-type]
        if batch or not stands:
            stands = True
            yield sorted({Path(os.path.relpath(path, root)).as_posix() for _, path in batch})


@dataclass
class Watcher:
    """Checks one project again and again, and says what came out and how long it took."""

    root: Path
    paths: list[str]
    form: str
    fingerprint: str = ""
    told: tuple[Finding, ...] | None = None

    def look(self, changed: list[str] | None = None, *, must_work: bool = False) -> None:
        """Check, and tell unless nothing has changed and nothing is new.

        What keeps us from looking is told and waited out, unless it `must_work`.

        Settings, facts and verdicts are taken from disk each time: what is warm is the process, with its imports
        and its loaded authorities, so that a change of any of them is seen.
        """
        from dagster_playbook.check import Checker
        from dagster_playbook.settings import load_settings

        start = time.perf_counter()
        try:
            settings = load_settings(self.root)
            result = Checker(settings, on_work=lambda work: click.echo(f"{work} ...", err=True)).check(self.paths)
        except PlaybookError as error:
            if must_work:
                raise
            click.echo(click.style("error: ", fg="red", bold=True) + str(error), err=True)
            return
        if self.fingerprint and result.fingerprint != self.fingerprint:
            click.echo("the platform has changed: pages are held to the new one", err=True)
        self.fingerprint = result.fingerprint
        findings = tuple(result.findings)
        if not changed and findings == self.told:
            return
        self.told = findings
        self._tell(result, settings, changed or [], time.perf_counter() - start)

    def _tell(self, result: CheckResult, settings: Settings, changed: list[str], duration_s: float) -> None:
        on_terminal = sys.stdout.isatty()
        report = report_of(result, settings, self.form, with_source=self.form == "text" and on_terminal)
        if self.form == "json":
            click.echo(json.dumps(_document(report, changed, duration_s), ensure_ascii=False))
        else:
            click.echo(_text(report, changed, duration_s, on_terminal=on_terminal))
        sys.stdout.flush()


def _document(report: Report, changed: list[str], duration_s: float) -> dict[str, object]:
    return {
        "changed": changed,
        "duration_s": round(duration_s, 3),
        "summary": report.summary,
        "findings": [finding.as_dict() for finding in report.findings],
        "platform": {"fingerprint": report.fingerprint},
    }


def _text(report: Report, changed: list[str], duration_s: float, *, on_terminal: bool) -> str:
    from dagster_playbook.report import plain_text

    style = plain_text.Style(colour=on_terminal and "NO_COLOR" not in os.environ, source=on_terminal)
    what = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    head = style.paint(f"{time.strftime('%H:%M:%S')} {what or 'first check'} ({duration_s:.2f} s)", dim=True)
    return f"{head}\n{plain_text.render(report, style)}\n"

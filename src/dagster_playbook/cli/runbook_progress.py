"""What a run is at: lines for people with a live clock on a terminal, or JSON lines for machines."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from dagster_playbook.runbook.brief import told

_MARKS = {"succeeded": ("ok", "green"), "skipped": ("skipped", "cyan"), "failed": ("failed", "red")}
#: of a command's output; all of it is in the step's evidence
_OUTPUT_LINES = 40
#: the longest that nothing is said
SILENT_S = 10.0


class JsonLines:
    """Every event as one JSON object on stdout, and nothing else there."""

    def event(self, name: str, data: dict[str, Any]) -> None:
        """Tell an event of the journal."""
        click.echo(json.dumps({"event": name, **data}, ensure_ascii=False, default=str))

    def progress(self, kind: str, step: str, message: str) -> None:
        """Tell what a Dagster run is at."""
        click.echo(json.dumps({"event": "dagster", "kind": kind, "step": step, "message": message}))


class TextLines:
    """A line a step on stdout, below the end of its output; on a terminal a spinner with the time on stderr.

    Elsewhere a line on stderr says what it is at whenever nothing else was said for ten seconds.
    """

    def __init__(self) -> None:
        self._live: Any = None
        self._task: Any = None
        self._waited = ""
        self._silence = Silence(lambda text: click.echo(f"    {text}", err=True))

    def event(self, name: str, data: dict[str, Any]) -> None:
        """Tell an event of the journal."""
        if name == "opened":
            click.echo(click.style(str(data.get("title", "")), bold=True) + f"  run {data['run']}")
        elif name == "resumed":
            click.echo(click.style(str(data.get("title", "")), bold=True) + f"  resumed at {data['step']}")
        elif name == "break-glass":
            told = f"BREAK GLASS by {data['requester']}: {data['reason']}: nobody has approved, and it is recorded"
            click.echo(click.style(told, fg="white", bg="red", bold=True), err=True)
        elif name in ("stale-lock", "clock"):
            click.echo(f"  {data['message']}", err=True)
        elif name == "approved":
            click.echo(f"  approved by {data['approver']}, asked for by {data['requester']}")
        elif name == "step-started":
            self._silence.begin(f"{data['step']} ({data['kind']})")
            self._show(f"{data['step']} ({data['kind']})")
        elif name == "waiting":
            self._waiting(f"{data['step']}: {data['message']}")
        elif name in ("step-finished", "interrupted"):
            self._silence.end()
            self._hide()
            self._finished(name, data)

    def progress(self, kind: str, step: str, message: str) -> None:
        """Tell what a Dagster run is at."""
        self._silence.at = message if kind == "models" else self._silence.at
        if self._live is not None:
            self._live.update(
                self._task, description=message[:120] if kind == "models" else f"{step or kind}: {message[:100]}"
            )
        elif kind in ("run", "retry", "STEP_FAILURE", "RUN_FAILURE"):
            click.echo(f"    {kind} {message}", err=True)

    def _finished(self, name: str, data: dict[str, Any]) -> None:
        if name == "interrupted":
            click.echo(f"  {click.style('cut', fg='yellow')}  {data['step']}  {data['reason'].splitlines()[0]}")
            return
        for line in str((data.get("result") or {}).get("output", "")).splitlines()[-_OUTPUT_LINES:]:
            click.echo(f"    {line}".rstrip())
        word, colour = _MARKS[data["outcome"]]
        detail = data.get("message") or told(data.get("result") or {})
        click.echo(f"  {click.style(word, fg=colour)}  {data['step']}  {detail}".rstrip())

    def _waiting(self, text: str) -> None:
        """On a terminal beside its clock; elsewhere a line, once as long as it is the same."""
        if sys.stderr.isatty():
            self._show(text)
        elif text != self._waited:
            click.echo(f"    {text}", err=True)
        self._waited = text

    def _show(self, text: str) -> None:
        if not sys.stderr.isatty():
            return
        self._silence.end()
        if self._live is None:
            from rich.console import Console
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._live = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._live.add_task(text, total=None)
            self._live.start()
        else:
            self._live.update(self._task, description=text)

    def _hide(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


class Silence:
    """Says what a step is at, and for how long, again and again while the step is at work.

    Attributes:
        at: what is known of how far it is, "" when nothing is.
    """

    def __init__(self, say: Callable[[str], None], every_s: float = SILENT_S) -> None:
        self.at = ""
        self._say, self._every_s = say, every_s
        self._over = threading.Event()

    def begin(self, what: str) -> None:
        """A step begins."""
        self.end()
        self.at, self._over = "", threading.Event()
        threading.Thread(target=self._beat, args=(what, self._over), daemon=True, name="silence").start()

    def end(self) -> None:
        """It has ended, or something else tells of it."""
        self._over.set()

    def _beat(self, what: str, over: threading.Event) -> None:
        begun = time.monotonic()
        while not over.wait(self._every_s):
            minutes, seconds = divmod(int(time.monotonic() - begun), 60)
            # a terminal that is gone hears nothing
            with suppress(OSError):
                self._say(": ".join(part for part in (what, self.at) if part) + f", {minutes}:{seconds:02d}")

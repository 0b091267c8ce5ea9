"""Options and manners that the runbook commands share."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dagster_playbook.settings import Settings

parameter_option = click.option(
    "-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="A parameter; repeat it for a list."
)
key_option = click.option(
    "--key", type=click.Path(path_type=Path, dir_okay=False), help="Your SSH key, private or, with an agent, public."
)
target_option = click.option(
    "--target",
    envvar="PLAYBOOK_TARGET",
    default="embedded",
    show_default=True,
    help="The platform's name in approvals; also PLAYBOOK_TARGET.",
)
request_option = click.option(
    "--request", "request_file", type=click.Path(path_type=Path, exists=True), help="A request sent to you as a file."
)
project_option = click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder with pyproject.toml, or one below it; default: here.",
)
dagster_url_option = click.option(
    "--dagster-url",
    envvar="DAGSTER_WEBSERVER_URL",
    default="",
    help="Run jobs on this deployed Dagster instead of the embedded one; also DAGSTER_WEBSERVER_URL.",
)
answer_option = click.option(
    "--answer", "answers", multiple=True, metavar="STEP=TEXT", help="Answer a step that asks, without a terminal."
)
format_option = click.option(
    "--format", "output", type=click.Choice(["text", "json"]), default="text", help="For people, or JSON lines."
)


def settings_of(project: Path) -> Settings:
    """The settings of the project at or above a folder."""
    from dagster_playbook.settings import find_root, load_settings

    return load_settings(find_root(project))


def quiet_sqlmesh() -> None:
    """SQLMesh's warnings about widened windows are told in our own words."""
    logging.getLogger("sqlmesh").setLevel(logging.ERROR)


take_over_option = click.option(
    "--take-over",
    default="",
    metavar="REASON",
    help="Take a lock that was left on another host, which is gone; the reason is recorded.",
)


@contextmanager
def stops_told(run: Callable[[], str]) -> Iterator[None]:
    """Stop by Ctrl-C, SIGTERM or a closed terminal in order: say how to go on, and exit as a shell says it.

    Args:
        run: gives the id of the run that was opened, "" as long as there is none.
    """
    from dagster_playbook.errors import PlatformError
    from dagster_playbook.stopping import StoppedError, stop_signals

    with stop_signals():
        try:
            yield
        except KeyboardInterrupt as error:
            code = error.exit_code if isinstance(error, StoppedError) else 130
            how = f"stopped by {error}" if isinstance(error, StoppedError) and code != 130 else "stopped"
            told = f"{how}; go on with: playbook resume {run()}" if run() else f"{how}; nothing was started"
            # a terminal that was closed hears nothing
            with suppress(OSError):
                click.echo(told, err=True)
            sys.exit(code)
        except OSError as error:
            told = f"{error.filename or 'the record'} cannot be written: {error.strerror or error}"
            cure = f"make room, then: playbook resume {run()}" if run() else ""
            raise PlatformError(told, cure=cure) from error


@contextmanager
def refusals_exit_1() -> Iterator[None]:
    """What is not allowed is one line on stderr and exit code 1."""
    from dagster_playbook.approval.envelope import RefusedError
    from dagster_playbook.approval.signature import SignatureError

    try:
        yield
    except (RefusedError, SignatureError) as error:
        click.echo(click.style("refused: ", fg="red", bold=True) + str(error), err=True)
        sys.exit(1)


def asker(answers: tuple[str, ...]) -> Callable[[str, str], str]:
    """Answers a step's question from `--answer`, or asks on the terminal."""
    known = dict(text.partition("=")[::2] for text in answers)

    def ask(step: str, question: str) -> str:
        if step in known:
            return known[step]
        if not sys.stdin.isatty():
            from dagster_playbook.errors import RunbookError

            raise RunbookError(f"step {step!r} asks: {question}", cure=f"give --answer {step}=... or use a terminal")
        click.echo(question, err=True)
        try:
            return str(click.prompt("answer", err=True))
        except click.Abort as error:
            from dagster_playbook.errors import RunbookError
            from dagster_playbook.stopping import is_asked

            if is_asked():
                raise KeyboardInterrupt from error
            raise RunbookError(f"step {step!r} asks, and nobody answers", cure=f"--answer {step}=...") from error

    return ask


def closing(run_id: str, state: str, output: str) -> None:
    """Say how a run ended and exit: 0 succeeded, 1 failed or recovered."""
    import json

    if output == "json":
        click.echo(json.dumps({"event": "ended", "run": run_id, "state": state}))
    else:
        colour = {"succeeded": "green", "recovered": "yellow"}.get(state, "red")
        click.echo(click.style(state, fg=colour, bold=True) + f"  run {run_id}")
        if state == "failed":
            click.echo(f"look: playbook runs show {run_id}; go on: playbook resume {run_id}", err=True)
    sys.exit(0 if state == "succeeded" else 1)


def listener(output: str) -> tuple[Callable[[str, dict[str, Any]], None], Callable[[str, str, str], None]]:
    """What to call with the events of a run, and with the progress of a Dagster run."""
    from dagster_playbook.cli.runbook_progress import JsonLines, TextLines

    shown: Any = JsonLines() if output == "json" else TextLines()
    return shown.event, shown.progress


def tell_of_broken(settings: Settings, run: str) -> None:
    """Say which folders of runs are passed over when the last one is meant."""
    from dagster_playbook.runbook.store import Store

    if run == "last":
        for name, why in Store(settings.root).passed_over().items():
            click.echo(f"passed over: {name}: {why}", err=True)


class Opened:
    """Passes the events of a run on, and remembers its id."""

    def __init__(self, tell: Callable[[str, dict[str, Any]], None]) -> None:
        self._tell = tell
        self.run = ""

    def __call__(self, name: str, data: dict[str, Any]) -> None:
        """Tell an event."""
        if name in ("opened", "resumed"):
            self.run = str(data["run"])
        # a terminal that is gone is no reason to stop
        with suppress(OSError):
            self._tell(name, data)

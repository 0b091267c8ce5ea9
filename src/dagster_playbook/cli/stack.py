"""`playbook stack`: the real services on this machine, one command away."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dagster_playbook.stopping import stop_signals

if TYPE_CHECKING:
    from dagster_playbook.stack.local import LocalStack
    from dagster_playbook.stack.status import ServiceStatus

#: seconds between two lines of progress where there is no terminal to redraw
_METER_EVERY_S = 5.0


class PortOption(click.ParamType[tuple[str, int]]):
    """`SERVICE=PORT`."""

    name = "service=port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Split the text at its equals sign."""
        service, _, port = str(value).partition("=")
        if not service or not port.isdigit():
            self.fail(f"{value!r} is not SERVICE=PORT, e.g. trino=8080", param, ctx)
        return service, int(port)


def _stack_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a sub-command the options by which a stack is found, and the stack itself as first argument."""
    options = [
        click.option("--name", default="default", show_default=True, help="Which stack; several may run side by side."),
        click.option(
            "--project",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="The project's folder  [default: the nearest with [tool.playbook]]",
        ),
        click.option(
            "--config",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            envvar="PLAYBOOK_STACK_CONFIG",
            help="The services' templates  [default: warehouse/stack in the project]",
        ),
        click.option(
            "--home",
            type=click.Path(file_okay=False, path_type=Path),
            envvar="PLAYBOOK_STACK_HOME",
            help="Where stacks keep data, logs and credentials  [default: .playbook/stack in the project]",
        ),
    ]

    @functools.wraps(function)
    def with_stack(*, name: str, project: Path | None, config: Path | None, home: Path | None, **others: Any) -> Any:
        from dagster_playbook.settings import find_root
        from dagster_playbook.stack.local import LocalStack

        stack = LocalStack.of(project or find_root(Path.cwd()), name, config=config, home=home)
        return function(stack, **others)

    decorated: Callable[..., Any] = with_stack
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def _tell(service: str, what: str) -> None:
    click.echo(f"{click.style(f'{service:<10}', bold=True)} {what}", err=True)


class Meter:
    """Shows what has arrived: one line redrawn on a terminal, else a line every few seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sizes: dict[str, tuple[int, int]] = {}
        self._shown_s = 0.0

    def __call__(self, name: str, done_bytes: int, total_bytes: int) -> None:
        """Take note of one file, and show the sum of all when it is time."""
        with self._lock:
            self._sizes[name] = (done_bytes, total_bytes)
            now = time.monotonic()
            terminal = sys.stderr.isatty()
            if not terminal and now - self._shown_s < _METER_EVERY_S:
                return
            self._shown_s = now
            parts = "  ".join(f"{n} {d / t:4.0%} of {t / 1e6:.0f} MB" for n, (d, t) in self._sizes.items())
            click.echo(f"{chr(13) if terminal else ''}fetching   {parts}", err=True, nl=not terminal)

    def close(self) -> None:
        """End the line that was redrawn."""
        if self._sizes and sys.stderr.isatty():
            click.echo("", err=True)


@click.group()
def command() -> None:
    """Run the real services on this machine: Postgres, S3Proxy, Nessie, Trino and Dagster.

    Everything is fetched once by Maven coordinates into a cache that all stacks share, with or without Maven and a
    JDK on this machine, is bound to 127.0.0.1, gets free ports and credentials of its own, and keeps its data in
    .playbook/stack/NAME.

    \b
    playbook stack up                 start all, wait until it is ready
    eval "$(playbook stack env)"      let SQLMesh and Dagster of this shell use it
    playbook stack status             what runs where
    playbook stack down               stop; the data stay
    playbook stack reset              stop and delete the data
    """


@command.command()
@_stack_options
@click.option("--only", multiple=True, metavar="SERVICE", help="Only this service and what it needs; repeatable.")
@click.option("--with", "also", multiple=True, metavar="SERVICE", help="An optional service as well; repeatable.")
@click.option("--without", multiple=True, metavar="SERVICE", help="Not this one; repeatable.")
@click.option("--port", "ports", multiple=True, type=PortOption(), help="A fixed port, e.g. trino=8080; repeatable.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=1), help="Seconds for each service to be ready.")
def up(
    stack: LocalStack,
    only: tuple[str, ...],
    also: tuple[str, ...],
    without: tuple[str, ...],
    ports: tuple[tuple[str, int], ...],
    timeout_s: float | None,
) -> None:
    """Start the services and wait until each is ready.

    What runs already is adopted; what an earlier, killed start left behind is recognised, and kept or cleared.
    When a service does not become ready, what this call started is stopped again and the end of its log is shown.

    \b
    playbook stack up --without dagster
    playbook stack up --name second --only nessie
    """
    from dagster_playbook.stack.local import Selection

    begun = time.monotonic()
    meter = Meter()
    selection = Selection(only=only, also=also, without=without, ports=dict(ports), timeout_s=timeout_s)
    try:
        with stop_signals():
            stack.up(selection, _tell, meter)
    finally:
        meter.close()
    _tell("stack", f"{stack.room.name} is ready after {time.monotonic() - begun:.1f} s")
    _print_table(stack.status())


@command.command()
@_stack_options
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
def down(stack: LocalStack, services: tuple[str, ...]) -> None:
    """Stop the services (all, or the named ones); the data stay."""
    stack.down(_tell, services)


@command.command()
@_stack_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status(stack: LocalStack, form: str) -> None:
    """Show what runs where; exits with 1 unless every service that was started is ready."""
    states = stack.status()
    if form == "json":
        services = [state.as_dict() for state in states]
        click.echo(
            json.dumps({"stack": stack.room.name, "folder": str(stack.room.folder), "services": services}, indent=2)
        )
    else:
        _print_table(states)
        for state in states:
            if state.detail:
                click.echo(f"{state.service}: {state.state}: {state.detail}; its log: {state.log or 'none'}", err=True)
    running = [state for state in states if state.state != "stopped"]
    sys.exit(0 if running and all(state.state == "ready" for state in running) else 1)


def _print_table(states: list[ServiceStatus]) -> None:
    rows = [("SERVICE", "STATE", "ADDRESS", "PID", "MEMORY", "UPTIME")]
    for state in states:
        memory = f"{state.memory_bytes / 1e6:.0f} MB" if state.memory_bytes else ""
        uptime = f"{state.uptime_s:.0f} s" if state.uptime_s else ""
        rows.append((state.service, state.state, state.address, str(state.pid or ""), memory, uptime))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@command.command()
@_stack_options
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("-f", "--follow", is_flag=True, help="Go on as the logs grow, until Ctrl-C.")
@click.option("-n", "--lines", default=40, show_default=True, type=click.IntRange(min=0), help="Lines from the end.")
def logs(
    stack: LocalStack,
    services: tuple[str, ...],
    follow: bool,
    lines: int,
) -> None:
    """Show the services' logs (all, or the named ones), which are kept when a service stops.

    \b
    playbook stack logs trino -f
    """
    from dagster_playbook.errors import StackError
    from dagster_playbook.stack.lifecycle import tail

    found = [p for name in stack.members(services) if (p := stack.room.log(name)).exists()]
    if not found:
        raise StackError(f"the stack {stack.room.name!r} has no logs of that", cure="run: playbook stack up")
    if follow:
        subprocess.run(["tail", "-n", str(lines), "-F", *map(str, found)], check=False)  # noqa: S607 - POSIX
        return
    for path in found:
        if len(found) > 1:
            click.echo(f"==> {path} <==")
        for line in tail(path, lines):
            click.echo(line)


@command.command()
@_stack_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(stack: LocalStack, yes: bool) -> None:
    """Stop the services and delete the stack's data, logs and credentials. The fetched files stay in the cache."""
    if not stack.room.exists():
        click.echo(f"There is no stack {stack.room.name!r}.", err=True)
        return
    if not yes:
        click.confirm(f"Delete {stack.room.folder} with all its tables, references and logs?", abort=True)
    stack.reset(_tell)
    _tell("stack", f"{stack.room.name} deleted")


@command.command()
@_stack_options
@click.option("--format", "form", type=click.Choice(["shell", "json"]), default="shell", show_default=True)
def env(stack: LocalStack, form: str) -> None:
    """Print the environment variables by which SQLMesh, Dagster and scripts find this stack; secrets are among them.

    \b
    eval "$(playbook stack env)"
    """
    from dagster_playbook.stack.variables import as_exports, platform_variables

    variables = platform_variables(stack.context())
    click.echo(json.dumps(variables, indent=2) if form == "json" else as_exports(variables), nl=form == "json")

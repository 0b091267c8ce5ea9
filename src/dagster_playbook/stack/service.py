"""What a service of the stack is: a row of data. How rows are started and stopped stands in `lifecycle`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dagster_playbook.stack.java import Jdk
from dagster_playbook.stack.ports import LOOPBACK
from dagster_playbook.stack.room import Credentials, Room


class NotReadyError(Exception):
    """A service is not ready yet; the text says what was seen."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the rows may know of the stack that they are started in.

    Attributes:
        config: the folder of committed templates, e.g. `warehouse/stack`.
        project: the project's root.
        ports: port name to number; a service's own port bears its name.
        places: artifact name to its file, or to the folder that it was unpacked into.
        jdk: the Java that the services run on; None when none of them needs it.
    """

    room: Room
    config: Path
    project: Path
    ports: Mapping[str, int]
    credentials: Credentials
    places: Mapping[str, Path] = field(default_factory=dict)
    jdk: Jdk | None = None

    def url(self, port: str, path: str = "") -> str:
        """The http address of a port of this stack."""
        return f"http://{LOOPBACK}:{self.ports[port]}{path}"

    def java(self) -> str:
        """The `java` to run."""
        if self.jdk is None:
            raise LookupError("no JDK was looked for, though a service needs one")
        return str(self.jdk.java)


def _nothing(_: Context) -> None:
    """Most services need no preparation."""


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the stack.

    Attributes:
        name: what the command line calls it.
        title: what it is, for people.
        group: a name that stands for several services on the command line, "" for none.
        needs: services that have to be part of the stack with it.
        after: those of them that have to be ready before it is started; the others start beside it.
        ports: its port names; the first is its own and what `status` shows.
        artifacts: what has to be fetched for it.
        argv: the command, as a list.
        environment: variables added to a clean environment.
        folder: where it is started.
        probe: raises NotReadyError until the service serves.
        prepare: writes what it needs before it starts.
        settle: run once it is ready, e.g. to create databases; safe to repeat.
        ready_s: seconds that it may take to be ready.
        stop: the signal that asks it to go.
        unprivileged: whether it refuses to run as root.
        is_java: whether it needs the JDK.
        inherits: whether it sees the caller's whole environment, since it runs the project's own code.
        optional: whether it is left out unless asked for by name.
    """

    name: str
    title: str
    argv: Callable[[Context], list[str]]
    probe: Callable[[Context], None]
    environment: Callable[[Context], dict[str, str]] = lambda _: {}
    folder: Callable[[Context], Path] = lambda context: context.room.data
    prepare: Callable[[Context], None] = _nothing
    settle: Callable[[Context], None] = _nothing
    group: str = ""
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    ready_s: float = 60.0
    stop: signal.Signals = signal.SIGTERM
    unprivileged: bool = False
    is_java: bool = False
    inherits: bool = False
    optional: bool = False


def in_starting_order(services: Mapping[str, Service]) -> list[Service]:
    """The services so that each stands behind those that it starts after."""
    import graphlib

    graph = {name: [a for a in s.after if a in services] for name, s in services.items()}
    return [services[name] for name in graphlib.TopologicalSorter(graph).static_order()]


def with_needs(names: set[str], table: Mapping[str, Service]) -> dict[str, Service]:
    """The named services and, transitively, all that they need, in the table's order."""
    wanted: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            wanted.add(name)
            open_names.extend(table[name].needs)
    return {name: service for name, service in table.items() if name in wanted}

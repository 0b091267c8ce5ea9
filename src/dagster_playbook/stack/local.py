"""One local stack: what the command line and the tests speak to."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dagster_playbook.errors import StackError
from dagster_playbook.stack import lifecycle, processes
from dagster_playbook.stack.artifacts import load_artifacts
from dagster_playbook.stack.fetch import Meter, cache_folder, fetch
from dagster_playbook.stack.java import find_jdk
from dagster_playbook.stack.ports import choose_ports
from dagster_playbook.stack.room import Room, open_room
from dagster_playbook.stack.service import Context, Service, with_needs
from dagster_playbook.stack.services import SERVICES
from dagster_playbook.stack.status import ServiceStatus, status_of

#: where a project's templates stand, and where its stacks keep what they write
DEFAULT_CONFIG = "warehouse/stack"
DEFAULT_HOME = ".playbook/stack"
#: seconds that a second `up` or `down` of the same stack waits for the first
_LOCK_TIMEOUT_S = 300.0


def _silent(_: str, __: str) -> None:
    """Tell nobody."""


def _unmetered(_: str, __: int, ___: int) -> None:
    """Tell nobody how much has arrived."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which services, and how they are to be started.

    Attributes:
        only: these and what they need, instead of all that are not optional.
        also, without: added to and taken from that.
        ports: port name to the port that it has to get; the others are chosen.
        timeout_s: seconds for each service to be ready; None for its own.
    """

    only: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    timeout_s: float | None = None

    def services(self, table: Mapping[str, Service]) -> dict[str, Service]:
        """The selected services and all that they need.

        Raises:
            StackError: a name is not in the table, or something that is needed was taken away.
        """
        only, also, without = (_members(names, table) for names in (self.only, self.also, self.without))
        start = only or {name for name, s in table.items() if not s.optional}
        chosen = with_needs((start | also) - without, table)
        for name in without & set(chosen):
            users = [s.name for s in chosen.values() if name in s.needs]
            raise StackError(f"{name} is needed by {', '.join(users)}", cure=f"leave {users[0]} out as well")
        return chosen


def _members(names: Iterable[str], table: Mapping[str, Service]) -> set[str]:
    """The services that the names stand for; a name is a service's or a group's."""
    found: set[str] = set()
    for name in names:
        members = {s.name for s in table.values() if name in (s.name, s.group)}
        if not members:
            known = dict.fromkeys([*table, *(s.group for s in table.values() if s.group)])
            raise StackError(f"there is no service {name!r}", cure="the services are " + ", ".join(known))
        found |= members
    return found


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A stack of a project: its templates and its room."""

    project: Path
    config: Path
    room: Room
    table: Mapping[str, Service] = field(default_factory=lambda: SERVICES)

    @classmethod
    def of(
        cls, project: Path, name: str = "default", *, config: Path | None = None, home: Path | None = None
    ) -> LocalStack:
        """The stack `name` of the project at `project`.

        Raises:
            StackError: the project has no templates for a stack, or the name could not be a folder's.
        """
        folder = (config or project / DEFAULT_CONFIG).resolve()
        if not (folder / "artifacts.toml").is_file():
            raise StackError(
                f"{folder} holds no templates of a stack (no artifacts.toml)",
                cure="name the folder with --config or PLAYBOOK_STACK_CONFIG",
            )
        return cls(project.resolve(), folder, open_room(home or project / DEFAULT_HOME, name))

    def up(
        self,
        selection: Selection = Selection(),
        tell: lifecycle.Teller = _silent,
        meter: Meter = _unmetered,
    ) -> Context:
        """Start what is not running, adopt what is, and return when all of it is ready.

        Raises:
            StackError: something is missing, could not be fetched or did not become ready.
        """
        services = selection.services(self.table)
        jdk = find_jdk() if any(s.is_java for s in services.values()) else None
        wanted = {name for s in services.values() for name in s.artifacts}
        table = load_artifacts(self.config / "artifacts.toml")
        artifacts = [a for a in table.values() if a.name in wanted]
        places = fetch(artifacts, cache_folder(), meter, jdk.home if jdk else None)
        self.room.make()
        with self._alone():
            context = replace(self._context(self._choose_ports(services, selection.ports)), places=places, jdk=jdk)
            lifecycle.Starter(context, services, tell, selection.timeout_s, []).run()
        return context

    def down(self, tell: lifecycle.Teller = _silent, names: Iterable[str] = ()) -> None:
        """Stop the named services, or all; nothing of them is left running, whoever started them.

        Raises:
            StackError: a name is no service's.
        """
        if not self.room.exists():
            return
        chosen = {name: self.table[name] for name in self.members(names)}
        with self._alone():
            lifecycle.stop_all(self.room, chosen, tell)

    def members(self, names: Iterable[str] = ()) -> list[str]:
        """The services that the names (of services or groups) stand for, in the table's order; all when none is given.

        Raises:
            StackError: a name is no service's.
        """
        found = _members(names, self.table) or set(self.table)
        return [name for name in self.table if name in found]

    def status(self) -> list[ServiceStatus]:
        """The state of every service in the table."""
        return status_of(self.room, self.table, self.context() if self.room.ports() else None)

    def reset(self, tell: lifecycle.Teller = _silent) -> None:
        """Stop everything and delete the stack's folder: data, credentials, logs."""
        if self.room.exists():
            self.down(tell)
            lifecycle.delete(self.room)

    def context(self) -> Context:
        """The addresses and credentials of a stack that was started.

        Raises:
            StackError: it never was.
        """
        ports = self.room.ports()
        if not ports:
            raise StackError(f"the stack {self.room.name!r} was never started", cure="run: playbook stack up")
        return self._context(ports)

    def _context(self, ports: Mapping[str, int]) -> Context:
        return Context(self.room, self.config, self.project, ports, self.room.credentials())

    def _choose_ports(self, services: Mapping[str, Service], asked: Mapping[str, int]) -> dict[str, int]:
        names = [port for s in services.values() for port in s.ports]
        for name in asked:
            if name not in names:
                raise StackError(f"there is no port {name!r} to set", cure="the ports are " + ", ".join(names))
        before = self.room.ports()
        living = processes.left_behind(self.room, services)
        in_use = {port for name, s in services.items() if living[name] for port in s.ports}
        ports = before | choose_ports(names, asked, before, in_use)
        self.room.keep_ports(ports)
        return ports

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the stack's lock: two commands on one stack come one after the other."""
        import filelock

        lock = filelock.FileLock(self.room.folder / "lock", timeout=_LOCK_TIMEOUT_S)
        try:
            with lock:
                yield
        except filelock.Timeout as error:
            raise StackError(
                f"another command holds the stack {self.room.name!r} since {_LOCK_TIMEOUT_S:.0f} s",
                cure="wait for it, or end it",
            ) from error


def home_folder(project: Path, named: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Where stacks keep what they write: as named, else PLAYBOOK_STACK_HOME, else in the project."""
    if named:
        return named
    if from_environment := environment.get("PLAYBOOK_STACK_HOME"):
        return Path(from_environment)
    return project / DEFAULT_HOME

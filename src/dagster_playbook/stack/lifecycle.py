"""Bring the services of a stack up and down, in the order of their needs and side by side where that is possible."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.errors import StackError
from dagster_playbook.stack import processes
from dagster_playbook.stack.room import Room
from dagster_playbook.stack.service import Context, NotReadyError, Service
from dagster_playbook.stack.services.postgres import unprivileged_user

#: seconds between two questions whether a service is ready
_PROBE_EVERY_S = 0.1
#: lines of a log that a failure shows
_LOG_LINES = 20
#: variables of the caller that a service may see
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SYSTEMROOT")

#: told what happens, a line each: the service and what became of it
Teller = Callable[[str, str], None]


@dataclass(slots=True)
class Starter:
    """Starts the services of one `up`; remembers what it started itself, so that a failure can undo that alone."""

    context: Context
    services: Mapping[str, Service]
    tell: Teller
    timeout_s: float | None
    started: list[Service]

    def run(self) -> None:
        """Start all services, each as soon as those before it are ready.

        Raises:
            StackError: one did not become ready; what this call started is stopped again.
        """
        try:
            self._run_in_order()
        except BaseException:
            for service in reversed(self.started):
                self.tell(service.name, "stopped again")
                stop(self.context.room, service)
            raise

    def _run_in_order(self) -> None:
        import graphlib

        order = graphlib.TopologicalSorter(
            {name: [a for a in s.after if a in self.services] for name, s in self.services.items()}
        )
        order.prepare()
        pending: dict[Future[None], str] = {}
        with ThreadPoolExecutor(max_workers=len(self.services) or 1) as pool:
            try:
                while order.is_active():
                    pending |= {pool.submit(self._start, self.services[name]): name for name in order.get_ready()}
                    done, _ = wait(pending, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                        order.done(pending.pop(future))
            except BaseException:
                # The others see it at their next probe and give up.
                self.services = {}
                raise

    def _start(self, service: Service) -> None:
        begun = time.monotonic()
        adopted = self._adopt(service)
        if not adopted:
            service.prepare(self.context)
            environment = _environment(service, self.context)
            argv = service.argv(self.context)
            user = unprivileged_user() if service.unprivileged else None
            self.started.append(service)
            child = processes.spawn(
                self.context.room, service.name, argv, environment, service.folder(self.context), user
            )
            processes.keep_record(self.context.room, service.name, child.pid, fingerprint(service, self.context))
            self._wait(service, child.poll)
        service.settle(self.context)
        took = time.monotonic() - begun
        self.tell(service.name, "was running, adopted" if adopted else f"ready after {took:.1f} s")

    def _adopt(self, service: Service) -> bool:
        """Whether a process from before can be kept: it is ours, was started just so, and is ready."""
        room = self.context.room
        why = "left behind by an earlier start"
        if found := processes.recorded_process(room, service.name):
            process, record = found
            if record.fingerprint == fingerprint(service, self.context):
                with contextlib.suppress(StackError):
                    self._wait(service, lambda: None if processes.is_alive(process) else -1)
                    return True
                why = "does not serve any more"
            else:
                why = "its settings changed"
        remains = processes.left_behind(room, [service.name])[service.name]
        if remains:
            self.tell(service.name, f"{why}: ending pid {remains[0].pid}")
            processes.end(remains, service.stop)
        processes.forget(room, service.name)
        return False

    def _wait(self, service: Service, poll: Callable[[], int | None]) -> None:
        """Probe until the service is ready.

        Raises:
            StackError: it ended, or was not ready in time; the message carries the log's last lines.
        """
        timeout_s = self.timeout_s or service.ready_s
        deadline = time.monotonic() + timeout_s
        while True:
            code = poll()
            try:
                if code is None:
                    service.probe(self.context)
                    return
            except NotReadyError as error:
                seen = str(error)
            if code is not None:
                raise self._failure(service, f"ended with exit code {code}")
            if service.name not in self.services:
                raise StackError(f"{service.name} was given up, since another service failed")
            if time.monotonic() > deadline:
                raise self._failure(service, f"was not ready within {timeout_s:g} s: {seen}")
            time.sleep(_PROBE_EVERY_S)

    def _failure(self, service: Service, what: str) -> StackError:
        log = self.context.room.log(service.name)
        lines = tail(log, _LOG_LINES)
        shown = "".join(f"\n    {line}" for line in lines) or "\n    (nothing)"
        return StackError(f"{service.name} {what}; the last lines of its log:{shown}", cure=f"read {log}")


def stop(room: Room, service: Service) -> bool:
    """Stop a service and all its children; whether there was anything to stop."""
    remains = processes.left_behind(room, [service.name])[service.name]
    processes.end(remains, service.stop)
    processes.forget(room, service.name)
    return bool(remains)


def stop_all(room: Room, services: Mapping[str, Service], tell: Teller) -> None:
    """Stop the services, each after all those that need it, side by side where that is possible."""
    waiting = dict(services)
    while waiting:
        free = [s for s in waiting.values() if not any(s.name in other.needs for other in waiting.values())]
        with ThreadPoolExecutor(max_workers=len(free)) as pool:
            for service, stopped in zip(free, pool.map(lambda s: stop(room, s), free), strict=True):
                if stopped:
                    tell(service.name, "stopped")
        for service in free:
            del waiting[service.name]


def fingerprint(service: Service, context: Context) -> str:
    """The digest of all that a service is started with: command, environment and the committed templates."""
    parts: list[object] = [service.argv(context), sorted(service.environment(context).items())]
    parts += [(str(p), p.read_text("utf-8")) for p in _templates(context.config, service.name)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _templates(config: Path, service: str) -> Iterator[Path]:
    yield from sorted(p for p in (config / service).rglob("*") if p.is_file())


def _environment(service: Service, context: Context) -> dict[str, str]:
    """A service sees what it needs and, unless it runs the project's own code, little of the caller's environment."""
    names = os.environ if service.inherits else _INHERITED
    inherited = {name: os.environ[name] for name in names if name in os.environ}
    return inherited | service.environment(context)


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file, none when it is not there."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - lines * 400))
            return stream.read().decode("utf-8", errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


def delete(room: Room) -> None:
    """Remove all that a stack has written."""
    from dagster_playbook.stack.services.postgres import delete_data

    delete_data(room)
    shutil.rmtree(room.folder, ignore_errors=False)

"""What each service of a stack is doing now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dagster_playbook.stack import processes
from dagster_playbook.stack.ports import LOOPBACK
from dagster_playbook.stack.room import Room
from dagster_playbook.stack.service import Context, NotReadyError, Service


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The state of one service.

    Attributes:
        state: `ready`, `not ready` (a process is there and does not serve), `ended` (it was started, nobody stopped it
            and its process is gone) or `stopped`.
        detail: why it is not ready or that it has ended, else "".
        pid, port: None when it is stopped, or when it has no port.
        uptime_s: seconds since its process was created.
        memory_bytes: resident memory of the process and its children.
    """

    service: str
    state: str
    address: str
    pid: int | None = None
    port: int | None = None
    uptime_s: float = 0.0
    memory_bytes: int = 0
    detail: str = ""
    log: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def status_of(room: Room, services: Mapping[str, Service], context: Context | None) -> list[ServiceStatus]:
    """The status of each service; `context` is None when the stack was never started."""
    found = processes.left_behind(room, services)
    states: list[ServiceStatus] = []
    for name, service in services.items():
        log = str(room.log(name)) if room.log(name).exists() else ""
        if context is None or not found[name]:
            states.append(_without_process(room, name, log))
            continue
        leader = min(found[name], key=lambda p: p.pid)
        port = context.ports.get(service.ports[0]) if service.ports else None
        ready, detail = _probe(service, context)
        states.append(
            ServiceStatus(
                service=name,
                state="ready" if ready else "not ready",
                address=f"{LOOPBACK}:{port}" if port else "",
                pid=leader.pid,
                port=port,
                uptime_s=round(time.time() - leader.create_time(), 1),
                memory_bytes=processes.memory_bytes(found[name]),
                detail=detail,
                log=log,
            )
        )
    return states


def _without_process(room: Room, name: str, log: str) -> ServiceStatus:
    """A service that was stopped has no record any more; one whose process ended otherwise has."""
    record = processes.read_record(room, name)
    if record is None:
        return ServiceStatus(name, "stopped", "", log=log)
    return ServiceStatus(name, "ended", "", detail=f"its process {record.pid} is gone, and nobody stopped it", log=log)


def _probe(service: Service, context: Context) -> tuple[bool, str]:
    try:
        service.probe(context)
    except NotReadyError as error:
        return False, str(error)
    return True, ""

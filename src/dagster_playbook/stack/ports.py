"""Choose the ports of a stack: the ones asked for, else the ones of last time, else free ones; all on 127.0.0.1."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Collection, Iterable, Mapping

from dagster_playbook.errors import StackError

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a service could listen on the port now (a connection in TIME_WAIT does not count)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_ports(
    names: Iterable[str], asked: Mapping[str, int], before: Mapping[str, int], in_use: Collection[str]
) -> dict[str, int]:
    """A port for each name; those of services that run (`in_use`) stay as they are.

    Raises:
        StackError: a port was asked for that is taken, out of range or given twice, or that belongs to a
            running service.
    """
    _refuse_nonsense(asked)
    chosen: dict[str, int] = {}
    open_names: list[str] = []
    for name in names:
        if name in in_use and name in before:
            if asked.get(name, before[name]) != before[name]:
                raise StackError(
                    f"{name} already runs on port {before[name]}, not on {asked[name]}",
                    cure="run `playbook stack down` first, or leave the port out",
                )
            chosen[name] = before[name]
        elif name in asked:
            if not is_free(asked[name]):
                raise StackError(
                    f"port {asked[name]} for {name} is taken{_by_whom(asked[name])}",
                    cure="stop what listens there, or name another port",
                )
            chosen[name] = asked[name]
        else:
            open_names.append(name)
    for name in open_names:
        last = before.get(name)
        if last and last not in chosen.values() and is_free(last):
            chosen[name] = last
    remaining = [name for name in open_names if name not in chosen]
    return chosen | dict(zip(remaining, _free_ports(len(remaining), set(chosen.values())), strict=True))


def _refuse_nonsense(asked: Mapping[str, int]) -> None:
    for name, port in asked.items():
        if not 0 < port < 65536:
            raise StackError(f"port {port} for {name} is not within 1 to 65535")
    if len(set(asked.values())) != len(asked):
        raise StackError("two services cannot have one port: " + ", ".join(f"{k}={v}" for k, v in asked.items()))


def _free_ports(count: int, taken: set[int]) -> list[int]:
    """Ports that the system hands out; all are held until the last is known, so that none comes twice."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
            if port not in taken:
                found.append(port)
    return found


def _by_whom(port: int) -> str:
    """The process that listens on the port, where the system lets us see it."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.pid and connection.laddr[1:] == (port,):
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""

"""Which account of this machine is at the other end of a connection, by the kernel's own table (Linux).

A port of this machine is open to everybody who is logged in on it; without this, each of them would be the user who
has started the server.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_MAPPED = "0000000000000000FFFF0000"

Address = tuple[str, int]


def is_somebody_else(client: Address, server: Address, tables: Iterable[str] = _TABLES) -> bool:
    """Whether a connection on this machine was made by another account than ours; root is never somebody else.

    False where the system has no such table, or one that does not even show the server's own end.

    Args:
        client, server: the two ends, as the server sees them.
    """
    ends = dict(_uids(tables))
    here, there = (_spelled(server), _spelled(client)), (_spelled(client), _spelled(server))
    return here in ends and ends.get(there) not in (0, os.getuid())


def _uids(tables: Iterable[str]) -> Iterator[tuple[tuple[str, str], int]]:
    """((local, remote), account) of each connection."""
    for table in tables:
        try:
            lines = Path(table).read_text(encoding="ascii", errors="replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if len(columns) > 7 and columns[7].isdigit():
                yield (_plain(columns[1]), _plain(columns[2])), int(columns[7])


def _plain(text: str) -> str:
    """An address as the table of IPv4 spells it, also where a socket of IPv6 speaks IPv4."""
    address, _, port = text.partition(":")
    return f"{address.removeprefix(_MAPPED)}:{port}".upper()


def _spelled(end: Address) -> str:
    address = ipaddress.ip_address(end[0])
    raw = address.packed
    # each word of four bytes is in the machine's order, which is little-endian wherever this runs
    words = (raw[at : at + 4][::-1].hex() for at in range(0, len(raw), 4))
    return f"{''.join(words)}:{end[1]:04X}".upper()

"""The record of whoever holds a platform's lock: who that is, since when, how lately alive, and what works for them."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
import socket
from pathlib import Path
from typing import Any

from dagster_playbook.services import living
from dagster_playbook.services.living import Started

#: names who is at work where that is not the user of the process, e.g. somebody who started the run on a page
OPERATOR_VARIABLE = "PLAYBOOK_OPERATOR"


def operator() -> str:
    """Who is at work, for the record: a claim; a signature proves it."""
    return os.environ.get(OPERATOR_VARIABLE) or getpass.getuser()


def silence_s(owner: dict[str, Any]) -> float | None:
    """Seconds since an owner record's last sign of life, negative when its clock is ahead; None when it has none."""
    try:
        heard = dt.datetime.fromisoformat(str(owner.get("heard") or owner.get("since")))
        return (dt.datetime.now(dt.UTC) - heard).total_seconds()
    except (TypeError, ValueError):
        return None


def ago(seconds: float) -> str:
    """A time that long ago, for people."""
    if seconds < 0:
        return f"at a time that is {-seconds:.0f} s ahead of the clock here"
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} seconds ago"


def is_alive(owner: dict[str, Any]) -> bool:
    """Whether the process of an owner record still runs; one on another host is taken to."""
    if owner.get("host") != socket.gethostname():
        return True
    try:
        return living.is_alive(int(owner["pid"]), str(owner["process_started"]))
    except (KeyError, TypeError, ValueError):
        return False


def at_work(owner: dict[str, Any]) -> list[Started]:
    """The processes that change the platform for an owner."""
    return [one for data in owner.get("works") or () if (one := Started.read(data))]


def now() -> str:
    """The time as a record holds it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def this_process(run_id: str) -> dict[str, Any]:
    """The record of this process, for a run."""
    return {
        "pid": os.getpid(),
        "process_started": living.born(os.getpid()),
        "host": socket.gethostname(),
        "user": operator(),
        "run": run_id,
        "since": now(),
        "heard": now(),
        "works": [],
    }


def read(record: Path) -> dict[str, Any] | None:
    """A record that was written; None when there is none that can be read."""
    try:
        data = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def shown(owner: dict[str, Any] | None) -> str:
    """An owner record for people."""
    known = "{user} on {host} (process {pid}, run {run}, since {since})"
    return known.format_map(_Known(owner)) if owner else "somebody"


class _Known(dict[str, Any]):
    def __init__(self, owner: dict[str, Any] | None) -> None:
        super().__init__(owner or {})

    def __missing__(self, key: str) -> str:
        return "?"

"""The operator's own process: `playbook run` or `playbook resume` with an argument list, in a session of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.errors import RunbookError, on_disk
from dagster_playbook.runbook.lock import place_of
from dagster_playbook.runbook.owner import OPERATOR_VARIABLE, is_alive, read
from dagster_playbook.serve.serving import Refused, Serving, new_name
from dagster_playbook.services import living

#: how long a plan may take before its run has a name
_OPENED_WITHIN_S = 120.0
_LOOK_S = 0.05
_COMMAND = "from dagster_playbook.cli import main; main()"
_KEPT = 50


@dataclass(frozen=True, slots=True)
class Process:
    """A command that was started; what it prints is in `folder`."""

    child: subprocess.Popen[bytes]
    folder: Path

    def events(self) -> Iterator[dict[str, Any]]:
        """The events that it has told so far."""
        for line in (self.folder / "events.jsonl").read_bytes().split(b"\n")[:-1]:
            yield json.loads(line)

    def last_words(self) -> str:
        """What it said on standard error."""
        return (self.folder / "errors.txt").read_text(encoding="utf-8", errors="replace").strip()


def start(serving: Serving, arguments: list[str], *, by: str) -> str:
    """Start a command that opens or resumes a run, and wait until it has; returns the run's id.

    Args:
        arguments: of `playbook`; by: who is at work, for the record.

    Raises:
        Refused: the command refused, with its own words.
        RunbookError: it cannot be started.
    """
    process = _started(serving, arguments, by)
    deadline = time.monotonic() + _OPENED_WITHIN_S
    while time.monotonic() < deadline:
        ended = process.child.poll() is not None
        for event in process.events():
            if event.get("event") in ("opened", "resumed"):
                return str(event["run"])
        if ended:
            raise Refused(_refusal(process.last_words()), 409)
        time.sleep(_LOOK_S)
    raise RunbookError("the run has not begun yet", cure="it will be listed under Runs when it has")


def _started(serving: Serving, arguments: list[str], by: str) -> Process:
    home = serving.store.folder / "serve"
    folder = home / new_name()
    with on_disk("the run cannot be started", folder, RunbookError):
        folder.mkdir(parents=True, mode=0o700)
        _forget_old(home)
        with (folder / "events.jsonl").open("wb") as out, (folder / "errors.txt").open("wb") as errors:
            child = subprocess.Popen(
                # -P: what stands in the project's own folder is no module of the command
                [sys.executable, "-P", "-c", _COMMAND, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                cwd=serving.root,
                env={**os.environ, OPERATOR_VARIABLE: by},
                start_new_session=True,
            )
    return Process(child, folder)


def _forget_old(home: Path) -> None:
    """Take away what earlier commands printed; their record is the journal."""
    import shutil

    old = sorted((p for p in home.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)[:-_KEPT]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)


def _refusal(words: str) -> str:
    lines = [line for line in words.splitlines() if line.strip()]
    told = next((line for line in lines if line.startswith(("refused:", "error:"))), lines[-1] if lines else "")
    cure = next((line.strip() for line in lines if line.strip().startswith("cure:")), "")
    return f"{told.removeprefix('refused: ').removeprefix('error: ')} {cure}".strip() or "the command ended at once"


def owner_of(serving: Serving, run_id: str) -> dict[str, Any] | None:
    """The record of the living process that works on a run on this platform, None when there is none."""
    owner = read(place_of(serving.settings, serving.target).file.with_suffix(".owner.json"))
    return owner if owner and owner.get("run") == run_id and is_alive(owner) else None


def cancel(serving: Serving, run_id: str) -> None:
    """Ask the process of a run to stop, as a closed terminal does; it writes down where it stood.

    Raises:
        Refused: nothing works on the run on this machine.
    """
    owner = owner_of(serving, run_id)
    if owner is None:
        raise Refused("nothing works on this run now", 409)
    if not living.is_alive(int(owner["pid"]), str(owner["process_started"])):
        raise Refused(f"it is run on {owner.get('host')}: stop it there", 409)
    os.kill(int(owner["pid"]), signal.SIGTERM)

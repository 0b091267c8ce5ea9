"""An interpreter is asked what it is: its version, where its packages are, and which platforms it has."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from contextlib import closing
from typing import Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.interpreters import bootstrap
from dagster_playbook.interpreters.environments import Candidate

#: how long an interpreter may take to say what it is
PROBE_TIMEOUT_S = 20.0


def ask(candidate: Candidate, cure: str) -> dict[str, Any]:
    """Start the interpreter and hear what it is, as `bootstrap` tells it; nothing of the project is run.

    Raises:
        PlatformError: it does not start, does not answer in time, is no Python, or is too old.
    """
    name = _shown(candidate)
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as log:
        request = json.dumps({"do": "probe", "arguments": [writing]})
        try:
            child = subprocess.Popen(
                [str(candidate.path), bootstrap.__file__, request],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(writing,),
                start_new_session=True,
            )
        except OSError as error:
            os.close(reading)
            raise PlatformError(f"{name} does not start: {error.strerror or error}", cure=cure) from error
        finally:
            os.close(writing)
        with closing(os.fdopen(reading, "rb", buffering=0)) as answers:
            said, is_late = _heard(answers.fileno(), time.monotonic() + PROBE_TIMEOUT_S)
        child.kill()
        child.wait()
        log.seek(0)
        words = log.read().decode("utf-8", "replace").strip().splitlines()
    if is_late:
        raise PlatformError(f"{name} did not say what it is within {PROBE_TIMEOUT_S:.0f} s", cure=cure)
    try:
        told: dict[str, Any] = json.loads(said)
        version = tuple(told["version"])
    except (ValueError, KeyError, TypeError) as error:
        last = f": {words[-1]}" if words else ""
        raise PlatformError(f"{name} is no Python that can be asked{last}", cure=cure) from error
    if version[:2] < bootstrap.OLDEST:
        oldest = ".".join(map(str, bootstrap.OLDEST))
        message = f"{name} is Python {'.'.join(map(str, version))}, which is too old: {oldest} is the oldest"
        raise PlatformError(message, cure=f"make the project's environment with Python {oldest} or later")
    return told


def _heard(descriptor: int, deadline: float) -> tuple[bytes, bool]:
    """The first line that arrives, and whether it was waited for in vain."""
    heard = b""
    while not heard.endswith(b"\n"):
        if not select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))[0]:
            return heard, True
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            break
        heard += chunk
    return heard, False


def _shown(candidate: Candidate) -> str:
    """The interpreter by the last part of its path, as messages name it."""
    prefix = candidate.prefix
    return f"{prefix.name}/bin/{candidate.path.name}" if candidate.path.parent.name == "bin" else candidate.path.name

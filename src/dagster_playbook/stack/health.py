"""Ask a service over HTTP whether it is ready, with the standard library alone: it is asked ten times a second."""

from __future__ import annotations

import http.client
import json
from typing import Any

from dagster_playbook.stack.ports import LOOPBACK
from dagster_playbook.stack.service import NotReadyError

#: seconds that one question may take
_ASK_TIMEOUT_S = 5.0


def ask(port: int, path: str, *, method: str = "GET", body: str | None = None) -> tuple[int, bytes]:
    """The status and the body of an answer on loopback.

    Raises:
        NotReadyError: nothing answers there, or what answers does not speak HTTP.
    """
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ASK_TIMEOUT_S)
    headers = {"Content-Type": "application/json"} if body else {}
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotReadyError(f"{method} {path}: {str(error) or type(error).__name__}") from error
    finally:
        connection.close()


def ask_json(port: int, path: str, *, method: str = "GET", body: str | None = None) -> Any:
    """The JSON of an answer with status 200.

    Raises:
        NotReadyError: there is no such answer.
    """
    status, content = ask(port, path, method=method, body=body)
    if status != 200:
        raise NotReadyError(f"{method} {path}: HTTP {status} {content[:200].decode(errors='replace')}")
    try:
        return json.loads(content)
    except ValueError as error:
        raise NotReadyError(f"{method} {path}: not JSON: {content[:200].decode(errors='replace')}") from error

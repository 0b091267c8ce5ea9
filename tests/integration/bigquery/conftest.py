"""One BigQuery emulator for the session, a source beside it, and a server that misbehaves as BigQuery can."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dagster_playbook.stack.local import LocalStack, Selection
from dagster_playbook.stack.variables import platform_variables

ROOT = Path(__file__).resolve().parents[3]
RECORDS: list[dict[str, Any]] = [
    {
        "id": n,
        "select": ["open", "closed", None][n % 3],
        "Title": "" if n == 2 else f"naïve {n}" if n == 5 else "two\nlines" if n == 7 else f"title, {n}",
        "amount": -1.5 if n == 4 else n * 1e9,
        "created_at": f"2024-02-{n + 1:02d}T08:00:00Z",
    }
    for n in range(12)
]


def _emulator(home: Path) -> tuple[LocalStack, str]:
    """A stack of the emulator alone, and the address that it gives to the programs of a shell."""
    stack = LocalStack.of(ROOT, "bigquery", home=home)
    context = stack.up(Selection(only=("bigquery",)))
    return stack, platform_variables(context)["BIGQUERY_EMULATOR_HOST"]


@pytest.fixture(scope="session")
def bigquery_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the one emulator of the run."""
    stack, address = _emulator(tmp_path_factory.mktemp("bigquery"))
    yield address
    stack.reset()


@pytest.fixture(scope="session")
def dead_emulator(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an emulator that was there, and is no more."""
    stack, address = _emulator(tmp_path_factory.mktemp("dead-bigquery"))
    stack.down()
    return address


@pytest.fixture(scope="session")
def writer(bigquery_emulator: str) -> Any:
    """The real client with write access, for the tests' own tables."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    client = bigquery.Client(
        project="p", credentials=AnonymousCredentials(), client_options=ClientOptions(api_endpoint=bigquery_emulator)
    )
    client.create_dataset("d", timeout=10, retry=None)
    return client


@pytest.fixture(scope="session")
def records() -> list[dict[str, Any]]:
    """What the sources of the asset workflow hold: nulls, empty and odd texts, a name that is a keyword."""
    return RECORDS


@pytest.fixture(scope="session")
def endpoint(records: list[dict[str, Any]]) -> Iterator[str]:
    """A REST endpoint on loopback that answers with nested records."""
    items = [
        {**record, "owner": {"login": f"u{record['id']}", "teams": ["a", "b"][: record["id"] % 3]}}
        for record in records
    ]
    content = json.dumps({"data": {"items": items}, "page": 1}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/issues"
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Misbehaving:
    """Answers by `answers[path part]`: (status, JSON body), or None to hang until the test is over."""

    endpoint: str
    answers: dict[str, tuple[int, dict[str, Any]] | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def misbehaving() -> Iterator[Misbehaving]:
    """A loopback server in BigQuery's place."""
    over = threading.Event()
    state = Misbehaving("")

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            state.asked.append(f"{self.command} {self.path} {body}")
            reply = next((r for part, r in state.answers.items() if part in self.path), (404, {}))
            if reply is None:
                over.wait(20)
                return
            content = json.dumps(reply[1]).encode()
            self.send_response(reply[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    for verb in ("GET", "POST"):
        setattr(Handler, f"do_{verb}", Handler.answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    over.set()
    server.shutdown()
    server.server_close()
    thread.join()

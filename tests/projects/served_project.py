"""A small project that is served, and somebody at a browser without a script: forms, tokens, passkeys, events."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from project_clone import COMMAND
from software_passkey import SoftwarePasskey

HEADER = "X-Forwarded-User"
#: a step that leaves a line; `two` waits until the file `go` is there
STEP = """import pathlib, sys, time
if sys.argv[1] == "two":
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
with open("ran.txt", "a") as file:
    file.write(sys.argv[1] + "\\n")
"""
HEAD = "---\ntitle: {title}\nrunbook:\n  owner: data engineer\n  risk: low\n{parameters}---\n\n# {title}\n"
PARAMETERS = """  parameters:
    note:
      type: string
      default: ""
      help: Anything.
"""
FENCE = '\n## {step}\n\n```sh {{#{step} {more}no_undo="A line is a line."}}\n{python} step.py {step}\n```\n'
ASK = '\n## Sure\n\n```text {#sure ask="yes"}\nSure about {{ note }}?\n```\n'
ROLES = """max_hours = 24
[roles]
operator = ["ada@example.org", "bob@example.org"]
approver = ["bob@example.org", "ada@example.org", "dora@example.org"]
viewer = ["vic@example.org"]
"""


@dataclass
class SmallProject:
    """A project with the runbooks `lines` and `approved`; ada and bob have passkeys, bob an SSH key as well."""

    root: Path
    passkeys: dict[str, SoftwarePasskey] = field(default_factory=dict)

    def write(self) -> SmallProject:
        """Make it."""
        (self.root / "pyproject.toml").write_text('[project]\nname = "small"\n\n[tool.playbook]\n')
        (self.root / "step.py").write_text(STEP)
        books = self.root / "runbooks"
        books.mkdir()
        fences = {step: FENCE.format(step=step, python=sys.executable, more="") for step in ("one", "two", "three")}
        (books / "lines.md").write_text(
            HEAD.format(title="Three lines", parameters=PARAMETERS) + ASK + "".join(fences.values())
        )
        approved = FENCE.format(step="one", python=sys.executable, more='approve="approver" ')
        (books / "approved.md").write_text(HEAD.format(title="An approved line", parameters="") + approved)
        folder = self.root / ".playbook" / "approvers"
        folder.mkdir(parents=True)
        self.passkeys = {name: SoftwarePasskey() for name in ("ada", "bob")}
        lines = [device.line(f"{name}@example.org") for name, device in self.passkeys.items()]
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bob", "-f", str(folder / "bob")], check=True
        )
        public = (folder / "bob.pub").read_text().strip()
        lines.append(f'bob@example.org namespaces="dagster-playbook" {public}')
        # one passkey under a second name
        lines.append(self.passkeys["ada"].line("dora@example.org"))
        (folder / "allowed_signers").write_text("\n".join(lines) + "\n")
        (folder / "roles.toml").write_text(ROLES)
        return self

    def forget(self) -> None:
        """As if nothing had run and nobody had asked; the record of earlier runs is kept."""
        for name in ("ran.txt", "go"):
            (self.root / name).unlink(missing_ok=True)
        for path in (self.root / ".playbook" / "approvals").glob("*.json"):
            path.unlink()

    def playbook(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command line on it."""
        command = [sys.executable, "-c", COMMAND, *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=60, check=False)

    def ran(self) -> list[str]:
        """The steps whose commands ran, in their order."""
        file = self.root / "ran.txt"
        return file.read_text().split() if file.is_file() else []

    def runs(self) -> list[str]:
        """The runs that are kept."""
        folder = self.root / ".playbook" / "runs"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def go(self) -> None:
        """Let step `two` end."""
        (self.root / "go").touch()

    def state(self, run: str) -> dict[str, Any]:
        """What the journal says of a run."""
        return dict(json.loads(self.playbook("runs", "show", run, "--format", "json").stdout))


@dataclass
class Server:
    """A `playbook serve` of its own process."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def origin(self) -> str:
        """The address by which browsers know it; a passkey needs a name, not a number."""
        return f"http://localhost:{self.port}"


@contextlib.contextmanager
def serving(root: Path, *options: str, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """A server that answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", COMMAND, "serve", "--port", str(port), *options]
    with (root / f"server-{port}.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, stdout=log, stderr=log, env=environment or dict(os.environ))
    server = Server(process, port)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{server.origin}/-/static/live.css", timeout=5).raise_for_status()
                break
            except httpx.TransportError:
                assert process.poll() is None and time.monotonic() < deadline, (root / f"server-{port}.txt").read_text()
                time.sleep(0.05)
        yield server
    finally:
        process.kill()
        process.wait()


class Visitor:
    """Somebody at a browser."""

    def __init__(self, server: Server, name: str = "") -> None:
        headers = {HEADER: f"{name}@example.org"} if name else {}
        self.server = server
        self.http = httpx.Client(base_url=server.origin, headers=headers, timeout=60)

    def get(self, path: str) -> str:
        """A page that is shown."""
        answer = self.http.get(path, follow_redirects=True)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {said(answer)}"
        return answer.text

    def token(self, path: str, action: str) -> str:
        """The token of a form on a page."""
        return token_in(self.get(path), action)

    def post(self, action: str, data: dict[str, str], **headers: str) -> httpx.Response:
        """A form as a browser sends it."""
        return self.http.post(action, data=data, headers={"Origin": self.server.origin, **headers})

    def sent(self, page: str, action: str, **data: str) -> httpx.Response:
        """A form of a page, filled in and sent."""
        filled = {name.replace("__", "."): value for name, value in data.items()}
        return self.post(action, {"token": self.token(page, action), **filled})

    def planned(self, runbook: str, **data: str) -> str:
        """The digest of a plan that was made on a runbook's page."""
        answer = self.sent(f"/-/runbooks/runbooks/{runbook}", f"/-/plan/runbooks/{runbook}", **data)
        assert answer.status_code == 303, said(answer)
        return answer.headers["location"].rpartition("/")[2]

    def run(self, digest: str, **data: str) -> str:
        """The id of the run of a plan."""
        answer = self.sent(f"/-/plans/{digest}", f"/-/plans/{digest}/run", **data)
        assert answer.status_code == 303, said(answer)
        return answer.headers["location"].rpartition("/")[2]

    def drafted(self, page: str, action: str, **data: str) -> dict[str, Any]:
        """What a passkey is asked to sign."""
        answer = self.post(action, {"token": self.token(page, action), **data}, Accept="application/json")
        assert answer.status_code == 200, said(answer)
        return dict(answer.json())

    def sign(self, asked: dict[str, Any], device: SoftwarePasskey, **changes: str) -> httpx.Response:
        """A passkey signs what was asked for."""
        given = device.sign(_bytes(asked["challenge"]), self.server.origin)
        data = {
            "token": asked["token"],
            "credential": device.credential,
            "client_data": _spelled(given.client_data),
            "authenticator_data": _spelled(given.authenticator_data),
            "signature": _spelled(given.signature),
            **changes,
        }
        return self.post(asked["address"], data, Accept="application/json")

    def events(self, path: str) -> Iterator[tuple[str, str]]:
        """The events of a page: their names, and the parts of the page."""
        with self.http.stream("GET", path) as stream:
            name, lines = "", list[str]()
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    lines.append(line[6:])
                elif not line and name:
                    yield name, "\n".join(lines)
                    name, lines = "", []


def token_in(page: str, action: str) -> str:
    """The token of the form that is sent to an address."""
    form = page.split(f'action="{action}"', 1)
    assert len(form) == 2, f"no form {action} on the page"
    found = re.search(r'name="token" value="([^"]+)"', form[1])
    assert found
    return found[1]


def said(answer: httpx.Response) -> str:
    """Why a request was refused."""
    if "json" in answer.headers.get("content-type", ""):
        return str(answer.json().get("error", ""))
    found = re.search(r'id="refusal">([^<]*)<', answer.text)
    return html.unescape(found[1]) if found else answer.text[:300]


def states(part: str) -> dict[str, str]:
    """The state of each step, by the part of a run's page that shows them."""
    return dict(re.findall(r'data-step="([^"]+)" data-state="([^"]+)"', part))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _spelled(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

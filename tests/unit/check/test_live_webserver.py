"""What a Dagster webserver is asked by `playbook check --dagster-url`, and what its refusals become."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dagster_playbook.cli.check import command
from dagster_playbook.errors import PlatformError

PAGE = """# Page

```{ .yaml job="load" }
ops:
  load_tables:
    config:
      rows: many
      limit: <number>
```
"""


def refusal(reason: str, *path: str) -> dict[str, Any]:
    """An error as Dagster's GraphQL gives it."""
    entries = [{"__typename": "EvaluationStackPathEntry", "fieldName": name} for name in path]
    return {"reason": reason, "message": f'Invalid value. Expected: "{path[-1]}"', "stack": {"entries": entries}}


class Webserver(ThreadingHTTPServer):
    """Answers as Dagster does, and keeps the headers and variables of each question."""

    def __init__(self, errors: list[dict[str, Any]], status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.errors, self.status = errors, status
        self.headers: list[dict[str, str]] = []
        self.configs: list[dict[str, Any]] = []

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The data of one question."""
        query = question["query"]
        if "isPipelineConfigValid" in query:
            self.configs.append(question["variables"])
            kind = "RunConfigValidationInvalid" if self.errors else "PipelineConfigValidationValid"
            return {"isPipelineConfigValid": {"__typename": kind, "errors": self.errors}}
        if "repositoriesOrError" in query:
            node = {"name": "__repository__", "location": {"name": "code"}, "jobs": [{"name": "load"}]}
            return {"repositoriesOrError": {"__typename": "RepositoryConnection", "nodes": [node]}}
        return {"version": "1.13.27", "instance": {"info": "run_retries:\n  enabled: true\n"}}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Webserver

    def do_POST(self) -> None:
        """Answer a question."""
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.headers.append(dict(self.headers))
        body = json.dumps({"data": self.server.answer(question)}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a page and without code."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(PAGE)
    (tmp_path / "pyproject.toml").write_text('[tool.playbook]\npages = ["docs"]\n')
    return tmp_path


@pytest.fixture
def serving() -> Iterator[Any]:
    """Starts webservers, and ends them after the test."""
    started: list[Webserver] = []

    def start(errors: list[dict[str, Any]] | None = None, status: int = 200) -> Webserver:
        server = Webserver(errors or [], status)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def check(project: Path, url: str, token: str = "") -> tuple[int, list[dict[str, Any]], BaseException | None]:
    """Run the command; its exit code, its findings, and what it raised."""
    arguments = ["--project", str(project), "--format", "json", "--dagster-url", url]
    result = CliRunner().invoke(command, arguments, env={"DAGSTER_TOKEN": token})
    return result.exit_code, json.loads(result.stdout)["findings"] if result.stdout else [], result.exception


def test_the_whole_config_is_put_to_the_job(project: Path, serving: Any) -> None:
    """The run config of a block goes to the webserver as data, for the job that the block names."""
    server = serving()
    check(project, f"http://127.0.0.1:{server.server_port}")
    (asked,) = server.configs
    assert asked["selector"]["pipelineName"] == "load"
    assert asked["config"]["ops"]["load_tables"]["config"]["rows"] == "many"


def test_a_refusal_stands_where_the_value_stands(project: Path, serving: Any) -> None:
    """A value that Dagster refuses is a finding on its line; a blank to fill in is none."""
    at = ("ops", "load_tables", "config")
    server = serving([refusal("RUNTIME_TYPE_MISMATCH", *at, "rows"), refusal("RUNTIME_TYPE_MISMATCH", *at, "limit")])
    code, findings, _ = check(project, f"http://127.0.0.1:{server.server_port}")
    found = [(f["line"], f["rule"], f["evidence"]) for f in findings]
    assert (code, found) == (1, [(7, "DG103", f"Dagster 1.13.27 at 127.0.0.1:{server.server_port}")])


def test_the_token_is_sent_with_every_question(project: Path, serving: Any) -> None:
    """DAGSTER_TOKEN is the bearer token of every question."""
    server = serving()
    check(project, f"http://127.0.0.1:{server.server_port}", token="s3cret")
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer s3cret"}


def test_credentials_in_the_address_are_not_told(project: Path, serving: Any) -> None:
    """A webserver that refuses ends the check with an error that holds its host and port, and no password."""
    server = serving(status=401)
    _, _, error = check(project, f"http://somebody:s3cret@127.0.0.1:{server.server_port}")
    assert isinstance(error, PlatformError)
    assert f"127.0.0.1:{server.server_port} did not answer: HTTP 401" in str(error)
    assert "s3cret" not in str(error)


SUPPRESSED = PAGE.replace("```{", '<!-- playbook: ignore DG103 reason="rows of another platform" -->\n```{')


def test_a_suppression_that_only_a_service_needs_is_in_use(project: Path, serving: Any) -> None:
    """A suppression of what only the webserver refuses is told unused neither by it nor by a check that asks none."""
    (project / "docs" / "page.md").write_text(SUPPRESSED)
    server = serving([refusal("RUNTIME_TYPE_MISMATCH", "ops", "load_tables", "config", "rows")])
    for url in (f"http://127.0.0.1:{server.server_port}", ""):
        assert check(project, url)[:2] == (0, [])


def test_a_suppression_that_no_service_needs_is_unused(project: Path, serving: Any) -> None:
    """When the webserver has nothing against the block, the suppression is told unused at its place."""
    (project / "docs" / "page.md").write_text(SUPPRESSED)
    code, findings, _ = check(project, f"http://127.0.0.1:{serving().server_port}")
    assert (code, [(f["line"], f["rule"]) for f in findings]) == (1, [(3, "PB008")])


def test_a_suppression_for_another_service_is_left_to_it(project: Path, serving: Any) -> None:
    """A suppression over a query is not called unused by a check that asks a webserver alone."""
    note = '<!-- playbook: ignore SQ703 reason="a column of their warehouse" -->'
    (project / "docs" / "page.md").write_text(f"# Page\n\n{note}\n```sql\nSELECT a FROM t\n```\n")
    assert check(project, f"http://127.0.0.1:{serving().server_port}")[1] == []


def test_a_suppression_that_no_service_could_need_is_unused(project: Path) -> None:
    """Where a service is asked nothing, a suppression without a use is told without asking any."""
    note = '<!-- playbook: ignore SQ703 reason="a column of their warehouse" -->'
    (project / "docs" / "page.md").write_text(f"# Page\n\n{note}\n```duckdb\nSELECT 1\n```\n")
    assert [f["rule"] for f in check(project, "")[1]] == ["PB008"]

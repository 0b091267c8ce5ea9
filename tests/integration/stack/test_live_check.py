"""`playbook check --live` against the real Trino and Nessie."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.stack

CATALOGS = {
    "iceberg": "connector.name=iceberg\n",
    "iceberg_consumer": "connector.name=hive\n",
    "lost": "connector.name=iceberg\n",
}
REFERENCES = '{\n "main": {"kind": "BRANCH", "hash": "12345678deadbeef"},\n "consumer": "BRANCH",\n "gone": "TAG"\n}\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without code, whose recorded catalogs and references differ from the running ones."""
    (tmp_path / "catalog").mkdir()
    (tmp_path / "docs").mkdir()
    for name, text in CATALOGS.items():
        (tmp_path / "catalog" / f"{name}.properties").write_text(text)
    (tmp_path / "references.json").write_text(REFERENCES)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.playbook]\npages = ["docs"]\ncatalogs = "catalog"\nreferences = "references.json"\n'
    )
    return tmp_path


def check(project: Path, env: dict[str, str], *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    """Run `playbook check`; its exit code, its findings, and what it told."""
    program = "from dagster_playbook.cli import main; main()"
    command = [sys.executable, "-c", program, "check", "--format", "json", *arguments]
    # Dagster is other tests' business; its port is remembered even while it does not run.
    services = {k: v for k, v in env.items() if k != "DAGSTER_WEBSERVER_URL"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TRINO_", "NESSIE_", "DAGSTER_WEB"))}
    result = subprocess.run(
        command, cwd=project, env={**inherited, **services}, capture_output=True, text=True, check=False
    )
    return result.returncode, json.loads(result.stdout)["findings"] if result.stdout else [], result.stderr


def page(project: Path, text: str) -> None:
    """Write the page."""
    (project / "docs" / "page.md").write_text(text)


def test_recorded_catalogs_and_references_that_differ_are_found(stack: Any, project: Path) -> None:
    """Each recorded catalog and reference that is not there, or is there otherwise, is a finding on its file."""
    page(project, "# Page\n")
    code, findings, _ = check(project, stack.env, "--live")
    found = {(f["path"], f["line"], f["rule"], f["subject"]) for f in findings}
    assert code == 1
    assert found == {
        ("catalog/iceberg_consumer.properties", 1, "SV305", "iceberg_consumer"),
        ("catalog/lost.properties", 1, "SV301", "lost"),
        ("references.json", 2, "SV305", "main"),
        ("references.json", 3, "SV305", "consumer"),
        ("references.json", 4, "SV302", "gone"),
    }
    ports = stack.context.ports
    evidence = {f["evidence"] for f in findings}
    assert evidence == {f"Trino 476 at 127.0.0.1:{ports['trino']}", f"Nessie at 127.0.0.1:{ports['nessie']}"}


def test_queries_are_analysed_by_trino(stack: Any, project: Path, schema: str) -> None:
    """Trino's own refusal of a statement stands at its place on the page, under the rule for its kind."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.numbers AS SELECT 1 AS n")
    table = f"iceberg.{schema}.numbers"
    lines = [
        f"SELECT n FROM {table};",
        "-- the second; not the first",
        "SELECT m",
        f"FROM {table}; SELECT n + 'a' FROM {schema}.numbers;",
        f"SELECT 1 FROM iceberg.{schema}.none",
    ]
    page(project, "\n".join(["# Page", "", "```sql", *lines, "```", ""]))
    _, findings, _ = check(project, stack.env, "--live")
    found = [(f["line"], f["column"], f["rule"]) for f in findings if f["path"] == "docs/page.md"]
    assert found == [(6, 8, "SQ703"), (7, lines[3].index("n +") + 3, "SQ701"), (8, 15, "SQ702")]


RUNBOOK = """---
title: Look
runbook:
  owner: data
  risk: low
  parameters:
    least: {type: integer, example: 3, help: The least number.}
    name: {type: string, example: x, help: A name.}
---

```sql {#right query="trino"}
SELECT n FROM iceberg.@SCHEMA.numbers WHERE n >= {{ least }}
```

```sql {#wrong query="trino"}
SELECT n FROM iceberg.@SCHEMA.numbers
WHERE n >= {{ least }} AND n = {{ steps.right.value }} AND m = 1
```

```sql {#typed query="trino"}
SELECT n FROM iceberg.@SCHEMA.numbers WHERE n = {{ name }}
```

```sql {#unknown query="trino"}
SELECT 1 FROM {{ steps.right.value }}
```

```sql {#embedded query="duckdb"}
SELECT m FROM iceberg.@SCHEMA.numbers
```
"""


def test_the_queries_of_a_runbook_are_analysed_with_samples(stack: Any, project: Path, schema: str) -> None:
    """Trino analyses a step's query with samples; its refusal stands on the page, and what has no sample is told."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.numbers AS SELECT 1 AS n")
    page(project, RUNBOOK.replace("@SCHEMA", schema))
    _, findings, told = check(project, stack.env, "--live")
    trino = [(f["line"], f["column"], f["rule"]) for f in findings if f["evidence"].startswith("Trino")]
    column = "WHERE n >= {{ least }} AND n = {{ steps.right.value }} AND m = 1".index("m = 1") + 1
    typed = f"SELECT n FROM iceberg.{schema}.numbers WHERE n = {{{{ name }}}}".index("= {{") + 1
    assert [entry for entry in trino if entry[0] > 1] == [(17, column, "SQ703"), (21, typed, "SQ701")]
    assert "docs/page.md:24:1: the step's query was not analysed" in told


def test_nothing_on_a_page_is_run(stack: Any, project: Path, schema: str) -> None:
    """A page's statements are analysed and never run, not even one that says EXPLAIN ANALYZE."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.numbers AS SELECT 1 AS n")
    page(
        project,
        f"# Page\n\n```sql\nDELETE FROM iceberg.{schema}.numbers;\nDROP TABLE iceberg.{schema}.numbers;\n"
        f"EXPLAIN ANALYZE INSERT INTO iceberg.{schema}.numbers VALUES (2)\n```\n",
    )
    check(project, stack.env, "--live")
    assert stack.sql(f"SELECT sum(n) FROM iceberg.{schema}.numbers").scalar() == 1


def test_a_suppressed_line_is_exempt_from_the_services_too(stack: Any, project: Path) -> None:
    """What is exempt on a page with a reason is exempt from what the services say."""
    note = '<!-- playbook: ignore SQ704 reason="the warehouse of somebody else" -->'
    page(project, f"# Page\n\n{note}\n```sql\nSELECT 1 FROM theirs.a.b\n```\n")
    _, findings, _ = check(project, stack.env, "--live")
    assert "SQ704" not in {f["rule"] for f in findings}


def test_a_suppression_is_unused_when_no_service_needs_it(stack: Any, project: Path, schema: str) -> None:
    """A suppression that only Trino needs is in use, live or not; one that not even Trino needs is told live."""
    stack.sql(f"CREATE TABLE iceberg.{schema}.numbers AS SELECT 1 AS n")
    note = '<!-- playbook: ignore SQ703 reason="the column comes with the next release" -->'
    blocks = [f"{note}\n```sql\nSELECT {column} FROM iceberg.{schema}.numbers\n```\n" for column in ("m", "n")]
    page(project, "\n".join(["# Page", "", *blocks]))
    told = {}
    for arguments in ((), ("--live",)):
        _, findings, _ = check(project, stack.env, *arguments)
        told[arguments] = [(f["line"], f["rule"]) for f in findings if f["path"] == "docs/page.md"]
    assert told == {(): [], ("--live",): [(8, "PB008")]}


@pytest.mark.parametrize("name", ["TRINO_PORT", "NESSIE_URI"])
def test_a_service_out_of_reach_is_no_pass(stack: Any, project: Path, name: str) -> None:
    """A service that is named and does not answer ends the check with exit code 2 and its address."""
    page(project, "# Page\n")
    dead = {"TRINO_PORT": "1", "NESSIE_URI": "http://127.0.0.1:1/api/v2"}[name]
    code, _, told = check(project, {**stack.env, name: dead}, "--live")
    assert code == 2
    assert "127.0.0.1:1" in told


def test_no_service_at_all_is_no_pass(project: Path) -> None:
    """Without a service in the environment and without a stack the live check ends with exit code 2."""
    page(project, "# Page\n")
    code, _, told = check(project, {}, "--live")
    assert code == 2
    assert "no service is named" in told

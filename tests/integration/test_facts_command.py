"""`playbook facts` and `playbook schema`, run as a person runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[1] / "data" / "platform" / "sample"
COMMAND = [sys.executable, "-c", "from dagster_playbook.cli import main; main()"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("facts") / "sample"
    shutil.copytree(SAMPLE, root)
    return root


def _run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        [*COMMAND, *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def test_json_is_all_that_stands_on_standard_output(project: Path) -> None:
    """Progress goes to standard error; the rest is one JSON document."""
    done = _run(project, "facts", "--format", "json")
    facts = json.loads(done.stdout)
    assert done.returncode == 0
    assert facts["values"]["dagster.run_retries.max_retries"] == 2
    assert list(facts["models"]["shop.stg_orders"]["columns"]) == [
        "order_id",
        "customer_id",
        "total_cents",
        "ordered_on",
    ]
    assert "Traceback" not in done.stderr


def test_a_table_tells_whole_names_to_a_pipe(project: Path) -> None:
    """A long name is not folded, so that it can be searched for."""
    done = _run(project, "facts", "--section", "values")
    lines = [
        line
        for line in done.stdout.splitlines()
        if "dagster.concurrency.runs.tag_concurrency_limits.engine.limit" in line
    ]
    assert len(lines) == 1
    assert "dagster.yaml" in lines[0]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("models", "transform/models/best_customers.py:11"),
        ("jobs", "lake__promote"),
        ("config", "How many orders to read at most."),
        ("assets", "lake/promote"),
        ("catalogs", "released"),
        ("refs", "tag"),
        ("commands", "shopctl"),
        ("versions", "sqlmesh"),
    ],
)
def test_each_section_tells_its_facts(project: Path, section: str, words: str) -> None:
    """A section stands by itself, with what a person looks for."""
    done = _run(project, "facts", "--section", section)
    assert words in done.stdout
    assert done.stdout.startswith(f"{section} (")


def test_only_the_wanted_sections_are_json(project: Path) -> None:
    """A section of the JSON is the same as of the whole."""
    facts = json.loads(_run(project, "facts", "--format", "json", "--section", "refs", "--section", "commands").stdout)
    assert set(facts) == {"fingerprint", "refs", "commands", "make_targets"}


def test_a_folder_below_the_project_will_do(project: Path) -> None:
    """The settings are found upwards."""
    done = _run(project / "transform", "facts", "--section", "refs")
    assert (done.returncode, "released" in done.stdout) == (0, True)


def test_a_project_that_cannot_be_read_exits_with_2(project: Path, tmp_path: Path) -> None:
    """One line says what and where, and another how to go on."""
    root = tmp_path / "broken"
    shutil.copytree(project, root, ignore=shutil.ignore_patterns(".playbook"))
    (root / "references.json").write_text("{", encoding="utf-8")
    done = _run(root, "facts")
    assert done.returncode == 2
    assert "references.json:1: is no JSON" in done.stderr
    assert "cure:" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_schema_is_printed_for_a_job_and_for_an_op(project: Path) -> None:
    """Each names its dialect and refuses unknown keys."""
    for name in ("load_job", "load_orders"):
        schema = json.loads(_run(project, "schema", name).stdout)
        assert schema["$schema"].endswith("2020-12/schema")
        assert schema["$defs"][schema["$ref"].rpartition("/")[2]]["additionalProperties"] is False


def test_schemas_are_written_for_all(project: Path, tmp_path: Path) -> None:
    """One file for each job and each op with config; a second run writes the same bytes."""
    folder = tmp_path / "schemas"
    first = _run(project, "schema", "--output", str(folder))
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    _run(project, "schema", "--output", str(folder))
    assert first.returncode == 0
    assert {"load_job.schema.json", "load_orders.schema.json", "publish.schema.json"} <= set(contents)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents


def test_an_unknown_job_is_told_with_the_known_ones(project: Path) -> None:
    """Exit 2, and the names that there are."""
    done = _run(project, "schema", "lode_job")
    assert done.returncode == 2
    assert "'lode_job'" in done.stderr
    assert "load_job" in done.stderr


def test_a_folder_that_cannot_be_written_is_an_error(project: Path, tmp_path: Path) -> None:
    """No traceback, and nothing half-written."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    done = _run(project, "schema", "load_job", "--output", str(tmp_path / "file" / "schemas"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr

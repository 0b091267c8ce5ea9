"""`playbook pr-check` for real, in a small checkout: lint, SQLMesh's tests, blast radius and pages of one change."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "tests" / "data" / "scaffold" / "lint" / "base"
SQLMESH = "warehouse/oso_sqlmesh"
STAGING = f"{SQLMESH}/models/staging/stg_shop__orders.sql"
SOURCE = "warehouse/oso_dagster/sources/shop__orders.py"
#: what the base of the rules' cases lacks to be loaded by SQLMesh and Dagster, and a page that speaks of it
FILES = {
    ".gitignore": ".playbook/\n__pycache__/\nlogs/\n.cache/\n",
    f"{SQLMESH}/config.yaml": (
        "gateways:\n  duckdb:\n    connection: {type: duckdb}\nmodel_defaults: {dialect: trino, start: 2026-01-01}\n"
    ),
    f"{SQLMESH}/macros/__init__.py": "",
    f"{SQLMESH}/macros/sources.py": (
        "from sqlmesh import macro\n\n\n@macro()\ndef oso_source(evaluator, table):\n    return table.name\n"
    ),
    f"{SQLMESH}/models/marts/orders_v1.sql": (
        "MODEL (name oso.orders_v1, kind FULL);\nSELECT COUNT(*)::BIGINT AS orders FROM oso.stg_shop__orders\n"
    ),
    "warehouse/oso_dagster/__init__.py": "",
    "warehouse/oso_dagster/definitions.py": (
        "import dagster as dg\n\n\n@dg.asset\ndef orders():\n    pass\n\n\ndefs = dg.Definitions(assets=[orders])\n"
    ),
    "warehouse/oso_dagster/sources/__init__.py": "",
    "warehouse/oso_dagster/sources/tables.py": "def RawTable(*parts):\n    return parts\n",
    "tests/unit/warehouse/test_source_shop__orders.py": (
        "from oso_dagster.sources import shop__orders\n\n\ndef test_rows():\n    assert list(shop__orders.rows())\n"
    ),
    "docs/orders.md": "# Orders\n\nThe mart `oso.orders_v1` reads `oso.stg_shop__orders`.\n",
}


@dataclass(frozen=True)
class Run:
    """How a run of the command ended, and the body that it wrote."""

    code: int
    body: str
    said: str

    def evidence(self, check: str) -> tuple[str, str]:
        """The verdict of a check and its line of evidence."""
        match = re.search(rf"^\| {check} \| \S+ ([^|]+) \| ([^|]+) \|$", self.body, re.MULTILINE)
        assert match is not None, self.body + self.said
        return match[1], match[2]


def _git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _pr_check(root: Path) -> Run:
    output = root.parent / "body.md"
    output.unlink(missing_ok=True)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("playbook")), "pr-check", "--output", str(output)],
        cwd=root, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "OSO_WAREHOUSE_DATA": str(root.parent / "data"), "NO_COLOR": "1"},
    )  # fmt: skip
    assert output.is_file(), done.stderr
    assert done.stdout == output.read_text(encoding="utf-8")
    return Run(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small warehouse with one page, committed on main."""
    root = tmp_path_factory.mktemp("pr-check") / "project"
    shutil.copytree(BASE, root)
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    _git(root, "init")
    _git(root, "add", ".")
    _git(root, "commit", "-m", "A small warehouse")
    return root


@pytest.fixture(scope="module")
def green(checkout: Path) -> Run:
    """The run on a staging model that was changed and still does what it did."""
    _replace(checkout / STAGING, "note::VARCHAR AS note", "CAST(note AS VARCHAR) AS note")
    return _pr_check(checkout)


@pytest.fixture(scope="module")
def red(checkout: Path, green: Run) -> Run:
    """The run on a branch that breaks the model's test, a rule and a page, and changes a source that was never run."""
    _replace(checkout / STAGING, "id::BIGINT", "(id + 1)::BIGINT")
    _replace(checkout / STAGING, '("entity_category=project")', "(entity_category=project)")
    _replace(checkout / SOURCE, "Orders of a shop", "Orders of the shop")
    _replace(checkout / "docs/orders.md", "oso.orders_v1", "oso.orders_v2")
    return _pr_check(checkout)


def test_a_sound_change_passes(green: Run) -> None:
    """Each check of a sound change passes, on what it really looked at."""
    assert green.code == 0, green.body + green.said
    assert green.body.startswith("## Seed and staging model\n\n1 files differ from `main`.\n")
    assert green.evidence("lint") == ("pass", "9 files, 0 errors, 0 warnings")
    assert green.evidence("materialisation")[0] == "nothing to do"
    assert green.evidence("docs") == ("pass", "1 pages, 2 claims checked, 0 findings")


def test_sqlmesh_tests_were_run(green: Run) -> None:
    """The evidence of the tests is SQLMesh's own count."""
    assert green.evidence("tests")[0] == "pass"
    assert "Successfully Ran `1` Tests" in green.body


def test_blast_radius_names_what_is_downstream(green: Run) -> None:
    """The changed model and the mart that reads it are told apart."""
    assert green.evidence("blast radius") == ("pass", "1 models change, 1 stand downstream of them")
    assert "- `oso.stg_shop__orders` (FULL), changed" in green.body
    assert "- `oso.orders_v1` (FULL), downstream" in green.body


@pytest.mark.parametrize(
    ("check", "evidence"),
    [
        ("lint", "WH305 unquoted-tag"),
        ("tests", "test_stg_shop__orders"),
        ("materialisation", "was never materialised"),
        ("docs", "oso.orders_v2"),
    ],
)
def test_what_is_broken_fails_with_its_evidence(check: str, evidence: str, red: Run) -> None:
    """A check that fails says in the body what is wrong, and the command exits with 1."""
    assert red.code == 1 and red.evidence(check)[0] == "fail", red.body
    section = red.body.split(f"<details><summary>{check}</summary>", 1)[1].split("</details>", 1)[0]
    assert evidence in section


def test_tests_of_changed_sources_are_run(red: Run) -> None:
    """A changed source module has its own test run, beside SQLMesh's."""
    assert re.fullmatch(
        r"SQLMesh tests: failed in \d+ s, tests of the sources: passed in \d+ s", red.evidence("tests")[1]
    )
    assert "1 passed in" in red.body

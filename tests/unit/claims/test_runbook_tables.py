"""The reference of the runbook format is held to the tables that the parser, the rules and the actions use."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from dagster_playbook.claims import runbook_model as model
from dagster_playbook.claims.runbook_model import Kind
from dagster_playbook.claims.runbook_operations import LANGUAGES, OPERATIONS, RESULTS
from dagster_playbook.claims.runbook_tables import filled, tables
from dagster_playbook.runbook import platform_actions

PROJECT = Path(__file__).resolve().parents[3]
PAGES = [PROJECT / "docs" / "reference" / name for name in ("runbook-format.md", "approvals.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_holds_the_tables_as_they_are(page: Path) -> None:
    """Whoever changes a table writes it into its page with `python -m dagster_playbook.claims.runbook_tables`."""
    text = page.read_text(encoding="utf-8")
    assert filled(text) == text


def test_every_table_has_a_place_on_a_page() -> None:
    """No table of the format is left out of the reference."""
    placed = re.findall(r"<!-- table: ([a-z]+) -->", "".join(page.read_text(encoding="utf-8") for page in PAGES))
    assert sorted(placed) == sorted(tables())


def test_every_operation_that_the_parser_takes_is_described() -> None:
    """The names of `dagster=` and `nessie=` are the same in the model and in the table of operations."""
    reads_and_writes = {(Kind.NESSIE, name) for name in (*model.NESSIE_READS, *model.NESSIE_WRITES)}
    reads_and_writes |= {(Kind.DAGSTER, name) for name in (*model.DAGSTER_READS, *model.DAGSTER_WRITES)}
    assert set(OPERATIONS) == reads_and_writes


def test_every_key_that_an_action_reads_is_known() -> None:
    """No action asks its YAML for a key that the rule would call unknown, and no known key is read by none."""
    read = set(re.findall(r"asked(?:\.get\(|\[)\"(\w+)\"", inspect.getsource(platform_actions)))
    assert read == {key for found in OPERATIONS.values() for key in found.keys}


def test_every_kind_has_a_result_and_a_language() -> None:
    """A kind is an operation or has fields of its own, and its fence has a language."""
    assert {kind for kind, _ in OPERATIONS} | set(RESULTS) == set(Kind)
    assert set(LANGUAGES) == set(Kind) - {Kind.COMMAND}


VARIABLE = re.compile(r"\*\*([A-Z_]+)\*\*")


@pytest.mark.parametrize("name", VARIABLE.findall(tables()["variables"]))
def test_every_variable_of_the_page_is_read_somewhere(name: str) -> None:
    """A variable that the page of approvals names stands in the source of the engine or of the code location."""
    sources = [*(PROJECT / "src").rglob("*.py"), *(PROJECT / "warehouse" / "oso_dagster").glob("*.py")]
    holders = [path for path in sources if path.name != "runbook_tables.py" and name in path.read_text("utf-8")]
    assert holders

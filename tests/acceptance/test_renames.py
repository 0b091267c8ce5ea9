"""Drift at its plainest: rename a thing in the platform, or misspell it on a page, and its line is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagster_playbook.check import Checker
from dagster_playbook.drift.project_copy import project_copy
from dagster_playbook.findings import Finding
from dagster_playbook.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
#: a page of the copy that names a column in a query, which the project's own pages do only in a MODEL block
COLUMN_PAGE = "docs/columns.md"
COLUMN_TEXT = """# Columns

```sql
SELECT
  project_id,
  license_family
FROM iceberg.oso.projects_v1
```
"""


@dataclass(frozen=True)
class Rename:
    """`old` becomes `new` below `folder` in files of one suffix; `line` of `page` speaks of it, as `typo` wrongly."""

    folder: str
    suffix: str
    old: str
    new: str
    page: str
    line: str
    typo: tuple[str, str]


CASES = {
    "config field": Rename(
        "warehouse/oso_dagster",
        ".py",
        "restate_entity_categories",
        "restate_these_categories",
        "docs/playbook/restatements.md",
        "      restate_entity_categories:",
        ("categories", "categroies"),
    ),
    "job": Rename(
        "warehouse/oso_dagster",
        ".py",
        '"sqlmesh_restate_project_assets"',
        '"sqlmesh_redo_project_assets"',
        "docs/playbook/sqlmesh-integration.md",
        "| `sqlmesh_restate_project_assets` |",
        ("restate_project", "restate_porject"),
    ),
    "model": Rename(
        "warehouse",
        "",
        "stg_pypi__releases",
        "stg_pypi__published",
        "docs/playbook/restatements.md",
        "        - oso.stg_pypi__releases",
        ("releases", "relaeses"),
    ),
    "tag": Rename(
        "warehouse/oso_sqlmesh",
        "",
        "entity_category=collection",
        "entity_category=bundle",
        "docs/playbook/restatements.md",
        "        - collection",
        ("collection", "colection"),
    ),
    "column": Rename(
        "warehouse",
        "",
        "license_family",
        "license_group",
        COLUMN_PAGE,
        "  license_family",
        ("family", "famliy"),
    ),
    "retry count": Rename(
        "warehouse",
        "dagster.yaml",
        "max_retries: 3",
        "max_retries: 5",
        "docs/playbook/restatements.md",
        "up to <!-- fact: dagster.run_retries.max_retries -->",
        ("-->three<", "-->four<"),
    ),
    "retry count in an excerpt": Rename(
        "warehouse",
        "dagster.yaml",
        "max_retries: 3",
        "max_retries: 5",
        "docs/playbook/restatements.md",
        "  max_retries: 3",
        ("max_retries: 3", "max_retries: 4"),
    ),
}


@pytest.fixture(scope="module")
def copy() -> Iterator[Settings]:
    """A real copy of this project, with a page more."""
    with project_copy(load_settings(ROOT)) as settings:
        (settings.root / COLUMN_PAGE).write_text(COLUMN_TEXT, encoding="utf-8")
        yield settings


@contextmanager
def replaced(root: Path, files: list[Path], old: str, new: str) -> Iterator[int]:
    """The files with `old` as `new`, put back at the end; yields how many were changed."""
    before = {path: path.read_bytes() for path in files if old.encode() in path.read_bytes()}
    try:
        for path, data in before.items():
            path.write_bytes(data.replace(old.encode(), new.encode()))
        yield len(before)
    finally:
        for path, data in before.items():
            path.write_bytes(data)


def line_of(settings: Settings, page: str, start: str) -> int:
    """The 1-based number of the one line that begins so, or holds it."""
    lines = (settings.root / page).read_text(encoding="utf-8").split("\n")
    found = [number for number, line in enumerate(lines, 1) if line.startswith(start)]
    assert found, f"{page} has no line that begins with {start!r}"
    return found[0]


def findings_of(settings: Settings, page: str) -> list[Finding]:
    """What a check, with nothing kept of the pages, has against one page."""
    return list(Checker(settings, use_store=False).check_page(page).findings)


def sources(settings: Settings, case: Rename) -> list[Path]:
    """The platform's files that a rename goes through."""
    return [
        path
        for path in (settings.root / case.folder).rglob("*")
        if path.is_file() and path.name.endswith(case.suffix) and "__pycache__" not in path.parts
    ]


@pytest.mark.parametrize("name", CASES)
def test_a_rename_in_the_platform_is_told_on_the_line_that_names_it(copy: Settings, name: str) -> None:
    """The page was right before the rename, and its line is a finding after it."""
    case = CASES[name]
    line = line_of(copy, case.page, case.line)
    assert line not in {finding.location.line for finding in findings_of(copy, case.page)}
    with replaced(copy.root, sources(copy, case), case.old, case.new) as changed:
        assert changed
        assert line in {finding.location.line for finding in findings_of(copy, case.page)}


def test_a_renamed_catalog_is_told_on_the_line_that_names_it(copy: Settings) -> None:
    """A query through a catalog that has another name now is a finding at its line."""
    page = "docs/playbook/branching-with-tags.md"
    line = line_of(copy, page, "SELECT 'consumer' AS version")
    assert line not in {finding.location.line for finding in findings_of(copy, page)}
    old = copy.root / "warehouse/stack/trino/catalog/iceberg_consumer.properties"
    new = old.with_name("iceberg_public.properties")
    old.rename(new)
    try:
        assert line in {finding.location.line for finding in findings_of(copy, page)}
    finally:
        new.rename(old)


@pytest.mark.parametrize("name", CASES)
def test_a_misspelling_on_a_page_is_told_on_its_line(copy: Settings, name: str) -> None:
    """The same name misspelt on the page is a finding at its line."""
    case = CASES[name]
    line = line_of(copy, case.page, case.line)
    path = copy.root / case.page
    before = path.read_text(encoding="utf-8")
    lines = before.split("\n")
    assert case.typo[0] in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(*case.typo)
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        assert line in {finding.location.line for finding in findings_of(copy, case.page)}
    finally:
        path.write_text(before, encoding="utf-8")


def test_a_misspelt_catalog_is_told_on_its_line(copy: Settings) -> None:
    """A catalog that no file of the platform makes is a finding at the line of the query."""
    page = "docs/playbook/branching-with-tags.md"
    path = copy.root / page
    before = path.read_text(encoding="utf-8")
    line = line_of(copy, page, "SELECT 'consumer' AS version")
    path.write_text(before.replace("iceberg_consumer.oso", "iceberg_consumre.oso"), encoding="utf-8")
    try:
        assert line in {finding.location.line for finding in findings_of(copy, page)}
    finally:
        path.write_text(before, encoding="utf-8")

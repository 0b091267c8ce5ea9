"""Catalogs, references and make targets, from the files that the services start with."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.facts import Facts
from dagster_playbook.platform.services_reader import read_catalogs, read_make_targets, read_references


def test_a_catalog_reads_the_reference_of_its_uri(sample_facts: Facts) -> None:
    """`.../iceberg/<reference>` is what the catalog sees."""
    assert {name: catalog.ref for name, catalog in sample_facts.catalogs.items()} == {
        "lake": "main",
        "lake_released": "released",
    }


def test_secrets_are_never_shown(sample_facts: Facts) -> None:
    """A literal secret is masked; a reference to the environment is none."""
    properties = sample_facts.catalogs["lake"].properties
    assert properties["s3.aws-secret-key"] == "***"
    assert properties["s3.aws-access-key"] == "${ENV:S3_ACCESS_KEY}"


@pytest.mark.parametrize(
    ("uri", "ref"),
    [
        ("http://h/iceberg/main", "main"),
        ("http://h:1/iceberg/v1.2/", "v1.2"),
        ("http://h/iceberg/main|warehouse?x=1", "main|warehouse"),
        ("http://h/api/v2", ""),
    ],
)
def test_the_reference_is_the_last_part_of_the_path(tmp_path: Path, uri: str, ref: str) -> None:
    """A trailing slash and a query do not belong to it, and another path names none."""
    (tmp_path / "c.properties").write_text(f"iceberg.rest-catalog.uri = {uri}\n", encoding="utf-8")
    assert read_catalogs(tmp_path, ".")["c"].ref == ref


def test_a_line_that_is_no_property_is_an_error_at_its_line(tmp_path: Path) -> None:
    """The error names file and line."""
    (tmp_path / "c.properties").write_text("# fine\nconnector.name=iceberg\nnonsense\n", encoding="utf-8")
    with pytest.raises(PlatformError) as caught:
        read_catalogs(tmp_path, ".")
    assert (caught.value.path, caught.value.line) == ("c.properties", 3)


@pytest.mark.parametrize(
    ("text", "line"), [("[]", 0), ('{"main": "BRUNCH"}', 0), ('{\n"main": \n}', 3), ('{"main": {"hash": "a"}}', 0)]
)
def test_references_that_are_no_references_are_an_error(tmp_path: Path, text: str, line: int) -> None:
    """Each name needs a kind that Nessie has."""
    (tmp_path / "refs.json").write_text(text, encoding="utf-8")
    with pytest.raises(PlatformError) as caught:
        read_references(tmp_path, "refs.json")
    assert (caught.value.path, caught.value.line) == ("refs.json", line)
    assert caught.value.cure


def test_a_reference_may_record_its_hash(tmp_path: Path) -> None:
    """A kind stands alone or beside a hash."""
    (tmp_path / "refs.json").write_text('{"a": {"kind": "TAG", "hash": "11"}}', encoding="utf-8")
    assert read_references(tmp_path, "refs.json")["a"].hash == "11"


@pytest.mark.parametrize(("folder", "file"), [("nowhere", ""), ("", "nowhere.json")])
def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path, folder: str, file: str) -> None:
    """What the settings name has to be there."""
    with pytest.raises(PlatformError, match=r"nowhere"):
        read_catalogs(tmp_path, folder)
        read_references(tmp_path, file)


def test_make_targets_are_what_a_person_can_ask_for(tmp_path: Path) -> None:
    """Rules, double-colon rules and phony names; no assignments, patterns, variables, recipes or special targets."""
    (tmp_path / "Makefile").write_text(
        "A := 1\nB ?= x:y\nexport C := 2\n.PHONY: test lint # both\n.DEFAULT_GOAL := test\n"
        "test: dep\n\t@echo not: a target\ndep other: | order\nlong \\\n  continued: x\nclean::\n\trm x\n"
        "%.o: %.c\n$(A)/x: y\n# comment: no\nhelp: ## Show: this\nifeq (a,b)\nendif\n",
        encoding="utf-8",
    )
    assert read_make_targets(tmp_path, "Makefile") == (
        "clean", "continued", "dep", "help", "lint", "long", "other", "test",
    )  # fmt: skip


def test_without_a_makefile_there_are_no_targets(tmp_path: Path) -> None:
    """A Makefile is not required of a project."""
    assert read_make_targets(tmp_path, "Makefile") == ()

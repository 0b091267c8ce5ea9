"""The pull request's checks look at what changed, and its body bears the evidence."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.facts.facts import Facts, ModelFact
from dagster_playbook.scaffold.change import Change, change_of
from dagster_playbook.scaffold.layout import Layout
from dagster_playbook.scaffold.pr_check import Section, body, pr_check
from dagster_playbook.scaffold.touched import touched_models
from dagster_playbook.settings import load_settings

SEED = "warehouse/oso_sqlmesh/seeds/seed_shop__orders.csv"


def _git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(layout: Layout) -> Path:
    """The project in a git checkout with one commit on main."""
    _git(layout.root, "init")
    _git(layout.root, "add", ".")
    _git(layout.root, "commit", "-m", "first")
    return layout.root


def _model(name: str, *parents: str, path: str = "") -> ModelFact:
    return ModelFact(name, f'"{name}"', "FULL", {}, (), "@daily", tuple(f'"{p}"' for p in parents), (), "", "", path, 1)


def test_uncommitted_and_new_files_count(checkout: Path) -> None:
    """What is not committed yet is part of the change."""
    (checkout / SEED).write_text("id\n1\n", encoding="utf-8")
    (checkout / "new file.md").write_text("x", encoding="utf-8")
    assert change_of(checkout).files == ("new file.md", SEED)


def test_unknown_base_is_told(checkout: Path) -> None:
    """A revision that is not there is an error."""
    with pytest.raises(ScaffoldError, match="no revision 'nowhere'"):
        change_of(checkout, "nowhere")


def test_outside_of_git_is_told(tmp_path: Path) -> None:
    """Without a checkout there is nothing to compare with."""
    with pytest.raises(ScaffoldError, match="no revision"):
        change_of(tmp_path)


def test_lint_errors_fail_the_check(checkout: Path) -> None:
    """A rule that is broken fails the check, and the body tells which."""
    (checkout / SEED).write_text("id,note,ordered_at\n1,a,2026-11-20 10:00:00\n", encoding="utf-8")
    (section,) = pr_check(load_settings(checkout), change_of(checkout), ("lint",))
    assert section.verdict == "fail" and "WH201 seed-row-count" in section.details


def test_source_that_was_never_materialised_fails(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed source asset needs rows in the warehouse as evidence."""
    monkeypatch.setenv("OSO_WAREHOUSE_DATA", str(checkout / "nothing"))
    change = Change("main", ("warehouse/oso_dagster/sources/shop__orders.py",))
    (section,) = pr_check(load_settings(checkout), change, ("materialisation",))
    assert (section.verdict, section.evidence) == ("fail", "0 of 1 changed sources hold rows")


def test_nothing_changed_is_nothing_to_do(checkout: Path) -> None:
    """A change of pages alone runs no tests of models and plans nothing."""
    sections = pr_check(
        load_settings(checkout), Change("main", ("docs/a.md",)), ("tests", "materialisation", "blast radius")
    )
    assert {section.verdict for section in sections} == {"nothing to do"}


def test_blast_radius_follows_the_graph(layout: Layout) -> None:
    """A changed seed touches its model, and everything that reads it, directly or not."""
    models = [
        _model("oso.seed_shop__orders"),
        _model("oso.stg_shop__orders", "oso.seed_shop__orders"),
        _model("oso.mart", "oso.stg_shop__orders"),
        _model("oso.other"),
    ]
    direct, downstream = touched_models(Facts(models={m.name: m for m in models}), layout, Change("main", (SEED,)))
    assert [m.name for m in direct] == ["oso.seed_shop__orders"]
    assert [m.name for m in downstream] == ["oso.mart", "oso.stg_shop__orders"]


def test_of_external_models_those_with_another_entry_change(checkout: Path, layout: Layout) -> None:
    """One file declares them all; a new one does not touch what reads the others."""
    path = "warehouse/oso_sqlmesh/external_models.yaml"
    text = "- name: shop.orders\n  columns: {id: BIGINT}\n"
    (checkout / path).write_text(text, encoding="utf-8")
    _git(checkout, "add", ".")
    _git(checkout, "commit", "-m", "declared")
    (checkout / path).write_text(f"# more\n{text}- name: shop.items\n  columns: {{id: BIGINT}}\n", encoding="utf-8")
    models = [
        _model("shop.orders", path=path),
        _model("shop.items", path=path),
        _model("oso.stg_shop__orders", "shop.orders"),
        _model("oso.stg_shop__items", "shop.items"),
    ]
    facts = Facts(models={m.name: m for m in models})
    direct, downstream = touched_models(facts, layout, change_of(checkout))
    assert [m.name for m in (*direct, *downstream)] == ["shop.items", "oso.stg_shop__items"]


def test_body_says_which_pull_request_it_is(layout: Layout) -> None:
    """The heading tells the workflow's two pull requests apart, the table bears each verdict."""
    sections = [Section("lint", "pass", "3 files"), Section("tests", "fail", "1 | failed", "```text\nboom\n```")]
    text = body(Change("origin/main", (SEED,)), layout, sections)
    assert text.startswith("## Seed and staging model\n")
    assert "| tests | ❌ fail | 1 / failed |" in text and "boom" in text
    assert body(Change("m", ("warehouse/oso_dagster/sources/a__b.py",)), layout, []).startswith("## Source asset\n")

"""Runbooks on the embedded platform, from nothing to an approved restatement, by the real command line."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from project_clone import ProjectClone, clone_project

from dagster_playbook.approval.envelope import TAG, encode, from_dict
from dagster_playbook.services.dagster_runs import EmbeddedDagster, Launch
from dagster_playbook.settings import load_settings

RESTATE = ("runbooks/restate-by-model.md", "-p", "models=oso.int_collections")
BY_CATEGORY = ("runbooks/restate-by-category.md", "-p", "categories=collection")
OTHER = ("runbooks/restate-by-model.md", "-p", "models=oso.projects_by_collection_v1")


@dataclass(frozen=True)
class Clone(ProjectClone):
    """A copy of the project with its own data, and what a test looks at."""

    def state(self) -> dict[str, str]:
        """Digests of everything that a plan must not change."""
        kept = [p for p in self.root.rglob("*") if p.is_file() and ".playbook/cache" not in p.as_posix()]
        kept = [p for p in kept if "__pycache__" not in p.parts]
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(kept)}

    def events(self, run: str = "last") -> dict[str, Any]:
        return dict(json.loads(self.playbook("runs", "show", run, "--format", "json").stdout))

    def launchpad(self, models: list[str], approval: str, key: str) -> str:
        """The status of a run that somebody starts without any runbook."""
        config = {"ops": {"sqlmesh_project": {"config": {"restate_models": models}}}}
        location, home = load_settings(self.root).dagster[0], self.root / ".playbook" / "dagster"
        dagster = EmbeddedDagster(self.root, location, home, self.root / "launch.log", self.environment)
        tags = {TAG: approval} if approval else {}
        return dagster.launch(Launch("sqlmesh_all_assets", config, key, tags), lambda *_: None).status


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    root = clone_project(tmp_path_factory.mktemp("clone"))
    git = ["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "pyproject.toml"], ["commit", "-q", "-m", "begin"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    yield Clone(root)


@pytest.fixture(scope="module")
def filled(clone: Clone) -> Clone:
    done = clone.playbook("run", "runbooks/run-all-assets.md")
    assert done.returncode == 0, done.stdout + done.stderr
    assert clone.playbook("approve", "--try-out").returncode == 0
    return clone


def test_a_plan_before_anything_ran_says_what_to_do_and_makes_nothing(clone: Clone) -> None:
    """On a fresh clone there is no state to plan against, and planning does not make one."""
    if (clone.root / ".playbook" / "warehouse").exists():
        pytest.skip("another test has filled the clone")
    done = clone.playbook("plan", *RESTATE)
    assert done.returncode == 2
    assert "run every model once first" in done.stderr
    assert not list(clone.root.rglob("*.duckdb"))


def test_run_all_assets_fills_the_warehouse(filled: Clone) -> None:
    """The first runbook of a fresh clone succeeds and leaves a journal that verifies."""
    assert filled.events()["state"] == "succeeded"
    assert filled.playbook("runs", "verify").returncode == 0


def test_planning_changes_nothing(filled: Clone) -> None:
    """State tables, data files, Dagster's runs and every other file are the same before and after."""
    before = filled.state()
    done = filled.playbook("plan", *RESTATE, "--format", "json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    names = {model["name"] for model in plan["blast_radius"]["restate"]["models"]}
    assert {"oso.int_collections", "oso.collections_v1", "oso.projects_by_collection_v1"} <= names
    assert filled.state() == before


def test_a_mistyped_model_or_category_is_told_with_its_cure(filled: Clone) -> None:
    """A plan for what matches nothing names the model that was probably meant, or the tags that there are."""
    model = filled.playbook("plan", RESTATE[0], "-p", "models=oso.int_collection")
    assert model.returncode == 2 and "did you mean 'oso.int_collections'?" in model.stderr
    category = filled.playbook("plan", BY_CATEGORY[0], "-p", "categories=colection")
    assert category.returncode == 2 and "entity_category=collection" in category.stderr


def test_without_an_approval_nothing_starts(filled: Clone) -> None:
    """Neither by the command line nor, as from a launchpad, by a run of the job itself."""
    before = filled.playbook("runs", "list").stdout
    done = filled.playbook("run", *RESTATE, "--answer", "sure=yes")
    assert done.returncode == 1
    assert "needs an approval" in done.stderr
    assert filled.playbook("runs", "list").stdout == before


def test_an_approved_restatement_runs_once(filled: Clone) -> None:
    """With a second person's signature it runs, tells what it restated, and the approval is spent everywhere."""
    digest = filled.approve(*RESTATE)
    approval = encode(from_dict(json.loads((filled.root / f".playbook/approvals/{digest}.json").read_text())))
    assert filled.launchpad(["oso.projects_v1"], approval, "other-config") == "FAILURE"
    done = filled.playbook("run", *RESTATE, "--answer", "sure=yes", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    finished = {e["step"]: e for e in events if e["event"] == "step-finished"}
    assert int(finished["restate"]["result"]["tags"]["oso/restated_models"]) >= 3
    assert finished["nothing_left"]["result"]["rows"] == 0
    assert filled.launchpad(["oso.int_collections"], approval, "reused") == "FAILURE"
    again = filled.playbook("run", *RESTATE, "--answer", "sure=yes")
    assert again.returncode == 1
    assert "used already" in again.stderr


def test_a_category_is_restated_by_its_runbook(filled: Clone) -> None:
    """The runbook by category restates the models that carry the tag, and what hangs on them, as its plan says."""
    filled.approve(*BY_CATEGORY)
    plan = json.loads(filled.playbook("plan", *BY_CATEGORY, "--format", "json").stdout)
    affected = [model["name"] for model in plan["blast_radius"]["restate"]["models"]]
    done = filled.playbook("run", *BY_CATEGORY, "--answer", "sure=yes", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    finished = {e["step"]: e for e in map(json.loads, done.stdout.splitlines()) if e["event"] == "step-finished"}
    assert finished["restate"]["result"]["tags"]["oso/restated_models"] == str(len(affected)) != "0"
    assert sorted(finished["nothing_left"]["result"]["done"]) == sorted(affected)


def test_an_approval_of_another_plan_does_not_hold(filled: Clone) -> None:
    """Renamed to the digest of another plan it is still the approval of its own."""
    approved = filled.root / f".playbook/approvals/{filled.approve(*RESTATE)}.json"
    other = json.loads(filled.playbook("plan", *OTHER, "--format", "json").stdout)["digest"]
    approved.rename(approved.with_name(f"{other}.json"))
    done = filled.playbook("run", *OTHER, "--answer", "sure=yes")
    assert done.returncode == 1
    assert "another plan" in done.stderr


def test_an_approval_lapses_when_the_platform_changes(filled: Clone) -> None:
    """A model that was edited after the approval makes it another plan."""
    filled.approve(*RESTATE)
    model = filled.root / "warehouse/oso_sqlmesh/models/marts/collections_v1.sql"
    text = model.read_text()
    model.write_text(text + "\n-- edited\n")
    done = filled.playbook("run", *RESTATE, "--answer", "sure=yes")
    model.write_text(text)
    assert done.returncode == 1
    assert "needs an approval" in done.stderr


def test_a_job_from_the_launchpad_is_refused(filled: Clone) -> None:
    """The op itself asks for the approval, so there is no way around."""
    assert filled.launchpad(["oso.int_collections"], "", "launchpad") == "FAILURE"
    assert "needs an approval, and this run carries none" in (filled.root / "launch.log").read_text()


def test_broken_glass_is_loud_and_recorded(filled: Clone) -> None:
    """One person with the role may act alone; journal, terminal and run say so."""
    filled.forget_approvals()
    done = filled.playbook(
        "run", *RESTATE, "--answer", "sure=yes", "--break-glass", "fire", "--key", filled.key("requester")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BREAK GLASS by requester@localhost: fire" in done.stderr
    assert "break-glass" in [entry["event"] for entry in filled.events()["journal"]]


def test_an_edited_journal_is_detected(filled: Clone) -> None:
    """`runs verify` says which run, and exits with 1."""
    folder = min((filled.root / ".playbook" / "runs").iterdir())
    journal = folder / "journal.jsonl"
    text = journal.read_text()
    journal.write_text(text.replace("succeeded", "skipped", 1))
    done = filled.playbook("runs", "verify", folder.name)
    journal.write_text(text)
    assert done.returncode == 1
    assert "its text was edited" in done.stdout

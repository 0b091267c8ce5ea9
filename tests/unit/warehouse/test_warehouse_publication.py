"""The ops that exchange production, from a launchpad: under an approval of one diff, or not at all."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from numbered_platform import FILES, content, numbered, restated, write

from dagster_playbook.approval.asking import Wanted, approve, ask
from dagster_playbook.approval.canonical import scope_digest
from dagster_playbook.approval.envelope import REFUSED_TAG, TAG, encode
from dagster_playbook.approval.parts import Parts
from dagster_playbook.approval.policy import load_policy
from dagster_playbook.branch.branches import Branches
from dagster_playbook.runbook.requests import make_trial_keys
from dagster_playbook.runbook.store import Store

Launched = Callable[..., tuple[bool, str, dict[str, str]]]


@pytest.fixture
def approvers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment that asks for approvals, and the keys of two people."""
    folder = make_trial_keys(Store(tmp_path / "project"))
    monkeypatch.setenv("PLAYBOOK_APPROVERS", str(folder))
    monkeypatch.setenv("PLAYBOOK_LEDGER", str(tmp_path / "ledger.jsonl"))
    for name in ("PLAYBOOK_TARGET", "PLAYBOOK_APPROVER_ROLE", "OSO_RESTATEMENT_APPROVAL"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def branches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Branches:
    """The deployment's warehouse, two tables that hold 0."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("OSO_WAREHOUSE_DATA", str(tmp_path / "data"))
    return numbered(tmp_path / "data")


@pytest.fixture
def launched() -> Iterator[Launched]:
    """Launch a job; whether it went well, why not, and the run's tags."""
    from oso_dagster.definitions import defs

    with dg.DagsterInstance.ephemeral() as instance:

        def launch(op: str, config: dict[str, Any], tags: dict[str, str] | None = None) -> Any:
            result = defs.resolve_job_def(f"{op}_job").execute_in_process(
                instance=instance,
                run_config={"ops": {op: {"config": config}}},
                tags=tags or {},
                raise_on_error=False,
            )
            run = instance.get_run_by_id(result.run_id)
            failed = [event.step_failure_data for event in result.all_events if event.is_step_failure]
            why = failed[0].user_failure_data.description if failed else ""
            return result.success, why, run.tags if run else {}

        yield launch


def approved(folder: Path, op: str, config: dict[str, Any]) -> dict[str, str]:
    """The tags of a run of which two people have signed that it may do this."""
    policy = load_policy(folder)
    parts = Parts("runbooks/x.md", "", "embedded", scopes=(scope_digest(op, config),))
    request = ask(Wanted(parts, {}, ""), folder / "requester", policy)
    return {TAG: encode(approve(request, folder / "approver", policy, hours=1, own=parts.digest))}


def test_publishing_without_an_approval_changes_nothing(
    branches: Branches, approvers: Path, launched: Launched
) -> None:
    """Whatever the policy says of the op; the run is not retried, and says how to ask."""
    digest, before = restated(branches, "r", 1), content(branches.data)
    success, why, tags = launched("publish_restatement", {"run": "r", "diff": digest})
    assert not success
    assert "production would be exchanged, and the op publish_restatement needs an approval" in why
    assert "playbook plan runbooks/publish-restatement.md --request" in why
    assert "needs an approval" in tags[REFUSED_TAG]
    assert tags["dagster/max_retries"] == "0"
    assert content(branches.data) == before


def test_an_approval_is_of_one_diff(branches: Branches, approvers: Path, launched: Launched) -> None:
    """What was signed is published, once; the branch that was changed and looked at again is another diff."""
    digest = restated(branches, "r", 1)
    tags = approved(approvers, "publish_restatement", {"run": "r", "diff": digest})
    branches.begin("r")
    write(branches.own("r") / FILES[0], 2)
    branches.built("r")
    success, why, _ = launched("publish_restatement", {"run": "r", "diff": digest}, tags)
    assert not success
    assert "was made from another production or branch" in why
    other = restated(branches, "other", 3)
    success, why, _ = launched("publish_restatement", {"run": "other", "diff": other}, tags)
    assert not success
    assert "it does not cover this run's config" in why


def test_published_and_taken_back(branches: Branches, approvers: Path, launched: Launched) -> None:
    """Taking back what somebody had approved needs nobody, unless the policy asks for it."""
    before, digest = content(branches.data), restated(branches, "r", 1)
    config = {"run": "r", "diff": digest}
    assert launched("publish_restatement", config, approved(approvers, "publish_restatement", config))[0]
    assert content(branches.data) != before
    with (approvers / "roles.toml").open("a") as roles:
        roles.write("\n[ops.undo_restatement]\n")
    success, why, _ = launched("undo_restatement", {"run": "r"})
    assert not success
    assert "the op undo_restatement needs an approval" in why
    assert launched("undo_restatement", {"run": "r"}, approved(approvers, "undo_restatement", {"run": "r"}))[0]
    assert content(branches.data) == before


@pytest.mark.parametrize("op", ["publish_restatement", "undo_restatement"])
def test_there_are_no_branches_on_trino(
    op: str, branches: Branches, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said as such; a merge in Nessie is another matter."""
    monkeypatch.setenv("DAGSTER_SQLMESH_GATEWAY", "trino")
    config = {"run": "r", "diff": "0" * 64} if op.startswith("publish") else {"run": "r"}
    success, why, _ = launched(op, config)
    assert not success
    assert "branches are for the gateway duckdb, and this one is trino" in why


def begun(is_begun: bool, instance: dg.DagsterInstance) -> str:
    """Why a run that restates on a branch is refused before SQLMesh is asked, "" when it is not."""
    from oso_dagster.branch import branch_of

    @dg.op
    def restating(context: dg.OpExecutionContext) -> None:
        with branch_of(context, is_begun) as built:
            built()

    @dg.job
    def restating_job() -> None:
        restating()

    result = restating_job.execute_in_process(instance=instance, raise_on_error=False)
    failed = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return str(failed[0].user_failure_data.description) if failed else ""


def test_a_branch_that_was_deleted_by_hand_is_not_made_again(branches: Branches) -> None:
    """What was done is gone with it, so the rest alone would be half a restatement."""
    before = content(branches.data)
    with dg.DagsterInstance.ephemeral() as instance:
        assert begun(False, instance) == ""
        assert "was deleted after its restatement had begun: start it anew" in begun(True, instance)
    assert content(branches.data) == before


def test_a_restatement_on_a_branch_is_refused_on_trino(branches: Branches, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is evaluated in place."""
    monkeypatch.setenv("DAGSTER_SQLMESH_GATEWAY", "trino")
    with dg.DagsterInstance.ephemeral() as instance:
        assert "restate_on_branch is for the gateway duckdb, and this one is trino" in begun(False, instance)

"""The policy: who may do what, and what the runs of an op need; a mistake in it is told, never read as nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_playbook.approval.policy import Policy, Rule, load_policy
from dagster_playbook.errors import RunbookError

WHOLE = """max_hours = 8
[roles]
approver = ["a@x", "b@x"]
[ops.nessie__assign_consumer_tag]
role = "director"
approvals = 2
reason = true
[ops.sqlmesh_project]
"""


def _load(folder: Path, roles: str) -> Policy:
    (folder / "allowed_signers").write_text("")
    (folder / "roles.toml").write_text(roles)
    return load_policy(folder)


def test_a_policy_is_read(tmp_path: Path) -> None:
    """Roles, hours, and the rule of each op with its defaults."""
    policy = _load(tmp_path, WHOLE)
    assert (policy.max_hours, policy.allowed_signers) == (8.0, tmp_path / "allowed_signers")
    assert policy.ops == {
        "nessie__assign_consumer_tag": Rule("director", 2, True),
        "sqlmesh_project": Rule("approver", 1, False),
    }
    assert policy.has_role("b@x", "approver")
    assert not policy.has_role("c@x", "approver")
    assert not policy.has_role("b@x", "director")


def test_an_empty_policy_asks_for_nothing_and_lets_nobody(tmp_path: Path) -> None:
    """A day is the longest life when nothing is said."""
    policy = _load(tmp_path, "")
    assert (policy.max_hours, policy.ops, policy.roles) == (24.0, {}, {})


@pytest.mark.parametrize("name", ["allowed_signers", "roles.toml"])
def test_a_missing_file_is_told(tmp_path: Path, name: str) -> None:
    """Without a policy nothing can be approved."""
    _load(tmp_path, WHOLE)
    (tmp_path / name).unlink()
    with pytest.raises(RunbookError, match=f"no {name} in {tmp_path}") as told:
        load_policy(tmp_path)
    assert "page on approvals" in told.value.cure


MISTAKES = {
    "[roles": "cannot be read as TOML",
    "[role]\napprover = []": "'role' is no part of a policy: max_hours, [roles] and [ops.<name of an op>] are",
    "roles = 3": "[roles] has to map a role to a list of principals",
    '[roles]\napprover = "a@x"': "[roles] has to map a role to a list of principals",
    "[roles]\napprover = [1]": "[roles] has to map a role to a list of principals",
    "max_hours = 0": "max_hours has to be a positive number",
    "max_hours = true": "max_hours has to be a positive number",
    "max_hours = inf": "max_hours has to be a positive number",
    "max_hours = nan": "max_hours has to be a positive number",
    'max_hours = "1"': "max_hours has to be a positive number",
    "ops = 3": "[ops] has to map an op to what its runs need",
    "[ops]\nx = 3": "[ops.x] has to be a table",
    "[ops.x]\napproval = 2": "[ops.x] has no 'approval': role, approvals and reason are known",
    "[ops.x]\nrole = 3": "[ops.x] role has to be the name of a role",
    '[ops.x]\nrole = ""': "[ops.x] role has to be the name of a role",
    "[ops.x]\napprovals = 0": "[ops.x] approvals has to be a whole number from 1 on",
    "[ops.x]\napprovals = true": "[ops.x] approvals has to be a whole number from 1 on",
    "[ops.x]\napprovals = 1.5": "[ops.x] approvals has to be a whole number from 1 on",
    '[ops.x]\nreason = "yes"': "[ops.x] reason has to be true or false",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_file(tmp_path: Path, text: str) -> None:
    """A mistyped table would otherwise ask for nothing, in silence."""
    with pytest.raises(RunbookError) as told:
        _load(tmp_path, text)
    assert told.value.message.startswith(MISTAKES[text])
    assert told.value.path == str(tmp_path / "roles.toml")


def test_a_policy_of_bytes_that_are_no_text_is_told(tmp_path: Path) -> None:
    """It is no traceback."""
    _load(tmp_path, "")
    (tmp_path / "roles.toml").write_bytes(b"\xff")
    with pytest.raises(RunbookError, match="cannot be read as TOML"):
        load_policy(tmp_path)


def test_what_a_step_needs(tmp_path: Path) -> None:
    """The page's role and the policy's are both needed; the policy's number and its wish hold for either."""
    policy = _load(tmp_path, WHOLE)
    assert policy.needs(["other"]) == []
    assert policy.needs([], "approver") == [Rule("approver")]
    assert policy.needs(["sqlmesh_project"]) == [Rule("approver")]
    assert policy.needs(["sqlmesh_project"], "approver") == [Rule("approver")]
    both = policy.needs(["nessie__assign_consumer_tag", "sqlmesh_project"], "approver")
    assert both == [Rule("approver", 2, True), Rule("director", 2, True)]

"""The gate of a platform's op: a run passes with a valid approval in its tags, and with nothing else.

from dagster_playbook.approval.gate import Gate

grant = Gate.from_environment(approvers, ledger).admit("sqlmesh_project", scope, run_tags, root_run_id)
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.approval.envelope import TAG, RefusedError, decode
from dagster_playbook.approval.grant import Demand, Grant, verify
from dagster_playbook.approval.ledger import Ledger
from dagster_playbook.approval.policy import DEFAULT_ROLE, Policy, Rule, load_policy
from dagster_playbook.errors import RunbookError

#: where the platform's own copies of `allowed_signers` and `roles.toml` stand
APPROVERS_VARIABLE = "PLAYBOOK_APPROVERS"
#: the ledger of spent approvals, a file on storage that all run workers share
LEDGER_VARIABLE = "PLAYBOOK_LEDGER"
#: the platform's name in approvals, so that one for staging is worth nothing in production
TARGET_VARIABLE = "PLAYBOOK_TARGET"
#: the role that approves where the policy names none for the op
ROLE_VARIABLE = "PLAYBOOK_APPROVER_ROLE"


@dataclass(frozen=True, slots=True)
class Gate:
    """Where a platform looks up who may approve and what was spent."""

    approvers: Path
    ledger: Path
    target: str
    role: str = DEFAULT_ROLE

    @classmethod
    def from_environment(cls, approvers: Path, ledger: Path) -> Gate:
        """The gate that the environment describes, with a platform's own defaults for the two paths."""
        env = os.environ
        return cls(
            Path(env.get(APPROVERS_VARIABLE) or approvers),
            Path(env.get(LEDGER_VARIABLE) or ledger),
            env.get(TARGET_VARIABLE) or "embedded",
            env.get(ROLE_VARIABLE) or DEFAULT_ROLE,
        )

    def asks_for(self, op: str) -> bool:
        """Whether the platform's policy asks for an approval of this op's runs.

        Raises:
            RefusedError: the policy cannot be read, so nobody knows.
        """
        return op in self._policy().ops

    def admit(self, op: str, scope: str, tags: Mapping[str, str], root_run_id: str, *, sources: str = "") -> Grant:
        """Verify and spend the approval of a run.

        Args:
            scope: what the run was asked to do, see `scope_digest` and `restatement_scope`.
            root_run_id: of the run or of the run that it re-executes: one approval is good for a run and its retries.
            sources: fingerprint of the SQLMesh project that the run works with, "" when it works with none.

        Raises:
            RefusedError: there is none, or it does not hold; nothing was spent then.
        """
        text = tags.get(TAG, "")
        if not text:
            raise RefusedError(f"the op {op} needs an approval, and this run carries none")
        policy = self._policy()
        rule = policy.ops.get(op) or Rule(self.role)
        demand = Demand(rule, self.target, scope=scope, sources=sources)
        grant = verify(decode(text), policy, demand)
        ledger = Ledger(self.ledger)
        # a tag may carry the envelope as it was before somebody rejected it
        ledger.refuse_rejected(grant.nonce)
        # one plan may start several runs: each of them once
        ledger.spend(dataclasses.replace(grant, nonce=f"{grant.nonce}/{scope[:16]}"), root_run_id)
        return grant

    def _policy(self) -> Policy:
        try:
            return load_policy(self.approvers)
        except (RunbookError, OSError) as error:
            raise RefusedError(f"the policy cannot be read: {error}") from error

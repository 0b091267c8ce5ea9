"""Whether a resolved restatement may run in this Dagster run: not without the approval that its tags carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.gate import Gate

from . import settings

if TYPE_CHECKING:
    from dagster_playbook.approval.grant import Grant

    from .config import SQLMeshRunConfig
    from .restatement import Restatement


class RestatementRefusedError(Exception):
    """The restatement is understood but must not run; the message says why and what to do instead."""


def refuse_or_allow(
    restatement: Restatement, config: SQLMeshRunConfig, op: str, run_tags: Mapping[str, str], root_run_id: str
) -> Grant | None:
    """The approval under which `restatement` may run; None when this deployment asks for none.

    What was approved is this op with this configuration and these affected models. A re-execution of the approved run
    needs no approval of its own: it does only what is left.

    Raises:
        RestatementRefusedError: there is no approval, or it does not hold.
    """
    if not settings.approval_required():
        return None
    gate = Gate.from_environment(settings.approvers(), settings.data_dir() / "approvals.jsonl")
    asked = {**config.model_dump(), "affected_models": list(restatement.affected)}
    try:
        return gate.admit(op, asked, run_tags, root_run_id)
    except RefusedError as error:
        raise RestatementRefusedError(
            f"{len(restatement.affected)} models would be restated, and {error}; "
            "ask with `playbook plan runbooks/restate-by-model.md --request`, and let the runbook start the run"
        ) from error

"""Whether a run may do what it was launched for: not without the approval that its tags carry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_playbook.approval.canonical import restatement_scope, scope_digest
from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.gate import Gate
from dagster_playbook.approval.sources import fingerprint

from . import settings

if TYPE_CHECKING:
    import dagster as dg

    from dagster_playbook.approval.grant import Grant

    from .config import AssignConsumerTagConfig, SQLMeshRunConfig
    from .restatement import Restatement

HOW_TO_ASK = "ask with `playbook plan {page} --request`, and let the runbook start the run"


class ApprovalRefusedError(Exception):
    """The run is understood but must not go on; the message says why and what to do instead."""


class RestatementRefusedError(ApprovalRefusedError):
    """The same for a restatement."""


def gate() -> Gate:
    """This deployment's gate: its policy, its ledger and its name, none of which a launch can change."""
    return Gate.from_environment(settings.approvers(), settings.data_dir() / "approvals.jsonl")


def project_fingerprint(project: Path = settings.SQLMESH_PROJECT) -> str:
    """The fingerprint of the SQLMesh project that this deployment loads."""
    return fingerprint(project)


def refuse_or_allow(
    restatement: Restatement,
    config: SQLMeshRunConfig,
    op: str,
    run_tags: Mapping[str, str],
    root_run_id: str,
    *,
    loaded: str,
) -> Grant | None:
    """The approval under which `restatement` may run; None when this deployment asks for none.

    What was approved is this op with this configuration and these affected models, from these sources. A re-execution
    of the approved run needs no approval of its own: it does only what is left.

    Args:
        loaded: the project's fingerprint from before it was loaded; it has to be the same still.

    Raises:
        RestatementRefusedError: there is no approval, or it does not hold.
    """
    if not settings.approval_required():
        return None
    scope = restatement_scope(op, config.model_dump(), restatement.affected)
    try:
        if project_fingerprint() != loaded:
            raise RefusedError("a source of the SQLMesh project has changed while it was loaded")
        return gate().admit(op, scope, run_tags, root_run_id, sources=loaded)
    except RefusedError as error:
        asking = HOW_TO_ASK.format(page="runbooks/restate-by-model.md")
        raise RestatementRefusedError(
            f"{len(restatement.affected)} models would be restated, and {error}; {asking}"
        ) from error


def refuse_or_allow_move(
    config: AssignConsumerTagConfig, op: str, run_tags: Mapping[str, str], root_run_id: str
) -> Grant | None:
    """The approval under which the consumer tag may be moved; None when the deployment's policy asks for none.

    Raises:
        ApprovalRefusedError: there is no approval, it does not hold, or nobody could have seen where the tag would go.
    """
    try:
        if not gate().asks_for(op):
            return None
        if not config.to_hash.strip():
            raise RefusedError("to_hash has to name the commit: the head of main is not what anybody has approved")
        return gate().admit(op, scope_digest(op, config.model_dump()), run_tags, root_run_id)
    except RefusedError as error:
        asking = HOW_TO_ASK.format(page="runbooks/promote-consumer.md")
        raise ApprovalRefusedError(f"the consumer tag would be moved, and {error}; {asking}") from error


def refuse_or_allow_deletion(
    given: dict[str, Any], op: str, run_tags: Mapping[str, str], root_run_id: str
) -> Grant | None:
    """The approval under which files may be deleted; None when the deployment's policy asks for none.

    Args:
        given: the op's config as it was launched, without defaults: the page of a runbook says no more either.

    Raises:
        ApprovalRefusedError: there is no approval, or it does not hold.
    """
    try:
        return gate().admit(op, scope_digest(op, given), run_tags, root_run_id) if gate().asks_for(op) else None
    except RefusedError as error:
        asking = HOW_TO_ASK.format(page="PAGE")
        raise ApprovalRefusedError(f"files would be deleted, and {error}; {asking}") from error


def refuse_or_allow_exchange(
    config: dict[str, Any], op: str, run_tags: Mapping[str, str], root_run_id: str, *, always: bool
) -> Grant | None:
    """The approval under which production may be exchanged; None when this deployment asks for none.

    Args:
        always: ask whatever the policy says. What was approved before may be put back without asking anew, unless the
            policy asks for it.

    Raises:
        ApprovalRefusedError: there is no approval, or it does not hold.
    """
    if not settings.approval_required():
        return None
    try:
        if not always and not gate().asks_for(op):
            return None
        return gate().admit(op, scope_digest(op, config), run_tags, root_run_id)
    except RefusedError as error:
        asking = HOW_TO_ASK.format(page=f"runbooks/{op.replace('_', '-')}.md")
        raise ApprovalRefusedError(f"production would be exchanged, and {error}; {asking}") from error


def tell_grant(context: dg.AssetExecutionContext | dg.OpExecutionContext, grant: Grant | None, doing: str) -> None:
    """Write down under whose approval the run goes on; loudly when nobody gave one."""
    if grant is None:
        return
    if grant.is_break_glass:
        context.log.error(f"BREAK GLASS by {grant.requester}: {grant.reason}: {doing} without an approval")
        context.instance.add_run_tags(context.run.run_id, {"playbook/break_glass": grant.requester})
    else:
        context.log.info(f"approved by {grant.approver}, asked for by {grant.requester}")

"""The asset `nessie/assign_consumer_tag`: what consumers read moves to a commit of main."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.storage.tags import MAX_RETRIES_TAG

from .approval import ApprovalRefusedError, refuse_or_allow_move, tell_grant
from .config import AssignConsumerTagConfig
from .in_flight import WritingError, refuse_in_flight
from .refusal import not_admitted, refusal, root_run_id

if TYPE_CHECKING:
    from dagster_playbook.services.nessie import NessieClient

    from .tag_move import TagMove


@dataclass(frozen=True, slots=True)
class NessieResource:
    """How to reach Nessie: base of its REST API v2, the branch that Trino writes to, the tag that consumers read."""

    uri: str
    branch: str
    tag: str
    timeout_s: float

    def client(self) -> "NessieClient":
        """A new client; close it after use."""
        from dagster_playbook.services.nessie import NessieClient

        return NessieClient(self.uri, timeout_s=self.timeout_s)


@dg.asset(key_prefix="nessie", group_name="nessie", kinds={"nessie"})
def assign_consumer_tag(
    context: dg.AssetExecutionContext, nessie: dg.ResourceParam[NessieResource], config: AssignConsumerTagConfig
) -> dg.MaterializeResult[None]:
    """Point the consumer tag at `to_hash`, or at the head of main, by compare-and-set on the hash that was read."""
    from dagster_playbook.services.nessie_model import NessieError

    from .tag_move import MoveRefusedError, apply_move, plan_move

    began = dt.datetime.now(dt.UTC)
    try:
        refuse_in_flight(context.instance, since=began)
        with nessie.client() as client:
            move = plan_move(client, nessie.branch, nessie.tag, config.to_hash)
            # After the plan, so that an approval is not spent on a move that is refused anyway.
            grant = refuse_or_allow_move(
                config, context.op_execution_context.op_def.name, context.run.tags, root_run_id(context)
            )
            tell_grant(context, grant, "moving the consumer tag")
            # Again: a run that began while main was read may have left the head that was read half-finished.
            refuse_in_flight(context.instance, since=began)
            moved = apply_move(client, move)
    except ApprovalRefusedError as error:
        raise not_admitted(context, error) from error
    except (MoveRefusedError, WritingError) as error:
        raise refusal(context, error) from error
    except NessieError as error:
        raise dg.Failure(str(error)) from error
    return dg.MaterializeResult(metadata=metadata(move, moved))


def metadata(move: "TagMove", moved: bool) -> dict[str, dg.MetadataValue[Any] | str | int]:
    """What the run shows of the move."""
    return {
        "tag": move.tag,
        "moved": moved,
        "old_hash": move.old.hash if move.old else "",
        "new_hash": move.new.hash,
        "commits_between": "unknown" if move.commits_between is None else move.commits_between,
        "tables_changed": dg.MetadataValue.json(list(move.tables_changed)),
        "tables_changed_count": len(move.tables_changed),
    }


consumer_tag_job = dg.define_asset_job(
    name="nessie_consumer_tag_job",
    selection=dg.AssetSelection.assets(assign_consumer_tag),
    description="Move the consumer tag to the head of main, or to the commit in to_hash.",
    # A retry would read the tag anew, and so overrule whoever won the race that this run lost.
    tags={MAX_RETRIES_TAG: "0"},
)

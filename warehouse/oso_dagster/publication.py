"""Publishing a restatement that was made on a branch, and taking it back: each one exchange of production's files."""

from collections.abc import Callable

import dagster as dg
from dagster._core.storage.tags import MAX_RETRIES_TAG

from dagster_playbook.branch.branches import Branches
from dagster_playbook.branch.record import Record
from dagster_playbook.errors import BusyError, PlatformError

from . import settings
from .approval import ApprovalRefusedError, refuse_or_allow_exchange, tell_grant
from .config import PublishRestatementConfig, UndoRestatementConfig
from .refusal import not_admitted, refusal, root_run_id

PUBLISH, UNDO = "publish_restatement", "undo_restatement"
# what was refused once would be refused again
NO_RETRIES = {MAX_RETRIES_TAG: "0"}


@dg.op(name=PUBLISH, pool=settings.POOL, out=dg.Out(dg.Nothing))
def publish_restatement(context: dg.OpExecutionContext, config: PublishRestatementConfig) -> None:
    """Make a branch production, by compare-and-set on what its approved diff was made from."""
    exchanged(context, config, lambda branches: branches.publish(config.run, config.diff))


@dg.op(name=UNDO, pool=settings.POOL, out=dg.Out(dg.Nothing))
def undo_restatement(context: dg.OpExecutionContext, config: UndoRestatementConfig) -> None:
    """Put back what production was before a restatement was published, unless it has changed since."""
    exchanged(context, config, lambda branches: branches.undo(config.run))


def exchanged(context: dg.OpExecutionContext, config: dg.Config, exchange: Callable[[Branches], Record]) -> None:
    """Exchange production's files under an approval.

    Raises:
        dg.Failure: there is no approval that holds, or the exchange is refused; production is as it was.
    """
    branches = settings.branches()
    if branches is None:
        raise refusal(context, f"branches are for the gateway duckdb, and this one is {settings.gateway()}")
    try:
        op = context.op.name
        tags, root = context.run.tags, root_run_id(context)
        grant = refuse_or_allow_exchange(config.model_dump(), op, tags, root, always=op == PUBLISH)
        tell_grant(context, grant, "exchanging production")
        record = exchange(branches)
    except ApprovalRefusedError as error:
        raise not_admitted(context, error) from error
    except BusyError as error:
        raise dg.Failure(str(error)) from error
    except PlatformError as error:
        raise refusal(context, error) from error
    context.add_output_metadata({"run": record.run, "state": str(record.state), "diff": record.diff})


@dg.job(description="Make a restatement production that was made on a branch.", tags=NO_RETRIES)
def publish_restatement_job() -> None:
    """One op."""
    publish_restatement()


@dg.job(description="Put back what production was before a restatement was published.", tags=NO_RETRIES)
def undo_restatement_job() -> None:
    """One op."""
    undo_restatement()

"""The job `nessie_garbage_collection_job`: files that nothing reaches are told, and deleted only when asked."""

import datetime as dt
import os
from typing import TYPE_CHECKING, Any

import dagster as dg

from . import settings
from .approval import ApprovalRefusedError, refuse_or_allow_deletion, tell_grant
from .config import CollectGarbageConfig
from .consumer_tag import NessieResource, assign_consumer_tag
from .in_flight import WritingError, refuse_in_flight
from .refusal import not_admitted, refusal, root_run_id

if TYPE_CHECKING:
    from dagster_playbook.lake.garbage import Collector, Garbage
    from dagster_playbook.services.nessie import NessieClient

OP_NAME = "nessie__collect_garbage"
PAGE_SIZE = 250
# The metadata of a run are kept for good; every number is there, of long lists the beginning.
SHOWN = 200


@dg.op(name=OP_NAME, pool=settings.POOL, out=dg.Out(dg.Nothing))
def collect_garbage(
    context: dg.OpExecutionContext, nessie: dg.ResourceParam[NessieResource], config: CollectGarbageConfig
) -> None:
    """Find the files that no reference, no kept commit and no earlier place of the tag reaches; delete if asked to."""
    from dagster_playbook.errors import PlatformError

    began = dt.datetime.now(dt.UTC)
    try:
        refuse_in_flight(context.instance, since=began)
        with nessie.client() as client:
            collector = new_collector(context, client, nessie.branch, config)
            garbage = collector.find(began)
            # Again: what a run wrote that began meanwhile was not looked at.
            refuse_in_flight(context.instance, since=began)
            deleted = 0 if config.dry_run else len(allowed(context, collector).delete(garbage))
    except ApprovalRefusedError as error:
        raise not_admitted(context, error) from error
    except (ValueError, WritingError) as error:
        raise refusal(context, error) from error
    except PlatformError as error:
        raise dg.Failure(str(error)) from error
    context.add_output_metadata(metadata(garbage, deleted, is_dry=config.dry_run))


def allowed(context: dg.OpExecutionContext, collector: "Collector") -> "Collector":
    """The collector, once the deployment's policy lets this run delete.

    Raises:
        ApprovalRefusedError: the policy asks for an approval, and there is none that holds.
    """
    entry = context.run.run_config.get("ops", {}).get(OP_NAME) or {}
    grant = refuse_or_allow_deletion(entry.get("config") or {}, OP_NAME, context.run.tags, root_run_id(context))
    tell_grant(context, grant, "deleting files")
    return collector


def new_collector(
    context: dg.OpExecutionContext, client: "NessieClient", branch: str, config: CollectGarbageConfig
) -> "Collector":
    """The engine of `playbook collect-garbage`, which keeps where the tag stood as well.

    Raises:
        ValueError: an age in the configuration is none.
        PlatformError: the variables that name the lake are not set.
    """
    from dagster_playbook.lake.garbage import Collector, parse_age
    from dagster_playbook.lake.iceberg_files import Lake

    keep, grace = parse_age(config.keep), parse_age(config.grace)
    return Collector(
        client,
        Lake.from_environment(os.environ),
        settings.warehouse_location(),
        keep,
        grace,
        branch,
        tuple(config.keep_hashes),
        tag_places(context.instance, dt.datetime.now(dt.UTC) - keep),
        context.log.debug,
    )


def tag_places(instance: dg.DagsterInstance, since: dt.datetime) -> tuple[str, ...]:
    """The commits that the consumer tag left or went to since then, newest first; Nessie keeps no such history.

    A commit may have been superseded on main long before the tag left it, so main's own history does not tell.
    """
    places: dict[str, None] = {}
    cursor: str | None = None
    moves = dg.AssetRecordsFilter(asset_key=assign_consumer_tag.key, after_timestamp=since.timestamp())
    while True:
        page = instance.fetch_materializations(moves, limit=PAGE_SIZE, cursor=cursor)
        for record in page.records:
            shown = record.asset_materialization.metadata if record.asset_materialization else {}
            for name in ("new_hash", "old_hash"):
                if name in shown and shown[name].value:
                    places[str(shown[name].value)] = None
        if not page.has_more:
            return tuple(places)
        cursor = page.cursor


def metadata(garbage: "Garbage", deleted: int, *, is_dry: bool) -> dict[str, dg.MetadataValue[Any]]:
    """What the run shows: what was kept, and what was or would be removed."""
    files = [file.uri for file in garbage.files]
    return {
        "dry_run": dg.MetadataValue.bool(is_dry),
        "kept_commits": dg.MetadataValue.json([entry.hash for entry in garbage.kept][:SHOWN]),
        "kept_commits_count": dg.MetadataValue.int(len(garbage.kept)),
        "kept_files_count": dg.MetadataValue.int(garbage.reached),
        "young_files_count": dg.MetadataValue.int(garbage.young),
        "unreadable_commits": dg.MetadataValue.json(garbage.unreadable),
        "garbage_files": dg.MetadataValue.json(files[:SHOWN]),
        "garbage_files_count": dg.MetadataValue.int(len(files)),
        "garbage_size_bytes": dg.MetadataValue.int(garbage.size_bytes),
        "deleted_files_count": dg.MetadataValue.int(deleted),
    }


@dg.job(
    name="nessie_garbage_collection_job",
    description="Tell which files no reference and no kept commit reaches, and delete them when dry_run is false.",
)
def garbage_collection_job() -> None:
    """One op."""
    collect_garbage()

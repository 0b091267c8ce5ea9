"""Run configuration of the ops, as the launchpad shows it."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from dagster_playbook.lake.garbage import GRACE, KEEP


class SQLMeshRunConfig(dg.Config):
    """What one run of `sqlmesh_project` does beyond bringing every model up to date."""

    restate_models: list[str] | None = Field(
        default=None,
        description="Models to restate, each a SQLMesh selector: `oso.projects_v1`, `oso.stg_*`, `+oso.x`, `tag:...`. "
        "Everything downstream is restated with them. Each entry has to match a model.",
    )
    restate_by_entity_category: bool = Field(
        default=False,
        description="Restate every model that is tagged `entity_category=<category>` for the categories below.",
    )
    restate_entity_categories: list[str] | None = Field(
        default=None,
        description="Categories for `restate_by_entity_category`; project and collection when left out.",
    )
    allow_destructive_models: list[str] | None = Field(
        default=None,
        description="Models (selectors) that a plan may change destructively, for instance by dropping a column.",
    )
    skip_tests: bool = Field(default=False, description="Plan without running SQLMesh's unit tests first.")
    start: str | None = Field(
        default=None, description="Start of the restated window, e.g. `2026-01-01`; only with a restatement."
    )
    end: str | None = Field(default=None, description="End of the restated window, inclusive; only with a restatement.")
    restate_on_branch: bool = Field(
        default=False,
        description="Restate beside production, on a copy that is looked at and published afterwards; production "
        "stays as it is until then. Only with a restatement, and on the embedded warehouse.",
    )
    use_dev_environment: bool = Field(
        default=False,
        description="Plan and backfill the environment `dev` first, and production only when that went well; "
        "not with a restatement, which SQLMesh ignores in dev for the versions that production uses.",
    )


class AssignConsumerTagConfig(dg.Config):
    """Where the consumer tag goes."""

    to_hash: str = Field(
        default="",
        description="Commit of the branch main that the tag is moved to, in hexadecimal (quote it in YAML); "
        "the head of main at the time of the run when empty.",
    )


class PublishRestatementConfig(dg.Config):
    """Which branch becomes production, and what was looked at before."""

    run: str = Field(description="The restatement, by the id of its run.")
    diff: str = Field(description="Digest of the diff that was approved, as `playbook diff --run` prints it.")


class UndoRestatementConfig(dg.Config):
    """Which published restatement is taken back."""

    run: str = Field(description="The restatement, by the id of its run.")


class CollectGarbageConfig(dg.Config):
    """What garbage collection leaves, and whether it deletes at all."""

    dry_run: bool = Field(default=True, description="Only tell what would be deleted; `false` deletes.")
    keep: str = Field(
        default=KEEP,
        description="How far back main, and every commit that the consumer tag stood on, stay readable: "
        "`7d`, `12h`, `30m` or `0s`.",
    )
    grace: str = Field(
        default=GRACE, description="How old a file has to be; a writer's files are there before its commit is."
    )
    keep_hashes: list[str] = Field(
        default=[], description="Further commits of the branch main that stay readable, in hexadecimal."
    )

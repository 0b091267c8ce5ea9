"""The op `sqlmesh_project`: every model of the SQLMesh project as one multi-asset."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import dagster as dg
from dagster_sqlmesh import sqlmesh_to_multi_asset_options
from dagster_sqlmesh.controller.base import PlanOptions
from dagster_sqlmesh.resource import PlanOrRunFailedError
from dagster_sqlmesh.types import SQLMeshMultiAssetOptions

from dagster_playbook.restatement.attempts import Attempts
from dagster_playbook.restatement.recovery import ATTEMPTS_FOLDER
from dagster_playbook.restatement.restatement import Book, reconciling

from . import settings, source_assets
from .approval import RestatementRefusedError, project_fingerprint, refuse_or_allow, tell_grant
from .branch import branch_of, finish_publications, refuse_begun_on_branch
from .config import SQLMeshRunConfig
from .evidence import FILE_NAME, IntervalConsole, Recorder
from .refusal import not_admitted, refusal, root_run_id
from .restatement import Restatement, RestatementError, resolve
from .sqlmesh_resource import OsoSQLMeshResource, sqlmesh_failure
from .translator import OsoContextConfig

if TYPE_CHECKING:
    from sqlmesh import Context

OP_NAME = "sqlmesh_project"
CONTEXT_CONFIG = OsoContextConfig(path=str(settings.SQLMESH_PROJECT), gateway=settings.gateway())


def asset_options() -> SQLMeshMultiAssetOptions:
    """Outputs and dependencies of the models; loads the SQLMesh project once.

    dagster-sqlmesh takes declared external models for models of the project, too. They are the source assets' tables,
    so here those that a model reads become dependencies.
    """
    declared: list[str] = []

    def note_externals(**options: Any) -> "Context":
        context = open_context(**options)
        declared.extend(fqn for fqn, model in context.models.items() if model.kind.is_external)
        return context

    options = sqlmesh_to_multi_asset_options(
        environment=settings.PRODUCTION, config=CONTEXT_CONFIG, context_factory=note_externals
    )
    translator = CONTEXT_CONFIG.get_translator()
    externals = {translator.get_asset_key_str(fqn) for fqn in declared}
    inner = {name: deps for name, deps in options.internal_asset_deps.items() if name not in externals}
    read = set().union(*inner.values())
    keys = ["/".join(translator.get_asset_key_name(fqn)) for fqn in declared]
    return SQLMeshMultiAssetOptions(
        outs={name: out for name, out in options.outs.items() if name not in externals},
        deps=[*options.deps, *(translator.create_asset_dep(key=key) for key in keys if key in read)],
        internal_asset_deps=inner,
    )


def open_context(**options: Any) -> "Context":
    """A SQLMesh context of the project."""
    from sqlmesh import Context

    return Context(**{"paths": CONTEXT_CONFIG.path, "gateway": CONTEXT_CONFIG.gateway, **options})


OPTIONS = asset_options()


# dagster-sqlmesh's own decorator does the same but knows no pools.
@dg.multi_asset(
    name=OP_NAME,
    outs=OPTIONS.to_asset_outs(),
    deps=OPTIONS.to_asset_deps(),
    internal_asset_deps=OPTIONS.to_internal_asset_deps(),
    compute_kind="sqlmesh",
    pool=settings.POOL,
)
def sqlmesh_project(
    context: dg.AssetExecutionContext, sqlmesh: OsoSQLMeshResource, config: SQLMeshRunConfig
) -> Iterator[dg.MaterializeResult[None]]:
    """Plan and run SQLMesh; what the configuration cannot mean is refused before anything runs."""
    loaded = project_fingerprint()
    finish_publications(context)
    mesh = open_context()
    with ExitStack() as on_error:
        on_error.callback(mesh.close)
        restatement = checked_restatement(context, mesh, config, loaded)
        load_missing_sources(context, mesh)
        # From here on the resource closes the context.
        on_error.pop_all()
    if not config.restate_on_branch:
        refuse_begun_on_branch(context)
        yield from evaluated(context, sqlmesh, config, mesh, restatement)
        return
    close(mesh)
    with branch_of(context, attempts().read(root_run_id(context)) is not None) as built:
        mesh = open_context()
        yield from evaluated(context, sqlmesh, config, mesh, restatement)
        close(mesh)
        built()


def evaluated(
    context: dg.AssetExecutionContext,
    sqlmesh: OsoSQLMeshResource,
    config: SQLMeshRunConfig,
    mesh: "Context",
    restatement: Restatement | None,
) -> Iterator[dg.MaterializeResult[None]]:
    """Everything that the run evaluates, with what SQLMesh recorded of it."""
    recorder = new_recorder(context, restatement)
    if config.use_dev_environment:
        plan_development(context, sqlmesh, mesh, recorder, config)
        mesh = open_context()
    results = sqlmesh.run(
        context,
        config=CONTEXT_CONFIG,
        context_factory=reconciling(book(context, config), recorded(mesh, recorder)),
        environment=settings.PRODUCTION,
        start=config.start,
        end=config.end,
        restate_models=list(restatement.models) if restatement else None,
        plan_options=plan_options(config, is_due=restatement is None),
    )
    try:
        yield from with_evidence(context, results, recorder)
    except PlanOrRunFailedError as error:
        raise sqlmesh_failure(error) from error


def plan_development(
    context: dg.AssetExecutionContext,
    sqlmesh: OsoSQLMeshResource,
    mesh: "Context",
    recorder: Recorder,
    config: SQLMeshRunConfig,
) -> None:
    """Plan and backfill the environment dev, without a word to Dagster's assets, which stand for production."""
    recorder.environment = settings.DEVELOPMENT
    for _ in sqlmesh.run(
        context,
        config=CONTEXT_CONFIG,
        context_factory=recorded(mesh, recorder),
        environment=settings.DEVELOPMENT,
        # Without changes SQLMesh would refuse to make an environment at all.
        plan_options=PlanOptions(**plan_options(config), include_unmodified=True),
        skip_run=True,
        materializations_enabled=False,
    ):
        pass
    recorder.environment = settings.PRODUCTION


def plan_options(config: SQLMeshRunConfig, *, is_due: bool = False) -> PlanOptions:
    """A new set of SQLMesh's options: dagster-sqlmesh writes into the one that it is given.

    With `is_due` the plan computes what is due as well. After a plan that broke off in the middle of a model, a plan
    alone would leave the rest of that model to the run after it, and bring what is below up to date on the part.
    """
    options = PlanOptions(skip_tests=config.skip_tests, run=is_due)
    if config.allow_destructive_models:
        options["allow_destructive_models"] = config.allow_destructive_models
    return options


def checked_restatement(
    context: dg.AssetExecutionContext, mesh: "Context", config: SQLMeshRunConfig, loaded: str
) -> Restatement | None:
    """The restatement that the run asks for, resolved and allowed.

    Args:
        loaded: the project's fingerprint from before it was loaded.

    Raises:
        dg.Failure: it cannot be meant, or must not run.
    """
    try:
        restatement = resolve(mesh, config, settings.PRODUCTION)
        if restatement:
            run = context.run
            grant = refuse_or_allow(restatement, config, OP_NAME, run.tags, root_run_id(context), loaded=loaded)
            if grant is None:
                context.log.warning("restating without an approval: OSO_RESTATEMENT_APPROVAL is off in this deployment")
            tell_grant(context, grant, "restating")
            context.log.info(f"restating {', '.join(restatement.models)}; affected: {', '.join(restatement.affected)}")
    except RestatementRefusedError as error:
        raise not_admitted(context, error) from error
    except RestatementError as error:
        raise refusal(context, error) from error
    return restatement


def close(mesh: "Context") -> None:
    """Let go of the warehouse's files: SQLMesh's own close leaves an engine open that was only asked."""
    mesh.close()
    for adapter in mesh.engine_adapters.values():
        adapter.close()


def load_missing_sources(context: dg.AssetExecutionContext, mesh: "Context") -> None:
    """Load raw tables that were never loaded, so that the first run of a fresh clone has rows to work on."""
    for table, rows in source_assets.load_missing(mesh.engine_adapter):
        context.log.info(f"{table.qualified_name} was never loaded: loaded {rows} rows")
        key = dg.AssetKey([table.schema, table.name])
        context.log_event(dg.AssetMaterialization(key, metadata={"dagster/row_count": rows}))


def new_recorder(context: dg.AssetExecutionContext, restatement: Restatement | None) -> Recorder:
    """The recorder of this run's evaluations."""
    return Recorder(
        path=evidence_file(),
        run_id=context.run.run_id,
        root_run_id=root_run_id(context),
        affected=frozenset(restatement.affected if restatement else ()),
    )


def evidence_file() -> Path:
    """Where evaluations are recorded, one JSON object a line."""
    return settings.data_dir() / FILE_NAME


def book(context: dg.AssetExecutionContext, config: SQLMeshRunConfig) -> Book:
    """Where this run's restatement is kept over all its attempts, so that a re-execution does only what is left."""
    return Book(attempts(), root_run_id(context), evidence_file(), config.model_dump())


def attempts() -> Attempts:
    """Where the plans of restatements are kept."""
    return Attempts(settings.data_dir() / ATTEMPTS_FOLDER)


def recorded(mesh: "Context", recorder: Recorder) -> Any:
    """A context factory that hands the open context over, with the recorder on the console in charge."""

    def factory(**_: Any) -> "Context":
        from sqlmesh.core.console import get_console

        console = cast(IntervalConsole, get_console())
        console.add_handler(recorder)
        mesh.console = console
        return mesh

    return factory


def with_evidence(
    context: dg.AssetExecutionContext, results: Iterable[dg.MaterializeResult[None]], recorder: Recorder
) -> Iterator[dg.MaterializeResult[None]]:
    """dagster-sqlmesh's result for each asset, with what SQLMesh evaluated of it; the totals go to the run's tags."""
    by_model: dict[str, Any] | None = None
    for result in results:
        by_model = recorder.by_model() if by_model is None else by_model
        done = by_model.get(".".join(result.asset_key.path[-2:]), []) if result.asset_key else []
        evidence = {
            "oso/evaluated_intervals": len(done),
            "oso/restated": any(evaluation.restated for evaluation in done),
            "oso/intervals": dg.MetadataValue.json([[one.start, one.end] for one in done]),
        }
        yield replace_metadata(result, evidence)
    done_models = recorder.by_model()
    context.instance.add_run_tags(
        context.run.run_id,
        {
            "oso/evaluated_models": str(len(done_models)),
            "oso/restated_models": str(sum(any(e.restated for e in found) for found in done_models.values())),
        },
    )


def replace_metadata(result: dg.MaterializeResult[None], more: dict[str, Any]) -> dg.MaterializeResult[None]:
    """The same result with more metadata."""
    return dg.MaterializeResult(asset_key=result.asset_key, metadata={**(result.metadata or {}), **more})

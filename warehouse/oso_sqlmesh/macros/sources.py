"""Where staging models read from: the tables that Dagster loads, or the samples in `seeds/`."""

from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator, RuntimeStage
from sqlmesh.utils.errors import SQLMeshError

RAW_TABLES = (
    "pypi.distributions",
    "pypi.requirements",
    "pypi.classifiers",
    "pypi.project_urls",
    "pypi.releases",
    "git.commits",
    "git.commit_files",
)


@macro()
def oso_source(evaluator: MacroEvaluator, table: str) -> str:
    """The table behind a source: `pypi.releases`, or `oso.seed_pypi__releases` when `sources` is `seeds`."""
    schema, _, name = table.partition(".")
    return f"oso.seed_{schema}__{name}" if evaluator.var("sources") == "seeds" else table


@macro()
def require_sources(evaluator: MacroEvaluator) -> str:
    """Stop a plan or a run before it starts when a raw table that it would read was never loaded.

    Otherwise a statement that does nothing: SQLMesh warns of a macro that gives it none.
    """
    if evaluator.runtime_stage != RuntimeStage.BEFORE_ALL.value or evaluator.var("sources") == "seeds":
        return "SELECT 1"
    missing = [name for name in RAW_TABLES if not evaluator.engine_adapter.table_exists(name)]
    if missing:
        raise SQLMeshError(
            f"raw tables that were never loaded: {', '.join(missing)}; run the Dagster job `source_assets_job` "
            "(or `sqlmesh_all_assets`, which loads them first), or set OSO_SQLMESH_SOURCES=seeds to work on the samples"
        )
    return "SELECT 1"

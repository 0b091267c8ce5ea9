"""SQLMesh's audits of some tables, each rendered by SQLMesh itself as one query that counts what breaks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dagster_playbook.settings import Settings

if TYPE_CHECKING:
    from dagster_playbook.workers.sqlmesh_reader import ReadOnlyContext

#: wider than any data, so that a model with a time column is audited over all of its rows
_ALWAYS = ("1900-01-01", "2200-01-01")


@dataclass(frozen=True, slots=True)
class RenderedAudit:
    """One audit of one model, ready to be counted.

    Attributes:
        table: the model's table as Nessie names it, e.g. `oso.projects_v1`.
        name: the audit's name; the second of a name on one model is `not_null.2`.
        is_blocking: whether SQLMesh stops a plan when it fails; never for one that the project skips.
        reads: the tables that the query reads, e.g. `oso.int_projects`.
        trino: the count on Trino, "" when it could not be rendered.
        duckdb: the count on DuckDB where each table has its dotted name as its name, "" when it cannot be said there.
        problem: why it could not be rendered, or that the model skips it; "" otherwise.
    """

    table: str
    name: str
    is_blocking: bool
    reads: frozenset[str] = frozenset()
    trino: str = ""
    duckdb: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RenderedAudits:
    """The audits of some tables, and the tables of which no SQLMesh project here has a model."""

    audits: tuple[RenderedAudit, ...] = ()
    without_model: tuple[str, ...] = ()


def render_audits(settings: Settings, tables: Collection[str], catalog: str) -> RenderedAudits:
    """Render the audits of the models behind `tables`, as the project has them now.

    Args:
        tables: dotted names without a catalog.
        catalog: Trino's catalog that the queries name in place of the project's own.

    Raises:
        PlatformError: SQLMesh refuses the project.
    """
    if not settings.sqlmesh or not tables:
        return RenderedAudits(without_model=tuple(sorted(tables)))
    from dagster_playbook.workers.sqlmesh_reader import open_context

    audits: list[RenderedAudit] = []
    modelled: set[str] = set()
    for project in settings.sqlmesh:
        context = open_context(settings.root, project)
        for model in context.models.values():
            table = _dotted(model.fqn)
            if table in tables and not model.kind.is_external:
                modelled.add(table)
                audits += _numbered(_of_model(context, model, table, catalog))
    return RenderedAudits(tuple(audits), tuple(sorted(set(tables) - modelled)))


def _numbered(audits: Iterator[RenderedAudit]) -> Iterator[RenderedAudit]:
    seen: Counter[str] = Counter()
    for audit in audits:
        seen[audit.name] += 1
        again = seen[audit.name]
        yield audit if again == 1 else replace(audit, name=f"{audit.name}.{again}")


def _of_model(context: ReadOnlyContext, model: Any, table: str, catalog: str) -> Iterator[RenderedAudit]:
    """The audits of a model, with SQLMesh's own arguments and rule of what blocks."""
    from sqlglot import exp
    from sqlmesh.core.macros import RuntimeStage

    for audit, arguments in model.audits_with_args:
        said = arguments.pop("blocking", None)
        rendered = RenderedAudit(table, audit.name, said == exp.true() if said else audit.blocking)
        if audit.skip:
            yield replace(rendered, is_blocking=False, problem="the project skips it")
            continue
        start, end = _ALWAYS
        try:
            query = model.render_audit_query(
                audit, start=start, end=end, runtime_stage=RuntimeStage.AUDITING, **arguments
            )
            yield _counting(rendered, query, context.default_catalog or "", catalog)
        except Exception as error:
            why = " ".join(str(error).split()) or type(error).__name__
            yield replace(rendered, problem=f"SQLMesh cannot render it here: {why}")


def _counting(audit: RenderedAudit, query: Any, own_catalog: str, catalog: str) -> RenderedAudit:
    """The audit with the count in both dialects; the project's own catalog is what the references show."""
    from sqlglot import ErrorLevel, exp, select
    from sqlglot.errors import SqlglotError

    def renamed(node: exp.Expr, *, is_flat: bool) -> exp.Expr:
        if not isinstance(node, exp.Table) or not node.db or node.catalog not in ("", own_catalog):
            return node
        copy = node.copy()
        if is_flat:
            copy.set("this", exp.to_identifier(f"{node.db}.{node.name}", quoted=True))
        copy.set("db", None if is_flat else node.args["db"])
        copy.set("catalog", None if is_flat else exp.to_identifier(catalog, quoted=True))
        return copy

    count = select("COUNT(*)").from_(query.subquery("audit"))
    reads = frozenset(f"{table.db}.{table.name}" for table in query.find_all(exp.Table) if table.db)
    trino = count.transform(renamed, is_flat=False).sql(dialect="trino", identify=True)
    try:
        flat = count.transform(renamed, is_flat=True)
        duckdb = flat.sql(dialect="duckdb", identify=True, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError:
        duckdb = ""
    return replace(audit, reads=reads, trino=trino, duckdb=duckdb)


def _dotted(fqn: str) -> str:
    from sqlglot import exp

    table = exp.to_table(fqn)
    return f"{table.db}.{table.name}"

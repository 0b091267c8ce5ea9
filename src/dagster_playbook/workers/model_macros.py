"""What SQLMesh would evaluate in a MODEL block, taken out before SQLMesh sees the block.

SQLMesh's macro evaluator turns parts of a query into Python and evals them, quoted names included, and its Jinja
templates reach every attribute of what they are given. So no macro and no template of a page is ever evaluated: here
a block is cut down to what is left without them, and what can be told of the macros is read off the syntax tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sqlglot import exp
from sqlmesh.core import dialect as d
from sqlmesh.core.macros import MacroEvaluator
from sqlmesh.core.model import definition
from sqlmesh.core.model.seed import Seed
from sqlmesh.utils.jinja import JinjaMacroRegistry

from dagster_playbook.errors import UnjudgedError
from dagster_playbook.workers.block_properties import property_of
from dagster_playbook.workers.sqlmesh_releases import CRON_SHORTCUTS, EXPRESSION

#: the model that is loaded when a block's own name is a macro
STAND_IN_NAME = "of_a_page.model"
_EVALUATED = (d.MacroVar, d.MacroFunc, d.Jinja, d.PythonCode)
#: properties that SQLMesh evaluates as late as when the model runs, texts in them included
_LATE = definition.RUNTIME_RENDERED_MODEL_FIELDS


@dataclass
class WithoutMacros:
    """A block as SQLMesh may load it.

    Attributes:
        expressions: the MODEL block and its statements, without anything that would be evaluated.
        is_whole: whether the query is the block's own.
        columns: names of the columns that the block's query makes, None when a macro makes some of them.
        tables: the tables that the block's query names.
        kind_is_lost: whether the block's kind holds a macro.
    """

    expressions: list[exp.Expr]
    is_whole: bool = False
    columns: tuple[str, ...] | None = None
    tables: list[exp.Table] = field(default_factory=list)
    kind_is_lost: bool = False


def without_macros(expressions: list[exp.Expr]) -> WithoutMacros:
    """The block without what SQLMesh would evaluate; `expressions` are left as they are.

    Raises:
        UnjudgedError: something that would be evaluated is left all the same.
    """
    block, *statements = (item.copy() for item in expressions)
    had_kind = property_of(block, "kind") is not None
    _strip_block(block)
    cut = WithoutMacros([block], kind_is_lost=had_kind and property_of(block, "kind") is None)
    is_audit_query = False
    for statement in statements:
        if isinstance(statement, d.Audit):
            _strip_block(statement)
            cut.expressions.append(statement)
        elif _is_query(statement, is_alone=len(statements) == 1) and not is_audit_query:
            _add_query(cut, statement)
        elif not is_evaluated(statement):
            cut.expressions.append(statement)
        elif is_audit_query:
            cut.expressions.append(exp.select("1"))
        is_audit_query = isinstance(statement, d.Audit)
    if any(is_evaluated(item) for item in cut.expressions):
        raise UnjudgedError("it holds a macro where none is known to stand")
    return cut


def is_evaluated(expression: exp.Expr) -> bool:
    """Whether SQLMesh would evaluate anything in an expression."""
    return any(
        isinstance(node, _EVALUATED) or (isinstance(node, exp.Identifier) and "@" in node.name)
        for node in expression.walk()
    )


def static_defaults(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The project's model defaults without those that hold a macro: they would have to be evaluated."""
    return {name: value for name, value in defaults.items() if not _holds_macro(name, value)}


@contextmanager
def nothing_evaluated(seed: str) -> Iterator[None]:
    """Whatever asks SQLMesh for an evaluation in here is refused, and a seed has the content `seed`, whatever its path.

    The second lock on one door: what comes here has no macro, and runs in a sandbox.
    """

    def refuse(*_: object, **__: object) -> NoReturn:
        raise UnjudgedError("SQLMesh would evaluate a part of it")

    doors = (
        (MacroEvaluator, "evaluate", refuse),
        (MacroEvaluator, "eval_expression", refuse),
        (MacroEvaluator, "send", refuse),
        (JinjaMacroRegistry, "build_environment", lambda *_, **__: _Closed()),
        (definition, "create_seed", lambda _path: Seed(content=seed)),
    )
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in doors]
    for owner, name, closed in doors:
        setattr(owner, name, closed)
    try:
        yield
    finally:
        for owner, name, opened in before:
            setattr(owner, name, opened)


class _Closed:
    """An environment of templates that renders none; older releases of SQLMesh make one for every model."""

    def __getattr__(self, name: str) -> NoReturn:
        raise UnjudgedError("SQLMesh would evaluate a part of it")


def _is_query(statement: exp.Expr, *, is_alone: bool) -> bool:
    """Whether SQLMesh takes a statement for the model's query."""
    if isinstance(statement, d.MacroFunc) and not isinstance(statement, d.MacroDef):
        return is_alone or statement.name.lower() == "union"
    return isinstance(statement, exp.Query | d.JinjaQuery)


def _add_query(cut: WithoutMacros, query: exp.Expr) -> None:
    common = {cte.alias_or_name.lower() for cte in query.find_all(exp.CTE)}
    cut.tables += [
        table
        for table in query.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier)
        and (table.db or table.name.lower() not in common)
        and not any(is_evaluated(part) for part in table.parts)
    ]
    cut.columns = _columns(query)
    if not is_evaluated(query):
        cut.is_whole = True
        cut.expressions.append(query)
        return
    cut.expressions.append(placeholder_query(cut.columns or ()))


def placeholder_query(columns: Iterable[str]) -> exp.Select:
    """A query that makes these columns of nothing."""
    return exp.select(*(exp.alias_(exp.null(), name, quoted=True) for name in columns or ("placeholder",)))


def _columns(query: exp.Expr) -> tuple[str, ...] | None:
    if not isinstance(query, exp.Query):
        return None
    names = []
    for item in query.selects:
        name = item.output_name
        is_named = isinstance(item, exp.Alias) or not is_evaluated(item)
        if not is_named or not name or name == "*" or "@" in name:
            return None
        names.append(name)
    return tuple(names) or None


def _strip_block(block: exp.Expr) -> None:
    """Take out of a MODEL or AUDIT block what would be evaluated, property by property."""
    has_macro = any(isinstance(item, d.MacroFunc) for item in block.expressions)
    kept = [item for item in block.expressions if isinstance(item, exp.Property) and _strip_property(item)]
    names = {item.name.lower() for item in kept}
    if "name" not in names and (has_macro or any(item.name.lower() == "name" for item in block.expressions)):
        name = exp.to_table(STAND_IN_NAME)
        # SQLMesh's parser leaves the name as it was written here
        name.meta["sql"] = STAND_IN_NAME
        kept.insert(0, exp.Property(this="name", value=name))
    block.set("expressions", kept)


def _strip_property(item: exp.Property) -> bool:
    """Whether anything of a property can stay; what cannot is taken out of it."""
    name, value = item.name.lower(), item.args.get("value")
    if name == "blueprints":
        return False
    if not isinstance(value, EXPRESSION):
        return True
    if name in _LATE and any("@" in text.name for text in value.find_all(exp.Literal)):
        return False
    if not is_evaluated(value):
        return True
    if isinstance(value, exp.Tuple | exp.Array) and not isinstance(value, exp.Schema):
        _strip_items(value, keeps_calls=name in ("audits", "signals"))
        return bool(value.expressions)
    if isinstance(value, exp.Func) and not isinstance(value, d.MacroFunc) and name in ("audits", "signals"):
        _without_arguments(value)
        return not is_evaluated(value)
    return False


def _strip_items(value: exp.Expr, *, keeps_calls: bool) -> None:
    kept = []
    for part in value.expressions:
        if keeps_calls and not isinstance(part, _EVALUATED):
            _without_arguments(part)
        if not is_evaluated(part):
            kept.append(part)
    value.set("expressions", kept)


def _without_arguments(call: exp.Expr) -> None:
    """Empty what would be evaluated among the arguments of an audit or signal, so that its name can be looked up."""
    for node in list(call.find_all(*_EVALUATED)):
        if node.parent is not None and node is not call:
            node.replace(exp.null())


def _holds_macro(name: str, value: Any) -> bool:
    if isinstance(value, str):
        return "@" in value and not (name == "cron" and value.lower() in CRON_SHORTCUTS)
    if isinstance(value, EXPRESSION):
        return is_evaluated(value)
    if isinstance(value, Mapping):
        return any(_holds_macro(str(key), item) for key, item in value.items())
    return isinstance(value, list | tuple | set) and any(_holds_macro("", item) for item in value)

"""Macros and macro variables that a MODEL block names, looked up by name in the project; none is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlmesh.core import dialect as d
from sqlmesh.core.macros import macro, normalize_macro_name
from sqlmesh.utils.date import date_dict

from dagster_playbook.workers.sqlmesh_releases import EXPRESSION

#: variables that SQLMesh sets by itself, beside the dates; some only when a model runs
_ALWAYS = frozenset({"runtime_stage", "default_catalog", "this_model", "this_env", "gateway", "model_kind_name"})
#: what the evaluator does itself, without a function in the registry
_BUILT_IN = frozenset({"def", "sql"})
#: properties whose variables are looked up when the model runs
_LATER = frozenset({"blueprints", "audits", "signals", "physical_properties", "session_properties"})


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names that macros of a block may have.

    Attributes:
        macros: the project's own macro functions, beside SQLMesh's.
        variables: the project's variables; None when they are not known.
        has_interval: whether the model is given a start and an end.
    """

    macros: Mapping[str, Any]
    variables: frozenset[str] | None
    has_interval: bool


def unknown_macros(expressions: list[exp.Expr], known: KnownNames) -> Iterator[tuple[str, str]]:
    """Each name that nothing has, with a message, once; the first to stand in the text comes first."""
    defined = {item.name.lower() for whole in expressions for item in whole.find_all(d.MacroDef)}
    macros = {normalize_macro_name(name) for name in (*known.macros, *macro.get_registry(), *_BUILT_IN, *defined)}
    variables = _variables(expressions, known)
    seen: set[str] = set()
    for node in _nodes(expressions):
        name = node.name
        if name in seen:
            continue
        if type(node) is d.MacroFunc and normalize_macro_name(name) not in macros:
            seen.add(name)
            yield name, f"Macro '{name}' does not exist."
        elif type(node) is d.MacroVar and variables is not None and _is_free(node) and name.lower() not in variables:
            seen.add(name)
            yield name, f"Macro variable '{name}' is undefined."


def _nodes(expressions: list[exp.Expr]) -> Iterator[exp.Expr]:
    """Every node of the block; not of an audit in it, which gets its variables where it is used."""
    is_of_audit = False
    for whole in expressions:
        was_audit, is_of_audit = is_of_audit, isinstance(whole, d.Audit)
        if was_audit:
            continue
        if isinstance(whole, d.Model):
            for item in whole.expressions:
                if item.name.lower() not in _LATER:
                    yield from item.walk(bfs=False)
        elif not isinstance(whole, d.Audit):
            yield from whole.walk(bfs=False)


def _variables(expressions: list[exp.Expr], known: KnownNames) -> set[str] | None:
    """Every variable that the block can use; None when a macro makes some of them."""
    if known.variables is None:
        return None
    epoch = "1970-01-01"
    dates = date_dict(epoch, epoch, epoch) if known.has_interval else date_dict(epoch, None, None)
    defined = {item.name.lower() for whole in expressions for item in whole.find_all(d.MacroDef)}
    names = {*known.variables, *dates, *_ALWAYS, *defined}
    for item in expressions[0].expressions:
        value = item.args.get("value")
        if item.name.lower() == "blueprints" and isinstance(value, EXPRESSION):
            if isinstance(value, d.MacroFunc):
                return None
            names |= {pair.this.name.lower() for pair in value.find_all(exp.PropertyEQ, exp.EQ)}
    return names


def _is_free(node: exp.Expr) -> bool:
    """Whether a variable is looked up where it stands: in a lambda it may be a parameter."""
    return node.find_ancestor(exp.Lambda, d.StagedFilePath) is None

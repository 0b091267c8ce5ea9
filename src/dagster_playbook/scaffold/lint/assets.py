"""Rules of `.cursor/rules/add-dagster-asset.mdc`: what a source module may look like."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.scaffold.lint.project import SourceModule, Warehouse
from dagster_playbook.scaffold.lint.rule import ASSET_RULES, Problem, Rule
from dagster_playbook.scaffold.table import BOOKKEEPING

MAX_NESTING = 1


@dataclass(frozen=True, slots=True)
class RawTableCall:
    """`RawTable(schema, name, columns, rows, description)` as it is written; `columns` maps names to their nodes."""

    module: SourceModule
    node: ast.Call
    raw: str
    columns: dict[str, ast.AST]
    description: str


def raw_tables(house: Warehouse) -> Iterator[RawTableCall]:
    """Every raw table that the source modules declare with plain literals."""
    for module in house.modules:
        constants = {
            target.id: node.value
            for node in module.tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _called(node) == "RawTable":
                arguments = dict(zip(("schema", "name", "columns", "rows", "description"), node.args, strict=False))
                arguments |= {k.arg: k.value for k in node.keywords if k.arg}
                raw = ".".join(_text(arguments.get(part)) for part in ("schema", "name"))
                columns = _columns(arguments.get("columns"), constants)
                yield RawTableCall(module, node, raw, columns, _text(arguments.get("description")))


def _called(node: ast.Call) -> str:
    function = node.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _columns(node: ast.expr | None, constants: dict[str, ast.expr]) -> dict[str, ast.AST]:
    """The keys of a dict literal; of the constant that a name or a comprehension over its items stands for."""
    if isinstance(node, ast.DictComp):
        node = next((n for n in ast.walk(node.generators[0].iter) if isinstance(n, ast.Name)), None)
    if isinstance(node, ast.Name):
        node = constants.get(node.id)
    if not isinstance(node, ast.Dict):
        return {}
    return {key.value: key for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def source_columns(house: Warehouse) -> Iterator[Problem]:
    """Columns are called as in the source, none left out."""
    for call in raw_tables(house):
        sample = house.samples.get(call.raw)
        if not call.columns:
            continue
        names, loaded = _expected(house, call.raw), {name.lower(): name for name in call.columns}
        evidence = f"the sample recorded for {call.raw}" if sample else "external_models.yaml"
        for name in names:
            if name.lower() not in loaded:
                place = call.module.at(call.node)
                yield Problem(place, f"{call.raw}: the source's column {name!r} is not loaded", name, evidence)
        for lower, name in loaded.items():
            if names and lower not in {n.lower() for n in names}:
                place = call.module.at(call.columns[name])
                yield Problem(place, f"{call.raw}: the source has no column {name!r}", name, evidence)


def _expected(house: Warehouse, raw: str) -> list[str]:
    sample = house.samples.get(raw)
    return [column["name"] for column in sample["columns"]] if sample else list(house.declared.get(raw, {}))


def unnesting(house: Warehouse) -> Iterator[Problem]:
    """Nested values stay nested: one level of unnesting at most."""
    for module in house.modules:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call):
                continue
            depth = {k.arg: k.value for k in node.keywords if k.arg in ("max_table_nesting", "max_level")}
            limit = next((v.value for v in depth.values() if isinstance(v, ast.Constant)), None)
            if _called(node) == "json_normalize" and not isinstance(limit, int):
                yield Problem(
                    module.at(node), "json_normalize without max_level unnests to any depth", "json_normalize"
                )
            elif isinstance(limit, int) and limit > MAX_NESTING:
                name = next(iter(depth))
                yield Problem(module.at(node), f"{name}={limit} unnests more than one level", str(name))


def loader_columns(house: Warehouse) -> Iterator[Problem]:
    """No column that a loader added for itself is loaded."""
    for call in raw_tables(house):
        for name, node in call.columns.items():
            if BOOKKEEPING.match(name):
                yield Problem(call.module.at(node), f"{call.raw}: {name!r} is a loader's own column", name)


def descriptions(house: Warehouse) -> Iterator[Problem]:
    """Each asset says what one row is."""
    for call in raw_tables(house):
        if not call.description.strip():
            yield Problem(call.module.at(call.node), f"{call.raw} does not say what one row is", call.raw)


def tests(house: Warehouse) -> Iterator[Problem]:
    """Each source module has a test that names it."""
    for call in {call.module.path: call for call in raw_tables(house)}.values():
        module = Path(call.module.path).stem
        if not re.search(rf"\b{re.escape(module)}\b", house.test_text):
            yield Problem(
                call.module.at(call.module.tree), f"no test under tests/ names the source module {module}", module
            )


def caps(house: Warehouse) -> Iterator[Problem]:
    """Every BigQuery read is capped."""
    for module in house.modules:
        if "bigquery" not in module.text or "maximum_bytes_billed" in module.text:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _called(node) in ("query", "query_and_wait"):
                yield Problem(
                    module.at(node), "a BigQuery read without maximum_bytes_billed has no upper cost", "query"
                )


RULES = (
    Rule("WH101", "renamed-source-column", "columns are called as in the source", ASSET_RULES, source_columns),
    Rule("WH102", "deep-unnesting", "nested values stay nested, one level at most", ASSET_RULES, unnesting),
    Rule("WH103", "loader-column-in-asset", "no loader's own columns", ASSET_RULES, loader_columns),
    Rule("WH104", "undescribed-asset", "each asset says what one row is", ASSET_RULES, descriptions),
    Rule("WH105", "untested-asset", "each source module has a test", ASSET_RULES, tests),
    Rule("WH106", "uncapped-bigquery-read", "every BigQuery read has a cap", ASSET_RULES, caps),
)

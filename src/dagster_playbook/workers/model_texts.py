"""MODEL blocks on a page, held to what SQLMesh takes in the project: its dialect, audits and defaults."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlmesh.core.dialect import Model as ModelBlock
from sqlmesh.core.dialect import normalize_model_name, parse
from sqlmesh.core.model import Model, load_sql_based_models
from sqlmesh.core.model.kind import ModelKindName
from sqlmesh.core.signal import signal

from dagster_playbook.errors import UnjudgedError
from dagster_playbook.facts.authority import ModelAnswer, TextProblem
from dagster_playbook.failure import cause
from dagster_playbook.workers.block_properties import declared_columns, kind_of, property_of, seed_head
from dagster_playbook.workers.macro_names import KnownNames, unknown_macros
from dagster_playbook.workers.model_macros import (
    STAND_IN_NAME,
    WithoutMacros,
    nothing_evaluated,
    placeholder_query,
    static_defaults,
    without_macros,
)
from dagster_playbook.workers.sqlmesh_reader import ReadOnlyContext
from dagster_playbook.workers.sqlmesh_releases import model_arguments, variables_of

_LINE = re.compile(r"\bLine (\d+), Col: (\d+)")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTED = re.compile(r"'([^'\n]+)'")
#: what says nothing of the block, only of what it takes to read it
_NO_VERDICT = (UnjudgedError, RecursionError, MemoryError)
_NO_PROJECT: dict[str, Any] = {"default_catalog": None, "audit_definitions": {}, "infer_names": False}


def judge_model(text: str, context: ReadOnlyContext | None) -> ModelAnswer:
    """What SQLMesh makes of `text`; without a project, what can be said without its audits and macros.

    SQLMesh is given the block without its macros and templates, which are looked up by name and never evaluated.
    """
    dialect = context.config.model_defaults.dialect if context else ""
    try:
        expressions = parse(text, default_dialect=dialect)
    except _NO_VERDICT:
        raise
    except Exception as error:
        return ModelAnswer((_problem(error, text),))
    if not expressions or not isinstance(expressions[0], ModelBlock):
        return ModelAnswer((TextProblem("there is no MODEL block at the beginning", 1, 1),))
    block = expressions[0]
    cut = without_macros(expressions)
    problems = [*_silent_tags(block, text), *_unknown_gateway(block, text, context)]
    has_query = kind_of(block) == ModelKindName.SEED.value or len(cut.expressions) > 1
    if not has_query:
        cut.expressions.append(placeholder_query(declared_columns(block)))
    try:
        with nothing_evaluated(seed_head(cut.expressions[0], _folder(context))):
            loaded = _load(cut.expressions, context)
            if has_query and (cut.is_whole or cut.columns or kind_of(block) == ModelKindName.SEED.value):
                loaded.validate_definition()
            answer = _answer(loaded, cut, block, problems)
    except _NO_VERDICT:
        raise
    except Exception as error:
        if context is None and "is undefined" in str(error):
            return _told(block, problems)
        return _told(block, [*problems, _problem(error, text)])
    known = _known_names(context, has_interval=not loaded.kind.only_execution_time or cut.kind_is_lost)
    unknown = unknown_macros(expressions, known)
    return replace(answer, problems=(*answer.problems, *(_of_macro(name, told, text) for name, told in unknown)))


def _known_names(context: ReadOnlyContext | None, *, has_interval: bool) -> KnownNames:
    if context is None:
        return KnownNames({}, None, has_interval)
    return KnownNames(context._macros, frozenset(map(str.lower, variables_of(context)(None))), has_interval)


def _of_macro(name: str, message: str, text: str) -> TextProblem:
    line, column = _place(text, rf"(?<=@){re.escape(name)}(?!\w)")
    return TextProblem(message, line, column, name)


def _folder(context: ReadOnlyContext | None) -> Path:
    return Path(context.path) if context else Path.cwd()


def _load(expressions: list[exp.Expr], context: ReadOnlyContext | None) -> Model:
    arguments: dict[str, Any] = {"signal_definitions": signal.get_registry()}
    folder = _folder(context)
    variables: Any = lambda _gateway: {}  # noqa: E731 - the shape that SQLMesh asks for
    if context is None:
        arguments |= _NO_PROJECT
    else:
        config, variables = context.config, variables_of(context)
        arguments |= {
            "defaults": static_defaults(config.model_defaults.dict()),
            "audit_definitions": context._audits,
            "dialect": config.model_defaults.dialect,
            "time_column_format": config.time_column_format,
            "physical_schema_mapping": config.physical_schema_mapping,
            "project": config.project,
            "default_catalog": context.default_catalog,
            "infer_names": False,
            "default_catalog_per_gateway": context.default_catalog_per_gateway,
            **model_arguments(config),
        }
    logging.getLogger("sqlmesh").setLevel(logging.CRITICAL)
    place = folder / "models" / "of_a_page.sql"
    return load_sql_based_models(expressions, variables, path=place, module_path=folder, **arguments)[0]


def _silent_tags(block: exp.Expr, text: str) -> Iterator[TextProblem]:
    """Tags that SQLMesh turns into an empty string without a word: `tags (a=b)` has to be `tags ("a=b")`."""
    value = property_of(block, "tags")
    items = value.expressions if isinstance(value, exp.Tuple | exp.Array) else [value] if value is not None else []
    for item in [value.this] if isinstance(value, exp.Paren) else items:
        if not item.name and not isinstance(item, exp.Var) and "@" not in item.sql():
            written = item.sql().replace(" = ", "=")
            line, column = _place(text, re.escape(written).replace("=", r"\s*=\s*"))
            message = (
                f'SQLMesh reads the tag {written} as an empty one, without a word; write it in quotes: "{written}"'
            )
            yield TextProblem(message, line, column, written)


def _unknown_gateway(block: exp.Expr, text: str, context: ReadOnlyContext | None) -> Iterator[TextProblem]:
    value = property_of(block, "gateway")
    if context is None or value is None or not value.name or isinstance(value, exp.Var):
        return
    known = context.config.gateways
    if isinstance(known, dict) and value.name.lower() not in {name.lower() for name in known}:
        line, column = _place(text, rf"(?<=gateway)\s+\W?{re.escape(value.name)}")
        yield TextProblem(f"the project has no gateway {value.name!r}", line, column, value.name)


def _answer(model: Model, cut: WithoutMacros, block: exp.Expr, problems: list[TextProblem]) -> ModelAnswer:
    columns = tuple(model.columns_to_types or ())
    if not cut.is_whole and kind_of(block) != ModelKindName.SEED.value:
        columns = tuple(cut.columns or declared_columns(block))
    reads = {*(model.depends_on or ())} if cut.is_whole else _reads(model, cut)
    return ModelAnswer(
        problems=tuple(problems),
        name=str(model.name) if str(model.name) != STAND_IN_NAME else "",
        kind=str(model.kind.name.value) if not cut.kind_is_lost else kind_of(block),
        tags=tuple(model.tags),
        columns=columns,
        depends_on=tuple(sorted(reads)),
    )


def _reads(model: Model, cut: WithoutMacros) -> set[str]:
    """The tables that a query with macros names outside of them."""
    named = {normalize_model_name(table, model.default_catalog, model.dialect) for table in cut.tables}
    return named - {model.fqn}


def _told(block: exp.Expr, problems: list[TextProblem]) -> ModelAnswer:
    """What the block itself says when SQLMesh does not load it."""
    name = property_of(block, "name")
    return ModelAnswer(
        problems=tuple(problems),
        name=name.sql() if name is not None else "",
        kind=kind_of(block),
    )


def _problem(error: Exception, text: str) -> TextProblem:
    """The problem at the place that the error names, else at the first word that it quotes."""
    told = _ANSI.sub("", str(error))
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        message = re.sub(r"<Token [^>]*text: ([^,]*),[^>]*>", r"'\1'", str(first.get("description")))
        word = str(first["highlight"])
        return TextProblem(f"does not parse: {message}", int(first["line"]), _beginning(first["col"], word), word)
    if found := _LINE.search(told):
        message = told.splitlines()[0].replace(found.group(0), "").rstrip(" .")
        underlined = re.search(r"\x1b\[4m(.+?)\x1b\[0m", str(error), re.DOTALL)
        word = underlined.group(1) if underlined else ""
        return TextProblem(f"does not parse: {message}", int(found.group(1)), _beginning(found.group(2), word), word)
    message = _message(error)
    subject = next((name for name in _QUOTED.findall(message) if name in text), "")
    line, column = _place(text, rf"\b{re.escape(subject)}(?!\w)") if subject else (1, 1)
    return TextProblem(message, line, column, subject)


def _beginning(column: str | int, word: str) -> int:
    """Where a token begins: sqlglot tells the column of its end."""
    return max(int(column) - max(len(word), 1) + 1, 1)


def _message(error: Exception) -> str:
    if type(error).__name__ == "ValidationError" and hasattr(error, "errors"):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
    if isinstance(error, TokenError):
        return f"does not parse: {str(error).splitlines()[0]}"
    told = _ANSI.sub("", str(error))
    return re.sub(r" at '?[\w./-]*of_a_page\.sql'?$|: of_a_page\.sql$", "", cause(error)).rstrip(" .") or told


def _place(text: str, pattern: str) -> tuple[int, int]:
    # comments may name the same thing earlier; they are blanked, so that places stay
    bare = _COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment.group(0)), text)
    found = re.search(pattern, bare)
    if not found:
        return 1, 1
    start = found.start() + len(found.group(0)) - len(found.group(0).lstrip())
    before = text[:start]
    return before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1

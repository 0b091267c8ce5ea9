"""MODEL blocks on a page, loaded as SQLMesh would load them in the project: with its dialect, macros and audits."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlmesh.core.dialect import Jinja, parse
from sqlmesh.core.dialect import Model as ModelBlock
from sqlmesh.core.macros import macro
from sqlmesh.core.model import Model, load_sql_based_models
from sqlmesh.core.model.kind import ModelKindName
from sqlmesh.core.signal import signal

from dagster_playbook.platform.authority import ModelAnswer, TextProblem
from dagster_playbook.platform.failure import cause
from dagster_playbook.platform.sqlmesh_reader import ReadOnlyContext

_LINE = re.compile(r"\bLine (\d+), Col: (\d+)")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTED = re.compile(r"'([^'\n]+)'")
_NO_PROJECT: dict[str, Any] = {"default_catalog": None, "audit_definitions": {}, "infer_names": False}


def judge_model(text: str, context: ReadOnlyContext | None) -> ModelAnswer:
    """What SQLMesh makes of `text`; without a project, what can be said without its audits and macros."""
    dialect = context.config.model_defaults.dialect if context else ""
    try:
        expressions = parse(text, default_dialect=dialect)
    except Exception as error:
        return ModelAnswer((_problem(error, text),))
    if not expressions or not isinstance(expressions[0], ModelBlock):
        return ModelAnswer((TextProblem("there is no MODEL block at the beginning", 1, 1),))
    block = expressions[0]
    problems = [*_silent_tags(block, text), *_unknown_gateway(block, text, context)]
    is_complete = _has_query(expressions) and not _may_run_code(expressions, text)
    if not is_complete:
        expressions = [block, _placeholder_query(block)]
    try:
        loaded = _load(expressions, context)
        if is_complete:
            loaded.validate_definition()
    except Exception as error:
        if context is None and "is undefined" in str(error):
            return _told(block, problems)
        return _told(block, [*problems, _problem(error, text)])
    return _answer(loaded, problems, is_complete)


def _load(expressions: list[exp.Expr], context: ReadOnlyContext | None) -> Model:
    arguments: dict[str, Any] = {"macros": macro.get_registry(), "signal_definitions": signal.get_registry()}
    if context is None:
        return _quietly(expressions, lambda _gateway: {}, Path.cwd(), arguments | _NO_PROJECT)
    from sqlmesh.core.loader import get_variables

    config = context.config
    arguments |= {
        "defaults": config.model_defaults.dict(),
        "macros": context._macros,
        "jinja_macros": context._jinja_macros,
        "audit_definitions": context._audits,
        "dialect": config.model_defaults.dialect,
        "time_column_format": config.time_column_format,
        "physical_schema_mapping": config.physical_schema_mapping,
        "project": config.project,
        "default_catalog": context.default_catalog,
        "infer_names": False,
        "default_catalog_per_gateway": context.default_catalog_per_gateway,
        "virtual_environment_mode": config.virtual_environment_mode,
    }
    return _quietly(expressions, get_variables, Path(context.path), arguments)


def _quietly(expressions: list[exp.Expr], variables: Any, folder: Path, arguments: dict[str, Any]) -> Model:
    """Load; a seed that is not there yet is stood in for, since a page may show what is still to be written."""
    logging.getLogger("sqlmesh").setLevel(logging.CRITICAL)
    place = folder / "models" / "of_a_page.sql"
    with tempfile.TemporaryDirectory(prefix="playbook-seed-") as stand_in:
        _stand_in_for_seed(expressions[0], folder, Path(stand_in))
        models = load_sql_based_models(expressions, variables, path=place, module_path=folder, **arguments)
        first = models[0]
        _ = first.columns_to_types, first.depends_on
        return first


def _stand_in_for_seed(block: exp.Expr, folder: Path, stand_in: Path) -> None:
    kind = _property(block, "kind")
    if kind is None or str(getattr(kind, "this", "")).upper() != ModelKindName.SEED.value:
        return
    for item in kind.expressions:
        if item.name.lower() == "path" and (value := item.args.get("value")) is not None:
            named = Path(value.name.replace("$root", "."))
            real = next((path for path in _candidates(folder, named) if path.is_file()), None)
            if real is None:
                real = stand_in / "seed.csv"
                real.write_text(",".join(_declared_columns(block) or ["column_1"]) + "\n", encoding="utf-8")
            item.set("value", exp.Literal.string(str(real)))


def _candidates(folder: Path, named: Path) -> Iterator[Path]:
    """Where a seed's path may lead: it is relative to the model's file, and a page does not say where that is."""
    yield folder / named
    if (folder / "models").is_dir():
        for home in [folder / "models", *(path for path in (folder / "models").rglob("*") if path.is_dir())]:
            yield (home / named).resolve()


def _may_run_code(expressions: list[exp.Expr], text: str) -> bool:
    """Whether rendering would run a template, or a macro that reaches into Python: a page's text must not."""
    return any(isinstance(item, Jinja) for item in expressions) or bool(re.search(r"@.*__\w+__", text, re.DOTALL))


def _has_query(expressions: list[exp.Expr]) -> bool:
    kind = _property(expressions[0], "kind")
    if kind is not None and str(getattr(kind, "this", "")).upper() == ModelKindName.SEED.value:
        return True
    return len(expressions) > 1


def _placeholder_query(block: exp.Expr) -> exp.Expr:
    names = _declared_columns(block) or ["placeholder"]
    return exp.select(*(exp.alias_(exp.null(), name) for name in names))


def _declared_columns(block: exp.Expr) -> list[str]:
    columns = _property(block, "columns")
    return [item.name for item in columns.expressions] if columns is not None else []


def _property(block: exp.Expr, name: str) -> exp.Expr | None:
    for item in block.expressions:
        if isinstance(item, exp.Property) and item.name.lower() == name:
            value = item.args.get("value")
            return value if isinstance(value, exp.Expr) else None
    return None


def _silent_tags(block: exp.Expr, text: str) -> Iterator[TextProblem]:
    """Tags that SQLMesh turns into an empty string without a word: `tags (a=b)` has to be `tags ("a=b")`."""
    value = _property(block, "tags")
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
    value = _property(block, "gateway")
    if context is None or value is None or not value.name or isinstance(value, exp.Var):
        return
    known = context.config.gateways
    if isinstance(known, dict) and value.name.lower() not in {name.lower() for name in known}:
        line, column = _place(text, rf"(?<=gateway)\s+\W?{re.escape(value.name)}")
        yield TextProblem(f"the project has no gateway {value.name!r}", line, column, value.name)


def _answer(model: Model, problems: list[TextProblem], is_complete: bool) -> ModelAnswer:
    columns = tuple(model.columns_to_types or ())
    return ModelAnswer(
        problems=tuple(problems),
        name=str(model.name),
        kind=str(model.kind.name.value),
        tags=tuple(model.tags),
        columns=() if columns == ("placeholder",) and not is_complete else columns,
        depends_on=tuple(sorted(model.depends_on or ())) if is_complete else (),
    )


def _told(block: exp.Expr, problems: list[TextProblem]) -> ModelAnswer:
    """What the block itself says when SQLMesh does not load it."""
    name, kind = _property(block, "name"), _property(block, "kind")
    return ModelAnswer(
        problems=tuple(problems),
        name=name.sql() if name is not None else "",
        kind=str(getattr(kind, "this", "") or getattr(kind, "name", "")) if kind is not None else "",
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
    if "Failed to resolve macros" in told:
        return next((line for line in reversed(told.splitlines()) if "acro" in line), told.splitlines()[0])
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

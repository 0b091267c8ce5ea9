"""Where the files of a source stand in a project, and how its columns are called and typed in the warehouse."""

from __future__ import annotations

import functools
import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.scaffold.table import Column, SourceTable
from dagster_playbook.services.personal import is_personal_name
from dagster_playbook.settings import Settings

_FAULTS_SHOWN = 5
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*$")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*$")
_TRINO: dict[str, str] = {
    **dict.fromkeys(("INT64", "INTEGER", "INT", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"), "BIGINT"),
    **dict.fromkeys(("FLOAT", "FLOAT64", "DOUBLE", "REAL"), "DOUBLE"),
    **dict.fromkeys(("BOOL", "BOOLEAN"), "BOOLEAN"),
    **dict.fromkeys(("NUMERIC", "DECIMAL"), "DECIMAL(38, 9)"),
    "DATE": "DATE",
    **dict.fromkeys(("TIMESTAMP", "DATETIME", "TIMESTAMPTZ"), "TIMESTAMP(6)"),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of a project, POSIX and relative to `root`.

    Attributes:
        package: the code location's package, e.g. `warehouse/oso_dagster`.
        sqlmesh: the SQLMesh project, e.g. `warehouse/oso_sqlmesh`; schema: of its models, e.g. `oso`.
    """

    root: Path
    package: str
    module: str
    working_directory: str
    sqlmesh: str
    schema: str

    @property
    def package_name(self) -> str:
        """The package that is imported, e.g. `oso_dagster`."""
        return self.module.split(".")[0]


def layout_of(settings: Settings) -> Layout:
    """The layout that the settings describe.

    Raises:
        ScaffoldError: they name no SQLMesh project or no Dagster code location.
    """
    if not settings.sqlmesh or not settings.dagster:
        raise ScaffoldError(
            "the project has no SQLMesh project or no Dagster code location",
            path="pyproject.toml",
            cure="name them under [[tool.playbook.sqlmesh]] and [[tool.playbook.dagster]]",
        )
    location = settings.dagster[0]
    package = (Path(location.working_directory) / location.module.split(".")[0]).as_posix()
    return Layout(
        settings.root,
        package,
        location.module,
        location.working_directory,
        settings.sqlmesh[0].path,
        settings.schema or "oso",
    )


@dataclass(frozen=True, slots=True)
class TableName:
    """A source and one of its tables, e.g. `github` and `repositories`."""

    source: str
    table: str

    def __post_init__(self) -> None:
        for part in (self.source, self.table):
            if not _NAME.match(part) or keyword.iskeyword(part):
                raise ScaffoldError(
                    f"{part!r} is no name for a source or table",
                    cure="lower-case words joined by single underscores, no Python keyword",
                )

    @property
    def joined(self) -> str:
        """`github__repositories`."""
        return f"{self.source}__{self.table}"

    @property
    def raw(self) -> str:
        """`github.repositories`, the table that Dagster loads."""
        return f"{self.source}.{self.table}"


def column_name(name: str) -> str:
    """The source's name as the warehouse spells it: lower case, since SQL names have no case."""
    return name.lower()


def quoted(name: str) -> str:
    """A column name in SQL: quoted unless it is a plain word that is no keyword."""
    spelled = column_name(name)
    if _PLAIN.match(spelled) and spelled.upper() not in _keywords():
        return spelled
    escaped = spelled.replace('"', '""')
    return f'"{escaped}"'


@functools.cache
def _keywords() -> frozenset[str]:
    from sqlglot import tokens
    from sqlglot.dialects.trino import Trino

    return frozenset({*Trino.Tokenizer.KEYWORDS, *tokens.Tokenizer.KEYWORDS, *_RESERVED})


#: reserved by Trino and not known to the tokenizer as keywords
_RESERVED = frozenset(
    "CUBE DEALLOCATE EXTRACT GROUPING LISTAGG LOCALDATE NORMALIZE PREPARE ROLLUP SKIP TRIM UESCAPE USER WHEN END ELSE "
    "THEN CASE FROM SELECT WHERE GROUP ORDER BY TABLE TIMESTAMP DATE TIME INTERVAL VALUE VALUES KEY LANGUAGE".split()
)


def trino_type(column: Column) -> str:
    """The Trino type of a raw column; nested values, bytes, times of day and unknown types are kept as text.

    So are columns about a person, which are hashed on the way in.
    """
    if column.repeated or column.fields or is_personal_name(column.name):
        return "VARCHAR"
    word = re.match(r"\s*([A-Za-z][A-Za-z0-9]*)", column.type)
    return _TRINO.get(word.group(1).upper(), "VARCHAR") if word else "VARCHAR"


#: longer names are cut or refused by engines
MAX_NAME = 128


def name_problem(name: str) -> str:
    """Why a key of a source cannot be a column in every engine from here to Trino, "" when it can."""
    if not name.strip():
        return "is empty"
    if name != name.strip():
        return "begins or ends with a blank"
    if not name.isprintable():
        return "holds a character that cannot be printed"
    if any(opening in name for opening in ("@", "{{", "{%", "{#")):
        return "holds what SQLMesh reads as a macro or template"
    if len(name) > MAX_NAME:
        return f"is longer than {MAX_NAME} characters"
    return "" if _PLAIN.match(column_name(name)) else _misread(column_name(name))


def _misread(name: str) -> str:
    """What is left of a name in SQLMesh's unit tests, which read it as SQL: comments and semicolons end it."""
    from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

    read = normalize_identifiers(name, dialect="trino").name
    return "" if read == name else f"is read by SQLMesh as {read!r}"


def columns_of(table: SourceTable) -> dict[str, str]:
    """Column name in the warehouse to Trino type, in the source's order.

    Raises:
        ScaffoldError: a name can be no column, or two names differ in letter case alone.
    """
    columns: dict[str, str] = {}
    named = table.without_bookkeeping().columns
    faults = [f"{column.name!r} {why}" for column in named if (why := name_problem(column.name))]
    if faults:
        raise ScaffoldError(
            f"a key of the source can be no column: {'; '.join(faults[:_FAULTS_SHOWN])}",
            path=table.origin,
            cure="rename it at the source, or sample the records without it (--sample FILE)",
        )
    for column in named:
        name = column_name(column.name)
        if name in columns:
            raise ScaffoldError(
                f"two columns are called {name!r} but for letter case, and SQL cannot tell them apart",
                path=table.origin,
                cure="rename one at the source, or leave one out",
            )
        columns[name] = trino_type(column)
    return columns

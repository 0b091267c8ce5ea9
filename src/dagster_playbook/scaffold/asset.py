"""A new source asset: its module, its test with the recorded sample, its page, and its place in the code location."""

from __future__ import annotations

import ast
import json
import os
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from dagster_playbook.errors import ScaffoldError
from dagster_playbook.scaffold import asset_text
from dagster_playbook.scaffold.files import Change, change
from dagster_playbook.scaffold.layout import Layout, TableName, columns_of, trino_type
from dagster_playbook.scaffold.row_choice import Choice, choose_rows
from dagster_playbook.scaffold.sources import Source, safe_address
from dagster_playbook.scaffold.table import SourceTable
from dagster_playbook.services.personal import is_personal_name

_LOADERS = {
    "rest": "dlt's REST source",
    "sql": "dlt's SQL database source",
    "files": "dlt's filesystem source",
    "bigquery": "dagster-gcp's BigQuery resource",
}
_READERS = {".csv": "read_csv", ".jsonl": "read_jsonl", ".ndjson": "read_jsonl", ".parquet": "read_parquet"}


def new_asset(
    layout: Layout, name: TableName, source: Source, table: SourceTable, description: str = ""
) -> list[Change]:
    """The files of a new source asset, none of them written.

    Args:
        table: a sample of the source, personal values masked.

    Raises:
        ScaffoldError: the table has no rows or columns, names clash, or the code location has another shape.
    """
    table, source = table.without_bookkeeping(), _seen_from(layout.root, source)
    columns_of(table)
    choice = choose_rows(table)
    about = description or f"One row for each record of {safe_address(source.address)}."
    tests = "tests/unit/warehouse"
    changes = [
        change(
            layout.root, f"{layout.package}/sources/{name.joined}.py", module_text(layout, name, source, table, about)
        ),
        change(layout.root, f"{tests}/{name.joined}.json", sample_text(table, choice)),
        change(layout.root, f"{tests}/test_source_{name.joined}.py", _test_text(layout, name)),
        change(layout.root, f"docs/reference/sources/{name.joined}.md", _page_text(name, source, table, about)),
        _registered(layout, name),
    ]
    cells = change(layout.root, f"{layout.package}/sources/cells.py", _cells_text())
    return changes if cells.before is not None else [*changes, cells]


def _seen_from(root: Path, source: Source) -> Source:
    """The same source, with a relative path that begins at `root` in place of the working directory."""
    head = {"files": "", "sql": "sqlite:///"}.get(source.kind)
    path = "" if head is None or not source.address.startswith(head) else source.address.removeprefix(head)
    if not path or path.startswith(":") or Path(path).is_absolute():
        return source
    return replace(source, address=f"{head}{Path(os.path.relpath(path, root)).as_posix()}")


def module_text(layout: Layout, name: TableName, source: Source, table: SourceTable, about: str) -> str:
    """The Python module that reads the source."""
    personal = tuple(column.name for column in table.columns if is_personal_name(column.name))
    types = {c.name: trino_type(c) for c in table.columns}
    imports = ["from .personal_data import hashed"] if personal else []
    imports.append("from .tables import RawTable, SourceError")
    head = asset_text.HEAD.substitute(
        title=f"The table {name.raw}",
        loader=_LOADERS[source.kind],
        imports="\n".join(imports) + "\n",
        columns="\n".join(f"    {_literal(key)}: {_literal(type_)}," for key, type_ in types.items()),
        personal=f"# Hashed on the way in.\nPERSONAL = {_tuple(personal)}\n" if personal else "",
        variable=variable(name),
        address=_literal(safe_address(source.address)),
    )
    tail = asset_text.TAIL.substitute(
        source=name.source,
        table=name.table,
        raw=name.raw,
        description=_literal(about),
        hashing=", hashed=hashed, personal=PERSONAL" if personal else "",
    )
    text = head + _body(layout, name, source) + tail
    if source.kind == "bigquery":
        text = text.replace(
            "from typing import Any\n", "from contextlib import contextmanager\nfrom typing import Any\n", 1
        )
    return formatted(text)


def _body(layout: Layout, name: TableName, source: Source) -> str:
    depth = len(PurePosixPath(layout.package).parts) + 1
    if source.kind == "rest":
        return asset_text.REST.substitute(table=name.table, selector=source.selector or "$")
    if source.kind == "sql":
        text = asset_text.SQLITE if source.address.startswith("sqlite") else asset_text.SQL
        return text.substitute(database_table=source.table, depth=depth)
    if source.kind == "bigquery":
        return asset_text.BIGQUERY.substitute()
    suffix = Path(source.address).suffix
    if suffix == ".json":
        keys = tuple(source.selector.split(".")) if source.selector else "()"
        return asset_text.JSON_FILES.substitute(keys=keys, depth=depth)
    return asset_text.FILES.substitute(reader=_READERS[suffix], depth=depth)


def variable(name: TableName) -> str:
    """The environment variable that moves the source, e.g. `GITHUB_REPOSITORIES_ADDRESS`."""
    return f"{name.source}_{name.table}_address".upper()


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _tuple(items: tuple[str, ...]) -> str:
    return "(" + "".join(f"{_literal(item)}, " for item in items) + ")"


def formatted(text: str) -> str:
    """Python text as the project's formatter would leave it.

    Raises:
        ScaffoldError: the text is no Python.
    """
    import subprocess
    import sys

    try:
        ast.parse(text)
        done = subprocess.run(
            [sys.executable, "-m", "ruff", "format", "--line-length", "120", "--isolated", "-"],
            input=text, capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
    except (SyntaxError, subprocess.SubprocessError) as error:
        raise ScaffoldError(f"the generated module is no Python: {error}") from error
    return done.stdout


def sample_text(table: SourceTable, choice: Choice) -> str:
    """The recorded sample: the columns, and the rows that show the most cases, personal values masked."""
    columns = [{"name": c.name, "type": trino_type(c)} for c in table.columns]
    records = [dict(zip((c.name for c in table.columns), row.values, strict=True)) for row in choice.rows]
    document = {"origin": safe_address(table.origin), "columns": columns, "records": records}
    return json.dumps(document, ensure_ascii=False, indent=1, default=_json_cell) + "\n"


def _json_cell(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _test_text(layout: Layout, name: TableName) -> str:
    return asset_text.TEST.substitute(
        raw=name.raw, raw_pattern=name.raw.replace(".", "[.]"), package=layout.package_name, module=name.joined
    )


def _page_text(name: TableName, source: Source, table: SourceTable, about: str) -> str:
    personal = [column.name for column in table.columns if is_personal_name(column.name)]
    return asset_text.PAGE.substitute(
        raw=name.raw,
        source=name.source,
        table=name.table,
        description=about,
        kind=source.kind,
        loader=_LOADERS[source.kind],
        address=safe_address(source.address),
        variable=variable(name),
        personal=", ".join(personal) or "none",
        columns="\n".join(f"| {column.name} | {trino_type(column)} |" for column in table.columns),
    )


def _cells_text() -> str:
    return Path(__file__).with_name("cells.py").read_text(encoding="utf-8")


def _registered(layout: Layout, name: TableName) -> Change:
    """`source_assets.py` with the new module imported and its tables among TABLES."""
    path = f"{layout.package}/source_assets.py"
    current = change(layout.root, path, "")
    if current.before is None:
        raise ScaffoldError(
            "there is no source_assets.py to register the asset in",
            path=path,
            cure="the code location needs `from .sources import ...` and `TABLES = (*module.TABLES, ...)`",
        )
    return change(layout.root, path, registered(current.before, name.joined, path), is_edit=True)


def registered(text: str, module: str, path: str) -> str:
    """The text with `module` imported from `.sources` and `*module.TABLES` appended to `TABLES`.

    Raises:
        ScaffoldError: the import or the tuple is not there.
    """
    tree = ast.parse(text)
    imports = next(
        (n for n in tree.body if isinstance(n, ast.ImportFrom) and (n.level, n.module) == (1, "sources")), None
    )
    tables = next(
        (n.value for n in tree.body if isinstance(n, ast.AnnAssign | ast.Assign) and _target(n) == "TABLES"), None
    )
    if imports is None or not isinstance(tables, ast.Tuple):
        raise ScaffoldError(
            f"cannot register {module}: no `from .sources import ...` or no tuple TABLES",
            path=path,
            cure=f"import {module} from .sources and add *{module}.TABLES by hand",
        )
    names = sorted({alias.name for alias in imports.names} | {module})
    spread = [ast.unparse(item) for item in tables.elts]
    if f"*{module}.TABLES" not in spread:
        spread.append(f"*{module}.TABLES")
    text = _replaced(text, tables, "(" + ", ".join(spread) + ",)")
    return formatted(_replaced(text, imports, "from .sources import " + ", ".join(names)))


def _target(node: ast.AnnAssign | ast.Assign) -> str:
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    return target.id if isinstance(target, ast.Name) else ""


def _replaced(text: str, node: ast.stmt | ast.expr, new: str) -> str:
    """The text with a node's own stretch replaced; ast counts columns in bytes of UTF-8."""
    lines = text.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: (node.end_lineno or node.lineno) - 1])) + (node.end_col_offset or 0)
    data = text.encode()
    return (data[:start] + new.encode() + data[end:]).decode()

"""The text of a source module: how each kind of source is read by its maintained loader."""

from __future__ import annotations

from string import Template

HEAD = Template('''"""$title, read with $loader.

Columns are called as in the source; nested values are kept as JSON text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from .cells import tuples
$imports
# The source's own names, with the Trino types that they are loaded as.
COLUMNS = {
$columns
}
$personal

def address() -> str:
    """Where the source is: `$variable`, or where it was when this was written."""
    return os.environ.get("$variable") or $address


''')

TAIL = Template('''

def rows() -> Iterator[tuple[Any, ...]]:
    """One tuple a record, in the order of `COLUMNS`.

    Raises:
        SourceError: the source could not be read; the table is as it was.
    """
    try:
        yield from tuples(records(), COLUMNS$hashing)
    except Exception as error:
        raise SourceError(f"$raw could not be read: {error}") from error


TABLES = (
    RawTable(
        "$source",
        "$table",
        {name.lower(): type_ for name, type_ in COLUMNS.items()},
        rows,
        $description,
    ),
)
''')

REST = Template('''def records() -> Iterator[dict[str, Any]]:
    """The endpoint's records, all pages of it."""
    from urllib.parse import urlsplit

    from dlt.sources.rest_api import rest_api_resources

    url = urlsplit(address())
    endpoint = {"path": f"{url.path}?{url.query}" if url.query else url.path, "data_selector": "$selector"}
    resource = {"name": "$table", "endpoint": endpoint}
    (found,) = rest_api_resources({"client": {"base_url": f"{url.scheme}://{url.netloc}"}, "resources": [resource]})
    yield from found
''')

SQL = Template('''def records() -> Iterator[dict[str, Any]]:
    """The database table's rows."""
    from dlt.sources.sql_database import sql_table

    yield from sql_table(credentials=address(), table="$database_table", backend="sqlalchemy")
''')

SQLITE = Template('''def records() -> Iterator[dict[str, Any]]:
    """The database table's rows."""
    from pathlib import Path

    from dlt.sources.sql_database import sql_table
    from sqlalchemy import make_url

    url = make_url(address())
    if url.get_backend_name() == "sqlite" and url.database:
        # a relative path begins at the project's folder, wherever Dagster was started
        url = url.set(database=str(Path(__file__).resolve().parents[$depth] / url.database))
    credentials = url.render_as_string(hide_password=False)
    yield from sql_table(credentials=credentials, table="$database_table", backend="sqlalchemy")
''')

FILES = Template('''def records() -> Iterator[dict[str, Any]]:
    """The rows of all files that the address matches."""
    from pathlib import Path

    from dlt.sources.filesystem import filesystem, $reader

    # a relative address begins at the project's folder, wherever Dagster was started
    path = Path(__file__).resolve().parents[$depth] / address()
    if not any(path.parent.glob(path.name)):
        raise FileNotFoundError(f"there is no file {address()}")
    yield from filesystem(bucket_url=path.parent.as_uri(), file_glob=path.name) | $reader()
''')

JSON_FILES = Template('''def records() -> Iterator[dict[str, Any]]:
    """The records of all files that the address matches."""
    import json
    from pathlib import Path

    from dlt.sources.filesystem import filesystem

    # a relative address begins at the project's folder, wherever Dagster was started
    path = Path(__file__).resolve().parents[$depth] / address()
    if not any(path.parent.glob(path.name)):
        raise FileNotFoundError(f"there is no file {address()}")
    for file in filesystem(bucket_url=path.parent.as_uri(), file_glob=path.name):
        document = json.loads(file.read_bytes())
        for key in $keys:
            document = document[key]
        yield from document
''')

BIGQUERY = Template('''MAX_BYTES_BILLED = 10 * 1024**3
TIMEOUT_S = 600.0


def records() -> Iterator[dict[str, Any]]:
    """The table's rows; a read of more than `MAX_BYTES_BILLED` is refused by BigQuery."""
    from google.cloud import bigquery

    config = bigquery.QueryJobConfig(maximum_bytes_billed=MAX_BYTES_BILLED)
    with connected() as client:
        job = client.query(f"SELECT * FROM `{address()}`", job_config=config, timeout=TIMEOUT_S)
        for row in job.result(timeout=TIMEOUT_S):
            yield dict(row.items())


@contextmanager
def connected() -> Iterator[Any]:
    """A client by application-default credentials; of an emulator (`BIGQUERY_EMULATOR_HOST`) without any."""
    from dagster_gcp import BigQueryResource

    project = address().split(".")[0]
    if os.environ.get("BIGQUERY_EMULATOR_HOST"):
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        yield bigquery.Client(project=project, credentials=AnonymousCredentials())
    else:
        with BigQueryResource(project=project).get_client() as client:
            yield client
''')

TEST = Template('''"""The source $raw, from the sample that was recorded when it was added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from $package.sources import $module as source
from $package.sources.tables import SourceError

SAMPLE = json.loads(Path(__file__).with_name("$module.json").read_text(encoding="utf-8"))


def test_every_column_of_the_sample_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each recorded record becomes one row with a cell for each column, under the source's own names."""
    monkeypatch.setattr(source, "records", lambda: iter(SAMPLE["records"]))
    rows = list(source.rows())
    assert len(rows) == len(SAMPLE["records"])
    assert all(len(row) == len(source.COLUMNS) for row in rows)
    assert list(source.COLUMNS) == [column["name"] for column in SAMPLE["columns"]]


def test_no_row_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A renamed key would load as nothing but nulls."""
    monkeypatch.setattr(source, "records", lambda: iter(SAMPLE["records"]))
    assert all(any(cell is not None for cell in row) for row in source.rows())


def test_a_source_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure says which source it was, so that the raw table stays as it is."""

    def fail() -> Any:
        raise OSError("gone")

    monkeypatch.setattr(source, "records", fail)
    with pytest.raises(SourceError, match="$raw_pattern could not be read: gone"):
        list(source.rows())
''')

PAGE = Template("""# $raw

$description

| | |
|---|---|
| Kind of source | $kind, read with $loader |
| Address | $address; override it with the environment variable $variable |
| Asset | source $source, table $table, in the asset group of sources |
| Personal columns | $personal, hashed on the way in |

## Columns

| column | type |
|---|---|
$columns
""")

"""Read a BigQuery table for people: capped, costed beforehand, read-only, bounded in time, personal fields masked.

Real BigQuery is reached with application-default credentials; an emulator by its endpoint (`BIGQUERY_EMULATOR_HOST`),
without any.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.services.personal import Mask, is_personal_name

#: bytes that one sample may be billed for unless the reader says otherwise: 1 GiB
DEFAULT_MAX_BYTES = 1 << 30
#: tables below this size are read as they stand, larger ones by blocks (TABLESAMPLE)
SAMPLE_ABOVE_BYTES = 100 << 20
DEFAULT_TIMEOUT_S = 60.0
#: seconds in which an emulator is asked again: what does not listen on this machine will not come by waiting
EMULATOR_RETRY_S = 3.0
_REFERENCE = re.compile(r"^`?(?P<project>[a-z0-9:.\-]+)\.(?P<dataset>\w+)\.(?P<table>[\w\- $]+)`?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TableReference:
    """`PROJECT.DATASET.TABLE`."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"

    @classmethod
    def parse(cls, text: str) -> TableReference:
        """Read a reference as people write it, with or without backticks.

        Raises:
            PlatformError: it does not have three parts of allowed characters.
        """
        match = _REFERENCE.match(text.strip())
        if match is None:
            raise PlatformError(f"{text!r} is no BigQuery table", cure="write PROJECT.DATASET.TABLE")
        return cls(match["project"], match["dataset"], match["table"])


@dataclass(frozen=True, slots=True)
class FieldFact:
    """A field of a schema; `type` and `mode` (NULLABLE, REQUIRED, REPEATED) as BigQuery spells them."""

    name: str
    type: str
    mode: str
    fields: tuple[FieldFact, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSample:
    """Rows of a table with what they cost.

    Attributes:
        rows: tuples in the order of `fields`, personal values masked.
        total_rows, size_bytes: of the whole table, from its metadata; -1 when BigQuery does not say.
        estimated_bytes: what the dry run said; billed_bytes: what BigQuery billed, -1 when it does not say.
        masked: names of the columns that were masked by their name.
    """

    reference: TableReference
    fields: tuple[FieldFact, ...]
    rows: tuple[tuple[Any, ...], ...]
    total_rows: int
    size_bytes: int
    estimated_bytes: int
    billed_bytes: int
    masked: tuple[str, ...] = ()


def emulator_endpoint() -> str:
    """The address in `BIGQUERY_EMULATOR_HOST`, with a scheme; "" when unset."""
    host = os.environ.get("BIGQUERY_EMULATOR_HOST", "").rstrip("/")
    return host if not host or "://" in host else f"http://{host}"


@dataclass(slots=True)
class BigQueryReader:
    """Reads tables and never writes.

    Attributes:
        project: who is billed; "" for the project of the credentials.
        endpoint: an emulator's address, e.g. `http://127.0.0.1:9050`; "" for Google's.
        timeout_s: seconds for any one question, retries included (the client's own default is ten minutes).
        max_bytes: a query that would read more is refused, by us before and by BigQuery in any case.
    """

    project: str = ""
    endpoint: str = field(default_factory=emulator_endpoint)
    timeout_s: float = DEFAULT_TIMEOUT_S
    max_bytes: int = DEFAULT_MAX_BYTES
    mask: Mask = field(default_factory=Mask)
    _client: Any = field(default=None, repr=False)

    def sample(self, reference: TableReference, *, rows: int = 1000) -> TableSample:
        """Read at most `rows` rows.

        Raises:
            PlatformError: no credentials, no such table, no permission, over the cap, or no answer in time.
        """
        table = self._table(reference)
        fields = tuple(_field(item) for item in table.schema)
        if not fields:
            raise PlatformError(f"{reference} has no columns", cure="materialise the source first")
        sql = sample_sql(reference, int(table.num_bytes or 0), str(table.table_type or "TABLE"), rows)
        estimated = self.dry_run(sql)
        with self._asking(str(reference)):
            job = self._query(sql)
            found = [
                tuple(row.values()) for row in job.result(timeout=self.timeout_s, retry=self._retry(), job_retry=None)
            ]
            billed = job.total_bytes_billed
        masked = tuple(tuple(self.mask.cell(f.name, v) for f, v in zip(fields, row, strict=True)) for row in found)
        return TableSample(
            reference,
            fields,
            masked,
            -1 if table.num_rows is None else int(table.num_rows),
            -1 if table.num_bytes is None else int(table.num_bytes),
            estimated,
            -1 if billed is None else int(billed),
            tuple(f.name for f in fields if is_personal_name(f.name)),
        )

    def dry_run(self, sql: str) -> int:
        """The bytes that a query would read; it is not run.

        Raises:
            PlatformError: it is no SELECT, or would read more than `max_bytes`, or cannot be asked.
        """
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
        with self._asking("the query"):
            job = self._connected().query(
                sql, job_config=config, timeout=self.timeout_s, retry=self._retry(), job_retry=None
            )
        if job.statement_type not in (None, "SELECT"):
            raise PlatformError(f"only SELECT is run, this is {job.statement_type}")
        estimated = int(job.total_bytes_processed or 0)
        if estimated > self.max_bytes:
            raise PlatformError(
                f"the query would read {estimated:,} bytes, over the cap of {self.max_bytes:,}",
                cure="raise the cap with --max-bytes, or sample a smaller table",
            )
        return estimated

    def _query(self, sql: str) -> Any:
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            maximum_bytes_billed=self.max_bytes, use_query_cache=True, labels={"tool": "dagster-playbook"}
        )
        return self._connected().query(
            sql, job_config=config, timeout=self.timeout_s, retry=self._retry(), job_retry=None
        )

    def _table(self, reference: TableReference) -> Any:
        with self._asking(str(reference)):
            return self._connected().get_table(str(reference), timeout=self.timeout_s, retry=self._retry())

    def _retry(self) -> Any:
        from google.cloud.bigquery.retry import DEFAULT_RETRY

        return DEFAULT_RETRY.with_timeout(min(self.timeout_s, EMULATOR_RETRY_S) if self.endpoint else self.timeout_s)

    def _connected(self) -> Any:
        if self._client is None:
            self._client = _connect(self.project, self.endpoint)
        return self._client

    @contextmanager
    def _asking(self, subject: str) -> Iterator[None]:
        """Every way in which the client fails becomes one sentence with a cure."""
        import concurrent.futures

        import requests
        from google.api_core import exceptions as api
        from google.auth import exceptions as auth

        where = self.endpoint or "BigQuery"
        try:
            yield
        except PlatformError:
            raise
        except api.NotFound as error:
            raise PlatformError(f"{where} has no {subject}", cure="check the name and the project") from error
        except (api.Forbidden, api.Unauthorized) as error:
            raise PlatformError(
                f"no permission to read {subject}: {_first_line(error)}",
                cure="ask for roles/bigquery.dataViewer on the dataset and roles/bigquery.jobUser on the project",
            ) from error
        except (api.RetryError, requests.RequestException, concurrent.futures.TimeoutError) as error:
            raise PlatformError(
                f"{where} did not answer in time about {subject}: {_first_line(error)}",
                cure="for the emulator: playbook stack up --with bigquery; else check the network, then try again",
            ) from error
        except auth.GoogleAuthError as error:
            raise PlatformError(
                f"no Google credentials: {_first_line(error)}", cure="run: gcloud auth application-default login"
            ) from error
        except (api.GoogleAPICallError, ValueError) as error:
            raise PlatformError(f"{where} refused {subject}: {_first_line(error)}") from error


def sample_sql(reference: TableReference, size_bytes: int, kind: str, rows: int) -> str:
    """The query of a sample: whole when small, by blocks when large; views cannot be sampled by blocks."""
    blocks = ""
    if kind == "TABLE" and size_bytes > SAMPLE_ABOVE_BYTES:
        percent = max(0.01, round(100 * SAMPLE_ABOVE_BYTES / size_bytes, 2))
        blocks = f" TABLESAMPLE SYSTEM ({percent:g} PERCENT)"
    return f"SELECT * FROM `{reference}`{blocks} LIMIT {int(rows)}"  # noqa: S608 - the reference is checked by parse()


def _connect(project: str, endpoint: str) -> Any:
    import google.auth
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import bigquery

    if endpoint:
        return bigquery.Client(
            project=project or "local",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=endpoint),
        )
    try:
        credentials, own_project = google.auth.default(scopes=["https://www.googleapis.com/auth/bigquery"])
    except DefaultCredentialsError as error:
        raise PlatformError(
            "no Google credentials on this machine",
            cure="run `gcloud auth application-default login`, or point BIGQUERY_EMULATOR_HOST at the emulator",
        ) from error
    return bigquery.Client(project=project or own_project, credentials=credentials)


def _field(item: Any) -> FieldFact:
    return FieldFact(item.name, item.field_type, item.mode, tuple(_field(inner) for inner in item.fields))


def _first_line(error: BaseException) -> str:
    text = getattr(error, "message", "") or str(error) or type(error).__name__
    return str(text).strip().splitlines()[0][:300]

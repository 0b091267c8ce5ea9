"""Run a query on Trino and have its rows, with timeouts and one kind of error."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagster_playbook.errors import PlatformError

#: seconds for one request of the protocol, and for a whole query
REQUEST_TIMEOUT_S = 15.0
QUERY_TIMEOUT_S = 120.0
#: seconds that a started coordinator may wait for its worker
_WORKERS_TIMEOUT_S = 60.0
#: seconds that a query is asked again while no node can run it
_NODES_TIMEOUT_S = 20.0


class TrinoError(PlatformError):
    """Trino refused a query, or could not be asked.

    Attributes:
        name: Trino's error name, e.g. `TABLE_NOT_FOUND`; "" when it could not be asked.
        kind: whose fault Trino says it is: `USER_ERROR`, `INTERNAL_ERROR`, `EXTERNAL` or `INSUFFICIENT_RESOURCES`.
    """

    def __init__(self, message: str, *, name: str = "", kind: str = "", cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.name = name
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query and the names and Trino types of its columns."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def scalar(self) -> Any:
        """The single value of a query that has one row and one column."""
        ((value,),) = self.rows
        return value


@dataclass(frozen=True, slots=True)
class TrinoQuery:
    """Where and as whom queries are run."""

    host: str
    port: int
    user: str = "playbook"
    scheme: str = "http"
    request_timeout_s: float = REQUEST_TIMEOUT_S
    query_timeout_s: float = QUERY_TIMEOUT_S

    def query(
        self, sql: str, *, catalog: str = "", schema: str = "", session: Mapping[str, str] | None = None
    ) -> Answer:
        """Run one statement to its end, with these session properties.

        A Trino that just started may have no node for a catalog yet; nothing has run then, and it is asked again.

        Raises:
            TrinoError: Trino refuses it, it takes longer than `query_timeout_s`, or Trino cannot be reached.
        """
        deadline = time.monotonic() + _NODES_TIMEOUT_S
        while True:
            try:
                return self._run(sql, catalog, schema, session or {})
            except TrinoError as error:
                if error.name != "NO_NODES_AVAILABLE" or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _run(self, sql: str, catalog: str, schema: str, session: Mapping[str, str]) -> Answer:
        import requests
        import trino

        try:
            with contextlib.closing(self._connect(catalog, schema, session)) as connection:
                cursor = connection.cursor()
                cursor.execute(sql)
                rows = tuple(tuple(row) for row in cursor.fetchall())
                described = cursor.description or []
                return Answer(tuple(d[0] for d in described), tuple(d[1] for d in described), rows)
        except trino.exceptions.TrinoQueryError as error:
            name, kind = str(error.error_name), str(error.error_type)
            raise TrinoError(f"Trino refused: {error.message}", name=name, kind=kind) from error
        except (trino.exceptions.Error, requests.RequestException, OSError) as error:
            raise TrinoError(
                f"Trino at {self.host}:{self.port} could not be asked: {error or type(error).__name__}",
                cure="see `playbook stack status`, or check TRINO_HOST and TRINO_PORT",
            ) from error

    def wait_for_workers(self, timeout_s: float = _WORKERS_TIMEOUT_S) -> None:
        """Return when a query that needs a worker runs; a coordinator that just started may have none yet.

        Raises:
            TrinoError: none came in time.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                # Not a system table: those are read on the coordinator alone.
                self.query("SELECT count(*) FROM UNNEST(sequence(1, 3))")
            except TrinoError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def _connect(self, catalog: str, schema: str, session: Mapping[str, str]) -> Any:
        import trino

        connect: Any = trino.dbapi.connect
        return connect(
            host=self.host,
            port=self.port,
            user=self.user,
            http_scheme=self.scheme,
            catalog=catalog or None,
            schema=schema or None,
            source="dagster-playbook",
            request_timeout=self.request_timeout_s,
            max_attempts=2,
            session_properties={"query_max_run_time": f"{self.query_timeout_s:.0f}s", **session},
        )

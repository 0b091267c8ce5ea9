"""Run SQLMesh's audits on the data of a commit: through Trino where it shows that very data, else from the files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.lake.iceberg_files import FilesGoneError, Lake, open_table
from dagster_playbook.restatement.audits import RenderedAudit
from dagster_playbook.services.nessie_model import Content, Reference
from dagster_playbook.services.trino_query import TrinoError, TrinoQuery
from dagster_playbook.stack.verification import AuditResult

TABLE, VIEW = "ICEBERG_TABLE", "ICEBERG_VIEW"


@dataclass
class Auditor:
    """Counts what breaks each audit at a commit.

    Attributes:
        target: the commit that is audited.
        then: the tables and views at that commit, by their dotted names.
        shown: the same at the reference that Trino's catalog shows.
        lake: gives the lake's address, asked only when a version has to be read that no catalog shows.
        tell: told the audit that is run next.
    """

    trino: TrinoQuery
    lake: Callable[[], Lake]
    target: Reference
    then: Mapping[str, Content]
    shown: Mapping[str, Content]
    tell: Callable[[str], None]
    _files: Any = None
    _loaded: set[str] = field(default_factory=set)

    def run(self, audits: Iterable[RenderedAudit]) -> tuple[AuditResult, ...]:
        """The result of each audit; what could not be counted says why.

        Raises:
            PlatformError: Trino itself cannot be reached.
        """
        try:
            return tuple(self._run(audit) for audit in audits)
        finally:
            if self._files is not None:
                self._files.close()

    def _run(self, audit: RenderedAudit) -> AuditResult:
        self.tell(f"audit {audit.name} of {audit.table}")
        problem, found = audit.problem, None
        if not problem:
            try:
                found = self._count(audit)
            except TrinoError as error:
                if not error.name:
                    # Trino itself is not there, which says nothing of the audit.
                    raise
                problem = error.message
            except PlatformError as error:
                problem = error.message
        return AuditResult(audit.table, audit.name, audit.is_blocking, found, problem)

    def _count(self, audit: RenderedAudit) -> int:
        missing = sorted(name for name in audit.reads if name not in self.then)
        if missing:
            raise FilesGoneError(f"it reads {missing[0]}, which is not there")
        if self._is_shown(audit.reads):
            return int(self.trino.query(audit.trino).scalar())
        return self._count_in_files(audit)

    def _is_shown(self, reads: Collection[str]) -> bool:
        """Whether the catalog shows all that the audit reads as it is at the target; a view may read anything."""
        if self.then == self.shown:
            return True
        return all(
            self.then[name].kind == TABLE
            and name in self.shown
            and self.shown[name].snapshot_id == self.then[name].snapshot_id
            for name in reads
        )

    def _count_in_files(self, audit: RenderedAudit) -> int:
        if not audit.duckdb:
            raise PlatformError("its query says what only Trino can, and no catalog of Trino shows that commit")
        import duckdb

        if self._files is None:
            self._files = duckdb.connect()
        for name in sorted(audit.reads - self._loaded):
            self._load(name)
        try:
            row = self._files.execute(audit.duckdb).fetchone()
        except duckdb.Error as error:
            why = " ".join(str(error).split())
            raise PlatformError(f"no catalog of Trino shows that commit, and DuckDB refuses: {why}") from error
        return int(row[0])

    def _load(self, name: str) -> None:
        content = self.then[name]
        if content.kind == VIEW:
            raise PlatformError(f"it reads the view {name}, which no catalog of Trino shows as it was at that commit")
        table = open_table(self.lake(), self.target.name, self.target.hash, content.key)
        quoted = name.replace('"', '""')
        try:
            self._files.register("arriving", table.batches)
            self._files.execute(f'CREATE TABLE "{quoted}" AS SELECT * FROM arriving')  # noqa: S608 - the name is quoted
        except Exception as error:
            raise FilesGoneError(f"{name} cannot be read at {self.target.hash[:12]}: {error}") from error
        finally:
            self._files.unregister("arriving")
        self._loaded.add(name)

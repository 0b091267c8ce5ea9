# ruff: noqa: S608 - every name in a statement is quoted
"""Verify a branch of the embedded warehouse before it is published: measure and audit its public tables, and judge."""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_playbook.diff.duckdb_engine import File, attached
from dagster_playbook.errors import PlatformError, StackError
from dagster_playbook.restatement.audits import RenderedAudit, RenderedAudits
from dagster_playbook.stack.measuring import measured_in_file
from dagster_playbook.stack.verification import (
    AuditResult,
    TableMeasure,
    Thresholds,
    Verdict,
    audit_crossings,
    judge,
)


@dataclass(frozen=True, slots=True)
class BranchVerifier:
    """Compares the public tables of two DuckDB files, and audits those of the second.

    Attributes:
        before, after: the data file of production and that of the branch; `catalog` is what both are called.
        hashes: fingerprints of the two.
        audits: gives the audits of some tables, e.g. of `oso.projects_v1`.
        tell: told the work that comes next.
    """

    before: Path
    after: Path
    catalog: str
    hashes: tuple[str, str]
    audits: Callable[[Collection[str]], RenderedAudits]
    tell: Callable[[str], None]

    def verify(self, tables: Collection[str], allowed: Thresholds, accept: Collection[str]) -> Verdict:
        """Compare and audit.

        Args:
            tables: glob patterns of dotted names.
            accept: keys of crossings that somebody has looked at, e.g. `oso.projects_v1:rows`.

        Raises:
            StackError: no table matches, or `accept` names what was not crossed.
            PlatformError: a file cannot be read, or SQLMesh cannot be asked.
        """
        with contextlib.ExitStack() as stack:
            files = [
                File(stack.enter_context(attached({self.catalog: path})), self.catalog)
                for path in (self.before, self.after)
            ]
            now, then = (self._measured(file, tables) for file in files)
            if not now and not then:
                raise StackError(f"no table matches {', '.join(tables)}", cure="name the public tables with --tables")
            rendered = self.audits(then.keys())
            audited = tuple(self._audited(files[1], audit) for audit in rendered.audits)
        crossings = [*judge(now, then, allowed, accept), *audit_crossings(audited, accept)]
        if needless := sorted(set(accept) - {crossing.key for crossing in crossings}):
            raise StackError(f"--accept {needless[0]}: nothing of that name was crossed")
        return Verdict(
            tag="production",
            tag_hash=self.hashes[0],
            target_hash=self.hashes[1],
            compared=tuple(sorted(now.keys() & then.keys())),
            added=tuple(sorted(then.keys() - now.keys())),
            crossings=tuple(crossings),
            audits=audited,
            without_model=rendered.without_model,
        )

    def _measured(self, file: File, patterns: Collection[str]) -> dict[str, TableMeasure]:
        found = {}
        for name in sorted(file.tables):
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
                self.tell(name)
                found[name] = measured_in_file(file.connection, name, file.path(name))
        return found

    def _audited(self, file: File, audit: RenderedAudit) -> AuditResult:
        self.tell(f"audit {audit.name} of {audit.table}")
        problem, found = audit.problem, None
        if not problem:
            try:
                found = self._count(file, audit)
            except PlatformError as error:
                problem = error.message
        return AuditResult(audit.table, audit.name, audit.is_blocking, found, problem)

    def _count(self, file: File, audit: RenderedAudit) -> int:
        if not audit.duckdb:
            raise PlatformError("its query says what DuckDB cannot")
        for name in sorted(audit.reads):
            if name not in file.tables:
                raise PlatformError(f"it reads {name}, which is not there")
            flat = name.replace('"', '""')
            file.ask(f'CREATE OR REPLACE TEMP VIEW "{flat}" AS SELECT * FROM {file.path(name)}')
        rows: list[tuple[Any, ...]] = file.ask(audit.duckdb)
        return int(rows[0][0])

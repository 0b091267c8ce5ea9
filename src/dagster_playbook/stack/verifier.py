"""Verify a move of the tag: measure and audit the public tables where it would go, and judge."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from dagster_playbook.errors import StackError
from dagster_playbook.lake.iceberg_files import FilesGoneError, Lake
from dagster_playbook.restatement.audits import RenderedAudits
from dagster_playbook.services.nessie import NessieClient
from dagster_playbook.services.nessie_model import Content, Reference
from dagster_playbook.services.trino_query import TrinoError, TrinoQuery
from dagster_playbook.stack.auditing import TABLE, VIEW, Auditor
from dagster_playbook.stack.measuring import measure, measure_files
from dagster_playbook.stack.verification import TableMeasure, Thresholds, Verdict, audit_crossings, judge

#: told the work that comes next
Teller = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Verifier:
    """Compares the public tables at a commit of a branch with those that a tag shows, and audits them.

    Attributes:
        catalogs: Trino's catalog on the branch and its catalog on the tag.
        lake: gives the lake's address, asked only when a version has to be read that no catalog shows.
        audits: gives the audits of some tables, e.g. of `oso.projects_v1`.
    """

    nessie: NessieClient
    trino: TrinoQuery
    catalogs: tuple[str, str]
    lake: Callable[[], Lake]
    audits: Callable[[Collection[str]], RenderedAudits]
    tell: Teller

    def verify(
        self,
        tables: Collection[str],
        refs: tuple[str, str],
        to_hash: str,
        allowed: Thresholds,
        accept: Collection[str],
    ) -> Verdict:
        """Compare the tables at `to_hash` (the head of the branch when "") with what the tag shows now; audit them.

        Args:
            tables: glob patterns of dotted names.
            refs: the branch and the tag.
            accept: keys of crossings that somebody has looked at, e.g. `oso.projects_v1:rows`.

        Raises:
            StackError: the hash is not on the branch, no table matches, `accept` names what was not crossed, or
                a reference moved meanwhile.
            PlatformError: Nessie, Trino or SQLMesh cannot be asked.
        """
        head, present = (self.nessie.get_reference(name) for name in refs)
        target = self._target(head, to_hash)
        whole, at_head = self._contents(target), self._contents(head)
        now, then = _public(self._contents(present), tables), _public(whole, tables)
        if not now and not then:
            raise StackError(f"no table matches {', '.join(tables)}", cure="name the public tables with --tables")
        same = {n for n in now.keys() & then.keys() if now[n].snapshot_id == then[n].snapshot_id}
        before = {n: self._through_trino(self.catalogs[1], c) for n, c in sorted(now.items()) if n not in same}
        changed = {n: c for n, c in sorted(then.items()) if n not in same}
        after, unreadable = self._at_target(target, changed, at_head)
        rendered = self.audits(then.keys())
        audited = Auditor(self.trino, self.lake, target, whole, at_head, self.tell).run(rendered.audits)
        self._refuse_if_moved(head, present, at_head, {*then, *(n for audit in rendered.audits for n in audit.reads)})
        crossings = judge({n: m for n, m in before.items() if n not in unreadable}, after, allowed, accept)
        crossings += audit_crossings(audited, accept)
        needless = sorted(set(accept) - {c.key for c in crossings})
        if needless:
            raise StackError(f"--accept {needless[0]}: nothing of that name was crossed")
        return Verdict(
            tag=present.name,
            tag_hash=present.hash,
            target_hash=target.hash,
            unchanged=tuple(sorted(same)),
            compared=tuple(sorted(before.keys() & after.keys())),
            added=tuple(sorted(after.keys() - now.keys())),
            crossings=tuple(crossings),
            unreadable=unreadable,
            audits=audited,
            without_model=rendered.without_model,
        )

    def _target(self, head: Reference, to_hash: str) -> Reference:
        if not to_hash:
            return head
        if not self.nessie.is_on(head.name, to_hash):
            raise StackError(
                f"{to_hash} is not on the history of {head.name}", cure=f"take a hash from the history of {head.name}"
            )
        return Reference(head.name, head.kind, to_hash)

    def _contents(self, at: Reference) -> dict[str, Content]:
        """Every table and view at a commit."""
        found = self.nessie.contents(at.name, hash=at.hash)
        return {content.name: content for content in found if content.kind in (TABLE, VIEW)}

    def _at_target(
        self, target: Reference, changed: Mapping[str, Content], at_head: Mapping[str, Content]
    ) -> tuple[dict[str, TableMeasure], dict[str, str]]:
        """The tables at the target, and why those could not be read that could not."""
        measured: dict[str, TableMeasure] = {}
        unreadable: dict[str, str] = {}
        for name, content in changed.items():
            try:
                if name in at_head and at_head[name].snapshot_id == content.snapshot_id:
                    measured[name] = self._through_trino(self.catalogs[0], content)
                else:
                    self.tell(f"{name} at {target.hash[:12]}, from its files")
                    measured[name] = measure_files(self.lake(), target, content)
            except (TrinoError, FilesGoneError) as error:
                if isinstance(error, TrinoError) and not error.name:
                    # Trino itself is not there, which says nothing of the files.
                    raise
                unreadable[name] = error.message
        return measured, unreadable

    def _through_trino(self, catalog: str, content: Content) -> TableMeasure:
        self.tell(f"{catalog}.{content.name}")
        return measure(self.trino, catalog, content)

    def _refuse_if_moved(
        self, head: Reference, present: Reference, at_head: Mapping[str, Content], read: Collection[str]
    ) -> None:
        """What was read through a catalog is what the catalog showed then; a view may have read anything."""
        if self.nessie.get_reference(present.name) != present:
            raise StackError(f"{present.name} was moved while it was measured", cure="run it again")
        moved = self.nessie.get_reference(head.name)
        if moved == head:
            return
        now = self._contents(moved)
        names = {*at_head, *now} if any(name in at_head and at_head[name].kind == VIEW for name in read) else read
        if any(now.get(name) != at_head.get(name) for name in names):
            raise StackError(
                f"{head.name} was written to while it was measured",
                cure="run it again when no run is in flight, or name the commit with --to-hash",
            )


def _public(contents: Mapping[str, Content], tables: Collection[str]) -> dict[str, Content]:
    return {
        name: content
        for name, content in contents.items()
        if content.kind == TABLE and any(fnmatch.fnmatchcase(name, pattern) for pattern in tables)
    }

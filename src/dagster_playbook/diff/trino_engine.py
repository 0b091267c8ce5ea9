# ruff: noqa: S608 - every name in a statement is quoted
"""The tables at two Nessie references, each of which a catalog of one Trino shows.

Nessie tells which tables are the same without reading them. A view is held to its definition alone: its text names a
catalog, so that through either catalog it reads the same tables.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dagster_playbook.diff.compare import Version
from dagster_playbook.diff.statements import quoted
from dagster_playbook.errors import PlatformError
from dagster_playbook.services.nessie import NessieClient
from dagster_playbook.services.nessie_model import Content, Reference
from dagster_playbook.services.trino_query import TrinoQuery

_TABLE, _VIEW = "ICEBERG_TABLE", "ICEBERG_VIEW"


@dataclass(frozen=True, slots=True)
class Shown:
    """A reference and the catalog that shows it; `contents` is what stood there, by dotted name."""

    reference: Reference
    catalog: str
    contents: Mapping[str, Content] = field(default_factory=dict)

    @classmethod
    def of(cls, nessie: NessieClient, name: str, catalog: str) -> Shown:
        """A reference as it stands now.

        Raises:
            NessieError: there is no such reference, or Nessie cannot be asked.
        """
        reference = nessie.get_reference(name)
        found = nessie.contents(reference.name, hash=reference.hash)
        return cls(reference, catalog, {c.name: c for c in found if c.kind in (_TABLE, _VIEW)})

    def refuse_moved(self, nessie: NessieClient) -> None:
        """Refuse what was compared when the catalog has shown something else meanwhile.

        Raises:
            PlatformError: the reference stands elsewhere by now.
        """
        if nessie.get_reference(self.reference.name) != self.reference:
            raise PlatformError(f"{self.reference.name} moved while it was compared", cure="run it again")


@dataclass(frozen=True, slots=True)
class TrinoEngine:
    """Both references, on one Trino."""

    trino: TrinoQuery
    before: Shown
    after: Shown

    def tables(self) -> tuple[Collection[str], Collection[str]]:
        """Tables and views."""
        return self.before.contents, self.after.contents

    def is_same(self, name: str) -> bool:
        """A table whose metadata file is the same has the same rows; a view has the same text."""
        old, new = self.before.contents[name], self.after.contents[name]
        return (old.kind, old.metadata_location) == (new.kind, new.metadata_location)

    def versions(self, name: str) -> tuple[Version, Version]:
        """Columns, rows and checksum, as `checksum_of` gives it.

        Raises:
            PlatformError: one of the two is a view.
        """
        if _VIEW in (self.before.contents[name].kind, self.after.contents[name].kind):
            raise PlatformError("the text of the view differs, and what it shows is not compared")
        return self._version(self._path(self.before, name)), self._version(self._path(self.after, name))

    def rows(self, name: str, is_after: bool) -> int:
        """How many rows one version has; none are counted of a view."""
        side = self.after if is_after else self.before
        if side.contents[name].kind == _VIEW:
            return 0
        return int(self.trino.query(f"SELECT count(*) FROM {self._path(side, name)}").scalar())

    def sources(self, name: str) -> tuple[str, str]:
        """The table in each catalog."""
        return self._path(self.before, name), self._path(self.after, name)

    def ask(self, sql: str) -> Sequence[Sequence[Any]]:
        """The rows of a query over both."""
        return self.trino.query(sql).rows

    def hash_of(self, columns: Sequence[str]) -> str:
        """A hash of the columns' JSON, without its sign."""
        text = f"to_utf8(json_format(CAST(ROW({', '.join(columns)}) AS json)))"
        return f"bitwise_and(from_big_endian_64(xxhash64({text})), {2**63 - 1})"

    def checksum_of(self, columns: Sequence[str]) -> str:
        """Trino's own checksum of rows."""
        return f"coalesce(to_hex(checksum(ROW({', '.join(columns)}))), '')"

    def _version(self, path: str) -> Version:
        head = self.trino.query(f"SELECT * FROM {path} LIMIT 0")
        columns = dict(zip(head.columns, head.types, strict=True))
        checksum_of_all = self.checksum_of([quoted(column) for column in sorted(columns)])
        ((rows, checksum),) = self.trino.query(f"SELECT count(*), {checksum_of_all} FROM {path}").rows
        return Version(columns, int(rows), str(checksum))

    @staticmethod
    def _path(side: Shown, name: str) -> str:
        return ".".join(quoted(part) for part in (side.catalog, *side.contents[name].key))

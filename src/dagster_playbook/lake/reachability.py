"""Which files the references of a Nessie, and the commits that a tag could go back to, are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from dagster_playbook.errors import PlatformError
from dagster_playbook.lake.iceberg_files import FilesGoneError, Lake
from dagster_playbook.services.nessie import NessieClient
from dagster_playbook.services.nessie_model import Content, Reference, ReferenceNotFoundError


@dataclass(frozen=True, slots=True)
class Kept:
    """A commit whose tables have to stay readable; `must_be_whole`: it is the head of a reference."""

    name: str
    hash: str
    must_be_whole: bool


def kept_commits(
    nessie: NessieClient, branch: str, since: datetime, hashes: Iterable[str] = (), stood: Iterable[str] = ()
) -> list[Kept]:
    """The head of every reference, the commits of `branch` back to the one that was its head at `since`, and more.

    Args:
        hashes: further commits of the branch.
        stood: further commits, on the branch or not, of which a file may be gone.

    Raises:
        PlatformError: Nessie could not be asked, or one of `hashes` is not on the branch.
    """
    found = {r.hash: Kept(r.name, r.hash, must_be_whole=True) for r in nessie.list_references()}
    for commit in nessie.history(branch):
        found.setdefault(commit.hash, Kept(branch, commit.hash, must_be_whole=False))
        if commit.committed_at <= since:
            break
    for hash in hashes:
        if not nessie.is_on(branch, hash):
            raise PlatformError(f"{hash} is not on the history of {branch}", cure="see the old hash of each move")
        found.setdefault(hash, Kept(branch, hash, must_be_whole=True))
    for hash in stood:
        # Without a name: a tag may have stood on a commit of any branch.
        found.setdefault(hash, Kept("", hash, must_be_whole=False))
    return list(found.values())


@dataclass
class Reach:
    """Gathers the files of kept commits; what two commits share is read once.

    Attributes:
        files: URIs of metadata, manifest lists, manifests, data, delete and statistics files.
        unreadable: earlier commits of which a file is gone already, and the file.
    """

    lake: Lake
    files: set[str] = field(default_factory=set)
    unreadable: dict[str, str] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)

    def add(self, nessie: NessieClient, kept: Kept) -> None:
        """Add the files of every table and view at a commit.

        Raises:
            FilesGoneError: a file of a commit that must be whole is gone.
            PlatformError: a file could not be read for another reason; what it leads to is unknown then.
        """
        for content in self._contents(nessie, kept):
            if not content.metadata_location or content.metadata_location in self._done:
                continue
            try:
                self._add_content(content)
            except FileNotFoundError as error:
                if kept.must_be_whole:
                    raise FilesGoneError(f"{content.name} at {kept.name}: a file is gone: {error}") from error
                self.unreadable.setdefault(kept.hash, str(error))
            except Exception as error:
                raise PlatformError(
                    f"{content.name} at {kept.hash[:12]}: its files cannot be told: {error}",
                    cure="nothing was deleted; see that the object store answers",
                ) from error

    def _contents(self, nessie: NessieClient, kept: Kept) -> list[Content]:
        try:
            return nessie.contents(kept.name, hash=kept.hash)
        except ReferenceNotFoundError as error:
            if kept.must_be_whole:
                raise
            self.unreadable.setdefault(kept.hash, error.message)
            return []

    def _add_content(self, content: Content) -> None:
        self.files.add(_uri(content.metadata_location))
        if content.kind == "ICEBERG_TABLE":
            for uri in self._table_files(content.metadata_location):
                self.files.add(_uri(uri))
        self._done.add(content.metadata_location)

    def _table_files(self, metadata_location: str) -> Iterator[str]:
        from pyiceberg.serializers import FromInputFile

        io = self._io
        metadata = FromInputFile.table_metadata(io.new_input(metadata_location))
        statistics = (*metadata.statistics, *metadata.partition_statistics)
        yield from (entry.statistics_path for entry in statistics)
        for snapshot in metadata.snapshots:
            yield snapshot.manifest_list
            for manifest in snapshot.manifests(io):
                if manifest.manifest_path in self._done:
                    continue
                yield manifest.manifest_path
                entries = manifest.fetch_manifest_entry(io, discard_deleted=True)
                yield from (entry.data_file.file_path for entry in entries)
                self._done.add(manifest.manifest_path)

    @cached_property
    def _io(self) -> Any:
        return self.lake.file_io()


def _uri(uri: str) -> str:
    """One spelling for what Hadoop's names and S3's both mean."""
    scheme, separator, rest = uri.partition("://")
    return f"s3://{rest}" if separator and scheme in ("s3a", "s3n") else uri


def moved_heads(nessie: NessieClient, kept: Iterable[Kept]) -> list[Reference]:
    """References whose head is none of the kept commits: they were moved since those were read."""
    known = {entry.hash for entry in kept}
    return [reference for reference in nessie.list_references() if reference.hash not in known]

"""The table of what the stack runs: Maven coordinates, sizes and pinned digests."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import StackError

#: bytes read at once while a digest is taken
_CHUNK = 1 << 20
_COORDINATES = re.compile(r"^([\w.-]+):([\w.-]+):([\w.-]+):([\w.]+)(?::([\w.-]+))?$")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that Maven knows by name.

    Attributes:
        coordinates: `group:artifact:version:extension[:classifier]`.
        size_bytes, sha256: what the fetched file has to be.
        home: the folder that an archive is unpacked into, "" for a file that is used as it is.
        into: a folder inside the home; only: the folders of the archive that are wanted, all when empty.
    """

    name: str
    coordinates: str
    size_bytes: int
    sha256: str
    home: str = ""
    into: str = ""
    only: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The version part of the coordinates."""
        return self.coordinates.split(":")[2]

    @property
    def filename(self) -> str:
        """The name that Maven gives the file."""
        _, name, version, extension, *classifier = self.coordinates.split(":")
        return "-".join([name, version, *classifier]) + f".{extension}"

    def path_in(self, repository: Path) -> Path:
        """Where a local Maven repository keeps the file."""
        group, name, version = self.coordinates.split(":")[:3]
        return repository.joinpath(*group.split("."), name, version, self.filename)


def load_artifacts(table: Path) -> dict[str, Artifact]:
    """Read the table of artifacts, in its order.

    Raises:
        StackError: the table is missing, cannot be read, or an entry is incomplete or mistyped.
    """
    try:
        document = tomllib.loads(table.read_text(encoding="utf-8"))
    except OSError as error:
        raise StackError(f"no table of artifacts: {error.strerror}", path=str(table)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StackError(f"cannot be read as TOML: {error}", path=str(table)) from error
    return {name: _artifact(name, entry, table) for name, entry in document.items()}


def _artifact(name: str, entry: object, table: Path) -> Artifact:
    try:
        if not isinstance(entry, dict):
            raise TypeError("is not a table")
        artifact = Artifact(name=name, **(entry | {"only": tuple(entry.get("only", ()))}))
    except TypeError as error:
        raise StackError(f"[{name}]: {error}", path=str(table)) from error
    if not _COORDINATES.match(artifact.coordinates):
        raise StackError(
            f"[{name}]: {artifact.coordinates!r} are no Maven coordinates",
            path=str(table),
            cure="write group:artifact:version:extension[:classifier]",
        )
    if not re.fullmatch(r"[0-9a-f]{64}", artifact.sha256):
        raise StackError(f"[{name}]: sha256 is not 64 lower-case hexadecimal digits", path=str(table))
    return artifact


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in lower-case hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def is_verified(path: Path, artifact: Artifact) -> bool:
    """Whether the file is the pinned one.

    Hashing 800 MB takes seconds, so a stamp beside the file remembers the digest for this size and time of change.
    """
    try:
        stat = path.stat()
    except FileNotFoundError:
        return False
    if stat.st_size != artifact.size_bytes:
        return False
    stamp = path.with_name(path.name + ".verified")
    mark = f"{artifact.sha256} {stat.st_size} {stat.st_mtime_ns}"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == mark:
        return True
    if sha256_of(path) != artifact.sha256:
        return False
    write_whole(stamp, mark)
    return True

"""Unpack the archives of a service into one folder, once: aside, then renamed, so that a cut leaves nothing half."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from dagster_playbook.errors import StackError
from dagster_playbook.stack.artifacts import Artifact


def unpack_home(parts: Sequence[Artifact], repository: Path, unpacked: Path) -> Path:
    """The folder with all `parts` unpacked; its name holds their digests, so another pin is another folder.

    Raises:
        StackError: an archive cannot be read, or the disk is full.
    """
    mark = hashlib.sha256("".join(f"{a.sha256}{a.into}{a.only}" for a in parts).encode()).hexdigest()[:12]
    home = unpacked / f"{parts[0].home}-{parts[0].version}-{mark}"
    if home.is_dir():
        return home
    unpacked.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=unpacked))
    try:
        for artifact in parts:
            _unpack(artifact.path_in(repository), aside / artifact.into, artifact.only)
        aside.chmod(0o755)
        aside.rename(home)
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise StackError(f"cannot unpack {parts[0].home} into {unpacked}: {error}") from error
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return home


def _unpack(archive: Path, target: Path, only: tuple[str, ...]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    if archive.suffix == ".zip":
        _unzip(archive, target, only)
    else:
        _untar(archive, target, only)


def _inner(name: str, only: tuple[str, ...]) -> str:
    """The path below the archive's single top folder, "" for what is not wanted."""
    parts = PurePosixPath(name).parts[1:]
    wanted = parts and ".." not in parts and (not only or parts[0] in only)
    return "/".join(parts) if wanted else ""


def _untar(archive: Path, target: Path, only: tuple[str, ...]) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            if inner := _inner(member.name, only):
                tar.extract(member.replace(name=inner), target, filter="data")


def _unzip(archive: Path, target: Path, only: tuple[str, ...]) -> None:
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.infolist():
            inner = _inner(member.filename, only)
            if not inner or member.is_dir():
                continue
            path = target / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            with bundle.open(member) as source, path.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)

"""Bring the artifacts into the shared cache: by Maven coordinates, verified, once, and whole files kept after a cut."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from dagster_playbook.errors import StackError
from dagster_playbook.stack import maven_command, maven_resolver
from dagster_playbook.stack.artifacts import Artifact, is_verified
from dagster_playbook.stack.maven_settings import MIRROR_VARIABLE
from dagster_playbook.stack.unpack import unpack_home

#: seconds between two looks at how much has arrived
_LOOK_S = 0.5
#: what PLAYBOOK_MAVEN says when no `mvn` is to be used
_NO_MAVEN = "none"

#: told the name of an artifact, the bytes that are here and the bytes that there will be
Meter = Callable[[str, int, int], None]
#: puts an artifact into a local Maven repository, or raises StackError; stops once the event is set, if it can
Getter = Callable[[Artifact, Path, threading.Event], None]


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The cache that all stacks of a user share: PLAYBOOK_CACHE, else XDG_CACHE_HOME or ~/.cache."""
    if named := environment.get("PLAYBOOK_CACHE"):
        return Path(named).expanduser().resolve()
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dagster-playbook"


def fetch(artifacts: Iterable[Artifact], cache: Path, meter: Meter, java_home: Path | None = None) -> dict[str, Path]:
    """Have every artifact in the cache, verified and unpacked; return where each stands (its file or its home).

    Raises:
        StackError: there is nothing to fetch with, a fetch fails, or a file is not the pinned one.
    """
    import filelock

    wanted = list(artifacts)
    repository = cache / "maven"
    _make(repository)
    with filelock.FileLock(cache / "fetch.lock"):
        missing = [a for a in wanted if not is_verified(a.path_in(repository), a)]
        if missing:
            _download(missing, repository, meter, choose_getter(java_home))
        places = {a.name: a.path_in(repository) for a in wanted}
        for home in sorted({a.home for a in wanted if a.home}):
            parts = [a for a in wanted if a.home == home]
            folder = unpack_home(parts, repository, cache / "unpacked")
            places |= {a.name: folder for a in parts}
    return places


def is_fetched(artifacts: Iterable[Artifact], cache: Path) -> bool:
    """Whether nothing would have to be downloaded."""
    return all(is_verified(a.path_in(cache / "maven"), a) for a in artifacts)


def choose_getter(java_home: Path | None = None, environment: Mapping[str, str] = os.environ) -> Getter:
    """What fetches: the `mvn` that is there, which knows all of its user's settings, else a resolver in Python.

    PLAYBOOK_MAVEN names another `mvn`, or `none`. A mirror in PLAYBOOK_MAVEN_MIRROR is for the resolver, so it decides.

    Raises:
        StackError: PLAYBOOK_MAVEN names what is not there or contradicts the mirror, or there is neither.
    """
    named = environment.get("PLAYBOOK_MAVEN", "")
    mirror = bool(environment.get(MIRROR_VARIABLE))
    maven = None if named == _NO_MAVEN else shutil.which(named or "mvn", path=environment.get("PATH", ""))
    if named not in ("", _NO_MAVEN):
        if mirror:
            raise StackError(
                f"PLAYBOOK_MAVEN and {MIRROR_VARIABLE} are both set, and mvn takes its mirror from settings.xml",
                cure="unset one of them",
            )
        if maven is None:
            raise StackError(f"PLAYBOOK_MAVEN={named} is no program", cure="name an mvn, or unset it")
    if maven and not mirror:
        return partial(_get_by_command, maven, java_home)
    if not maven_resolver.is_installed():
        raise StackError(
            "the services are fetched by Maven coordinates, and neither `mvn` nor the Python package jgo is there",
            cure="pip install 'dagster-playbook[stack]', or install Apache Maven (or name it in PLAYBOOK_MAVEN)",
        )
    return partial(maven_resolver.get, maven_resolver.default_repository())


def _get_by_command(
    maven: str, java_home: Path | None, artifact: Artifact, repository: Path, _: threading.Event
) -> None:
    # It hears of Ctrl-C by itself: the terminal tells the whole group of processes.
    maven_command.get(maven, artifact, repository, java_home)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(
            f"cannot make the cache {folder}: {error.strerror}", cure="name a writable folder in PLAYBOOK_CACHE"
        ) from error


def _download(missing: list[Artifact], repository: Path, meter: Meter, getter: Getter) -> None:
    # The first one alone: it brings Maven's own plugin into the repository, which the others then share.
    first, *others = sorted(missing, key=lambda a: a.size_bytes)
    ended = threading.Event()
    _get(getter, first, repository, meter, ended)
    with ThreadPoolExecutor(max_workers=4) as pool:
        try:
            for result in [pool.submit(_get, getter, a, repository, meter, ended) for a in others]:
                result.result()
        except KeyboardInterrupt:
            ended.set()
            raise


def _get(getter: Getter, artifact: Artifact, repository: Path, meter: Meter, ended: threading.Event) -> None:
    """Fetch one artifact, and refuse what is not the pinned file."""
    path = artifact.path_in(repository)
    # There, yet not the pinned file: it would be taken for good.
    path.unlink(missing_ok=True)
    with _watched(artifact, path, meter):
        getter(artifact, repository, ended)
    if not is_verified(path, artifact):
        size = path.stat().st_size
        path.unlink()
        raise StackError(
            f"{artifact.coordinates} is not the pinned file ({size} bytes, or another digest); it was removed",
            cure="run it again; if it stays so, the repository that Maven uses serves something else",
        )


@contextlib.contextmanager
def _watched(artifact: Artifact, path: Path, meter: Meter) -> Iterator[None]:
    """Have it told, while the block runs, how much has arrived."""
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(artifact, path, meter, done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _watch(artifact: Artifact, path: Path, meter: Meter, done: threading.Event) -> None:
    """Tell how much has arrived: Maven writes beside the file, under its name with something added."""
    while not done.wait(_LOOK_S):
        sizes = [0]
        for part in path.parent.glob(f"{path.name}*"):
            with contextlib.suppress(FileNotFoundError):
                sizes.append(part.stat().st_size)
        meter(artifact.name, min(max(sizes), artifact.size_bytes), artifact.size_bytes)
    if path.is_file():
        meter(artifact.name, artifact.size_bytes, artifact.size_bytes)

"""Bring the artifacts into the shared cache: through Maven by name, verified, once, and resumable after a cut."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dagster_playbook.errors import StackError
from dagster_playbook.stack.artifacts import Artifact, is_verified
from dagster_playbook.stack.unpack import unpack_home

#: the plugin that fetches; pinned, since Maven would else take the newest
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"
#: seconds between two looks at how much has arrived
_LOOK_S = 0.5
#: seconds after which a fetch of one artifact is given up
_FETCH_TIMEOUT_S = 1800.0

#: told the name of an artifact, the bytes that are here and the bytes that there will be
Meter = Callable[[str, int, int], None]


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The cache that all stacks of a user share: PLAYBOOK_CACHE, else XDG_CACHE_HOME or ~/.cache."""
    if named := environment.get("PLAYBOOK_CACHE"):
        return Path(named).expanduser().resolve()
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dagster-playbook"


def fetch(artifacts: Iterable[Artifact], cache: Path, meter: Meter, java_home: Path | None = None) -> dict[str, Path]:
    """Have every artifact in the cache, verified and unpacked; return where each stands (its file or its home).

    Raises:
        StackError: Maven is missing or fails, or a file is not the pinned one.
    """
    import filelock

    wanted = list(artifacts)
    repository = cache / "maven"
    _make(repository)
    with filelock.FileLock(cache / "fetch.lock"):
        missing = [a for a in wanted if not is_verified(a.path_in(repository), a)]
        if missing:
            _download(missing, repository, meter, java_home)
        places = {a.name: a.path_in(repository) for a in wanted}
        for home in sorted({a.home for a in wanted if a.home}):
            parts = [a for a in wanted if a.home == home]
            folder = unpack_home(parts, repository, cache / "unpacked")
            places |= {a.name: folder for a in parts}
    return places


def is_fetched(artifacts: Iterable[Artifact], cache: Path) -> bool:
    """Whether nothing would have to be downloaded."""
    return all(is_verified(a.path_in(cache / "maven"), a) for a in artifacts)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(
            f"cannot make the cache {folder}: {error.strerror}", cure="name a writable folder in PLAYBOOK_CACHE"
        ) from error


def _download(missing: list[Artifact], repository: Path, meter: Meter, java_home: Path | None) -> None:
    maven = find_maven()
    # The first one alone: it brings Maven's own plugin into the repository, which the others then share.
    first, *others = sorted(missing, key=lambda a: a.size_bytes)
    _get(maven, first, repository, meter, java_home)
    with ThreadPoolExecutor(max_workers=4) as pool:
        for result in [pool.submit(_get, maven, a, repository, meter, java_home) for a in others]:
            result.result()


def find_maven(environment: Mapping[str, str] = os.environ) -> str:
    """The `mvn` command, by PLAYBOOK_MAVEN or on PATH.

    Raises:
        StackError: there is none.
    """
    found = shutil.which(environment.get("PLAYBOOK_MAVEN") or "mvn", path=environment.get("PATH"))
    if not found:
        raise StackError(
            "the services are fetched through Maven, and there is no `mvn` on PATH",
            cure="install Apache Maven (apt-get install maven, brew install maven), or name it in PLAYBOOK_MAVEN",
        )
    return found


def _get(maven: str, artifact: Artifact, repository: Path, meter: Meter, java_home: Path | None) -> None:
    """Fetch one artifact; what a cut left behind stays in the repository, and Maven goes on from it."""
    path = artifact.path_in(repository)
    if path.exists():
        # There, yet not the pinned file: Maven would take it for good.
        path.unlink()
    arguments = [maven, "--batch-mode", "--no-transfer-progress", "--strict-checksums", "--update-snapshots"]
    arguments += [f"-Dmaven.repo.local={repository}", _PLUGIN, "-Dtransitive=false"]
    arguments += [f"-Dartifact={artifact.coordinates}"]
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(artifact, path, meter, done), daemon=True)
    watcher.start()
    try:
        result = _run(arguments, java_home, artifact)
    finally:
        done.set()
        watcher.join()
    if result.returncode != 0 or not path.is_file():
        raise StackError(
            f"Maven could not fetch {artifact.coordinates}: {_reason(result.stdout)}",
            cure="run it again; what has arrived is kept",
        )
    if not is_verified(path, artifact):
        size = path.stat().st_size
        path.unlink()
        raise StackError(
            f"{artifact.coordinates} is not the pinned file ({size} bytes, or another digest); it was removed",
            cure="run it again; if it stays so, the repository that Maven uses serves something else",
        )


def _run(arguments: list[str], java_home: Path | None, artifact: Artifact) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    if java_home and not environment.get("JAVA_HOME") and not shutil.which("java"):
        environment["JAVA_HOME"] = str(java_home)
    try:
        return subprocess.run(
            arguments,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_FETCH_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(
            f"Maven did not fetch {artifact.coordinates} within {_FETCH_TIMEOUT_S:.0f} s",
            cure="run it again; what has arrived is kept",
        ) from error
    except OSError as error:
        raise StackError(f"cannot run {arguments[0]}: {error.strerror}") from error


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


def _reason(output: str) -> str:
    """Maven's own first line of error."""
    errors = [line.removeprefix("[ERROR]").strip() for line in output.splitlines() if line.startswith("[ERROR]")]
    return next((line for line in errors if line), output.strip()[-300:] or "it said nothing")

"""Fetch an artifact without Maven: the resolver jgo, asking the repository that the user's settings name."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from urllib.parse import quote

from dagster_playbook.errors import StackError
from dagster_playbook.stack.artifacts import Artifact
from dagster_playbook.stack.maven_settings import MIRROR_VARIABLE, Repository, repository_of

#: seconds without a byte after which a download is broken off
_TIMEOUT_S = 60
#: how often a download that broke off is begun again
_ATTEMPTS = 3


class _EndedError(Exception):
    """The download is not wanted any more."""


def is_installed() -> bool:
    """Whether jgo is there; it comes with the extra `stack`."""
    return importlib.util.find_spec("jgo") is not None


def default_repository() -> Repository:
    """The repository to ask, as the environment and Maven's settings have it.

    Raises:
        StackError: the settings cannot be read or used.
    """
    from jgo.constants import MAVEN_CENTRAL_URL

    return repository_of(MAVEN_CENTRAL_URL)


def get(source: Repository, artifact: Artifact, repository: Path, ended: Event) -> None:
    """Put the artifact into the local repository; of a download that breaks off for good nothing stays.

    Args:
        ended: once it is set, the download stops.

    Raises:
        StackError: the repository cannot be reached, does not have it, or the download was ended.
    """
    import requests

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _resolve(source, artifact, repository, ended)
            return
        except _EndedError as error:
            raise StackError(f"the download of {artifact.coordinates} was ended") from error
        except (requests.RequestException, OSError, RuntimeError) as error:
            # What a repository refuses, it refuses again (jgo says that by RuntimeError); so does a full disk.
            if attempt < _ATTEMPTS and isinstance(error, requests.RequestException):
                continue
            raise StackError(
                f"cannot fetch {artifact.coordinates} from {source.url}: {_reason(error, source, artifact)}",
                cure=f"run it again; files that have arrived are kept. Another repository: {MIRROR_VARIABLE}, "
                "or a mirror in Maven's settings.xml; a proxy: HTTPS_PROXY",
            ) from error


def _resolve(source: Repository, artifact: Artifact, repository: Path, ended: Event) -> None:
    from jgo.maven import MavenContext, PythonResolver

    @contextlib.contextmanager
    def progress(_: str, __: int) -> Iterator[Callable[[int], None]]:
        def arrived(_: int) -> None:
            if ended.is_set():
                raise _EndedError

        yield arrived

    group, name, version, extension, *classifier = artifact.coordinates.split(":")
    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=repository,
        remote_repos={source.name: source.url_with_login},
        timeout=_TIMEOUT_S,
    )
    component = context.project(group, name).at_version(version)
    try:
        component.artifact(classifier="".join(classifier), packaging=extension).resolve()
    except BaseException:
        # A part of a file under the file's own name would be taken for the file.
        artifact.path_in(repository).unlink(missing_ok=True)
        raise


def _reason(error: Exception, source: Repository, artifact: Artifact) -> str:
    """One line without the login: the status that the repository answers with, or what broke off."""
    if isinstance(error, RuntimeError):
        from jgo.util import http

        group, name, version = artifact.coordinates.split(":")[:3]
        url = "/".join([source.url_with_login, *group.split("."), name, version, artifact.filename])
        with contextlib.suppress(Exception):
            return f"it answers with HTTP {http.head(url, timeout=_TIMEOUT_S).status_code}"
        return "it does not have it"
    text = " ".join(str(error).split())
    for secret in filter(None, (source.password, quote(source.password, safe=""))):
        text = text.replace(secret, "***")
    return text[:300]

"""The history of a git repository: its commits and the files that they changed."""

from __future__ import annotations

import datetime as dt
import subprocess
import tomllib
from collections.abc import Iterator

from .. import settings
from .personal_data import hashed
from .tables import RawTable, Row, SourceError

TIMEOUT_S = 120
RECORD = "\x1e"
FIELD = "\x1f"


def git(*arguments: str) -> str:
    """What `git <arguments>` prints in the configured repository.

    Raises:
        SourceError: git is missing, the directory is no repository, or the command failed.
    """
    repository = settings.git_repository()
    try:
        done = subprocess.run(
            ["git", "-C", str(repository), *arguments],  # noqa: S607 - git is found on PATH by design
            check=True,
            capture_output=True,
            timeout=TIMEOUT_S,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise SourceError("git is not installed or not on PATH; the sources git.* need it") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = str(error.stderr or error).strip().splitlines()[-1]
        raise SourceError(f"no git history at {repository}: {said}; set OSO_GIT_REPOSITORY to a clone") from error
    return done.stdout


def repository_name() -> str:
    """The distribution that the repository builds, from its pyproject.toml, else the directory's name."""
    root = settings.git_repository()
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return str(project["name"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return root.name


def commit_rows() -> Iterator[Row]:
    """repository, sha, author_hash, authored_at, committed_at, parent_count; times in UTC, oldest first."""
    repository = repository_name()
    fields = FIELD.join(("%H", "%ae", "%at", "%ct", "%P"))
    for record in git("log", "--reverse", f"--format={RECORD}{fields}").split(RECORD)[1:]:
        sha, email, authored, committed, parents = record.strip("\n").split(FIELD)
        yield repository, sha, hashed(email), utc(authored), utc(committed), len(parents.split())


def commit_file_rows() -> Iterator[Row]:
    """repository, sha, path, committed_at, additions, deletions; lines are None for binary files."""
    repository = repository_name()
    log = git("log", "--reverse", "--no-renames", "--numstat", "-z", f"--format={RECORD}%H{FIELD}%ct")
    for record in log.split(RECORD)[1:]:
        head, _, changes = record.partition("\0")
        sha, committed = head.strip().split(FIELD)
        for change in filter(None, changes.split("\0")):
            added, deleted, path = change.lstrip("\n").split("\t", 2)
            yield repository, sha, path, utc(committed), lines(added), lines(deleted)


def utc(epoch_s: str) -> dt.datetime:
    """Seconds since 1970 as a naive UTC time: Iceberg's and DuckDB's TIMESTAMP carry no zone."""
    return dt.datetime.fromtimestamp(int(epoch_s), tz=dt.UTC).replace(tzinfo=None)


def lines(count: str) -> int | None:
    """A number of lines, or None where git says `-` for a binary file."""
    return None if count == "-" else int(count)


TABLES = (
    RawTable(
        "git",
        "commits",
        {
            "repository": "VARCHAR",
            "sha": "VARCHAR",
            "author_hash": "VARCHAR",
            "authored_at": "TIMESTAMP(6)",
            "committed_at": "TIMESTAMP(6)",
            "parent_count": "BIGINT",
        },
        commit_rows,
        "One row for each commit that HEAD of the project's own repository reaches.",
    ),
    RawTable(
        "git",
        "commit_files",
        {
            "repository": "VARCHAR",
            "sha": "VARCHAR",
            "path": "VARCHAR",
            "committed_at": "TIMESTAMP(6)",
            "additions": "BIGINT",
            "deletions": "BIGINT",
        },
        commit_file_rows,
        "One row for each file that a commit changed; lines are NULL for binary files.",
    ),
)

"""Fetch an artifact with the `mvn` that is installed, which knows every setting of its user."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from dagster_playbook.errors import StackError
from dagster_playbook.stack.artifacts import Artifact

#: the plugin that fetches; pinned, since Maven would else take the newest
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"
#: seconds after which a fetch of one artifact is given up
_FETCH_TIMEOUT_S = 1800.0


def get(maven: str, artifact: Artifact, repository: Path, java_home: Path | None) -> None:
    """Have Maven put the artifact into the repository; what a cut left behind stays there, and Maven goes on from it.

    Raises:
        StackError: Maven cannot be run, takes too long or fails.
    """
    arguments = [maven, "--batch-mode", "--no-transfer-progress", "--strict-checksums", "--update-snapshots"]
    arguments += [f"-Dmaven.repo.local={repository}", _PLUGIN, "-Dtransitive=false"]
    arguments += [f"-Dartifact={artifact.coordinates}"]
    result = _run(arguments, java_home, artifact)
    if result.returncode != 0 or not artifact.path_in(repository).is_file():
        raise StackError(
            f"Maven could not fetch {artifact.coordinates}: {_reason(result.stdout)}",
            cure="run it again; what has arrived is kept. Without this Maven: PLAYBOOK_MAVEN=none",
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


def _reason(output: str) -> str:
    """Maven's own first line of error."""
    errors = [line.removeprefix("[ERROR]").strip() for line in output.splitlines() if line.startswith("[ERROR]")]
    return next((line for line in errors if line), output.strip()[-300:] or "it said nothing")

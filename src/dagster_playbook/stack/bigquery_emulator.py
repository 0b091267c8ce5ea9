"""A BigQuery on this machine: the emulator `bqemulator` in an environment of its own, on a free loopback port.

Its dependencies contradict ours (another DuckDB, another protobuf), so it gets a virtual environment in the shared
cache, made once from a lock file with hashes. Everything it holds is in memory and gone when it stops.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from dagster_playbook.errors import StackError
from dagster_playbook.stack.fetch import cache_folder
from dagster_playbook.stack.health import ask
from dagster_playbook.stack.ports import LOOPBACK
from dagster_playbook.stack.service import Context, NotReadyError, Service

#: pinned with hashes; resolved with duckdb 1.5.5 in place of what bqemulator 1.4.0 declares, since only for that
#: version does a package index carry the DuckDB extension that the emulator loads
LOCK = Path(__file__).with_name("requirements-bigquery-emulator.lock")
INSTALL_TIMEOUT_S = 300.0
_INSTALL_EXTENSION = "from duckdb_extensions import import_extension; import_extension('spatial')"


def environment_folder() -> Path:
    """Where the emulator's virtual environment is, or will be: one for each lock file and version of Python."""
    fingerprint = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    return cache_folder() / f"bigquery-emulator-{sys.version_info.major}.{sys.version_info.minor}-{fingerprint}"


def install() -> Path:
    """Make the emulator's virtual environment when it is not there; safe to call from several processes at once.

    Raises:
        StackError: the packages could not be installed.
    """
    from filelock import FileLock

    target = environment_folder()
    ready = target / ".ready"
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):
        if not ready.exists():
            shutil.rmtree(target, ignore_errors=True)
            _install(target)
            ready.touch()
    return target


def _install(target: Path) -> None:
    """uv when it is there, pip else; both take the lock as it is (`sync`, `--no-deps`) and check each hash."""
    uv = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))
    python = str(target / "bin" / "python")
    if uv:
        steps = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(target)],
            [uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", str(LOCK)],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", str(target)],
            [python, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(LOCK)],
        ]
    for step in steps:
        _run(step, target, dict(os.environ))
    _home(target).mkdir()
    _run([python, "-c", _INSTALL_EXTENSION], target, os.environ | {"HOME": str(_home(target))})


def _run(step: list[str], target: Path, environment: dict[str, str]) -> None:
    try:
        subprocess.run(step, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, env=environment)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        raise StackError(
            f"the BigQuery emulator could not be installed into {target}: {said[-1] if said else error}",
            cure="check that a package index can be reached, then try again",
        ) from error


def _home(target: Path) -> Path:
    """DuckDB looks for extensions under HOME: one of the emulator's own keeps the user's clean."""
    return target / "home"


def command(rest_port: int, grpc_port: int) -> list[str]:
    """The argument list that starts the emulator."""
    return [
        str(environment_folder() / "bin" / "bqemulator"),
        *("start", "--ephemeral", "--project", "local", "--log-level", "warning"),
        *("--rest-host", LOOPBACK, "--rest-port", str(rest_port)),
        *("--grpc-host", LOOPBACK, "--grpc-port", str(grpc_port)),
    ]


def environment() -> dict[str, str]:
    """The variables that the emulator needs beside a clean environment."""
    return {"HOME": str(_home(environment_folder()))}


def probe(port: int) -> None:
    """Ready when it lists the datasets of its project.

    Raises:
        NotReadyError: it does not answer yet.
    """
    status, _ = ask(port, "/bigquery/v2/projects/local/datasets")
    if status != 200:
        raise NotReadyError(f"GET datasets: HTTP {status}")


def _prepare(_: Context) -> None:
    install()


def _argv(context: Context) -> list[str]:
    return command(context.ports["bigquery"], context.ports["bigquery.grpc"])


#: the row of the table of services; `playbook stack up --with bigquery`
BIGQUERY = Service(
    name="bigquery",
    title="BigQuery emulator",
    ports=("bigquery", "bigquery.grpc"),
    argv=_argv,
    environment=lambda _: environment(),
    prepare=_prepare,
    probe=lambda context: probe(context.ports["bigquery"]),
    optional=True,
)

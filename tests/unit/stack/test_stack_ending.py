"""A process of which threads are left when its first one has ended, as for a while after kill -9 on a busy machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import psutil
import pytest

from dagster_playbook.stack import processes
from dagster_playbook.stack.local import LocalStack
from dagster_playbook.stack.ports import is_free
from dagster_playbook.stack.service import Context, NotReadyError, Service

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux shows such a process")

#: listens in its second thread; the first ends
ENDING = """
import ctypes, socket, sys, threading, time
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def probe(context: Context) -> None:
    """Ready when somebody listens there."""
    if is_free(context.ports["one"]):
        raise NotReadyError("nobody listens")


SERVICE = Service(
    name="one",
    title="one",
    argv=lambda context: [sys.executable, "-c", ENDING, str(context.ports["one"])],
    probe=probe,
    ports=("one",),
)


@pytest.fixture
def ending(make: Callable[..., LocalStack]) -> tuple[LocalStack, psutil.Process]:
    """A stack of one service, and its process, whose first thread has ended."""
    local = make(SERVICE)
    local.up()
    record = processes.read_record(local.room, "one")
    assert record
    process = psutil.Process(record.pid)
    deadline = time.monotonic() + 10
    while process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
    return local, process


def test_it_keeps_its_port(ending: tuple[LocalStack, psutil.Process]) -> None:
    """A start takes no other port for it, which would start all anew that speak to it."""
    local, process = ending
    port = local.room.ports()["one"]
    assert local.up().ports["one"] == port
    assert processes.is_alive(process)


def test_it_is_waited_for_when_it_is_stopped(ending: tuple[LocalStack, psutil.Process]) -> None:
    """After `down` nobody listens any more, so that the next start has the port."""
    local, process = ending
    local.down()
    assert not processes.is_alive(process)
    assert is_free(local.room.ports()["one"])

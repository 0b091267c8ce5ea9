"""Starting, adopting, clearing and stopping, with small processes of our own in place of the real services."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dagster_playbook.errors import StackError
from dagster_playbook.stack import processes
from dagster_playbook.stack.local import LocalStack, Selection
from dagster_playbook.stack.service import Context, NotReadyError, Service

#: writes a file when it serves, waits to be told to go, and has a child of its own
SERVER = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("serving", flush=True)
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(600)
"""


def toy(name: str, *, after: tuple[str, ...] = (), program: str = SERVER, ready_s: float = 20.0) -> Service:
    """A service that is ready when its file is there."""

    def flag(context: Context) -> Path:
        return context.room.data / f"{name}.serves"

    def prepare(context: Context) -> None:
        flag(context).unlink(missing_ok=True)
        for other in after:
            assert (context.room.data / f"{other}.serves").exists(), f"{name} was started before {other}"

    def probe(context: Context) -> None:
        if not flag(context).exists():
            raise NotReadyError(f"no {flag(context).name}")

    return Service(
        name=name,
        title=name,
        argv=lambda context: [sys.executable, "-c", program, str(flag(context))],
        probe=probe,
        prepare=prepare,
        needs=after,
        after=after,
        ports=(name,),
        ready_s=ready_s,
    )


def told_by(local: LocalStack, selection: Selection | None = None) -> dict[str, str]:
    """Start, and return what was told of each service."""
    told: dict[str, str] = {}
    local.up(selection or Selection(), lambda service, what: told.update({service: told.get(service, "") + what}))
    return told


def pids(local: LocalStack) -> dict[str, int | None]:
    """The process of each service."""
    return {state.service: state.pid for state in local.status()}


def test_services_start_in_the_order_of_their_needs(make: Callable[..., LocalStack]) -> None:
    """A service is started only when those that it starts after are ready."""
    local = make(toy("last", after=("middle",)), toy("middle", after=("first",)), toy("first"))
    local.up()
    assert [state.state for state in local.status()] == ["ready"] * 3


def test_a_second_start_adopts_what_runs(make: Callable[..., LocalStack]) -> None:
    """What runs already goes on in the same process."""
    local = make(toy("a"))
    local.up()
    before = pids(local)
    assert told_by(local) == {"a": "was running, adopted"}
    assert pids(local) == before


def test_what_died_is_started_again(make: Callable[..., LocalStack]) -> None:
    """A service that died meanwhile is started, and the others are adopted."""
    local = make(toy("a"), toy("b"))
    local.up()
    psutil.Process(pids(local)["b"]).kill()
    told = told_by(local)
    assert "adopted" in told["a"]
    assert "ready after" in told["b"]


def test_changed_settings_start_it_anew(make: Callable[..., LocalStack]) -> None:
    """A running service whose settings changed is ended and started with the new ones."""
    local = make(toy("a"))
    local.up()
    changed = make(replace(toy("a"), environment=lambda _: {"LEVEL": "2"}))
    assert "its settings changed" in told_by(changed)["a"]


def test_without_its_record_a_process_is_still_recognised(make: Callable[..., LocalStack]) -> None:
    """A process whose record was lost, as by kill -9 between start and writing, is cleared before a new one starts."""
    local = make(toy("a"))
    local.up()
    lost = pids(local)["a"]
    (local.room.run / "a.json").unlink()
    assert "left behind by an earlier start" in told_by(local)["a"]
    assert not psutil.pid_exists(lost) or psutil.Process(lost).status() == psutil.STATUS_ZOMBIE


def test_a_record_of_another_process_is_not_believed(make: Callable[..., LocalStack]) -> None:
    """When the pid of a record has gone to another process, that process is neither adopted nor ended."""
    local = make(toy("a"))
    local.room.make()
    processes.keep_record(local.room, "a", os.getpid(), "whatever")
    assert processes.recorded_process(local.room, "a") is None
    assert "ready after" in told_by(local)["a"]


def test_down_ends_children_too(make: Callable[..., LocalStack]) -> None:
    """Stopping a service ends the processes that it has started."""
    local = make(toy("a"))
    local.up()
    child = psutil.Process(int((local.room.data / "a.serves").read_text()))
    local.down()
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_down_ends_children_of_a_leader_that_is_gone(make: Callable[..., LocalStack]) -> None:
    """What a crashed service left running is found by its mark and ended."""
    local = make(toy("a"))
    local.up()
    child = psutil.Process(int((local.room.data / "a.serves").read_text()))
    psutil.Process(pids(local)["a"]).kill()
    local.down()
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_one_that_will_not_go_is_ended(make: Callable[..., LocalStack], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that does not heed the signal is killed when its time is over."""
    deaf = SERVER.replace("print(", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(", 1)
    local = make(toy("a", program=deaf))
    local.up()
    leader = psutil.Process(pids(local)["a"])
    processes.end([leader], signal.SIGTERM, timeout_s=0.2)
    assert not leader.is_running() or leader.status() == psutil.STATUS_ZOMBIE


def test_one_that_ends_is_told_with_its_log(make: Callable[..., LocalStack]) -> None:
    """A service that ends while it starts is told at once, with its exit code and the end of its log."""
    local = make(toy("a", program="import sys; print('no such table'); sys.exit(3)"))
    with pytest.raises(StackError, match=r"a ended with exit code 3; the last lines.*\n.*no such table"):
        local.up()


def test_one_that_never_serves_is_told_with_what_was_seen(make: Callable[..., LocalStack]) -> None:
    """A service that is not ready in time is told with what its probe last saw, and is stopped again."""
    local = make(toy("a", program="import time; time.sleep(600)", ready_s=0.5))
    with pytest.raises(StackError, match=r"a was not ready within 0\.5 s: no a\.serves"):
        local.up()
    assert pids(local) == {"a": None}


def test_a_failure_stops_only_what_it_started(make: Callable[..., LocalStack]) -> None:
    """When one service fails, those that this start began are stopped and those that ran before stay."""
    make(toy("before")).up()
    local = make(toy("before"), toy("beside"), toy("fails", program="raise SystemExit(1)"))
    with pytest.raises(StackError, match="fails ended with exit code 1"):
        local.up()
    assert {name for name, pid in pids(local).items() if pid} == {"before"}


def test_a_command_that_is_not_there_is_told(make: Callable[..., LocalStack]) -> None:
    """A command that cannot be run is one clear error."""
    local = make(replace(toy("a"), argv=lambda _: ["/nonexistent/server"]))
    with pytest.raises(StackError, match="cannot start a: /nonexistent/server: No such file"):
        local.up()


def test_two_stacks_do_not_see_each_other(make: Callable[..., LocalStack]) -> None:
    """Stopping one stack leaves the processes of another alone."""
    one, two = make(toy("a"), name="one"), make(toy("a"), name="two")
    one.up()
    two.up()
    one.down()
    assert [s.state for s in (*one.status(), *two.status())] == ["stopped", "ready"]


def test_reset_leaves_nothing(make: Callable[..., LocalStack]) -> None:
    """After a reset neither a process nor a file of the stack is left."""
    local = make(toy("a"))
    local.up()
    local.reset()
    assert not local.room.exists()
    assert pids(local) == {"a": None}


def test_only_the_named_are_stopped(make: Callable[..., LocalStack]) -> None:
    """`down` with a name stops that service alone."""
    local = make(toy("a"), toy("b"))
    local.up()
    local.down(names=["a"])
    assert [state.state for state in local.status()] == ["stopped", "ready"]


def test_a_service_sees_little_of_the_callers_environment(
    make: Callable[..., LocalStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret of the caller's does not reach a service, unless that service runs the project's own code."""
    monkeypatch.setenv("SOME_TOKEN", "secret")
    local = make(toy("server"), replace(toy("code"), inherits=True))
    local.up()
    seen = {name: "SOME_TOKEN" in psutil.Process(pid).environ() for name, pid in pids(local).items()}
    assert seen == {"server": False, "code": True}


def test_output_goes_to_the_log_of_its_service(make: Callable[..., LocalStack]) -> None:
    """What a service prints is kept in its log, also after it was stopped."""
    local = make(toy("a"))
    local.up()
    local.down()
    assert local.room.log("a").read_text() == "serving\n"


def test_a_large_log_is_put_aside(make: Callable[..., LocalStack], monkeypatch: pytest.MonkeyPatch) -> None:
    """A log over its limit is renamed when its service starts, so that logs do not grow for ever."""
    monkeypatch.setattr(processes, "_LOG_LIMIT_BYTES", 10)
    local = make(toy("a"))
    local.room.make()
    local.room.log("a").write_text("x" * 100)
    local.up()
    assert local.room.log("a").read_text() == "serving\n"
    assert local.room.log("a").with_suffix(".log.1").stat().st_size == 100


def test_uptime_is_told(make: Callable[..., LocalStack]) -> None:
    """The status tells how long the process has been there and what memory it holds."""
    local = make(toy("a"))
    begun = time.time()
    local.up()
    (state,) = local.status()
    assert 0 <= state.uptime_s <= time.time() - begun + 1
    assert state.memory_bytes > 1_000_000

"""The process in which an embedded Dagster does one thing: `python -m dagster_playbook.services.dagster_child`.

A request is one JSON object on stdin; the answer is JSON lines on stdout: `{"event": ...}` while it goes on and one
`{"result": ...}` or `{"error": ...}` at the end. Everything that Dagster, SQLMesh or a user's code prints goes to
stderr. A process of its own keeps DuckDB's single writer and a crash of the engine out of the runbook's.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from dagster_playbook.failure import step_failure

#: names the run for whoever asks again; and the process that executes it, as `pid:what tells it from a later one@host`
RUN_KEY_TAG = "playbook/run_key"
PROCESS_TAG = "playbook/process"
_POLL_S = 0.3
_VALUES_AT_ONCE = 100
_TOLD = {
    "STEP_START", "STEP_SUCCESS", "STEP_FAILURE", "PIPELINE_START", "PIPELINE_SUCCESS",
    "PIPELINE_FAILURE", "PIPELINE_CANCELED", "STEP_RETRY",
}  # fmt: skip


def main() -> int:
    """Answer the request on stdin."""
    request = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    # the parent decides when to stop: Ctrl-C in a terminal reaches the whole group
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        tell(answers, result=DO[request["do"]](request, answers))
    except Exception as error:
        tell(answers, **_refusal_or_error(error))
        return 1
    return 0


def _refusal_or_error(error: Exception) -> dict[str, str]:
    from dagster import DagsterInvalidConfigError

    if isinstance(error, DagsterInvalidConfigError):
        return {"refused": "; ".join(one.message for one in error.errors)}
    return {"error": f"{type(error).__name__}: {error}"}


def tell(answers: TextIO, **data: Any) -> None:
    """Write one line of the answer; when nobody listens any more, what was begun goes on all the same."""
    with contextlib.suppress(BrokenPipeError):
        answers.write(json.dumps(data, default=str) + "\n")
        answers.flush()


def launch(request: dict[str, Any], answers: TextIO) -> dict[str, Any]:
    """Execute a job to its end; `parent_run_id` makes it a re-execution of that run."""
    import dagster as dg

    from dagster_playbook.services.living import born

    me = os.getpid()
    process = f"{me}:{born(me)}@{socket.gethostname()}"
    tags = {**request["tags"], RUN_KEY_TAG: request["run_key"], PROCESS_TAG: process}
    job = _job(request)
    with dg.DagsterInstance.get() as instance:
        stop = threading.Event()
        follower = threading.Thread(target=_follow, args=(request["run_key"], me, answers, stop), daemon=True)
        follower.start()
        parent = request.get("parent_run_id")
        try:
            result = dg.execute_job(
                job,
                instance=instance,
                run_config=request["config"],
                tags=tags,
                raise_on_error=False,
                reexecution_options=dg.ReexecutionOptions(parent_run_id=parent) if parent else None,
            )
        finally:
            stop.set()
            follower.join(timeout=10)
        return _told(instance, instance.get_run_by_id(result.run_id))


def find(request: dict[str, Any], _: TextIO) -> dict[str, Any]:
    """The newest run of a run key; `{}` when there is none."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        records = instance.get_run_records(dg.RunsFilter(tags={RUN_KEY_TAG: request["run_key"]}), limit=1)
        return _told(instance, records[0].dagster_run) if records else {}


def show(request: dict[str, Any], _: TextIO) -> dict[str, Any]:
    """One run by its id; `{}` when there is none."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(request["run_id"])
        return _told(instance, run) if run else {}


def runs(request: dict[str, Any], _: TextIO) -> list[dict[str, Any]]:
    """The newest runs of some jobs in some states; all jobs and states when none is named."""
    import dagster as dg

    statuses = [dg.DagsterRunStatus(status) for status in request.get("statuses", ())]
    with dg.DagsterInstance.get() as instance:
        records = instance.get_run_records(dg.RunsFilter(statuses=statuses or None), limit=200)
        told = [_told(instance, record.dagster_run) for record in records]
    wanted = request.get("jobs")
    return [
        run
        for run in told
        if (not wanted or run["job"] in wanted) and (not statuses or run["status"] in _names(request))
    ]


def launched_by(request: dict[str, Any], _: TextIO) -> list[dict[str, Any]]:
    """The runs that carry one of some values in a tag; nothing is reported of those whose process is gone."""
    import dagster as dg

    values, found = request["values"], []
    with dg.DagsterInstance.get() as instance:
        for start in range(0, len(values), _VALUES_AT_ONCE):
            wanted = dg.RunsFilter(tags={request["tag"]: values[start : start + _VALUES_AT_ONCE]})
            found += [_plain(record.dagster_run) for record in instance.get_run_records(wanted)]
    return found


def cancel(request: dict[str, Any], _: TextIO) -> dict[str, Any]:
    """Cancel a run: stop the process that executes it, or take a queued or abandoned one off the list."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(request["run_id"])
        if run is None:
            raise LookupError(f"no run {request['run_id']}")
        if not run.is_finished:
            _stop_process(run.tags.get(PROCESS_TAG, ""))
            run = instance.get_run_by_id(run.run_id) or run
        if not run.is_finished:
            instance.report_run_canceled(run)
        return _told(instance, instance.get_run_by_id(run.run_id))


def _stop_process(process: str) -> None:
    import psutil

    if process and not _is_abandoned(process):
        with contextlib.suppress(psutil.Error):
            one = psutil.Process(int(process.partition(":")[0]))
            one.terminate()
            one.wait(timeout=30)


DO = {"launch": launch, "find": find, "show": show, "runs": runs, "launched_by": launched_by, "cancel": cancel}


def _names(request: dict[str, Any]) -> list[str]:
    return list(request.get("statuses", ()))


def _job(request: dict[str, Any]) -> Any:
    from dagster._core.definitions.reconstruct import ReconstructableRepository
    from dagster._core.workspace.autodiscovery import loadable_targets_from_python_module

    folder = str(Path(request["working_directory"]).absolute())
    attribute = request.get("attribute") or loadable_targets_from_python_module(request["module"], folder)[0].attribute
    repository = ReconstructableRepository.for_module(request["module"], attribute, folder)
    return repository.get_reconstructable_job(request["job"])


def _told(instance: Any, run: Any) -> dict[str, Any]:
    """A run as plain data; one whose process is gone is reported as failed first, nobody else would."""
    if not run.is_finished and _is_abandoned(run.tags.get(PROCESS_TAG, "")):
        instance.report_run_failed(run, "the process that executed this run is gone")
        run = instance.get_run_by_id(run.run_id)
    return _plain(run)


def _plain(run: Any) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "job": run.job_name,
        "status": run.status.value,
        "config": dict(run.run_config),
        "tags": dict(run.tags),
        "root_run_id": run.root_run_id or run.run_id,
        "parent_run_id": run.parent_run_id or "",
    }


def _is_abandoned(process: str) -> bool:
    """Whether the process of a run is known to be gone; of one on another host nobody here knows."""
    from dagster_playbook.services.living import is_alive

    pid, _, rest = process.partition(":")
    told, _, host = rest.partition("@")
    if not told or not pid.isdigit() or (host and host != socket.gethostname()):
        return False
    return not is_alive(int(pid), told)


def _follow(run_key: str, pid: int, answers: TextIO, stop: threading.Event) -> None:
    """Tell of the run's events while it goes on; the last ones once more after its end."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        run_id, cursor = "", 0
        while True:
            last = stop.is_set()
            if not run_id:
                found = instance.get_run_records(dg.RunsFilter(tags={RUN_KEY_TAG: run_key}), limit=1)
                mine = found and found[0].dagster_run.tags.get(PROCESS_TAG, "").startswith(f"{pid}:")
                run_id = found[0].dagster_run.run_id if mine else ""
                if run_id:
                    tell(answers, event="run", message=run_id)
            if run_id:
                entries = instance.all_logs(run_id)
                for entry in entries[cursor:]:
                    event = entry.dagster_event
                    if event is not None and event.event_type_value in _TOLD:
                        tell(
                            answers,
                            event=event.event_type_value,
                            step=event.step_key or "",
                            message=_message(event),
                        )
                cursor = len(entries)
            if last:
                return
            time.sleep(_POLL_S)


def _message(event: Any) -> str:
    """What an event says; of a step that failed, why."""
    error = event.step_failure_data.error if event.is_step_failure else None
    if error is None:
        return event.message or ""
    whole = {"className": error.cls_name, "message": error.message, "cause": None}
    cause = error.cause
    return step_failure(whole | ({"cause": {"className": cause.cls_name, "message": cause.message}} if cause else {}))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())

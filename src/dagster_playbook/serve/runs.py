"""Runs: the list, one run as it goes on, its evidence; cancel, resume, take over."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse

from dagster_playbook.runbook.store import run_state
from dagster_playbook.serve import pages, signing, watching
from dagster_playbook.serve.following import RunView, evidence_of, folder_of, mark_of, view_of
from dagster_playbook.serve.protection import form_of
from dagster_playbook.serve.serving import Refused, Serving
from dagster_playbook.serve.starting import cancel, owner_of, start

_MOST_LISTED = 200
#: runs whose newest part of the page is kept
_MOST_WATCHED = 50


class Runs:
    """The handlers of a server's runs; what many watch is made once for all of them."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._watched: dict[str, watching.Watched] = {}

    async def listed(self, request: Request) -> Response:
        """The newest runs first."""

        def told() -> list[dict[str, Any]]:
            store = self._serving.store
            states = [run_state(store.folder / "runs" / run) for run in list(reversed(store.run_ids()))[:_MOST_LISTED]]
            return [state | {"running": owner_of(self._serving, state["id"]) is not None} for state in states]

        return pages.page(request, self._serving, "runs.html", runs=await anyio.to_thread.run_sync(told))

    async def show(self, request: Request) -> Response:
        """One run."""
        view = await anyio.to_thread.run_sync(view_of, self._serving, request.path_params["run"])
        command = signing.shell("playbook", "resume", view.id)
        return pages.page(request, self._serving, "run.html", view=view, command=command)

    async def watch(self, request: Request) -> Response:
        """Tells the page of every step as it begins and ends."""
        run = request.path_params["run"]
        await anyio.to_thread.run_sync(folder_of, self._serving, run)
        if run not in self._watched:
            while len(self._watched) >= _MOST_WATCHED:
                self._watched.pop(next(iter(self._watched)))
            self._watched[run] = watching.Watched(lambda: mark_of(self._serving, run), lambda: self._part(run))
        return StreamingResponse(watching.events(request, self._watched[run]), headers=watching.HEADERS)

    async def evidence(self, request: Request) -> Response:
        """What a step gave, as text."""
        run, seq = request.path_params["run"], request.path_params["seq"]
        name, text, is_whole = await anyio.to_thread.run_sync(evidence_of, self._serving, run, seq)
        told = "as it was written" if is_whole else "it is NOT as it was written"
        return PlainTextResponse(f"{name}: {told}\n\n{text}")

    async def cancel(self, request: Request) -> Response:
        """Ask the process of a run to stop."""
        await form_of(request, self._serving)
        request.scope["person"].must_operate()
        run = request.path_params["run"]
        await anyio.to_thread.run_sync(folder_of, self._serving, run)
        await anyio.to_thread.run_sync(cancel, self._serving, run)
        return RedirectResponse(f"{pages.LIVE}/runs/{run}", 303)

    async def resume(self, request: Request) -> Response:
        """Go on with a run, also after its operator's machine is gone: that is taking over, and needs a reason."""
        form = await form_of(request, self._serving)
        person = request.scope["person"]
        person.must_operate()
        run = request.path_params["run"]
        view = await anyio.to_thread.run_sync(view_of, self._serving, run)
        arguments = ["resume", run, "--format=json", f"--project={self._serving.root}"]
        if self._serving.dagster_url:
            arguments.append(f"--dagster-url={self._serving.dagster_url}")
        arguments += _how(form.get("how", ""), view)
        if reason := str(form.get("take_over", "")).strip():
            arguments.append(f"--take-over={reason}")
        arguments += _answers(form, view)
        await anyio.to_thread.run_sync(lambda: start(self._serving, arguments, by=person.name))
        return RedirectResponse(f"{pages.LIVE}/runs/{run}", 303)

    def _part(self, run: str) -> watching.Part:
        view = view_of(self._serving, run)
        is_last = not view.is_running and view.state != "cut"
        return watching.Part(pages.render("steps.html", view=view), is_last)


def _how(how: Any, view: RunView) -> list[str]:
    """The step at which it stands may be run once more, or be taken as done, when whoever resumes has looked."""
    if how in ("again", "done"):
        if not view.stands_at:
            raise Refused("the run stands at no step", 409)
        return [f"--{how}={view.stands_at}"]
    if how:
        raise Refused("it can go on, run the step again, or take it as done", 400)
    return []


def _answers(form: Any, view: RunView) -> list[str]:
    """Answers to the steps that ask and are still to come."""
    asked = [
        step.id for step in view.steps.values() if step.kind == "ask" and step.state not in ("succeeded", "skipped")
    ]
    given = {step: str(form.get(f"answer.{step}", "")).strip() for step in asked}
    return [f"--answer={step}={answer}" for step, answer in given.items() if answer]

"""Forms of runbooks: plan, ask for a plan, run it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import anyio
import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dagster_playbook.approval.asking import Wanted, request_text
from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed
from dagster_playbook.approval.grant import Demand, verify
from dagster_playbook.claims.runbook_model import Runbook
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook.planning import Asked, Planned, planned
from dagster_playbook.runbook.requests import refuse_request
from dagster_playbook.serve import pages, signing
from dagster_playbook.serve.protection import form_of
from dagster_playbook.serve.serving import PlannedForm, Refused, Serving
from dagster_playbook.serve.site import form_told
from dagster_playbook.serve.starting import start

#: plans load a whole project: more than two at once only take longer
_AT_ONCE = 2


class Planning:
    """The handlers of a server's plans."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._turns = anyio.CapacityLimiter(_AT_ONCE)

    async def listed(self, request: Request) -> Response:
        """All runbooks."""
        books = await anyio.to_thread.run_sync(self._serving.runbooks)
        return pages.page(request, self._serving, "runbooks.html", runbooks=books)

    async def form(self, request: Request) -> Response:
        """One runbook's form, for projects without a site."""
        name = request.path_params["name"]
        runbook = await anyio.to_thread.run_sync(self._serving.runbook, name)
        told = form_told(request, self._serving, name, runbook)
        told.pop("token"), told.pop("person")
        return pages.page(request, self._serving, "runbook.html", **told)

    async def plan(self, request: Request) -> Response:
        """Plan what the form says; changes nothing."""
        form = await form_of(request, self._serving)
        request.scope["person"].must_operate()
        runbook = await anyio.to_thread.run_sync(self._serving.runbook, request.path_params["name"])
        given = _given(runbook, form)
        made = await self.planned(Asked(str(self._serving.root), runbook.path, given, self._serving.target, self._url))
        by = request.scope["person"].name
        self._serving.plans.put(made.digest, PlannedForm(made, tuple(given), runbook, by))
        return RedirectResponse(f"{pages.LIVE}/plans/{made.digest}", 303)

    async def planned(self, asked: Asked) -> Planned:
        """A plan from a process of its own; raises Refused with the command's own words."""
        try:
            return await anyio.to_thread.run_sync(planned, asked, limiter=self._turns)
        except RefusedError as error:
            raise Refused(str(error), 409) from error

    async def show(self, request: Request) -> Response:
        """A plan: what it would do, what it touches, and what can be done with it."""
        kept = self._kept(request)
        told = await anyio.to_thread.run_sync(self._told, kept)
        return pages.page(request, self._serving, "plan.html", **told)

    async def ask(self, request: Request) -> Response:
        """Begin to ask for a plan: its text is signed by the passkey of whoever asks."""
        form = await form_of(request, self._serving)
        request.scope["person"].must_operate()
        kept, serving, person = self._kept(request), self._serving, request.scope["person"]
        made, reason = kept.planned, str(form.get("reason", "")).strip()

        def text() -> str:
            refuse_request(made.parts, made.rules, reason)
            return request_text(Wanted(made.parts, made.about, reason), serving.store.policy(made.parts.target))

        def keep(signed: Signed) -> str:
            serving.store.ask(made.digest, Envelope(signed))
            return f"{pages.LIVE}/approvals/{made.digest}"

        return await signing.begin(request, serving, person, text, keep)

    async def run(self, request: Request) -> Response:
        """Start the operator's process for exactly this plan."""
        form = await form_of(request, self._serving)
        person = request.scope["person"]
        person.must_operate()
        kept = self._kept(request)
        arguments = ["run", kept.runbook.path, f"--plan={kept.planned.digest}", "--format=json", *self._common()]
        for text in kept.given:
            arguments += ["-p", text]
        for question in pages.questions(kept.runbook):
            answer = str(form.get(f"answer.{question['step']}", "")).strip()
            if not answer:
                raise Refused(f"step {question['step']} asks, and the form has no answer", 400)
            arguments.append(f"--answer={question['step']}={answer}")
        run = await anyio.to_thread.run_sync(lambda: start(self._serving, arguments, by=person.name))
        return RedirectResponse(f"{pages.LIVE}/runs/{run}", 303)

    @property
    def _url(self) -> str:
        return self._serving.dagster_url

    def _common(self) -> list[str]:
        url = [f"--dagster-url={self._url}"] if self._url else []
        return [f"--target={self._serving.target}", f"--project={self._serving.root}", *url]

    def _kept(self, request: Request) -> PlannedForm:
        kept = self._serving.plans.get(request.path_params["digest"])
        if kept is None:
            raise Refused("this plan is not remembered any more: plan it again", 410)
        return kept

    def _told(self, kept: PlannedForm) -> dict[str, Any]:
        made = kept.planned
        approved, lacks = _approval(self._serving, made)
        command = ["playbook", "plan", kept.runbook.path]
        for text in kept.given:
            command += ["-p", text]
        return {
            "kept": kept,
            "made": made,
            "rules": [asdict(rule) for rule in made.rules],
            "approved": approved,
            "lacks": lacks,
            "is_asked_for": bool(made.rules) and _is_asked_for(self._serving, made.digest),
            "questions": pages.questions(kept.runbook),
            "command": signing.shell(*command, "--request", "--key", "~/.ssh/id_ed25519"),
        }


def _given(runbook: Runbook, form: FormData) -> list[str]:
    """The `name=value` texts of a form, of the parameters that the runbook has and of no other."""
    if hidden := pages.secrets_of(runbook):
        raise Refused(f"{hidden[0]} is secret, and no page takes its value: run it in a terminal", 400)
    given = []
    for name, parameter in runbook.parameters.items():
        text = str(form.get(f"p.{name}", "")).strip()
        lines = text.splitlines() if parameter.is_list else [text]
        given += [f"{name}={line.strip()}" for line in lines if line.strip()]
    return given


def _is_asked_for(serving: Serving, digest: str) -> bool:
    try:
        return bool(serving.store.read_envelope(digest))
    except RunbookError:
        return False


def _approval(serving: Serving, made: Planned) -> tuple[str, str]:
    """Who has approved a plan, and why it may not run yet; "" when it may."""
    if not made.rules:
        return "", ""
    try:
        _, envelope = serving.store.read_envelope(made.digest)
        policy = serving.store.policy(made.parts.target)
        for rule in made.rules:
            grant = verify(envelope, policy, Demand(rule, made.parts.target, digest=made.digest))
            serving.store.ledger.look(grant.nonce, holder="")
    except (RefusedError, RunbookError) as error:
        return "", getattr(error, "message", "") or str(error)
    return f"approved by {grant.approver}, asked for by {grant.requester}", ""

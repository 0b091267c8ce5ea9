"""What was asked for: looked at anew, approved or rejected with a signature, here or in a terminal."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from dagster_playbook.approval import statement
from dagster_playbook.approval.asking import approval_text, rejection_text, with_approval, with_rejection
from dagster_playbook.approval.envelope import Envelope, RefusedError, Signed, payload_of
from dagster_playbook.approval.policy import BREAK_GLASS, Policy
from dagster_playbook.approval.statement import APPROVAL, REJECTION, REQUEST
from dagster_playbook.errors import RunbookError
from dagster_playbook.runbook.planning import Asked
from dagster_playbook.serve import pages, signing, watching
from dagster_playbook.serve.planning import Planning
from dagster_playbook.serve.protection import form_of
from dagster_playbook.serve.serving import Refused, Serving

_HOURS = 4.0


class Approvals:
    """The handlers of a server's requests."""

    def __init__(self, serving: Serving, planning: Planning) -> None:
        self._serving, self._planning = serving, planning

    async def listed(self, request: Request) -> Response:
        """Every request that is kept, the newest last."""

        def told() -> list[dict[str, Any]]:
            policy = self._policy()
            kept = self._serving.store.envelopes()
            return [_state_of(digest, envelope, policy) for digest, envelope in kept]

        return pages.page(request, self._serving, "approvals.html", requests=await anyio.to_thread.run_sync(told))

    async def show(self, request: Request) -> Response:
        """One request with what can be done about it."""
        told = await anyio.to_thread.run_sync(self._told, request.path_params["digest"])
        return pages.page(request, self._serving, "approval.html", **told)

    async def watch(self, request: Request) -> Response:
        """Tells the page whenever the request has changed: an approval has come, from here or from a terminal."""
        digest, _ = await anyio.to_thread.run_sync(self._kept, request.path_params["digest"])
        file = self._serving.store.folder / "approvals" / f"{digest}.json"

        def part() -> watching.Part:
            return watching.Part(pages.render("approval_state.html", state=self._told(digest)["state"]))

        watched = watching.Watched(lambda: _mark(file), part)
        return StreamingResponse(watching.events(request, watched), headers=watching.HEADERS)

    async def review(self, request: Request) -> Response:
        """Plan here what the request asks for, and hold the request to it, as `playbook approve` does."""
        await form_of(request, self._serving)
        digest, envelope = await anyio.to_thread.run_sync(self._kept, request.path_params["digest"])
        asked = payload_of(envelope.request)
        runbook = str((asked.get("parts") or {}).get("runbook", ""))
        serving = self._serving
        made = await self._planning.planned(
            Asked(str(serving.root), runbook, [], serving.target, serving.dagster_url, review=asked)
        )
        serving.reviews.put(digest, made)
        return RedirectResponse(f"{pages.LIVE}/approvals/{digest}#plan", 303)

    async def approve(self, request: Request) -> Response:
        """Begin an approval: its text is for the approver's passkey to sign."""
        form = await form_of(request, self._serving)
        digest, envelope = await anyio.to_thread.run_sync(self._kept, request.path_params["digest"])
        reviewed = self._serving.reviews.get(digest)
        if reviewed is None:
            raise Refused("look at the plan first: this server's own plan of it is what you approve", 409)
        policy, hours = self._policy(), _number(str(form.get("hours", _HOURS)))

        def text() -> str:
            asked, _ = self._open(envelope, policy)
            self._serving.store.ledger.look(asked, holder="")
            return approval_text(envelope, policy, hours=hours, rules=reviewed.rules, own=reviewed.digest)

        def keep(signed: Signed) -> str:
            # somebody else may have answered meanwhile
            self._serving.store.answer(
                digest, envelope, lambda now: with_approval(now, signed, policy, rules=reviewed.rules)
            )
            return f"{pages.LIVE}/approvals/{digest}"

        return await signing.begin(request, self._serving, request.scope["person"], text, keep)

    async def reject(self, request: Request) -> Response:
        """Begin a rejection, which needs a reason."""
        form = await form_of(request, self._serving)
        digest, envelope = await anyio.to_thread.run_sync(self._kept, request.path_params["digest"])
        policy, reason = self._policy(), str(form.get("reason", "")).strip()

        def keep(signed: Signed) -> str:
            def rejected(now: Envelope) -> Envelope:
                made = with_rejection(now, signed, policy)
                self._serving.store.reject(str(payload_of(made.request)["nonce"]), reason)
                return made

            self._serving.store.answer(digest, envelope, rejected)
            return f"{pages.LIVE}/approvals/{digest}"

        def text() -> str:
            return rejection_text(envelope, policy, reason=reason)

        return await signing.begin(request, self._serving, request.scope["person"], text, keep)

    def _kept(self, digest: str) -> tuple[str, Envelope]:
        try:
            return self._serving.store.read_envelope(digest)
        except RunbookError as error:
            raise Refused(error.message, 404) from error

    def _policy(self) -> Policy:
        return self._serving.store.policy(self._serving.target)

    def _open(self, envelope: Envelope, policy: Policy) -> tuple[str, str]:
        asked = statement.read(envelope.request, policy, REQUEST)
        return asked.nonce, asked.author

    def _told(self, digest: str) -> dict[str, Any]:
        digest, envelope = self._kept(digest)
        policy = self._policy()
        reviewed = self._serving.reviews.get(digest)
        own = ("--target", self._serving.target) if self._serving.target != "embedded" else ()
        key = ("--key", "~/.ssh/id_ed25519", *own)
        return {
            "state": _state_of(digest, envelope, policy),
            "reviewed": reviewed,
            "rules": [asdict(rule) for rule in reviewed.rules] if reviewed else [],
            "hours": min(_HOURS, policy.max_hours),
            "approve_command": signing.shell("playbook", "approve", digest[:12], *key),
            "reject_command": signing.shell("playbook", "reject", digest[:12], *key, "--reason", "TEXT"),
        }


def _state_of(digest: str, envelope: Envelope, policy: Policy) -> dict[str, Any]:
    """A request for people: who asked, who has answered; `problem` is why it does not hold."""
    told: dict[str, Any] = {"digest": digest, "by": "", "about": {}, "reason": "", "expires_at": "", "approvals": [],
                            "rejected": "", "problem": ""}  # fmt: skip
    try:
        asked = statement.read(envelope.request, policy, REQUEST, BREAK_GLASS)
        about = asked.payload.get("about")
        told |= {"by": asked.author, "about": about if isinstance(about, dict) else {}}
        told["reason"] = str(asked.payload.get("reason") or "")
        told["expires_at"] = asked.payload.get("expires_at", "")
        if envelope.rejection:
            answer = statement.read(envelope.rejection, policy, REJECTION)
            told["rejected"] = f"{answer.author}: {answer.payload.get('reason')}"
        statement.alive(asked, policy.max_hours, statement.now())
    except RefusedError as error:
        told["problem"] = str(error)
    for signed in envelope.approvals:
        try:
            answer = statement.read(signed, policy, APPROVAL)
            told["approvals"].append(f"{answer.author}, until {answer.payload.get('expires_at')}")
        except RefusedError as error:
            told["approvals"].append(f"one that does not hold: {error}")
    return told


def _mark(file: Path) -> tuple[int, int]:
    try:
        stat = file.stat()
    except FileNotFoundError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Refused(f"{text[:40]!r} is no number of hours", 400) from error

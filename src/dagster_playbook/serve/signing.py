"""Signatures in the browser: a passkey signs a text, and what comes of it is kept as the SSH signature that it is."""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dagster_playbook.approval import signature
from dagster_playbook.approval.envelope import RefusedError, Signed
from dagster_playbook.approval.passkey import Assertion, Passkey, armoured, challenge, passkeys, signers_line
from dagster_playbook.approval.policy import Policy
from dagster_playbook.approval.signature import SignatureError
from dagster_playbook.serve import pages
from dagster_playbook.serve.people import Person
from dagster_playbook.serve.protection import form_of
from dagster_playbook.serve.serving import Draft, Refused, Serving, new_name

_MOST_CHARACTERS = 20_000


async def begin(
    request: Request, serving: Serving, person: Person, text: Callable[[], str], keep: Callable[[Signed], str]
) -> Response:
    """Make the text that is to be signed, and tell the browser what its passkey is to sign.

    Args:
        keep: keeps what was signed and returns the address to go to.

    Raises:
        Refused: the policy knows no passkey for this site, or the text cannot be made.
    """

    def made() -> dict[str, Any]:
        try:
            drafted = text()
        except RefusedError as error:
            raise Refused(str(error), 409) from error
        known = _usable(serving, person, request)
        if not known:
            cure = f"make one on {pages.LIVE}/passkey, or use the command"
            raise Refused("the policy knows no passkey of yours for this site", 409, cure)
        name = new_name()
        serving.drafts.put(name, Draft(drafted, request.scope["session"], keep))
        address = f"{pages.LIVE}/drafts/{name}"
        return {
            "address": address,
            "token": serving.tokens.make(request.scope["session"], address),
            "challenge": _spelled(challenge(drafted)),
            "host": _host(request),
            "credentials": [one.credential for one in known],
        }

    return JSONResponse(await anyio.to_thread.run_sync(made))


async def finish(request: Request, serving: Serving) -> Response:
    """Take what a passkey has signed; whether it holds is for `ssh-keygen` to say, as everywhere."""
    form = await form_of(request, serving)
    draft = serving.drafts.take(request.path_params["name"])
    if draft is None or draft.session != request.scope["session"]:
        raise Refused("nothing waits for this signature any more: begin anew", 410)
    person: Person = request.scope["person"]
    given = Assertion(*(_bytes(form, name) for name in ("client_data", "authenticator_data", "signature")))

    def kept() -> str:
        policy = serving.store.policy(serving.target)
        wanted = str(form.get("credential", ""))
        passkey = next((one for one in _usable(serving, person, request) if one.credential == wanted), None)
        if passkey is None:
            raise Refused("the policy does not know this passkey as yours")
        try:
            signed = Signed(draft.text, armoured(passkey, draft.text, given, _origin(request)))
            author = signature.signer(signed.payload, signed.signature, policy.allowed_signers)
            refuse_another(person, author)
            return str(draft.keep(signed))
        except (RefusedError, SignatureError) as error:
            raise Refused(str(error), 409) from error

    return JSONResponse({"go": await anyio.to_thread.run_sync(kept)})


def refuse_another(person: Person, author: str) -> None:
    """Raises Refused for a signature by somebody else than the one whom the proxy names."""
    if not person.is_local and author != person.name:
        raise Refused(f"you are {person.name}, and the key is that of {author}")


async def register(request: Request, serving: Serving) -> Response:
    """The line of the allowed signers for a passkey that the browser has just made; nothing is written."""
    form = await form_of(request, serving)
    person: Person = request.scope["person"]
    name = str(form.get("name", "")).strip() if person.is_local else person.name
    try:
        credential = str(form.get("credential", ""))
        line = signers_line(name, credential, _bytes(form, "public_key"), _host(request))
    except SignatureError as error:
        raise Refused(str(error), 400) from error
    return JSONResponse({"line": line})


def shell(*words: str) -> str:
    """A command to copy into a shell; a path that begins at home stays one."""
    return " ".join(word if word.startswith("~/") else shlex.quote(word) for word in words)


def _usable(serving: Serving, person: Person, request: Request) -> list[Passkey]:
    """The passkeys of this site, of the person where the proxy names one."""
    policy: Policy = serving.store.policy(serving.target)
    mine = (one for one in passkeys(policy.allowed_signers) if one.rp_id == _host(request))
    return [one for one in mine if person.is_local or one.principal == person.name]


def _origin(request: Request) -> str:
    """The site's own address, by which of its names the browser has used; the name was held to the list."""
    serving: Serving = request.app.state.serving
    host = request.headers["host"].lower()
    return next(origin for origin in serving.origins if origin.endswith(f"//{host}"))


def _host(request: Request) -> str:
    return urlsplit(_origin(request)).hostname or ""


def _spelled(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(form: Any, name: str) -> bytes:
    text = str(form.get(name, ""))
    try:
        if len(text) > _MOST_CHARACTERS:
            raise ValueError
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise Refused(f"{name} is no base64url", 400) from error

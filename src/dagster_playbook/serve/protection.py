"""What every request passes: the host it names, where a form comes from, its token, and what a page may load."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from starlette.datastructures import FormData, Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dagster_playbook.serve.serving import Refused, Serving
from dagster_playbook.serve.tokens import TokenError

COOKIE = "playbook_session"
#: of a form: a page has a few parameters, not megabytes
MAX_BODY_BYTES = 1_000_000
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def content_policy(scripts: Iterable[str] = ()) -> str:
    """The header Content-Security-Policy: what this server gives and nothing else.

    Args:
        scripts: `sha256-...` of the inline scripts of a page of the built site.
    """
    hashes = "".join(f" '{script}'" for script in scripts)
    return (
        f"default-src 'none'; script-src 'self'{hashes}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    )


class Protection:
    """The outermost part of the application; what it refuses reaches no page."""

    def __init__(self, app: ASGIApp, serving: Serving, refuse: Any) -> None:
        self._app, self._serving, self._refuse = app, serving, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        session = request.cookies.get(COOKIE, "")
        is_new = not session
        scope["session"] = session or secrets.token_urlsafe(32)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._dress(MutableHeaders(scope=message), scope["session"] if is_new else "")
            await send(message)

        try:
            _refuse_foreign(self._serving, scope["method"], Headers(scope=scope))
        except Refused as error:
            await self._refuse(request, error)(scope, receive, guarded)
            return
        await self._app(scope, _limited(receive), guarded)

    def _dress(self, headers: MutableHeaders, session: str) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", content_policy())
        headers.setdefault("Cache-Control", "no-store")
        if session:
            secure = "; Secure" if self._serving.is_secure else ""
            headers.append("Set-Cookie", f"{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict{secure}")


def _refuse_foreign(serving: Serving, method: str, headers: Headers) -> None:
    """A name that leads here by somebody else's DNS, and a form on somebody else's page, are refused."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or hosts[0].lower() not in serving.hosts:
        raise Refused("this server is not reached by that name", 421)
    if method in ("GET", "HEAD"):
        return
    if method != "POST":
        raise Refused(f"{method} is not known here", 405)
    origin = headers.get("origin")
    if origin is None:
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Refused("the form comes from a page of another site")
    elif origin not in serving.origins:
        raise Refused("the form comes from a page of another site")


def _limited(receive: Receive) -> Receive:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY_BYTES:
            raise Refused(f"a form holds at most {MAX_BODY_BYTES} bytes", 413)
        return message

    return limited


def _is_text(value: str) -> bool:
    """Whether a value can be an argument of a process: no NUL, no half of a character."""
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


async def form_of(request: Request, serving: Serving) -> FormData:
    """The form of a request, once its token was taken.

    Raises:
        Refused: it has no token that counts here, or is no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise Refused("that is no form", 415)
    form = await request.form(max_files=0, max_fields=200)
    if any(not _is_text(str(value)) for value in form.values()):
        raise Refused("a field holds what is no text", 400)
    try:
        serving.tokens.take(request.scope["session"], request.url.path, str(form.get("token", "")))
    except TokenError as error:
        raise Refused(str(error)) from error
    return form

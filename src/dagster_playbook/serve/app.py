"""The application: which address is answered by what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dagster_playbook.approval.envelope import RefusedError
from dagster_playbook.approval.signature import SignatureError
from dagster_playbook.errors import PlaybookError
from dagster_playbook.serve import pages, platform, signing
from dagster_playbook.serve.approvals import Approvals
from dagster_playbook.serve.pages import LIVE
from dagster_playbook.serve.people import person_of
from dagster_playbook.serve.planning import Planning
from dagster_playbook.serve.protection import Protection
from dagster_playbook.serve.runs import Runs
from dagster_playbook.serve.serving import Refused, Serving
from dagster_playbook.serve.site import BuiltSite

Handler = Callable[[Request], Awaitable[Response]]


def make_app(serving: Serving) -> Starlette:
    """The application of one server."""
    planning, runs = Planning(serving), Runs(serving)
    approvals, built = Approvals(serving, planning), BuiltSite(serving)

    def route(path: str, handler: Handler, method: str = "GET") -> Route:
        return Route(path, _by_somebody(serving, handler), methods=[method])

    def posted(path: str, handler: Handler) -> Route:
        return route(path, handler, "POST")

    routes = [
        Mount(f"{LIVE}/static", StaticFiles(directory=pages.HERE / "static")),
        route(f"{LIVE}/runbooks", planning.listed),
        posted(f"{LIVE}/plan/{{name:path}}", planning.plan),
        route(f"{LIVE}/runbooks/{{name:path}}", planning.form),
        route(f"{LIVE}/plans/{{digest}}", planning.show),
        posted(f"{LIVE}/plans/{{digest}}/request", planning.ask),
        posted(f"{LIVE}/plans/{{digest}}/run", planning.run),
        route(f"{LIVE}/approvals", approvals.listed),
        route(f"{LIVE}/approvals/{{digest}}", approvals.show),
        route(f"{LIVE}/approvals/{{digest}}/events", approvals.watch),
        posted(f"{LIVE}/approvals/{{digest}}/review", approvals.review),
        posted(f"{LIVE}/approvals/{{digest}}/approve", approvals.approve),
        posted(f"{LIVE}/approvals/{{digest}}/reject", approvals.reject),
        posted(f"{LIVE}/drafts/{{name}}", lambda request: signing.finish(request, serving)),
        route(f"{LIVE}/runs", runs.listed),
        route(f"{LIVE}/runs/{{run}}", runs.show),
        route(f"{LIVE}/runs/{{run}}/events", runs.watch),
        route(f"{LIVE}/runs/{{run}}/evidence/{{seq:int}}", runs.evidence),
        posted(f"{LIVE}/runs/{{run}}/cancel", runs.cancel),
        posted(f"{LIVE}/runs/{{run}}/resume", runs.resume),
        route(f"{LIVE}/platform", lambda request: platform.show(request, serving)),
        route(f"{LIVE}/passkey", _passkey_page(serving)),
        posted(f"{LIVE}/passkey", lambda request: signing.register(request, serving)),
        route(LIVE, _to_runbooks),
        route("/{path:path}", built),
    ]
    refuse = _refusing(serving)

    async def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, OSError):
            return refuse(request, Refused(f"the server's disk refuses: {error.strerror or 'no reason is known'}", 503))
        return refuse(request, error if isinstance(error, Refused) else Refused(str(error), 409))

    async def not_found(request: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 404)
        return refuse(request, Refused(str(getattr(error, "detail", "there is no such page")), status))

    app = Starlette(
        routes=routes,
        middleware=[Middleware(Protection, serving=serving, refuse=refuse)],
        exception_handlers={
            **dict.fromkeys((Refused, PlaybookError, RefusedError, SignatureError, OSError), refused),
            404: not_found,
            405: not_found,
        },
    )
    app.state.serving = serving
    return app


def _by_somebody(serving: Serving, handler: Handler) -> Handler:
    """Every page and form is for somebody whom the policy knows, or for the user of this machine."""

    async def handled(request: Request) -> Response:
        request.scope["person"] = person_of(serving, request.scope)
        return await handler(request)

    return handled


def _refusing(serving: Serving) -> Callable[[Request, Refused], Response]:
    """One refusal: a page for people, JSON for the page's own script."""

    def refuse(request: Request, error: Refused) -> Response:
        told: dict[str, Any] = {"error": error.message, "cure": error.cure}
        if request.headers.get("accept") == "application/json":
            return JSONResponse(told, error.status)
        request.scope.setdefault("person", None)
        return pages.page(request, serving, "refused.html", status=error.status, **told)

    return refuse


def _passkey_page(serving: Serving) -> Handler:
    async def show(request: Request) -> Response:
        return pages.page(request, serving, "passkey.html")

    return show


async def _to_runbooks(request: Request) -> Response:
    return RedirectResponse(f"{LIVE}/runbooks")

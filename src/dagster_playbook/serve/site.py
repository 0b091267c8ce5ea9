"""The built site, with the form of its runbook at the end of each runbook's page."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from dagster_playbook.serve import pages
from dagster_playbook.serve.protection import content_policy
from dagster_playbook.serve.serving import Refused, Serving

_INLINE = re.compile(r"<script(?P<attributes>[^>]*)>(?P<body>.*?)</script>", re.DOTALL | re.IGNORECASE)
_LINKS = (
    '<nav class="live-bar"><a href="/-/runs">Runs</a> <a href="/-/approvals">Approvals</a> '
    '<a href="/-/platform">Platform</a></nav>'
)
_HEAD = '<link rel="stylesheet" href="/-/static/live.css"><script src="/-/static/live.js" defer></script>'


class BuiltSite:
    """Files of one folder; where an address leads is the library's to say, and never out of the folder."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._files = StaticFiles(directory=serving.site, html=True) if serving.site else None

    async def __call__(self, request: Request) -> Response:
        """A page, a file, or a refusal."""
        if self._files is None:
            if request.url.path == "/":
                return RedirectResponse(f"{pages.LIVE}/runbooks")
            raise Refused("there is no such page", 404)
        found = await anyio.to_thread.run_sync(self._found, self._files.get_path(request.scope))
        if found.endswith("/index.html") and not request.url.path.endswith(("/", "/index.html")):
            # one slash in front: two would lead to another host
            return RedirectResponse(f"/{request.url.path.strip('/')}/")
        if not found.endswith(".html"):
            return FileResponse(found, headers={"Cache-Control": "no-cache"})
        text = await anyio.to_thread.run_sync(Path(found).read_text, "utf-8")
        return await anyio.to_thread.run_sync(self._with_live_parts, request, text)

    def _found(self, path: str) -> str:
        """The file of an address, of a folder its index; raises Refused for neither."""
        assert self._files is not None
        with contextlib.suppress(OSError, ValueError):
            found, stat = self._files.lookup_path(path)
            if stat is not None and Path(found).is_dir():
                found, stat = self._files.lookup_path(f"{path}/index.html")
            if stat is not None and Path(found).is_file():
                return found
        raise Refused("there is no such page", 404)

    def _with_live_parts(self, request: Request, text: str) -> HTMLResponse:
        name = request.url.path.strip("/").removesuffix("/index.html").removesuffix(".html")
        runbook = self._serving.runbooks().get(name)
        live = _LINKS
        if runbook is not None:
            live += pages.render("form.html", **form_told(request, self._serving, name, runbook))
        place = next((end for end in ("</article>", "</main>", "</body>") if end in text), "")
        before, end, after = text.rpartition(place) if place else (text, "", "")
        whole = f"{before}{live}{end}{after}".replace("</head>", f"{_HEAD}</head>", 1)
        return HTMLResponse(whole, headers={"Content-Security-Policy": content_policy(_hashes(_of_theme(whole)))})


def form_told(request: Request, serving: Serving, name: str, runbook: Any) -> dict[str, Any]:
    """What the form of a runbook is made of."""
    return {
        "name": name,
        "runbook": runbook,
        "fields": pages.form_fields(runbook),
        "secrets": pages.secrets_of(runbook),
        "person": request.scope["person"],
        "token": pages.token_maker(request, serving),
        "given": {},
    }


def _of_theme(whole: str) -> str:
    """A page without its article: what an author wrote stands between the first begin and the last end of one."""
    before, begin, rest = whole.partition("<article")
    return f"{before}\n{rest.rpartition('</article>')[2]}" if begin else ""


def _hashes(text: str) -> list[str]:
    """What the site's own inline scripts are allowed by; nothing that comes from a request stands in one."""
    bodies = (match["body"] for match in _INLINE.finditer(text) if "src=" not in match["attributes"])
    digests = (hashlib.sha256(body.encode("utf-8")).digest() for body in bodies if body)
    return [f"sha256-{base64.b64encode(digest).decode('ascii')}" for digest in digests]

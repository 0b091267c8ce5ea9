"""Server-sent events: a page is told whenever what it shows has changed, and is never left in silence."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request

HEADERS = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
_LOOK_S = 0.25
_SILENT_S = 10.0


async def events(
    request: Request, mark: Callable[[], Any], fragment: Callable[[], tuple[str, bool]]
) -> AsyncIterator[str]:
    """The stream of a page; it ends with the browser, or when there is nothing more to tell.

    Args:
        mark: changes whenever the fragment may have; cheap.
        fragment: the part of the page, and whether it is the last one.
    """
    seen, told_at = object(), time.monotonic()
    while not await request.is_disconnected():
        now = await anyio.to_thread.run_sync(mark)
        if now != seen:
            text, is_last = await anyio.to_thread.run_sync(fragment)
            yield _event("ended" if is_last else "changed", text)
            seen, told_at = now, time.monotonic()
            if is_last:
                return
        elif time.monotonic() - told_at > _SILENT_S:
            yield ": still here\n\n"
            told_at = time.monotonic()
        await anyio.sleep(_LOOK_S)


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n"

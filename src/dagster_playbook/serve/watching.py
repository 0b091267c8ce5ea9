"""Server-sent events: a page is told whenever what it shows has changed, and is never left in silence.

However many watch, the disk is looked at four times a second, and the part of the page is made once.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request

HEADERS = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
_LOOK_S = 0.25
_SILENT_S = 10.0


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a page as it is now; `is_last` when nothing more will be told."""

    text: str
    is_last: bool = False


class Watched:
    """One thing that is watched.

    Args:
        mark: changes whenever the part may have; cheap.
        make: makes the part.
    """

    def __init__(self, mark: Callable[[], Any], make: Callable[[], Part]) -> None:
        self._mark, self._make = mark, make
        self._seen: Any = None
        self._part = Part("")
        self._at = float("-inf")
        self._turn = anyio.Lock()

    async def part(self) -> Part:
        """The part as it was a quarter of a second ago at the earliest; the same object as long as it is the same."""
        async with self._turn:
            if time.monotonic() - self._at >= _LOOK_S:
                await anyio.to_thread.run_sync(self._look)
                self._at = time.monotonic()
        return self._part

    def _look(self) -> None:
        mark = self._mark()
        if mark != self._seen:
            self._part, self._seen = self._make(), mark


async def events(request: Request, watched: Watched) -> AsyncIterator[str]:
    """The stream of a page; it ends with the browser, or when there is nothing more to tell."""
    seen, told_at = None, time.monotonic()
    while not await request.is_disconnected():
        part = await watched.part()
        if part is not seen:
            yield _event("ended" if part.is_last else "changed", part.text)
            seen, told_at = part, time.monotonic()
            if part.is_last:
                return
        elif time.monotonic() - told_at > _SILENT_S:
            yield ": still here\n\n"
            told_at = time.monotonic()
        await anyio.sleep(_LOOK_S)


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n"

"""What a long check is doing, on stderr and only on a terminal; a quick one shows nothing and imports nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: seconds after which a check is no longer quick
_PATIENCE_S = 0.4


class WorkProgress:
    """A spinner with the work in hand and the time so far, shown once it has taken a while."""

    def __init__(self) -> None:
        self._work = ""
        self._display: Any = None
        self._task: Any = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(_PATIENCE_S, self._show)
        self._timer.daemon = True

    def start(self) -> None:
        """Begin to wait."""
        self._timer.start()

    def tell(self, work: str) -> None:
        """Say what is being done, e.g. `checking docs/index.md`."""
        with self._lock:
            self._work = work
            if self._display is not None:
                self._display.update(self._task, description=work)

    def stop(self) -> None:
        """Take the display away."""
        self._timer.cancel()
        with self._lock:
            if self._display is not None:
                self._display.stop()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with self._lock:
            if self._timer.finished.is_set() and self._display is None:
                return
            self._display = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._display.add_task(self._work, total=None)
            self._display.start()


@contextmanager
def work_progress(*, shown: bool) -> Iterator[Callable[[str], None]]:
    """Yields what to tell of the work; shows nothing unless asked and stderr is a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield lambda work: None
        return
    progress = WorkProgress()
    progress.start()
    try:
        yield progress.tell
    finally:
        progress.stop()

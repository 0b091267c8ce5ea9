"""How long one page may keep a check busy: a page without end costs that page, not the check."""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

#: where a page is not checked by the main thread, the clock counts, which runs on while authorities are waited for
_CLOCK_FACTOR = 10


class PageLimitError(BaseException):
    """The time of a page is over; no `Exception`, so that no rule takes it for a mistake of the page."""


@contextmanager
def page_limit(seconds: float) -> Iterator[None]:
    """Let the block compute for that long; authorities are waited for beside it, and have limits of their own.

    Raises:
        PageLimitError: the time was over. Not where another limit of the kind is in force already: then that holds.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not hasattr(signal, "setitimer"):
        with _by_clock(seconds * _CLOCK_FACTOR):
            yield
        return
    if signal.getitimer(signal.ITIMER_VIRTUAL)[0]:
        yield
        return

    def over(_number: int, _frame: FrameType | None) -> NoReturn:
        raise PageLimitError

    before = signal.signal(signal.SIGVTALRM, over)
    # told again and again: what is raised in a place that cannot pass it on is lost
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def _by_clock(seconds: float) -> Iterator[None]:
    """The same in any thread, between two instructions of Python."""
    thread, over = threading.get_ident(), threading.Event()
    lock = threading.Lock()

    def watch() -> None:
        if not over.wait(seconds):
            with lock:
                if not over.is_set():
                    raising = ctypes.py_object(PageLimitError)
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raising)

    watcher = threading.Thread(target=watch, name="playbook-page-limit", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with lock:
            over.set()
        watcher.join()

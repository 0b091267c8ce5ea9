"""Signals that ask a command to stop, all of them as Ctrl-C: the work unwinds once, and what it writes down is whole.

The first signal raises `StoppedError` in the main thread, at once or, where a record is just being written, right after
it. Every later one is only noted: what ends then ends faster, and nothing is interrupted twice.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedError(KeyboardInterrupt):
    """Somebody asked this command to stop; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def exit_code(self) -> int:
        """As a shell says it: 130 for Ctrl-C, 143 for SIGTERM, 129 for a closed terminal."""
        return 128 + self.number


@dataclass(slots=True)
class _Asked:
    number: int = 0
    is_raised: bool = False
    times: int = 0
    held: int = 0

    def hear(self, number: int, _: object) -> None:
        self.times += 1
        self.number = self.number or number
        self.stop_here()

    def stop_here(self) -> None:
        if self.number and not self.held and not self.is_raised:
            self.is_raised = True
            raise StoppedError(self.number)


_asked = _Asked()


@contextlib.contextmanager
def stop_signals() -> Iterator[None]:
    """Hear the signals while the block runs; one that is ignored here, as under nohup, stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    global _asked  # noqa: PLW0603 - signals belong to the process
    before, _asked = _asked, _Asked()
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    kept = {number: signal.signal(number, _asked.hear) for number in heard}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
        _asked = before


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """What the block does is done whole: a signal that comes meanwhile raises at its end."""
    asked = _asked
    asked.held += 1
    try:
        yield
    finally:
        asked.held -= 1
    asked.stop_here()


def is_asked() -> bool:
    """Whether somebody asked this command to stop."""
    return _asked.number != 0


def is_urgent() -> bool:
    """Whether somebody asked more than once."""
    return _asked.times > 1


def reason(error: KeyboardInterrupt) -> str:
    """The cause for a journal."""
    number = error.number if isinstance(error, StoppedError) else signal.SIGINT
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name

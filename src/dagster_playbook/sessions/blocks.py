"""Which blocks of a page are recorded: the marked ones, each as commands with the output that the page shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from dagster_playbook.claims.shell import PLACEHOLDER, Word, read_shell, typed_text
from dagster_playbook.markdown.model import Fence, Page, Recording


@dataclass(frozen=True, slots=True)
class ShownCommand:
    """A command as the page shows it, with its output.

    Attributes:
        words: the program first.
        line: of the command in its block, from 1.
        first, last: of the output's lines in the block, 1-based; `last` below `first` for no output.
        output: those lines.
        problem: why it cannot be run, "" when it can.
    """

    words: tuple[str, ...]
    line: int
    first: int
    last: int
    output: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A marked block: its commands in order, and what its mark says of them."""

    fence: Fence
    mark: Recording
    commands: tuple[ShownCommand, ...] = field(default=())


def sessions_of(page: Page, programs: Mapping[str, Collection[str]]) -> Iterator[Session]:
    """The marked blocks in reading order; `programs` may be run, each with its sub-commands."""
    for mark in page.recordings:
        fence = next((item for item in page.fences if _is_covered(item, mark)), None)
        if fence is not None:
            yield Session(fence, mark, tuple(_commands(fence.body, programs)))


def _is_covered(fence: Fence, mark: Recording) -> bool:
    place = fence.location
    return place.path == mark.location.path and mark.first_line <= place.line <= mark.last_line


def _commands(text: str, programs: Mapping[str, Collection[str]]) -> Iterator[ShownCommand]:
    lines = text.split("\n")
    typed = typed_text(text, programs)
    parsed = read_shell(typed, programs={})
    starts = sorted({command.words[0].line for command in parsed.commands if command.words})
    for command in parsed.commands:
        if not command.words:
            continue
        line = command.words[0].line
        end = max(word.line for word in command.words)
        following = next((start for start in starts if start > line), len(lines) + 1)
        problem = _problem(command.words, programs, typed.split("\n")[line - 1 : end])
        words = tuple(word.text for word in command.words)
        yield ShownCommand(words, line, end + 1, following - 1, tuple(lines[end : following - 1]), problem)


def _problem(words: tuple[Word, ...], programs: Mapping[str, Collection[str]], typed: list[str]) -> str:
    """Only a plain command of a known program is run: no shell is started for a page."""
    program = words[0].text
    if program not in programs:
        return f"{program!r} is none of the project's programs, and nothing else is run for a page"
    if unknown := next((word for word in words if not word.is_known or PLACEHOLDER.search(word.text)), None):
        return f"{unknown.text!r} would need a shell or a person to fill it in"
    whole = " ".join(line.strip().rstrip("\\").strip() for line in typed)
    if any(sign in whole for sign in ("|", "&&", ";", ">", "$(", "`")):
        return "a pipe, a list of commands or a redirection needs a shell, and none is started for a page"
    return ""

"""What is written down while the renderer reads one page."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dagster_playbook.markdown.model import Fence, Link, Problem, Span
from dagster_playbook.markdown.recorder.html_code import CodeTag
from dagster_playbook.markdown.source import Comment, Place, Source

LOOKS_A_CHARACTER = 40
LOOKS_AT_LEAST = 4_000_000
"""How often the renderer may look at the characters of a page; the longest page of this project needs 29,000 looks."""

SECONDS = 60.0
"""A page that computes longer than this is given up, however few characters were looked at."""

_CLOCK_AFTER = 100_000
"""Characters between two looks at the clock."""


class TooMuchWorkError(Exception):
    """Reading the page takes more work than any page is worth; the message says which limit was crossed.

    `row` is where the renderer was, when that is known.
    """

    row: int = 0


@dataclass(slots=True)
class Budget:
    """Work that may still be done for a page, counted in characters looked at, so that a busy machine changes nothing.

    One look is a turn of a loop in Python; a regular expression looks at some eight characters in that time. The
    time that the thread computes is the second limit, a generous one: it stops what the count does not see.
    """

    left: int = 0
    deadline: float = 0.0
    next_clock: int = 0

    def open(self, characters: int) -> None:
        """Begin a page of that many characters."""
        self.left = max(LOOKS_A_CHARACTER * characters, LOOKS_AT_LEAST)
        self.next_clock = self.left
        self.deadline = time.thread_time() + SECONDS

    def spend(self, looks: int) -> None:
        """Take note of characters that are looked at now; TooMuchWorkError when it is too much."""
        self.left -= looks + 1
        if self.left > self.next_clock:
            return
        self.next_clock = self.left - _CLOCK_AFTER
        if self.left < 0:
            raise TooMuchWorkError("the renderer would look at the text of this block too often")
        if time.thread_time() > self.deadline:
            raise TooMuchWorkError(f"the renderer computes longer than {SECONDS:.0f} seconds")


@dataclass(slots=True)
class Record:
    """Everything of one page, in the order in which the renderer met it.

    Attributes:
        fences: what superfences took out of the text, by number; `stashed` leads from the renderer's stash to them.
        hidden: numbers of the fences that no reader sees: in comments, or given back as indented code.
        reverted: numbers of the fences that were given back.
        suspects: problems with the row they stand in; one inside indented code or a comment is none for readers.
        marks: the place of each mark in the text.
        texts: what is read in place of an included file, by its path in the project.
    """

    root: Path
    path: str
    roots: tuple[str, ...]
    max_bytes: int
    source: Source = field(default_factory=Source)
    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)
    rows: list[int] = field(default_factory=list)
    fences: list[tuple[Place, Fence]] = field(default_factory=list)
    fence_rows: list[tuple[int, int]] = field(default_factory=list)
    stashed: dict[int, int] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    reverted: set[int] = field(default_factory=set)
    suspects: list[tuple[int, Problem]] = field(default_factory=list)
    marks: list[Place] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    links: list[tuple[Place, Link]] = field(default_factory=list)
    anchors: list[tuple[Place, str]] = field(default_factory=list)
    texts: Mapping[str, str] = field(default_factory=dict)
    spans: list[tuple[Place, Span]] = field(default_factory=list)
    code_tags: list[CodeTag] = field(default_factory=list)

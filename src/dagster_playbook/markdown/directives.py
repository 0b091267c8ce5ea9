"""What pages tell this tool in comments: facts that words are bound to, and findings that are meant to be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from dagster_playbook.location import Location
from dagster_playbook.markdown.model import FactBinding, Mark, Problem, Recording, Suppression
from dagster_playbook.markdown.source import Comment, Source

_FACT = re.compile(r"fact:\s*(\S+)$")
_IGNORE = re.compile(r"playbook:\s*ignore\s+([A-Za-z][\w-]*(?:\s*,\s*[A-Za-z][\w-]*)*)(.*)$", re.DOTALL)
_RECORD = re.compile(r"playbook:\s*record\b")
_RECORDING = re.compile(r'playbook:\s*record(?:\s+exit=(?P<exit>\d{1,3}))?(?:\s+after="(?P<after>[^"]+)")?\s*$')
_REASON = re.compile(r"""\s+reason\s*=\s*(?:"([^"]*)"|'([^']*)')\s*$""")
#: with a deeper indent Python-Markdown does not take a comment for a block
_BLOCK_INDENT = 3
_PREFIX = re.compile(r"(?:[ >]|[*+-] |\d+\. )*")


@dataclass(slots=True)
class Directives:
    """Reads the comments of a page, in order of the text.

    `show` gives the words that a reader sees of a piece of Markdown.
    """

    source: Source
    code_blocks: dict[int, int]
    show: Callable[[str], str]
    bindings: list[FactBinding] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    _open: Comment | None = None
    _ends: dict[int, int] = field(default_factory=dict)

    def read(self, comments: list[Comment]) -> None:
        """Take in all comments of a page."""
        for comment in sorted(comments, key=lambda item: item.start):
            text = comment.text.strip()
            if text.startswith("fact:"):
                self._open_fact(comment, text)
            elif text == "/fact":
                self._close_fact(comment)
            elif text.startswith(("proven:", "opinion:")):
                self._mark(comment, *text.split(":", 1))
            elif _RECORD.match(text):
                self._record(comment, text)
            elif text.startswith("playbook:"):
                self._ignore(comment, text)
        if self._open:
            self._malformed(self._open, "this fact is never closed: write <!-- /fact --> behind its words")

    def _open_fact(self, comment: Comment, text: str) -> None:
        self._refuse_break(comment)
        if self._open:
            self._malformed(self._open, "this fact is not closed before the next one begins")
        self._open = None
        if _FACT.match(text):
            self._open = comment
        else:
            self._malformed(comment, "a fact needs one key: <!-- fact: KEY -->words<!-- /fact -->")

    def _close_fact(self, comment: Comment) -> None:
        self._refuse_break(comment)
        opened, self._open = self._open, None
        if opened is None:
            self._malformed(comment, "this closes a fact that was never opened")
            return
        key = opened.text.strip().removeprefix("fact:").strip()
        shown = self._shown(opened.end, comment.start)
        place = self.source.location(*opened.end, *comment.start)
        if not shown:
            self._malformed(opened, f"no words are bound to the fact {key!r}")
            return
        self.bindings.append(FactBinding(key, shown, place))

    def _shown(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The words between two places, as a reader sees them."""
        rows = self.source.rows
        if start[0] == end[0]:
            text = rows[start[0]].text[start[1] : end[1]]
        else:
            middle = [_PREFIX.sub("", rows[row].text, count=1) for row in range(start[0] + 1, end[0])]
            last = _PREFIX.sub("", rows[end[0]].text[: end[1]], count=1)
            text = "\n".join([rows[start[0]].text[start[1] :], *middle, last])
        return self.show(text)

    def _ignore(self, comment: Comment, text: str) -> None:
        found = _IGNORE.match(text)
        reason = _REASON.match(found.group(2)) if found else None
        if not found or (found.group(2).strip() and not reason):
            self._malformed(comment, 'not understood; write <!-- playbook: ignore CODE reason="why" -->')
            return
        codes = tuple(code.strip() for code in found.group(1).split(","))
        why = (reason.group(1) or reason.group(2) or "") if reason else ""
        first, last = self._covered(comment)
        self.suppressions.append(Suppression(codes, why.strip(), self._place(comment), first, last))

    def _mark(self, comment: Comment, kind: str, words: str) -> None:
        if not words.strip():
            what = "a test" if kind == "proven" else "a reason"
            self._malformed(comment, f"this names no {what.split()[1]}; write <!-- {kind}: {what} -->")
            return
        self._refuse_break(comment)
        first, last = self._covered(comment)
        start, end = self.source.rows[comment.start[0]].line, self.source.rows[comment.end[0]].line
        tests = tuple(test for test in re.split(r"[\s,]+", words) if test) if kind == "proven" else ()
        reason = "" if tests else " ".join(words.split())
        self.marks.append(Mark(tests, reason, self._place(comment), first, last, (first, last) != (start, end)))

    def _record(self, comment: Comment, text: str) -> None:
        found = _RECORDING.match(text)
        first, last = self._covered(comment)
        row = self.source.rows[comment.end[0]].line
        if not found or first <= row:
            form = (
                '<!-- playbook: record --> or <!-- playbook: record exit=1 after="COMMAND" --> before a console block'
            )
            self._malformed(comment, f"not understood; write {form}")
            return
        code = int(found["exit"] or 0)
        self.recordings.append(Recording(code, found["after"] or "", self._place(comment), first, last))

    def _covered(self, comment: Comment) -> tuple[int, int]:
        """First and last line that a suppression covers: its own, or the next block when it stands alone."""
        rows = self.source.rows
        (first, column), (last, end) = comment.start, comment.end
        own = (rows[first].line, rows[last].line)
        if _PREFIX.sub("", rows[first].text[:column], count=1).strip() or rows[last].text[end:].strip():
            return own
        row = last + 1
        while row < len(rows) and not _text(rows[row].text):
            row += 1
        if row >= len(rows) or rows[row].path != rows[first].path:
            return own
        stop = self._block_end(row)
        while rows[stop].path != rows[row].path:
            stop -= 1
        return rows[row].line, max(rows[row].line, rows[stop].line)

    def _block_end(self, row: int) -> int:
        """Last row of the block that begins at `row`."""
        rows = self.source.rows
        seen = []
        while row not in self.code_blocks and row not in self._ends:
            seen.append(row)
            following = row + 1
            if following >= len(rows) or not _text(rows[following].text) or following in self.code_blocks:
                self._ends[row] = row
            else:
                row = following
        end = self.code_blocks[row] if row in self.code_blocks else self._ends[row]
        self._ends.update(dict.fromkeys(seen, end))
        return end

    def _place(self, comment: Comment) -> Location:
        return self.source.location(*comment.start, *comment.end)

    def _refuse_break(self, comment: Comment) -> None:
        """A line that begins with a comment is a block of its own for the site: the sentence above it ends there."""
        (row, column), rows = comment.start, self.source.rows
        indent, above = rows[row].text[:column], rows[row - 1].text.strip() if row else ""
        if indent.strip() or len(indent) > _BLOCK_INDENT or not above:
            return
        if above.startswith("#") or row - 1 in self.code_blocks.values():
            return
        message = "the site ends the sentence before this line, because a comment begins it; move a word in front of it"
        self.problems.append(Problem("PB022", message, self._place(comment), comment.text.strip()))

    def _malformed(self, comment: Comment, message: str) -> None:
        self.problems.append(Problem("PB011", message, self._place(comment), comment.text.strip()))


def _text(text: str) -> str:
    """The text of a row without quote marks."""
    return text.strip(" >")

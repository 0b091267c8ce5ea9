"""The renderer's block parser, recorded: where headings and indented code stand, and how deep blocks are nested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from dagster_playbook.markdown.model import Fence, Problem
from dagster_playbook.markdown.recorder.marks import MARK, number_of, unmarked
from dagster_playbook.markdown.recorder.record import Record, TooMuchWorkError
from dagster_playbook.markdown.source import Place

MAX_DEPTH = 200
"""Containers within containers; deeper, Python-Markdown itself comes near its recursion limit."""

_TAB = "    "


class _Chunk(str):
    """A block of the page as the renderer cuts it at blank lines, with the rows that it may stand in."""

    __slots__ = ("first", "last")

    first: int
    last: int


class BlockRecorder:
    """Stands around the block processors of one renderer; `record` is the page that is being read."""

    def __init__(self, md: Any) -> None:
        self.md = md
        self.record: Record
        self.headings: list[tuple[Element, Place]] = []
        self._codes: list[tuple[Element, tuple[int, int]]] = []
        self._window = (0, 0)
        self._depth = 0
        self._too_deep = False
        parser, processors = md.parser, md.parser.blockprocessors
        parser.parseBlocks = self.parse_blocks
        for name, note in (("hashheader", self._note_hash), ("setextheader", self._note_setext)):
            self._watch(processors[name], note)
        self._watch(processors["code"], self._note_code)

    def open(self, record: Record) -> None:
        """Begin a page."""
        self.record = record
        self.headings, self._codes = [], []
        self._window, self._depth, self._too_deep = (0, 0), 0, False

    def parse_blocks(self, parent: Element, blocks: list[str]) -> None:
        """The renderer's own loop, with its work counted."""
        self._depth += 1
        try:
            self._parse(parent, blocks)
        except TooMuchWorkError as error:
            error.row = self._window[0]
            raise
        self._depth -= 1

    def _parse(self, parent: Element, blocks: list[str]) -> None:
        parser, spend = self.md.parser, self.record.budget.spend
        if parent is parser.root:
            blocks[:] = self._chunks(blocks)
        if self._depth > MAX_DEPTH:
            self._flatten(parent, blocks)
        while blocks:
            block = blocks[0]
            if isinstance(block, _Chunk):
                self._window = (block.first, block.last)
            spend(len(block) // 2)
            for processor in parser.blockprocessors:
                if processor.test(parent, block) and processor.run(parent, blocks) is not False:
                    break

    def _chunks(self, blocks: list[str]) -> list[str]:
        rows = self.record.rows
        line, last = 0, len(rows) - 1
        chunks: list[str] = []
        for block in blocks:
            chunk = _Chunk(block)
            chunk.first = rows[min(line, last)] if rows else 0
            line += block.count("\n")
            chunk.last = rows[min(line, last)] if rows else 0
            line += 2
            chunks.append(chunk)
        return chunks

    def _flatten(self, parent: Element, blocks: list[str]) -> None:
        """What is nested too deep is text, and a problem."""
        if not self._too_deep:
            self._too_deep = True
            lines = [unmarked(line) for line in "\n\n".join(blocks).strip("\n").split("\n")]
            row = max(self._window[1] + 1 - len(lines), self._window[0])
            text = self.record.source.rows[row].text
            column = max(len(text) - len(lines[0]), 0)
            place = self.record.source.location(row, column, row, len(text))
            self.record.problems.append(
                Problem("PB003", f"nested deeper than {MAX_DEPTH} blocks", place, self.record.path)
            )
        for block in blocks:
            paragraph = Element("p")
            paragraph.text = block
            parent.append(paragraph)
        blocks.clear()

    def _watch(self, processor: Any, note: Callable[[Element, int], None]) -> None:
        run = processor.run

        def watched(parent: Element, blocks: list[str]) -> Any:
            before = len(parent)
            answer = run(parent, blocks)
            if answer is not False:
                note(parent, before)
            return answer

        processor.run = watched

    def _note_hash(self, parent: Element, _before: int) -> None:
        self._note_heading(parent[-1])

    def _note_setext(self, parent: Element, _before: int) -> None:
        heading = parent[-1]
        text = heading.text or ""
        found = MARK.search(text, max(len(text) - 2, 0))
        if found:
            heading.text = text[: found.start()].rstrip()
            row, _ = self.record.marks[number_of(found.group())]
            raw = self.record.source.rows[row].text
            is_fence = "\x02" in heading.text
            column = len(raw) - len(raw.lstrip(" >")) if is_fence else len(raw.rstrip()) - len(unmarked(heading.text))
            self.headings.append((heading, (row, column)))
        else:
            self.headings.append((heading, (-1, 0)))

    def _note_heading(self, heading: Element) -> None:
        text = heading.text or ""
        found = MARK.match(text)
        if found:
            heading.text = text[found.end() :]
            self.headings.append((heading, self.record.marks[number_of(found.group())]))
        else:
            self.headings.append((heading, (-1, 0)))

    def _note_code(self, parent: Element, before: int) -> None:
        if len(parent) > before:
            self._codes.append((parent[-1][0], self._window))
        else:
            element, window = self._codes[-1]
            self._codes[-1] = (element, (window[0], self._window[1]))

    def indented_code(self) -> list[tuple[Place, Fence, tuple[int, int]]]:
        """Each indented code block with its place, and its first and last row."""
        found = []
        for element, window in self._codes:
            text = (element.text or "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            lines = text.rstrip().split("\n")
            rows = self._rows_of(lines, window)
            found.append(self._fence([unmarked(line) for line in lines], rows))
        return found

    def _fence(self, lines: list[str], rows: list[int]) -> tuple[Place, Fence, tuple[int, int]]:
        source = self.record.source
        columns = []
        for line, row in zip(lines, rows, strict=True):
            text = source.rows[row].text
            # superfences gives an empty fence back with a line in it that no row has: it stands behind the one before
            behind = len(text) if text.strip(" >") else 0
            columns.append(max(len(text.rstrip()) - len(line.rstrip()), 0) if line.strip() else behind)
        origins = tuple(source.origin(row, column) for row, column in zip(rows, columns, strict=True))
        end = columns[-1] + len(lines[-1])
        place = source.location(rows[0], columns[0], rows[-1], end)
        fence = Fence("", "", {"indented": ""}, "\n".join(lines), place, origins)
        return (rows[0], columns[0]), fence, (rows[0], rows[-1])

    def _rows_of(self, lines: list[str], window: tuple[int, int]) -> list[int]:
        """The rows of the lines of one code block: by a mark in it, else by its text among the rows it may stand in."""
        count = len(self.record.source.rows)
        plain = [unmarked(line).rstrip() for line in lines]
        for index, line in enumerate(lines):
            found = MARK.search(line)
            if found:
                first = self.record.marks[number_of(found.group())][0] - index
                return self._aligned(plain, first) or [min(max(first + k, 0), count - 1) for k in range(len(lines))]
        for first, last in (window, (0, count - 1)):
            for row in range(first, last + 1):
                if self._begins_code(plain[0], row) and (rows := self._aligned(plain, row)):
                    return rows
        return [min(window[0] + k, count - 1) for k in range(len(lines))]

    def _begins_code(self, line: str, row: int) -> bool:
        text = self.record.source.rows[row].text.rstrip()
        return text.endswith(line) and text[: len(text) - len(line)].endswith(_TAB)

    def _aligned(self, lines: list[str], row: int) -> list[int]:
        """The rows of the lines from `row` on, when each stands at the end of its row; a blank line may have none."""
        rows = self.record.source.rows
        found: list[int] = []
        for line in lines:
            text = rows[row].text.rstrip() if 0 <= row < len(rows) else None
            if text is not None and text.endswith(line) and (line or not text.strip(" >")):
                found.append(row)
                row += 1
            elif not line and found:
                found.append(found[-1])
            else:
                return []
        return found

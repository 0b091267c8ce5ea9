"""pymdownx.superfences, recorded: what it takes for a code block and where, what it leaves as text and why."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from pymdownx.superfences import (
    FENCED_BLOCK_RE,
    RE_NESTED_FENCE_START,
    SuperFencesBlockPreprocessor,
    SuperFencesCodeBlockProcessor,
    SuperFencesCodeExtension,
)

from dagster_playbook.markdown.model import Fence, Problem
from dagster_playbook.markdown.recorder.record import Record, TooMuchWorkError
from dagster_playbook.markdown.recorder.rows import follow_rows

_MARKS = re.compile(r"~{3,}|`{3,}")


class _Counted(list[str]):
    """Lines that tell the number of the one that is being looked at."""

    at: int = 0

    def __iter__(self) -> Iterator[str]:
        for index, line in enumerate(super().__iter__()):
            self.at = index
            yield line


class RecordingFences(SuperFencesBlockPreprocessor):  # type: ignore[misc]
    """The fence finder; `record` is the page that is being read."""

    record: Record
    fence: str | None = None

    def run(self, lines: list[str]) -> list[str]:
        """The lines with a placeholder for each fence."""
        self.fence = None
        self._refused: set[str] = set()
        self._broken = ""
        self._values: dict[str, str] = {}
        cut: list[str] = super().run(lines)
        return cut

    def search_nested(self, lines: list[str]) -> list[str]:
        """Find the fences of these lines."""
        self._rows = follow_rows(self.record, lines)
        self._lines = _Counted(lines)
        searched: list[str] = super().search_nested(self._lines)
        if self.fence is not None:
            self._unclosed("it is never closed", at=None)
        return searched

    def reassemble(self, lines: list[str]) -> list[str]:
        """Put the placeholders in, each in the row of its fence's first line, without copying all lines for each."""
        assembled: list[str] = []
        rows: list[int] = []
        at = 0
        for fenced, start, end in [*self.stack, ("", len(lines), len(lines))]:
            assembled += lines[at:start]
            rows += self._rows[at:start]
            if start < len(lines):
                assembled.append(fenced)
                rows.append(self._rows[start])
            at = end
        self.stack.clear()
        self.record.rows = rows
        return assembled

    def keep(self, src: str = "", language: str | None = "", **options: Any) -> str:
        """Stands in for every formatter: the code as it is, and never a highlighter's work."""
        self._shown = (src, language or "", list(options["classes"]), options["id_value"])
        escaped = src.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return f"<pre><code>{escaped}</code></pre>"

    def note_values(self, validator: Any, language: str, inputs: dict[str, Any], *rest: Any) -> bool:
        """Ask a validator, and remember which options it was asked for."""
        self._values = {key: "" if value is None else str(value) for key, value in inputs.items()}
        return bool(validator(language, inputs, *rest))

    def parse_whitespace(self, line: str) -> str:
        """The blanks and quote marks in front of a line; marks of a fence behind them that open none are a suspect."""
        space: str = super().parse_whitespace(line)
        if not line.startswith(("```", "~~~"), self.ws_len):
            return space
        self._spend_on(line)
        if not RE_NESTED_FENCE_START.match(line, self.ws_len):
            found = _MARKS.match(line, self.ws_len)
            marks = found.group() if found else ""
            info = line[self.ws_len + len(marks) :].strip()
            self._refuse(marks, info, f"it does not understand {info!r}")
        return space

    def _spend_on(self, line: str) -> None:
        """The renderer's pattern of an opening fence tries each pairing of the quote marks that stand in the line."""
        pairs = (line.count('"') + line.count("'")) // 2
        try:
            self.record.budget.spend(4 << min(pairs, 60))
        except TooMuchWorkError as error:
            error.row = self._rows[self._lines.at]
            raise

    def parse_options(self, m: re.Match[str]) -> bool:
        """Whether the options of a fence are ones that the renderer takes."""
        self._is_braced = False
        if okay := bool(super().parse_options(m)):
            self._opened = self._lines.at
        else:
            key, value = next(((k, v) for k, v in self._values.items() if not self._is_option(k, v)), ("", ""))
            hint = "write it in braces, { .language key=value }, to keep it"
            self._refuse(m.group("fence"), _behind(m), f"it has no option {key}={value!r}; {hint}")
        return okay

    def handle_attrs(self, m: re.Match[str]) -> bool:
        """Whether the attribute list of a fence is one that the renderer takes."""
        self._is_braced = True
        if okay := bool(super().handle_attrs(m)):
            self._opened = self._lines.at
        else:
            self._refuse(m.group("fence"), _behind(m), f"it does not understand {m.group('attrs').strip()!r}")
        return okay

    def handle_unrecognized(self, m: re.Match[str]) -> bool:
        """Whether the renderer is configured to take a line that it does not understand."""
        self._is_braced = False
        if okay := bool(super().handle_unrecognized(m)):
            self._opened = self._lines.at
        elif m.group("unrecognized"):
            self._refuse(m.group("fence"), _behind(m), f"it does not understand {m.group('unrecognized').strip()!r}")
        return okay

    def eval_fence(self, ws: str, content: str, start: int, end: int) -> None:
        """Judge a line in an open fence."""
        self._broken = "its content is less indented than its first line"
        super().eval_fence(ws, content, start, end)
        self._broken = ""

    def eval_quoted(self, ws: str, content: str, quote_level: int, start: int, end: int) -> None:
        """Judge a line in an open fence in a quote."""
        if quote_level > self.quote_level:
            self._broken = "a deeper quoted line interrupts it"
        elif len(ws) < self.ws_len:
            self._broken = "its content is less indented than its first line"
        else:
            self._broken = "the quote ends"
        super().eval_quoted(ws, content, quote_level, start, end)
        self._broken = ""

    def process_nested_block(self, ws: str, content: str, start: int, end: int) -> None:
        """Close a fence."""
        self._broken = "closed"
        super().process_nested_block(ws, content, start, end)

    def clear(self) -> None:
        """Forget the open fence; one that is not closed is a suspect."""
        if self.fence is not None and self._broken != "closed":
            self._unclosed(self._broken or "a quoted line interrupts it", at=self._lines.at)
        super().clear()

    def _store(self, source: str, code: str, start: int, end: int) -> None:
        record = self.record
        record.stashed[self.md.htmlStash.html_counter] = len(record.fences)
        super()._store(source, code, start, end)
        src, language, classes, name = self._shown
        rows, indent = self._rows[start:end], self.ws_virtual_len
        first, last = rows[0], rows[-1]
        origins = tuple(record.source.origin(row, min(indent, len(record.source.rows[row].text))) for row in rows[1:-1])
        place = record.source.location(first, indent, last, len(record.source.rows[last].text.rstrip()))
        attributes = self._attributes(classes, name)
        fence = Fence(language.lower(), self._info(), attributes, src, place, origins)
        record.fences.append(((first, indent), fence))
        record.fence_rows.append((first, last))

    def _info(self) -> str:
        text = str(self.first)[len(self.ws) :]
        found = _MARKS.match(text)
        return text[found.end() :].strip() if found else ""

    def _attributes(self, classes: list[str], name: str) -> dict[str, str]:
        if not self._is_braced:
            return dict(self._values)
        found = dict(self._values)
        if name:
            found["id"] = name
        if classes:
            found["class"] = " ".join([*classes, *found.get("class", "").split()])
        return found

    def _is_option(self, key: str, value: str) -> bool:
        """Whether the validator of this language takes the option by itself."""
        for entry in reversed(self.extension.superfences):
            if entry["test"](self.lang):
                attrs: dict[str, Any] = {}
                return bool(entry["validator"](self.lang, {key: value}, {}, attrs, self.md)) and not attrs
        return False

    def _refuse(self, marks: str, info: str, reason: str) -> None:
        """Backticks behind backticks make an inline code span; anything else was meant as a fence."""
        indent = self.ws_virtual_len
        if marks[0] == "`" and "`" in info:
            return
        self._refused.add(marks)
        row = self._rows[self._lines.at]
        place = self.record.source.location(row, indent, row, len(self.record.source.rows[row].text))
        problem = Problem("PB002", f"this fence is shown as text: {reason}", place, info)
        self.record.suspects.append((row, problem))

    def _unclosed(self, reason: str, at: int | None) -> None:
        marks = self.fence or ""
        if not self._info() and marks in self._refused:
            return
        source, row = self.record.source, self._rows[self._opened]
        place = source.location(row, self.ws_virtual_len, row, len(source.rows[row].text))
        if at is not None:
            reason = f"{reason} in line {source.origin(self._rows[at], 0).line}"
        problem = Problem("PB002", f"this fence is shown as text: {reason}", place, marks)
        self.record.suspects.append((row, problem))


def _behind(m: re.Match[str]) -> str:
    """What stands behind the marks of a fence."""
    return m.string[m.end("fence") :].strip()


class RecordingCode(SuperFencesCodeBlockProcessor):  # type: ignore[misc]
    """Indented code; a fence in it is given back, and then is no fence."""

    record: Record

    def revert_greedy_fences(self, block: str) -> str:
        """The block with the original lines of each fence in it."""
        for line in block.split("\n"):
            found = FENCED_BLOCK_RE.match(line)
            if found and self.extension.stash.get(found.group(2)) is not None:
                self.record.reverted.add(self.record.stashed[int(found.group(3))])
        restored: str = super().revert_greedy_fences(block)
        return restored


class RecordingSuperFences(SuperFencesCodeExtension):  # type: ignore[misc]
    """pymdownx.superfences with the recording parts."""

    def extendMarkdown(self, md: Any) -> None:  # noqa: N802 - Python-Markdown's name
        """Register the processors; no formatter is ever called."""
        super().extendMarkdown(md)
        fences = RecordingFences(md)
        code = RecordingCode(md.parser)
        for part, registry, name, priority in (
            (fences, md.preprocessors, "fenced_code_block", 25),
            (code, md.parser.blockprocessors, "code", 80),
        ):
            part.config, part.extension = self.getConfigs(), self
            registry.register(part, name, priority)
        for entry in self.superfences:
            entry["formatter"] = fences.keep
            entry["validator"] = functools.partial(fences.note_values, entry["validator"])

"""Apply the safe fixes of findings to the files that they stand in, or show what that would change.

A file keeps its line ends, its byte order mark and its permissions; it is written whole or not at all.
"""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import PlaybookError
from dagster_playbook.findings import Finding, Fix
from dagster_playbook.location import Location

if TYPE_CHECKING:
    from dagster_playbook.check import Checker, CheckResult

#: a fix may uncover another one (an unused suppression after a corrected name); more rounds than this are a circle
MAX_ROUNDS = 10
_LINE_END = re.compile(r"\r\n|\r|\n")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One file before and after its fixes; `path` is POSIX and relative to the project, `count` the fixes in it."""

    path: str
    before: str
    after: str
    count: int


def fix_until_stable(checker: Checker, look: Callable[[], CheckResult]) -> tuple[CheckResult, int]:
    """Check, write the safe fixes, and check again until none is left.

    Returns:
        The last result and how many fixes were written in all.

    Raises:
        PlaybookError: a file cannot be written.
    """
    written = 0
    result = look()
    for _ in range(MAX_ROUNDS):
        rewrites = rewrites_of(checker.settings.root, result)
        if not rewrites:
            break
        for rewrite in rewrites:
            write_rewrite(checker.settings.root, rewrite)
            written += rewrite.count
        checker.forget_files()
        result = look()
    return result, written


def rewrites_of(root: Path, result: CheckResult) -> list[Rewrite]:
    """What the safe fixes of a check change, by file in the order of the findings."""
    return rewrites_of_findings(root, result.findings, {page.path for page in result.pages})


def rewrites_of_findings(root: Path, findings: Iterable[Finding], pages: Collection[str]) -> list[Rewrite]:
    """What the safe fixes of findings change; `pages` are the files whose columns do not count a byte order mark."""
    by_file: dict[str, list[Fix]] = {}
    for finding in findings:
        if finding.fix is not None and finding.fix.safe:
            by_file.setdefault(finding.fix.location.path, []).append(finding.fix)
    rewrites = []
    for path, fixes in by_file.items():
        text = _read(root, path)
        if text is None:
            continue
        after, count = apply_fixes(text, fixes, counts_bom=path not in pages)
        if after != text:
            rewrites.append(Rewrite(path, text, after, count))
    return rewrites


def apply_fixes(text: str, fixes: Iterable[Fix], *, counts_bom: bool = False) -> tuple[str, int]:
    """The text with every fix that does not overlap an earlier one, and how many that were.

    A fix whose place is not in the text is left out: the file has changed since.
    """
    starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
    skipped = 1 if text.startswith(_BOM) and not counts_bom else 0
    line_end = match.group() if (match := _LINE_END.search(text)) else "\n"
    edits = set()
    for fix in fixes:
        span = _offsets(fix.location, text, starts, skipped)
        if span is not None:
            edits.add((*_whole_line(text, span, fix.replacement), fix.replacement.replace("\n", line_end)))
    pieces, at, count = [], 0, 0
    last_start = -1
    for start, end, replacement in sorted(edits):
        if start < at or start == last_start:
            continue
        pieces += [text[at:start], replacement]
        at, last_start, count = end, start, count + 1
    return "".join([*pieces, text[at:]]), count


def unified_diff(rewrites: Iterable[Rewrite]) -> str:
    """The rewrites as one unified diff that `git apply` and `patch -p1` take, "" when there are none."""
    return "".join(line for rewrite in rewrites for line in _diff_of(rewrite))


def write_rewrite(root: Path, rewrite: Rewrite) -> None:
    """Put the new text in the file's place in one step, with the permissions of the old one.

    Raises:
        PlaybookError: the file lies outside the project or cannot be written.
    """
    target = (root / rewrite.path).resolve()
    if not target.is_relative_to(root.resolve()):
        raise PlaybookError("is a link to a file outside the project", path=rewrite.path, cure="fix it where it is")
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
        write_whole(target, rewrite.after, mode=mode)
    except OSError as error:
        raise PlaybookError(f"cannot be written: {error.strerror or error}", path=rewrite.path) from error


def _read(root: Path, path: str) -> str | None:
    """The text with its own line ends and byte order mark, None when it cannot be read."""
    try:
        return (root / path).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError, ValueError):
        return None


def _offsets(place: Location, text: str, starts: list[int], skipped: int) -> tuple[int, int] | None:
    """Half-open offsets (0-based code points) of a place, None when the text has no such place."""
    found = []
    for line, column in ((place.line, place.column), (place.end_line, place.end_column)):
        if not 1 <= line <= len(starts):
            return None
        offset = starts[line - 1] + column - 1 + (skipped if line == 1 else 0)
        limit = starts[line] if line < len(starts) else len(text)
        if offset > limit:
            return None
        found.append(offset)
    return (found[0], found[1]) if found[0] <= found[1] else None


def _whole_line(text: str, span: tuple[int, int], replacement: str) -> tuple[int, int]:
    """The span, widened over its line when nothing but blanks would be left of it."""
    start, end = span
    if replacement or start == end:
        return span
    before = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    found = _LINE_END.search(text, end)
    after = found.start() if found else len(text)
    if text[before:start].strip(f" \t{_BOM}") or text[end:after].strip():
        return span
    return (before + (1 if text.startswith(_BOM, before) else 0), found.end() if found else after)


def _diff_of(rewrite: Rewrite) -> Iterator[str]:
    before, after = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (rewrite.before, rewrite.after))
    for line in difflib.unified_diff(before, after, f"a/{rewrite.path}", f"b/{rewrite.path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"

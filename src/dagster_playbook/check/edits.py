"""The one way that a fix gets into a file: pages, included files, models and seeds alike.

A file keeps its line ends, its byte order mark and its permissions; it is written whole or not at all. A fix is applied
where the text still is what the fix was made for, else it is left out.
"""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import PlaybookError
from dagster_playbook.findings import Finding, Fix
from dagster_playbook.location import LINE_END, Location, line_starts

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One file before and after its fixes; `path` is POSIX and relative to the project, `count` the fixes in it."""

    path: str
    before: str
    after: str
    count: int


def rewrites_of_findings(root: Path, findings: Iterable[Finding], pages: Collection[str] = ()) -> list[Rewrite]:
    """What the fixes of findings change; `pages` are the files whose columns do not count a byte order mark."""
    by_file: dict[str, list[Fix]] = {}
    for finding in findings:
        if finding.fix is not None:
            by_file.setdefault(finding.fix.location.path, []).append(finding.fix)
    rewrites = []
    for path, fixes in by_file.items():
        text = read_raw(root, path)
        if text is None:
            continue
        after, count = apply_fixes(text, fixes, counts_bom=path not in pages)
        if after != text:
            rewrites.append(Rewrite(path, text, after, count))
    return rewrites


def apply_fixes(text: str, fixes: Iterable[Fix], *, counts_bom: bool = False) -> tuple[str, int]:
    """The text with every fix that does not overlap an earlier one, and how many that were.

    A fix whose place does not hold what it was made for is left out: the file has changed since.
    """
    starts = line_starts(text)
    skipped = 1 if text.startswith(_BOM) and not counts_bom else 0
    line_end = match.group() if (match := LINE_END.search(text)) else "\n"
    edits = set()
    for fix in fixes:
        span = _offsets(fix.location, text, starts, skipped)
        if span is not None and LINE_END.sub("\n", text[span[0] : span[1]]) == fix.was:
            edits.add((*span, fix.replacement.replace("\n", line_end)))
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
    return "".join(
        line for rewrite in rewrites for line in diff_lines(rewrite.before, rewrite.after, *_sides(rewrite.path))
    )


def diff_lines(before: str, after: str, old: str, new: str) -> Iterator[str]:
    """The lines of a unified diff between two texts; only a newline ends a line, as for every reader of diffs."""
    one, other = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (before, after))
    for line in difflib.unified_diff(one, other, old, new):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


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


def read_raw(root: Path, path: str) -> str | None:
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


def _sides(path: str) -> tuple[str, str]:
    return f"a/{path}", f"b/{path}"

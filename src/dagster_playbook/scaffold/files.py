"""Write several files or none: shown as a diff first, nothing overwritten without being asked."""

from __future__ import annotations

import contextlib
import stat
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.check.edits import diff_lines
from dagster_playbook.durable import sync_folder, write_aside, write_whole
from dagster_playbook.errors import ScaffoldError


@dataclass(frozen=True, slots=True)
class Change:
    """One file to be written.

    Attributes:
        path: POSIX, relative to the project.
        before: what stands there now, None when there is no such file.
        is_edit: the new text keeps what others wrote and adds to it, so writing it is no overwriting.
    """

    path: str
    after: str
    before: str | None = None
    is_edit: bool = False

    @property
    def overwrites(self) -> bool:
        """Whether text that somebody else may have written would be lost."""
        return self.before is not None and not self.is_edit and self.before != self.after


def change(root: Path, path: str, after: str, *, is_edit: bool = False) -> Change:
    """A change against what stands in the project now.

    Raises:
        ScaffoldError: the path leads out of the project, or what stands there cannot be read.
    """
    target = (root / path).resolve()
    if not target.is_relative_to(root.resolve()):
        raise ScaffoldError("leads out of the project", path=path)
    try:
        before = target.read_text(encoding="utf-8") if target.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise ScaffoldError(f"cannot be read: {error}", path=path) from error
    return Change(path, after, before, is_edit)


def diff(changes: list[Change]) -> str:
    """The changes as one unified diff; files that stay as they are do not show."""
    parts: list[str] = []
    for item in changes:
        old = f"a/{item.path}" if item.before is not None else "/dev/null"
        parts.extend(diff_lines(item.before or "", item.after, old, f"b/{item.path}"))
    return "".join(parts)


def write(root: Path, changes: list[Change], *, overwrite: bool = False) -> list[str]:
    """Write all the changes, or none of them; the paths that changed come back.

    Each file is written aside and synced before the first is renamed; when a rename fails, the earlier ones are
    taken back.

    Raises:
        ScaffoldError: a file would be overwritten and `overwrite` is off, or the disk refuses.
    """
    wanted = [item for item in changes if item.before != item.after]
    lost = [item.path for item in wanted if item.overwrites]
    if lost and not overwrite:
        raise ScaffoldError(
            f"{', '.join(lost)} would be overwritten", cure="look at the diff, then say --overwrite if you mean it"
        )
    made: list[Path] = []
    aside: list[tuple[Path, Change]] = []
    try:
        for item in wanted:
            target = root / item.path
            _make_folders(target.parent, made)
            aside.append((write_aside(target, item.after, mode=_mode_of(target)), item))
        _rename(root, aside)
    except BaseException as error:
        for temporary, _ in aside:
            with contextlib.suppress(OSError):
                temporary.unlink()
        for folder in reversed(made):
            with contextlib.suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError):
            raise ScaffoldError(
                f"nothing was written: {error.strerror or error}",
                path=str(error.filename or ""),
                cure="make room or mend the disk, then do it again",
            ) from error
        raise
    return [item.path for item in wanted]


def _rename(root: Path, aside: list[tuple[Path, Change]]) -> None:
    old = {item.path: _content(root / item.path) for _, item in aside}
    try:
        for temporary, item in aside:
            temporary.replace(root / item.path)
        for folder in {(root / item.path).parent for _, item in aside}:
            sync_folder(folder)
    except BaseException:
        # also a rename that was interrupted just behind its end
        renamed = [item.path for temporary, item in aside if not temporary.exists()]
        _put_back(root, {path: old[path] for path in reversed(renamed)})
        raise


def _content(target: Path) -> bytes | None:
    return target.read_bytes() if target.exists() else None


def _put_back(root: Path, old: dict[str, bytes | None]) -> None:
    """Put files back to what they were; None for one that was not there.

    Raises:
        ScaffoldError: the disk refuses for some of them, which it names; all others are put back.
    """
    left = []
    for path, content in old.items():
        target = root / path
        try:
            if content is None:
                target.unlink(missing_ok=True)
            else:
                write_whole(target, content, mode=_mode_of(target))
        except OSError as error:
            left.append(f"{path} ({error.strerror or error})")
    if left:
        raise ScaffoldError(
            f"written, and not put back after the disk refused the rest: {', '.join(left)}",
            cure="look at them with `git status`, and restore them when the disk is well",
        )


def _make_folders(folder: Path, made: list[Path]) -> None:
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir()
        made.append(each)


def _mode_of(target: Path) -> int:
    """What stands there keeps its permissions."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return 0o644

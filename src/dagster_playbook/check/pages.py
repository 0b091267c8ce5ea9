"""Which pages a check looks at."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from dagster_playbook.errors import PlaybookError
from dagster_playbook.settings import Settings

#: pages that stay in memory as they were read: for a second look, and read before the platform is there
MAX_KEPT = 64
_SUFFIXES = (".md", ".markdown", ".mdc")


def find_pages(settings: Settings, asked: Iterable[str] = ()) -> list[str]:
    """POSIX paths of the pages, relative to the project, each once, in order.

    `asked` are files and folders as a person gives them, relative to the current folder or to the project; without
    any, the pages of the settings. Symlinked folders are followed once: a loop ends where it began.

    Raises:
        PlaybookError: a path that was asked for does not exist, or lies outside the project.
    """
    given = list(asked)
    found: dict[str, None] = {}
    for name in given or settings.pages:
        path = _resolve(settings.root, name, is_given=bool(given))
        if path is None:
            continue
        for page in _below(path):
            relative = _relative(settings.root, page)
            if given or not any(fnmatch.fnmatch(relative, pattern) for pattern in settings.exclude):
                found[relative] = None
    return list(found)


def some_pages(settings: Settings, asked: Iterable[str] = ()) -> list[str]:
    """As `find_pages`, for whom no page at all is a mistake.

    Raises:
        PlaybookError: there is none, or one that was asked for is not to be had.
    """
    given = list(asked)
    found = find_pages(settings, given)
    if not found:
        raise no_page(given or settings.pages)
    return found


def no_page(looked_at: Iterable[str]) -> PlaybookError:
    """What is said where nothing was found to look at."""
    cure = "name files or folders, or set `pages` in [tool.playbook]"
    return PlaybookError(f"no Markdown page in {', '.join(looked_at)}", cure=cure)


def _resolve(root: Path, name: str, *, is_given: bool) -> Path | None:
    # a name is meant from here where that is in the project, else from the project's root
    bases = (Path.cwd(), root) if is_given and Path.cwd().is_relative_to(root) else (root,)
    for base in bases:
        path = base / name
        if path.exists() or path.is_symlink():
            return path
    if is_given:
        raise PlaybookError(f"no such file or folder: {name}", cure="paths are relative to here or to --project")
    return None


def _relative(root: Path, path: Path) -> str:
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a page that is a symlink
    try:
        return absolute.relative_to(root).as_posix()
    except ValueError:
        raise PlaybookError(f"{path} is outside the project {root}", cure="name the project with --project") from None


def _below(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(path, followlinks=True):
        stat = Path(folder).stat()
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith(".") or name == ".cursor")
        yield from (Path(folder) / name for name in sorted(files) if name.endswith(_SUFFIXES))

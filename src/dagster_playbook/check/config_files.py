"""Files that are no pages, held like a block of one: run config in YAML or JSON, on the disk or on stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_playbook.errors import PlaybookError
from dagster_playbook.location import LineOrigin, Location
from dagster_playbook.markdown.model import Fence, Page

if TYPE_CHECKING:
    from dagster_playbook.check.page_check import PageVerdict
    from dagster_playbook.rules.world import World

#: the word for standard input, and what findings call it
STDIN = "-"
STDIN_NAME = "stdin"
PAGES = (".md", ".markdown", ".mdc")
_LANGUAGES = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}


def split(root: Path, asked: Iterable[str]) -> tuple[list[str], list[str]]:
    """What was asked for as (pages and folders of the project, everything else).

    Raises:
        PlaybookError: a file is neither a page nor a config.
    """
    pages, others = list[str](), list[str]()
    for name in asked:
        path = _there(root, name)
        is_file = name == STDIN or (path is not None and path.is_file())
        if not is_file:
            pages.append(name)
        elif name == STDIN or path is None or path.suffix in _LANGUAGES:
            others.append(name)
        elif path.suffix in PAGES:
            (pages if path.absolute().is_relative_to(root) else others).append(name)
        else:
            raise PlaybookError(
                f"{name} holds nothing that is checked", cure="name a Markdown page, or YAML or JSON with run config"
            )
    return pages, others


def check_file(root: Path, name: str, world: World, *, seconds: float, job: str = "") -> PageVerdict:
    """The verdict on a file that is no page of the project; findings name it as it was asked for, and have no fix.

    Args:
        seconds: how long it may keep the check computing, as a page of the project may.
        job: whose run config it is; by its ops when "".

    Raises:
        PlaybookError: it cannot be read as text, or is empty.
    """
    from dagster_playbook.check.judging import judged_whole
    from dagster_playbook.check.page_check import PageVerdict, check_page
    from dagster_playbook.markdown.reader import read_page

    path = None if name == STDIN else _there(root, name)
    shown = STDIN_NAME if path is None else _shown(root, path, name)

    def judge() -> PageVerdict:
        if path is not None and path.suffix in PAGES:
            page = read_page(path.absolute().parent, path.name)
        else:
            page = config_page(shown, _text(path, shown), job)
        return check_page(page, world, seconds=seconds)

    judged = judged_whole(shown, judge, seconds)
    verdict = judged if isinstance(judged, PageVerdict) else PageVerdict(shown, findings=[judged])
    verdict.path = shown
    verdict.findings = [
        replace(finding, fix=None, location=replace(finding.location, path=shown)) for finding in verdict.findings
    ]
    return verdict


def config_page(name: str, text: str, job: str = "") -> Page:
    """A page whose only block is the whole text.

    Raises:
        PlaybookError: there is no text.
    """
    body = text.removesuffix("\n")
    if not body.strip():
        raise PlaybookError("is empty, so there is nothing to check", path=name)
    lines = tuple(LineOrigin(name, number) for number in range(1, body.count("\n") + 2))
    attributes = {"job": job} if job else {}
    language = _LANGUAGES.get(Path(name).suffix, "yaml")
    fence = Fence(language, language, attributes, body, Location(name, 1, 1, len(lines), 1), lines)
    return Page(name, files=(name,), fences=[fence])


def _there(root: Path, name: str) -> Path | None:
    return next((path for path in (Path(name), root / name) if path.exists()), None)


def _shown(root: Path, path: Path, name: str) -> str:
    absolute = path.absolute()
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else name


def _text(path: Path | None, shown: str) -> str:
    from dagster_playbook.markdown.files import UnreadableError, decoded, read_text
    from dagster_playbook.markdown.reader import MAX_BYTES

    try:
        if path is not None:
            return read_text(path, MAX_BYTES, "utf-8-sig")
        return decoded(sys.stdin.buffer.read(MAX_BYTES + 1), MAX_BYTES, "utf-8-sig")
    except UnreadableError as error:
        raise PlaybookError(str(error), path=shown) from error

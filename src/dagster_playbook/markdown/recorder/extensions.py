"""Which extensions of the renderer a page is read with: the known ones of its site's mkdocs.yml, or the usual ones.

An extension is code. Only Python-Markdown's own and pymdownx's are ever imported, whatever a configuration names, and
of its values only plain data is kept: a `!!python/name:` value is left out, and the extension's own default holds.
"""

from __future__ import annotations

import contextlib
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from dagster_playbook.markdown.files import UnreadableError, read_text
from dagster_playbook.markdown.left_out import leave_out

_MAX_CONFIG_BYTES = 1024 * 1024

_MARKDOWN = frozenset(
    "abbr admonition attr_list codehilite def_list extra fenced_code footnotes legacy_attrs legacy_em md_in_html meta "
    "nl2br sane_lists smarty tables toc wikilinks".split()
)
_PYMDOWNX = frozenset(
    "arithmatex betterem blocks.admonition blocks.caption blocks.definition blocks.details blocks.html blocks.tab "
    "caret critic details emoji escapeall extra fancylists highlight inlinehilite keys magiclink mark progressbar "
    # the last is what superfences and critic turn on by themselves
    "quotes saneheaders smartsymbols snippets striphtml superfences tabbed tasklist tilde _bypassnorm".split()
)
#: what MkDocs itself turns on
_BUILT_IN = ("toc", "tables", "fenced_code")
_FENCES = ("pymdownx.superfences", "pymdownx.extra")
_BASE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extensions:
    """Names of extensions with their options, in order.

    Attributes:
        unknown: names that are not known, and left out.
        key: equal for equal sets.
    """

    known: tuple[tuple[str, Options], ...]
    unknown: tuple[str, ...] = ()
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", repr(self.known))


def module_of(name: str) -> str:
    """The module of a known extension, "" for any other name."""
    short = name.removeprefix("markdown.extensions.")
    if short in _MARKDOWN:
        return f"markdown.extensions.{short}"
    return name if name.startswith("pymdownx.") and name.removeprefix("pymdownx.") in _PYMDOWNX else ""


USUAL = Extensions(
    tuple(
        {
            **{
                name: {} for name in ("admonition", "attr_list", "def_list", "footnotes", "md_in_html", "tables", "toc")
            },
            **{f"pymdownx.{name}": {} for name in ("details", "inlinehilite", "snippets", "superfences")},
            "pymdownx.tabbed": {"alternate_style": True},
        }.items()
    )
)
"""What a page is read with when no mkdocs.yml says it: the set that MkDocs Material recommends."""


class _InertLoader(_BASE_LOADER):  # type: ignore[misc]
    """Plain data alone: whatever a tag asks for is left out."""


class _LeftOut:
    """Stands where a value was that is no plain data."""


def _leave_out(_loader: Any, _suffix: str, _node: Any) -> _LeftOut:
    return _LeftOut()


_InertLoader.add_multi_constructor("!", _leave_out)
_InertLoader.add_multi_constructor("tag:yaml.org,2002:python/", _leave_out)


def extensions_of(config: str) -> Extensions:
    """The extensions that an mkdocs.yml asks for; the usual ones when it asks for none or cannot be read."""
    try:
        data = yaml.load(config, _InertLoader)  # noqa: S506 - a safe loader that leaves out every tag
    except (yaml.YAMLError, ValueError, RecursionError):
        return USUAL
    wanted = data.get("markdown_extensions") if isinstance(data, dict) else None
    if not wanted or not isinstance(wanted, list | dict):
        return USUAL
    named = dict(_named(wanted))
    if not any(name in named for name in _FENCES):
        # what MkDocs' own `fenced_code` takes for a fence superfences takes too, and it is the one that is recorded
        named["pymdownx.superfences"] = {}
    found: dict[str, Options] = {name: {} for name in _BUILT_IN if name not in named} | named
    # tabs that stay tabs change no line, and the stage that keeps them loses where each line stands
    found.get("pymdownx.superfences", {}).pop("preserve_tabs", None)
    known = tuple((name, _plain(options)) for name, options in found.items() if module_of(name))
    unknown = tuple(name for name in found if not module_of(name))
    return Extensions(known, unknown)


def _named(wanted: Any) -> Iterator[tuple[str, Options]]:
    if isinstance(wanted, dict):
        wanted = [wanted]
    for item in wanted if isinstance(wanted, list) else ():
        if isinstance(item, str):
            yield item, {}
        elif isinstance(item, dict):
            for name, options in item.items():
                yield str(name), options if isinstance(options, dict) else {}


def _plain(value: Any) -> Any:
    """The value without what was left out of it."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if not isinstance(item, _LeftOut)}
    if isinstance(value, list):
        return [_plain(item) for item in value if not isinstance(item, _LeftOut)]
    return value


def include_folders(config: str, extensions: Extensions) -> tuple[str, ...]:
    """Folders of the project that the site at `config` takes includes from, relative to the project."""
    given = dict(extensions.known).get("pymdownx.snippets", {}).get("base_path", [])
    named = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    home = PurePosixPath(config).parent
    found = [posixpath.normpath(str(home / name)) for name in named if isinstance(name, str)]
    return tuple(folder for folder in found if not folder.startswith(("..", "/")))


def config_of(root: Path, page: str) -> tuple[str, Extensions]:
    """The mkdocs.yml of the nearest folder above a page, "" for none, and the extensions that it asks for."""
    for folder in PurePosixPath(page).parents:
        file = root / folder / "mkdocs.yml"
        with contextlib.suppress(OSError, ValueError):
            state = file.stat()
            if stat.S_ISREG(state.st_mode):
                asked = _read_config(str(file), state.st_mtime_ns, state.st_size)
                config = (folder / "mkdocs.yml").as_posix()
                leave_out(config, asked.unknown)
                return config, asked
    return "", USUAL


@lru_cache(maxsize=64)
def _read_config(file: str, _changed_ns: int, _size: int) -> Extensions:
    try:
        return extensions_of(read_text(Path(file), _MAX_CONFIG_BYTES))
    except UnreadableError:
        return USUAL

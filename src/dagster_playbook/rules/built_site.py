"""The built site as the authority on links: what a generator has really made of pages, anchors and images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from posixpath import dirname, join, normpath

from dagster_playbook.rules.site import PAGE_FOLDERS, Shown, site_of
from dagster_playbook.rules.world import World

_ID = re.compile(r"""\s(?:id|name)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.IGNORECASE)
_PAGE = re.compile(r"\.mdx?\Z|\.markdown\Z")


def html_of(page: str, world: World) -> str:
    """The HTML that the site has of a page of the project, "" when it has none or there is no built site."""
    built = world.conventions.site
    if not built or not _PAGE.search(page):
        return ""
    site = site_of(page, world)
    folders = {Shown.MKDOCS: (site.docs_dir,), Shown.OTHER: PAGE_FOLDERS}.get(site.shown, ())
    for folder in folders:
        home = normpath(join(site.folder, folder))
        if home != "." and not page.startswith(f"{home}/"):
            continue
        bare = _PAGE.sub("", page if home == "." else page.removeprefix(f"{home}/"))
        # some generators keep the folder in the address
        for name in [*_names(bare), *(_names(f"{folder}/{bare}") if folder and site.shown is Shown.OTHER else ())]:
            if world.files.exists(f"{built}/{name}"):
                return f"{built}/{name}"
    return ""


def _names(bare: str) -> Iterator[str]:
    """Where generators put a page: a folder of its own, or a file; the index of a folder stands for the folder."""
    folder, _, last = bare.rpartition("/")
    if last.lower() in ("index", "readme"):
        yield normpath(join(folder, "index.html"))
    yield f"{bare}/index.html"
    yield f"{bare}.html"


def target_of(path: str, page: str, html: str, world: World) -> str:
    """The file of the site that a link's path on a page leads to, "" when it leads nowhere.

    Browsers take it from `html`, the page's address; a generator that knows the target has taken it from the page's
    own place among the pages.
    """
    built = world.conventions.site
    own = f"{built}/{_PAGE.sub('', page)}".rpartition("/")[0]
    site = site_of(page, world)
    home = normpath(join(site.folder, site.docs_dir))
    if page.startswith(f"{home}/"):
        own = normpath(join(built, dirname(page.removeprefix(f"{home}/"))))
    for base in [built] if path.startswith("/") else [dirname(html), own]:
        target = normpath(join(base, path.lstrip("/")))
        if target != built and not target.startswith(f"{built}/"):
            continue
        bare = _PAGE.sub("", target)
        for candidate in (f"{target}/index.html", target, f"{target}.html", f"{bare}/index.html", f"{bare}.html"):
            if world.files.exists(candidate) and (candidate != target or "." in target.rsplit("/", 1)[-1]):
                return candidate
    return ""


def ids_of(html: str, world: World) -> frozenset[str]:
    """What a link into that file of the site may name."""
    return _ids(world.files.text(html) or "")


@lru_cache(maxsize=128)
def _ids(text: str) -> frozenset[str]:
    return frozenset(unescape(next(value for value in match if value)) for match in _ID.findall(text) if any(match))

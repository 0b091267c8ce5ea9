"""Who shows a page, and what a link on it then means: MkDocs, another site generator, or the repository's own view.

Only what is known of the one that shows the page can be said of it with certainty: superfences' idea of a fence is
MkDocs', a link without a suffix is right on a Docusaurus site, and heading anchors are spelt differently everywhere.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import dirname, join, normpath

from dagster_playbook.rules.world import World


class Shown(enum.StrEnum):
    """Who turns the page into what a reader sees."""

    MKDOCS = "mkdocs"
    OTHER = "other"
    REPOSITORY = "repository"


#: files that say "a site is made here", of generators whose links and fences are not MkDocs'
_GENERATORS = (
    *("docusaurus.config.js", "docusaurus.config.ts", "next.config.js", "next.config.mjs", "next.config.ts"),
    *("gatsby-config.js", "astro.config.mjs", "conf.py", "book.toml", "hugo.toml", "_config.yml", "antora.yml"),
)
#: where generators keep pages and what they copy to the root of the site as it is
PAGE_FOLDERS = ("docs", "pages", "content", "src/pages", "src/content", "")
_FOLDERS = (*PAGE_FOLDERS, "static", "public")
_ENDINGS = (".md", ".mdx", "/index.md", "/index.mdx", "/README.md")
_HOST = re.compile(r"\A(?:www\.)?[\w-]+(?:\.[\w-]+)*\.(?:com|org|io|dev|net|ai|app)(?:/|\Z)")
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(?P<text>.+?)[ \t]*#*[ \t]*$")
_CUSTOM_ID = re.compile(r"\s*\\?\{#(?P<id>[\w.-]+)\\?\}\s*\Z")


@dataclass(frozen=True, slots=True)
class Site:
    """The site that a page is part of: who shows it, and the folder that its configuration stands in.

    `config` is the mkdocs.yml at or above the page, also of a page that is not in the folder of its pages.
    """

    shown: Shown
    folder: str = ""
    docs_dir: str = "docs"
    config: str = ""


def site_of(page: str, world: World) -> Site:
    """The site of a page: that of the nearest folder above it that configures one."""
    folder = dirname(page)
    while True:
        prefix = f"{folder}/" if folder else ""
        if world.files.exists(f"{prefix}mkdocs.yml"):
            pages = _docs_dir(world.files.text(f"{prefix}mkdocs.yml") or "")
            # a README beside the configuration is shown by the repository, not by the site
            is_inside = page.startswith(f"{normpath(prefix + pages)}/")
            config = f"{prefix}mkdocs.yml"
            return Site(Shown.MKDOCS, folder, pages, config) if is_inside else Site(Shown.REPOSITORY, "", pages, config)
        if any(world.files.exists(prefix + name) for name in _GENERATORS):
            return Site(Shown.OTHER, folder)
        if not folder:
            return Site(Shown.REPOSITORY)
        folder = dirname(folder)


#: plugins of MkDocs that make neither pages nor anchors; what any other one makes is not known here
_MAKES_NOTHING = frozenset(
    """search awesome-nav awesome-pages charts drawio exclude exclude-search git-authors git-committers
    git-committers-2 git-revision-date git-revision-date-localized glightbox group info literate-nav meta minify offline
    optimize panzoom privacy projects rss section-index social""".split()
)


#: where mkdocstrings puts what it reads from the sources
_OBJECT = re.compile(r"^ {0,3}::: +[\w.]+", re.MULTILINE)


def takes_objects(page: str, world: World) -> bool:
    """Whether a plugin puts the documentation of objects into the page, each with an anchor, whoever shows it."""
    return _OBJECT.search(world.files.text(page) or "") is not None


def generates(site: Site, world: World) -> bool:
    """Whether the site's configuration has hooks or plugins that may make pages and anchors which stand in no file."""
    text = world.files.text(site.config) or "" if site.config else ""
    if (
        site.shown is Shown.REPOSITORY
        and site.config
        and not world.files.exists(join(dirname(site.config), site.docs_dir))
    ):
        # a site whose pages are not where MkDocs would have them is put together by something else
        return True
    if re.search(r"^hooks:\s*(?:\n|\[)", text, re.MULTILINE):
        return True
    section = re.search(r"^plugins:[ \t]*\n(?P<body>(?:[ \t-].*\n?|[ \t]*\n|#.*\n?)*)", text, re.MULTILINE)
    entries = re.findall(r"^([ \t]*)-[ \t]+[\"']?([\w./-]+)", section["body"], re.MULTILINE) if section else []
    own = min((len(indent) for indent, _ in entries), default=0)
    flow = re.search(r"^plugins:[ \t]*\[(?P<names>[^\]]*)\]", text, re.MULTILINE)
    entries += [(" " * own, name) for name in re.findall(r"[\w./-]+", flow["names"])] if flow else []
    names = {name.rsplit("/", 1)[-1] for indent, name in entries if len(indent) == own}
    return not names <= _MAKES_NOTHING


def _docs_dir(config: str) -> str:
    match = re.search(r"^docs_dir:\s*[\"']?([\w./-]+)", config, re.MULTILINE)
    return normpath(match[1]) if match else "docs"


def resolve(path: str, page: str, site: Site, world: World) -> str | None:
    """The file that a link's path leads to on that site, None when there is none."""
    return next((found for found in _candidates(path, page, site) if world.files.exists(found)), None)


def _candidates(path: str, page: str, site: Site) -> Iterator[str]:
    bare = path.strip("/").replace("\\", "")
    if path.startswith("/"):
        pages = [site.docs_dir] if site.shown is Shown.MKDOCS else _FOLDERS if site.shown is Shown.OTHER else [""]
        places = [normpath(join(site.folder, folder, bare)) for folder in pages]
    elif site.shown is Shown.MKDOCS and "." not in path.rsplit("/", 1)[-1]:
        # on the built site each page is a folder of its own
        own = page.removesuffix(".md").removesuffix("/index")
        places = [normpath(join(own, bare))]
        yield normpath(join(dirname(page), bare))
    else:
        places = [normpath(join(dirname(page), bare))]
        if site.shown is Shown.OTHER:
            places.append(normpath(join(re.sub(r"\.mdx?\Z", "", page), bare)))
            # some take a file also from the folder that holds all pages
            places += [normpath(join(site.folder, folder, bare)) for folder in PAGE_FOLDERS]
    for place in places:
        yield place
        if site.shown is not Shown.REPOSITORY:
            yield from (f"{place}{ending}" for ending in _ENDINGS)


def is_sure_link(path: str, wanted: str, site: Site) -> bool:
    """Whether a path that leads to no file is certainly dead, whoever shows the page."""
    if _HOST.match(path):
        return True
    if wanted.startswith(".."):
        # above the project: on a forge `../../issues` is a page all the same
        return False
    if site.shown is Shown.MKDOCS:
        return True
    if path.startswith("/"):
        return False
    return site.shown is Shown.REPOSITORY or re.search(r"\.\w{2,5}\Z", path) is not None


def anchors_of(page: str, known: frozenset[str], site: Site, world: World) -> frozenset[str]:
    """The anchors of a page as its site makes them; `known` are those that MkDocs would make."""
    if site.shown is Shown.MKDOCS:
        return known
    return known | frozenset(_forge_anchors(world.files.text(page) or ""))


def _forge_anchors(text: str) -> Iterator[str]:
    """Heading anchors as forges and Docusaurus make them, and those that the text gives itself."""
    seen: Counter[str] = Counter()
    marks = ""
    for line in text.split("\n"):
        fence = re.match(r"\s*(`{3,}|~{3,})", line)
        if fence:
            marks = "" if marks and line.strip().startswith(marks) else marks or fence[1]
        heading = None if marks else _HEADING.match(line)
        if heading is None:
            continue
        custom = _CUSTOM_ID.search(heading["text"])
        if custom:
            yield custom["id"]
            continue
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)|<[^<>]*>", r"\1", heading["text"])
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        yield f"{slug}-{seen[slug]}" if seen[slug] else slug
        seen[slug] += 1
    yield from re.findall(r"<\w+[^<>]*\s(?:id|name)=[\"']([^\"']+)[\"']", text)


def is_sure_anchor(anchor: str, anchors: frozenset[str], page: str, site: Site, world: World) -> bool:
    """Whether an anchor that is not among a page's is certainly dead.

    Forges look a fragment up in any case; pages of other generators may take headings from components and partials.
    """
    if site.shown is Shown.MKDOCS:
        return True
    if anchor.lower() in {name.lower() for name in anchors}:
        return False
    return site.shown is Shown.REPOSITORY or not re.search(r"^import ", world.files.text(page) or "", re.MULTILINE)

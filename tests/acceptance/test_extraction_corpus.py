"""Our reader sees what readers see: Python-Markdown with the site's own extensions is the measure.

A new case is a new file in tests/data/markdown; what it has to give is computed by the real renderer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import markdown
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mkdocs.utils import meta
from pymdownx.inlinehilite import InlineHiliteExtension
from pymdownx.superfences import SuperFencesCodeExtension

from dagster_playbook.location import LineOrigin
from dagster_playbook.markdown.model import Page
from dagster_playbook.markdown.reader import read_page

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests/data/markdown").glob("*.md"))
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("runbooks/**/*.md"), ROOT / "README.md"])
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
NOTES = ("footnote-ref", "footnote-backref")


@dataclass
class Shown:
    """What Markdown makes of a page, no raw HTML; each list sorted, because labels of tabs move in the HTML."""

    blocks: list[tuple[str, str, str]] = field(default_factory=list)
    spans: list[tuple[str, str]] = field(default_factory=list)
    headings: list[tuple[int, str, str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def keep_source(extension: SuperFencesCodeExtension) -> None:
    """Run superfences' own highlighting, which may refuse a fence, but give out the code as it came in."""
    highlight = extension.superfences[0]["formatter"]

    def formatter(src: str, language: str, **rest: Any) -> str | None:
        if highlight(src=src, language=language, **rest) is None:
            return None
        return f'<pre data-fence="{escape(language or "")}"><code>{escape(src)}</code></pre>'

    extension.superfences[0]["formatter"] = formatter


def span_element(source: str, language: str, _class: str, md: markdown.Markdown) -> Element:
    element = Element("code", {"data-span": language})
    element.text = md.htmlStash.store(escape(source))
    return element


def render(text: str) -> str:
    fences = SuperFencesCodeExtension()
    inline = InlineHiliteExtension(custom_inline=[{"name": "*", "class": "x", "format": span_element}])
    names = ["admonition", "attr_list", "def_list", "footnotes", "md_in_html", "tables", "toc", "pymdownx.details"]
    md = markdown.Markdown(
        extensions=[*names, inline, "pymdownx.snippets", fences, "pymdownx.tabbed"],
        extension_configs={
            "pymdownx.snippets": {"base_path": [str(ROOT)]},
            "pymdownx.tabbed": {"alternate_style": True},
        },
    )
    keep_source(fences)
    return md.convert(meta.get_data(text)[0])


class ShownParser(HTMLParser):
    """Reads the rendered page; comments and raw `<pre>` and `<code>` are not what Markdown made."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.shown = Shown()
        self.kind, self.language, self.text = "", "", ""
        self.heading: tuple[int, str] | None = None
        self.heading_text = ""
        self.in_pre = self.in_note = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if tag == "pre":
            self.in_pre, self.kind = True, "fence" if "data-fence" in values else "pre"
            self.language, self.text = values.get("data-fence", ""), ""
        elif tag == "code" and self.kind == "pre" and not self.text:
            self.kind = "indented"
        elif tag == "code" and not self.in_pre and "data-span" in values:
            self.kind, self.language, self.text = "span", values["data-span"], ""
        elif tag in HEADINGS and "id" in values:
            self.heading, self.heading_text = (int(tag[1]), values["id"]), ""
        elif tag == "sup":
            self.in_note = True
        elif (tag == "a" and "href" in values and values.get("class") not in NOTES) or tag == "img":
            self.shown.links.append((tag, values.get("href", values.get("src", ""))))

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            if self.kind in ("fence", "indented"):
                text = self.text if self.kind == "fence" else self.text.rstrip()
                self.shown.blocks.append((self.kind, self.language.lower(), text))
            self.in_pre, self.kind = False, ""
        elif tag == "code" and self.kind == "span":
            self.shown.spans.append((self.language, self.text))
            self.kind = ""
        elif self.heading and tag == f"h{self.heading[0]}":
            self.shown.headings.append((*self.heading, " ".join(self.heading_text.split())))
            self.heading = None
        self.in_note = self.in_note and tag != "sup"

    def handle_data(self, data: str) -> None:
        self.text += data if self.kind else ""
        self.heading_text += data if self.heading and not self.in_note else ""


def rendered(file: Path) -> Shown:
    parser = ShownParser()
    parser.feed(render(file.read_text(encoding="utf-8-sig")))
    parser.close()
    shown = parser.shown
    return Shown(sorted(shown.blocks), sorted(shown.spans), sorted(shown.headings), sorted(shown.links))


def extracted(page: Page) -> Shown:
    blocks = [("indented" if "indented" in f.attributes else "fence", f.language, f.body)
              for f in page.fences if not f.is_html]  # fmt: skip
    links = [("img" if link.is_image else "a", link.target.replace("`", "")) for link in page.links]
    headings = [(heading.level, heading.anchor, heading.text) for heading in page.headings]
    spans = [(span.language, span.text) for span in page.spans if not span.is_html]
    return Shown(sorted(blocks), sorted(spans), sorted(headings), sorted(links))


def source_line(origin: LineOrigin) -> str:
    text = (ROOT / origin.path).read_text(encoding="utf-8-sig")
    return text.split("\n")[origin.line - 1]


def named(file: Path) -> str:
    return file.relative_to(ROOT).with_suffix("").as_posix().removeprefix("tests/data/markdown/")


@pytest.mark.parametrize("file", [*CASES, *PAGES], ids=named)
def test_page_gives_what_the_site_shows(file: Path) -> None:
    """Code blocks (kind, language, text), inline code, headings with anchors, and links are those of the HTML."""
    assert extracted(read_page(ROOT, file.relative_to(ROOT).as_posix())) == rendered(file)


@pytest.mark.parametrize("file", [*CASES, *PAGES], ids=named)
def test_code_stands_where_its_location_says(file: Path) -> None:
    """Each line of a block and each span, read again from the source file at its location, is the same text."""
    page = read_page(ROOT, file.relative_to(ROOT).as_posix())
    for fence in page.fences:
        for text, origin in zip(fence.body.split("\n"), fence.lines, strict=bool(fence.lines)):
            raw = source_line(origin)
            assert raw[origin.column - 1 :].expandtabs(4).rstrip() == text.rstrip() or (
                "\t" in raw and raw.expandtabs(4).rstrip().endswith(text.rstrip())
            ), (origin, text)
    for span in page.spans:
        place = span.location
        first = source_line(LineOrigin(place.path, place.line))[place.column - 1 :]
        last = source_line(LineOrigin(place.path, place.end_line))[: place.end_column - 1]
        assert first.expandtabs(4).startswith(span.text.split("\n")[0].split("    ")[0]), span
        assert last.expandtabs(4).endswith(span.text.split("\n")[-1].split("    ")[-1]), span


def test_corpus_is_large_enough() -> None:
    """At least sixty tricky cases are held to the renderer."""
    assert len(CASES) >= 60


WORDS = [
    "alpha", "`code`", "``a ` b``", "*em*", "**b `x`**", "[l](t.md)", "[l `c`](t.md 'T')", "![i](p.png)", "_u_",
    "<b>x</b>", "\\`no\\`", "a_b_c", "`#!yaml k: v`", "<!-- c `h` -->", "[r][ref]", "<https://x.y/z>", "| pipe",
    "&amp;", "`open", "``", "1. no", "`` `t` ``", "\\\\`q`", "https://x.y",
]  # fmt: skip
INFO = ["", "yaml", "{.yaml}", '{ .sql #i title="x" }', 'yaml title="a b"', 'sh hl_lines="2 3"', 'py job="x"', ".bash"]
CODE = ["a: 1", "  b: 2", "", "select `x`", "    deep", "> q", "- li", "# h", "<div>", "<!-- c -->", "~~~", "``"]
OPENERS = ["!!! note", '!!! tip "T `x`"', "??? note", '???+ tip "D"', '=== "Tab"', '=== "Tab `t`"']

Lines = list[str]


def indented(lines: Lines, prefix: str = "    ") -> Lines:
    return [prefix + line if line else line for line in lines]


def spaced(parts: list[tuple[Lines, int]]) -> Lines:
    return [line for lines, gap in parts for line in [*lines, *[""] * gap]]


words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
paragraphs = st.lists(words, min_size=1, max_size=3)
fences = st.builds(
    lambda marks, info, body, closed: [marks + info, *body, *([marks] if closed else [])],
    st.sampled_from(["```", "~~~", "````"]),
    st.sampled_from(INFO),
    st.lists(st.sampled_from(CODE), max_size=4),
    st.integers(0, 9).map(bool),
)
headings = st.builds(lambda level, text: ["#" * level + " " + text], st.integers(1, 4), words)
tables = st.builds(lambda a, b: ["| x | `y|z` |", "|---|:-:|", f"| {a} | {b} |"], words, words)
leaves = st.one_of(paragraphs, fences, fences, headings, tables, paragraphs.map(indented))


def containers(inner: st.SearchStrategy[Lines]) -> st.SearchStrategy[Lines]:
    body = st.lists(st.tuples(inner, st.integers(0, 2)), min_size=1, max_size=3).map(spaced)
    items = st.lists(st.tuples(st.sampled_from(["- ", "* ", "1. "]), body), min_size=1, max_size=3)
    return st.one_of(
        body.map(lambda lines: ["> " + line if line else ">" for line in lines]),
        items.map(lambda found: [row for mark, rows in found for row in [mark + rows[0], *indented(rows[1:])]]),
        st.builds(lambda opener, lines: [opener, "", *indented(lines)], st.sampled_from(OPENERS), body),
        st.builds(lambda lines: ["<div markdown>", "", *lines, "", "</div>"], body),
        st.builds(lambda lines: ["<div>", *lines, "</div>"], body),
    )


blocks = st.recursive(leaves, containers, max_leaves=8)
documents = st.lists(st.tuples(blocks, st.integers(0, 2)), min_size=1, max_size=4).map(spaced)


@settings(
    max_examples=200, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(lines=documents)
def test_generated_pages_give_what_the_site_shows(lines: Lines, tmp_path: Path) -> None:
    """Whatever blocks are nested in whatever containers, reader and renderer agree."""
    file = tmp_path / "page.md"
    file.write_text("\n".join(lines))
    assert extracted(read_page(tmp_path, "page.md")) == rendered(file)

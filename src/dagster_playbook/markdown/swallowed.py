"""Words in angle brackets that a browser takes for tags: they stand in the file, and no reader sees them."""

from __future__ import annotations

import re

from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Page, Problem

#: every element of HTML, old ones included, with the usual ones of SVG and MathML
_ELEMENTS = frozenset(
    """a abbr acronym address applet area article aside audio b base basefont bdi bdo big blockquote body br button
    canvas caption center circle cite clippath code col colgroup data datalist dd defs del details dfn
    dialog dir div dl dt ellipse em embed fieldset figcaption figure font footer form frame frameset g h1 h2
    h3 h4 h5 h6 head header hgroup hr html i iframe image img input ins kbd label legend li line link main
    map mark marquee math menu meta meter mfrac mi mn mo mrow msqrt msub msup mtable mtd mtext mtr nav nobr
    noembed noframes noscript object ol optgroup option output p param path picture polygon polyline pre
    progress q rect rp rt ruby s samp script search section select slot small source span stop strike strong
    style sub summary sup svg symbol table tbody td template text textarea tfoot th thead time title tr
    track tspan tt u ul use var video wbr xmp""".split()
)
_TAG = re.compile(r"(?<!\\)<(?P<name>[A-Za-z][\w.-]*)(?: [\w.-]+)*>")
_FENCE = re.compile(r"[ >]*(`{3,}|~{3,})")
_CLOSING = re.compile(r"</([A-Za-z][\w.-]*)")
_HIDDEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<raw>pre|code|script|style|svg|math|textarea|template|xmp)\b.*?(?:</(?P=raw)\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)


def swallowed_tags(page: Page, text: str) -> list[Problem]:
    """A problem for each such word of the page's own file; what stands in code or in indented text is left out."""
    lines = _prose(page, text.split("\n"))
    if any(problem.rule == "PB002" for problem in page.problems):
        # a fence that the site shows as text is told as such; what stands in it was meant as code
        lines = _without_fences(lines)
    shown = _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), "\n".join(lines))
    closed = {name.lower() for name in _CLOSING.findall(text)}
    found = []
    for number, line in enumerate(shown.split("\n"), 1):
        for tag in _TAG.finditer(line):
            name = tag["name"].lower()
            if name in _ELEMENTS or name in closed:
                continue
            place = Location(page.path, number, tag.start() + 1, number, tag.end() + 1)
            message = f"{tag.group()!r} is taken for an HTML tag, and readers do not see it; write it as code"
            found.append(Problem("PB025", message, place, tag.group()))
    return found


def _without_fences(lines: list[str]) -> list[str]:
    kept, marks = [], ""
    for line in lines:
        mark = _FENCE.match(line)
        if mark and (not marks or mark[1].startswith(marks)):
            marks = "" if marks else mark[1]
        kept.append("" if marks or mark else line)
    return kept


def _prose(page: Page, lines: list[str]) -> list[str]:
    """The lines with front matter, code and indented text blanked; indented text may be code, and nobody asks here."""
    kept = ["" if number < page.front_matter_lines or line.startswith(("    ", "\t")) else line
            for number, line in enumerate(lines)]  # fmt: skip
    parts = [item.location for item in page.fences] + [item.location for item in page.spans]
    for place in parts:
        if place.path != page.path:
            continue
        for number in range(place.line, min(place.end_line, len(kept)) + 1):
            line = kept[number - 1]
            start = place.column - 1 if number == place.line else 0
            end = place.end_column - 1 if number == place.end_line else len(line)
            kept[number - 1] = line[:start] + " " * len(line[start:end]) + line[end:]
    return kept

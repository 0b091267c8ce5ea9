"""The words of the glossary on other pages: the first place of each shows its meaning."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

GLOSSARY = "reference/glossary.md"
_ENTRY = re.compile(r"^(?P<term>[a-z][\w -]*)\n: {3}(?P<meaning>.+)$", re.MULTILINE)
_TAG = re.compile(r"(<[^<>]*>)")
_NAME = re.compile(r"</?([a-zA-Z][\w-]*)")
#: elements whose text is left as it is
_LEFT = frozenset("a abbr button code form h1 h2 h3 h4 h5 h6 label pre script style summary svg th title".split())
#: the title of a block
_TITLE = '<span class="filename">'
#: words of everyday English, which would be marked where they mean nothing special
_COMMON = frozenset({"tag", "plan", "branch", "environment", "interval", "staging", "asset", "approval"})


@dataclass(frozen=True)
class Terms:
    """Term to its meaning in one line of plain text."""

    meanings: dict[str, str]

    @cached_property
    def _any(self) -> re.Pattern[str]:
        """Any of the terms as a whole word, alone or in the plural."""
        terms = sorted(self.meanings.keys() - _COMMON, key=len, reverse=True)
        return re.compile(rf"\b(?<!-)({'|'.join(map(re.escape, terms))})s?(?![\w-])", re.IGNORECASE)

    def marked(self, content: str) -> str:
        """The page's HTML with the first place of each term as an abbreviation that shows its meaning."""
        waiting = {term: meaning for term, meaning in self.meanings.items() if term not in _COMMON}
        inside: list[str] = []
        parts = _TAG.split(content)
        for number, part in enumerate(parts):
            if part.startswith("<"):
                _follow(part, inside)
            elif waiting and not inside and len(part) > 1:
                parts[number] = self._any.sub(lambda found: _once(found, waiting), part)
        return "".join(parts)


def _once(found: re.Match[str], waiting: dict[str, str]) -> str:
    """The term with its meaning the first time, and as it stands afterwards."""
    meaning = waiting.pop(found[1].lower(), "")
    return f'<abbr title="{html.escape(meaning)}">{found[0]}</abbr>' if meaning else found[0]


def read_terms(docs: Path) -> Terms:
    """The terms of the glossary below the folder of pages."""
    text = (docs / GLOSSARY).read_text(encoding="utf-8")
    return Terms({found["term"]: re.sub(r"[`*]", "", found["meaning"]) for found in _ENTRY.finditer(text)})


def _follow(tag: str, inside: list[str]) -> None:
    """Keep the elements whose text is left alone."""
    name = _NAME.match(tag)
    is_title = tag == _TITLE or (tag == "</span>" and "span" in inside)
    if name is None or tag.endswith("/>") or not (is_title or name[1].lower() in _LEFT):
        return
    if not tag.startswith("</"):
        inside.append(name[1].lower())
    elif name[1].lower() in inside:
        del inside[len(inside) - 1 - inside[::-1].index(name[1].lower()) :]

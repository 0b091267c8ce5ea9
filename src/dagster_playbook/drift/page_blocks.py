"""Mutations of blocks, links, bound facts and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import dirname, join, normpath
from random import Random

from dagster_playbook.drift.ground import Ground, PageText, Part, Stretch
from dagster_playbook.drift.misspelling import misspell
from dagster_playbook.drift.model import Mutation, Operator, Place, Target
from dagster_playbook.drift.page_names import page_mutation
from dagster_playbook.markdown.model import Fence

_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_OTHER_LANGUAGE = {"yaml": "sql", "sql": "yaml", "sh": "python", "properties": "json", "python": "sql", "json": "sql"}


def _block_place(path: str, fence: Fence) -> Place:
    return frozenset((path, line) for line in range(fence.location.line, fence.location.end_line + 1))


@dataclass(frozen=True)
class FenceLanguage:
    """A block whose language is misspelt or another one."""

    kind: str = "fence-language"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each block that has a language; under another language the whole block is wrong."""
        for stretch in ground.stretches:
            language = stretch.language
            at = stretch.text.find(language) if stretch.part is Part.INFO and language else -1
            if at < 0 or stretch.fence is None or not stretch.fence.body.strip(" .…\n"):
                continue
            typo = misspell(language, random, ground.words)
            other = random.choice([typo, _OTHER_LANGUAGE.get(language)])
            if other is None:
                continue
            place = stretch.place if other == typo else _block_place(stretch.path, stretch.fence)
            edit = stretch.edit(at, at + len(language), other)
            yield page_mutation(self.kind, stretch.line, f"`{language}` -> `{other}`", edit, (place,))


@dataclass(frozen=True)
class FenceEnd:
    """A block that is not closed: readers see the rest of the page as code, or its marks as text."""

    kind: str = "fence-end"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each block; wrong is all from its opening to the end of the block that it runs into."""
        for page in ground.pages.values():
            starts = [fence.location for fence in page.fences]
            for at, fence in enumerate(page.fences):
                last = fence.location.end_line
                until = starts[at + 1].end_line if at + 1 < len(starts) else len(page.lines)
                place = frozenset((page.path, line) for line in range(fence.location.line, until + 1))
                edit = page.edit_lines(last, last, "\n")
                yield page_mutation(self.kind, last, f"`{page.lines[last - 1].strip()}` is missing", edit, (place,))


@dataclass(frozen=True)
class LinkTarget:
    """A link to a page or an anchor that is misspelt."""

    kind: str
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each link within the project, in its path or behind its `#`."""
        for stretch in ground.stretches:
            if stretch.part is not Part.LINK or re.match(r"[a-z]+:", stretch.text):
                continue
            path, mark, anchor = stretch.text.partition("#")
            word, start = (path, 0) if self.kind == "link" else (anchor, len(path) + len(mark))
            stem = word.removesuffix(".md")
            typo = misspell(stem.rpartition("/")[2], random, ground.words) if stem else None
            if typo is None:
                continue
            new = stem[: len(stem) - len(stem.rpartition("/")[2])] + typo + word[len(stem) :]
            edit = stretch.edit(start, start + len(word), new)
            yield page_mutation(self.kind, stretch.line, f"`{word}` -> `{new}`", edit, (stretch.place,))


@dataclass(frozen=True)
class HeadingRenamed:
    """A heading that other places link to, said in other words."""

    kind: str = "heading"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each heading whose anchor is linked; wrong are the links, on whatever page they stand."""
        for page in ground.pages.values():
            for heading in page.page.headings:
                if heading.location.path != page.path:
                    continue
                line = page.lines[heading.location.line - 1]
                if not line.startswith("#"):
                    continue
                links = list(_links_to(ground, page.path, heading.anchor))
                if not links:
                    continue
                edit = page.edit_lines(heading.location.line, heading.location.line, f"{line} anew\n")
                wrong = tuple(dict.fromkeys(link.place for link in links))
                pages = tuple(dict.fromkeys(link.path for link in links))
                what = f"`{heading.text}` -> `{heading.text} anew`"
                yield Mutation(self.kind, self.target, page.path, heading.location.line, what, (edit,), wrong, pages)


def _links_to(ground: Ground, path: str, anchor: str) -> Iterator[Stretch]:
    for stretch in ground.stretches:
        if stretch.part is Part.LINK and stretch.text.endswith(f"#{anchor}"):
            target = stretch.text.partition("#")[0]
            if (normpath(join(dirname(stretch.path), target)) if target else stretch.path) == path:
                yield stretch


@dataclass(frozen=True)
class FactValue:
    """A number or name in a sentence that is not the fact that it is bound to."""

    kind: str = "fact-value"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each bound fact."""
        for stretch in ground.stretches:
            if stretch.part is Part.FACT:
                new = self._other(stretch.text, random, ground)
                if new is not None:
                    what = f"`{stretch.text}` -> `{new}`"
                    edit = stretch.edit(0, len(stretch.text), new)
                    yield page_mutation(self.kind, stretch.line, what, edit, (stretch.place,))

    @staticmethod
    def _other(text: str, random: Random, ground: Ground) -> str | None:
        if text.lower() in _NUMBERS:
            return _NUMBERS[(_NUMBERS.index(text.lower()) + random.choice((1, 2, 12))) % len(_NUMBERS)]
        if re.fullmatch(r"\d+", text):
            return str(int(text) + random.choice((-1, 1, 10)))
        return misspell(text, random, ground.words)


@dataclass(frozen=True)
class FactKey:
    """A binding to a fact that does not exist."""

    kind: str = "fact-key"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each bound fact whose comment stands on one line."""
        for page in ground.pages.values():
            for stretch in page.stretches:
                key = stretch.binding.key if stretch.binding else ""
                at = page.text.rfind(key, 0, stretch.start) if key else -1
                typo = misspell(key, random, ground.words) if at >= 0 else None
                if typo is not None and page.line_at(at) == stretch.line:
                    edit = stretch.edit(at - stretch.start, at - stretch.start + len(key), typo)
                    yield page_mutation(self.kind, stretch.line, f"`{key}` -> `{typo}`", edit, (stretch.place,))


@dataclass(frozen=True)
class Replace:
    """Text that is wrong in a way of its own: a pattern in blocks of some languages, and what takes its place."""

    kind: str
    languages: tuple[str, ...]
    pattern: str
    new: str
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each place where the pattern matches."""
        for stretch in ground.stretches:
            if stretch.part is not Part.CODE or stretch.language not in self.languages:
                continue
            for found in re.finditer(self.pattern, stretch.text):
                new = found.expand(self.new)
                what = f"`{found.group()}` -> `{new}`"
                edit = stretch.edit(found.start(), found.end(), new)
                yield page_mutation(self.kind, stretch.line, what, edit, (stretch.place,))


@dataclass(frozen=True)
class Selector:
    """A selector that does not parse or means nothing: an operator or a prefix written wrong."""

    kind: str = "selector"
    target: Target = Target.PAGE

    def sites(self, ground: Ground, random: Random) -> Iterator[Mutation]:
        """One for each entry of `restate_models` and each code span that is a selector with an operator."""
        for stretch in ground.stretches:
            new = self._wrong(stretch, ground.settings.schema)
            if new is not None:
                what = f"`{stretch.text.strip()}` -> `{new.strip()}`"
                edit = stretch.edit(0, len(stretch.text), new)
                yield page_mutation(self.kind, stretch.line, what, edit, (stretch.place,))

    @staticmethod
    def _wrong(stretch: Stretch, schema: str) -> str | None:
        text = stretch.text
        model = rf"{re.escape(schema)}\.\w+"
        if stretch.part is Part.CODE and stretch.language in ("yaml", "yml"):
            entry = re.fullmatch(rf"(\s*- )({model})", text)
            return f'{entry[1]}"{entry[2]} &"' if entry else None
        if stretch.part is not Part.SPAN:
            return None
        if "tag:" in text:
            return text.replace("tag:", "tga:", 1)
        if re.fullmatch(rf"\+{model}", text):
            return f"+{text[1:]}x+"
        if re.fullmatch(rf"{model}\+", text):
            return f"{text[:-1]}x+"
        return text.replace(" & ", " & & ", 1) if " & " in text else None


OPERATORS: tuple[Operator, ...] = (
    FenceLanguage(),
    FenceEnd(),
    LinkTarget("link"),
    LinkTarget("anchor"),
    HeadingRenamed(),
    FactValue(),
    FactKey(),
    Selector(),
    Replace("sql-syntax", ("sql",), r"\bFROM\b", "FORM"),
    Replace("sql-keyword", ("sql",), r"\bSELECT\b", "SELCET"),
    Replace("tag-quotes", ("sql",), r"\"(\w+=\w+)\"", r"\1"),
    Replace("wrong-ref", ("properties",), r"(?<=/iceberg/)\w+", "mian"),
    Replace("import", ("python", "py"), r"(?<=^import )(\w)(\w+)", r"\2\1"),
    Replace("import-from", ("python", "py"), r"(?<= import )(\w)(\w+)$", r"\2\1"),
)


def page_lines(page: PageText, fence: Fence) -> str:
    """A whole block with its marks, as it stands on the page."""
    start, end = page.line_span(fence.location.line, fence.location.end_line)
    return page.text[start:end]

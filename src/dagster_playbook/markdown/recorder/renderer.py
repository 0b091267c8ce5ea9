"""Python-Markdown with recording parts: one renderer for each set of extensions, used for page after page."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.md_in_html import HtmlBlockPreprocessor as ElementStage
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Problem
from dagster_playbook.markdown.recorder.blocks import BlockRecorder
from dagster_playbook.markdown.recorder.bypass import LineByLine
from dagster_playbook.markdown.recorder.extensions import Extensions, module_of
from dagster_playbook.markdown.recorder.fences import RecordingFences, RecordingSuperFences
from dagster_playbook.markdown.recorder.html import RecordingExtractor, RecordingExtractorExtra, RecordingHtml
from dagster_playbook.markdown.recorder.inline import RecordingInline
from dagster_playbook.markdown.recorder.marks import unmarked
from dagster_playbook.markdown.recorder.record import Record, TooMuchWorkError
from dagster_playbook.markdown.recorder.rows import take_rows
from dagster_playbook.markdown.recorder.snippets import RecordingSnippetExtension, RecordingSnippets
from dagster_playbook.markdown.recorder.text import shown_text

_OWN = {
    "pymdownx.superfences": RecordingSuperFences,
    "pymdownx.snippets": RecordingSnippetExtension,
    "pymdownx._bypassnorm": LineByLine,
}
_COLOURING = ("hilite", "indent-highlight")
"""They colour code, which takes long and changes nothing that is checked."""

_local = threading.local()


class _Rows(Preprocessor):  # type: ignore[misc]
    """Takes down the lines when all includes are in place."""

    record: Record

    def run(self, lines: list[str]) -> list[str]:
        take_rows(self.record, lines, self.record.path)
        return lines


class _Unmark(Treeprocessor):  # type: ignore[misc]
    """Takes the marks off again before anything else reads the tree."""

    def run(self, root: Element) -> None:
        for element in root.iter():
            if element.text and not element.text.isascii():
                kind = type(element.text)
                element.text = kind(unmarked(element.text))
            if element.tail and not element.tail.isascii():
                kind = type(element.tail)
                element.tail = kind(unmarked(element.tail))
            for key, value in element.attrib.items():
                if isinstance(value, str) and not value.isascii():
                    element.attrib[key] = unmarked(value)
        stash = self.md.htmlStash.rawHtmlBlocks
        stash[:] = [unmarked(item) if isinstance(item, str) else item for item in stash]


class _HeadingTexts(Treeprocessor):  # type: ignore[misc]
    """Takes down what headings say, before the table of contents puts its own links into them."""

    def run(self, root: Element) -> None:
        self.md.heading_texts = {
            id(element): shown_text(self.md, element)
            for element in root.iter()
            if isinstance(element.tag, str) and len(element.tag) == 2 and element.tag[0] == "h"
        }


class _References(dict[str, tuple[str, str]]):
    """Reference definitions, found whether their names carry marks or not."""

    def __setitem__(self, name: str, value: tuple[str, str]) -> None:
        super().__setitem__(unmarked(name), (unmarked(value[0]), value[1]))

    def __getitem__(self, name: str) -> tuple[str, str]:
        return super().__getitem__(unmarked(name))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(unmarked(str(name)))


class RecordingMarkdown(Markdown):  # type: ignore[misc]
    """A renderer that makes no HTML: it reads, and `record` says what it read."""

    heading_texts: dict[int, str]

    def __init__(self, extensions: Extensions) -> None:
        super().__init__(extensions=[name for name, _ in extensions.known], extension_configs=dict(extensions.known))
        self.references = _References()
        self.heading_texts = {}
        for name in _COLOURING:
            self.treeprocessors.deregister(name, strict=False)
        self.treeprocessors.deregister("prettify", strict=False)
        self._rows = _Rows(self)
        self.preprocessors.register(self._rows, "playbook-rows", 31.99)
        has_elements = isinstance(self.preprocessors["html_block"], ElementStage)
        self._html = RecordingHtml(self)
        self._html.extractor = RecordingExtractorExtra if has_elements else RecordingExtractor
        self.preprocessors.register(self._html, "html_block", 20)
        self.inline = RecordingInline(self)
        self.treeprocessors.register(self.inline, "inline", 20)
        self.treeprocessors.register(_Unmark(self), "playbook-unmark", 19.995)
        self.treeprocessors.register(_HeadingTexts(self), "playbook-headings", 5.5)
        self.blocks = BlockRecorder(self)

    def build_extension(self, ext_name: str, configs: dict[str, Any]) -> Extension:
        """The extension of that name; one that does not understand its options gets none."""
        module = module_of(ext_name)
        if not module:
            raise ValueError(f"the extension {ext_name!r} is not known")
        make = _OWN.get(module) or importlib.import_module(module).makeExtension
        try:
            return make(**configs)
        except (KeyError, TypeError, ValueError, AttributeError):
            return make()

    def read(self, lines: Sequence[str], record: Record) -> Element:
        """Read a page's lines (see `OriginLine`) and give the tree; `record` is filled."""
        self.reset()
        self.htmlStash.tag_counter = 0
        parts: list[Any] = [self._rows, self._html, self.parser.blockprocessors["code"]]
        parts += [part for part in self.preprocessors if isinstance(part, RecordingSnippets | RecordingFences)]
        for part in parts:
            part.record = record
        self.blocks.open(record)
        self.inline.open(record)
        self.parser.state.clear()
        self.lines = list(lines)
        for preprocessor in self.preprocessors:
            self.lines = preprocessor.run(self.lines)
        root: Element = self.parser.parseDocument(self.lines).getroot()
        for treeprocessor in self.treeprocessors:
            made = treeprocessor.run(root)
            root = root if made is None else made
        return root


def read_lines(
    extensions: Extensions, lines: Sequence[str], record: Record
) -> tuple[RecordingMarkdown, Element] | None:
    """Read a page; the renderer and its tree, or None and a problem when it cannot be read.

    Each thread keeps a renderer for each set of extensions; one that was stopped is in no known state and thrown away.
    """
    renderers: dict[str, RecordingMarkdown] = _local.__dict__.setdefault("renderers", {})
    try:
        md = renderers.pop(extensions.key, None) or RecordingMarkdown(extensions)
        read = md, md.read(lines, record)
        renderers[extensions.key] = md
        return read
    except TooMuchWorkError as error:
        rule, message, row = "PB024", f"this page takes too long to read: {error}", error.row
    except RecursionError:
        rule, message, row = "PB003", "nested deeper than the renderer can follow", 0
    except Exception as error:  # whatever a page makes the renderer raise: the site cannot be built of it either
        rule, message, row = "PB003", f"the renderer fails on this page: {type(error).__name__}: {error}", 0
    rows = record.source.rows
    place = record.source.location(row, 0, row, len(rows[row].text)) if rows else Location(record.path)
    record.problems.append(Problem(rule, message, place, record.path))
    return None

"""What a page is made of, each part with its place in the file that a person edits.

Texts are what a reader sees: includes resolved, a fence's own indent and quote marks stripped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dagster_playbook.location import LineOrigin, Location


@dataclass(frozen=True, slots=True)
class Fence:
    """A code block: a fence as pymdownx.superfences sees it, indented code, or raw HTML.

    Attributes:
        language: first word of the info string, lower case, without a leading dot; "" when there is none.
        info: the info string as written.
        attributes: `title=`, `id=`, `job=`, `hl_lines=` ... of the info string; a bare word maps to "".
        body: the code without the fence's own indent, lines joined by "\n", no trailing newline.
        location: from the opening fence's first mark to the end of the closing fence.
        lines: one origin for each line of `body`.
        section: texts of the headings that the fence stands under, outermost first.
        is_html: it is written as raw HTML, and not as a fence.
    """

    language: str
    info: str
    attributes: dict[str, str]
    body: str
    location: Location
    lines: tuple[LineOrigin, ...]
    section: tuple[str, ...] = ()
    is_html: bool = False

    def at(self, line: int, column: int = 1, end_line: int = 0, end_column: int = 0) -> Location:
        """The place in the file of a place in the body; all 1-based, the end exclusive."""
        start = self._origin(line)
        stop = self._origin(end_line or line)
        return Location(
            start.path,
            start.line,
            start.column + column - 1,
            stop.line if stop.path == start.path else start.line,
            stop.column + (end_column or column) - 1,
        )

    def _origin(self, line: int) -> LineOrigin:
        if not self.lines:
            return LineOrigin(self.location.path, self.location.line, self.location.column)
        return self.lines[min(max(line, 1), len(self.lines)) - 1]


@dataclass(frozen=True, slots=True)
class Span:
    """An inline code span; `text` as shown, `location` of the text without the backticks or HTML tags around it."""

    text: str
    location: Location
    language: str = ""
    is_html: bool = False


@dataclass(frozen=True, slots=True)
class FactBinding:
    """`<!-- fact: KEY -->shown<!-- /fact -->`: words of the prose that are bound to a fact."""

    key: str
    shown: str
    location: Location


@dataclass(slots=True)
class Suppression:
    """`<!-- playbook: ignore CODE[,CODE] reason="..." -->`.

    It covers the next block (fence or paragraph) when it stands on a line of its own, else the line it stands
    on. `first_line` and `last_line` (1-based, inclusive, in `location.path`) say what it covers.
    """

    codes: tuple[str, ...]
    reason: str
    location: Location
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Mark:
    """`<!-- proven: tests/... -->` or `<!-- opinion: why -->`: what holds a statement that no rule can hold.

    It covers the statement that it stands in or behind, and the whole next block when it stands on a line of its own
    (`is_block`). `first_line` and `last_line` are as those of a suppression.

    Attributes:
        tests: tests that prove it, as pytest names them; none for an opinion.
        reason: why an opinion is nothing to check; "" for a proof.
    """

    tests: tuple[str, ...]
    reason: str
    location: Location
    first_line: int
    last_line: int
    is_block: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """`<!-- playbook: record -->` before a console block: its output is what its commands print.

    Attributes:
        exit_code: that the last command ends with; the others end with 0.
        after: a command that has to have run before, unseen; "" for none.
        first_line, last_line: as those of a suppression.
    """

    exit_code: int
    after: str
    location: Location
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading with the anchor that the site gives it."""

    level: int
    text: str
    anchor: str
    location: Location


@dataclass(frozen=True, slots=True)
class Link:
    """A link, image or reference with its target as written."""

    target: str
    text: str
    is_image: bool
    location: Location


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read: rule code, message and place; the page is not clean while there is one."""

    rule: str
    message: str
    location: Location
    subject: str = ""


@dataclass(slots=True)
class Page:
    """One Markdown file as readers see it.

    Attributes:
        path: POSIX, relative to the project.
        text: of its own file, line ends as newlines.
        anchors: ids that HTML of the page sets, beside those of its headings.
        front_matter_text: its YAML without the dashes; line 1 of it is line 2 of the page; "" when it is no YAML.
        files: every file that was read for it, the page first, then includes, in order of first use, last the
            mkdocs.yml that says how its site reads it.
    """

    path: str
    text: str = ""
    files: tuple[str, ...] = ()
    front_matter: dict[str, object] = field(default_factory=dict)
    front_matter_lines: int = 0
    front_matter_text: str = ""
    fences: list[Fence] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    bindings: list[FactBinding] = field(default_factory=list)
    suppressions: list[Suppression] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def all_anchors(self) -> frozenset[str]:
        """What a link into the page may name."""
        return frozenset(heading.anchor for heading in self.headings) | frozenset(self.anchors)

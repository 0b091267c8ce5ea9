"""What a program prints for `--help`, read from a page: its usage line, its options and its commands, with places.

The forms are those of click, of typer with its frames, and of argparse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_USAGE = re.compile(r"^\W*usage:\s+(?P<rest>\S.*)$", re.IGNORECASE)
_FRAME = re.compile("[\u2500-\u257f]")
_OPTION = re.compile(r"(?<![\w-])--?[A-Za-z?][\w-]*|(?<![\w-])--\[no-\][\w-]+")
_SECTION = re.compile(r"^\W*(?P<name>[A-Za-z][\w -]*?)(?: \([\w ]+\))?:?\s*$")
_COMMANDS = re.compile(r"(?:sub-?)?commands\Z|\w+ commands\Z", re.IGNORECASE)
_OPTIONS = re.compile(r"(?:\w+ )*(?:options|flags|optional arguments)\Z", re.IGNORECASE)
_ELIDED = re.compile(r"^\W*(?:\.\.\.|\u2026|<\s*snip\s*>|\[\.\.\.\])\W*$", re.MULTILINE)
_DEFAULT = re.compile(r"\[(?:[^\]]*; )?default: (?P<value>[^\];]*)[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Placed:
    """A word of a help text with its line and column, both 1-based in the text."""

    text: str
    line: int
    column: int


@dataclass(slots=True)
class HelpOption:
    """An option as printed: its spellings, whether a value follows them (None: not to be told), its default."""

    names: list[Placed]
    has_value: bool | None
    default: Placed | None = None


@dataclass(slots=True)
class HelpText:
    """A help text.

    Attributes:
        usage: words of the usage line, the program first; none when there is no such line.
        options, commands: as listed; `has_options` and `has_commands` say whether there is such a list at all.
        is_whole: nothing is left out by an ellipsis.
    """

    usage: list[Placed] = field(default_factory=list)
    options: list[HelpOption] = field(default_factory=list)
    commands: list[Placed] = field(default_factory=list)
    has_options: bool = False
    has_commands: bool = False
    is_whole: bool = True


def is_help(text: str) -> bool:
    """Whether a text begins as the help of a program does."""
    return _USAGE.match(text.lstrip().split("\n", 1)[0]) is not None


def read_help(lines: Sequence[tuple[int, str]]) -> HelpText:
    """Read the numbered lines of a help text."""
    found = HelpText(is_whole=not _ELIDED.search("\n".join(text for _, text in lines)))
    section, indent = "", 0
    for number, line in lines:
        text = _FRAME.sub(" ", line)
        usage = _USAGE.match(text)
        if usage and not found.usage:
            at = usage.start("rest")
            found.usage = [Placed(word.group(), number, at + word.start() + 1)
                           for word in re.finditer(r"\S+", usage["rest"])]  # fmt: skip
            continue
        if header := _header(text, line):
            section, indent = header, 0
            found.has_options |= section == "options"
            found.has_commands |= section == "commands"
            continue
        if section == "commands":
            indent = _command(text, number, indent, found)
        elif section == "options":
            indent = _option(text, number, indent, framed="\u2502" in line, found=found)
    return found


def _header(text: str, line: str) -> str:
    """`options` or `commands` for the head of such a list, `other` for that of another one, "" for no head."""
    is_framed = line.lstrip().startswith("\u256d")
    match = _SECTION.match(text)
    if not match or not (is_framed or (text[:1].isalpha() and line.rstrip().endswith(":"))):
        return ""
    name = match["name"].strip()
    return "options" if _OPTIONS.match(name) else "commands" if _COMMANDS.match(name) else "other"


def _command(text: str, number: int, indent: int, found: HelpText) -> int:
    """Take in a line of a list of commands; those that stand deeper than the first go on with its words."""
    match = re.match(r"( +)([A-Za-z][\w:-]*)(?: {2,}|\s*$)", text)
    if match and (not indent or len(match[1]) == indent):
        found.commands.append(Placed(match[2], number, match.start(2) + 1))
        return len(match[1])
    return indent


def _option(text: str, number: int, indent: int, *, framed: bool, found: HelpText) -> int:
    """Take in a line of a list of options; without a frame, those that stand deeper go on with the words of one."""
    # typer puts an asterisk before what is required
    head = re.match(r"\s*(?:\* +)?(?=-{1,2}[A-Za-z\[?])", text)
    if head and (framed or not indent or head.end() == indent):
        start = indent = head.end()
        parts = list(_parts(text, start))
        stop = parts[0][1]
        for begin, end in parts[1:]:
            if not _OPTION.sub("", text[begin:end]).strip(" ,/"):
                stop = end
            else:
                break
        names = [named for match in _OPTION.finditer(text, start, stop) for named in _spelled(match, number)]
        has_value = None if framed else _shows_value(text[start : parts[0][1]])
        found.options.append(HelpOption(names, has_value))
    default = _DEFAULT.search(text)
    if default and found.options:
        found.options[-1].default = Placed(default["value"].strip(), number, default.start("value") + 1)
    return indent


def _parts(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Start and end of the pieces of a line that two blanks part."""
    for match in re.finditer(r"\S+(?: \S+)*", text[start:]):
        yield start + match.start(), start + match.end()


def _spelled(match: re.Match[str], number: int) -> Iterator[Placed]:
    text, column = match.group(), match.start() + 1
    if text.startswith("--[no-]"):
        yield Placed(f"--{text[7:]}", number, column)
        yield Placed(f"--no-{text[7:]}", number, column)
    else:
        yield Placed(text, number, column)


def _shows_value(head: str) -> bool | None:
    rest = _OPTION.sub("", head).strip(" ,/;")
    return bool(rest) if re.fullmatch(r"|[A-Z][A-Z0-9_ ./-]*(?:\.\.\.)?|[<\[{(].*", rest) else None

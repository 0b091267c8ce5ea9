"""SH: tables and headings of a page that documents a command, against the command that it documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dagster_playbook.claims.help_text import is_help, read_help
from dagster_playbook.facts.facts import CommandFact
from dagster_playbook.findings import Finding
from dagster_playbook.location import Location
from dagster_playbook.markdown.model import Heading, Page
from dagster_playbook.markdown.tables import Cell, Table, tables_of
from dagster_playbook.rules.help_output import DIFFERS, follow, missing_commands, missing_options
from dagster_playbook.rules.world import World, did_you_mean

_OPTIONS = re.compile(r"(?:options?|flags?|switch(?:es)?|short|long)\b", re.IGNORECASE)
_COMMANDS = re.compile(r"(?:sub-?)?commands?\Z", re.IGNORECASE)
_DEFAULT = re.compile(r"defaults?\Z", re.IGNORECASE)
#: how a page says that it is the whole of it
_CLAIMS_ALL = re.compile(
    r"\b(?:reference|cli|command[- ]line|all (?:the )?(?:options|commands|flags)|synopsis|usage|options|commands)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"`+([^`]+)`+")
_SPELLING = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
_WORD = re.compile(r"[a-z][a-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class _Documented:
    """A command that a part of the page is about."""

    command: CommandFact
    path: str


def page_findings(page: Page, world: World) -> Iterator[Finding]:
    """Findings of the headings and tables of a page, where they speak of a command that is known."""
    if not world.facts.commands:
        return
    program = _program(page, world)
    yield from _headings(page, program, world)
    for table in tables_of(page):
        above = [heading for heading in page.headings if _is_before(heading.location, table.header[:1])]
        subject = _documented(page, above, table, program, world)
        if subject is not None:
            yield from _table(table, subject, above, world)


def _is_before(place: Location, cells: Sequence[Cell]) -> bool:
    return bool(cells) and place.path == cells[0].location.path and place.line < cells[0].location.line


def _words(text: str) -> list[str]:
    """The words of a heading that may name a command: its code, or all of it without what is around the name."""
    bare = re.sub(r"[`*]", "", text).strip()
    return re.sub(r"^(?:the|command:?)\s+|\s+(?:command|sub-?command)s?\Z", "", bare, flags=re.IGNORECASE).split()


def _program(page: Page, world: World) -> str:
    """The one program that headings, usage lines and calls for help of the page name, "" when it is none or several."""
    named = {words[0] for heading in page.headings if (words := _words(heading.text))}
    for fence in page.fences:
        if is_help(fence.body):
            named |= {word.text for word in read_help(list(enumerate(fence.body.split("\n")[:3], 1))).usage[:1]}
        for line in re.findall(r"^\W{0,3}(.*) (?:--help|-h)\s*$", fence.body, re.MULTILINE):
            named |= set(line.split()[:1])
    known = sorted(named & set(world.facts.commands))
    return known[0] if len(known) == 1 else ""


def _of_heading(heading: Heading, program: str, world: World) -> _Documented | None:
    words = _words(heading.text)
    found = follow(words, world)
    if found is None and program:
        found = follow([program, *words], world)
        # a heading of words that are no commands documents nothing
        found = found if found and found[2] == len(words) + 1 > 1 else None
    if found is None or len(words) > found[2] + 1:
        return None
    return _Documented(found[0], found[1])


def _documented(page: Page, above: list[Heading], table: Table, program: str, world: World) -> _Documented | None:
    """What the table is about: the help that was shown last in its section, else its nearest heading that says so."""
    if not above:
        return None
    start, stop = above[-1].location.line, table.header[0].location.line
    for fence in reversed(page.fences):
        if start < fence.location.line < stop and fence.location.path == page.path:
            calls = re.findall(r"^\W{0,3}(.*) (?:--help|-h)\s*$", fence.body, re.MULTILINE)
            usage = read_help(list(enumerate(fence.body.split("\n"), 1))).usage
            words = calls[-1].split() if calls else [word.text for word in usage]
            if found := follow(words, world):
                return _Documented(found[0], found[1])
    level = 7
    for heading in reversed(above):
        if heading.level < level:
            level = heading.level
            if found_heading := _of_heading(heading, program, world):
                return found_heading
    return None


def _claims_all(above: list[Heading]) -> bool:
    """Whether the page's title or the heading next above says that all is told here."""
    return any(_CLAIMS_ALL.search(heading.text) for heading in [*above[:1], *above[-1:]])


def _table(table: Table, subject: _Documented, above: list[Heading], world: World) -> Iterator[Finding]:
    head = table.header[0].text.strip("`* ")
    command, path = subject.command, subject.path
    if _OPTIONS.match(head):
        told: list[str] = []
        known = [name for option in command.options for name in option.names]
        for row in table.rows:
            names = _spellings(row[0]) if row else []
            told += [name for name, _ in names]
            for name, place in names:
                if name not in known and name not in ("--help", "-h", "--version"):
                    message = f"{path} has no option {name!r}{did_you_mean(name, known)}"
                    yield DIFFERS.finding(place, message, subject=name, evidence=f"{path} --help")
            yield from _default(table, row, [name for name, _ in names], subject)
        # a table with none of its options is about something else
        if _claims_all(above) and set(told) & set(known):
            yield from missing_options(told, command, path, table.header[0].location, world)
    elif _COMMANDS.match(head) and command.subcommands:
        listed = [_listed(row[0], path) for row in table.rows if row]
        if _claims_all(above) and sum(name in command.subcommands for names in listed for name in names) > 1:
            flat = [name for names in listed for name in names]
            yield from missing_commands(flat, command, path, table.header[0].location, world)


def _spellings(cell: Cell) -> list[tuple[str, Location]]:
    """The options that the code of a cell names, each with its place."""
    place = cell.location
    found = []
    for code in _CODE.finditer(cell.text):
        for match in _SPELLING.finditer(code[1]):
            if match.start() == 0 or code[1][match.start() - 1] in " ,/|":
                column = place.column + code.start(1) + match.start()
                end = column + len(match.group())
                found.append((match.group(), Location(place.path, place.line, column, place.line, end)))
    return found


def _listed(cell: Cell, path: str) -> list[str]:
    """Sub-commands that the code of a cell names, with or without the path before them."""
    names = []
    for code in _CODE.findall(cell.text):
        rest = code.removeprefix(f"{path} ").split()
        names += rest[:1]
    return names


def _default(table: Table, row: Sequence[Cell], names: list[str], subject: _Documented) -> Iterator[Finding]:
    """A column of defaults is held to the real ones, where they are plain values."""
    column = next((at for at, cell in enumerate(table.header) if _DEFAULT.match(cell.text.strip("`* "))), 0)
    real = next((o for o in subject.command.options if set(o.names) & set(names)), None)
    if not column or column >= len(row) or real is None or not real.default:
        return
    cell = row[column]
    shown = re.sub(r"[`*\"']", "", cell.text).strip()
    if shown and re.fullmatch(r"[\w.:/-]+", shown) and shown != real.default and shown not in ("-", "none", "None"):
        message = f"the default of {subject.path} {names[0]} is {real.default!r}, not {shown!r}"
        yield DIFFERS.finding(cell.location, message, subject=shown, evidence=f"{subject.path} --help")


def _headings(page: Page, program: str, world: World) -> Iterator[Finding]:
    """A heading that names the program and then no sub-command of it; and one among siblings that all are such."""
    named = [(heading, words, follow(words, world)) for heading in page.headings if (words := _words(heading.text))]
    listed = sum(found is not None and found[2] > 1 for _, _, found in named)
    for heading, words, found in named:
        # code in a heading is held like any other, by itself
        if found is None or len(words) != found[2] + 1 or "`" in _source(page, heading):
            continue
        if found[0].subcommands and _WORD.match(words[-1]) and (found[2] > 1 or listed > 1):
            yield _unknown(heading, words[-1], found[0], found[1])
    if not program:
        return
    command = world.facts.commands[program]
    for level in sorted({heading.level for heading in page.headings}):
        siblings = [heading for heading in page.headings if heading.level == level]
        single = [(heading, words[0]) for heading in siblings if len(words := _words(heading.text)) == 1]
        real = [word for _, word in single if word in command.subcommands]
        if len(real) < 3 or len(real) < 0.6 * len(siblings):
            continue
        for heading, word in single:
            if _WORD.match(word) and word not in command.subcommands and word != program:
                yield _unknown(heading, word, command, program)
        if _claims_all(page.headings[:1]):
            where = page.headings[0].location
            yield from missing_commands(real, command, program, where, world)


def _source(page: Page, heading: Heading) -> str:
    lines = page.text.split("\n")
    place = heading.location
    return lines[place.line - 1] if place.path == page.path and place.line <= len(lines) else ""


def _unknown(heading: Heading, word: str, command: CommandFact, path: str) -> Finding:
    message = f"{path} has no sub-command {word!r}{did_you_mean(word, command.subcommands)}"
    return DIFFERS.finding(heading.location, message, subject=word, evidence=f"{path} --help")

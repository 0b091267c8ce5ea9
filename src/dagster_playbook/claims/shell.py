"""Commands in a shell block, as a shell would split them, each word with its place; nothing is ever run.

The grammar is tree-sitter's: quotes, continuations, pipes, redirections, here-documents, loops and substitutions
are its business. What stands inside a here-document is data, not a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from dagster_playbook.claims.prompts import Programs, Typed, has_prompts, typed_lines

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

#: a deliberate blank: `<name>`, `NAME` in angle brackets with words, or an ellipsis
PLACEHOLDER = re.compile(r"(?<!<)<[A-Za-z](?:[\w .:/-]*\w)?>|\.\.\.|…")
#: the notation of usage lines for what may be left out: `plan [environment name]`
_OPTIONAL = re.compile(r"(?<=[\s:.])\[[A-Za-z][^\[\]\n]*\](?=[\s:.]|\Z)")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command after quote removal; `is_known` is False when the shell would substitute in it."""

    text: str
    line: int
    column: int
    end_column: int
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """A simple command: its words (the first is the program), without redirections and leading assignments."""

    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class ShellText:
    """What a shell block says: its commands in order, and where it is not shell (line and column 1-based)."""

    commands: tuple[ShellCommand, ...]
    errors: tuple[tuple[int, int, str], ...]


def read_shell(text: str, *, is_console: bool = False, programs: Programs | None = None) -> ShellText:
    """Split a block; in a console block only the lines after a prompt are commands, the rest is output.

    Args:
        programs: what is known of programs, to tell the prompts that could be something else.
    """
    known = programs or {}
    is_session = is_console or has_prompts(text, known)
    source = _without_placeholders("\n".join(line.text for line in typed_lines(text, known)) if is_session else text)
    data = source.encode("utf-8")
    root = _parser().parse(data).root_node
    lines = source.split("\n")
    commands: list[ShellCommand] = []
    errors: list[tuple[int, int, str]] = []
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            row, offset = node.start_point
            told = f"{node.type!r} is missing" if node.is_missing else "cannot be parsed"
            errors.append((row + 1, _column(lines, row, offset), told))
            continue
        if node.type == "command":
            commands.append(ShellCommand(tuple(_words(node, lines))))
        stack.extend(reversed(node.children))
    return ShellText(tuple(commands), tuple(errors))


@cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def output_lines(text: str, programs: Programs | None = None) -> Iterator[tuple[int, str]]:
    """The lines of a console block that are no commands, with their numbers from 1; none without a prompt."""
    if has_prompts(text, programs or {}):
        lines = zip(text.split("\n"), typed_lines(text, programs or {}), strict=True)
        yield from ((number, line) for number, (line, typed) in enumerate(lines, 1) if line and not typed.is_input)


def typed_text(text: str, programs: Programs) -> str:
    """A console block with its prompts and all output blanked: commands stand where they stood."""
    return "\n".join(part.text for part in typed_lines(text, programs))


def output_blocks(text: str, programs: Programs) -> Iterator[tuple[tuple[Word, ...], list[tuple[int, str]]]]:
    """Each command of a console block that shows output, by its words, with the numbered lines of that output."""
    if not has_prompts(text, programs):
        return
    lines = zip(text.split("\n"), typed_lines(text, programs), strict=True)
    typed: list[str] = []
    shown: list[tuple[int, str]] = []
    for number, (line, part) in enumerate([*lines, ("", Typed("", is_input=True))], 1):
        if not part.is_input:
            shown.append((number, line))
            continue
        if shown:
            commands = read_shell("\n".join(typed)).commands
            if commands:
                yield commands[-1].words, shown
            typed, shown = [], []
        typed.append(part.text.strip())


def _without_placeholders(text: str) -> str:
    """`<name>` would be a redirection: stand a word of the same length in its place."""
    text = re.sub(r"\{\{.*?\}\}", lambda m: "_" * len(m.group()), text)
    text = _OPTIONAL.sub(lambda m: "_" * len(m.group()), text)
    return PLACEHOLDER.sub(lambda m: "_" * len(m.group()) if m.group().startswith("<") else m.group(), text)


def _words(command: Node, lines: list[str]) -> list[Word]:
    words: list[Word] = []
    for child in command.children:
        if child.type in ("variable_assignment", "file_redirect", "herestring_redirect", "heredoc_redirect"):
            continue
        row, offset = child.start_point
        end_row, end_offset = child.end_point
        column = _column(lines, row, offset)
        end = _column(lines, end_row, end_offset) if end_row == row else len(lines[row]) + 1
        text, known = _text(child)
        words.append(Word(text, row + 1, column, end, known and not re.fullmatch(r"_+", text)))
    return words


def _text(node: Node) -> tuple[str, bool]:
    raw = (node.text or b"").decode("utf-8", "replace")
    if node.type in ("command_name", "concatenation"):
        parts = [_text(child) for child in node.children] or [(raw, True)]
        return "".join(text for text, _ in parts), all(known for _, known in parts)
    if node.type == "string":
        known = all(child.type in ('"', "string_content") for child in node.children)
        return raw[1:-1].replace('\\"', '"'), known
    if node.type == "raw_string":
        return raw[1:-1], True
    if node.type in ("word", "number", "brace_expression", "extglob_pattern"):
        return re.sub(r"\\(.)", r"\1", raw), True
    return raw, False


def _column(lines: list[str], row: int, offset: int) -> int:
    """tree-sitter counts bytes, people count characters; 1-based."""
    return len(lines[row].encode("utf-8")[:offset].decode("utf-8", "ignore")) + 1

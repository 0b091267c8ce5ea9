"""What a person typed in a block that shows a session: the text behind each prompt, the rest is output.

Prompts are told by their shape: `$`, a virtual environment, user and host, root, fish, zsh themes, starship,
PowerShell and Windows. Some shapes are other things too (`#` is a comment, `>` a quotation): they are prompts only
before a program that is known, followed by one of its sub-commands or an option.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

#: languages of blocks that show a session, as Pygments calls them
SESSIONS = frozenset(
    "console shell-session shellsession sh-session bash-session zsh-session terminal doscon ps1con pwsh-session".split()
)

_ENVIRONMENT = r"(?:\([\w .:/\\+-]+\)[ ]?)*"
_HOST = r"[A-Za-z_][\w.-]*@[\w.-]+"
#: each is a prompt whatever follows
_SURE = re.compile(
    rf"""\s*{_ENVIRONMENT}(?:
      [$\u276fλ»▶⟩❱]\ +                                          # sh, starship, pure
    | ➜\ +\S+(?:\ +git:\([^)\n]*\))?(?:\ +✗)?\ +             # oh-my-zsh
    | \[{_HOST}\ [^\]\n]*\][$\#%]\ +                          # Red Hat
    | {_HOST}(?::[^\s$\#%>\u276f]*|\ [~/][^\s$\#%>\u276f]*|\ [\w.-]+)?\ ?[$\#%>\u276f]\ +   # Debian, zsh, fish
    | (?:ba|da|k|z)?sh-\d[\d.]*[$\#]\ +                       # bash without a profile
    | [A-Za-z][\w-]*:[~/\w.-]+\ [\w.-]+\$\ +                  # macOS
    | [~/][^\s$\#%>\u276f]*\ ?[$\u276f]\ +                              # the folder alone
    | [A-Za-z][\w.-]*\$\ +                                    # the host alone
    )""",
    re.VERBOSE,
)
#: each is a prompt before what is surely a command
_MAYBE = re.compile(rf"\s*{_ENVIRONMENT}(?:[#%>] +|[~/][^\s$#%>\u276f]* ?[#%>] +)")
_WINDOWS = re.compile(rf"\s*{_ENVIRONMENT}(?:PS(?: [^>\n]*)?> ?|[A-Za-z]:\\[^>\n]*> ?)")

#: a program that is known, to the sub-commands that it has
Programs = Mapping[str, Collection[str]]

_PROGRAM = re.compile(r"(?:[\w.~-]*[/\\])*([\w.+-]+)")
#: how a line says that the next one belongs to it: sh, PowerShell, Windows
_GOES_ON = ("\\", "`", "^")


@dataclass(frozen=True, slots=True)
class Typed:
    """One line of a block with its prompt and all output blanked, so that columns stay what they were."""

    text: str
    is_input: bool


def has_prompts(text: str, programs: Programs) -> bool:
    """Whether a block in a language of the shell shows a session after all."""
    return any(_prompt_end(line, programs, is_session=False) for line in text.split("\n"))


def typed_lines(text: str, programs: Programs) -> Iterator[Typed]:
    """Each line of a session; of one without any prompt, those lines are typed that are surely commands."""
    lines = text.split("\n")
    ends = [_prompt_end(line, programs, is_session=True) for line in lines]
    is_bare = not any(ends)
    mark, is_windows = "", False
    for line, end in zip(lines, ends, strict=True):
        if mark:
            # the line that goes on may have a prompt of its own: `> `
            more = re.match(r"\s*>>? +", line)
            start = more.end() if more else 0
        elif end or (is_bare and _is_command(line, programs)):
            start, is_windows = end, _WINDOWS.match(line) is not None
        else:
            yield Typed("", is_input=False)
            continue
        shown, mark = _input(line[start:], is_windows=is_windows)
        yield Typed(" " * start + shown, is_input=True)


def _input(text: str, *, is_windows: bool) -> tuple[str, str]:
    """What was typed as a POSIX shell would have it, at the same length, and the mark that it goes on ("" if not)."""
    bare = text.rstrip()
    mark = bare[-1:] if bare.endswith(_GOES_ON if is_windows else _GOES_ON[:1]) else ""
    shown = text.replace("\\", "/") if is_windows else text
    return (shown[: len(bare) - 1] + "\\", mark) if mark else (shown, "")


def _prompt_end(line: str, programs: Programs, *, is_session: bool) -> int:
    """The length of the line's prompt, 0 when it has none."""
    sure = _SURE.match(line)
    if sure:
        return sure.end()
    windows = _WINDOWS.match(line)
    if windows:
        return windows.end() if _program(line[windows.end() :]) in programs else 0
    # a comment or a quotation in a script is none of a session
    maybe = _MAYBE.match(line) if is_session else None
    return maybe.end() if maybe and _is_command(line[maybe.end() :], programs) else 0


def _is_command(text: str, programs: Programs) -> bool:
    """Whether a text is a known program with one of its sub-commands, or with an option."""
    words = text.split()
    known = programs.get(_program(text))
    if known is None:
        return False
    return len(words) == 1 or words[1].startswith("-") or words[1] in known or not known


def _program(text: str) -> str:
    found = _PROGRAM.match(text.strip())
    return found[1].removesuffix(".exe") if found else ""

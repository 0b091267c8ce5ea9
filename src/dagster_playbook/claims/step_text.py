"""The text of a step as a list of arguments or as SQL with named parameters: never as something to paste into."""

from __future__ import annotations

import re
import shlex

_PLACEHOLDER = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")


def commands(body: str) -> list[tuple[int, str]]:
    """The commands of a shell fence: 1-based line and text, continuation lines joined, comments dropped."""
    found: list[tuple[int, str]] = []
    pending, start = "", 0
    for number, line in enumerate(body.split("\n"), start=1):
        text = line.strip()
        text = text.removeprefix("$ ")
        if not pending and (not text or text.startswith("#")):
            continue
        start = start if pending else number
        pending += text
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        found.append((start, pending))
        pending = ""
    return [*found, (start, pending)] if pending.strip() else found


def split(text: str) -> list[str]:
    """The arguments of a command; a placeholder with blanks inside stays one argument.

    Raises:
        ValueError: a quote is not closed.
    """
    compact = _PLACEHOLDER.sub(r"{{\1}}", text)
    lexer = shlex.shlex(compact, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


#: a call that every dialect parses, wherever a value, a list or a table may stand
STAND_IN = "playbook_value"


def bound_sql(sql: str) -> str:
    """SQL with each placeholder as a call of `STAND_IN` that names it: the tree is bound, never the text."""
    return _PLACEHOLDER.sub(lambda match: f"{STAND_IN}('{match.group(1)}')", sql)

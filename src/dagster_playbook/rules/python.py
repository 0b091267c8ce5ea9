"""PY: Python blocks are parsed, linted by ruff, and their imports resolved; nothing is run."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator

from dagster_playbook.claims.embedded_config import claims_in_python
from dagster_playbook.claims.model import Claim, Kind
from dagster_playbook.findings import Finding, Rule, Severity
from dagster_playbook.rules import run_config
from dagster_playbook.rules.world import World

KINDS = frozenset({Kind.PYTHON})

NOT_PYTHON = Rule("PY501", "not-python", "A Python block that does not parse.")
LINT = Rule(
    "PY502", "python-lint", "A Python block with an undefined or unused name, or another error that ruff finds."
)
UNKNOWN_IMPORT = Rule("PY503", "unknown-import", "An import or attribute that the installed packages do not have.")

RULES = (NOT_PYTHON, LINT, UNKNOWN_IMPORT)


def check(claim: Claim, world: World) -> Iterator[Finding]:
    """Findings of a Python block; of a console session only what follows the prompts."""
    source = _input_of(claim.text) if re.match(r"\s*>>> ", claim.text) else claim.text
    try:
        source = _without_blanks(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
        told = getattr(error, "msg", None) or str(error)
        where = claim.at(line, column)
        message = f"the block is not Python: {told}"
        severity = world.doubtful if _is_excerpt(claim.text, line, told, world) else Severity.ERROR
        yield NOT_PYTHON.finding(where, message, subject="python", evidence="ast", severity=severity)
        return
    for config, found in claims_in_python(claim, source):
        yield from run_config.embedded_findings(config, world, is_partial=found.is_partial)
    for problem in (p for p in world.authority.python_names(source).problems if set(p.subject) != {"_"}):
        end = (problem.column or 1) + len(problem.subject)
        where = claim.at(problem.line or 1, problem.column or 1, problem.line or 1, end)
        root = problem.subject.split(".")[0]
        is_there = bool(root) and not world.authority.python_names(f"import {root}\n").problems
        # another distribution may well put it there
        is_there = is_there and "namespace package" not in problem.message
        severity = Severity.ERROR if is_there or "has no name" in problem.message else world.doubtful
        yield UNKNOWN_IMPORT.finding(
            where, problem.message, subject=problem.subject, evidence="installed packages", severity=severity
        )
    for problem in world.documents.lint_python(source).problems:
        where = claim.at(problem.line or 1, problem.column or 1)
        message = f"{problem.subject}: {problem.message}"
        # an excerpt uses names that stand elsewhere
        yield LINT.finding(where, message, subject=problem.subject, evidence="ruff", severity=world.doubtful)


def _is_excerpt(text: str, line: int, told: str, world: World) -> bool:
    """Whether a reader takes what does not parse for what it is: an excerpt, notation, or Python of a later version.

    A body of comments alone says "your code here"; code at one indent is cut out of something larger; `f(x) -> T`
    without `def` tells what comes back.
    """
    if "indented block" in told or _parses_with_blanks(textwrap.dedent(text)):
        return True
    lines = text.split("\n")
    if not _is_mostly_code(lines) or re.search(r"(?m)^\s*\.\.\. +\w", text):
        return True
    here = lines[line - 1].split("#")[0] if line <= len(lines) else ""
    if "->" in here and not re.match(r"\s*(?:async\s+)?def\b", here):
        return True
    wrong = [p.message for p in world.documents.lint_python(text).problems if p.subject == "invalid-syntax"]
    return bool(wrong) and all("syntax was added in Python" in message for message in wrong)


#: how a line of Python begins; what prints as a table or as a schema does not
_CODE_LINE = re.compile(
    r"\s*(?:(?:import|from|def|async|class|return|if|elif|else|for|while|with|try|except|finally|raise|yield|assert|del"
    r"|pass|global|await|print)\b|[@#.)\]}\"']|[\w.]+(?:\[[^\]]*\])*\s*(?::\s*[\w.\[\], |]+)?\s*[-+*/|&]?=(?!=)"
    r"|[\w.]+\()"
)


def _is_mostly_code(lines: list[str]) -> bool:
    """Whether most lines of a block begin as Python does: under its name people also show what a program prints."""
    told = [line for line in lines if line.strip()]
    return len(told) < 2 or sum(_CODE_LINE.match(line) is not None for line in told) * 2 >= len(told)


def _parses_with_blanks(source: str) -> bool:
    try:
        _without_blanks(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _without_blanks(source: str) -> str:
    """The source when it parses, else the source with its deliberate blanks filled in at the same length.

    `f(a=1, ...)` and `Config(dialect=<dialect>)` are what people write for "and so on", a head without its body
    for "whatever you do here", and a line with % or ! is for IPython.

    Raises:
        SyntaxError: it is not Python even so.
    """
    typed = re.sub(r"(?m)^(\s*)[%!](?=\w)", r"\1#", source)
    typed = re.sub(r"(?m)^(\s*)\[\.\.\.[^\]\n]*\]$", r"\1#", typed)
    unpacked = re.sub(r"(?<=[,(])(\s*)\.\.\.(?=\s*(?:#[^\n]*\n\s*)?[,)])", lambda m: f"{m[1]}**_", typed)
    named = re.sub(r"<[A-Za-z][^<>\n]*>", lambda m: "_" * len(m.group()), unpacked)
    listed = re.sub(r"(?m)^\.\.\.$", "def _(): pass", named.replace("**_", "___"))
    # a line that is nothing but an ellipsis stands for lines that are left out
    alone = re.compile(r"(?m)^(\s*)\.\.\.,?(?=\s*(?:#.*)?$)")
    without = [alone.sub(r"\1#", text) for text in (named, named.replace("**_", "..."))]
    unfinished = [
        text + end for text in (named, listed, *without) for end in ("\n    pass\n", "\ndef _():\n    pass\n")
    ]
    decorated = re.sub(r"(?m)^\.\.\.$", "def _(): pass", named)
    for attempt in (source, typed, unpacked, named, decorated, listed, *without, *unfinished):
        if _parses(attempt):
            return attempt
    ast.parse(source)
    return source


def _input_of(session: str) -> str:
    """The input of a console session, each line where it was, so that lines hold."""
    lines = []
    for line in session.split("\n"):
        match = re.match(r"\s*(?:>>>|\.\.\.) ?", line)
        lines.append(line[match.end() :] if match else "")
    return "\n".join(lines)

"""Java property files and the `${ENV:NAME}` marks in them, as Trino itself fills them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from dagster_playbook.errors import StackError
from dagster_playbook.location import lines_of

_MARK = re.compile(r"\$\{ENV:([A-Za-z][A-Za-z0-9_]*)\}")


def read_properties(path: Path) -> dict[str, str]:
    """The entries of a property file in their order; no continuation lines, which none of ours has.

    Raises:
        StackError: the file cannot be read, or a line is no entry.
    """
    entries: dict[str, str] = {}
    try:
        lines = lines_of(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"cannot be read: {error}", path=str(path)) from error
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text[0] in "#!":
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise StackError(f"{text!r} is no `name=value`", path=str(path), line=number)
        entries[name.strip()] = value.strip()
    return entries


def marks(path: Path) -> set[str]:
    """The environment variables that a property file asks for."""
    return {name for value in read_properties(path).values() for name in _MARK.findall(value)}


def filled(path: Path, environment: Mapping[str, str]) -> str:
    """The file's text with each `${ENV:NAME}` replaced.

    Raises:
        StackError: a name is not in `environment`.
    """
    missing = sorted(marks(path) - set(environment))
    if missing:
        raise StackError(f"asks for ${{ENV:{missing[0]}}}, which the stack does not set", path=str(path))
    entries = read_properties(path)
    return "".join(f"{k}={_MARK.sub(lambda m: environment[m.group(1)], v)}\n" for k, v in entries.items())


def read_flags(path: Path) -> list[str]:
    """The lines of a jvm.config: one argument a line, comments and empty lines left out.

    Raises:
        StackError: the file cannot be read.
    """
    try:
        lines = lines_of(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StackError(f"cannot be read: {error.strerror}", path=str(path)) from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]

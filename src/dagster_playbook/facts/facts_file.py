"""Facts in a file: written where the platform may be loaded, read where none of its code may run.

The file has a format and a version, the facts, what its authorities have answered about texts so far, and a digest that
tells damage. It is read as data from somebody else: of limited size, every field of its type, or not at all.
"""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.durable import write_whole
from dagster_playbook.errors import PlatformError
from dagster_playbook.facts.authority import ModelAnswer, SelectorAnswer, TextAnswer
from dagster_playbook.facts.facts import Facts

FORMAT = "dagster-playbook facts"
VERSION = 1
#: a platform of 3,000 models has a file of about 10 MB
MAX_BYTES = 64 * 1024 * 1024
_CURE = "make it anew with `playbook facts --output FILE`"


@dataclass(frozen=True, slots=True)
class Answers:
    """What authorities have answered about texts, by `answers.answer_key` of the question."""

    selectors: dict[str, SelectorAnswer] = field(default_factory=dict)
    models: dict[str, ModelAnswer] = field(default_factory=dict)
    texts: dict[str, TextAnswer] = field(default_factory=dict)

    def count(self) -> int:
        """How many there are."""
        return len(self.selectors) + len(self.models) + len(self.texts)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A platform as it was recorded."""

    facts: Facts
    answers: Answers = field(default_factory=Answers)


def write_facts(path: Path, recorded: Recorded) -> None:
    """Write the file, whole or not at all.

    Raises:
        PlatformError: the disk does not take it.
    """
    body = {"facts": recorded.facts.as_dict(), "answers": asdict(recorded.answers)}
    document = {"format": FORMAT, "version": VERSION, "digest": _digest(body), **body}
    try:
        write_whole(path, json.dumps(document, ensure_ascii=True, separators=(",", ":")) + "\n", mode=0o644)
    except OSError as error:
        raise PlatformError(f"cannot be written: {error.strerror or error}", path=str(path)) from error


def read_facts(path: Path) -> Recorded:
    """Read a file of facts.

    Raises:
        PlatformError: the file is missing, of another format or version, damaged, too large, or not of its shape.
    """
    document = _document(path)
    if document.get("format") != FORMAT:
        raise _refused(path, "is no file of facts")
    if (version := document.get("version")) != VERSION or isinstance(version, bool):
        raise _refused(path, f"has version {_shown(version)} of the format, this playbook reads {VERSION}")
    body = {name: document.get(name) for name in ("facts", "answers")}
    try:
        if document.get("digest") != _digest(body):
            raise _refused(path, "is damaged: its digest is not that of what it holds")
        return _typed(body)
    except (ValueError, TypeError, RecursionError) as error:
        raise _refused(path, f"is not of the shape of facts: {_first_problem(error)}") from error


def _document(path: Path) -> dict[str, Any]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _refused(path, "is not a regular file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise _refused(path, f"is larger than {MAX_BYTES:,} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _refused(path, "is damaged: it is no JSON, or nested without end") from error
    if not isinstance(document, dict):
        raise _refused(path, "is no file of facts")
    return document


def _typed(body: dict[str, Any]) -> Recorded:
    """The body with every field of its declared type; JSON's lists are tuples where the facts have them."""
    from pydantic import TypeAdapter

    return TypeAdapter(Recorded).validate_json(json.dumps(body), strict=True)


def _digest(body: dict[str, Any]) -> str:
    spelled = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(spelled.encode(), digest_size=16).hexdigest()


def _first_problem(error: Exception) -> str:
    """One line of what pydantic has against the data, with the place in it."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return "it cannot be read"
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{_shown('.'.join(map(str, first['loc'])))}: {first['msg']}"


def _shown(value: object) -> str:
    """A value of the file as a short and printable word."""
    return repr(value)[:80]


def _refused(path: Path, why: str) -> PlatformError:
    return PlatformError(why, path=str(path), cure=_CURE)

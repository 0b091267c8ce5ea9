"""Secrets never reach a journal, evidence, a log or the terminal: values that are known, and tokens of a known form.

Only free text is looked through: what a command prints, messages, answers, rows. The run's own words (keys, event
names, outcomes, step ids, digests) are no text, so that a variable such as AUTH_MODE=succeeded cannot blacken them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dagster_playbook.durable import write_whole
from dagster_playbook.runbook.tokens import secret_spans

_SECRET_WORDS = re.compile(
    r"(?i)(?:^|_)(?:\w*secrets?|\w*tokens?|\w*passw\w*|passphrase|pass|pwd|credentials?|private|auth|\w*key|\w*apikey)(?:_|$)"
)
#: shorter values would blacken ordinary words; nobody's secret is that short
_MIN_CHARACTERS = 6
MARK = "[secret]"
#: the words of an event that are the run's own, and those of a result that Dagster or Nessie said
_STRUCTURE = frozenset({
    "step", "kind", "again", "outcome", "state", "runbook", "text_sha256", "digest", "target", "platform", "operator",
    "nonce", "expires_at", "run", "evidence", "evidence_sha256", "output_file", "output_sha256", "pid", "born", "host",
    "mark", "run_id", "root_run_id", "status", "exit_code", "hash", "previous", "type", "begun", "rows",
})  # fmt: skip
#: longest text that is held back for the rest of its line or key
_HELD_CHARACTERS = 65_536
_KEY_BEGIN, _KEY_END = re.compile(r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY"), re.compile(r"-----END[^\n]*-----")


class Redactor:
    """Replaces the values of environment variables with telling names, of secret parameters, and tokens."""

    def __init__(self, secrets: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> None:
        env = os.environ if environment is None else environment
        self._given = _pattern(_lines(value for value in secrets if value))
        known = (v for k, v in env.items() if _SECRET_WORDS.search(k) and len(v) >= _MIN_CHARACTERS)
        self._known = _pattern(_lines(known))

    def text(self, text: str) -> str:
        """A text without secrets."""
        return self._by_value(self._by_form(text), self._known)

    def data(self, data: Any) -> Any:
        """Plain data without secrets; keys, and values that are the run's own words, are none by chance."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            pairs = ((str(key), item) for key, item in data.items())
            return {self._own(key): self._own(item) if key in _STRUCTURE else self.data(item) for key, item in pairs}
        if isinstance(data, list | tuple):
            return [self.data(item) for item in data]
        return data

    def file(self, path: Path) -> None:
        """Take the secrets out of a log that nobody writes to any more."""
        if not path.is_file():
            return
        before = path.read_text(encoding="utf-8", errors="replace")
        after = self.text(before)
        if after != before:
            write_whole(path, after)

    def _own(self, value: Any) -> Any:
        """A word of the run, where only a secret parameter and a token's form could have come in from outside."""
        return self._by_form(value) if isinstance(value, str) else self.data(value)

    def _by_form(self, text: str) -> str:
        text = self._by_value(text, self._given)
        for start, end in reversed(_merged(secret_spans(text))):
            text = text[:start] + MARK + text[end:]
        return text

    @staticmethod
    def _by_value(text: str, pattern: re.Pattern[str] | None) -> str:
        return pattern.sub(MARK, text) if pattern else text


class RedactedStream:
    """Redacts a text that arrives in pieces: a line, or a private key, is held until it is whole."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be said of it by now."""
        self._held += text
        end = self._held.rfind("\n") + 1
        begin = _KEY_BEGIN.search(self._held)
        while begin is not None and (ended := _KEY_END.search(self._held, begin.end())) and ended.end() <= end:
            begin = _KEY_BEGIN.search(self._held, ended.end())
        if begin is not None:
            end = min(end, self._held.rfind("\n", 0, begin.start()) + 1)
        if not end and len(self._held) > _HELD_CHARACTERS:
            # cut where no token goes on; of a text without any blank the end is held that a token could be in
            blank = max(self._held.rfind(" "), self._held.rfind("\t"))
            end = blank + 1 if begin is None and blank > 0 else len(self._held) - _HELD_CHARACTERS // 8
        told, self._held = self._held[:end], self._held[end:]
        return self._redactor.text(told)

    def rest(self) -> str:
        """What is still held, at the end."""
        told, self._held = self._held, ""
        return self._redactor.text(told)


def _lines(values: Iterable[str]) -> set[str]:
    """The values, and of one with several lines each line that is long enough: they may be printed apart."""
    found: set[str] = set()
    for value in values:
        found |= {value, *(line for line in value.splitlines() if len(line) >= _MIN_CHARACTERS)}
    return found


def _pattern(values: set[str]) -> re.Pattern[str] | None:
    # the longest first, so that a secret inside another leaves nothing behind
    return re.compile("|".join(map(re.escape, sorted(values, key=len, reverse=True)))) if values else None


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged

"""Secrets never reach a journal, evidence or the terminal: their values are replaced wherever they turn up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

_SECRET_NAME = re.compile(r"(?i)(secret|token|passw|passphrase|credential|private|api_?key|access_?key|auth)")
#: shorter values would blacken ordinary words; nobody's secret is that short
_MIN_CHARACTERS = 6
MARK = "[secret]"


class Redactor:
    """Replaces the values of environment variables with telling names, and of secret parameters."""

    def __init__(self, secrets: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> None:
        env = os.environ if environment is None else environment
        found = {v for k, v in env.items() if _SECRET_NAME.search(k) and len(v) >= _MIN_CHARACTERS}
        found |= {value for value in secrets if value}
        # the longest first, so that a secret inside another leaves nothing behind
        self._pattern = (
            re.compile("|".join(re.escape(v) for v in sorted(found, key=len, reverse=True))) if found else None
        )

    def text(self, text: str) -> str:
        """A text without secrets."""
        return self._pattern.sub(MARK, text) if self._pattern else text

    def data(self, data: Any) -> Any:
        """Plain data without secrets, keys included."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            return {self.text(str(key)): self.data(item) for key, item in data.items()}
        if isinstance(data, list | tuple):
            return [self.data(item) for item in data]
        return data

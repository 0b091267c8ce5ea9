"""Personal fields are masked before anybody sees them, so that samples can be printed and committed.

A mask keeps what a staging model may trip over (null, empty, length, punctuation, letters beyond ASCII) and makes
equal values equal, and nothing else: it is keyed with a secret of the process, so it cannot be looked up.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

#: a column whose name says that it holds something about a person
PERSONAL_NAME = re.compile(
    r"(^|_)(e?mails?|phone|mobile|fax|first_?name|last_?name|full_?name|given_?name|family_?name|surname|birth|dob|ssn|"
    r"passport|iban|credit_?card|street|postal|zip_?code|ip(_?addr(ess)?)?|latitude|longitude|password|secret|token|"
    r"api_?key|author_?name|committer_?name)(_|$)",
    re.IGNORECASE,
)
#: a name that says that the value is hashed or masked already
MASKED_NAME = re.compile(r"(^|_)(hash|hashed|sha\d*|masked)(_|$)", re.IGNORECASE)
#: values that are personal wherever they stand: mail addresses and IPv4 addresses
PERSONAL_VALUE = re.compile(
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
    r"|(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])"
)
#: addresses that belong to nobody: reserved names (RFC 2606) and documentation or loopback networks (RFC 5737)
RESERVED_VALUE = re.compile(
    r"@(?:[\w-]+\.)*example\.(?:com|org|net)$|\.(?:invalid|test|example)$|^(?:192\.0\.2|198\.51\.100|203\.0\.113|127\.0\.0)\."
)
_LOWER, _UPPER, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"


def is_personal_name(name: str) -> bool:
    """Whether a column of this name has to be masked."""
    return PERSONAL_NAME.search(snake(name)) is not None and MASKED_NAME.search(snake(name)) is None


def snake(name: str) -> str:
    """`firstName` as `first_Name`, so that word boundaries are underscores."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


def personal_values(text: str) -> list[str]:
    """The mail and network addresses in a text that may belong to somebody."""
    return [found for found in PERSONAL_VALUE.findall(text) if not RESERVED_VALUE.search(found)]


@dataclass(frozen=True, slots=True)
class Mask:
    """Replaces personal values; two masks with the same `key` agree."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)

    def cell(self, name: str, value: Any) -> Any:
        """The value to show for the column `name`: masked wholly by its name, or in part by what stands in it."""
        if isinstance(value, dict):
            return {key: self.cell(name if is_personal_name(name) else key, item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.cell(name, item) for item in value]
        if is_personal_name(name):
            return self._whole(value)
        return PERSONAL_VALUE.sub(self._address, value) if isinstance(value, str) else value

    def _whole(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._address(found) if (found := PERSONAL_VALUE.fullmatch(value)) else self._letters(value)
        if isinstance(value, bytes):
            return self._stream(repr(value), len(value))
        if isinstance(value, datetime | date):
            return value.replace(month=1, day=1)
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return (
                type(value)(self._letters(str(int(value))))
                if math.isfinite(value) and abs(float(value)) < 1e15
                else value
            )
        return value

    def _address(self, found: re.Match[str]) -> str:
        text = found.group()
        if RESERVED_VALUE.search(text):
            return text
        token = self._stream(text.lower(), 4)
        return f"{token.hex()}@example.com" if "@" in text else f"192.0.2.{token[0]}"

    def _letters(self, text: str) -> str:
        stream = self._stream(text, len(text))
        return "".join(_like(character, number) for character, number in zip(text, stream, strict=True))

    def _stream(self, text: str, length: int) -> bytes:
        stream, block = b"", 0
        while len(stream) < length:
            stream += hmac.new(self.key, f"{block}:{text}".encode(errors="surrogatepass"), hashlib.sha256).digest()
            block += 1
        return stream[:length]


def _like(character: str, number: int) -> str:
    """Another character of the same class."""
    for alphabet in (_LOWER, _UPPER, _DIGITS):
        if character in alphabet:
            return alphabet[number % len(alphabet)]
    return "é" if character.isalpha() else character

"""One spelling for plain data, so that a digest means the same thing on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any


def canonical(data: Any) -> str:
    """JSON with sorted keys, no blanks and no NaN; text is kept as it is, so two different texts never look the same.

    Raises:
        ValueError, TypeError: the data has no JSON form.
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(data: Any) -> str:
    """Hexadecimal SHA-256 of the canonical form."""
    return hashlib.sha256(canonical(data).encode("utf-8", "surrogatepass")).hexdigest()


def scope_digest(op: str, config: dict[str, Any]) -> str:
    """What a run of an op is allowed to do: the op and those of its config fields that say something.

    A field that is empty or absent says the same thing, and the order of a list says nothing; so the digest of the
    page's YAML equals the digest of the config that the op was launched with. `false` says something: it may switch a
    default off.
    """
    said = {key: _unordered(value) for key, value in config.items() if not _is_empty(value)}
    return sha256({"op": op, "config": said})


def restatement_scope(op: str, config: dict[str, Any], affected: Iterable[str]) -> str:
    """The same for an op that restates: every switch of its config is off by default, so `false` says nothing.

    Args:
        affected: every model that would be evaluated.
    """
    said = {key: value for key, value in config.items() if value is not False}
    return scope_digest(op, {**said, "affected_models": list(affected)})


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)


def _unordered(value: Any) -> Any:
    return sorted(map(canonical, value)) if isinstance(value, list | tuple) else value

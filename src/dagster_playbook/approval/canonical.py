"""One spelling for plain data, so that a digest means the same thing on every machine."""

from __future__ import annotations

import hashlib
import json
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

    A field that is false, empty or absent says the same thing, and the order of a list says nothing; so the digest
    of the page's YAML equals the digest of the config that the op gets from Dagster with its defaults filled in.
    """
    said = {key: sorted(map(str, v)) if isinstance(v, list | tuple) else v for key, v in config.items() if v}
    return sha256({"op": op, "config": said})

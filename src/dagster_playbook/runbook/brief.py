"""The few words of a step's result that fit on a line."""

from __future__ import annotations

from typing import Any


def told(result: dict[str, Any]) -> str:
    """The few parts of a result that fit on a line, as `key=value`; "" when it has none of them."""
    keys = ("run_id", "hash", "rows", "value", "exit_code", "answer")
    parts = [f"{key}={result[key]}" for key in keys if result.get(key, "") != ""]
    tags = result.get("tags") or {}
    parts += [f"{key.rpartition('/')[2]}={value}" for key, value in tags.items()]
    return "  ".join(parts)[:200]

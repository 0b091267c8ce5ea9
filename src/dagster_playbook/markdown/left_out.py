"""Extensions that a site's configuration names and that its pages are read without, to be told once."""

from __future__ import annotations

_names: dict[str, tuple[str, ...]] = {}


def leave_out(config: str, names: tuple[str, ...]) -> None:
    """Take note that the pages of a configuration file are read without these extensions."""
    if names:
        _names[config] = names


def left_out() -> list[tuple[str, tuple[str, ...]]]:
    """Configuration files of the pages that this process has read, with the extensions that were left out."""
    return sorted(_names.items())

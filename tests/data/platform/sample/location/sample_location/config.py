"""The config that a person types in the launchpad."""

from enum import Enum

import dagster as dg
from pydantic import Field


class Mode(Enum):
    """How thorough a load is."""

    FAST = "fast"
    SAFE = "safe"


class Window(dg.Config):
    """The days of a load."""

    start: str
    end: str | None = None


class LoadConfig(dg.Config):
    """Config of the op `load_orders`."""

    models: list[str] | None = None
    limit: int = Field(default=100, description="How many orders to read at most.")
    threshold: float = 0.5
    dry_run: bool = False
    mode: Mode = Mode.SAFE
    window: Window | None = None
    labels: dict[str, int] = Field(default_factory=dict)

"""Resources that no launch can change."""

from __future__ import annotations

from typing import Any

import dagster as dg


def fixed(resource: Any) -> dg.ResourceDefinition:
    """A resource without run configuration: Dagster refuses a run that gives it any.

    The fields of a configurable resource can be overridden in the launchpad, in every run and by everybody who may
    launch one. What decides where a run writes, or what it must not touch, belongs to the deployment instead.
    """
    return dg.ResourceDefinition(
        lambda _: resource, config_schema={}, description=(type(resource).__doc__ or "").strip()
    )

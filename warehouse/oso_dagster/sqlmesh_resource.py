"""dagster-sqlmesh's resource with three corrections: intervals, external models, and one context a run."""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_sqlmesh import SQLMeshContextConfig, SQLMeshResource
from dagster_sqlmesh.controller.base import DEFAULT_CONTEXT_FACTORY
from dagster_sqlmesh.controller.dagster import DagsterSQLMeshController
from dagster_sqlmesh.resource import (
    DagsterSQLMeshEventHandler,
    FailedModelError,
    ModelMaterializationStatus,
    PlanOrRunFailedError,
)

from .evidence import IntervalConsole

if TYPE_CHECKING:
    from sqlmesh import Model

SHOWN = ("asset_key", "duration_ms", "snapshot", "promoted")


class Statuses(dict[str, ModelMaterializationStatus]):
    """Statuses by model; what is no model has one that nobody keeps.

    The original tracker leaves external models out and then fails with KeyError on the plan that first brings them in.
    """

    def __missing__(self, name: str) -> ModelMaterializationStatus:
        return ModelMaterializationStatus(model_fqn=name, snapshot_id="")


class EventHandler(DagsterSQLMeshEventHandler):
    """Logs what happened without the plans and snapshots that the original prints in full, 40 kB a run."""

    def log(self, level: str | int, message: str, obj: dict[str, Any] | None = None) -> None:
        """Log the message with the model and the duration, where the event has them."""
        details = {key: obj[key] for key in SHOWN if key in obj} if obj else {}
        self._logger.log(level, f"sqlmesh {self.stage}: {message} {details or ''}".strip())


class OsoSQLMeshResource(SQLMeshResource):
    """Runs plan and run on SQLMesh and passes on which intervals were evaluated."""

    def get_controller(
        self,
        config: SQLMeshContextConfig,
        context_factory: Any = DEFAULT_CONTEXT_FACTORY,
        log_override: logging.Logger | None = None,
    ) -> DagsterSQLMeshController[Any]:
        """A controller whose console reports intervals."""
        return DagsterSQLMeshController(
            config=config,
            # Its methods are made at run time, from those that SQLMesh's console declares.
            console=IntervalConsole(log_override=log_override),  # type: ignore[abstract]
            context_factory=context_factory,
            log_override=log_override,
        )

    def create_event_handler(self, *, config: SQLMeshContextConfig, **options: Any) -> EventHandler:
        """An event handler that external models do not trip, and that logs events in one line."""
        handler = EventHandler(translator=config.get_translator(), **options)
        handler._tracker._model_metadata = Statuses()
        return handler

    def _get_selected_models_from_context(
        self, context: dg.AssetExecutionContext, config: SQLMeshContextConfig, models: MappingProxyType[str, Model]
    ) -> tuple[set[str], dict[str, Model], list[str] | None]:
        """Always every model: the op cannot be subset.

        The original counts external models as selectable, finds them missing among the outputs, and so turns "all" into
        a list of selected models, with which SQLMesh would never notice a removed one.
        """
        own = {fqn: model for fqn, model in models.items() if not model.kind.is_external}
        return set(own), own, None


def sqlmesh_failure(error: PlanOrRunFailedError) -> dg.Failure:
    """A failure that names each model that failed and why; the original names only the stage."""
    causes = [
        # Declared a name, but what SQLMesh's scheduler hands over is its unit of work.
        f"{getattr(one.model_name, 'snapshot_name', one.model_name)}: {one.message}"
        if isinstance(one, FailedModelError)
        else str(one)
        for one in error.errors
    ]
    return dg.Failure(f"SQLMesh failed during {error.stage}: " + "; ".join(cause.strip() for cause in causes))

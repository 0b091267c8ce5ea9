"""What differs between releases of SQLMesh and sqlglot, under one name each; held from 0.180 on.

SQLMesh promises nothing for these. What a release does not have is left out here and named in `untold`, never guessed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlmesh import __version__ as RELEASE  # noqa: N812 - a constant of ours
from sqlmesh.core import constants
from sqlmesh.core.config import Config
from sqlmesh.core.config.loader import load_configs
from sqlmesh.core.context import Context
from sqlmesh.core.model import definition

#: the class that every node of a syntax tree has; older sqlglot calls it Expression
EXPRESSION: type[exp.Expr] = getattr(exp, "Expr", None) or exp.Expression
#: crons that begin like a macro and are none; older releases name them nowhere
CRON_SHORTCUTS: frozenset[str] = frozenset(
    getattr(definition, "CRON_SHORTCUTS", None)
    or ("@midnight", "@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually")
)
_HAS_ENVIRONMENT_MODE = "virtual_environment_mode" in Config.all_fields()


def open_unloaded(kind: type[Context], folder: Path, gateway: str) -> Any:
    """A context of that kind on a project, with nothing loaded yet; it will ask no state.

    A personal ~/.sqlmesh/config.yaml is not read: it is not what pages speak of.
    """
    configs = load_configs(None, kind.CONFIG_TYPE, str(folder), sqlmesh_path=folder / ".no-personal-settings")
    wanted: dict[str, Any] = {"config": configs, "paths": str(folder), "gateway": gateway or None, "load": False}
    if "load_state" in inspect.signature(Context.__init__).parameters:
        return kind(**wanted, load_state=False)
    context = kind(**wanted)
    # where loading cannot be told so, the state is only asked for projects of a name
    context._projects = set()
    return context


@contextmanager
def cache_in(context: Any, folder: Path) -> Iterator[None]:
    """SQLMesh keeps its cache in `folder` meanwhile, so that nothing appears beside the sources."""
    before = constants.CACHE
    try:
        if hasattr(type(context), "cache_dir"):
            context.cache_dir = folder
        else:
            # older loaders put it below the project by this name; an absolute one stays where it is
            constants.CACHE = str(folder)
        yield
    finally:
        constants.CACHE = before


def variables_of(context: Any) -> Callable[[str | None], dict[str, Any]]:
    """The project's variables by gateway, as its loader gives them to models."""
    try:
        from sqlmesh.core.loader import get_variables
    except ImportError:
        own: Callable[[str | None], dict[str, Any]] = context._loaders[0]._get_variables
        return own
    return get_variables


def selector_arguments(context: Any) -> dict[str, Any]:
    """What this release's selector takes beside models and dialect."""
    known = inspect.signature(context._selector_cls.__init__).parameters if hasattr(context, "_selector_cls") else {}
    return {"cache_dir": context.cache_dir} if "cache_dir" in known else {}


def selector_class(context: Any) -> type[Any]:
    """The selector that `sqlmesh plan` uses in this project."""
    if hasattr(context, "_selector_cls"):
        known: type[Any] = context._selector_cls
        return known
    from sqlmesh.core.selector import Selector

    return Selector


def model_arguments(config: Config) -> dict[str, Any]:
    """What a model takes from the project's settings in this release only."""
    return {"virtual_environment_mode": config.virtual_environment_mode} if _HAS_ENVIRONMENT_MODE else {}


def values_of(context: Any) -> dict[str, Any]:
    """What prose may state and not every release can tell; see `untold`."""
    values: dict[str, Any] = {}
    if hasattr(context, "_model_test_metadata"):
        values["sqlmesh.tests.count"] = len(context._model_test_metadata)
    if _HAS_ENVIRONMENT_MODE:
        values["sqlmesh.virtual_environment_mode"] = str(context.config.virtual_environment_mode.value)
    return values


def untold(values: Mapping[str, Any]) -> dict[str, str]:
    """Keys that other releases tell and this one does not, and that it is so."""
    wanted = ("sqlmesh.tests.count", "sqlmesh.virtual_environment_mode")
    return {key: f"not to be had with SQLMesh {RELEASE}" for key in wanted if key not in values}

"""What a restatement that broke off left to do, read from its written plan and SQLMesh's state; nothing is changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dagster_playbook.settings import Settings

#: the folder of written plans, and the file of evaluations beside it, below the platform's data folder
ATTEMPTS_FOLDER = "restatements"
EVALUATIONS_FILE = "evaluations.jsonl"


@dataclass(frozen=True, slots=True)
class LeftOver:
    """Model names as written, done and left, in the order of the plan; `begun` is false when no plan was written."""

    begun: bool
    done: tuple[str, ...]
    left: tuple[str, ...]


def data_folder(settings: Settings) -> Path:
    """Where the platform keeps its plans and evaluations: `OSO_WAREHOUSE_DATA`, else `.playbook/warehouse`."""
    named = os.environ.get("OSO_WAREHOUSE_DATA") or settings.environment.get("OSO_WAREHOUSE_DATA")
    return Path(named) if named else settings.root / ".playbook" / "warehouse"


def left_of(settings: Settings, root_run_id: str) -> LeftOver:
    """What the restatement of a chain of runs has left.

    Raises:
        PlatformError: SQLMesh cannot be asked.
    """
    from dagster_playbook.branch.record import branch_beside, on_branch
    from dagster_playbook.failure import platform_error
    from dagster_playbook.restatement.attempts import Attempts
    from dagster_playbook.restatement.restatement import Book, remaining
    from dagster_playbook.restatement.sqlmesh_plan import close_context, open_planning_context

    folder = data_folder(settings)
    book = Book(Attempts(folder / ATTEMPTS_FOLDER), root_run_id, folder / EVALUATIONS_FILE)
    attempt = book.attempts.read(root_run_id)
    if attempt is None:
        return LeftOver(False, (), ())
    with on_branch(branch_beside(folder, root_run_id)):
        context = open_planning_context(settings.root, settings.sqlmesh[0])
        try:
            left = remaining(book, attempt, context)
        except Exception as error:
            raise platform_error(error, "SQLMesh's records cannot be read", "", settings.root) from error
        finally:
            close_context(context)
    return LeftOver(
        True,
        tuple(model.name for model in attempt.models if model.fqn not in left),
        tuple(model.name for model in attempt.models if model.fqn in left),
    )

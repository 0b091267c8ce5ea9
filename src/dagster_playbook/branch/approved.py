"""What was compared, kept beside its branch: the digest of it is what an approver signs."""

from __future__ import annotations

import json
from pathlib import Path

from dagster_playbook.approval.canonical import sha256
from dagster_playbook.branch.record import DIFF_NAME, Record, branch_folder
from dagster_playbook.diff.model import Diff
from dagster_playbook.durable import write_whole
from dagster_playbook.errors import PlatformError, on_disk


class BranchRefusedError(PlatformError):
    """The branch cannot be published or taken back as asked; production is as it was."""


def keep_diff(data: Path, run: str, diff: Diff) -> None:
    """Keep what was compared, so that it can be approved by its digest."""
    path = branch_folder(data, run) / DIFF_NAME
    with on_disk("the diff cannot be kept", path, PlatformError):
        write_whole(path, json.dumps(diff.counted()))


def refuse_other_diff(data: Path, record: Record, diff: str) -> None:
    """Refuse a branch of which another diff was kept, or none, or one of another production or branch.

    Raises:
        BranchRefusedError: with what to do instead.
    """
    path = branch_folder(data, record.run) / DIFF_NAME
    cure = f"look with `playbook diff --run {record.run}`, and ask for the digest that it prints"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BranchRefusedError(f"nobody has looked at the branch of {record.run}", cure=cure) from None
    except (OSError, ValueError) as error:
        raise BranchRefusedError("the diff cannot be read", path=str(path), cure=cure) from error
    if not isinstance(kept, dict) or sha256(kept) != diff:
        raise BranchRefusedError(f"the diff of {record.run} is not {diff[:12]}", cure=cure)
    if kept.get("before") != record.base or kept.get("after") != record.head:
        raise BranchRefusedError(f"the diff {diff[:12]} was made from another production or branch", cure=cure)

"""Moving the consumer tag: what may be moved where, and by compare-and-set only."""

from __future__ import annotations

from dataclasses import dataclass

from dagster_playbook.nessie_hash import FORM, is_hash
from dagster_playbook.services.nessie import NessieClient
from dagster_playbook.services.nessie_model import (
    NessieError,
    Reference,
    ReferenceConflictError,
    ReferenceNotFoundError,
    RefKind,
)

TABLE_TYPES = frozenset({"ICEBERG_TABLE", "ICEBERG_VIEW"})


class MoveRefusedError(Exception):
    """The tag must not be moved as asked; nothing was changed."""


@dataclass(frozen=True, slots=True)
class TagMove:
    """A move of a tag along a branch, planned or done.

    Attributes:
        tag: name of the tag.
        old: where it was read to be, None when it did not exist.
        new: the place on the branch that it goes to.
        commits_between: commits from old to new, negative when it goes back, None when old is not on the branch.
        tables_changed: tables and views that consumers will see changed, e.g. `oso.projects_v1`.
    """

    tag: str
    old: Reference | None
    new: Reference
    commits_between: int | None
    tables_changed: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        """False when the tag already is where it should go."""
        return self.old is None or self.old.hash != self.new.hash


def plan_move(nessie: NessieClient, branch: str, tag: str, to_hash: str = "") -> TagMove:
    """What moving `tag` to `to_hash` on `branch` means; its head when `to_hash` is empty. Changes nothing.

    Raises:
        MoveRefusedError: malformed hash, hash not on the branch, no such branch, no commits, or `tag` is a branch.
        NessieError: Nessie could not be asked.
    """
    wanted = to_hash.strip().lower()
    if wanted and not is_hash(wanted):
        raise MoveRefusedError(f"to_hash {to_hash!r} is no commit hash: {FORM}; quoted in YAML")
    try:
        head = nessie.get_reference(branch)
    except ReferenceNotFoundError as error:
        raise MoveRefusedError(f"Nessie has no branch {branch!r}") from error
    old = find_reference(nessie, tag)
    if old and old.kind is not RefKind.TAG:
        raise MoveRefusedError(f"{tag!r} is a {old.kind}, not a tag")
    target = wanted or head.hash
    positions = find_positions(nessie, head, {target, *([old.hash] if old else [])})
    if target not in positions:
        raise MoveRefusedError(f"{target} is not on the history of {branch}; `playbook verify` prints its head")
    new = Reference(branch, head.kind, target)
    between = positions[old.hash] - positions[target] if old and old.hash in positions else None
    tables = changed_tables(nessie, old, new) if old and old.hash != target else []
    return TagMove(tag=tag, old=old, new=new, commits_between=between, tables_changed=tuple(tables))


def find_reference(nessie: NessieClient, name: str) -> Reference | None:
    """Where a branch or tag is now, None when there is none of that name."""
    try:
        return nessie.get_reference(name)
    except ReferenceNotFoundError:
        return None


def changed_tables(nessie: NessieClient, old: Reference, new: Reference) -> list[str]:
    """Names of the tables and views that differ between two places, sorted, e.g. `oso.projects_v1`."""
    differences = nessie.diff(f"{old.name}@{old.hash}", f"{new.name}@{new.hash}")
    kinds = {".".join(one.key): content.kind for one in differences if (content := one.after or one.before)}
    return sorted(name for name, kind in kinds.items() if kind in TABLE_TYPES)


def find_positions(nessie: NessieClient, head: Reference, hashes: set[str]) -> dict[str, int]:
    """How many commits behind `head` each of `hashes` is; those that are not on its history are left out."""
    found: dict[str, int] = {}
    for position, commit in enumerate(nessie.history(head.name, hash=head.hash)):
        if commit.hash in hashes:
            found[commit.hash] = position
        if len(found) == len(hashes):
            break
    return found


def apply_move(nessie: NessieClient, move: TagMove) -> bool:
    """Make or move the tag, provided it still is where the plan read it; True when it was changed.

    Raises:
        ReferenceConflictError: somebody else moved, made or removed it since; nothing was changed.
        NessieError: Nessie could not be asked, and the tag is not seen at its new place.
    """
    if not move.is_needed:
        return False
    try:
        if move.old is None:
            nessie.create_reference(move.tag, RefKind.TAG, move.new)
        else:
            nessie.assign_reference(move.old, move.new)
    except (ReferenceConflictError, ReferenceNotFoundError) as error:
        raise ReferenceConflictError(
            f"somebody else changed the tag {move.tag} meanwhile, nothing was moved: {error.message}"
        ) from error
    except NessieError:
        # The answer was lost, perhaps after the move was made: what Nessie says now decides.
        if not is_at(nessie, move):
            raise
    return True


def is_at(nessie: NessieClient, move: TagMove) -> bool:
    """Whether the tag is seen at the place it was to go to."""
    try:
        now = find_reference(nessie, move.tag)
    except NessieError:
        return False
    return now is not None and now.hash == move.new.hash

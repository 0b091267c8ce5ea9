"""Moving the consumer tag: what may be moved where, and by compare-and-set only."""

from __future__ import annotations

from dataclasses import dataclass

from .nessie import HASH, ConflictError, Nessie, NessieError, NotFoundError, Reference


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


def plan_move(nessie: Nessie, branch: str, tag: str, to_hash: str = "") -> TagMove:
    """What moving `tag` to `to_hash` on `branch` means; its head when `to_hash` is empty. Changes nothing.

    Raises:
        MoveRefusedError: malformed hash, hash not on the branch, no such branch, no commits, or `tag` is a branch.
        NessieError: Nessie could not be asked.
    """
    wanted = to_hash.strip().lower()
    if wanted and not HASH.fullmatch(wanted):
        raise MoveRefusedError(f"to_hash {to_hash!r} is no commit hash: 8 to 64 hexadecimal digits, quoted in YAML")
    try:
        head = nessie.reference(branch)
    except NotFoundError as error:
        raise MoveRefusedError(f"Nessie has no branch {branch!r}") from error
    old = nessie.find_reference(tag)
    if old and old.type != "TAG":
        raise MoveRefusedError(f"{tag!r} is a {old.type}, not a tag")
    target = wanted or head.hash
    positions = find_positions(nessie, head, {target, *([old.hash] if old else [])})
    if target not in positions:
        raise MoveRefusedError(f"{target} is not on the history of {branch}; see `nessie log {branch}`")
    new = Reference(name=branch, type=head.type, hash=target)
    between = positions[old.hash] - positions[target] if old and old.hash in positions else None
    tables = nessie.changed_tables(old, new) if old and old.hash != target else []
    return TagMove(tag=tag, old=old, new=new, commits_between=between, tables_changed=tuple(tables))


def find_positions(nessie: Nessie, head: Reference, hashes: set[str]) -> dict[str, int]:
    """How many commits behind `head` each of `hashes` is; those that are not on its history are left out."""
    found: dict[str, int] = {}
    for position, commit in enumerate(nessie.history(head)):
        if commit in hashes:
            found[commit] = position
        if len(found) == len(hashes):
            break
    return found


def apply_move(nessie: Nessie, move: TagMove) -> bool:
    """Make or move the tag, provided it still is where the plan read it; True when it was changed.

    Raises:
        ConflictError: somebody else moved, made or removed it since; nothing was changed.
        NessieError: Nessie could not be asked, and the tag is not seen at its new place.
    """
    if not move.is_needed:
        return False
    try:
        if move.old is None:
            nessie.create_tag(move.tag, move.new)
        else:
            nessie.assign_tag(move.old, move.new)
    except (ConflictError, NotFoundError) as error:
        raise ConflictError(
            f"somebody else changed the tag {move.tag} meanwhile, nothing was moved: {error}"
        ) from error
    except NessieError:
        # The answer was lost, perhaps after the move was made: what Nessie says now decides.
        if not is_at(nessie, move):
            raise
    return True


def is_at(nessie: Nessie, move: TagMove) -> bool:
    """Whether the tag is seen at the place it was to go to."""
    try:
        now = nessie.find_reference(move.tag)
    except NessieError:
        return False
    return now is not None and now.hash == move.new.hash

"""Who may do what: a folder with OpenSSH's `allowed_signers` and a `roles.toml` that names principals by role.

max_hours = 24            # the longest life of an approval

[roles]
approver = ["ada@example.org"]
break-glass = ["on-call@example.org"]
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from dagster_playbook.errors import RunbookError

BREAK_GLASS = "break-glass"
_DEFAULT_MAX_HOURS = 24.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The signers that are known and the roles they have."""

    allowed_signers: Path
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    max_hours: float = _DEFAULT_MAX_HOURS

    def has_role(self, principal: str, role: str) -> bool:
        """Whether a principal has a role."""
        return principal in self.roles.get(role, ())


def load_policy(folder: Path) -> Policy:
    """Read the two files.

    Raises:
        RunbookError: one is missing or malformed: without a policy nothing can be approved.
    """
    signers, roles = folder / "allowed_signers", folder / "roles.toml"
    for file in (signers, roles):
        if not file.is_file():
            raise RunbookError(f"no {file.name} in {folder}", cure="see the page on approvals for both files")
    try:
        table = tomllib.loads(roles.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunbookError(f"cannot be read as TOML: {error}", path=str(roles)) from error
    found = table.get("roles", {})
    hours = table.get("max_hours", _DEFAULT_MAX_HOURS)
    if not isinstance(found, dict) or not all(_is_words(value) for value in found.values()):
        raise RunbookError("[roles] has to map a role to a list of principals", path=str(roles))
    if isinstance(hours, bool) or not isinstance(hours, int | float) or hours <= 0:
        raise RunbookError("max_hours has to be a positive number", path=str(roles))
    return Policy(signers, {role: tuple(names) for role, names in found.items()}, float(hours))


def _is_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)

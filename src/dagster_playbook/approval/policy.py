"""Who may do what: a folder with OpenSSH's `allowed_signers` and a `roles.toml` that names principals by role.

max_hours = 24            # the longest life of an approval

[roles]
approver = ["ada@example.org", "bob@example.org"]
break-glass = ["on-call@example.org"]

[ops.nessie__assign_consumer_tag]   # what runs of an op need, beside what a runbook's step says
role = "approver"
approvals = 2
reason = true
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dagster_playbook.errors import RunbookError

SIGNERS_FILE, ROLES_FILE = "allowed_signers", "roles.toml"
BREAK_GLASS = "break-glass"
DEFAULT_ROLE = "approver"
_DEFAULT_MAX_HOURS = 24.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What is needed before something may run.

    Attributes:
        role: of those who approve.
        approvals: by so many different people, none of whom has asked for it.
        reason: the request has to say why.
    """

    role: str = DEFAULT_ROLE
    approvals: int = 1
    reason: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The signers that are known, the roles they have, and what the runs of some ops need."""

    allowed_signers: Path
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    max_hours: float = _DEFAULT_MAX_HOURS
    ops: dict[str, Rule] = field(default_factory=dict)

    def has_role(self, principal: str, role: str) -> bool:
        """Whether a principal has a role."""
        return principal in self.roles.get(role, ())

    def needs(self, ops: Iterable[str], role: str = "") -> list[Rule]:
        """What a step needs that runs these ops, where the page itself asks for `role`; nothing when nobody asks.

        The page's own role and the policy's are both needed where they differ; the policy's number of approvals and
        its wish for a reason hold for either.
        """
        found = [self.ops[op] for op in dict.fromkeys(ops) if op in self.ops]
        roles = dict.fromkeys([*([role] if role else []), *(rule.role for rule in found)])
        most = max((rule.approvals for rule in found), default=1)
        return [Rule(name, most, any(rule.reason for rule in found)) for name in roles]


def load_policy(folder: Path) -> Policy:
    """Read the two files.

    Raises:
        RunbookError: one is missing or malformed: without a policy nothing can be approved.
    """
    signers, roles = folder / SIGNERS_FILE, folder / ROLES_FILE
    for file in (signers, roles):
        if not file.is_file():
            raise RunbookError(f"no {file.name} in {folder}", cure="see the page on approvals for both files")
    try:
        table = tomllib.loads(roles.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunbookError(f"cannot be read as TOML: {error}", path=str(roles)) from error
    try:
        return _policy_of(table, signers)
    except ValueError as error:
        raise RunbookError(str(error), path=str(roles)) from error


def _policy_of(table: dict[str, Any], signers: Path) -> Policy:
    # a mistyped table would otherwise ask for nothing, in silence
    if unknown := sorted(set(table) - {"max_hours", "roles", "ops"}):
        raise ValueError(f"{unknown[0]!r} is no part of a policy: max_hours, [roles] and [ops.<name of an op>] are")
    found, hours, ops = table.get("roles", {}), table.get("max_hours", _DEFAULT_MAX_HOURS), table.get("ops", {})
    if not isinstance(found, dict) or not all(_is_words(value) for value in found.values()):
        raise ValueError("[roles] has to map a role to a list of principals")
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours < float("inf"):
        raise ValueError("max_hours has to be a positive number")
    if not isinstance(ops, dict):
        raise ValueError("[ops] has to map an op to what its runs need")
    rules = {name: _rule_of(name, rule) for name, rule in ops.items()}
    return Policy(signers, {role: tuple(names) for role, names in found.items()}, float(hours), rules)


def _rule_of(op: str, table: Any) -> Rule:
    if not isinstance(table, dict):
        raise ValueError(f"[ops.{op}] has to be a table")
    if unknown := sorted(set(table) - {one.name for one in fields(Rule)}):
        raise ValueError(f"[ops.{op}] has no {unknown[0]!r}: role, approvals and reason are known")
    rule = Rule(**table)
    if not isinstance(rule.role, str) or not rule.role:
        raise ValueError(f"[ops.{op}] role has to be the name of a role")
    if isinstance(rule.approvals, bool) or not isinstance(rule.approvals, int) or rule.approvals < 1:
        raise ValueError(f"[ops.{op}] approvals has to be a whole number from 1 on")
    if not isinstance(rule.reason, bool):
        raise ValueError(f"[ops.{op}] reason has to be true or false")
    return rule


def _is_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)

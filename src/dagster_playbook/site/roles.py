"""Who may approve, as the committed policy says: for the page that tells it."""

from __future__ import annotations

import html
import tomllib
from pathlib import Path

PLACE = "<!-- site: roles -->"
_FOLDER = "runbooks/approvers"


def table(root: Path) -> str:
    """Role, who has it, and the longest life of an approval, as HTML."""
    policy = tomllib.loads((root / _FOLDER / "roles.toml").read_text(encoding="utf-8"))
    rows = [
        f"<tr><td>{html.escape(role)}</td><td>{html.escape(', '.join(names)) or '<strong>nobody</strong>'}</td></tr>"
        for role, names in policy.get("roles", {}).items()
    ]
    hours = f"<p>An approval lives for at most {policy['max_hours']:g} hours.</p>" if "max_hours" in policy else ""
    asked = ", ".join(f"<code>{html.escape(op)}</code>" for op in policy.get("ops", {}))
    ops = f"<p>Beside restatements the policy asks for approvals of {asked}.</p>" if asked else ""
    warning = ""
    if not policy.get("roles", {}).get("approver"):
        warning = "<p><strong>So nobody can restate production as the repository stands.</strong></p>"
    return (
        "<table><thead><tr><th>Role</th><th>Who</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>{warning}{hours}{ops}"
    )

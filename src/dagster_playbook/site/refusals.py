"""Every refusal that the code can give, found in the code itself, for the page that explains them by their text."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: where the page puts them
PLACE = "<!-- site: refusals -->"
#: heading to what helps where the code names no cure, as HTML
_CURES = {
    "Approvals": 'plan and ask anew; <a href="reference/approvals.html#when-it-is-refused">when it is refused</a>',
    "The ops of the platform": 'read the run in Dagster; start it by <a href="runbooks/index.html">its runbook</a>',
    "Runbooks and their runs": "<code>playbook runs show last</code>, mend the cause, <code>playbook resume</code>",
    "The stack on this machine": "<code>playbook stack status</code>, then <code>playbook stack logs</code>",
    "Services, Dagster and SQLMesh": 'see the <a href="reference/stack.html#variables">variables</a>',
}
#: heading, and the files whose refusals stand below it
GROUPS = (
    ("Approvals", ("src/dagster_playbook/approval", "warehouse/oso_dagster/approval.py")),
    ("The ops of the platform", ("warehouse/oso_dagster",)),
    ("Runbooks and their runs", ("src/dagster_playbook/runbook",)),
    ("The stack on this machine", ("src/dagster_playbook/stack",)),
    ("Services, Dagster and SQLMesh", ("src/dagster_playbook/platform",)),
)
#: exceptions that reach a person; others are caught and said in other words
_KINDS = frozenset(
    """ApprovalRefusedError BusyError FilesGoneError LaunchRefusedError MoveRefusedError NessieError
    NessieUnreachableError PlatformBusyError PlatformError QueryRefusedError RecordError ReferenceConflictError
    RefusedError RestatementError RestatementRefusedError RunbookError SignatureError StackError StepFailedError
    TrinoError WritingError""".split()
)
_RAISES = re.compile(rf"raise (?:\w+\.)?(?:{'|'.join(_KINDS)})\(")
_VALUE = "…"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One text that the code raises; `…` stands for what differs, `cure` is "" when the code names none."""

    text: str
    cure: str
    path: str


def refusals(root: Path, places: tuple[str, ...]) -> Iterator[Refusal]:
    """The refusals below some files and folders of the project, each text once, by file and line."""
    seen: set[str] = set()
    for place in places:
        start = root / place
        for file in [start] if start.is_file() else sorted(start.rglob("*.py")):
            path, text = file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")
            # parsing costs most of it, and most files refuse nothing
            for node in ast.walk(ast.parse(text)) if _RAISES.search(text) else ():
                found = _refusal(node, path)
                if found is not None and found.text not in seen:
                    seen.add(found.text)
                    yield found


def tables(root: Path) -> str:
    """A table for each group, as HTML."""
    parts, told = [], set[str]()
    for heading, places in GROUPS:
        rows = []
        for each in refusals(root, places):
            if each.text not in told:
                told.add(each.text)
                rows.append(_row(each, _CURES[heading]))
        identity = heading.lower().replace(" ", "-").replace(",", "")
        parts.append(
            f'<h3 id="{identity}">{heading}</h3><table><thead><tr><th>Text</th><th>What to do</th></tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table>"
        )
    return "".join(parts)


def _row(refusal: Refusal, usual: str) -> str:
    cure = html.escape(refusal.cure, quote=False) or f"{usual} (in <code>{html.escape(refusal.path)}</code>)"
    return f"<tr><td>{html.escape(refusal.text, quote=False)}</td><td>{cure}</td></tr>"


def _refusal(node: ast.AST, path: str) -> Refusal | None:
    """What a `raise` of one of the kinds says, None for any other node."""
    if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
        return None
    call = node.exc
    name = ast.unparse(call.func).rpartition(".")[2]
    text = _spoken(call.args[0])
    if name not in _KINDS or text.count(_VALUE) > len(text) // 12 + 1 or len(text) < 12:
        return None
    cure = next((_spoken(word.value) for word in call.keywords if word.arg == "cure"), "")
    return Refusal(text, "" if cure == _VALUE else cure, path)


def _spoken(node: ast.expr) -> str:
    """A text of the code with `…` for each value in it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_spoken(part) if isinstance(part, ast.Constant) else _VALUE for part in node.values)
    return _VALUE

"""Hold runs to what stands outside their folders: the index of runs, the tags of Dagster runs, and signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_playbook.approval.signature import SignatureError
from dagster_playbook.errors import PlaybookError
from dagster_playbook.runbook.clock import steps_back
from dagster_playbook.runbook.evidence import Seen, look_at
from dagster_playbook.runbook.journal import FILE_NAME as JOURNAL_NAME
from dagster_playbook.runbook.journal import HEAD_NAME, START
from dagster_playbook.runbook.record import SIGNATURE_NAME, signed_head
from dagster_playbook.runbook.run_files import ENDED
from dagster_playbook.runbook.run_index import FILE_NAME as INDEX_NAME
from dagster_playbook.runbook.run_index import IndexLine, Read
from dagster_playbook.runbook.store import Store
from dagster_playbook.services.dagster_runs import ANCHOR_TAG, RUN_TAG, DagsterRun

CHANGED, COULD_NOT, HOLDS = "changed", "could not look", "as it was written"


@dataclass(slots=True)
class Report:
    """What was found of one run, or of the index itself.

    Attributes:
        problems: what does not fit.
        unchecked: what could not be looked at, and why.
        notes: what no authority covers.
        checked: what fits, by authority: `journal`, `index`, `Dagster`, `signature`.
    """

    run: str
    problems: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: dict[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """`CHANGED`, `COULD_NOT` or `HOLDS`."""
        return CHANGED if self.problems else COULD_NOT if self.unchecked else HOLDS

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "verdict": self.verdict,
            "problems": self.problems,
            "unchecked": self.unchecked,
            "notes": self.notes,
            "checked": self.checked,
        }


@dataclass(frozen=True, slots=True)
class Outside:
    """What was read outside the runs' folders, before the folders, for a run may go on meanwhile.

    Attributes:
        launched: the Dagster runs by the runbook's run that has launched them; None when Dagster could not be asked.
        why_not: why Dagster could not be asked, "" when there was nothing to ask for.
    """

    index: Read
    launched: dict[str, list[DagsterRun]] | None = None
    why_not: str = ""


def verify_runs(store: Store, runs: Sequence[str], outside: Outside, *, demand_signature: bool = False) -> list[Report]:
    """One report a run; the index's own report is the last when something is wrong with it."""
    reports = [_verified(store, run, outside, demand_signature) for run in runs]
    if outside.index.problems:
        reports.append(Report(INDEX_NAME, problems=list(outside.index.problems)))
    return reports


def read_outside(store: Store, runs: Sequence[str], ask: Callable[[Sequence[str]], list[DagsterRun] | None]) -> Outside:
    """Ask Dagster for what the runs have launched, and read the index.

    Args:
        ask: gives the Dagster runs of runbooks' runs, None when there is no instance.

    Raises:
        RunbookError: the index is there and cannot be read.
    """
    launched: dict[str, list[DagsterRun]] | None = None
    why = "there is no Dagster instance"
    try:
        found = ask(runs)
        if found is not None:
            launched = {run: [] for run in runs}
            for one in found:
                launched.setdefault(one.tags.get(RUN_TAG, ""), []).append(one)
    except PlaybookError as error:
        why = error.message
    return Outside(store.index.read(), launched, "" if launched is not None else why)


def known_runs(store: Store) -> list[str]:
    """Every run that has a folder or stands in the index, oldest first.

    Raises:
        RunbookError: the index cannot be read.
    """
    return sorted({*store.run_ids(), *(line.run for line in store.index.read().lines)})


def _verified(store: Store, run: str, outside: Outside, demand_signature: bool) -> Report:
    report, folder = Report(run), store.folder / "runs" / run
    index = outside.index
    if not any(line.run == run for line in index.lines):
        # it may have been opened since the index was read
        index = store.index.read()
    lines = [line for line in index.lines if line.run == run]
    if not folder.is_dir():
        says = [f": it was {line.event} on {line.at[:19]}Z, says line {line.line} of {INDEX_NAME}" for line in lines]
        report.problems.append(f"its folder is missing{''.join(says[:1])}")
        return report
    if not lines and _never_began(folder):
        report.notes.append("it was cut before its first line, and has done nothing")
        return report
    try:
        _hold(report, folder, lines, index, (store, outside, demand_signature))
    except OSError as error:
        report.unchecked.append(f"{error.filename or folder} cannot be read: {error.strerror or error}")
    except (AttributeError, KeyError, TypeError):
        report.problems.append("the journal holds something else than a run")
    return report


def _hold(report: Report, folder: Path, lines: list[IndexLine], index: Read, by: tuple[Store, Outside, bool]) -> None:
    store, outside, demand_signature = by
    seen = look_at(folder)
    report.problems, report.notes = seen.problems, seen.notes
    report.notes += [] if seen.problems else steps_back(folder)
    if not seen.entries:
        report.problems = report.problems or ["its journal is empty"]
        return
    report.checked["journal"] = f"{len(seen.entries)} lines, {seen.files} files"
    _hold_to_index(report, seen, lines, index)
    _hold_to_dagster(report, seen, outside)
    _hold_to_signature(report, seen, folder, store, demand_signature)
    if report.checked.keys() <= {"journal", "index"}:
        report.notes.append(
            "neither a signature nor a Dagster run vouches for it: who writes here can rewrite it whole"
        )


def _never_began(folder: Path) -> bool:
    """Whether there is no whole line of a journal, nor anything that would be there behind one."""
    journal = folder / JOURNAL_NAME
    has_line = journal.is_file() and b"\n" in journal.read_bytes()
    return not has_line and not any((folder / name).exists() for name in (HEAD_NAME, "evidence"))


def _hash_at(seen: Seen, seq: int) -> str:
    return seen.entries[seq - 1].hash if 0 < seq <= len(seen.entries) else START if seq == 0 else ""


def _hold_to_index(report: Report, seen: Seen, lines: list[IndexLine], index: Read) -> None:
    """Each line of the index has to name a line of the journal, and each anchor in the journal a line of the index."""
    anchors = [str(entry.data["index"]) for entry in seen.entries if "index" in entry.data]
    is_younger = bool(index.lines) and report.run > index.lines[0].run
    if not anchors and not lines and not is_younger:
        report.notes.append("it began before there was an index of runs")
        return
    known = {f"{line.line}:{line.hash}" for line in index.lines} | {f"0:{START}"}
    if lost := [anchor for anchor in anchors if anchor not in known]:
        report.problems.append(f"{INDEX_NAME} has not the line {lost[0].partition(':')[0]} that the journal names")
    for line in lines:
        if _hash_at(seen, line.seq) != line.head:
            report.problems.append(
                f"line {line.line} of {INDEX_NAME} knows another line {line.seq} of the journal: it was rewritten"
            )
    if not lines:
        # a run that was cut at its first line has not come to the index yet
        report.problems += [f"{INDEX_NAME} does not know it"] if len(seen.entries) > 1 else []
        return
    last = max(line.seq for line in lines)
    report.checked["index"] = f"up to line {last} of the journal"
    if seen.entries[-1].event in ENDED and last < len(seen.entries):
        report.notes.append(f"{INDEX_NAME} does not hold its end: it was cut there")


def _hold_to_dagster(report: Report, seen: Seen, outside: Outside) -> None:
    """Each Dagster run has to carry a line of the journal, and each that the journal names has to be there."""
    named = {
        str(entry.data["result"]["run_id"])
        for entry in seen.entries
        if entry.event == "step-finished" and _launched_here(seen, entry.data)
    }
    if outside.launched is None:
        if named:
            report.unchecked.append(f"Dagster was not asked about {len(named)} runs: {outside.why_not}")
        return
    found = outside.launched.get(report.run, [])
    for run in found:
        seq, _, head = run.tags.get(ANCHOR_TAG, "").partition(":")
        if not seq.isdecimal() or _hash_at(seen, int(seq)) != head:
            report.problems.append(
                f"Dagster run {run.run_id} knows another line {seq or '?'} of the journal: it was rewritten"
            )
    if found:
        report.checked["Dagster"] = f"{len(found)} runs"
    missing = sorted(named - {run.run_id for run in found})
    if missing and any("index" in entry.data for entry in seen.entries):
        report.unchecked.append(
            f"Dagster has no run {missing[0]} of it: it was deleted there, or another instance has it (--dagster-url)"
        )


def _launched_here(seen: Seen, data: dict[str, Any]) -> bool:
    """Whether a step that ended has launched a Dagster run itself, and not only looked at one."""
    return bool((data.get("result") or {}).get("run_id")) and any(
        entry.event == "step-started" and entry.data["step"] == data["step"] and entry.data["kind"] == "job"
        for entry in seen.entries
    )


def _hold_to_signature(report: Report, seen: Seen, folder: Path, store: Store, is_demanded: bool) -> None:
    promised = [str(entry.data["operator_key"]) for entry in seen.entries if "operator_key" in entry.data]
    ended = seen.entries[-1].event in ENDED
    if not (folder / SIGNATURE_NAME).exists():
        if promised and ended:
            report.problems.append(f"it has no signature, though it began with the key {promised[-1]}")
        elif is_demanded:
            report.problems.append("it is not signed")
        return
    try:
        allowed = store.policy(str(seen.entries[0].data.get("target", ""))).allowed_signers
    except PlaybookError as error:
        report.unchecked.append(f"nobody says whose the signature is: {error}".splitlines()[0])
        return
    try:
        who, said = signed_head(folder, allowed)
    except (SignatureError, OSError) as error:
        report.problems.append(f"the signature does not hold: {error}")
        return
    seq = said.get("seq")
    if said.get("run") != report.run or not isinstance(seq, int) or _hash_at(seen, seq) != said.get("head"):
        report.problems.append(f"{who} has signed another line {seq} of the journal: it was rewritten")
        return
    report.checked["signature"] = f"{who}, up to line {seq} of the journal"
    if seq < len(seen.entries):
        report.notes.append(f"the {len(seen.entries) - seq} lines behind line {seq} are not signed")

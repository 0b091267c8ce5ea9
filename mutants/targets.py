"""Which code is changed, the tests that have to notice, and the changes that cannot be noticed, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "dagster_playbook"
_RECORD = ("tests/unit/record/test_*.py",)
#: glob of files below the source -> globs of test files, the quickest first
_TESTS: dict[str, tuple[str, ...]] = {
    "approval/ledger.py": ("tests/unit/approval/test_*ledger*.py", "tests/unit/approval/test_*.py"),
    "approval/*.py": ("tests/unit/approval/test_*.py",),
    "runbook/journal.py": ("tests/unit/runbook/test_runbook_journal*.py", *_RECORD),
    "runbook/run_index.py": _RECORD,
    "runbook/run_files.py": _RECORD,
    "runbook/record.py": _RECORD,
    "runbook/evidence.py": _RECORD,
    "runbook/verification.py": _RECORD,
    "runbook/execute.py": ("tests/unit/runbook/test_runbook_execute*.py",),
    "check/fixes.py": ("tests/unit/check/test_offered_fixes.py",),
    "check/edits.py": ("tests/unit/check/test_apply_fixes.py",),
}
#: part of a changed statement as it is written -> why nothing but time or looks changes with it
EQUIVALENT: dict[str, str] = {
    "_CHUNK_BYTES": "how much of a file is read at a time",
    "timespec": "how precisely a time is spelled",
    "_TIMEOUT_S": "how long is waited",
    "+self._is_sure = False": "the journal is read once more than needed",
    "_EVERY_S": "how long is waited",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A source file and the test files that have to notice its changes, both absolute."""

    path: Path
    tests: tuple[Path, ...]

    @property
    def module(self) -> str:
        """The dotted name under which it is imported."""
        parts = self.path.relative_to(SOURCE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def name(self) -> str:
        """The path below the source, POSIX."""
        return self.path.relative_to(SOURCE).as_posix()


def targets(wanted: tuple[str, ...]) -> Iterator[Target]:
    """The files whose path below the source begins with one of `wanted`, or all; the first glob that fits counts."""
    seen: set[Path] = set()
    for pattern, globs in _TESTS.items():
        for path in sorted(SOURCE.glob(pattern)):
            tests = tuple(dict.fromkeys(test for glob in globs for test in sorted(ROOT.glob(glob))))
            target = Target(path, tests)
            if path in seen or (wanted and not target.name.startswith(wanted)):
                continue
            seen.add(path)
            yield target

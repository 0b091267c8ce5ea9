"""What an upgrade would make wrong on the pages: the findings that they have with it and do not have now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dagster_playbook.check.baseline import against, known_as
from dagster_playbook.errors import PlatformError
from dagster_playbook.findings import Finding
from dagster_playbook.interpreters.upgrade_environment import upgrade_environment

if TYPE_CHECKING:
    from dagster_playbook.check import Checker
    from dagster_playbook.check.result import CheckResult


def check_upgrade(
    checker: Checker, wanted: Sequence[str], tell: Callable[[str], None], look: Callable[[Checker], CheckResult]
) -> tuple[CheckResult, str]:
    """What is new with the wanted releases, and which versions are other ones then.

    Args:
        wanted: requirements such as `dagster==1.13.*`.
        look: one check by a checker.

    Raises:
        PlatformError: the environment cannot be made, or the platform does not load in it: then it says so.
    """
    now = look(checker)
    settings = checker.settings
    python = str(upgrade_environment(settings, wanted, tell))
    upgraded = replace(
        settings,
        python=python,
        sqlmesh=tuple(replace(project, python=python) for project in settings.sqlmesh),
        dagster=tuple(replace(location, python=python) for location in settings.dagster),
        cache=f"{settings.cache}/with",
    )
    try:
        then = look(replace(checker, settings=upgraded))
    except PlatformError as error:
        message = f"with {', '.join(wanted)}: {error.message}"
        raise PlatformError(message, cure=error.cure, path=error.path, line=error.line) from error
    changed = {
        name: (now.versions.get(name, "none"), version)
        for name, version in then.versions.items()
        if now.versions.get(name) != version
    }
    moves = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in sorted(changed.items()))
    new, _, _ = against(then, Counter(map(known_as, now.findings)))

    def with_both(finding: Finding) -> Finding:
        return replace(finding, evidence=f"{finding.evidence}; {moves}", fix=None)

    pages = tuple(replace(page, findings=tuple(map(with_both, page.findings))) for page in new.pages)
    return replace(new, pages=pages, nav=tuple(map(with_both, new.nav))), moves

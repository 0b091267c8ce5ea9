"""Which suppressions of a page take a finding away, found without looking at all of them for each finding."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from dagster_playbook.findings import Finding
from dagster_playbook.markdown.model import Page
from dagster_playbook.rules import extraction


class Suppressed:
    """The suppressions of a page by the lines that they hold for."""

    def __init__(self, page: Page) -> None:
        self._page = page
        order = sorted(range(len(page.suppressions)), key=lambda position: page.suppressions[position].first_line)
        self._order = order
        self._first = [page.suppressions[position].first_line for position in order]
        #: the last line that any suppression so far reaches to
        self._reach = list(accumulate((page.suppressions[position].last_line for position in order), max))

    def covering(self, finding: Finding) -> list[int]:
        """Positions in the page's suppressions of those that take the finding away."""
        line, found = finding.location.line, []
        at = bisect_right(self._first, line) - 1
        while at >= 0 and self._reach[at] >= line:
            if extraction.covers(self._page.suppressions[self._order[at]], finding):
                found.append(self._order[at])
            at -= 1
        return sorted(found)


_LAST: list[tuple[Page, Suppressed]] = []


def suppressing(page: Page, finding: Finding) -> list[int]:
    """Like `Suppressed.covering`, with the lines sorted once for a page that is asked about again and again."""
    held = _LAST[0] if _LAST else None
    if held is None or held[0] is not page:
        held = (page, Suppressed(page))
        _LAST[:] = [held]
    return held[1].covering(finding)

"""What cannot be judged costs itself alone: a claim its claim, a page its page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from dagster_playbook.check.page_limit import PageLimitError, page_limit
from dagster_playbook.claims.model import Claim
from dagster_playbook.errors import PlaybookError, UnjudgedError
from dagster_playbook.findings import Finding
from dagster_playbook.location import Location
from dagster_playbook.rules import extraction
from dagster_playbook.rules.world import World

T = TypeVar("T")


def judged_whole(path: str, judge: Callable[[], T], seconds: float) -> T | Finding:
    """What `judge` makes of a page within its time, or the one finding that says why it could not.

    Raises:
        PlaybookError: an authority cannot be asked, or the page cannot be read.
    """
    try:
        with page_limit(seconds):
            return judge()
    except PlaybookError:
        raise
    except PageLimitError:
        message = f"the page takes more than {seconds:g} s to check; split it, or raise page_seconds"
        rule, evidence = extraction.TOO_LONG, "[tool.playbook] page_seconds"
    except (Exception, SystemExit) as error:
        message, rule, evidence = f"the page could not be judged: {_told(error)}", extraction.NOT_JUDGED, ""
    return rule.finding(Location(path, 1, 1), message, subject=path, evidence=evidence)


def as_far_as_judged(findings: Iterable[Finding], claim: Claim, world: World) -> Iterator[Finding]:
    """The findings, and where a question fails, whatever it raises, one that says so in place of the rest."""
    try:
        yield from findings
        return
    except UnjudgedError as error:
        told = error.message
    except PlaybookError:
        raise
    except (Exception, SystemExit) as error:
        told = _told(error)
    message = f"this could not be judged: {told}"
    yield extraction.NOT_JUDGED.finding(claim.location, message, subject=claim.kind, severity=world.doubtful)


def _told(error: BaseException) -> str:
    words = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def left_alone(claim: Claim, count: int, seconds: float) -> Finding:
    """The finding that stands for the claims that failed questions have left no time for."""
    told = f"{count} claims from here on" if count > 1 else "this claim"
    message = f"{told} could not be judged: failed questions have taken {seconds:g} s of the page's time"
    return extraction.TOO_LONG.finding(claim.location, message, evidence="[tool.playbook] page_seconds")

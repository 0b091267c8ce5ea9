"""Dates by the calendar and windows by their order: what SQLMesh reads without a word, a person should not write."""

from __future__ import annotations

import calendar
import datetime as dt
import re

from dagster_playbook.findings import Rule

BAD_DATE = Rule("DG110", "malformed-date", "A start, end or day that is no date, or that no calendar has.")
INVERTED = Rule("DG113", "inverted-window", "A window that ends before it begins.")

RULES = (BAD_DATE, INVERTED)

_ISO = re.compile(
    r"(?P<year>\d{4})(?P<sign>[-/.]?)(?P<month>\d{2})(?P=sign)(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?)?\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?"
)
_AGO = re.compile(r"(?P<count>\d+) (?P<unit>minute|hour|day|week|month|year)s? ago", re.IGNORECASE)
_DAYS = {"now": 0.0, "today": 0.0, "yesterday": -1.0, "tomorrow": 1.0}
#: months and years as the fewest days that they can have, so that only what is surely earlier is called so
_UNIT_DAYS = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 28.0, "year": 365.0}
_MOST_DAYS = {"month": 31.0, "year": 366.0}


def date_problem(text: str) -> str:
    """Why a text that is written as a date names no day or time, "" when it does or is written otherwise."""
    found = _ISO.fullmatch(text.strip())
    if found is None:
        return ""
    year, month, day = int(found["year"]), int(found["month"]), int(found["day"])
    if not found["sign"] and not (1900 <= year <= 2199 and 1 <= month <= 12):
        # eight digits may be any number
        return ""
    if not 1 <= month <= 12:
        return f"there is no month {month}"
    last = calendar.monthrange(max(year, 1), month)[1]
    if not 1 <= day <= last:
        return f"{calendar.month_name[month]} {year} has {last} days"
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if hour > 24 or (hour == 24 and (minute or second)) or minute > 59 or second > 59:
        return f"there is no time {hour:02}:{minute:02}:{second:02}"
    return ""


def window_problem(start: str, end: str) -> str:
    """Why a window from `start` to `end` holds nothing, "" when it may hold something or cannot be judged.

    An end that is a day is that whole day. Times relative to now are compared with one another only.
    """
    first, last = _moment(start), _moment(end, is_end=True)
    if first is not None and last is not None:
        return f"the window ends before it begins: {start} to {end}" if first > last else ""
    earliest, latest = _days_ago(start, fewest=False), _days_ago(end, fewest=True)
    if earliest is not None and latest is not None and earliest > latest:
        return f"the window ends before it begins: {start} to {end}"
    return ""


def _moment(text: str, *, is_end: bool = False) -> dt.datetime | None:
    found = _ISO.fullmatch(text.strip())
    if found is None or not found["sign"] or date_problem(text):
        return None
    day = dt.datetime(int(found["year"]), int(found["month"]), int(found["day"]))
    if found["hour"] is None:
        return day + dt.timedelta(days=1, microseconds=-1) if is_end else day
    moment = day + dt.timedelta(
        hours=int(found["hour"]), minutes=int(found["minute"]), seconds=int(found["second"] or 0)
    )
    zone = (found["zone"] or "").replace(":", "")
    if re.fullmatch(r"[+-]\d{4}", zone):
        shift = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
        moment -= shift if zone[0] == "+" else -shift
    return moment


def _days_ago(text: str, *, fewest: bool) -> float | None:
    """How many days before now, negative, at the end of what the words may mean that is `fewest` days back or not."""
    words = text.strip().lower()
    if words in _DAYS:
        return _DAYS[words]
    found = _AGO.fullmatch(words)
    if found is None:
        return None
    unit = found["unit"].lower()
    days = _UNIT_DAYS[unit] if fewest else _MOST_DAYS.get(unit, _UNIT_DAYS[unit])
    return -float(found["count"]) * days

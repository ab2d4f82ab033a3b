"""Days, months and years as members and models write them, and the moments they begin and end. Pure.

A date is ISO 8601, as precise as what was said: `2026`, `2026-11` or `2026-11-22`; a day that returns every year has no
year: `--11-22`. Which moments that means depends on where the member is: a day begins at their midnight.
"""

import calendar
import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_EVERY_YEAR = re.compile(r"--(\d{2})-(\d{2})", re.ASCII)


def is_date(text: str) -> bool:
    """Whether `text` is a date that exists; a leap day exists every year."""
    every_year = _EVERY_YEAR.fullmatch(text)
    return _days(f"2000-{every_year[1]}-{every_year[2]}" if every_year else text) is not None


def begin(text: str, zone: tzinfo) -> datetime | None:
    """The first moment of a date that has a year, in UTC; None if `text` is none."""
    days = _days(text)
    return None if days is None else _midnight(days[0], zone)


def end(text: str, zone: tzinfo) -> datetime | None:
    """The first moment after a date that has a year, in UTC; None if `text` is none."""
    days = _days(text)
    if days is None or days[1] == date.max:
        return None
    return _midnight(days[1] + timedelta(days=1), zone)


def last_day(until: datetime, zone: tzinfo) -> date:
    """The last day on which something holds that ends at `until`, where the member is."""
    return (until - timedelta(microseconds=1)).astimezone(zone).date()


def zone(name: str | None) -> tzinfo:
    """The time zone a member names, by its IANA name; UTC if it is unknown, or was said in other words."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _days(text: str) -> tuple[date, date] | None:
    """The first and the last day of a date."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = found.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    if day:
        return first, first
    last_month = first.month if month else 12
    return first, date(first.year, last_month, calendar.monthrange(first.year, last_month)[1])


def _midnight(day: date, zone: tzinfo) -> datetime | None:
    """When a day begins: where clocks go forward at midnight, that is at one. None beyond the years there are."""
    try:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return None

"""Days, months and years, and the moments they begin and end where a member is."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona.dates import begin, end, is_date, last_day, zone
from tests.persona.builders import steady

ZONES = ["UTC", "Asia/Kathmandu", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Kiritimati", "Pacific/Apia"]


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type, misc]  # as many numbers as the moment needs


@pytest.mark.parametrize(
    "text",
    [
        *("2026", "0001", "9999", "2026-01", "2026-12", "9999-12", "2026-11-22", "2028-02-29", "2000-02-29"),
        *("9999-12-31", "0001-01-01", "--11-22", "--01-01", "--12-31", "--02-29"),
    ],
)
def test_date(text: str) -> None:
    """A year, a month, a day, or a day of every year is a date, the leap day included, if it exists."""
    assert is_date(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "2026 ", " 2026", "26", "20260", "2026-", "2026-1", "2026-11-2", "2026-1-22", "2026-11-22T10:00"),
        *("2026-00", "2026-13", "2026-11-00", "2026-11-31", "2026-02-29", "2100-02-29", "1900-02-29", "0000"),
        *("0000-01-01", "--13-01", "--02-30", "--11", "--11-31", "-11-22", "---11-22", "--1-2", "--00-10"),
        *("22.11.2026", "11/22/2026", "2026/11/22", "20261122", "2026-W47", "tomorrow", "Friday", "2026-11-22\n"),
        *("٢٠٢٦", "２０２６", "２０２６-１１-２２", "２０26-11-22", "²026", "2026–11–22"),
    ],
)
def test_what_is_no_date(text: str) -> None:
    """Other forms, days that do not exist and digits of other scripts are no dates: one date has one spelling."""
    assert not is_date(text)


@pytest.mark.parametrize(
    ("text", "where", "begins", "ends"),
    [
        ("2026-11-22", "UTC", utc(2026, 11, 22), utc(2026, 11, 23)),
        ("2026-11", "UTC", utc(2026, 11, 1), utc(2026, 12, 1)),
        ("2026-12", "UTC", utc(2026, 12, 1), utc(2027, 1, 1)),
        ("2026", "UTC", utc(2026, 1, 1), utc(2027, 1, 1)),
        ("2028-02", "UTC", utc(2028, 2, 1), utc(2028, 3, 1)),
        ("2028-02-29", "UTC", utc(2028, 2, 29), utc(2028, 3, 1)),
        ("2026-12-31", "UTC", utc(2026, 12, 31), utc(2027, 1, 1)),
        ("2026-11-22", "Asia/Kathmandu", utc(2026, 11, 21, 18, 15), utc(2026, 11, 22, 18, 15)),
        ("2026-11-22", "Pacific/Kiritimati", utc(2026, 11, 21, 10), utc(2026, 11, 22, 10)),
        ("2026-11-22", "America/Los_Angeles", utc(2026, 11, 22, 8), utc(2026, 11, 23, 8)),
        ("2026-11-22", "Australia/Lord_Howe", utc(2026, 11, 21, 13), utc(2026, 11, 22, 13)),
        ("2026", "Asia/Kolkata", utc(2025, 12, 31, 18, 30), utc(2026, 12, 31, 18, 30)),
        ("2026-03-29", "Europe/Berlin", utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),
        ("2026-10-25", "Europe/Berlin", utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)),
        ("2026-10", "Europe/Berlin", utc(2026, 9, 30, 22), utc(2026, 10, 31, 23)),
    ],
)
def test_date_begins_and_ends_at_midnight(text: str, where: str, begins: datetime, ends: datetime) -> None:
    """A date is from midnight to midnight where the member is, also where the clocks change that day or month."""
    assert (begin(text, ZoneInfo(where)), end(text, ZoneInfo(where))) == (begins, ends)


@pytest.mark.parametrize(
    ("text", "where", "begins", "ends"),
    [
        ("2018-11-03", "America/Sao_Paulo", utc(2018, 11, 3, 3), utc(2018, 11, 4, 3)),
        ("2018-11-04", "America/Sao_Paulo", utc(2018, 11, 4, 3), utc(2018, 11, 5, 2)),
        ("2018-02-17", "America/Sao_Paulo", utc(2018, 2, 17, 2), utc(2018, 2, 18, 3)),
        ("2024-04-25", "Africa/Cairo", utc(2024, 4, 24, 22), utc(2024, 4, 25, 22)),
        ("2024-04-26", "Africa/Cairo", utc(2024, 4, 25, 22), utc(2024, 4, 26, 21)),
        ("2024-10-31", "Africa/Cairo", utc(2024, 10, 30, 21), utc(2024, 10, 31, 22)),
        ("2026-11-01", "America/Havana", utc(2026, 11, 1, 4), utc(2026, 11, 2, 5)),
        ("2011-12-29", "Pacific/Apia", utc(2011, 12, 29, 10), utc(2011, 12, 30, 10)),
        ("2011-12-31", "Pacific/Apia", utc(2011, 12, 30, 10), utc(2011, 12, 31, 10)),
    ],
)
def test_day_whose_midnight_is_not_there(text: str, where: str, begins: datetime, ends: datetime) -> None:
    """Where clocks skip midnight or strike it twice, one day still ends when the next begins, and none is lost."""
    assert (begin(text, ZoneInfo(where)), end(text, ZoneInfo(where))) == (begins, ends)


def test_day_that_a_country_skipped_is_empty() -> None:
    """A day that was left out of a calendar ends as it begins."""
    assert begin("2011-12-30", ZoneInfo("Pacific/Apia")) == end("2011-12-30", ZoneInfo("Pacific/Apia"))


@pytest.mark.parametrize(
    ("text", "where", "begins", "ends"),
    [
        ("9999", "UTC", utc(9999, 1, 1), None),
        ("9999-12", "UTC", utc(9999, 12, 1), None),
        ("9999-12-31", "UTC", utc(9999, 12, 31), None),
        ("9999-12-30", "UTC", utc(9999, 12, 30), utc(9999, 12, 31)),
        ("9999-11", "Pacific/Honolulu", utc(9999, 11, 1, 10), utc(9999, 12, 1, 10)),
        ("0001", "UTC", utc(1, 1, 1), utc(2, 1, 1)),
        ("0001-01-01", "Asia/Tokyo", None, utc(1, 1, 1, 14, 41, 1)),
    ],
)
def test_first_and_last_year(text: str, where: str, begins: datetime | None, ends: datetime | None) -> None:
    """At the ends of the calendar a moment that cannot be written is none, and nothing fails."""
    assert (begin(text, ZoneInfo(where)), end(text, ZoneInfo(where))) == (begins, ends)


@pytest.mark.parametrize("text", ["", "--11-22", "2026-02-30", "soon"])
def test_what_has_no_year_has_no_moment(text: str) -> None:
    """A day of every year and what is no date begin and end at no moment."""
    assert (begin(text, UTC), end(text, UTC)) == (None, None)


@pytest.mark.parametrize("name", [*ZONES, "CET", "EST", "Etc/GMT+5"])
def test_zone_is_known_by_its_name(name: str) -> None:
    """A member's zone is one of the names everybody uses."""
    assert zone(name) == ZoneInfo(name)


@pytest.mark.parametrize(
    "name",
    [
        *(None, "", "PST", "UTC+5:30", "Berlin time", "europe/berlin", "Europe", "Mars/Olympus", " UTC", "a" * 5_000),
        *("../../etc/passwd", "/etc/localtime", "Europe/../UTC", "..", "\0", "Ünïcode/Zöne", "tzdata.zi", "zone.tab"),
    ],
)
def test_unknown_zone_is_utc(name: str | None) -> None:
    """What names no zone is taken for UTC, and no name reads another file."""
    assert zone(name) == UTC


@pytest.mark.parametrize(
    ("until", "where", "day"),
    [
        (utc(2026, 11, 23), "UTC", date(2026, 11, 22)),
        (utc(2026, 11, 22, 18, 15), "Asia/Kathmandu", date(2026, 11, 22)),
        (utc(2018, 11, 4, 3), "America/Sao_Paulo", date(2018, 11, 3)),
        (utc(2026, 11, 22, 12), "UTC", date(2026, 11, 22)),
    ],
)
def test_last_day(until: datetime, where: str, day: date) -> None:
    """What ends at a midnight is said to hold until the day before, as its member said it."""
    assert last_day(until, ZoneInfo(where)) == day


@steady
@given(day=st.dates(date(1900, 1, 1), date(2100, 12, 30)), where=st.sampled_from(ZONES))
def test_days_follow_each_other_without_gap(day: date, where: str) -> None:
    """Each day ends when the next begins, and its last day is itself."""
    place = ZoneInfo(where)
    begins, ends = begin(day.isoformat(), place), end(day.isoformat(), place)

    assert begins is not None
    assert ends is not None
    assert ends == begin(date.fromordinal(day.toordinal() + 1).isoformat(), place)
    assert begins <= ends
    assert begins == ends or last_day(ends, place) == day

"""Moments as the store keeps them: whole microseconds since 1970, UTC, the same on every engine."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware `moment`."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC moment `micros` after 1970."""
    return _EPOCH + micros * _MICROSECOND


def maybe_to_micros(moment: datetime | None) -> int | None:
    """As `to_micros`, where there may be no moment."""
    return None if moment is None else to_micros(moment)


def maybe_from_micros(micros: int | None) -> datetime | None:
    """As `from_micros`, where there may be no moment."""
    return None if micros is None else from_micros(micros)


def maybe_to_iso(moment: datetime | None) -> str | None:
    """A `moment` in ISO 8601, where there may be none."""
    return None if moment is None else moment.isoformat()

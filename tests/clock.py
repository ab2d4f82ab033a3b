"""A clock that stands still until a test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class StillClock:
    """See `bot.ports.Clock`. Waiting moves the clock instead of taking time."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self.slept: list[float] = []
        """Every wait somebody asked for, in seconds."""

    def now(self) -> datetime:
        return self._now

    def advance(self, **by: float) -> None:
        """Move ahead; arguments as of `timedelta`."""
        self._now += timedelta(**by)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds=seconds)
        await asyncio.sleep(0)

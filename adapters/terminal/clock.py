"""A session's clock: the real time plus what was skipped with `/idle`."""

import asyncio
from datetime import UTC, datetime, timedelta


class SessionClock:
    """Can be moved ahead, never back."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """This moment of the session, aware, UTC."""
        return datetime.now(UTC) + self._ahead  # noqa: TID251 - a clock is what may ask

    async def sleep(self, seconds: float) -> None:
        """Wait, in real time."""
        await asyncio.sleep(seconds)

    def advance(self, by: timedelta) -> None:
        """Move ahead."""
        self._ahead += by

    def catch_up(self, moment: datetime | None) -> None:
        """Be later than `moment`: an earlier session may have moved ahead of the real time."""
        if moment is not None and moment >= self.now():
            self.advance(moment - self.now() + timedelta(microseconds=1))

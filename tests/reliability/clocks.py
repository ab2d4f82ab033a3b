"""Time for trials: it passes when somebody waits, for Rapport and for the platform alike."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.clock import StillClock

BREATH_S = 0.001
"""Real time between two moments that somebody waits for, so that what is on the wire arrives."""


class SharedClock(StillClock):
    """See `bot.ports.Clock`. Who waits at the same time waits together, and the platform's clock moves along."""

    def __init__(self, now: datetime, *, moves: Callable[[float], object]) -> None:
        super().__init__(now)
        self._moves = moves
        self._wakes: list[datetime] = []

    def advance(self, **by: float) -> None:
        super().advance(**by)
        self._moves(timedelta(**by).total_seconds())

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        wake = self.now() + timedelta(seconds=seconds)
        heapq.heappush(self._wakes, wake)
        try:
            while self.now() < wake:
                await asyncio.sleep(BREATH_S)
                if self._wakes[0] == wake and self.now() < wake:
                    self.advance(seconds=(wake - self.now()).total_seconds())
        finally:
            self._wakes.remove(wake)
            heapq.heapify(self._wakes)

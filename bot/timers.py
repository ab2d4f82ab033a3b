"""Timers: what is done once in each slot of time, whichever of several workers wakes up for it (reliability B15).

`bot.schedule` wakes; the database says whether the slot is still to be filled. Slots are counted by the database's
clock, so neither time zones nor a worker's own clock matter.
"""

from datetime import timedelta
from functools import partial

import structlog

from bot.ports import Clock
from bot.schedule import Sweep
from bot.store import timers
from bot.store.engine import Store

PER_SLOT = 2
"""How often a worker wakes up in each slot: once alone would now and then hit the same slot twice, and then none."""

_log = structlog.get_logger(__name__)


class Timers:
    """Lets sweeps run once in each slot."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def once(self, name: str, every: timedelta, sweep: Sweep) -> Sweep:
        """A sweep that does nothing in a slot that was taken. One that fails leaves its slot unfinished.

        Slots that nobody finished are made up for by the next one, and said in the log.
        """

        async def sweep_once() -> bool:
            slot = await self._store.write(partial(timers.take, name=name, every=every, now=self._clock.now()))
            if slot is None:
                return False
            if slot.missed < 0:
                _log.warning("timer.put_back", timer=name)
            elif slot.missed:
                _log.info("timer.merged", timer=name, slots=slot.missed)
            await sweep()
            await self._store.write(partial(timers.finish, name=name, slot=slot.at))
            return True

        return sweep_once

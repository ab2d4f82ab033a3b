"""The core as an adapter sees it: what takes messages in, runs commands, and learns."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog

from bot import schedule
from bot.commands.registry import Commands
from bot.departures import Departures
from bot.intake import Intake
from bot.lanes import Lanes
from bot.learning import Learning
from bot.messages import Platform
from bot.ports import Adapter, Clock, Model
from bot.settings import Settings
from bot.store import retention, sessions
from bot.store.engine import Store
from bot.tasks import alongside
from bot.tidying import Tidying

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What an adapter works with. Registering in `adapters` lets replies find their platform."""

    settings: Settings
    store: Store
    clock: Clock
    model: Model
    intake: Intake
    commands: Commands
    learning: Learning
    tidying: Tidying
    departures: Departures
    lanes: Lanes
    adapters: dict[Platform, Adapter] = field(default_factory=dict)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Answer what an earlier run left open, and run the sweeps; leaving lets answers finish that are being written.

        Enter it inside the connections to the platforms, so that those answers can still be shown.
        """
        unparked = await self.store.write(sessions.unpark)
        if unparked:
            _log.info("sessions.unparked", sessions=unparked)
        recovered = await self.intake.recover()
        if recovered:
            _log.info("inbox.recovered", messages=recovered)
        sweeps = (self.learning.sweep, self.tidying.sweep, self.departures.sweep, self.intake.recover, self._erase_old)
        async with schedule.every(self.settings.sweep_every, *sweeps), alongside(self.model.warm):
            try:
                yield
            finally:
                await self.lanes.drain()

    async def _erase_old(self) -> None:
        settings = self.settings
        erase = partial(
            retention.erase_old, message_life=settings.message_retention, reply_life=settings.reply_retention
        )
        await self.store.write(partial(erase, now=self.clock.now()))
        await self.store.scrub()

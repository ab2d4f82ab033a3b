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
from bot.purging import Purging
from bot.rechecking import Rechecking
from bot.settings import Settings
from bot.special import SpecialCategories
from bot.store import erasing, retention, sessions
from bot.store.engine import Store
from bot.tasks import alongside
from bot.tidying import Tidying
from bot.web import Web

MAX_COMPACTED_BYTES = 128 * 1024 * 1024
"""A larger database is not written anew: it would hold up answers for more than about a second. Nothing is readable in
what it leaves, since the keys of whoever was erased are gone."""

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
    purging: Purging
    special: SpecialCategories
    rechecking: Rechecking
    lanes: Lanes
    adapters: dict[Platform, Adapter] = field(default_factory=dict)
    web: Web = field(default_factory=Web)

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
        ending = (self.departures.sweep, self.purging.sweep, self.special.sweep, self._erase_old, self._compact)
        sweeps = (self.learning.sweep, self.tidying.sweep, self.rechecking.sweep, self.intake.recover, *ending)
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

    async def _compact(self) -> None:
        now = self.clock.now()
        if await self.store.read(partial(erasing.is_compaction_due, now=now)):
            if not await self.store.compact(max_bytes=MAX_COMPACTED_BYTES):
                _log.info("store.not_compacted", reason="larger than is written anew while members wait")
            await self.store.write(partial(erasing.compacted, now=now))

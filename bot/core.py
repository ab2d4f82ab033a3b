"""The core as an adapter sees it: what takes messages in, runs commands, and learns."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from bot import errors, schedule, steps
from bot.catching_up import CatchingUp
from bot.commands.registry import Commands
from bot.departures import Departures
from bot.holds import Holds
from bot.intake import Intake
from bot.lanes import Lanes
from bot.learning import Learning
from bot.leases import SCHEDULER, Leases
from bot.messages import Platform
from bot.ports import Adapter, Clock, Model
from bot.purging import Purging
from bot.rechecking import Rechecking
from bot.settings import Settings
from bot.special import SpecialCategories
from bot.store import erasing, inbox, retention, sessions
from bot.store.engine import Store
from bot.tasks import alongside
from bot.tidying import Tidying
from bot.timers import PER_SLOT, Timers
from bot.web import Web

TAKE_OVER_EVERY = timedelta(seconds=3)
"""How often a worker looks for messages that others had and let run out."""

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
    catching_up: CatchingUp
    leases: Leases
    timers: Timers
    holds: Holds
    lanes: Lanes
    adapters: dict[Platform, Adapter] = field(default_factory=dict)
    web: Web = field(default_factory=Web)
    links: dict[str, Callable[[], bool]] = field(default_factory=dict)
    """For each connection of this process, by its platform and shard, what says whether it is there now."""
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once messages are answered."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once nothing more is to be taken in; what is being answered is finished."""

    def connected(self) -> dict[str, bool]:
        """Which of the connections that this process has to hold are there."""
        return {name: is_up() for name, is_up in self.links.items()}

    def stop(self) -> None:
        """Take nothing more in."""
        self.stopping.set()
        self.web.stop()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Answer what an earlier run left open, and run the sweeps; leaving lets answers finish that are being written.

        Of several workers on a database, each answers and learns, and one runs the other sweeps.

        Enter it inside the connections to the platforms, so that those answers can still be shown.
        """
        unparked = await self.store.write(sessions.unpark)
        if unparked:
            _log.info("sessions.unparked", sessions=unparked)
        recovered = await self.intake.recover()
        if recovered:
            _log.info("inbox.recovered", messages=recovered)
        self.catching_up.begin()
        hearing = (self.catching_up.sweep, self.rechecking.sweep, self.intake.recover)
        async with (
            alongside(self.holds.renewing),
            schedule.every(self.settings.sweep_every, self.learning.sweep, *hearing),
            schedule.every(TAKE_OVER_EVERY, *([] if self.holds.worker.is_alone else [self.intake.take_over])),
            self.leases.held([SCHEDULER], self._leading),
            alongside(self.model.warm),
        ):
            self.begun.set()
            try:
                yield
            finally:
                self.stop()
                self.catching_up.stop()
                await self.lanes.drain()
                await self._say_parked()

    async def _say_parked(self) -> None:
        """Say how many messages wait for the next start."""
        try:
            unsettled = partial(inbox.unsettled, now=self.clock.now(), worker=self.holds.worker)
            parked = len(await self.store.read(unsettled))
        except errors.StoreError as error:  # whatever ended us is the news
            _log.warning("messages.unknown", error=type(error).__name__)
            return
        if parked:
            _log.warning("messages.parked", messages=parked)
            steps.happened("parked", parked)

    @asynccontextmanager
    async def _leading(self, _lease: str) -> AsyncIterator[None]:
        """Run the sweeps that one worker runs for all, each once in a slot of SWEEP_EVERY."""
        once = {
            "tidying": self.tidying.sweep,
            "departures": self.departures.sweep,
            "purging": self.purging.sweep,
            "special": self.special.sweep,
            "retention": self._erase_old,
            "compaction": self._compact,
        }
        every = self.settings.sweep_every
        sweeps = [self.timers.once(name, every, sweep) for name, sweep in once.items()]
        async with schedule.every(every / PER_SLOT, *sweeps):
            yield

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

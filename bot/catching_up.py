"""Catching up: what was said to us while we did not hear it is read in histories, and the newest of it answered.

Slack delivers for some minutes what nobody took, Discord nothing to a new session. So with a start, and whenever
something may have been missed, rooms are read back to the moment until which everything was heard, within a horizon.
What is found goes the way of live messages: one that comes both ways is accepted once. Decision 0025.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import errors
from bot.intake import Intake
from bot.lanes import Lanes
from bot.messages import Message, Platform, Room
from bot.ports import Adapter, Clock, History
from bot.store import missed
from bot.store.engine import Store

MAX_ANSWERS = 5
"""Missed messages of one room that are answered, the newest: nobody reads a dozen late answers at once."""

RECENT = timedelta(minutes=2)
"""What was said so recently is answered however much it is: whoever asked is still there, and saw nothing but a pause,
such as that of a new version being started."""

ROOM_LIFE = timedelta(days=30)
"""A room in which we were not spoken to for so long is not read."""

MAX_ROOMS = 100
"""Of a platform, those with the newest talk."""

MAX_CALLS = 2 * MAX_ROOMS
"""For one catch-up, so that every room is read: three minutes of calls at most. What is beyond stays unread."""

MAX_PAGES = 3
"""Of one room: six hundred posts on Slack, three hundred on Discord, most of them not for us."""

MAX_FAILURES = 3
"""A platform that fails so often is left alone until the next sweep, and after so many sweeps for good."""

PAUSE_S = 1.0
"""Between two calls; Slack allows fifty a minute, and says so if others of ours took them."""

MARGIN = timedelta(minutes=2)
"""What was said so recently may be lost without our knowing: no platform's client notices a dead line sooner."""

AHEAD = timedelta(minutes=1)
"""How far a platform's clock may be ahead of ours."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What one catch-up came to."""

    calls: int = 0
    failures: int = 0
    accepted: int = 0
    passed_over: int = 0
    unread: int = 0
    """Rooms that could not be read, or not within the bounds."""

    @property
    def is_over(self) -> bool:
        return self.calls >= MAX_CALLS or self.failures >= MAX_FAILURES


class CatchingUp:
    """Closes gaps in what was heard. One that is cut short is begun anew, with the same end."""

    def __init__(
        self,
        *,
        store: Store,
        intake: Intake,
        lanes: Lanes,
        adapters: Mapping[Platform, Adapter],
        clock: Clock,
        horizon: timedelta,
    ) -> None:
        self._store = store
        self._intake = intake
        self._lanes = lanes
        self._adapters = adapters
        self._clock = clock
        self._horizon = horizon
        self._gaps = Counter[Platform]()
        """How often something may have been missed, the time before the start aside."""
        self._closed: dict[Platform, int] = {}
        self._failed = Counter[Platform]()
        """Catch-ups in a row that a platform's failures cut short."""
        self._heard_at: dict[Platform, datetime] = {}
        """When a platform was looked at last, if it was heard then."""
        self._is_stopping = False

    def missed(self, platform: Platform) -> None:
        """Something said on a platform may not have reached us: catch up now, without anybody waiting for it."""
        self._gaps[platform] += 1
        self._soon(platform)

    def stop(self) -> None:
        """Read nothing more: the process ends, and what is left is due at the next start."""
        self._is_stopping = True

    def begin(self) -> None:
        """Catch up on every connected platform that was not caught up with since the start."""
        for platform in self._adapters:
            self._soon(platform)

    async def sweep(self) -> int:
        """Catch up where it is due, and remember until when all else was heard. Returns how many were accepted."""
        return sum([await self._look(adapter) for adapter in list(self._adapters.values())])

    def _soon(self, platform: Platform) -> None:
        if self._is_due(platform):
            self._lanes.submit(f"catching up on {platform}", platform, partial(self._guarded, platform))

    def _is_due(self, platform: Platform) -> bool:
        return self._closed.get(platform) != self._gaps[platform]

    async def _guarded(self, platform: Platform) -> None:
        try:
            if platform in self._adapters:
                await self._look(self._adapters[platform])
        except Exception as error:  # noqa: BLE001 - the outer edge, as in a sweep: the next one tries again
            _log.error("catch_up.failed", platform=platform, error=type(error).__name__)

    async def _look(self, adapter: Adapter) -> int:
        platform, now = adapter.platform, self._clock.now()
        heard_at = self._heard_at.pop(platform, None)
        if self._is_stopping or not self._horizon or not await adapter.hears():
            return 0
        self._heard_at[platform] = now
        if self._is_due(platform):
            return await self._close(adapter, now)
        if heard_at is not None and now - heard_at <= MARGIN:  # else there may be a gap we are not told of yet
            await self._store.write(partial(missed.hear, streams=adapter.streams, until=now - MARGIN))
        return 0

    async def _close(self, adapter: Adapter, now: datetime) -> int:
        """Close the gap before a moment, unless the platform fails: then the next sweep tries, for some time."""
        platform, gap = adapter.platform, self._gaps[adapter.platform]
        tally = await self._caught_up(adapter, now)
        if self._is_stopping:
            return tally.accepted
        self._failed[platform] = self._failed[platform] + 1 if tally.failures else 0
        if not 0 < self._failed[platform] < MAX_FAILURES:
            self._closed[platform] = gap
            await self._store.write(partial(missed.hear, streams=adapter.streams, until=now - MARGIN))
        return tally.accepted

    async def _caught_up(self, adapter: Adapter, now: datetime) -> _Tally:
        """Read what may hold something new; nothing where we never listened before."""
        tally = _Tally()
        heard = await self._store.read(partial(missed.heard_until, streams=adapter.streams))
        if heard is None:
            return tally
        since = max(heard, now - self._horizon)
        known = partial(missed.rooms, platform=adapter.platform, since=now - ROOM_LIFE, most=MAX_ROOMS)
        ours = [room for room in await self._store.read(known) if adapter.serves(room)]
        waiting = [*await adapter.spoken_in(ours, since=since)]
        seen = {(room.tenant, room.id) for room in waiting}
        for room in waiting:  # grows while it is read
            if tally.is_over or self._is_stopping:
                tally.unread += 1
                continue
            for thread in await self._read(adapter, room, since, now + AHEAD, tally):
                if (thread.tenant, thread.id) not in seen:
                    seen.add((thread.tenant, thread.id))
                    waiting.append(thread)
        _report(adapter.platform, tally)
        return tally

    async def _read(self, adapter: Adapter, room: Room, since: datetime, until: datetime, tally: _Tally) -> list[Room]:
        """Accept what was missed in a room; returns threads of it in which there may be more."""
        found: dict[str, Message] = {}
        threads: list[Room] = []
        for _ in range(MAX_PAGES):
            page = await self._asked(adapter, room, since, until, tally)
            if page is None:
                tally.unread += 1
                break
            found |= {one.key: one for one in page.to_us}
            threads += page.threads
            if (page.since, page.until) == (since, until) or tally.is_over:
                break
            since, until = (since, page.since) if page.since > since else (page.until, until)
        await self._take(sorted(found.values(), key=lambda one: one.said_at), tally)
        return threads

    async def _asked(
        self, adapter: Adapter, room: Room, since: datetime, until: datetime, tally: _Tally
    ) -> History | None:
        if tally.calls:
            await self._clock.sleep(PAUSE_S)
        tally.calls += 1
        try:
            return await adapter.history(room, since=since, until=until)
        except errors.PlatformError as error:
            tally.failures += 1
            _log.warning("history.failed", platform=adapter.platform, error=type(error).__name__, why=str(error))
            return None

    async def _take(self, messages: Sequence[Message], tally: _Tally) -> None:
        """Accept the newest of what nobody accepted yet, oldest first; whoever said the one before them is told."""
        news = await self._store.read(partial(missed.news, messages=messages))
        recent = sum(one.said_at >= self._clock.now() - RECENT for one in news)
        most = max(MAX_ANSWERS, recent)
        older, newest = news[:-most], news[-most:]
        for one in newest:
            tally.accepted += await self._intake.accept(one)
        if older:  # last, so that no answer has its turn after this
            await self._intake.pass_over(older[-1])
            tally.passed_over += len(older)


def _report(platform: Platform, tally: _Tally) -> None:
    """One record for the catch-up; none if there was nothing to read."""
    if tally.calls:
        _log.info(
            "catch_up.finished",
            platform=platform,
            calls=tally.calls,
            accepted=tally.accepted,
            passed_over=tally.passed_over,
            unread=tally.unread,
        )

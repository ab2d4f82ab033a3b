"""Rechecking: what was deleted or edited on a platform while nobody listened is found out by reading its history.

Platforms tell of such changes once, and only to who is connected. So with the first sweep after a start, and once
events may have been missed, every message that is held or rested on is looked for in pages of its room's history, and
what is found out goes the way of the live events. Only a stretch that was certainly read whole says anything: a room
that cannot be read, and a platform that fails, change nothing. Decision 0022.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot import errors
from bot.intake import Intake
from bot.messages import Deletion, Edit, Platform, Room
from bot.ports import Adapter, Clock, History, Standing
from bot.store import held
from bot.store.engine import Store
from bot.store.held import Held
from persona.audience import RoomKind

EVIDENCE_LIFE = timedelta(days=7)
"""How old a message may be whose text is erased and whose evidence is still looked after: what people take back they
take back within days, and every start pays for each day more."""

TEXT_LIFE = timedelta(days=60)
"""How old a kept text may be: Slack's free plan hides what is older than ninety days, which must not look deleted."""

LAG = timedelta(minutes=1)
"""What was said just now is left out: a history may not show it yet, and what becomes of it we hear."""

MAX_MESSAGES = 5_000
"""Of one platform, the newest: what they take to hold and to compare stays small."""

MAX_CALLS = 300
"""For one platform and check: ten minutes of calls at most, for what takes one or two in most workspaces."""

MAX_CALLS_PER_ROOM = 10
"""Two thousand messages on Slack, one thousand on Discord; a louder room leaves some for the others."""

MAX_FAILURES = 3
"""A platform that fails so often in one check is left alone."""

PAUSE_S = 2.0
"""Between two calls: thirty a minute, where Slack allows fifty and our own deliveries have to ask as well."""

AGAIN_AFTER = timedelta(hours=1)
"""Between two checks of a platform in one run: connections that come and go all the time are not worth more."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What one check of a platform came to."""

    calls: int = 0
    failures: int = 0
    deleted: int = 0
    edited: int = 0
    """Messages that show an edit, known or not: taking one over again changes nothing."""
    unread: Counter[RoomKind] = field(default_factory=Counter)
    """Rooms that could not be read, by kind."""

    @property
    def is_over(self) -> bool:
        return self.calls >= MAX_CALLS or self.has_failed

    @property
    def has_failed(self) -> bool:
        return self.failures >= MAX_FAILURES


class Rechecking:
    """Looks after what is held of messages. A check that is cut short is begun anew later, with the same end."""

    def __init__(
        self,
        *,
        store: Store,
        intake: Intake,
        adapters: Mapping[Platform, Adapter],
        clock: Clock,
        is_leading: Callable[[], bool] = lambda: True,
    ) -> None:
        """`is_leading` tells whether this is the one worker that checks what any could."""
        self._is_leading = is_leading
        self._store = store
        self._intake = intake
        self._adapters = adapters
        self._clock = clock
        self._missed: set[Platform] = set()
        self._checked_at: dict[Platform, datetime] = {}

    def missed(self, platform: Platform) -> None:
        """Events of a platform may have been missed: it is checked again, within `AGAIN_AFTER`."""
        self._missed.add(platform)

    async def sweep(self) -> int:
        """Check every connected platform that was not checked since the start, or is to be checked again.

        Returns how many messages were found deleted. Takes as long as the pauses between calls do, in the background.
        """
        due = [adapter for platform, adapter in self._adapters.items() if self._is_due(platform)]
        return sum([await self._begin(adapter) for adapter in due])

    async def _begin(self, adapter: Adapter) -> int:
        platform = adapter.platform
        self._checked_at[platform] = self._clock.now()
        self._missed.discard(platform)
        is_done = False
        try:
            tally = await self._check(adapter)
            is_done = not tally.has_failed
        finally:
            if not is_done:
                self.missed(platform)
        return tally.deleted

    def _is_due(self, platform: Platform) -> bool:
        checked_at = self._checked_at.get(platform)
        if checked_at is None:
            return platform in self._missed or self._is_leading()
        return platform in self._missed and self._clock.now() - checked_at >= AGAIN_AFTER

    async def _check(self, adapter: Adapter) -> _Tally:
        now, tally = self._clock.now(), _Tally()
        look = partial(
            held.messages,
            platform=adapter.platform,
            text_since=now - TEXT_LIFE,
            evidence_since=now - EVIDENCE_LIFE,
            until=now - LAG,
            most=MAX_MESSAGES,
        )
        ours = [one for one in await self._store.read(look) if adapter.serves(one.room)]
        for room, messages in _by_room(ours, adapter):
            if tally.is_over:
                break
            await self._check_room(adapter, room, messages, tally)
        _report(adapter.platform, tally)
        return tally

    async def _check_room(self, adapter: Adapter, room: Room, messages: Sequence[Held], tally: _Tally) -> None:
        """Ask for no more of the room than the stretch from its oldest to its newest message that is left."""
        left = list(messages)
        for _ in range(MAX_CALLS_PER_ROOM):
            if not left or tally.is_over:
                return
            history = await self._asked(adapter, room, left, tally)
            if history is None:
                tally.unread[room.kind] += 1
                return
            read = [one for one in left if history.covers(one.said_at)]
            if not read:
                return
            for one in read:
                await self._compare(one, history.standing.get(one.message), tally)
            left = [one for one in left if not history.covers(one.said_at)]

    async def _asked(self, adapter: Adapter, room: Room, left: Iterable[Held], tally: _Tally) -> History | None:
        moments = [one.said_at for one in left]
        if tally.calls:
            await self._clock.sleep(PAUSE_S)
        tally.calls += 1
        try:
            return await adapter.history(room, since=min(moments), until=max(moments))
        except errors.PlatformError as error:
            tally.failures += 1
            _log.warning("history.failed", platform=adapter.platform, error=type(error).__name__, why=str(error))
            return None

    async def _compare(self, one: Held, standing: Standing | None, tally: _Tally) -> None:
        if standing is None:
            await self._intake.delete(Deletion(room=one.room, message=one.message))
            tally.deleted += 1
        elif standing.is_edited:
            await self._intake.edit(Edit(room=one.room, message=one.message, author=one.author, text=standing.text))
            tally.edited += 1


def _by_room(messages: Iterable[Held], adapter: Adapter) -> list[tuple[Room, list[Held]]]:
    """The messages by the room in whose history they stand; whichever holds the newest one first."""
    rooms: dict[tuple[str, str], tuple[Room, list[Held]]] = {}
    for one in messages:
        room = adapter.listed_in(one.room, one.message)
        rooms.setdefault((room.tenant, room.id), (room, []))[1].append(one)
    return list(rooms.values())


def _report(platform: Platform, tally: _Tally) -> None:
    """One record for the check, and one for each kind of room that could not be read; none if there was nothing."""
    if not tally.calls:
        return
    _log.info("history.checked", platform=platform, calls=tally.calls, deleted=tally.deleted, edited=tally.edited)
    for kind, rooms in tally.unread.items():
        _log.info("history.unread", platform=platform, kind=kind, rooms=rooms)

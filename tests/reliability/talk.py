"""Members who talk in many rooms of both platforms: each room goes on once its last messages have their outcome."""

import asyncio
from collections import Counter
from contextlib import suppress
from random import Random

from tests.reliability.auditor import MAX_ITEMS, Said
from tests.reliability.platforms import Platform, is_direct
from tests.reliability.stage import Stage

MOST_AT_ONCE = 2
"""Messages of one room that wait together: the second has to come after the first."""

AHEAD = 5
"""Messages that may be said before somebody allows more."""

SEATS = 2
"""Rooms that are spoken in at the same moment, and so answers under way when a process is killed."""

MORE_SEATS = 6
"""Rooms that join them once nobody is killed any more."""

PATIENCE_S = 60.0
"""How long a room waits for an outcome: longer than Rapport is away, however often it is killed."""


class Talk:
    """So many messages over so many rooms of each platform. `run` it once, and again for what is added afterwards."""

    def __init__(self, stage: Stage, *, messages: int, chance: Random, seats: int = SEATS) -> None:
        self._stage = stage
        self._left = messages
        self._chance = chance
        self._seats = asyncio.Semaphore(seats)
        self._allowed = asyncio.Semaphore(AHEAD)
        self._told: Counter[tuple[str, int]] = Counter()

    async def run(self) -> None:
        """Talk until everything is said and has its outcome."""
        async with asyncio.TaskGroup() as talking:
            for room in range(self._stage.rooms):
                for platform in self._stage.platforms:
                    talking.create_task(self._in_room(platform, room))

    def go_on(self, messages: int) -> None:
        """Let so many more messages be said."""
        for _ in range(messages):
            self._allowed.release()

    def add(self, messages: int) -> None:
        """Have so many more messages to say, and be allowed to."""
        self._left += messages
        self.go_on(messages)

    def spread_out(self) -> None:
        """Let more rooms be spoken in from now on: nobody is killed any more."""
        for _ in range(MORE_SEATS):
            self._seats.release()

    async def _in_room(self, platform: Platform, room: int) -> None:
        while True:
            async with self._seats:
                number = min(self._chance.randint(1, MOST_AT_ONCE), self._left)
                if number == 0:
                    return
                self._left -= number
                said = [await self._say(platform, room) for _ in range(number)]
                for one in said:
                    with suppress(AssertionError):  # the auditor says it better
                        await self._stage.answered(platform, one, timeout_s=PATIENCE_S)

    async def _say(self, platform: Platform, room: int) -> Said:
        await self._allowed.acquire()
        member = room if is_direct(room) else self._chance.randrange(self._stage.members)
        teaches = self._told[platform.name, member] < MAX_ITEMS
        self._told[platform.name, member] += teaches
        return await self._stage.says(platform, member=member, room=room, teaches=teaches)
